//! A sealed object as a stream (C2SP chunked-encryption; the bytes are drawn in `chunk.rs`). Releases no byte that was not
//! verified, and refuses a stream that was cut, extended, reordered or repeated.

use zeroize::Zeroizing;

use crate::crypto::chunk::{
    CHUNK_BYTES, COMMITMENT_BYTES, ChunkCipher, HEADER_BYTES, SALT_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES,
    ciphertext_bytes,
};
use crate::crypto::package_key::ObjectKey;
use crate::model::limits::OBJECT_BYTES_MAX;

/// Seals a whole small object, e.g. the message of an envelope. `salt` is 24 fresh random bytes.
pub fn seal(key: &ObjectKey, salt: [u8; SALT_BYTES], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let bytes = u64::try_from(plaintext.len())
        .ok()
        .and_then(ciphertext_bytes)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or(SealError::TooLarge)?;
    let mut out = Vec::with_capacity(bytes);
    let mut sealer = Sealer::begin(key, salt, &mut out);
    sealer.push(plaintext, &mut out)?;
    sealer.finish(&mut out);
    Ok(out)
}

/// Opens a whole small object.
pub fn open(key: &ObjectKey, ciphertext: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (header, body) = ciphertext.split_first_chunk::<HEADER_BYTES>().ok_or(OpenError::Truncated)?;
    let mut opener = Opener::begin(key, header)?;
    let mut out = Vec::with_capacity(body.len());
    opener.push(body, &mut out)?;
    opener.finish(&mut out)?;
    Ok(out)
}

/// Seals a stream of any length. Push blocks of any size; about 1 MiB at a time is fastest.
#[derive(Debug)]
pub struct Sealer {
    cipher: ChunkCipher,
    pending: Zeroizing<Vec<u8>>,
    index: u64,
    sealed_bytes: u64,
}

impl Sealer {
    /// Begins an object and appends its header to `out`. `salt` is 24 fresh random bytes: the same salt twice
    /// under one object key would repeat nonces.
    pub fn begin(key: &ObjectKey, salt: [u8; SALT_BYTES], out: &mut Vec<u8>) -> Self {
        let cipher = ChunkCipher::derive(key, salt);
        out.extend_from_slice(&cipher.header());
        Self {
            cipher,
            pending: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)),
            index: 0,
            sealed_bytes: HEADER_BYTES as u64,
        }
    }

    /// The key commitment, as the envelope names it.
    pub fn commitment(&self) -> [u8; COMMITMENT_BYTES] {
        *self.cipher.commitment()
    }

    /// Takes the next block of plaintext and appends every chunk that it completes to `out`.
    pub fn push(&mut self, mut plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let room = OBJECT_BYTES_MAX.saturating_sub(self.sealed_bytes);
        let grown = u64::try_from(plaintext.len()).ok().and_then(ciphertext_bytes);
        // The extra chunk is what may still be pending.
        if grown.is_none_or(|bytes| bytes + SEALED_CHUNK_BYTES as u64 > room) {
            return Err(SealError::TooLarge);
        }
        if !self.pending.is_empty() {
            let missing = CHUNK_BYTES - self.pending.len();
            let Some((head, rest)) = plaintext.split_at_checked(missing) else {
                self.pending.extend_from_slice(plaintext);
                return Ok(());
            };
            self.pending.extend_from_slice(head);
            plaintext = rest;
            let chunk = std::mem::take(&mut self.pending);
            self.seal_chunk(&chunk, out);
            self.pending = chunk;
            self.pending.clear();
        }
        let mut chunks = plaintext.chunks_exact(CHUNK_BYTES);
        for chunk in &mut chunks {
            self.seal_chunk(chunk, out);
        }
        self.pending.extend_from_slice(chunks.remainder());
        Ok(())
    }

    /// Ends the object: appends the last chunk, shorter than the others and perhaps empty, and says how long the
    /// whole ciphertext is.
    pub fn finish(mut self, out: &mut Vec<u8>) -> u64 {
        let chunk = std::mem::take(&mut self.pending);
        self.seal_chunk(&chunk, out);
        self.sealed_bytes
    }

    fn seal_chunk(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let before = out.len();
        self.cipher.seal(self.index, chunk, out);
        self.index += 1;
        self.sealed_bytes += (out.len() - before) as u64;
    }
}

/// Opens a stream, or single chunks of an object. What it releases is authentic; that it is whole is known only when
/// [`Opener::finish`] agrees.
#[derive(Debug)]
pub struct Opener {
    cipher: ChunkCipher,
    pending: Vec<u8>,
    index: u64,
    failed: Option<OpenError>,
}

impl Opener {
    /// Begins with the header of the object; refuses a key that the object was not sealed with.
    pub fn begin(key: &ObjectKey, header: &[u8; HEADER_BYTES]) -> Result<Self, OpenError> {
        let (salt, commitment) = header.split_first_chunk::<SALT_BYTES>().ok_or(OpenError::Truncated)?;
        let commitment = commitment.try_into().map_err(|_| OpenError::Truncated)?;
        let cipher = ChunkCipher::derive(key, *salt);
        if !cipher.commits_to(commitment) {
            return Err(OpenError::WrongKey);
        }
        Ok(Self { cipher, pending: Vec::new(), index: 0, failed: None })
    }

    /// The key commitment, as the envelope names it.
    pub fn commitment(&self) -> [u8; COMMITMENT_BYTES] {
        *self.cipher.commitment()
    }

    /// Takes the next block of ciphertext (behind the header) and appends every verified chunk to `out`. After an
    /// error the stream stays refused.
    pub fn push(&mut self, ciphertext: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let done = self.push_chunks(ciphertext, out);
        self.failed = done.err();
        done
    }

    /// Ends the stream. A stream that was cut at a chunk's edge has no short last chunk and fails here.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), OpenError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.pending.len() < TAG_BYTES {
            return Err(OpenError::Truncated);
        }
        let chunk = std::mem::take(&mut self.pending);
        self.open_next(&chunk, out)
    }

    /// Opens chunk `index` alone (random access) and appends its plaintext to `out`. The position of a chunk is
    /// authentic, the length of the object is not before its last chunk was opened too.
    pub fn open_chunk(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if sealed.len() > SEALED_CHUNK_BYTES {
            return Err(OpenError::Chunk { index });
        }
        self.cipher.open(index, sealed, out).map_err(|_| OpenError::Chunk { index })
    }

    fn push_chunks(&mut self, mut ciphertext: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if !self.pending.is_empty() {
            let missing = SEALED_CHUNK_BYTES - self.pending.len();
            let Some((head, rest)) = ciphertext.split_at_checked(missing) else {
                self.pending.extend_from_slice(ciphertext);
                return Ok(());
            };
            self.pending.extend_from_slice(head);
            ciphertext = rest;
            let mut chunk = std::mem::take(&mut self.pending);
            self.open_next(&chunk, out)?;
            chunk.clear();
            self.pending = chunk;
        }
        let mut chunks = ciphertext.chunks_exact(SEALED_CHUNK_BYTES);
        for chunk in &mut chunks {
            self.open_next(chunk, out)?;
        }
        self.pending.extend_from_slice(chunks.remainder());
        Ok(())
    }

    fn open_next(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        self.open_chunk(self.index, chunk, out)?;
        self.index += 1;
        Ok(())
    }
}

/// Why an object was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Larger than a sealed object may be.
    #[error("a sealed object has at most {OBJECT_BYTES_MAX} bytes; split the file")]
    TooLarge,
}

/// Why an object was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The commitment is not that of this key: another key, another object, or a damaged header.
    #[error("the sealed object belongs to another key; fetch the object that the envelope names")]
    WrongKey,
    /// A chunk that does not verify: changed, moved, repeated, left out, or data behind the end.
    #[error("chunk {index} of the sealed object does not verify; fetch the object again")]
    Chunk {
        /// Its place, from 0.
        index: u64,
    },
    /// The object ends before its short last chunk.
    #[error("the sealed object was cut before its end; fetch the rest")]
    Truncated,
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
