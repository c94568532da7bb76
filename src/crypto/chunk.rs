//! One chunk of a sealed object (C2SP chunked-encryption, AEAD_AES_256_GCM) and where it stands. Refuses a chunk that
//! was changed, moved or belongs to another key.
//!
//! ```text
//! sealed object:  salt[24] || commitment[32] || chunk 0 || chunk 1 || ... || chunk n
//! full chunk:     16384 bytes of plaintext, then the tag[16]
//! last chunk:     always shorter (0..16383 bytes), then the tag[16]: its shortness is what ends the object
//! ```
//!
//! ```text
//! key[32] || base_nonce[12] || commitment[32] = HKDF-Expand-SHA-512(object_key,
//!     "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" || salt || context)
//! context = "rogatory/v1/payload\0" || seal_id[16] || u32be object_id
//! nonce of chunk i = base_nonce, its last 8 bytes XOR u64be(i)
//! ```

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::crypto::package_key::ObjectKey;

/// Salt and commitment.
pub const HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
/// Fresh randomness at the head of each sealed object.
pub const SALT_BYTES: usize = 24;
/// The key commitment: one ciphertext cannot open to two plaintexts under two keys.
pub const COMMITMENT_BYTES: usize = 32;
/// Plaintext of a full chunk.
pub const CHUNK_BYTES: usize = 16 * 1024;
/// The AES-GCM tag behind each chunk.
pub const TAG_BYTES: usize = 16;
/// A full chunk as it stands in the ciphertext.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Length of the sealed form of `plaintext_bytes`; `None` if it does not fit 64 bits.
pub fn ciphertext_bytes(plaintext_bytes: u64) -> Option<u64> {
    let chunks = plaintext_bytes / CHUNK_BYTES as u64 + 1;
    let tags = chunks.checked_mul(TAG_BYTES as u64)?;
    plaintext_bytes.checked_add(tags)?.checked_add(HEADER_BYTES as u64)
}

/// Length of the plaintext of a sealed object; `None` for a length that no sealed object has.
pub fn plaintext_bytes(ciphertext_bytes: u64) -> Option<u64> {
    let body = ciphertext_bytes.checked_sub(HEADER_BYTES as u64)?;
    let full_chunks = body / SEALED_CHUNK_BYTES as u64;
    let last = (body % SEALED_CHUNK_BYTES as u64).checked_sub(TAG_BYTES as u64)?;
    Some(full_chunks * CHUNK_BYTES as u64 + last)
}

/// Seals and opens single chunks of one object. ring keeps the expanded key and does not wipe it.
pub(super) struct ChunkCipher {
    key: LessSafeKey,
    base_nonce: u128,
    salt: [u8; SALT_BYTES],
    commitment: [u8; COMMITMENT_BYTES],
}

impl ChunkCipher {
    pub(super) fn derive(object_key: &ObjectKey, salt: [u8; SALT_BYTES]) -> Self {
        let scope = object_key.scope();
        let secrets = object_key.expand::<76>(&[
            b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0",
            &salt,
            b"rogatory/v1/payload\0",
            scope.seal_id.as_bytes(),
            &scope.object_id.to_be_bytes(),
        ]);
        let (key, rest) = secrets.split_at(32);
        let (nonce, commitment) = rest.split_at(12);
        let base_nonce = nonce.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        let key = UnboundKey::new(&AES_256_GCM, key).expect("invariant: the first 32 of 76 bytes are an AES-256 key");
        Self {
            key: LessSafeKey::new(key),
            base_nonce,
            salt,
            commitment: commitment.try_into().expect("invariant: 76 - 32 - 12 bytes are the commitment"),
        }
    }

    pub(super) fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        let (salt, commitment) = header.split_at_mut(SALT_BYTES);
        salt.copy_from_slice(&self.salt);
        commitment.copy_from_slice(&self.commitment);
        header
    }

    pub(super) fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.commitment
    }

    /// Whether `commitment` is that of this key. Takes the same time wherever the two differ.
    pub(super) fn commits_to(&self, commitment: &[u8; COMMITMENT_BYTES]) -> bool {
        let difference = self.commitment.iter().zip(commitment).fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
        std::hint::black_box(difference) == 0
    }

    /// Appends the sealed chunk to `out`: one copy, then AES-GCM in place.
    pub(super) fn seal(&self, index: u64, plaintext: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(plaintext);
        let (_, chunk) = out.split_at_mut_checked(start).expect("invariant: out only grew");
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(index), Aad::empty(), chunk)
            .expect("invariant: a chunk is shorter than the AES-GCM limit");
        out.extend_from_slice(tag.as_ref());
    }

    /// Appends the plaintext of a sealed chunk to `out`, or nothing at all.
    pub(super) fn open(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), ChunkForged> {
        let start = out.len();
        out.extend_from_slice(sealed);
        let (_, chunk) = out.split_at_mut_checked(start).expect("invariant: out only grew");
        let opened = self.key.open_in_place(self.nonce(index), Aad::empty(), chunk).map(|plaintext| plaintext.len());
        out.truncate(start + opened.as_ref().copied().unwrap_or(0));
        opened.map(|_| ()).map_err(|_| ChunkForged)
    }

    fn nonce(&self, index: u64) -> Nonce {
        let number = (self.base_nonce ^ u128::from(index)).to_be_bytes();
        let (_, nonce) = number.split_at(4);
        Nonce::try_assume_unique_for_key(nonce).expect("invariant: 16 - 4 bytes are a nonce")
    }
}

impl fmt::Debug for ChunkCipher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ChunkCipher(..)")
    }
}

/// The chunk does not carry the tag of this key, object and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunk was changed, moved or sealed with another key")]
pub(super) struct ChunkForged;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_length_last_chunk_is_no_length_of_a_sealed_object() {
        assert_eq!(ciphertext_bytes(0), Some(56 + 16));
        assert_eq!(ciphertext_bytes(16_383), Some(56 + 16_383 + 16));
        assert_eq!(ciphertext_bytes(16_384), Some(56 + 16_384 + 32));
        assert_eq!(ciphertext_bytes(u64::MAX), None);
        for none in [0, 56, 71, 56 + 16_400, 56 + 16_400 + 15] {
            assert_eq!(plaintext_bytes(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_length_of_the_plaintext_follows_from_that_of_the_ciphertext(bytes in 0_u64..1 << 50) {
            prop_assert_eq!(plaintext_bytes(ciphertext_bytes(bytes).unwrap()), Some(bytes));
        }
    }
}
