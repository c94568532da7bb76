//! The private receiving keys that a node opens with: its current and former receiving keys and its archive key.

use std::collections::BTreeMap;

use crate::crypto::hybrid::HybridSecretKey;
use crate::crypto::package_key::PackageKey;
use crate::crypto::stanza::{WrapScope, unwrap};
use crate::model::envelope::Stanza;
use crate::model::ident::{AuthorityId, Digest, Id};

/// Private keys by the digest of their public half.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: BTreeMap<Digest, HybridSecretKey>,
}

impl Keyring {
    /// A ring of those keys.
    pub fn new(keys: impl IntoIterator<Item = HybridSecretKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.public().id(), key)).collect() }
    }

    /// Opens the first stanza that names a key of this ring.
    ///
    /// # Errors
    /// [`KeyringError`] when none does, or the one that does is not for us or was altered.
    pub fn open(
        &self,
        stanzas: &[Stanza],
        seal_id: Id,
        sender: &AuthorityId,
        us: &AuthorityId,
    ) -> Result<PackageKey, KeyringError> {
        for stanza in stanzas.iter().filter(|stanza| stanza.recipient == *us) {
            if let Some(key) = self.keys.get(&stanza.key_id) {
                let scope = WrapScope { seal_id, sender, recipient: us };
                return unwrap(&stanza.wrapped, key, scope).map_err(|_| KeyringError::Altered);
            }
        }
        Err(KeyringError::NoKey)
    }
}

/// Why no package key came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No stanza names a key that this node has.
    #[error("no key of this node opens it; was the sender's directory older than our newest receiving key?")]
    NoKey,
    /// A stanza names our key but does not open.
    #[error("the wrapped key was altered, or is bound to another sender, recipient or package")]
    Altered,
}
