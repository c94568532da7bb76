//! What the tests of the vault share: vaults in temporary directories, and objects with known bytes. Holds no test itself.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::model::envelope::Blob;
use crate::model::ident::{Digest, Id};
use crate::model::time::Timestamp;
use crate::store::intake::{Intake, Stored};
use crate::store::object_reader::ObjectReader;
use crate::store::vault::Vault;

pub(super) struct Fixture {
    pub(super) dir: TempDir,
    pub(super) vault: Vault,
    pub(super) seal_id: Id,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(&dir.path().join("vault")).unwrap();
        let seal_id = Id::new(Timestamp::from_millis(1_000), [7; 10]);
        Self { dir, vault, seal_id }
    }

    /// What a new process does.
    pub(super) fn reopen(&mut self) {
        self.vault = Vault::open(&self.dir.path().join("vault")).unwrap();
    }

    pub(super) fn package(&self) -> PathBuf {
        self.dir.path().join("vault").join(self.seal_id.to_string())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.package().join(name)
    }

    pub(super) fn seal(&self, object_id: u32, bytes: &[u8]) -> Blob {
        let mut writer = self.vault.create(self.seal_id, object_id).unwrap();
        writer.write(bytes).unwrap();
        let sealed = writer.finish().unwrap();
        let commitment = Digest([u8::try_from(object_id % 251).unwrap(); 32]);
        Blob { object_id, ciphertext_bytes: sealed.ciphertext_bytes, root: sealed.root, commitment }
    }

    pub(super) fn reader(&self, blob: &Blob) -> ObjectReader {
        self.vault.reader(self.seal_id, blob.object_id, &blob.root).unwrap()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.package()) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A sender with sealed objects and a receiver without.
pub(super) struct Pair {
    pub(super) from: Fixture,
    pub(super) to: Fixture,
    pub(super) blobs: Vec<Blob>,
}

impl Pair {
    pub(super) fn of(lengths: &[usize]) -> Self {
        let (from, to) = (Fixture::new(), Fixture::new());
        let blobs = (1_u32..).zip(lengths).map(|(id, length)| from.seal(id, &noise(*length, id.into()))).collect();
        Self { from, to, blobs }
    }

    pub(super) fn intake(&self) -> Intake {
        self.to.vault.intake(self.to.seal_id, &self.blobs).unwrap()
    }

    pub(super) fn send(&self, intake: &Intake, object_id: u32, index: u64) -> Stored {
        let (part, proof) = self.part(object_id, index);
        intake.store_part(object_id, index, &part, &proof).unwrap()
    }

    pub(super) fn part(&self, object_id: u32, index: u64) -> (Vec<u8>, Vec<Digest>) {
        self.from.reader(&self.blobs[object_id as usize - 1]).part(index).unwrap()
    }

    pub(super) fn send_missing(&self, intake: &Intake) {
        for blob in &self.blobs {
            for index in intake.missing(blob.object_id, 0, u64::MAX).into_iter().flatten() {
                assert_eq!(self.send(intake, blob.object_id, index), Stored::New);
            }
        }
    }

    /// What a process does that was killed: nothing more. A new one opens the vault.
    pub(super) fn crash(&mut self, intake: Intake) -> Intake {
        std::mem::forget(intake);
        self.to.reopen();
        self.intake()
    }

    pub(super) fn assert_arrived(&self) {
        for blob in &self.blobs {
            for name in [format!("{}.sealed", blob.object_id), format!("{}.parts", blob.object_id)] {
                assert!(fs::read(self.from.path(&name)).ok() == fs::read(self.to.path(&name)).ok(), "{name}");
            }
        }
        let kept = |name: &String| !name.ends_with(".sealed") && !name.ends_with(".parts");
        assert_eq!(self.to.names().into_iter().filter(kept).collect::<Vec<_>>(), ["intake"]);
    }
}

/// `length` bytes that look random and differ by seed.
pub(super) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Changes one bit of a file.
pub(super) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}
