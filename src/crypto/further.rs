//! The digests besides SHA-256 that older records of acquisitions name: MD5, SHA-1, SHA-512, BLAKE3, all in the same pass.
//! Nothing in the protocol rests on them; MD5 and SHA-1 refuse no forger.

use std::fmt;

use md5::Digest as _;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA512};

use crate::model::listed::{FurtherAlgorithm, FurtherDigest};

/// Further digests that are being made from bytes as they come.
#[derive(Debug, Clone, Default)]
pub struct FurtherHashers(Vec<Hasher>);

#[derive(Clone)]
enum Hasher {
    Md5(md5::Md5),
    Sha1(Context),
    Sha512(Context),
    Blake3(Box<blake3::Hasher>),
}

impl FurtherHashers {
    /// Starts these, each once.
    pub fn new(algorithms: impl IntoIterator<Item = FurtherAlgorithm>) -> Self {
        let mut wanted: Vec<_> = algorithms.into_iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        Self(wanted.into_iter().map(Hasher::new).collect())
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.0 {
            match hasher {
                Hasher::Md5(hasher) => hasher.update(bytes),
                Hasher::Sha1(hasher) | Hasher::Sha512(hasher) => hasher.update(bytes),
                Hasher::Blake3(hasher) => {
                    hasher.update(bytes);
                }
            }
        }
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> Vec<FurtherDigest> {
        let digest = |hasher: Hasher| {
            let (algorithm, value) = match hasher {
                Hasher::Md5(hasher) => (FurtherAlgorithm::Md5, hasher.finalize().to_vec()),
                Hasher::Sha1(hasher) => (FurtherAlgorithm::Sha1, hasher.finish().as_ref().to_vec()),
                Hasher::Sha512(hasher) => (FurtherAlgorithm::Sha512, hasher.finish().as_ref().to_vec()),
                Hasher::Blake3(hasher) => (FurtherAlgorithm::Blake3, hasher.finalize().as_bytes().to_vec()),
            };
            FurtherDigest::new(algorithm, value).expect("invariant: every algorithm gives its own length")
        };
        self.0.into_iter().map(digest).collect()
    }
}

impl Hasher {
    fn new(algorithm: FurtherAlgorithm) -> Self {
        match algorithm {
            FurtherAlgorithm::Md5 => Self::Md5(md5::Md5::new()),
            FurtherAlgorithm::Sha1 => Self::Sha1(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            FurtherAlgorithm::Sha512 => Self::Sha512(Context::new(&SHA512)),
            FurtherAlgorithm::Blake3 => Self::Blake3(Box::default()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Md5(_) => "Md5",
            Self::Sha1(_) => "Sha1",
            Self::Sha512(_) => "Sha512",
            Self::Blake3(_) => "Blake3",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_abc_are_the_published_ones() {
        let mut hashers = FurtherHashers::new(FurtherAlgorithm::ALL.into_iter().rev());
        hashers.update(b"a");
        hashers.update(b"bc");
        let found: Vec<String> = hashers.finish().iter().map(ToString::to_string).collect();
        // RFC 1321 A.5; FIPS 180-4 examples; the official BLAKE3 implementation.
        assert_eq!(
            found,
            [
                "md5=900150983cd24fb0d6963f7d28e17f72",
                "sha1=a9993e364706816aba3e25717850c26c9cd0d89d",
                "sha512=ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                "blake3=6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            ]
        );
        assert_eq!(FurtherHashers::default().finish(), []);
    }
}
