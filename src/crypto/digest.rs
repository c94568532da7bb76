//! SHA-256 (FIPS 180-4), in one shot and streamed. Knows no other digest, so nothing can be talked into a weaker one.

use std::fmt;

use ring::digest::{Context, SHA256};

use crate::model::ident::Digest;

/// The digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    owned(&ring::digest::digest(&SHA256, bytes))
}

/// The digest of the concatenation of `parts`, without making it.
pub fn sha256_of_parts(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// A digest that is being made from bytes as they come.
#[derive(Clone)]
pub struct Sha256(Context);

impl Sha256 {
    /// Starts with no bytes.
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Digest {
        owned(&self.0.finish())
    }
}

fn owned(digest: &ring::digest::Digest) -> Digest {
    Digest(digest.as_ref().try_into().expect("invariant: SHA-256 gives 32 bytes"))
}

/// Shows nothing of what was taken.
impl fmt::Debug for Sha256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sha256(..)")
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_the_one_of_fips_180_4() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), expected);
        assert_eq!(sha256_of_parts(&[b"a", b"", b"bc"]).to_string(), expected);
    }

    #[test]
    fn streaming_gives_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..1_000_u32).flat_map(|i| i.to_be_bytes()).collect();
        let mut hasher = Sha256::new();
        for piece in bytes.chunks(37) {
            hasher.update(piece);
        }
        assert_eq!(hasher.finish(), sha256(&bytes));
    }
}
