//! The digest of a registry: what an answer was computed from. Refuses a registry that the strict JSON cannot hold.

use crate::crypto::digest::sha256;
use crate::exchange::canonical::{Json, JsonError};
use crate::law::registry::Registry;
use crate::model::ident::Digest;

/// SHA-256 over the canonical JSON of the registry: the same for every spelling of the same rows.
///
/// # Errors
/// [`JsonError`] when a text of an added instrument holds a control character.
pub fn digest(registry: &Registry) -> Result<Digest, JsonError> {
    Ok(sha256(&Json::of(registry)?.canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_registry_have_one_digest() {
        let text = r#"{"schema":"rogatory.registry.v1","about":"fictional","rows":[{"row":1,"fact":"party","instrument":"l-th",
            "state":"XA","from":"2025-06-01","recorded":"2025-06-02T00:00:00Z","source":{"kind":"depositary","note":"n"}}]}"#;
        let registry = Registry::parse(text.as_bytes()).unwrap();
        let again = Registry::parse(&registry.to_json()).unwrap();
        assert_eq!(registry, again);
        assert_eq!(digest(&registry).unwrap(), digest(&again).unwrap());
        let other = Registry::parse(text.replace("2025-06-01", "2025-06-03").as_bytes()).unwrap();
        assert_ne!(digest(&registry).unwrap(), digest(&other).unwrap());
    }
}
