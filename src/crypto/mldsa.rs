//! ML-DSA-44 (FIPS 204), pure and with an empty context: the signature of cosigners that outlives quantum computers. Refuses
//! a key or signature of another length. Makes no keys: the 32-byte seed comes in as an argument.

use std::fmt;
use std::sync::{Arc, OnceLock};

use ml_dsa::{ExpandedSigningKey, MlDsa44, Signature, VerifyingKey};
use zeroize::Zeroizing;

/// Bytes of a seed (xi), the private half that FIPS 204 lets one keep.
pub const SEED_BYTES: usize = 32;
/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 1_312;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 2_420;

/// What precedes the seed in a PKCS#8 private key that holds the seed alone (RFC 9881, chapter 6).
const PKCS8_PREFIX: [u8; 22] = [
    0x30, 0x34, 0x02, 0x01, 0x00, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11, 0x04,
    0x22, 0x80, 0x20,
];

/// A key pair that signs. Never shown; the expanded key is wiped when dropped, the seed is the caller's to wipe.
pub struct SigningKey {
    expanded: ExpandedSigningKey<MlDsa44>,
    public: PublicKey,
}

impl SigningKey {
    /// From 32 random bytes.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let expanded = ExpandedSigningKey::from_seed(&(*seed).into());
        let public = PublicKey::new(expanded.verifying_key().encode().into());
        Self { expanded, public }
    }

    /// From a DER PKCS#8 private key that holds the seed alone.
    ///
    /// # Errors
    /// [`KeyError`] for any other form; the expanded key of FIPS 204 is one of them.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let seed = der.strip_prefix(&PKCS8_PREFIX).ok_or(KeyError)?;
        Ok(Self::from_seed(seed.try_into().map_err(|_| KeyError)?))
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` in the deterministic variant of FIPS 204: the same message gives the same signature, so a statement
    /// that is published again after a crash is the same bytes again.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.sign_in(&[], message, &[0; 32])
    }

    /// Signs `message` in the hedged variant of FIPS 204, its default: 32 fresh random bytes make a fault in the machine, or
    /// an eye on its power supply, see another computation each time.
    pub fn sign_hedged(&self, message: &[u8], random: &[u8; 32]) -> [u8; SIGNATURE_BYTES] {
        self.sign_in(&[], message, random)
    }

    /// FIPS 204, algorithm 2: the message behind a zero byte (pure) and its context.
    fn sign_in(&self, context: &[u8], message: &[u8], random: &[u8; 32]) -> [u8; SIGNATURE_BYTES] {
        let context_bytes = u8::try_from(context.len()).expect("invariant: contexts here are empty, or a vector's");
        let parts = [&[0, context_bytes], context, message];
        self.expanded.sign_internal(&parts, &(*random).into()).encode().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey(..)")
    }
}

/// The PKCS#8 file of `seed`, for the key directory.
pub fn pkcs8_of_seed(seed: &[u8; SEED_BYTES]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + SEED_BYTES));
    der.extend_from_slice(&PKCS8_PREFIX);
    der.extend_from_slice(seed);
    der
}

/// A public key. Every 1,312 bytes are one; the matrix it stands for (16 KiB, the dearest part of a check) is computed
/// when the first signature is checked, and shared by all copies.
#[derive(Clone)]
pub struct PublicKey(Arc<Shared>);

struct Shared {
    bytes: [u8; PUBLIC_KEY_BYTES],
    prepared: OnceLock<Box<VerifyingKey<MlDsa44>>>,
}

impl PublicKey {
    /// The key of those bytes.
    pub fn new(bytes: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(Arc::new(Shared { bytes, prepared: OnceLock::new() }))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0.bytes
    }

    /// Checks that the holder of the key signed `message`.
    ///
    /// # Errors
    /// [`SignatureError`] for another length, an encoding that FIPS 204 does not allow, or a signature that does not hold.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.verify_in(&[], message, signature)
    }

    fn verify_in(&self, context: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = Signature::<MlDsa44>::try_from(signature).map_err(|_| SignatureError)?;
        let key = self.0.prepared.get_or_init(|| Box::new(VerifyingKey::decode(&self.0.bytes.into())));
        if key.verify_with_context(message, context, &signature) { Ok(()) } else { Err(SignatureError) }
    }
}

impl TryFrom<&[u8]> for PublicKey {
    type Error = SignatureError;

    fn try_from(bytes: &[u8]) -> Result<Self, SignatureError> {
        bytes.try_into().map(Self::new).map_err(|_| SignatureError)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0.bytes;
        write!(out, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// Bytes that are no ML-DSA-44 private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a PKCS#8 ML-DSA-44 private key with the seed alone; restore the key file from its backup")]
pub struct KeyError;

/// A signature that does not hold, or a key or signature of another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ML-DSA-44 signature does not hold")]
pub struct SignatureError;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn bytes(vector: &Value, name: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(vector[name].as_str().unwrap().as_bytes()).unwrap()
    }

    fn file(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_known_answers_of_fips_204_come_out_byte_for_byte_and_no_changed_one_holds() {
        let known = file(include_str!("../../tests/vectors/crypto/mldsa44-known-answers.json"));
        let answers = known["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 3);
        for answer in answers {
            let seed: [u8; 32] = bytes(answer, "seed").try_into().unwrap();
            let key = SigningKey::from_seed(&seed);
            let (context, message) = (bytes(answer, "context"), bytes(answer, "message"));
            let signature = bytes(answer, "signature");
            assert_eq!(key.public_key().as_bytes().to_vec(), bytes(answer, "public_key"));
            assert_eq!(key.sign_in(&context, &message, &[0; 32]).to_vec(), signature);
            let public = PublicKey::try_from(bytes(answer, "public_key").as_slice()).unwrap();
            assert_eq!(public.verify_in(&context, &message, &signature), Ok(()));
            assert_eq!(public.verify_in(&[], &message, &signature), Err(SignatureError));
            for at in [0, 31, 32, 1_200, 2_335, 2_336, 2_419] {
                let mut changed = signature.clone();
                changed[at] ^= 1;
                assert_eq!(public.verify_in(&context, &message, &changed), Err(SignatureError), "{at}");
            }
        }
    }

    #[test]
    fn a_foreign_implementation_makes_the_same_key_and_its_hedged_signature_holds() {
        let vector = file(include_str!("../../tests/vectors/crypto/mldsa44-by-pyca.json"));
        let seed: [u8; 32] = bytes(&vector, "seed").try_into().unwrap();
        let key = SigningKey::from_seed(&seed);
        assert_eq!(key.public_key().as_bytes().to_vec(), bytes(&vector, "public_key"));
        let (message, signature) = (bytes(&vector, "message"), bytes(&vector, "signature"));
        assert_eq!(key.public_key().verify(&message, &signature), Ok(()));
        assert_ne!(key.sign(&message).to_vec(), signature);
        assert!(key.public_key().verify(b"other", &signature).is_err());
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let key = SigningKey::from_seed(&[7; 32]);
        let other = SigningKey::from_seed(&[8; 32]);
        let (plain, hedged) = (key.sign(b"message"), key.sign_hedged(b"message", &[9; 32]));
        assert_eq!(plain, key.sign(b"message"));
        assert_ne!(plain, hedged);
        for signature in [plain, hedged] {
            assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
            assert!(key.public_key().verify(b"massage", &signature).is_err());
            assert!(other.public_key().verify(b"message", &signature).is_err());
            assert!(key.public_key().verify(b"message", &signature[..2_419]).is_err());
        }
        assert!(key.public_key().verify(b"message", &[]).is_err());
        assert!(key.public_key().verify(b"message", &[0xff; SIGNATURE_BYTES]).is_err());
    }

    #[test]
    fn a_key_reads_back_from_its_pkcs8_file_as_a_foreign_implementation_writes_it() {
        let vector = file(include_str!("../../tests/vectors/crypto/mldsa44-by-pyca.json"));
        let seed: [u8; 32] = bytes(&vector, "seed").try_into().unwrap();
        assert_eq!(pkcs8_of_seed(&seed).to_vec(), bytes(&vector, "pkcs8"));
        let again = SigningKey::from_pkcs8(&bytes(&vector, "pkcs8")).unwrap();
        assert_eq!(again.public_key(), SigningKey::from_seed(&seed).public_key());
        for bad in [&b"nothing"[..], &pkcs8_of_seed(&seed)[..53], &[&pkcs8_of_seed(&seed)[..], &[0]].concat()] {
            assert_eq!(SigningKey::from_pkcs8(bad).unwrap_err(), KeyError);
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_a_debug_line_never_shows_the_private_one() {
        assert_eq!(PublicKey::try_from([1; 1_311].as_slice()), Err(SignatureError));
        assert_eq!(PublicKey::try_from([1; 1_313].as_slice()), Err(SignatureError));
        assert_eq!(format!("{:?}", SigningKey::from_seed(&[7; 32])), "SigningKey(..)");
    }
}
