//! The growing side of the tiles: every hash that no full tile on disk holds yet. Knows no older ones; those are read from the tiles.

use std::collections::VecDeque;

use crate::custody::parts::MerkleTree;
use crate::custody::tile::{
    Kind, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, decode_entries, decode_hashes, encode_entries, encode_hashes,
};
use crate::custody::tree::leaf_hash;
use crate::model::ident::Digest;

const WIDTH: u64 = TILE_WIDTH as u64;

/// The tiles at the right edge of a log, in memory: on each tile level the growing tile, and the full ones that are
/// not durable as files yet. A few tens of KiB, however long the log.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    /// The entries of the tiles of level 0.
    entries: VecDeque<Digest>,
    levels: Vec<Level>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    /// The number of the first tile held.
    first: u64,
    tiles: VecDeque<MerkleTree>,
}

impl Frontier {
    /// The frontier of the log without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of a log of `size` entries, from the bytes of its partial tiles. The caller checks
    /// the root of the whole against a signed one.
    pub fn load<F>(size: u64, read: F) -> Result<Self, LoadError>
    where
        F: Fn(&Tile) -> Option<Vec<u8>>,
    {
        let mut frontier = Self { size, ..Self::default() };
        for level in 0..TILE_HEIGHT {
            let hashes = size >> (TILE_HEIGHT * level);
            let mut held = Level { first: hashes / WIDTH, tiles: VecDeque::new() };
            let width = u16::try_from(hashes % WIDTH).expect("invariant: below 256");
            if width > 0 {
                let tile = Tile::new(Kind::Hashes { level }, held.first, width)?;
                let bytes = read(&tile).ok_or(LoadError::Missing)?;
                held.tiles.push_back(MerkleTree::of(decode_hashes(&tile, &bytes)?));
            }
            if level == 0 && width > 0 {
                let tile = Tile::new(Kind::Entries, held.first, width)?;
                let bytes = read(&tile).ok_or(LoadError::Missing)?;
                for entry in decode_entries(&tile, &bytes)? {
                    frontier.entries.push_back(Digest::try_from(entry).map_err(|_| TileError::Length)?);
                }
                let leaves = frontier.entries.iter().map(|entry| leaf_hash(&entry.0));
                if !held.tiles.iter().flat_map(MerkleTree::leaves).copied().eq(leaves) {
                    return Err(LoadError::Missing);
                }
            }
            frontier.levels.push(held);
        }
        Ok(frontier)
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many entries are held in memory.
    pub fn held(&self) -> usize {
        self.entries.len()
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: Digest) {
        self.entries.push_back(entry);
        self.size += 1;
        let mut hash = Some(leaf_hash(&entry.0));
        let mut number = 0;
        while let Some(pushed) = hash {
            if self.levels.len() <= number {
                self.levels.push(Level::default());
            }
            hash = self.levels.get_mut(number).and_then(|level| level.push(pushed));
            number += 1;
        }
    }

    /// The hash of the complete subtree `index` on `level` of the tree, if it is held.
    pub fn node(&self, level: u8, index: u64) -> Option<Digest> {
        let place = Place::of(level, index);
        let held = self.levels.get(usize::from(place.tile_level))?;
        let number = usize::try_from(place.tile.checked_sub(held.first)?).ok()?;
        held.tiles.get(number)?.node(place.row, place.column)
    }

    /// The bytes of a tile or bundle, if all of it is held.
    pub fn tile(&self, tile: &Tile) -> Option<Vec<u8>> {
        let level = match tile.kind() {
            Kind::Hashes { level } => level,
            Kind::Entries => 0,
        };
        let held = self.levels.get(usize::from(level))?;
        let number = usize::try_from(tile.index().checked_sub(held.first)?).ok()?;
        let width = usize::from(tile.width());
        let hashes = held.tiles.get(number)?.leaves().get(..width)?;
        match tile.kind() {
            Kind::Hashes { .. } => Some(encode_hashes(hashes)),
            Kind::Entries => {
                let start = number * usize::from(TILE_WIDTH);
                let entries: Vec<Digest> = self.entries.iter().skip(start).take(width).copied().collect();
                Some(encode_entries(&entries))
            }
        }
    }

    /// Lets go of every tile that is full in a log of `durable` entries, because its file is durable now.
    pub fn release(&mut self, durable: u64) {
        let durable = durable.min(self.size);
        let mut shift = 0;
        for (number, level) in self.levels.iter_mut().enumerate() {
            let first = (durable >> shift) / WIDTH;
            while level.first < first && level.tiles.pop_front().is_some() {
                level.first += 1;
                if number == 0 {
                    self.entries.drain(..usize::from(TILE_WIDTH).min(self.entries.len()));
                }
            }
            shift += TILE_HEIGHT;
        }
    }
}

impl Level {
    /// Appends a hash; gives the root of the tile if that made it full.
    fn push(&mut self, hash: Digest) -> Option<Digest> {
        if self.tiles.back().is_none_or(|tile| tile.len() == WIDTH) {
            self.tiles.push_back(MerkleTree::new());
        }
        let tile = self.tiles.back_mut()?;
        tile.push(hash);
        tile.node(TILE_HEIGHT, 0)
    }
}

/// Where in the tiles a node of the tree stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The level of the tile.
    pub tile_level: u8,
    /// The number of the tile.
    pub tile: u64,
    /// The height above the tile's hashes, 0 to 7.
    pub row: u8,
    /// The number in that row.
    pub column: u64,
}

impl Place {
    /// The place of node `index` on `level` of the tree.
    pub fn of(level: u8, index: u64) -> Self {
        let row = level % TILE_HEIGHT;
        let per_tile = TILE_HEIGHT - row;
        Self { tile_level: level / TILE_HEIGHT, tile: index >> per_tile, row, column: index & ((1 << per_tile) - 1) }
    }
}

/// Why a frontier could not be read from the tiles. The answer is always to derive the tiles again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A tile is missing or does not fit its bundle.
    #[error("a tile at the right edge of the log is missing or damaged")]
    Missing,
    /// A tile has the wrong length.
    #[error(transparent)]
    Tile(#[from] TileError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::tile::tiles_between;
    use crate::custody::tree::root;
    use std::collections::HashMap;

    fn entry(number: u64) -> Digest {
        crate::crypto::digest::sha256(&number.to_be_bytes())
    }

    #[test]
    fn the_frontier_and_the_files_together_know_every_node() {
        let mut files: HashMap<String, Vec<u8>> = HashMap::new();
        let (mut frontier, mut tree) = (Frontier::new(), MerkleTree::new());
        let mut published = 0;
        for number in 0..66_500_u64 {
            frontier.push(entry(number));
            tree.push(leaf_hash(&entry(number).0));
            let size = number + 1;
            if number % 977 != 0 && size != 66_500 {
                continue;
            }
            for tile in tiles_between(published, size) {
                files.insert(tile.path(), frontier.tile(&tile).unwrap());
            }
            frontier.release(size);
            published = size;
            let expected = usize::try_from(size % WIDTH).unwrap();
            assert_eq!(frontier.held(), expected);
            let node = |level, index| {
                frontier.node(level, index).or_else(|| {
                    let place = Place::of(level, index);
                    let kind = Kind::Hashes { level: place.tile_level };
                    let tile = Tile::new(kind, place.tile, 256).unwrap();
                    let hashes = decode_hashes(&tile, files.get(&tile.path())?).unwrap();
                    MerkleTree::of(hashes).node(place.row, place.column)
                })
            };
            assert_eq!(root(size, node), Ok(tree.root()));
            let loaded = Frontier::load(size, |tile| files.get(&tile.path()).cloned()).unwrap();
            assert_eq!(loaded.entries, frontier.entries);
            for tile in tiles_between(size - 1, size).filter(|tile| !tile.is_full()) {
                assert_eq!(loaded.tile(&tile), frontier.tile(&tile));
            }
        }
        assert_eq!(files["tile/2/000.p/1"].len(), 32);
    }

    #[test]
    fn a_missing_short_or_foreign_partial_tile_is_noticed() {
        let mut frontier = Frontier::new();
        (0..5).for_each(|number| frontier.push(entry(number)));
        let read = |tile: &Tile| frontier.tile(tile);
        assert!(Frontier::load(5, read).is_ok());
        assert!(Frontier::load(5, |_| None).is_err());
        assert!(
            Frontier::load(5, |tile| read(tile).map(|mut bytes| {
                bytes.pop();
                bytes
            }))
            .is_err()
        );
        assert!(
            Frontier::load(5, |tile| read(tile).map(|mut bytes| {
                bytes[10] ^= 1;
                bytes
            }))
            .is_err()
        );
    }
}
