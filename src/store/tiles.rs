//! The tile files of the custody log: written whole and durably, read back through a small cache. Derived; believed only under a signed root.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::custody::frontier::Place;
use crate::custody::parts::MerkleTree;
use crate::custody::tile::{Kind, TILE_WIDTH, Tile, decode_hashes, tiles_between};
use crate::model::ident::Digest;
use crate::model::limits::TILES_CACHED_MAX;
use crate::store::files::{create_dir_durably, read_if_there, replace, replace_durably, sync_dir};

/// The published log below `custody/`.
///
/// ```text
/// custody/checkpoint            the newest published signed note
/// custody/log.vkey              the verifier keys, one a line, Ed25519 first
/// custody/tile/<L>/<N>          hashes      custody/tile/entries/<N>    commitments
/// ```
#[derive(Debug)]
pub struct TileFiles {
    dir: PathBuf,
    /// Full tiles with all their nodes, the least recently used first.
    cache: Mutex<VecDeque<Cached>>,
    temporaries: AtomicU64,
}

/// A full tile by its level and number.
type Cached = ((u8, u64), Arc<MerkleTree>);

impl TileFiles {
    /// The files below `custody_dir`.
    pub fn new(custody_dir: &Path) -> Self {
        let cache = Mutex::new(VecDeque::new());
        Self { dir: custody_dir.to_owned(), cache, temporaries: AtomicU64::new(0) }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The hash of a complete subtree, from the full tile that it stands in.
    pub fn node(&self, level: u8, index: u64) -> Option<Digest> {
        let place = Place::of(level, index);
        self.full_tile(place.tile_level, place.tile)?.node(place.row, place.column)
    }

    /// The bytes of a tile, if it is there in its right length.
    pub fn read(&self, tile: &Tile) -> Option<Vec<u8>> {
        let bytes = fs::read(self.dir.join(tile.path())).ok()?;
        (bytes.len() == byte_length(tile)).then_some(bytes)
    }

    /// Whether every tile of a log of `size` entries is there in its right length. Says nothing of its bytes.
    pub fn are_complete(&self, size: u64) -> bool {
        tiles_between(0, size).all(|tile| {
            let found = fs::metadata(self.dir.join(tile.path()));
            found.is_ok_and(|found| found.len() == byte_length(&tile) as u64)
        })
    }

    /// Writes tiles; all durable when it returns.
    pub fn write(&self, tiles: &[(Tile, Vec<u8>)]) -> io::Result<()> {
        let mut dirs = BTreeSet::new();
        for (tile, bytes) in tiles {
            let path = self.dir.join(tile.path());
            let parent = path.parent().unwrap_or(&self.dir);
            if !dirs.contains(parent) {
                create_dir_durably(parent)?;
                dirs.insert(parent.to_owned());
            }
            replace(&path, bytes, &self.temporary())?;
        }
        dirs.iter().try_for_each(|dir| sync_dir(dir))?;
        self.forget();
        Ok(())
    }

    /// Writes the checkpoint; call it after its tiles are durable.
    pub fn publish(&self, note: &[u8]) -> io::Result<()> {
        replace(&self.dir.join("checkpoint"), note, &self.temporary())?;
        sync_dir(&self.dir)
    }

    /// The bytes of the published checkpoint.
    pub fn published(&self) -> io::Result<Option<Vec<u8>>> {
        read_if_there(&self.dir.join("checkpoint"))
    }

    /// Writes the verifier keys, one a line, unless they stand there so.
    pub fn keep_verifier_keys(&self, lines: &str) -> io::Result<()> {
        let path = self.dir.join("log.vkey");
        if read_if_there(&path)?.as_deref() == Some(lines.as_bytes()) {
            Ok(())
        } else {
            replace_durably(&path, lines.as_bytes())
        }
    }

    /// Deletes the partial tiles of those that became full between two sizes; the format allows it then.
    pub fn drop_partials(&self, old: u64, new: u64) {
        for tile in tiles_between(old, new).filter(Tile::is_full) {
            // What stays costs a little space and harms nobody.
            let _ = fs::remove_dir_all(self.dir.join(format!("{}.p", tile.path())));
        }
    }

    /// Empties the cache, after tiles were written anew.
    pub fn forget(&self) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn full_tile(&self, level: u8, index: u64) -> Option<Arc<MerkleTree>> {
        let wanted = (level, index);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache.iter().position(|(key, _)| *key == wanted) {
            let held = cache.remove(found)?;
            cache.push_back(held.clone());
            return Some(held.1);
        }
        drop(cache);
        let tile = Tile::new(Kind::Hashes { level }, index, TILE_WIDTH).ok()?;
        let hashes = decode_hashes(&tile, &self.read(&tile)?).ok()?;
        let nodes = Arc::new(MerkleTree::of(hashes));
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= TILES_CACHED_MAX {
            cache.pop_front();
        }
        cache.push_back((wanted, Arc::clone(&nodes)));
        Some(nodes)
    }

    /// A name of its own for each file on its way, so that two writers never share one.
    fn temporary(&self) -> PathBuf {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed) % 16;
        self.dir.join(format!(".new-{number}.tmp"))
    }
}

fn byte_length(tile: &Tile) -> usize {
    let each = match tile.kind() {
        Kind::Hashes { .. } => 32,
        Kind::Entries => 34,
    };
    usize::from(tile.width()) * each
}
