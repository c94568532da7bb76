//! The receiving key pair of an authority: MLKEM768-X25519 (X-Wing, HPKE KEM 0x647a). Refuses a public key that is not
//! 1216 bytes or fails the FIPS 203 check.

use std::fmt;

use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};

use crate::crypto::digest::sha256;
use crate::model::ident::Digest;

/// Bytes of the seed that is the private key.
pub const SEED_BYTES: usize = 32;
/// Bytes of the public key: ML-KEM-768 encapsulation key, then X25519.
pub const PUBLIC_KEY_BYTES: usize = 1216;

/// The private half: opens what was sealed to the authority.
pub struct HybridSecretKey {
    pub(super) key: <XWing as Kem>::PrivateKey,
    public: HybridPublicKey,
}

impl HybridSecretKey {
    /// From a seed of 32 fresh random bytes. The caller keeps and wipes the seed.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let key = <XWing as Kem>::PrivateKey::from_bytes(seed).expect("invariant: any 32 bytes are a seed of this KEM");
        let public = HybridPublicKey::of(XWing::sk_to_pk(&key));
        Self { key, public }
    }

    /// The public half.
    pub fn public(&self) -> &HybridPublicKey {
        &self.public
    }
}

impl fmt::Debug for HybridSecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HybridSecretKey({}, ..)", self.public.id)
    }
}

/// The public half: what the directory publishes and evidence is sealed to.
#[derive(Clone, PartialEq, Eq)]
pub struct HybridPublicKey {
    pub(super) key: <XWing as Kem>::PublicKey,
    bytes: Vec<u8>,
    id: Digest,
}

impl HybridPublicKey {
    /// The 1216 bytes as the directory holds them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key id that a stanza names: SHA-256 of the public key.
    pub fn id(&self) -> Digest {
        self.id
    }

    fn of(key: <XWing as Kem>::PublicKey) -> Self {
        let bytes = key.to_bytes().to_vec();
        let id = sha256(&bytes);
        Self { key, bytes, id }
    }
}

impl TryFrom<&[u8]> for HybridPublicKey {
    type Error = HybridKeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, HybridKeyError> {
        if bytes.len() != PUBLIC_KEY_BYTES {
            return Err(HybridKeyError::Length(bytes.len()));
        }
        <XWing as Kem>::PublicKey::from_bytes(bytes).map(Self::of).map_err(|_| HybridKeyError::Invalid)
    }
}

impl fmt::Debug for HybridPublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HybridPublicKey({})", self.id)
    }
}

/// Why bytes are no public receiving key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HybridKeyError {
    /// Not 1216 bytes.
    #[error("a receiving key has {PUBLIC_KEY_BYTES} bytes, not {0}; ask the authority for its key again")]
    Length(usize),
    /// The ML-KEM half is not reduced modulo q (FIPS 203, 7.2).
    #[error("the receiving key is damaged; ask the authority for its key again")]
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_reads_back_from_its_bytes_and_is_named_by_their_digest() {
        let secret = HybridSecretKey::from_seed(&[3; 32]);
        let read = HybridPublicKey::try_from(secret.public().as_bytes()).unwrap();
        assert_eq!(&read, secret.public());
        assert_eq!(read.as_bytes().len(), PUBLIC_KEY_BYTES);
        assert_eq!(read.id(), sha256(read.as_bytes()));
    }

    #[test]
    fn a_public_key_of_another_length_or_out_of_range_is_refused() {
        let public = HybridSecretKey::from_seed(&[3; 32]).public().clone();
        assert_eq!(HybridPublicKey::try_from(&public.as_bytes()[1..]), Err(HybridKeyError::Length(1215)));
        let mut damaged = public.as_bytes().to_vec();
        damaged[..3].fill(0xff);
        assert_eq!(HybridPublicKey::try_from(damaged.as_slice()), Err(HybridKeyError::Invalid));
    }

    #[test]
    fn a_debug_line_shows_no_seed() {
        let shown = format!("{:?}", HybridSecretKey::from_seed(&[0xab; 32]));
        assert!(!shown.contains("abab"));
    }
}
