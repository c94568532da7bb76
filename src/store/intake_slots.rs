//! Which parts of an arriving object are durable, on disk, with their hashes. Refuses, slot by slot, what a torn write or a failing disk left.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::model::ident::Digest;
use crate::store::package_dir::private_file;
use crate::store::part_grid::PartGrid;

const MAGIC: &[u8] = b"RGHAVE01";
const SLOT_BYTES: usize = 36;
/// Slots that are read at once.
const READ_SLOTS: u64 = 4_096;

/// The file `<object_id>.have`: one slot a part, at the part's number.
///
/// ```text
/// 0             32      36            68      72
/// | hash 0      | crc32 | hash 1      | crc32 | …       a slot of zeros: not here
///   crc32 over "RGHAVE01", the object's root, the part's number, the hash
/// ```
///
/// A slot is written only after its part was fsynced, so a valid slot means: this part is on the disk and was
/// checked. The slots are the bitmap. Each has its own CRC, so that damage costs the parts it hits and no others, and
/// a slot of another object, place or version is none. The hashes are those that `.parts` is made of in the end.
#[derive(Debug)]
pub struct Slots {
    file: File,
    grid: PartGrid,
    root: Digest,
}

impl Slots {
    /// Opens the slots of an object; makes an empty file if there is none.
    pub fn open(path: &Path, grid: PartGrid, root: Digest) -> io::Result<Self> {
        let file = private_file().create(true).truncate(false).open(path)?;
        Ok(Self { file, grid, root })
    }

    /// Opens slots to look only.
    pub fn open_to_read(path: &Path, grid: PartGrid, root: Digest) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, grid, root })
    }

    /// Gives the number and hash of each part whose slot is valid, in order.
    pub fn each<F>(&self, mut take: F) -> io::Result<()>
    where
        F: FnMut(u64, Digest) -> io::Result<()>,
    {
        let mut index = 0;
        while index < self.grid.parts() {
            let count = READ_SLOTS.min(self.grid.parts() - index);
            let bytes = self.read(index, count)?;
            for (index, slot) in (index..index + count).zip(bytes.chunks_exact(SLOT_BYTES)) {
                if let Some(leaf) = self.decode(index, slot) {
                    take(index, leaf)?;
                }
            }
            index += count;
        }
        Ok(())
    }

    /// Writes the slots of parts that are durable.
    pub fn write(&self, parts: &[(u64, Digest)]) -> io::Result<()> {
        for (index, leaf) in parts {
            self.file.write_all_at(&self.encode(*index, leaf), place(*index))?;
        }
        Ok(())
    }

    /// Empties the slots of parts that turned out not to be there.
    pub fn erase(&self, parts: &[u64]) -> io::Result<()> {
        for index in parts {
            self.file.write_all_at(&[0; SLOT_BYTES], place(*index))?;
        }
        Ok(())
    }

    /// Makes the slots durable.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// `count` slots; zeros behind the end of the file.
    fn read(&self, index: u64, count: u64) -> io::Result<Vec<u8>> {
        let count = usize::try_from(count).expect("invariant: at most READ_SLOTS");
        let mut bytes = vec![0; count * SLOT_BYTES];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, place(index) + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    fn encode(&self, index: u64, leaf: &Digest) -> [u8; SLOT_BYTES] {
        let mut slot = [0; SLOT_BYTES];
        let crc = self.crc(index, &leaf.0).to_be_bytes();
        for (to, from) in slot.iter_mut().zip(leaf.0.iter().chain(&crc)) {
            *to = *from;
        }
        slot
    }

    fn decode(&self, index: u64, slot: &[u8]) -> Option<Digest> {
        let (leaf, crc) = slot.split_first_chunk::<32>()?;
        let good = *leaf != [0; 32] && crc == self.crc(index, leaf).to_be_bytes();
        good.then_some(Digest(*leaf))
    }

    fn crc(&self, index: u64, leaf: &[u8; 32]) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        for field in [MAGIC, &self.root.0, &index.to_be_bytes(), leaf] {
            crc.update(field);
        }
        crc.finalize()
    }
}

fn place(index: u64) -> u64 {
    index * SLOT_BYTES as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::tree::leaf_hash;
    use crate::model::limits::PART_BYTES;

    fn slots(path: &Path, parts: u64, root: u8) -> Slots {
        Slots::open(path, PartGrid::of(parts * PART_BYTES as u64), Digest([root; 32])).unwrap()
    }

    fn read(slots: &Slots) -> Vec<(u64, Digest)> {
        let mut found = Vec::new();
        slots
            .each(|index, leaf| {
                found.push((index, leaf));
                Ok(())
            })
            .unwrap();
        found
    }

    fn part(index: u64) -> (u64, Digest) {
        (index, leaf_hash(&index.to_be_bytes()))
    }

    #[test]
    fn slots_read_back_across_reads_and_behind_the_end_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let slots = slots(&dir.path().join("1.have"), 3 * READ_SLOTS, 7);
        assert_eq!(read(&slots), []);
        let written: Vec<_> = [0, 1, READ_SLOTS - 1, READ_SLOTS, READ_SLOTS + 5].map(part).to_vec();
        slots.write(&written).unwrap();
        assert_eq!(read(&slots), written);
        slots.erase(&[1, READ_SLOTS]).unwrap();
        assert_eq!(read(&slots), [part(0), part(READ_SLOTS - 1), part(READ_SLOTS + 5)]);
    }

    #[test]
    fn any_flipped_bit_costs_its_own_slot_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.have");
        let slots = slots(&path, 3, 7);
        slots.write(&[part(0), part(1), part(2)]).unwrap();
        let good = std::fs::read(&path).unwrap();
        for bit in 0..SLOT_BYTES * 8 {
            let mut bad = good.clone();
            bad[SLOT_BYTES + bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(read(&slots), [part(0), part(2)], "bit {bit}");
        }
        std::fs::write(&path, &good[..SLOT_BYTES + 20]).unwrap();
        assert_eq!(read(&slots), [part(0)]);
    }

    #[test]
    fn a_slot_of_another_object_or_another_place_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.have");
        slots(&path, 2, 7).write(&[part(0)]).unwrap();
        assert_eq!(read(&slots(&path, 2, 8)), []);
        let slot = std::fs::read(&path).unwrap();
        std::fs::write(&path, [vec![0; SLOT_BYTES], slot].concat()).unwrap();
        assert_eq!(read(&slots(&path, 2, 7)), []);
    }
}
