//! The package key wrapped to one recipient: HPKE base mode, suite `rogatory-seal-1`. Refuses every length but 1168 and
//! a stanza made for another package, sender, recipient or key.
//!
//! ```text
//! stanza = enc[1120] || ct[48]        KEM 0x647a MLKEM768-X25519, KDF 0x0001 HKDF-SHA256, AEAD 0x0002 AES-256-GCM
//! info   = "rogatory/v1/key-wrap\0" || seal_id[16] || u16be len || sender || u16be len || recipient || key_id[32]
//! aad    = empty
//! ```
//!
//! Base mode says nothing about who sealed: the sender's signature inside and outside does.

use std::convert::Infallible;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::hybrid::{HybridPublicKey, HybridSecretKey};
use crate::crypto::package_key::{KEY_BYTES, PackageKey};
use crate::model::ident::{AuthorityId, Digest, Id};

/// The name of the suite in an envelope.
pub const SUITE: &str = "rogatory-seal-1";
/// Bytes of a wrapped package key.
pub const STANZA_BYTES: usize = ENCAPSULATED_BYTES + KEY_BYTES + 16;
/// Randomness that one wrapping uses.
pub const WRAP_RANDOM_BYTES: usize = 64;
const ENCAPSULATED_BYTES: usize = 1120;

/// What a stanza is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapScope<'a> {
    /// The key scope that the envelope names.
    pub seal_id: Id,
    /// The authority that seals.
    pub sender: &'a AuthorityId,
    /// The authority that the stanza is for (the sender itself, for its archive key).
    pub recipient: &'a AuthorityId,
}

/// Wraps the package key to one recipient key. `random` is fresh for every stanza.
pub fn wrap(
    package_key: &PackageKey,
    recipient_key: &HybridPublicKey,
    scope: WrapScope<'_>,
    random: [u8; WRAP_RANDOM_BYTES],
) -> Result<Vec<u8>, WrapError> {
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        &recipient_key.key,
        &info(scope, recipient_key.id()),
        package_key.as_bytes(),
        &[],
        &mut Drawn::new(random),
    )
    .map_err(|_| WrapError)?;
    let mut stanza = encapsulated.to_bytes().to_vec();
    stanza.extend_from_slice(&sealed);
    Ok(stanza)
}

/// Unwraps the package key with the recipient's private key.
pub fn unwrap(stanza: &[u8], secret_key: &HybridSecretKey, scope: WrapScope<'_>) -> Result<PackageKey, UnwrapError> {
    if stanza.len() != STANZA_BYTES {
        return Err(UnwrapError::Length(stanza.len()));
    }
    let (encapsulated, sealed) =
        stanza.split_at_checked(ENCAPSULATED_BYTES).ok_or(UnwrapError::Length(stanza.len()))?;
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| UnwrapError::CannotOpen)?;
    let key = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
        &OpModeR::Base,
        &secret_key.key,
        &encapsulated,
        &info(scope, secret_key.public().id()),
        sealed,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| UnwrapError::CannotOpen)?;
    let key: [u8; KEY_BYTES] = key.as_slice().try_into().map_err(|_| UnwrapError::CannotOpen)?;
    Ok(PackageKey::from_random(key))
}

fn info(scope: WrapScope<'_>, key_id: Digest) -> Vec<u8> {
    let mut info = b"rogatory/v1/key-wrap\0".to_vec();
    info.extend_from_slice(scope.seal_id.as_bytes());
    for authority in [scope.sender, scope.recipient] {
        let name = authority.as_str().as_bytes();
        let len = u16::try_from(name.len()).expect("invariant: an authority id is short");
        info.extend_from_slice(&len.to_be_bytes());
        info.extend_from_slice(name);
    }
    info.extend_from_slice(&key_id.0);
    info
}

/// Random bytes that were drawn before: lets the caller, not the KEM, be the source of randomness.
struct Drawn {
    bytes: [u8; WRAP_RANDOM_BYTES],
    used: usize,
}

impl Drawn {
    fn new(bytes: [u8; WRAP_RANDOM_BYTES]) -> Self {
        Self { bytes, used: 0 }
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let end = self.used + out.len();
        let drawn = self.bytes.get(self.used..end).expect("invariant: one encapsulation draws 64 bytes, once");
        out.copy_from_slice(drawn);
        self.used = end;
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The KEM refused the recipient's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the package key cannot be wrapped to this receiving key; ask the recipient for a new key")]
pub struct WrapError;

/// Why a stanza was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// Not 1168 bytes.
    #[error("a wrapped key has {STANZA_BYTES} bytes, not {0}; the sender must seal again")]
    Length(usize),
    /// Sealed to another key, package, sender or recipient; or changed.
    #[error("the wrapped key does not open with this receiving key; the sender must seal again")]
    CannotOpen,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn id(random: u8) -> Id {
        Id::new(Timestamp::from_millis(1), [random; 10])
    }

    fn tag(key: &PackageKey) -> [u8; 32] {
        let scope = crate::crypto::package_key::ObjectScope { seal_id: id(1), object_id: 0 };
        key.object_key(scope).opened_tag(&Digest([0; 32]))
    }

    #[test]
    fn a_stanza_opens_for_its_recipient_only_and_only_in_its_scope() {
        let (a, b): (AuthorityId, AuthorityId) = ("XA-MOJ".parse().unwrap(), "XB-MOJ".parse().unwrap());
        let scope = WrapScope { seal_id: id(1), sender: &a, recipient: &b };
        let secret = HybridSecretKey::from_seed(&[1; 32]);
        let package_key = PackageKey::from_random([2; 32]);
        let stanza = wrap(&package_key, secret.public(), scope, [3; 64]).unwrap();
        assert_eq!(stanza.len(), STANZA_BYTES);
        assert_eq!(stanza, wrap(&package_key, secret.public(), scope, [3; 64]).unwrap());
        let opened = unwrap(&stanza, &secret, scope).unwrap();
        assert_eq!(tag(&opened), tag(&package_key));

        let refused =
            |stanza: &[u8], secret: &HybridSecretKey, scope| unwrap(stanza, secret, scope).map(|_| ()).unwrap_err();
        let other_secret = HybridSecretKey::from_seed(&[9; 32]);
        let other_seal = WrapScope { seal_id: id(2), ..scope };
        let other_sender = WrapScope { sender: &b, ..scope };
        let other_recipient = WrapScope { recipient: &a, ..scope };
        assert_eq!(refused(&stanza, &other_secret, scope), UnwrapError::CannotOpen);
        for scope in [other_seal, other_sender, other_recipient] {
            assert_eq!(refused(&stanza, &secret, scope), UnwrapError::CannotOpen);
        }
        for at in [0, 1100, 1119, 1120, 1167] {
            let mut changed = stanza.clone();
            changed[at] ^= 1;
            assert_eq!(refused(&changed, &secret, scope), UnwrapError::CannotOpen);
        }
        for len in [0, 1120, 1167] {
            assert_eq!(refused(&stanza[..len], &secret, scope), UnwrapError::Length(len));
        }
        let longer = [stanza.as_slice(), &[0]].concat();
        assert_eq!(refused(&longer, &secret, scope), UnwrapError::Length(1169));
    }
}
