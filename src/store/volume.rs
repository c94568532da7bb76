//! One volume of a backup: a line that anybody may read, and behind it everything, sealed to a key that is not on the machine.
//! Refuses a volume that was cut, changed, or belongs to another chain or place in it.
//!
//! ```text
//! rogatory-backup-1\n
//! {"chain":…,"number":2,"previous":…,"authority":…,"made_at":…,"key_id":…,"stanza":…}\n
//! sealed stream (crypto/payload, key scope: chain, number), inside:
//!     u32be length | {"head":<SHA-256 of the two lines>}
//!     u32be length | {"data":{"path":…,"from":0,"bytes":…}}  | bytes …       what changed since the volume before
//!     u32be length | {"file":{"path":…,"bytes":…,"length":…,"sha256":…,"at":…}}   every file of the state, changed or not
//!     u32be length | {"end":{"files":…,"log_size":…,"log_root":…}}
//! ```
//! Sealing is not signing: whoever has the public key can write a volume. What was put back is checked against the log's key.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::crypto::digest::sha256;
use crate::crypto::hybrid::{HybridPublicKey, HybridSecretKey};
use crate::crypto::package_key::{ObjectKey, ObjectScope, PackageKey};
use crate::crypto::payload::{Opener, Sealer};
use crate::crypto::random::{self, RandomError};
use crate::crypto::stanza::{WrapScope, unwrap, wrap};
use crate::model::base64;
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::limits::{BACKUP_HEAD_BYTES_MAX, BACKUP_ITEM_BYTES_MAX};
use crate::model::time::Timestamp;

const FORMAT: &str = "rogatory-backup-1";
const BLOCK_BYTES: usize = 1024 * 1024;

/// What anybody may read of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Which volumes belong together.
    pub chain: Id,
    /// Its place, from 1. The first one holds everything.
    pub number: u32,
    /// SHA-256 of the head of the one before.
    pub previous: Option<Digest>,
    /// Whose node it is of.
    pub authority: AuthorityId,
    /// When it was made.
    pub made_at: Timestamp,
    /// SHA-256 of the public key that it is sealed to.
    pub key_id: Digest,
    /// The key of this volume, wrapped; base64.
    stanza: String,
}

/// What stands inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// Binds the inside to the head.
    Head(Digest),
    /// Bytes of a file follow.
    Data {
        /// Its path below the data directory.
        path: String,
        /// Where they go; 0: the file begins anew.
        from: u64,
        /// How many.
        bytes: u64,
    },
    /// A file as it is.
    File(FileState),
    /// The last one.
    End {
        /// How many files the state has.
        files: u64,
        /// Entries of the log.
        log_size: u64,
        /// Their root.
        log_root: Digest,
    },
}

/// A file as a backup knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileState {
    /// Its path below the data directory.
    pub path: String,
    /// Bytes that are in the backup.
    pub bytes: u64,
    /// The length of the file: more than that where it was made longer before it is filled. What is between is zeros.
    pub length: u64,
    /// SHA-256 of those bytes.
    pub sha256: Digest,
    /// When it last changed, in nanoseconds since 1970.
    pub changed_at: i64,
}

/// The two lines of a head.
pub fn head_lines(head: &Head) -> Result<String, VolumeError> {
    Ok(format!("{FORMAT}\n{}\n", serde_json::to_string(head).map_err(io::Error::from)?))
}

/// Reads the two lines of a head; what follows is left.
///
/// # Errors
/// [`VolumeError::NoVolume`] for anything else.
pub fn read_head(from: &mut dyn Read) -> Result<(Head, Digest), VolumeError> {
    let mut lines = Vec::new();
    let mut feeds = 0;
    let mut byte = [0];
    while feeds < 2 {
        if lines.len() > BACKUP_HEAD_BYTES_MAX || from.read(&mut byte)? == 0 {
            return Err(VolumeError::NoVolume);
        }
        feeds += usize::from(byte == [b'\n']);
        lines.extend_from_slice(&byte);
    }
    let text = std::str::from_utf8(&lines).map_err(|_| VolumeError::NoVolume)?;
    let rest = text.strip_prefix(FORMAT).and_then(|rest| rest.strip_prefix('\n')).ok_or(VolumeError::NoVolume)?;
    let head: Head = serde_json::from_str(rest).map_err(|_| VolumeError::NoVolume)?;
    if head.number == 0 || (head.number == 1) != head.previous.is_none() {
        return Err(VolumeError::NoVolume);
    }
    Ok((head, sha256(&lines)))
}

/// Where a new volume goes in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The chain.
    pub chain: Id,
    /// The place.
    pub number: u32,
    /// SHA-256 of the head before it.
    pub previous: Option<Digest>,
}

/// Writes a volume.
pub struct VolumeWriter<'w> {
    out: &'w mut dyn Write,
    sealer: Sealer,
    sealed: Vec<u8>,
}

impl<'w> VolumeWriter<'w> {
    /// Begins one; gives the digest of its head too.
    ///
    /// # Errors
    /// [`VolumeError`] when it cannot be written, or there is no randomness.
    pub fn begin(
        out: &'w mut dyn Write,
        place: Place,
        authority: &AuthorityId,
        made_at: Timestamp,
        key: &HybridPublicKey,
    ) -> Result<(Self, Digest), VolumeError> {
        let package_key = PackageKey::from_random(random::bytes()?);
        let scope = WrapScope { seal_id: place.chain, sender: authority, recipient: authority };
        let stanza = wrap(&package_key, key, scope, random::bytes()?).map_err(|_| VolumeError::Key)?;
        let head = Head {
            chain: place.chain,
            number: place.number,
            previous: place.previous,
            authority: authority.clone(),
            made_at,
            key_id: key.id(),
            stanza: base64::encode(&stanza),
        };
        let lines = head_lines(&head)?;
        out.write_all(lines.as_bytes())?;
        let mut sealed = Vec::new();
        let sealer = Sealer::begin(&object_key(&package_key, &head), random::bytes()?, &mut sealed);
        let mut volume = Self { out, sealer, sealed };
        let digest = sha256(lines.as_bytes());
        volume.item(&Item::Head(digest))?;
        Ok((volume, digest))
    }

    /// Writes an item. Behind [`Item::Data`] exactly its bytes are due.
    ///
    /// # Errors
    /// [`VolumeError`] when it cannot be written.
    pub fn item(&mut self, item: &Item) -> Result<(), VolumeError> {
        let text = serde_json::to_vec(item).map_err(io::Error::from)?;
        if text.len() > BACKUP_ITEM_BYTES_MAX {
            return Err(VolumeError::Damaged("an item is larger than it may be"));
        }
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        self.bytes(&length.to_be_bytes())?;
        self.bytes(&text)
    }

    /// Writes bytes of a file.
    ///
    /// # Errors
    /// [`VolumeError`] when they cannot be written.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), VolumeError> {
        for block in bytes.chunks(BLOCK_BYTES) {
            self.sealer.push(block, &mut self.sealed).map_err(|_| VolumeError::TooLarge)?;
            if self.sealed.len() >= BLOCK_BYTES {
                self.out.write_all(&self.sealed)?;
                self.sealed.clear();
            }
        }
        Ok(())
    }

    /// Ends the volume.
    ///
    /// # Errors
    /// [`VolumeError`] when it cannot be written.
    pub fn finish(mut self) -> Result<(), VolumeError> {
        self.sealer.finish(&mut self.sealed);
        self.out.write_all(&self.sealed)?;
        Ok(self.out.flush()?)
    }
}

/// Reads a volume: every byte that it gives is authentic; that it is whole is known at [`Item::End`].
pub struct VolumeReader<'r> {
    from: &'r mut dyn Read,
    opener: Option<Opener>,
    opened: Vec<u8>,
    used: usize,
    /// Its head.
    pub head: Head,
    /// The digest of its head.
    pub digest: Digest,
}

impl<'r> VolumeReader<'r> {
    /// Opens a volume with the private key.
    ///
    /// # Errors
    /// [`VolumeError`] says what does not fit.
    pub fn open(from: &'r mut dyn Read, key: &HybridSecretKey) -> Result<Self, VolumeError> {
        let (head, digest) = read_head(from)?;
        if head.key_id != key.public().id() {
            return Err(VolumeError::OtherKey(head.key_id));
        }
        let stanza = base64::decode(&head.stanza).map_err(|_| VolumeError::NoVolume)?;
        let scope = WrapScope { seal_id: head.chain, sender: &head.authority, recipient: &head.authority };
        let package_key = unwrap(&stanza, key, scope).map_err(|_| VolumeError::Key)?;
        let mut header = [0; crate::crypto::chunk::HEADER_BYTES];
        from.read_exact(&mut header).map_err(|_| VolumeError::Damaged("it was cut"))?;
        let opener = Opener::begin(&object_key(&package_key, &head), &header).map_err(|_| VolumeError::Key)?;
        let mut volume = Self { from, opener: Some(opener), opened: Vec::new(), used: 0, head, digest };
        if volume.item()? != Item::Head(digest) {
            return Err(VolumeError::Damaged("its head was changed"));
        }
        Ok(volume)
    }

    /// The next item.
    ///
    /// # Errors
    /// [`VolumeError`] when the volume was changed or cut.
    pub fn item(&mut self) -> Result<Item, VolumeError> {
        let mut length = [0; 4];
        self.exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        if length > BACKUP_ITEM_BYTES_MAX {
            return Err(VolumeError::Damaged("an item is larger than it may be"));
        }
        let mut text = vec![0; length];
        self.exact(&mut text)?;
        serde_json::from_slice(&text).map_err(|_| VolumeError::Damaged("an item is none of this format"))
    }

    /// Hands the next `bytes` on.
    ///
    /// # Errors
    /// [`VolumeError`] when the volume ends before, or `out` takes none.
    pub fn copy(&mut self, mut bytes: u64, out: &mut dyn Write) -> Result<(), VolumeError> {
        while bytes > 0 {
            self.fill()?;
            let rest = self.opened.get(self.used..).unwrap_or_default();
            let count = usize::try_from(bytes).unwrap_or(usize::MAX).min(rest.len());
            out.write_all(rest.get(..count).unwrap_or_default())?;
            self.used += count;
            bytes -= count as u64;
        }
        Ok(())
    }

    /// Says that nothing follows.
    ///
    /// # Errors
    /// [`VolumeError`] when something does.
    pub fn end(mut self) -> Result<(), VolumeError> {
        match self.fill() {
            Err(VolumeError::Damaged(CUT)) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(VolumeError::Damaged("something follows its end")),
        }
    }

    fn exact(&mut self, out: &mut [u8]) -> Result<(), VolumeError> {
        let length = u64::try_from(out.len()).map_err(io::Error::other)?;
        let mut to = io::Cursor::new(out);
        self.copy(length, &mut to)
    }

    /// Makes sure that something is there to be used.
    fn fill(&mut self) -> Result<(), VolumeError> {
        while self.used >= self.opened.len() {
            let Some(opener) = &mut self.opener else { return Err(VolumeError::Damaged(CUT)) };
            self.opened.clear();
            self.used = 0;
            let mut block = vec![0; BLOCK_BYTES];
            let read = self.from.read(&mut block)?;
            let changed = |_| VolumeError::Damaged("its sealed bytes were changed or cut");
            if read == 0 {
                let opener = self.opener.take();
                opener.map_or(Ok(()), |opener| opener.finish(&mut self.opened)).map_err(changed)?;
            } else {
                opener.push(block.get(..read).unwrap_or_default(), &mut self.opened).map_err(changed)?;
            }
        }
        Ok(())
    }
}

const CUT: &str = "it ends too early";

fn object_key(key: &PackageKey, head: &Head) -> ObjectKey {
    key.object_key(ObjectScope { seal_id: head.chain, object_id: head.number })
}

/// Why a volume was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The system.
    #[error("a volume of the backup cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// Another file.
    #[error("this is no volume of a backup, or one of a newer program")]
    NoVolume,
    /// Another key.
    #[error("the volume is sealed to the backup key {0}; give the private half of that one")]
    OtherKey(Digest),
    /// The stanza.
    #[error("the volume does not open with this key: its head was changed")]
    Key,
    /// The inside.
    #[error("the volume is damaged: {0}; take another copy of it")]
    Damaged(&'static str),
    /// The sealing has its limit.
    #[error("more than one volume can hold; back up to an empty directory in parts")]
    TooLarge,
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

#[cfg(test)]
mod tests;
