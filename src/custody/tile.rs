//! Tiles and entry bundles of a log (C2SP tlog-tiles): coordinates, paths, bytes. Refuses a path or a file that is not canonical.

use std::fmt;
use std::str::FromStr;

use crate::model::ident::Digest;

/// Hashes, or entries, of a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Each tile covers this many levels of the tree.
pub const TILE_HEIGHT: u8 = 8;
/// Highest tile level that the format names.
const TILE_LEVEL_MAX: u8 = 63;
/// Longest path: `tile/63/`, seven groups of `x123/`, `.p/255`.
const PATH_BYTES_MAX: usize = 64;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of complete subtrees; on level `l` each covers `256^l` leaves.
    Hashes {
        /// The tile level, 0 for leaf hashes.
        level: u8,
    },
    /// The entries themselves.
    Entries,
}

/// The coordinates of one file of the log.
///
/// ```text
/// tile/<level>/<N>[.p/<W>]     N in groups of three digits, all but the last with an x: 1234067 -> x001/x234/067
/// tile/entries/<N>[.p/<W>]     W: 1..255 for the growing tile at the right edge; none for a full one
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: Kind,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile `index` of a kind, with its first `width` (1 to 256) elements.
    pub fn new(kind: Kind, index: u64, width: u16) -> Result<Self, TileError> {
        let level_good = match kind {
            Kind::Hashes { level } => level <= TILE_LEVEL_MAX,
            Kind::Entries => true,
        };
        if level_good && (1..=TILE_WIDTH).contains(&width) {
            Ok(Self { kind, index, width })
        } else {
            Err(TileError::Coordinates)
        }
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its number from the left.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many elements it has.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never change again.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Its path below the log's directory.
    pub fn path(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes { level } => write!(out, "tile/{level}/")?,
            Kind::Entries => out.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        while let Some(group) = groups.pop() {
            let (before, after) = if groups.is_empty() { ("", "") } else { ("x", "/") };
            write!(out, "{before}{group:03}{after}")?;
        }
        if self.is_full() { Ok(()) } else { write!(out, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        if path.len() > PATH_BYTES_MAX {
            return Err(TileError::Path);
        }
        let rest = path.strip_prefix("tile/").ok_or(TileError::Path)?;
        let (kind, rest) = rest.split_once('/').ok_or(TileError::Path)?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes { level: level.parse().map_err(|_| TileError::Path)? },
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().map_err(|_| TileError::Path)?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().map_err(|_| TileError::Path)?;
            index = index.checked_mul(1_000).and_then(|index| index.checked_add(digits)).ok_or(TileError::Path)?;
        }
        let tile = Self::new(kind, index, width).map_err(|_| TileError::Path)?;
        // One tile has one path: `+1`, `1`, `x000/001` and `001.p/256` are other spellings of it.
        if tile.path() == path { Ok(tile) } else { Err(TileError::Path) }
    }
}

/// The tiles and bundles that a log of `new` entries has and one of `old` entries has not, in the order of their
/// levels. With `old` = 0: all that exist for `new`.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..TILE_HEIGHT).map(|level| (Kind::Hashes { level }, u32::from(level)));
    std::iter::once((Kind::Entries, 0)).chain(levels).flat_map(move |(kind, level)| {
        let shift = level * u32::from(TILE_HEIGHT);
        let (old, new) = (old >> shift, new >> shift);
        let width = u64::from(TILE_WIDTH);
        let indices = if old < new { old / width..new.div_ceil(width) } else { 0..0 };
        indices.map(move |index| Tile {
            kind,
            index,
            width: u16::try_from((new - index * width).min(width)).expect("invariant: at most 256"),
        })
    })
}

/// The bytes of a tile of hashes.
pub fn encode_hashes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile. Its length must be the one that its coordinates say.
pub fn decode_hashes(tile: &Tile, bytes: &[u8]) -> Result<Vec<Digest>, TileError> {
    if bytes.len() != usize::from(tile.width) * 32 {
        return Err(TileError::Length);
    }
    Ok(bytes.chunks_exact(32).filter_map(|hash| Digest::try_from(hash).ok()).collect())
}

/// The bytes of a bundle of commitments: for each `uint16 32 || commitment`.
pub fn encode_entries(entries: &[Digest]) -> Vec<u8> {
    entries.iter().flat_map(|entry| [0, 32].into_iter().chain(entry.0)).collect()
}

/// The entries of a bundle, of any log: for each `uint16 length || bytes`. As many as its coordinates say.
pub fn decode_entries<'a>(tile: &Tile, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, TileError> {
    let mut entries = Vec::with_capacity(usize::from(tile.width));
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(TileError::Length)?;
        if entries.len() == usize::from(tile.width) {
            return Err(TileError::Length);
        }
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() && entries.len() == usize::from(tile.width) { Ok(entries) } else { Err(TileError::Length) }
}

/// Why a tile was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Coordinates outside the format.
    #[error("a tile has a level of 0 to 63 and a width of 1 to 256")]
    Coordinates,
    /// Not the canonical path of a tile.
    #[error("not the path of a tile; write e.g. tile/0/x001/234 or tile/entries/007.p/12")]
    Path,
    /// The bytes do not have the length, or the number of elements, that the coordinates say.
    #[error("the bytes are not a tile of that width")]
    Length,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(old: u64, new: u64) -> Vec<String> {
        tiles_between(old, new).map(|tile| tile.path()).collect()
    }

    #[test]
    fn the_specifications_examples_have_their_paths() {
        let tile = Tile::new(Kind::Hashes { level: 0 }, 1_234_067, 256).unwrap();
        assert_eq!(tile.path(), "tile/0/x001/x234/067");
        assert_eq!(paths(0, 256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        let large = paths(0, 70_000);
        assert_eq!(large.iter().filter(|path| path.starts_with("tile/0/")).count(), 274);
        for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
            assert!(large.iter().any(|found| found == path), "{path}");
        }
    }

    #[test]
    fn growth_touches_the_right_edge_only() {
        assert_eq!(paths(5, 5), Vec::<String>::new());
        assert_eq!(paths(5, 6), ["tile/entries/000.p/6", "tile/0/000.p/6"]);
        assert_eq!(paths(300, 512), ["tile/entries/001", "tile/0/001", "tile/1/000.p/2"]);
    }

    #[test]
    fn another_spelling_of_a_path_is_refused() {
        for bad in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/1",
            "tile/0/+01",
            "tile/00/001",
            "tile/64/001",
            "tile/0/x000/001",
            "tile/0/001.p/256",
            "tile/0/001.p/0",
            "tile/0/001.p/01",
            "tile/0/001/002",
            "tile/-1/001",
            "/tile/0/001",
            "tile/0/../001",
            "tile/8/0/001",
            "tile/entries/x001",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(bad.parse::<Tile>(), Err(TileError::Path), "{bad}");
        }
    }

    #[test]
    fn a_bundle_with_a_missing_or_extra_byte_or_entry_is_refused() {
        let bytes = encode_entries(&[Digest([1; 32]), Digest([2; 32])]);
        let tile = |width| Tile::new(Kind::Entries, 0, width).unwrap();
        assert_eq!(decode_entries(&tile(2), &bytes).unwrap(), [[1; 32], [2; 32]]);
        assert!(decode_entries(&tile(1), &bytes).is_err());
        assert!(decode_entries(&tile(3), &bytes).is_err());
        assert!(decode_entries(&tile(2), &bytes[..67]).is_err());
        assert!(decode_entries(&tile(2), &[&bytes[..], &[0]].concat()).is_err());
        assert!(decode_hashes(&tile(2), &[0; 63]).is_err());
    }

    proptest! {
        #[test]
        fn every_tile_reads_back_from_its_path(level in 0_u8..64, entries in any::<bool>(), index in any::<u64>(), width in 1_u16..=256) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes { level } };
            let tile = Tile::new(kind, index, width).unwrap();
            prop_assert_eq!(tile.path().parse::<Tile>(), Ok(tile));
        }

        #[test]
        fn reading_arbitrary_paths_and_bundles_never_panics(path in ".*", bytes in any::<Vec<u8>>(), width in 1_u16..=256) {
            let _ = path.parse::<Tile>();
            let _ = format!("tile/0/{path}").parse::<Tile>();
            let _ = decode_entries(&Tile::new(Kind::Entries, 0, width).unwrap(), &bytes);
        }

        #[test]
        fn growing_in_steps_gives_every_full_tile_once(a in 0_u64..3_000, b in 0_u64..3_000) {
            let (old, new) = (a.min(b), a.max(b));
            let full = |old, new| tiles_between(old, new).filter(Tile::is_full).collect::<Vec<_>>();
            let mut stepped = full(0, old);
            stepped.extend(full(old, new));
            stepped.sort();
            let mut whole = full(0, new);
            whole.sort();
            prop_assert_eq!(stepped, whole);
        }
    }
}
