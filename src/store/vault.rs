//! The vault: the sealed objects of all packages, ciphertext only. Refuses to replace an object, and to give out one that changed.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::envelope::Blob;
use crate::model::ident::{Digest, Id};
use crate::model::limits::VAULT_RESERVE_BYTES;
use crate::store::arrival::Arrival;
use crate::store::intake::{Intake, IntakeError};
use crate::store::object_reader::{ObjectReader, ReadError, Repair};
use crate::store::object_writer::{ObjectWriter, WriteError};
use crate::store::package_dir::{
    FileKind, PackageDir, create_private_dir, length_if_there, packages, remove_if_there, sweep,
};
use crate::store::room::Room;

/// `<data>/vault`. Its clones share one state, so that two of them never receive the same package.
///
/// An object is here when `<seal_id>/<object_id>.sealed` is: it gets this name only after all its bytes were fsynced.
/// It is not encrypted again and needs no key: objects come sealed and leave sealed. Not its business: who may read
/// which package, and when one is to be destroyed.
#[derive(Debug, Clone)]
pub struct Vault {
    root: PathBuf,
    reserve_bytes: Arc<AtomicU64>,
    repair: Repair,
    claims: Claims,
}

/// An object of which something is in the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldObject {
    /// Its package.
    pub seal_id: Id,
    /// Its number.
    pub object_id: u32,
    /// Length of the ciphertext, once it is whole.
    pub ciphertext_bytes: u64,
    /// Whether all of it is here.
    pub phase: Phase,
}

/// How far an object has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It is arriving.
    Partial,
    /// It is whole and durable.
    Sealed,
}

impl Vault {
    /// Opens the vault to read and write, and removes what a crash left unfinished. Only for the process that holds
    /// the data directory.
    pub fn open(root: &Path) -> Result<Self, VaultError> {
        create_private_dir(root)?;
        sweep(root)?;
        Ok(Self::at(root, Repair::OneAtATime(Arc::default())))
    }

    /// Opens a vault of which another process may be the owner. Nothing is repaired; writing is refused.
    pub fn open_read_only(root: &Path) -> Result<Self, VaultError> {
        std::fs::read_dir(root)?;
        Ok(Self::at(root, Repair::Never))
    }

    /// The same vault with another reserve of disk space than [`VAULT_RESERVE_BYTES`].
    #[must_use]
    pub fn with_reserve(mut self, reserve_bytes: u64) -> Self {
        self.reserve_bytes = Arc::new(reserve_bytes.into());
        self
    }

    /// Another reserve from now on, also for the clones of this vault. Files that have their room already keep it.
    pub fn set_reserve(&self, reserve_bytes: u64) {
        self.reserve_bytes.store(reserve_bytes, Ordering::Relaxed);
    }

    /// How many bytes evidence may still take.
    pub fn room(&self) -> Result<u64, VaultError> {
        Ok(self.free_room().spare_bytes()?)
    }

    /// How many bytes may still be taken beside another reserve than the vault's.
    pub fn room_beside(&self, reserve_bytes: u64) -> Result<u64, VaultError> {
        Ok(Room::of(self.root.clone(), reserve_bytes).spare_bytes()?)
    }

    /// Whether a package has begun to arrive: the room for its files is reserved then.
    pub fn begun(&self, seal_id: Id) -> bool {
        self.package(seal_id).intake().exists()
    }

    /// Begins a new object of a package that is sealed here.
    pub fn create(&self, seal_id: Id, object_id: u32) -> Result<ObjectWriter, WriteError> {
        let (room, dir) = (self.free_room(), self.package(seal_id));
        self.writable().and_then(|()| dir.create()).map_err(|source| WriteError::of(source, &room))?;
        if dir.intake().exists() {
            return Err(WriteError::Received);
        }
        ObjectWriter::begin(dir, object_id, room)
    }

    /// Opens a whole object by the root that a signed envelope or manifest names.
    pub fn reader(&self, seal_id: Id, object_id: u32, root: &Digest) -> Result<ObjectReader, ReadError> {
        ObjectReader::open(self.package(seal_id), object_id, *root, self.repair.clone())
    }

    /// Begins to receive a package, or resumes it where it was after any break or crash. One at a time for a package.
    pub fn intake(&self, seal_id: Id, blobs: &[Blob]) -> Result<Intake, IntakeError> {
        self.writable()?;
        let claim = self.claims.take(seal_id).ok_or(IntakeError::InUse)?;
        Intake::open(self.package(seal_id), blobs, &self.free_room(), claim)
    }

    /// Whether the object is here, whole. It is known to survive a power failure only once its writer or intake said so.
    pub fn contains(&self, seal_id: Id, object_id: u32) -> bool {
        self.package(seal_id).file(object_id, FileKind::Sealed).is_file()
    }

    /// Everything that is here, whole or in part, in order.
    pub fn list(&self) -> Result<Vec<HeldObject>, VaultError> {
        let mut held = Vec::new();
        for seal_id in packages(&self.root)? {
            let dir = self.package(seal_id);
            for (object_id, kind) in dir.files()? {
                let phase = match kind {
                    FileKind::Sealed => Phase::Sealed,
                    FileKind::Partial => Phase::Partial,
                    FileKind::Parts | FileKind::Have => continue,
                };
                // It may have been sealed or removed since the directory was read.
                if let Some(ciphertext_bytes) = length_if_there(&dir.file(object_id, kind))? {
                    held.push(HeldObject { seal_id, object_id, ciphertext_bytes, phase });
                }
            }
        }
        held.sort();
        Ok(held)
    }

    /// Every package of which there is anything, if only its directory.
    pub fn packages(&self) -> Result<Vec<Id>, VaultError> {
        Ok(packages(&self.root)?)
    }

    /// Destroys all files of a package, durably. To repeat it is harmless; a crash is ended by [`Self::open`]. What
    /// the disk itself keeps of them is ciphertext, whose key is destroyed elsewhere.
    pub fn remove(&self, seal_id: Id) -> Result<(), VaultError> {
        self.writable()?;
        let _claim = self.claims.take(seal_id).ok_or(VaultError::InUse)?;
        Ok(self.package(seal_id).remove()?)
    }

    /// Removes one object of a package that is being sealed here, durably: nothing names it.
    pub fn remove_object(&self, seal_id: Id, object_id: u32) -> Result<(), VaultError> {
        self.writable()?;
        let dir = self.package(seal_id);
        if !dir.exists() {
            return Ok(());
        }
        if dir.intake().exists() {
            return Err(VaultError::InUse);
        }
        remove_if_there(&dir.file(object_id, FileKind::Sealed))?;
        remove_if_there(&dir.file(object_id, FileKind::Parts))?;
        Ok(dir.sync()?)
    }

    /// Hashes a whole object again and compares it with its root. Hashes beside it that are damaged are made again.
    pub fn check(&self, seal_id: Id, object_id: u32, root: &Digest) -> Result<(), ReadError> {
        ObjectReader::check(self.package(seal_id), object_id, *root, self.repair.clone())
    }

    /// Hashes the parts of an object that is arriving, as far as they are noted as durable; gives how many. Changes nothing.
    pub fn check_arriving(&self, seal_id: Id, blob: &Blob) -> Result<u64, ReadError> {
        let object_id = blob.object_id;
        let arrivals = Arrival::list(std::slice::from_ref(blob)).unwrap_or_default();
        let arrival = arrivals.first().ok_or(ReadError::ObjectDamaged { object_id })?;
        arrival.check(&self.package(seal_id))?.map_err(|index| ReadError::PartDamaged { object_id, index })
    }

    fn at(root: &Path, repair: Repair) -> Self {
        let reserve_bytes = Arc::new(VAULT_RESERVE_BYTES.into());
        Self { root: root.to_owned(), reserve_bytes, repair, claims: Claims::default() }
    }

    fn package(&self, seal_id: Id) -> PackageDir {
        PackageDir::of(&self.root, seal_id)
    }

    fn free_room(&self) -> Room {
        Room::of(self.root.clone(), self.reserve_bytes.load(Ordering::Relaxed))
    }

    fn writable(&self) -> io::Result<()> {
        match self.repair {
            Repair::OneAtATime(_) => Ok(()),
            Repair::Never => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        }
    }
}

/// The packages that are being received, or removed, in this process.
#[derive(Debug, Clone, Default)]
struct Claims(Arc<Mutex<HashSet<Id>>>);

impl Claims {
    fn take(&self, seal_id: Id) -> Option<Claim> {
        self.held().insert(seal_id).then(|| Claim { seal_id, claims: self.clone() })
    }

    fn held(&self) -> MutexGuard<'_, HashSet<Id>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be the only one that receives, or removes, a package; given back when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    seal_id: Id,
    claims: Claims,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.held().remove(&self.seal_id);
    }
}

/// Why the vault itself refused.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The package is being received.
    #[error("this package is being received; end its transfer first")]
    InUse,
    /// The system refused.
    #[error("cannot use the vault: {0}; check the data directory, its owner and its disk")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests;
