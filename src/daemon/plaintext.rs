//! A file on its way out of the vault: decrypts part by part. Refuses, at its last byte at the latest, what is not as it
//! was sealed and signed.

use std::io::{self, Read};

use crate::crypto::chunk::HEADER_BYTES;
use crate::crypto::digest::Sha256;
use crate::crypto::package_key::ObjectKey;
use crate::crypto::payload::{OpenError, Opener};
use crate::model::package::Item;
use crate::store::object_reader::{ObjectReader, ReadError};

/// A file on its way out: decrypts part by part; its last read fails unless every byte was as it was sealed.
pub struct Plaintext {
    reader: ObjectReader,
    key: ObjectKey,
    opener: Option<Opener>,
    item: Item,
    next_part: u64,
    hash: Option<Sha256>,
    ready: Vec<u8>,
    given: usize,
}

impl Plaintext {
    pub(super) fn new(reader: ObjectReader, key: ObjectKey, item: Item) -> Self {
        let hash = Some(Sha256::new());
        Self { reader, key, opener: None, item, next_part: 0, hash, ready: Vec::new(), given: 0 }
    }

    fn refill(&mut self) -> Result<(), PlaintextError> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() && self.next_part < self.reader.parts() {
            let (part, _) = self.reader.part(self.next_part)?;
            self.next_part += 1;
            let sealed = match &mut self.opener {
                Some(_) => part.as_slice(),
                None => {
                    let (header, rest) = part.split_first_chunk::<HEADER_BYTES>().ok_or(PlaintextError::Cut)?;
                    self.opener = Some(Opener::begin(&self.key, header)?);
                    rest
                }
            };
            let opener = self.opener.as_mut().ok_or(PlaintextError::Cut)?;
            opener.push(sealed, &mut self.ready)?;
            if self.next_part == self.reader.parts()
                && let Some(opener) = self.opener.take()
            {
                opener.finish(&mut self.ready)?;
            }
            if let Some(hash) = &mut self.hash {
                hash.update(&self.ready);
            }
        }
        if self.ready.is_empty()
            && let Some(hash) = self.hash.take()
            && hash.finish() != self.item.sha256
        {
            return Err(PlaintextError::Digest { object_id: self.item.object_id });
        }
        Ok(())
    }
}

impl Read for Plaintext {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill().map_err(io::Error::other)?;
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

/// Why a file could not be given out to its end. The officer sees the text.
#[derive(Debug, thiserror::Error)]
pub enum PlaintextError {
    /// The sealed object ends too early.
    #[error("the sealed object is cut; run `rogatory custody fsck`")]
    Cut,
    /// The file is not what was sealed.
    #[error("item {object_id} is not what its sender signed: the SHA-256 differs; do not use it, and tell the sender")]
    Digest {
        /// The item.
        object_id: u32,
    },
    /// The vault gives nothing back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Opening.
    #[error("the sealed object does not open: {0}")]
    Open(#[from] OpenError),
}
