//! The registry of treaty actions as part of the directory: its digest, and what one version adds to the one before.
//! Refuses a version that changes or takes back a row that stood there.

use crate::crypto::digest::sha256;
use crate::exchange::canonical::{Json, JsonError};
use crate::law::instrument::InstrumentId;
use crate::law::library::Library;
use crate::law::registry::Registry;
use crate::law::row::Row;
use crate::model::ident::Digest;

/// SHA-256 over the canonical JSON of the registry: the same for every spelling of the same rows.
///
/// # Errors
/// [`JsonError`] when a text of an added instrument holds a control character.
pub fn digest(registry: &Registry) -> Result<Digest, JsonError> {
    Ok(sha256(&Json::of(registry)?.canonical()))
}

/// SHA-256 over the canonical JSON of the instruments: which texts an answer was computed from.
///
/// # Errors
/// As [`digest`].
pub fn instruments_digest(library: &Library) -> Result<Digest, JsonError> {
    Ok(sha256(&Json::of(&library.instruments())?.canonical()))
}

/// What a version of the registry has that the one before had not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference<'a> {
    /// The rows at its end.
    pub rows: &'a [Row],
    /// Instruments that are new.
    pub added: Vec<&'a InstrumentId>,
    /// Instruments whose data differ.
    pub changed: Vec<&'a InstrumentId>,
}

impl Difference<'_> {
    /// Whether anything differs that an answer could rest on.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.added.is_empty() && self.changed.is_empty()
    }
}

/// Compares two versions.
///
/// # Errors
/// [`NotGrown`] names the first row, or the instrument, that the newer one changed or took back. What was answered on
/// the older one could not be shown any more.
pub fn difference<'a>(old: &Registry, new: &'a Registry) -> Result<Difference<'a>, NotGrown> {
    let mut pairs = old.rows().iter().zip(new.rows());
    if let Some((row, _)) = pairs.find(|(one, other)| one != other) {
        return Err(NotGrown::Row(row.number));
    }
    let rows = match new.rows().split_at_checked(old.rows().len()) {
        Some((_, added)) => added,
        None => return Err(NotGrown::Row(u32::try_from(new.rows().len()).unwrap_or(u32::MAX).saturating_add(1))),
    };
    let before = |id: &InstrumentId| old.instruments().iter().find(|one| one.id == *id);
    if let Some(gone) = old.instruments().iter().find(|one| !new.instruments().iter().any(|other| other.id == one.id)) {
        return Err(NotGrown::Instrument(gone.id.clone()));
    }
    let mut found = Difference { rows, ..Difference::default() };
    for instrument in new.instruments() {
        match before(&instrument.id) {
            None => found.added.push(&instrument.id),
            Some(old) if old != instrument => found.changed.push(&instrument.id),
            Some(_) => {}
        }
    }
    Ok(found)
}

/// What a version of the registry took back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGrown {
    /// A row.
    #[error(
        "row {0} of the registry is changed or gone; rows are only added, a later row replaces an earlier one: ask the \
         keepers for a registry that begins with all rows of the one before"
    )]
    Row(u32),
    /// The data of an instrument.
    #[error("the registry no longer has the data of instrument `{0}`; rows rest on them, ask the keepers to keep them")]
    Instrument(InstrumentId),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(rows: &[(u32, &str)]) -> Registry {
        let row = |(number, state): &(u32, &str)| {
            format!(
                r#"{{"row":{number},"fact":"party","instrument":"l-th","state":"{state}","from":"2025-06-01",
                "recorded":"2025-06-02T00:00:00Z","source":{{"kind":"depositary","note":"n"}}}}"#
            )
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        let text =
            format!(r#"{{"schema":"rogatory.registry.v1","about":"fictional","rows":[{}]}}"#, rows.join(",").as_str());
        Registry::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn two_spellings_of_one_registry_have_one_digest() {
        let one = registry(&[(1, "XA")]);
        let again = Registry::parse(&one.to_json()).unwrap();
        assert_eq!(one, again);
        assert_eq!(digest(&one).unwrap(), digest(&again).unwrap());
        assert_ne!(digest(&one).unwrap(), digest(&registry(&[(1, "XB")])).unwrap());
    }

    #[test]
    fn a_newer_version_adds_rows_and_takes_none_back() {
        let (old, new) = (registry(&[(1, "XA"), (2, "XB")]), registry(&[(1, "XA"), (2, "XB"), (3, "XC")]));
        assert_eq!(difference(&old, &new).unwrap().rows.len(), 1);
        assert!(difference(&new, &new).unwrap().is_empty());
        assert_eq!(difference(&new, &old), Err(NotGrown::Row(3)));
        assert_eq!(difference(&old, &registry(&[(1, "XA"), (2, "XC")])), Err(NotGrown::Row(2)));
        let example = Registry::example().unwrap();
        let bare = Registry::of("bare", Vec::new(), Vec::new()).unwrap();
        assert_eq!(difference(&bare, &example).unwrap().added.len(), 1);
        assert!(matches!(difference(&example, &bare), Err(NotGrown::Row(1))));
    }
}
