//! Writes one sealed object into the vault: hashed as it passes, durable before it is called done. Refuses a second writer and a full disk.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};

use crate::custody::tree::leaf_hash;
use crate::model::ident::Digest;
use crate::model::limits::{OBJECT_BYTES_MAX, PART_BYTES, WRITE_BEHIND_BYTES};
use crate::store::outboard::OutboardWriter;
use crate::store::package_dir::{FileKind, PackageDir, is_out_of_room, private_file, remove_if_there};
use crate::store::room::Room;

/// An object that is being sealed. Nothing of it is to be seen until [`Self::finish`]; if dropped before, its files
/// are removed, and after a crash `Vault::open` removes them.
#[derive(Debug)]
pub struct ObjectWriter {
    files: Unfinished,
    data: File,
    hashes: OutboardWriter,
    /// The beginning of a part whose end has not come yet.
    part: Vec<u8>,
    ciphertext_bytes: u64,
    /// Up to here the disk was told to write.
    behind_bytes: u64,
    room: Room,
    state: State,
}

/// A sealed object that is durable in the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedObject {
    /// Length of the ciphertext.
    pub ciphertext_bytes: u64,
    /// RFC 6962 root over its parts.
    pub root: Digest,
}

impl ObjectWriter {
    /// Begins an object. The temporary file, which only one can create, keeps a second writer out.
    pub(super) fn begin(dir: PackageDir, object_id: u32, room: Room) -> Result<Self, WriteError> {
        if dir.file(object_id, FileKind::Sealed).exists() {
            return Err(WriteError::Exists);
        }
        let data = match private_file().create_new(true).open(dir.temporary(object_id, FileKind::Sealed)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(WriteError::InUse),
            opened => opened.map_err(|source| WriteError::of(source, &room))?,
        };
        let files = Unfinished { dir, object_id };
        // Again: another writer may have finished between the question and the lock.
        if files.dir.file(object_id, FileKind::Sealed).exists() {
            return Err(WriteError::Exists);
        }
        let hashes = OutboardWriter::create(files.dir.temporary(object_id, FileKind::Parts))
            .map_err(|source| WriteError::of(source, &room))?;
        let part = Vec::with_capacity(PART_BYTES);
        Ok(Self { files, data, hashes, part, ciphertext_bytes: 0, behind_bytes: 0, room, state: State::Good })
    }

    /// Takes the next ciphertext, in pieces of any length.
    pub fn write(&mut self, ciphertext: &[u8]) -> Result<(), WriteError> {
        if self.state == State::Failed {
            return Err(WriteError::Failed);
        }
        let taken = self.take(ciphertext);
        if taken.is_err() {
            self.state = State::Failed;
        }
        taken
    }

    /// Makes the object durable under its name. When this returns, it survives a power failure.
    ///
    /// Order: data and hashes are fsynced, then named, then the directory is fsynced. A crash before the last step
    /// leaves temporary files or a whole object, never a part of one under its final name.
    pub fn finish(mut self) -> Result<SealedObject, WriteError> {
        if self.state == State::Failed {
            return Err(WriteError::Failed);
        }
        if !self.part.is_empty() {
            let part = std::mem::take(&mut self.part);
            self.put_part(&part)?;
        }
        if self.ciphertext_bytes == 0 {
            return Err(WriteError::Empty);
        }
        let Self { files, data, hashes, ciphertext_bytes, room, .. } = self;
        let (dir, object_id) = (&files.dir, files.object_id);
        let durable = || -> io::Result<Digest> {
            data.sync_all()?;
            let root = hashes.finish(ciphertext_bytes, &dir.file(object_id, FileKind::Parts))?;
            fs::rename(dir.temporary(object_id, FileKind::Sealed), dir.file(object_id, FileKind::Sealed))?;
            dir.sync()?;
            Ok(root)
        };
        let root = durable().map_err(|source| WriteError::of(source, &room))?;
        Ok(SealedObject { ciphertext_bytes, root })
    }

    fn take(&mut self, mut ciphertext: &[u8]) -> Result<(), WriteError> {
        if !self.part.is_empty() {
            let (now, later) = ciphertext.split_at(ciphertext.len().min(PART_BYTES - self.part.len()));
            self.part.extend_from_slice(now);
            ciphertext = later;
            if self.part.len() < PART_BYTES {
                return Ok(());
            }
            let mut part = std::mem::take(&mut self.part);
            self.put_part(&part)?;
            part.clear();
            self.part = part;
        }
        let mut whole = ciphertext.chunks_exact(PART_BYTES);
        for part in whole.by_ref() {
            self.put_part(part)?;
        }
        self.part.extend_from_slice(whole.remainder());
        Ok(())
    }

    fn put_part(&mut self, part: &[u8]) -> Result<(), WriteError> {
        let written = self.data.write_all(part).and_then(|()| self.hashes.push(leaf_hash(part)));
        written.map_err(|source| WriteError::of(source, &self.room))?;
        self.ciphertext_bytes += part.len() as u64;
        if self.ciphertext_bytes > OBJECT_BYTES_MAX {
            return Err(WriteError::Large);
        }
        if self.ciphertext_bytes - self.behind_bytes >= WRITE_BEHIND_BYTES {
            start_writing(&self.data, self.behind_bytes, self.ciphertext_bytes - self.behind_bytes);
            self.behind_bytes = self.ciphertext_bytes;
            if self.room.spare_bytes().map_err(WriteError::Io)? == 0 {
                return Err(WriteError::no_space(&self.room));
            }
        }
        Ok(())
    }
}

/// Tells the system to start writing a range to the disk. With `POSIX_FADV_DONTNEED`, Linux begins the write-back of
/// the dirty pages without waiting for it, and forgets only clean ones. It is a hint: durability comes from fsync.
pub(super) fn start_writing(file: &File, offset: u64, bytes: u64) {
    let _hint = fadvise(file, offset, NonZeroU64::new(bytes), Advice::DontNeed);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// A write failed, perhaps in the middle: what is in the file is not known, so nothing may follow.
    Failed,
}

/// The temporary files of an object; they go when it is dropped. After a finished one there are none.
#[derive(Debug)]
struct Unfinished {
    dir: PackageDir,
    object_id: u32,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // The data last: while it is there, no other writer begins, so what goes here is ours.
        for kind in [FileKind::Parts, FileKind::Sealed] {
            let _swept_later = remove_if_there(&self.dir.temporary(self.object_id, kind));
        }
    }
}

/// Why an object was not written. Nothing of it is in the vault.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is in the vault.
    #[error("the vault already holds this object; an object is sealed once and never replaced")]
    Exists,
    /// Someone writes it.
    #[error("this object is being written already")]
    InUse,
    /// The package came from a peer.
    #[error("this package is one that a peer sends; nothing is sealed into it")]
    Received,
    /// No ciphertext was written.
    #[error("a sealed object is never empty")]
    Empty,
    /// Beyond the limit.
    #[error("the object is larger than {OBJECT_BYTES_MAX} bytes; split the file")]
    Large,
    /// The disk is full, or nearly.
    #[error("no room in the vault: {spare_bytes} bytes may still be used; free some disk space, then seal again")]
    NoSpace {
        /// Bytes that evidence may still take.
        spare_bytes: u64,
    },
    /// A write failed before.
    #[error("writing failed before; seal this object again")]
    Failed,
    /// The system refused.
    #[error("cannot write to the vault: {0}")]
    Io(#[source] io::Error),
}

impl WriteError {
    pub(super) fn of(source: io::Error, room: &Room) -> Self {
        if is_out_of_room(&source) { Self::no_space(room) } else { Self::Io(source) }
    }

    fn no_space(room: &Room) -> Self {
        Self::NoSpace { spare_bytes: room.spare_bytes().unwrap_or_default() }
    }
}
