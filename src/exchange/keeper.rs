//! A keeper of the directory: the public half of its Ed25519 key, and the name that TUF metadata calls the key by.
//! Refuses hex in capitals: one key must have one text, or it could count twice for a threshold.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::digest::sha256;
use crate::crypto::ed25519::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SigningKey, verify};
use crate::model::ident::Digest;

/// The public key of a keeper, 64 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeeperKey([u8; PUBLIC_KEY_BYTES]);

impl KeeperKey {
    /// The public half of a private key.
    pub fn of(key: &SigningKey) -> Self {
        Self(key.public_key())
    }

    /// TUF 1.0, 4.2: the SHA-256 of the key object's canonical JSON. So the name is bound to the key.
    pub fn id(&self) -> KeyId {
        let object = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{self}"}},"scheme":"ed25519"}}"#);
        KeyId(sha256(object.as_bytes()).0)
    }

    /// Whether this keeper signed `message`.
    pub fn signed(&self, message: &[u8], signature: &Signature) -> bool {
        verify(&self.0, message, &signature.0).is_ok()
    }
}

/// The name of a key in metadata.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

/// An Ed25519 signature, in hex as TUF has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_BYTES]);

impl Signature {
    /// Signs `message`.
    pub fn of(message: &[u8], key: &SigningKey) -> Self {
        Self(key.sign(message))
    }
}

/// The digest of what a root says, by which people name it to each other: SHA-256 of its signed part in canonical form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl From<Digest> for Fingerprint {
    fn from(digest: Digest) -> Self {
        Self(digest.0)
    }
}

/// The SHA-256 of a file, in hex as TUF has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileDigest([u8; 32]);

impl FileDigest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha256(bytes).0)
    }
}

impl From<FileDigest> for Digest {
    fn from(digest: FileDigest) -> Self {
        Self(digest.0)
    }
}

macro_rules! hex_text {
    ($type:ty, $wrap:path, $error:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $type {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                HEXLOWER
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .map($wrap)
                    .ok_or(HexError($error))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_text!(KeeperKey, KeeperKey, "a keeper's public key is 64 lower-case hex digits, as `directory keygen` prints it");
hex_text!(KeyId, KeyId, "a key id is 64 lower-case hex digits");
hex_text!(Signature, Signature, "an Ed25519 signature is 128 lower-case hex digits");

hex_text!(
    Fingerprint,
    Fingerprint,
    "a root's fingerprint is 64 lower-case hex digits, as `directory verify` prints it"
);
hex_text!(FileDigest, FileDigest, "a SHA-256 digest is 64 lower-case hex digits");

/// A text that is not the hex that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HexError(&'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_has_one_text() {
        let key = KeeperKey::of(&SigningKey::from_seed(&[7; 32]));
        let text = key.to_string();
        assert_eq!(text.parse::<KeeperKey>().unwrap(), key);
        assert!(text.to_ascii_uppercase().parse::<KeeperKey>().is_err());
        assert!(text[2..].parse::<KeeperKey>().is_err());
        assert!("".parse::<KeeperKey>().is_err());
    }

    #[test]
    fn a_signature_is_of_one_message_and_one_key() {
        let secret = SigningKey::from_seed(&[7; 32]);
        let key = KeeperKey::of(&secret);
        let other = KeeperKey::of(&SigningKey::from_seed(&[8; 32]));
        let signature = Signature::of(b"list", &secret);
        assert!(key.signed(b"list", &signature));
        assert!(!key.signed(b"lost", &signature));
        assert!(!other.signed(b"list", &signature));
        assert_ne!(key.id(), other.id());
    }
}
