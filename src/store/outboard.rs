//! The hashes of a sealed object's parts, on disk beside it: any part can be proven without reading the others. Never trusted: what it gives is checked against a root from outside.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::custody::tree::{MissingNode, empty_root, inclusion_proof, node_hash};
use crate::model::ident::Digest;
use crate::store::package_dir::private_file;
use crate::store::part_grid::PartGrid;

const MAGIC: [u8; 8] = *b"RGPARTS1";
const HEADER_BYTES: usize = 64;
const HASH_BYTES: u64 = 32;

/// The hashes of one object, opened to prove its parts.
///
/// ```text
/// 0            8                   16       48      52         64
/// | "RGPARTS1" | ciphertext bytes  | root   | crc32 | zeros    | hashes of 32 bytes …
///
/// the hash of every complete subtree (level, index), in the order in which it became complete:
/// (0,0) (0,1) (1,0) (0,2) (0,3) (1,1) (2,0) (0,4) …
/// ```
///
/// So it is written in one pass with one hash a level in memory, and any node's place is known by arithmetic. An
/// object of one part has no such file: its root is the hash of that part.
#[derive(Debug)]
pub struct Outboard {
    file: Option<File>,
    parts: u64,
}

impl Outboard {
    /// Opens the hashes of the object with this length and root. `None`: missing, or of another object, version or
    /// length; they are to be made again.
    pub fn open(path: &Path, grid: PartGrid, root: &Digest) -> io::Result<Option<Self>> {
        let parts = grid.parts();
        if parts <= 1 {
            return Ok(Some(Self { file: None, parts }));
        }
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut found = [0; HEADER_BYTES];
        if file.metadata()?.len() != file_bytes(parts) || file.read_exact_at(&mut found, 0).is_err() {
            return Ok(None);
        }
        Ok((found == header(grid.ciphertext_bytes(), root)).then_some(Self { file: Some(file), parts }))
    }

    /// The proof that part `index` belongs to the object. Fails where the file cannot be read.
    pub fn prove(&self, index: u64) -> Result<Vec<Digest>, MissingNode> {
        inclusion_proof(index, self.parts, |level, index| self.node(level, index))
    }

    /// The hash of part `index` as it was written. Not kept for an object of one part.
    pub fn leaf(&self, index: u64) -> Option<Digest> {
        self.node(0, index)
    }

    /// The hash that was written after `number` others.
    pub fn hash(&self, number: u64) -> Option<Digest> {
        let mut hash = [0; 32];
        let place = HEADER_BYTES as u64 + HASH_BYTES * number;
        self.file.as_ref()?.read_exact_at(&mut hash, place).ok()?;
        Some(Digest(hash))
    }

    fn node(&self, level: u8, index: u64) -> Option<Digest> {
        self.hash(number(level, index)?)
    }
}

/// Hashes that are being written, part after part.
#[derive(Debug)]
pub struct OutboardWriter {
    temporary: PathBuf,
    file: BufWriter<File>,
    edge: Edge,
}

impl OutboardWriter {
    /// Begins at the temporary path; what was left there is overwritten.
    pub fn create(temporary: PathBuf) -> io::Result<Self> {
        let file = private_file().create(true).truncate(true).open(&temporary)?;
        let mut file = BufWriter::new(file);
        file.write_all(&[0; HEADER_BYTES])?;
        Ok(Self { temporary, file, edge: Edge::default() })
    }

    /// Takes the hash of the next part.
    pub fn push(&mut self, leaf: Digest) -> io::Result<()> {
        self.edge.push(leaf, |hash| self.file.write_all(&hash.0))
    }

    /// The root over the parts taken so far.
    pub fn root(&self) -> Digest {
        self.edge.root()
    }

    /// Gives up: the hashes are not those of the object.
    pub fn discard(self) -> io::Result<()> {
        fs::remove_file(&self.temporary)
    }

    /// Makes the hashes durable and gives them their name, which the caller makes durable with its directory.
    pub fn finish(mut self, ciphertext_bytes: u64, path: &Path) -> io::Result<Digest> {
        let root = self.root();
        if self.edge.parts <= 1 {
            fs::remove_file(&self.temporary)?;
            return Ok(root);
        }
        self.file.flush()?;
        let file = self.file.get_ref();
        file.write_all_at(&header(ciphertext_bytes, &root), 0)?;
        file.sync_all()?;
        fs::rename(&self.temporary, path)?;
        Ok(root)
    }
}

/// The right edge of a growing tree: enough for its root, one hash a level.
#[derive(Debug, Default)]
pub struct Edge {
    /// The complete subtrees that have no right sibling yet, largest first.
    subtrees: Vec<(u8, Digest)>,
    parts: u64,
}

impl Edge {
    /// Appends a leaf and gives each hash that became complete with it, the leaf first.
    pub fn push<F>(&mut self, leaf: Digest, mut complete: F) -> io::Result<()>
    where
        F: FnMut(&Digest) -> io::Result<()>,
    {
        let (mut level, mut hash) = (0_u8, leaf);
        complete(&hash)?;
        while let Some((_, left)) = self.subtrees.pop_if(|(left_level, _)| *left_level == level) {
            hash = node_hash(&left, &hash);
            level += 1;
            complete(&hash)?;
        }
        self.subtrees.push((level, hash));
        self.parts += 1;
        Ok(())
    }

    /// The root over the leaves so far (RFC 6962, 2.1).
    pub fn root(&self) -> Digest {
        let from_right = self.subtrees.iter().rev().map(|(_, hash)| *hash);
        from_right.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }
}

fn header(ciphertext_bytes: u64, root: &Digest) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let fields = [MAGIC.as_slice(), &ciphertext_bytes.to_be_bytes(), &root.0].concat();
    let crc = crc32fast::hash(&fields).to_be_bytes();
    for (to, from) in header.iter_mut().zip(fields.iter().chain(&crc)) {
        *to = *from;
    }
    header
}

/// How many hashes are written before the one of the complete subtree (level, index). It is written `level` places
/// after its last leaf; before leaf `n` stand `n` leaves and, of all their complete subtrees, `n - popcount(n)` nodes.
fn number(level: u8, index: u64) -> Option<u64> {
    let last = index.checked_add(1)?.checked_mul(1_u64.checked_shl(u32::from(level))?)? - 1;
    Some(hashes_before(last) + u64::from(level))
}

fn hashes_before(leaf: u64) -> u64 {
    2 * leaf - u64::from(leaf.count_ones())
}

fn file_bytes(parts: u64) -> u64 {
    HEADER_BYTES as u64 + HASH_BYTES * hashes_before(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::parts::MerkleTree;
    use crate::custody::tree::leaf_hash;
    use crate::model::limits::PART_BYTES;

    fn leaves(count: u64) -> impl Iterator<Item = Digest> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes()))
    }

    fn written(dir: &Path, count: u64) -> (PathBuf, PartGrid, Digest) {
        let path = dir.join("1.parts");
        let mut writer = OutboardWriter::create(dir.join("1.parts.tmp")).unwrap();
        for leaf in leaves(count) {
            writer.push(leaf).unwrap();
        }
        let grid = PartGrid::of(count * PART_BYTES as u64);
        let root = writer.finish(grid.ciphertext_bytes(), &path).unwrap();
        (path, grid, root)
    }

    #[test]
    fn root_and_proofs_are_those_of_the_tree_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        for count in (0..40).chain([63, 64, 65, 127, 128, 129, 1_000]) {
            let tree = MerkleTree::of(leaves(count));
            let (path, grid, root) = written(dir.path(), count);
            assert_eq!(root, tree.root(), "{count}");
            let outboard = Outboard::open(&path, grid, &root).unwrap().unwrap();
            for index in 0..count {
                assert_eq!(outboard.prove(index), tree.prove(index), "{index} of {count}");
            }
            assert!(outboard.prove(count).is_err());
        }
    }

    #[test]
    fn hashes_of_another_object_or_cut_short_or_with_a_damaged_header_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (path, grid, root) = written(dir.path(), 5);
        assert!(Outboard::open(&path, grid, &root).unwrap().is_some());
        assert!(Outboard::open(&path, grid, &empty_root()).unwrap().is_none());
        assert!(Outboard::open(&path, PartGrid::of(5), &root).unwrap().is_some(), "one part needs no file");
        assert!(Outboard::open(&dir.path().join("2.parts"), grid, &root).unwrap().is_none());
        let good = fs::read(&path).unwrap();
        for place in 0..HEADER_BYTES {
            let mut bad = good.clone();
            bad[place] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(Outboard::open(&path, grid, &root).unwrap().is_none(), "byte {place}");
        }
        fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(Outboard::open(&path, grid, &root).unwrap().is_none());
    }
}
