//! Ed25519 (RFC 8032) key pairs, signatures and their check. Makes no keys: the 32-byte seed comes in as an argument.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

/// Bytes of a seed, the private half of RFC 8032.
pub const SEED_BYTES: usize = 32;
/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// What precedes the seed in a PKCS#8 v1 private key (RFC 8410, chapter 7), the form that openssl writes and reads.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A key pair that signs. Never shown, never copied; the bytes it was read from are the caller's to wipe
/// (`Zeroizing`), ring keeps its expanded form until it is dropped.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// From 32 random bytes.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("invariant: every 32 bytes are an Ed25519 seed");
        Self { pair }
    }

    /// From a DER PKCS#8 private key, version 1 (RFC 8410) or 2 (RFC 5958).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(|pair| Self { pair }).map_err(|_| KeyError)
    }

    /// The 32-byte public key.
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        copied(self.pair.public_key().as_ref())
    }

    /// Signs `message`. Deterministic: the same message gives the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        copied(self.pair.sign(message).as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey(..)")
    }
}

/// The PKCS#8 v1 file of `seed`, for the key directory.
pub fn pkcs8_of_seed(seed: &[u8; SEED_BYTES]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + SEED_BYTES));
    der.extend_from_slice(&PKCS8_PREFIX);
    der.extend_from_slice(seed);
    der
}

/// Checks that the holder of `public_key` signed `message`.
pub fn verify(public_key: &[u8; PUBLIC_KEY_BYTES], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).map_err(|_| SignatureError)
}

fn copied<const N: usize>(from: &[u8]) -> [u8; N] {
    let mut out = [0_u8; N];
    for (to, byte) in out.iter_mut().zip(from) {
        *to = *byte;
    }
    out
}

/// Bytes that are no Ed25519 private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a PKCS#8 Ed25519 private key; restore the key file from its backup")]
pub struct KeyError;

/// A signature that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the Ed25519 signature does not hold")]
pub struct SignatureError;

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    #[test]
    fn the_second_test_of_rfc_8032_gives_its_key_and_signature() {
        let seed: [u8; 32] = HEXLOWER
            .decode(b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
            .unwrap()
            .try_into()
            .unwrap();
        let key = SigningKey::from_seed(&seed);
        assert_eq!(
            HEXLOWER.encode(&key.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            HEXLOWER.encode(&key.sign(&[0x72])),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }

    #[test]
    fn a_key_reads_back_from_its_pkcs8_file() {
        let key = SigningKey::from_seed(&[7; 32]);
        let again = SigningKey::from_pkcs8(&pkcs8_of_seed(&[7; 32])).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        assert_eq!(SigningKey::from_pkcs8(b"nothing").unwrap_err(), KeyError);
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let key = SigningKey::from_seed(&[7; 32]);
        let signature = key.sign(b"message");
        let other = SigningKey::from_seed(&[8; 32]).public_key();
        assert_eq!(verify(&key.public_key(), b"message", &signature), Ok(()));
        assert!(verify(&key.public_key(), b"massage", &signature).is_err());
        assert!(verify(&other, b"message", &signature).is_err());
        assert!(verify(&key.public_key(), b"message", b"short").is_err());
    }

    #[test]
    fn a_debug_line_never_shows_the_key() {
        assert_eq!(format!("{:?}", SigningKey::from_seed(&[7; 32])), "SigningKey(..)");
    }
}
