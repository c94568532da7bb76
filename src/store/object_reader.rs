//! Reads one sealed object from the vault, part by part, each with its proof. Refuses to give out a part that is not the one that was sealed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::custody::tree::{leaf_hash, verify_inclusion};
use crate::model::ident::Digest;
use crate::model::limits::PART_BYTES;
use crate::store::outboard::{Edge, Outboard, OutboardWriter};
use crate::store::package_dir::{FileKind, PackageDir};
use crate::store::part_grid::PartGrid;

/// A sealed object, open for reading; several threads may share it.
#[derive(Debug)]
pub struct ObjectReader {
    dir: PackageDir,
    object_id: u32,
    repair: Repair,
    data: File,
    grid: PartGrid,
    root: Digest,
    hashes: Mutex<Option<Outboard>>,
}

/// Whether damaged hashes are made again.
#[derive(Debug, Clone)]
pub(super) enum Repair {
    /// Yes, by one at a time: they share a temporary name.
    OneAtATime(Arc<Mutex<()>>),
    /// No: another process may hold the vault.
    Never,
}

impl ObjectReader {
    /// Opens an object by the root that a signed envelope or manifest names. Hashes that are missing or damaged are
    /// made again from the ciphertext, which reads all of it once.
    pub(super) fn open(dir: PackageDir, object_id: u32, root: Digest, repair: Repair) -> Result<Self, ReadError> {
        let reader = Self::open_as_is(dir, object_id, root, repair)?;
        if reader.hashes().is_none() {
            let made = reader.rebuild()?;
            *reader.hashes() = Some(made);
        }
        Ok(reader)
    }

    fn open_as_is(dir: PackageDir, object_id: u32, root: Digest, repair: Repair) -> Result<Self, ReadError> {
        let data = match File::open(dir.file(object_id, FileKind::Sealed)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReadError::Missing),
            opened => opened?,
        };
        let grid = PartGrid::of(data.metadata()?.len());
        let hashes = Mutex::new(Outboard::open(&dir.file(object_id, FileKind::Parts), grid, &root)?);
        Ok(Self { dir, object_id, repair, data, grid, root, hashes })
    }

    /// The length of the ciphertext.
    pub fn ciphertext_bytes(&self) -> u64 {
        self.grid.ciphertext_bytes()
    }

    /// How many parts there are.
    pub fn parts(&self) -> u64 {
        self.grid.parts()
    }

    /// Part `index` and the proof of its place.
    pub fn part(&self, index: u64) -> Result<(Vec<u8>, Vec<Digest>), ReadError> {
        let mut part = Vec::with_capacity(PART_BYTES);
        let proof = self.part_into(index, &mut part)?;
        Ok((part, proof))
    }

    /// Part `index` into a buffer, whose old content goes; the proof of its place is returned. The buffer is empty
    /// after a refusal. Parts 0, 1, 2 … in a row are the ciphertext.
    ///
    /// The bytes are hashed and the proof is checked before either is given out: what a failing disk did is noticed
    /// here and named, and not first by the peer, who would take it for an attack.
    pub fn part_into(&self, index: u64, part: &mut Vec<u8>) -> Result<Vec<Digest>, ReadError> {
        part.clear();
        let place = self.grid.place(index).ok_or(ReadError::OutOfObject { index, parts: self.grid.parts() })?;
        part.resize(place.bytes, 0);
        let read = self.data.read_exact_at(part, place.offset).map_err(ReadError::Io);
        let proven = read.and_then(|()| self.proven(index, part));
        if proven.is_err() {
            part.clear();
        }
        proven
    }

    /// Hashes the whole object again and compares it with its root, and every hash beside it; those are made again
    /// if only they are damaged.
    pub(super) fn check(dir: PackageDir, object_id: u32, root: Digest, repair: Repair) -> Result<(), ReadError> {
        let reader = Self::open_as_is(dir, object_id, root, repair)?;
        let hashes = reader.hashes().take();
        let (mut edge, mut number, mut first_bad) = (Edge::default(), 0, None);
        let mut whole = hashes.is_some();
        each_leaf(&reader.data, reader.grid, |index, leaf| {
            if let Some(hashes) = hashes.as_ref().filter(|_| reader.parts() > 1) {
                if hashes.leaf(index) != Some(leaf) {
                    first_bad = first_bad.or(Some(index));
                }
                return edge.push(leaf, |hash| {
                    whole &= hashes.hash(number).as_ref() == Some(hash);
                    number += 1;
                    Ok(())
                });
            }
            edge.push(leaf, |_| Ok(()))
        })?;
        match (edge.root() == root, first_bad) {
            (true, _) if whole => Ok(()),
            (true, _) => reader.rebuild().map(drop),
            (false, Some(index)) => Err(ReadError::PartDamaged { object_id, index }),
            (false, None) => Err(ReadError::ObjectDamaged { object_id }),
        }
    }

    fn proven(&self, index: u64, part: &[u8]) -> Result<Vec<Digest>, ReadError> {
        let leaf = leaf_hash(part);
        let damaged = ReadError::PartDamaged { object_id: self.object_id, index };
        let mut hashes = self.hashes();
        if let Some(proof) = hashes.as_ref().and_then(|hashes| self.proof(hashes, index, &leaf)) {
            return Ok(proof);
        }
        // The part or the hashes are damaged. If the hash that stands in the file is proven, the hashes are whole.
        let stands = hashes.as_ref().is_some_and(|hashes| {
            hashes.leaf(index).is_some_and(|written| self.proof(hashes, index, &written).is_some())
        });
        if stands || self.parts() == 1 {
            return Err(damaged);
        }
        let made = self.rebuild()?;
        let proof = self.proof(&made, index, &leaf);
        *hashes = Some(made);
        proof.ok_or(damaged)
    }

    fn proof(&self, hashes: &Outboard, index: u64, leaf: &Digest) -> Option<Vec<Digest>> {
        let proof = hashes.prove(index).ok()?;
        verify_inclusion(leaf, index, self.parts(), &proof, &self.root).ok()?;
        Some(proof)
    }

    /// Makes the hashes from the ciphertext. They are kept only if they lead to the root: otherwise the ciphertext
    /// is damaged, and hashes of damaged bytes would hide where.
    fn rebuild(&self) -> Result<Outboard, ReadError> {
        let object_id = self.object_id;
        let Repair::OneAtATime(turn) = &self.repair else {
            return Err(ReadError::HashesDamaged { object_id });
        };
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.dir.file(object_id, FileKind::Parts);
        let mut writer = OutboardWriter::create(self.dir.temporary(object_id, FileKind::Parts))?;
        each_leaf(&self.data, self.grid, |_, leaf| writer.push(leaf))?;
        if writer.root() != self.root {
            writer.discard()?;
            return Err(ReadError::ObjectDamaged { object_id });
        }
        writer.finish(self.ciphertext_bytes(), &path)?;
        let made = Outboard::open(&path, self.grid, &self.root)?;
        made.ok_or(ReadError::HashesDamaged { object_id })
    }

    fn hashes(&self) -> MutexGuard<'_, Option<Outboard>> {
        // A panic of another reader left either the old hashes or the new ones here; both are checked when used.
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an object from its beginning and gives the hash of each part.
fn each_leaf<F>(data: &File, grid: PartGrid, mut take: F) -> io::Result<()>
where
    F: FnMut(u64, Digest) -> io::Result<()>,
{
    let mut part = vec![0; PART_BYTES];
    for index in 0..grid.parts() {
        let place = grid.place(index).expect("invariant: below the number of parts");
        let (bytes, _) = part.split_at_mut(place.bytes);
        data.read_exact_at(bytes, place.offset)?;
        take(index, leaf_hash(bytes))?;
    }
    Ok(())
}

/// Why an object, or a part of one, was not given out.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not in the vault.
    #[error("the vault does not hold this object, or not all of it")]
    Missing,
    /// The number lies behind the end.
    #[error("the object has {parts} parts; there is no part {index}")]
    OutOfObject {
        /// What was asked for.
        index: u64,
        /// How many there are.
        parts: u64,
    },
    /// The part on our disk is not the one that was sealed.
    #[error(
        "object {object_id} is damaged on this disk: part {index} is not what was sealed; restore it from backup or the peer"
    )]
    PartDamaged {
        /// The object.
        object_id: u32,
        /// The part, or the first of several.
        index: u64,
    },
    /// The object on our disk is not the one that was sealed, and nothing says where it differs.
    #[error("object {object_id} is damaged on this disk or not the one named; restore it from backup or the peer")]
    ObjectDamaged {
        /// The object.
        object_id: u32,
    },
    /// The hashes are damaged and may not be made again now.
    #[error(
        "the hashes beside object {object_id} are damaged; start the daemon, or run `custody fsck`, to make them again"
    )]
    HashesDamaged {
        /// The object.
        object_id: u32,
    },
    /// The system refused.
    #[error("cannot read the vault: {0}")]
    Io(#[from] io::Error),
}
