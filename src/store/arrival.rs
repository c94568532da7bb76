//! One arriving object on disk: what of it is here, its reserved room, and how it gets its final name. Refuses to seal what does not lead to its root.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::custody::tree::leaf_hash;
use crate::model::envelope::Blob;
use crate::model::ident::Digest;
use crate::model::limits::{OBJECT_BYTES_MAX, OBJECTS_MAX, PART_BYTES};
use crate::store::intake_slots::Slots;
use crate::store::outboard::{Edge, OutboardWriter};
use crate::store::package_dir::{FileKind, PackageDir, length_if_there, private_file, remove_if_there};
use crate::store::part_bits::PartBits;
use crate::store::part_grid::PartGrid;

/// An object that is to arrive, as the signed envelope names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) object_id: u32,
    pub(super) grid: PartGrid,
    pub(super) root: Digest,
}

/// What is on disk of an object.
#[derive(Debug)]
pub(super) enum Found {
    /// All of it, under its final name.
    Sealed,
    /// These parts, in a file of full length.
    Parts(PartBits),
    /// Nothing, or a file without the full length: its room is to be reserved.
    Unreserved(PartBits),
}

/// What came of giving an object its final name.
#[derive(Debug)]
pub(super) enum Sealing {
    /// It has its name, which becomes durable with its directory.
    Named,
    /// The hashes kept of its parts do not lead to its root. Only these parts are really here.
    Short(PartBits),
}

impl Arrival {
    /// What an envelope lists. `None`: a number stands twice, an object is empty or too large, or there are too many.
    pub(super) fn list(blobs: &[Blob]) -> Option<Vec<Self>> {
        let mut numbers = BTreeSet::new();
        let arrival = |blob: &Blob| {
            let good = (1..=OBJECT_BYTES_MAX).contains(&blob.ciphertext_bytes) && numbers.insert(blob.object_id);
            let grid = PartGrid::of(blob.ciphertext_bytes);
            good.then_some(Self { object_id: blob.object_id, grid, root: blob.root })
        };
        if blobs.len() > OBJECTS_MAX { None } else { blobs.iter().map(arrival).collect() }
    }

    /// Looks what is there. Costs one read of the slots, however much has arrived; nothing is hashed again, unless
    /// the file is shorter than it was reserved. `None`: a whole object of another length, which is not to be touched.
    pub(super) fn find(&self, dir: &PackageDir) -> io::Result<Option<Found>> {
        let length = self.grid.ciphertext_bytes();
        match length_if_there(&dir.file(self.object_id, FileKind::Sealed))? {
            Some(found) if found == length => return Ok(Some(Found::Sealed)),
            Some(_) => return Ok(None),
            None => {}
        }
        let have = length_if_there(&dir.file(self.object_id, FileKind::Have))?;
        let partial = length_if_there(&dir.file(self.object_id, FileKind::Partial))?;
        match (have, partial == Some(length)) {
            (None, true) => Ok(Some(Found::Parts(PartBits::none_of(self.grid.parts())))),
            (None, false) => Ok(Some(self.nothing())),
            (Some(_), true) => {
                let mut held = PartBits::none_of(self.grid.parts());
                self.slots(dir)?.each(|index, _| {
                    held.insert(index);
                    Ok(())
                })?;
                Ok(Some(Found::Parts(held)))
            }
            // Someone cut or removed the file: believe no slot, look.
            (Some(_), false) => Ok(Some(Found::Unreserved(self.recheck(dir)?))),
        }
    }

    /// What is found of an object in a package that is new.
    pub(super) fn nothing(&self) -> Found {
        Found::Unreserved(PartBits::none_of(self.grid.parts()))
    }

    /// The room that it takes while it arrives: its bytes, its slots and its hashes.
    pub(super) fn room_bytes(&self) -> u64 {
        self.grid.ciphertext_bytes().saturating_add(self.grid.parts().saturating_mul(100))
    }

    /// Reserves the room of the object and makes its files, so that a full disk is noticed before the first byte
    /// travels. Their names become durable with the directory.
    pub(super) fn reserve(&self, dir: &PackageDir) -> io::Result<()> {
        let length = self.grid.ciphertext_bytes();
        // First, so that a file of full length is never without its slots' name.
        if self.grid.parts() > 1 {
            self.slots(dir)?;
        }
        let path = dir.file(self.object_id, FileKind::Partial);
        let file = private_file().create(true).truncate(false).open(path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, length) {
            // A file system that cannot reserve; a full disk is noticed later there.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            reserved => reserved?,
        }
        file.set_len(length)
    }

    /// Undoes [`Self::reserve`] for an object of which nothing has arrived.
    pub(super) fn release(&self, dir: &PackageDir) -> io::Result<()> {
        remove_if_there(&dir.file(self.object_id, FileKind::Have))?;
        remove_if_there(&dir.file(self.object_id, FileKind::Partial))
    }

    /// The file that the parts are written to.
    pub(super) fn data(&self, dir: &PackageDir) -> io::Result<File> {
        private_file().open(dir.file(self.object_id, FileKind::Partial))
    }

    /// Notes parts as arrived. They must be durable: this is the only place where a slot is written.
    ///
    /// An object of one part needs no note of it: either it has its final name or it is fetched again.
    pub(super) fn note(&self, dir: &PackageDir, parts: &[(u64, Digest)]) -> io::Result<()> {
        if self.grid.parts() <= 1 {
            return Ok(());
        }
        let slots = self.slots(dir)?;
        slots.write(parts)?;
        slots.sync()
    }

    /// Hashes every part that is noted as durable and gives their number, or the first that is another one. Changes
    /// nothing.
    pub(super) fn check(&self, dir: &PackageDir) -> io::Result<Result<u64, u64>> {
        let have = dir.file(self.object_id, FileKind::Have);
        if length_if_there(&have)?.is_none() {
            return Ok(Ok(0));
        }
        let data = File::open(dir.file(self.object_id, FileKind::Partial))?;
        let (mut part, mut sound, mut bad) = (vec![0; PART_BYTES], 0, None);
        Slots::open_to_read(&have, self.grid, self.root)?.each(|index, leaf| {
            let place = self.grid.place(index).ok_or(io::ErrorKind::InvalidData)?;
            let bytes = part.get_mut(..place.bytes).ok_or(io::ErrorKind::InvalidData)?;
            data.read_exact_at(bytes, place.offset)?;
            if leaf_hash(bytes) == leaf {
                sound += 1
            } else {
                bad = bad.or(Some(index))
            }
            Ok(())
        })?;
        Ok(bad.map_or(Ok(sound), Err))
    }

    /// Gives an object, all of whose parts are durable, its final name.
    ///
    /// Order: the hashes get their name, then the object, then the slots go. A crash in between leaves either all
    /// slots, and this runs again, or the final name, and [`Self::tidy`] removes what is left.
    pub(super) fn seal(&self, dir: &PackageDir) -> io::Result<Sealing> {
        if self.grid.parts() > 1 {
            let mut hashes = OutboardWriter::create(dir.temporary(self.object_id, FileKind::Parts))?;
            self.slots(dir)?.each(|_, leaf| hashes.push(leaf))?;
            // Every part was proven when it came; this asks whether the slots still say the same.
            if hashes.root() != self.root {
                hashes.discard()?;
                return self.recheck(dir).map(Sealing::Short);
            }
            hashes.finish(self.grid.ciphertext_bytes(), &dir.file(self.object_id, FileKind::Parts))?;
        }
        let sealed = dir.file(self.object_id, FileKind::Sealed);
        fs::rename(dir.file(self.object_id, FileKind::Partial), sealed)?;
        self.tidy(dir)?;
        Ok(Sealing::Named)
    }

    /// Removes what a sealed object no longer needs.
    pub(super) fn tidy(&self, dir: &PackageDir) -> io::Result<()> {
        remove_if_there(&dir.file(self.object_id, FileKind::Have))?;
        remove_if_there(&dir.file(self.object_id, FileKind::Partial))
    }

    /// Hashes every part that has a slot and empties, durably, the slots that do not speak the truth. If all do and
    /// still do not lead to the root, none can be believed.
    fn recheck(&self, dir: &PackageDir) -> io::Result<PartBits> {
        let slots = self.slots(dir)?;
        let data = match self.data(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened?),
        };
        let (mut held, mut edge) = (PartBits::none_of(self.grid.parts()), Edge::default());
        let (mut bytes, mut wrong, mut right) = (vec![0; PART_BYTES], Vec::new(), Vec::new());
        slots.each(|index, leaf| {
            let place = self.grid.place(index).expect("invariant: slots are read below the number of parts");
            let (part, _) = bytes.split_at_mut(place.bytes);
            let read = data.as_ref().is_some_and(|data| data.read_exact_at(part, place.offset).is_ok());
            if read && leaf_hash(part) == leaf {
                held.insert(index);
                right.push(index);
            } else {
                wrong.push(index);
            }
            edge.push(leaf, |_| Ok(()))
        })?;
        if held.is_full() && edge.root() != self.root {
            held = PartBits::none_of(self.grid.parts());
            wrong = right;
        }
        if !wrong.is_empty() {
            tracing::warn!(
                object_id = self.object_id,
                parts_kept = held.held(),
                parts_lost = wrong.len(),
                "an arriving object was damaged on this disk; the lost parts are fetched again"
            );
            slots.erase(&wrong)?;
            slots.sync()?;
        }
        Ok(held)
    }

    fn slots(&self, dir: &PackageDir) -> io::Result<Slots> {
        Slots::open(&dir.file(self.object_id, FileKind::Have), self.grid, self.root)
    }
}
