//! The 32-byte key of a package and the keys derived from it, one for each object. Shows neither; wipes both.
//!
//! ```text
//! package_key[32] --HKDF-Expand-SHA-512--> object_key[32]   "rogatory/v1/object-key\0" || seal_id[16] || u32be object_id
//! object_key[32]  --HKDF-Expand-SHA-512--> opened_tag[32]   "rogatory/v1/opened\0" || SHA-256(message)
//! ```
//!
//! An object key can be disclosed (to a court) without the other objects of its package.

use std::fmt;

use ring::hkdf::{HKDF_SHA512, KeyType, Prk};
use zeroize::Zeroizing;

use crate::model::ident::{Digest, Id};

/// Bytes of a package key and of an object key.
pub const KEY_BYTES: usize = 32;

/// The key of one package, or of one message with its attachments. It is wrapped to each recipient.
#[derive(Clone)]
pub struct PackageKey(Zeroizing<[u8; KEY_BYTES]>);

impl PackageKey {
    /// From 32 fresh random bytes.
    pub fn from_random(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key of one object of the package.
    pub fn object_key(&self, scope: ObjectScope) -> ObjectKey {
        let label: &[u8] = b"rogatory/v1/object-key\0";
        let key = expand(&self.0, &[label, scope.seal_id.as_bytes(), &scope.object_id.to_be_bytes()]);
        ObjectKey { key, scope }
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for PackageKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PackageKey(..)")
    }
}

/// Which object of which package: bound into its key and into every chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectScope {
    /// The key scope that the envelope names.
    pub seal_id: Id,
    /// 0: the sealed message; from 1: its files. Four bytes, big-endian, in every derivation.
    pub object_id: u32,
}

/// The key of one sealed object.
#[derive(Clone)]
pub struct ObjectKey {
    key: Zeroizing<[u8; KEY_BYTES]>,
    scope: ObjectScope,
}

impl ObjectKey {
    /// What only a holder of the key can compute about a message: the proof that the recipient opened it. The
    /// sender can check it at once, a court after disclosure of the key.
    pub fn opened_tag(&self, message: &Digest) -> [u8; 32] {
        *expand(&self.key, &[b"rogatory/v1/opened\0", &message.0])
    }

    /// The object this is the key of.
    pub fn scope(&self) -> ObjectScope {
        self.scope
    }

    pub(super) fn expand<const N: usize>(&self, info: &[&[u8]]) -> Zeroizing<[u8; N]> {
        expand(&self.key, info)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ObjectKey({}, ..)", self.scope.object_id)
    }
}

/// HKDF-Expand with SHA-512 (RFC 5869, 2.3). `key` is uniformly random, so the extract step is not needed.
fn expand<const N: usize>(key: &[u8; KEY_BYTES], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut output = Zeroizing::new([0_u8; N]);
    Prk::new_less_safe(HKDF_SHA512, key)
        .expand(info, Length(N))
        .and_then(|okm| okm.fill(output.as_mut()))
        .expect("invariant: no label here asks for more than 255 SHA-512 blocks");
    output
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn key(seal: u8, object_id: u32) -> ObjectKey {
        PackageKey::from_random([7; 32])
            .object_key(ObjectScope { seal_id: Id::new(Timestamp::from_millis(1), [seal; 10]), object_id })
    }

    #[test]
    fn another_object_or_package_or_message_has_another_tag() {
        let message = Digest([1; 32]);
        let tag = key(1, 1).opened_tag(&message);
        assert_eq!(tag, key(1, 1).opened_tag(&message));
        assert_ne!(tag, key(1, 2).opened_tag(&message));
        assert_ne!(tag, key(2, 1).opened_tag(&message));
        assert_ne!(tag, key(1, 1).opened_tag(&Digest([2; 32])));
    }

    #[test]
    fn a_debug_line_shows_no_key() {
        let package = PackageKey::from_random([0xab; 32]);
        assert_eq!(format!("{package:?}"), "PackageKey(..)");
        assert_eq!(format!("{:?}", key(1, 3)), "ObjectKey(3, ..)");
    }
}
