//! ML-KEM-768 (FIPS 203) on its own, as the TLS group needs it. Refuses keys and ciphertexts of a wrong length and
//! keys that are not reduced. Never to be used alone: the caller adds X25519, so that a flaw here costs nothing.

use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::ml_kem_768;
use zeroize::Zeroizing;

/// Bytes of an encapsulation key.
pub const KEY_BYTES: usize = 1184;
/// Bytes of a ciphertext.
pub const CIPHERTEXT_BYTES: usize = 1088;
/// Bytes of the shared secret.
pub const SECRET_BYTES: usize = 32;

/// The secret that both sides hold afterwards; wiped when dropped.
pub type Secret = Zeroizing<[u8; SECRET_BYTES]>;

/// The private half of one exchange; wiped when dropped.
pub struct Decapsulator(ml_kem_768::DecapsulationKey);

impl Decapsulator {
    /// From 64 fresh random bytes.
    pub fn new(seed: &Zeroizing<[u8; 64]>) -> Self {
        Self(ml_kem_768::DecapsulationKey::from_seed((**seed).into()))
    }

    /// The public half, to be sent.
    pub fn key(&self) -> [u8; KEY_BYTES] {
        self.0.encapsulation_key().to_bytes().into()
    }

    /// The secret in a ciphertext. A forged ciphertext gives another secret, not an error (FIPS 203, 6.3).
    pub fn open(&self, ciphertext: &[u8]) -> Result<Secret, KemError> {
        let ciphertext = ml_kem_768::Ciphertext::try_from(ciphertext).map_err(|_| KemError::Length)?;
        Ok(Zeroizing::new(self.0.decapsulate(&ciphertext).into()))
    }
}

/// A fresh secret for the holder of `key`, made from 32 fresh random bytes: the ciphertext and the secret.
pub fn encapsulate(key: &[u8], random: &Zeroizing<[u8; 32]>) -> Result<([u8; CIPHERTEXT_BYTES], Secret), KemError> {
    let key = <&[u8; KEY_BYTES]>::try_from(key).map_err(|_| KemError::Length)?;
    // FIPS 203, 7.2: a key whose numbers are not reduced must be refused.
    let key = ml_kem_768::EncapsulationKey::new(key.into()).map_err(|_| KemError::Key)?;
    let (ciphertext, secret) = key.encapsulate_deterministic(&(**random).into());
    Ok((ciphertext.into(), Zeroizing::new(secret.into())))
}

/// Why a key or a ciphertext was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KemError {
    /// Of a wrong length.
    #[error("not an ML-KEM-768 key or ciphertext: its length is wrong")]
    Length,
    /// Not a key.
    #[error("not an ML-KEM-768 key: its numbers are not reduced")]
    Key,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decapsulator() -> Decapsulator {
        Decapsulator::new(&Zeroizing::new([7; 64]))
    }

    #[test]
    fn both_sides_hold_the_same_secret() {
        let receiver = decapsulator();
        let (ciphertext, secret) = encapsulate(&receiver.key(), &Zeroizing::new([9; 32])).unwrap();
        assert_eq!(*receiver.open(&ciphertext).unwrap(), *secret);
    }

    #[test]
    fn a_changed_ciphertext_gives_another_secret() {
        let receiver = decapsulator();
        let (mut ciphertext, secret) = encapsulate(&receiver.key(), &Zeroizing::new([9; 32])).unwrap();
        ciphertext[0] ^= 1;
        assert_ne!(*receiver.open(&ciphertext).unwrap(), *secret);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let random = Zeroizing::new([0; 32]);
        for length in [0, KEY_BYTES - 1, KEY_BYTES + 1] {
            assert_eq!(encapsulate(&vec![0; length], &random).unwrap_err(), KemError::Length);
        }
        for length in [0, CIPHERTEXT_BYTES - 1, CIPHERTEXT_BYTES + 1] {
            assert_eq!(decapsulator().open(&vec![0; length]).unwrap_err(), KemError::Length);
        }
    }

    #[test]
    fn a_key_that_is_not_reduced_is_refused() {
        assert_eq!(encapsulate(&[0xff; KEY_BYTES], &Zeroizing::new([0; 32])).unwrap_err(), KemError::Key);
    }

    #[test]
    fn a_foreign_implementation_makes_the_same_key_and_the_same_secret() {
        let vector: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/crypto/mlkem-by-pyca.json")).unwrap();
        let bytes = |name: &str| data_encoding::HEXLOWER.decode(vector[name].as_str().unwrap().as_bytes()).unwrap();
        let seed: [u8; 64] = bytes("seed").try_into().unwrap();
        let receiver = Decapsulator::new(&Zeroizing::new(seed));
        assert_eq!(receiver.key().to_vec(), bytes("key"));
        assert_eq!(receiver.open(&bytes("ciphertext")).unwrap().to_vec(), bytes("secret"));
    }
}
