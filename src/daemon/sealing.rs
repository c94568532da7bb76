//! One object on its way into the vault: a thread seals and writes it while the next bytes are read and hashed. Keeps a few
//! blocks in memory, whatever the object's size.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::crypto::chunk::SALT_BYTES;
use crate::crypto::digest::Sha256;
use crate::crypto::package_key::ObjectKey;
use crate::crypto::payload::{SealError, Sealer};
use crate::crypto::random;
use crate::model::envelope::Blob;
use crate::model::ident::{Digest, Id};
use crate::model::limits::PART_BYTES;
use crate::store::object_writer::{ObjectWriter, WriteError};
use crate::store::vault::Vault;

/// Blocks that wait for the thread; a further one makes the reader wait.
const BLOCKS_AHEAD: usize = 4;

/// An object that is being sealed. Dropped before [`Self::finish`], it leaves nothing in the vault.
#[derive(Debug)]
pub struct Sealing {
    give: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<Result<Blob, SealingError>>>,
    hash: Sha256,
    plaintext_bytes: u64,
}

/// An object that is whole in the vault.
#[derive(Debug, Clone)]
pub struct SealedPlaintext {
    /// What was sealed: its length.
    pub plaintext_bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its sealed form.
    pub blob: Blob,
}

impl Sealing {
    /// Begins an object.
    ///
    /// # Errors
    /// [`SealingError`] when the vault takes no such object.
    pub fn begin(vault: &Vault, key: ObjectKey, package_id: Id, object_id: u32) -> Result<Self, SealingError> {
        let salt: [u8; SALT_BYTES] = random::bytes().map_err(|_| SealingError::Random)?;
        let writer = vault.create(package_id, object_id)?;
        let (give, take) = sync_channel::<Vec<u8>>(BLOCKS_AHEAD);
        let thread = std::thread::Builder::new().name("seal".to_owned()).spawn(move || {
            let mut writer = writer;
            let mut sealed = Vec::with_capacity(PART_BYTES + PART_BYTES / 8);
            let mut sealer = Sealer::begin(&key, salt, &mut sealed);
            let commitment = Digest(sealer.commitment());
            for block in take {
                if block.is_empty() {
                    return end(sealer, writer, sealed, object_id, commitment);
                }
                sealer.push(&block, &mut sealed)?;
                writer.write(&sealed)?;
                sealed.clear();
            }
            // The giver is gone without the end mark: what is here is cut, and the writer removes it.
            Err(SealingError::Cut)
        });
        let thread = thread.map_err(|_| SealingError::Fallen)?;
        Ok(Self { give: Some(give), thread: Some(thread), hash: Sha256::new(), plaintext_bytes: 0 })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`SealingError`] says why the thread gave up.
    pub fn push(&mut self, block: &[u8]) -> Result<(), SealingError> {
        if block.is_empty() {
            return Ok(());
        }
        self.hash.update(block);
        self.plaintext_bytes += block.len() as u64;
        if self.give.as_ref().is_some_and(|give| give.send(block.to_vec()).is_ok()) {
            return Ok(());
        }
        // Nobody takes any more: the thread has ended, and its result says why.
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(error),
            _ => Err(SealingError::Fallen),
        }
    }

    /// How many bytes were taken.
    pub const fn plaintext_bytes(&self) -> u64 {
        self.plaintext_bytes
    }

    /// Ends the object. When this returns, it survives a power failure.
    ///
    /// # Errors
    /// [`SealingError`]; nothing of it is in the vault then.
    pub fn finish(mut self) -> Result<SealedPlaintext, SealingError> {
        // If the thread has given up, its result says why.
        let _told = self.give.as_ref().map(|give| give.send(Vec::new()));
        let thread = self.thread.take().ok_or(SealingError::Fallen)?;
        let blob = thread.join().map_err(|_| SealingError::Fallen)??;
        Ok(SealedPlaintext { plaintext_bytes: self.plaintext_bytes, sha256: self.hash.clone().finish(), blob })
    }
}

impl Drop for Sealing {
    /// Waits until the thread has removed what it wrote, so that the same object can be begun again at once.
    fn drop(&mut self) {
        self.give = None;
        if let Some(thread) = self.thread.take() {
            let _cut = thread.join();
        }
    }
}

fn end(
    sealer: Sealer,
    mut writer: ObjectWriter,
    mut sealed: Vec<u8>,
    object_id: u32,
    commitment: Digest,
) -> Result<Blob, SealingError> {
    sealer.finish(&mut sealed);
    writer.write(&sealed)?;
    let object = writer.finish()?;
    Ok(Blob { object_id, ciphertext_bytes: object.ciphertext_bytes, root: object.root, commitment })
}

/// Why an object was not sealed. Nothing of it is in the vault.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The vault takes no more.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No randomness.
    #[error("the system gives no randomness; nothing can be sealed")]
    Random,
    /// The source ended early.
    #[error("the file broke off before its end")]
    Cut,
    /// The thread panicked, or could not be started.
    #[error("sealing broke down; this is a fault of the program, or the system allows no more threads")]
    Fallen,
}
