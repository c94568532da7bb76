//! Which verifier keys an authority may list for its log and for itself as a witness. Refuses a key of another name, of a
//! kind that does not belong there, and one key that stands in two places.

use std::collections::BTreeSet;

use crate::custody::note::{KeyTextError, VerifierKey};
use crate::model::authority::Authority;

/// The keys of an authority's log and of its witness, checked.
///
/// # Errors
/// [`EntryKeyError`] names the field.
pub fn verifier_keys(authority: &Authority) -> Result<Vec<VerifierKey>, EntryKeyError> {
    let (id, witness) = (&authority.id, authority.id.witness_name());
    let mut keys = Vec::with_capacity(authority.log_keys.len() + authority.witness_keys.len());
    for text in &authority.log_keys {
        let key: VerifierKey = text.parse().map_err(EntryKeyError::Log)?;
        if !id.owns_log(key.name()) || !key.algorithm().signs_logs() || key.to_string() != *text {
            return Err(EntryKeyError::LogName { origin: id.log_origin() });
        }
        keys.push(key);
    }
    for text in &authority.witness_keys {
        let key: VerifierKey = text.parse().map_err(EntryKeyError::Witness)?;
        if key.name() != witness || !key.algorithm().cosigns() || key.to_string() != *text {
            return Err(EntryKeyError::WitnessName { name: witness });
        }
        keys.push(key);
    }
    // A key that signs two kinds of statement lets one pass for the other.
    let raw: BTreeSet<&[u8]> = keys.iter().map(VerifierKey::public_key).collect();
    if raw.len() == keys.len() { Ok(keys) } else { Err(EntryKeyError::Twice) }
}

/// Why keys were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryKeyError {
    /// A log key is malformed.
    #[error("`log_keys`: {0}")]
    Log(KeyTextError),
    /// A log key of another log.
    #[error(
        "`log_keys` must hold keys of type 1 or 6 named `{origin}`, as `custody/log.vkey` of that authority has them"
    )]
    LogName {
        /// The name that the key must have.
        origin: String,
    },
    /// A witness key is malformed.
    #[error("`witness_keys`: {0}")]
    Witness(KeyTextError),
    /// A witness key of somebody else.
    #[error("`witness_keys` must hold keys of type 4 or 6 named `{name}`")]
    WitnessName {
        /// The name that the key must have.
        name: String,
    },
    /// One key in two places.
    #[error("`log_keys` and `witness_keys` hold one key twice; each purpose has its own key")]
    Twice,
}
