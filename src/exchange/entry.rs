//! One authority's row of the directory as JSON: what `rogatory init` writes and the keepers sign. Refuses an unknown
//! field, loose base64, a key of the wrong length or name, and anything beyond the limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::crypto::certificate::{CertificateError, CertificateFacts};
use crate::crypto::digest::sha256;
use crate::crypto::revocation::{RevocationList, RevocationListError};
use crate::custody::note::VerifierKey;
use crate::exchange::entry_keys::{EntryKeyError, verifier_keys};
use crate::exchange::entry_rows::{RequirementRow, SourceKind, SourceRow};
use crate::model::authority::{Authority, ReceivingKey};
use crate::model::base64;
use crate::model::ident::IdentError;
use crate::model::limits::{
    CERTIFICATE_BYTES_MAX, ENDPOINTS_MAX, ISSUERS_MAX, LANGUAGES_MAX, LINE_BYTES_MAX, LOG_KEYS_MAX,
    RECEIVING_KEY_BYTES, RECEIVING_KEYS_MAX, REVOCATION_LIST_BYTES_MAX, TIME_STAMP_ISSUERS_MAX, WITNESS_KEYS_MAX,
};
use crate::model::requirement::{self, Requirement, RequirementError};
use crate::model::time::{TimeError, Timestamp};

/// A row that passed every check: the authority, and the keepers' note on where the row comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Row", into = "Row")]
pub struct Entry {
    authority: Authority,
    note: String,
    keys: Vec<VerifierKey>,
}

impl Entry {
    /// The row of `authority`. Instants are kept in whole seconds, as the file writes them.
    pub fn new(authority: &Authority, note: &str) -> Result<Self, EntryError> {
        Self::try_from(Row::of(authority, note))
    }

    /// Reads one row, as `rogatory init` wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        serde_json::from_slice(bytes).map_err(|error| EntryError::Json(plain_text(&error.to_string())))
    }

    /// The file of this row: JSON for people, two spaces deep, with a new line at its end.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("invariant: a row is plain strings and lists");
        bytes.push(b'\n');
        bytes
    }

    /// Who the row is about.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The keys of its log and of its witness.
    pub fn verifier_keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// The kind of its source, as the file writes it.
    pub fn source(&self) -> String {
        let kind = serde_json::to_value(SourceKind::of(self.authority.provenance)).unwrap_or_default();
        kind.as_str().unwrap_or_default().to_owned()
    }

    /// Where the row comes from, in words; may be empty.
    pub fn note(&self) -> &str {
        &self.note
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    endpoints: Vec<String>,
    issuers: Vec<String>,
    revocation_lists: Vec<String>,
    log_keys: Vec<String>,
    // Rows that were signed before there were witnesses have neither field, and must read back as they were signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    witness_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    time_stamp_issuers: Vec<String>,
    receiving_keys: Vec<KeyRow>,
    languages: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<RequirementRow>,
    source: SourceRow,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    suite: Suite,
    public_key: String,
    not_before: String,
    not_after: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Suite {
    #[serde(rename = "rogatory-seal-1")]
    Seal1,
}

impl Row {
    fn of(authority: &Authority, note: &str) -> Self {
        let encoded = |items: &[Vec<u8>]| items.iter().map(|item| base64::encode(item)).collect();
        let key = |key: &ReceivingKey| KeyRow {
            suite: Suite::Seal1,
            public_key: base64::encode(&key.public_key),
            not_before: key.not_before.to_string(),
            not_after: key.not_after.to_string(),
        };
        Self {
            id: authority.id.to_string(),
            name: authority.name.clone(),
            endpoints: authority.endpoints.clone(),
            issuers: encoded(&authority.issuers),
            revocation_lists: encoded(&authority.revocation_lists),
            log_keys: authority.log_keys.clone(),
            witness_keys: authority.witness_keys.clone(),
            time_stamp_issuers: encoded(&authority.time_stamp_issuers),
            receiving_keys: authority.receiving_keys.iter().map(key).collect(),
            languages: authority.languages.clone(),
            requirements: authority.requirements.iter().map(RequirementRow::from).collect(),
            source: SourceRow { kind: SourceKind::of(authority.provenance), note: note.to_owned() },
        }
    }
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self::of(&entry.authority, &entry.note)
    }
}

impl TryFrom<Row> for Entry {
    type Error = EntryError;

    fn try_from(row: Row) -> Result<Self, EntryError> {
        let id = row.id.parse()?;
        line("name", &row.name, 1)?;
        line("source.note", &row.source.note, 0)?;
        count("endpoints", row.endpoints.len(), 0, ENDPOINTS_MAX)?;
        row.endpoints.iter().try_for_each(|endpoint| endpoint_is_host_and_port(endpoint))?;
        count("issuers", row.issuers.len(), 1, ISSUERS_MAX)?;
        // A CA without a revocation list would be one whose certificates can never be withdrawn: rustls checks no
        // revocation at all, silently, when it is given no list.
        count("revocation_lists", row.revocation_lists.len(), row.issuers.len(), row.issuers.len())?;
        count("log_keys", row.log_keys.len(), 1, LOG_KEYS_MAX)?;
        count("witness_keys", row.witness_keys.len(), 0, WITNESS_KEYS_MAX)?;
        count("time_stamp_issuers", row.time_stamp_issuers.len(), 0, TIME_STAMP_ISSUERS_MAX)?;
        count("receiving_keys", row.receiving_keys.len(), 1, RECEIVING_KEYS_MAX)?;
        count("languages", row.languages.len(), 0, LANGUAGES_MAX)?;
        row.languages.iter().try_for_each(|tag| language_is_a_tag(tag))?;
        let authority = Authority {
            issuers: der_list("issuers", &row.issuers, CERTIFICATE_BYTES_MAX)?,
            revocation_lists: der_list("revocation_lists", &row.revocation_lists, REVOCATION_LIST_BYTES_MAX)?,
            time_stamp_issuers: der_list("time_stamp_issuers", &row.time_stamp_issuers, CERTIFICATE_BYTES_MAX)?,
            receiving_keys: row.receiving_keys.iter().map(receiving_key).collect::<Result<_, _>>()?,
            provenance: row.source.kind.provenance(),
            id,
            name: row.name,
            endpoints: row.endpoints,
            log_keys: row.log_keys,
            witness_keys: row.witness_keys,
            languages: row.languages,
            requirements: row.requirements.into_iter().map(Requirement::from).collect(),
        };
        requirement::check(&authority.requirements)?;
        issuers_and_lists_match(&authority)?;
        authority
            .time_stamp_issuers
            .iter()
            .try_for_each(|der| CertificateFacts::read(der).map(drop).map_err(EntryError::TimeStampIssuer))?;
        // A key is named by its authority, so that no row can give one authority the log or the witness of another.
        let keys = verifier_keys(&authority)?;
        Ok(Self { authority, note: row.source.note, keys })
    }
}

fn receiving_key(row: &KeyRow) -> Result<ReceivingKey, EntryError> {
    const FIELD: &str = "receiving_keys.public_key";
    let public_key = bytes(FIELD, &row.public_key)?;
    if public_key.len() != RECEIVING_KEY_BYTES {
        return Err(EntryError::Length { field: FIELD, expected: RECEIVING_KEY_BYTES, found: public_key.len() });
    }
    let not_before = instant("receiving_keys.not_before", &row.not_before)?;
    let not_after = instant("receiving_keys.not_after", &row.not_after)?;
    if not_before >= not_after {
        return Err(EntryError::Value { field: "receiving_keys.not_after", need: "an instant after not_before" });
    }
    Ok(ReceivingKey { id: sha256(&public_key), public_key, not_before, not_after })
}

/// One way to write an instant, so that one directory has one text: `2026-11-22T00:22:03Z`.
fn instant(field: &'static str, text: &str) -> Result<Timestamp, EntryError> {
    let instant: Timestamp = text.parse()?;
    if instant.to_string() == text {
        Ok(instant)
    } else {
        Err(EntryError::Value { field, need: "an instant in UTC with whole seconds, e.g. 2026-11-22T09:30:00Z" })
    }
}

fn count(field: &'static str, found: usize, min: usize, max: usize) -> Result<(), EntryError> {
    if (min..=max).contains(&found) { Ok(()) } else { Err(EntryError::Count { field, found, min, max }) }
}

fn line(field: &'static str, text: &str, chars_min: usize) -> Result<(), EntryError> {
    let good = text.len() <= LINE_BYTES_MAX && text.trim() == text && text.chars().count() >= chars_min;
    if good && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(EntryError::Value { field, need: "one line of printable text, at most 1024 bytes" })
    }
}

fn endpoint_is_host_and_port(text: &str) -> Result<(), EntryError> {
    let bad = || EntryError::Value { field: "endpoints", need: "host:port, e.g. node.moj.example:4433" };
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host_good = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len()) && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        }
    };
    let port_good = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if host_good && port_good { Ok(()) } else { Err(bad()) }
}

fn language_is_a_tag(text: &str) -> Result<(), EntryError> {
    let good = text
        .split('-')
        .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if good && text.len() <= 35 {
        Ok(())
    } else {
        Err(EntryError::Value { field: "languages", need: "BCP 47 tags, e.g. fr or pt-BR" })
    }
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, EntryError> {
    base64::decode(text).map_err(|_| EntryError::Base64 { field })
}

fn der_list(field: &'static str, texts: &[String], bytes_max: usize) -> Result<Vec<Vec<u8>>, EntryError> {
    let decoded = texts.iter().map(|text| {
        let der = bytes(field, text)?;
        if der.len() > bytes_max { Err(EntryError::TooLarge { field, bytes_max }) } else { Ok(der) }
    });
    decoded.collect()
}

/// Each CA has its list, and each list its CA. That the CA signed it is checked wherever a certificate is judged.
fn issuers_and_lists_match(authority: &Authority) -> Result<(), EntryError> {
    let subjects = authority.issuers.iter().map(|der| Ok(CertificateFacts::read(der)?.subject));
    let subjects: BTreeSet<String> = subjects.collect::<Result<_, EntryError>>()?;
    let issuers = authority.revocation_lists.iter().map(|der| Ok(RevocationList::read(der)?.issuer()));
    let issuers: BTreeSet<String> = issuers.collect::<Result<_, EntryError>>()?;
    if subjects == issuers { Ok(()) } else { Err(EntryError::ListOfAnotherIssuer) }
}

fn plain_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the JSON object of one authority.
    #[error("not an authority's entry: {0}; use the file that `rogatory init` wrote")]
    Json(String),
    /// The identifier is none.
    #[error(transparent)]
    Id(#[from] IdentError),
    /// An instant is none.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// Too few or too many of something.
    #[error("`{field}` has {found} items where {min} to {max} are due")]
    Count {
        /// The field.
        field: &'static str,
        /// How many it has.
        found: usize,
        /// The fewest it may have.
        min: usize,
        /// The most it may have.
        max: usize,
    },
    /// Not base64 with padding (RFC 4648, chapter 4), or with stray bits.
    #[error("`{field}` is not strict base64 (standard alphabet, padded, no line breaks)")]
    Base64 {
        /// The field.
        field: &'static str,
    },
    /// A key of the wrong length.
    #[error("`{field}` has {found} bytes where {expected} are due")]
    Length {
        /// The field.
        field: &'static str,
        /// The length that its suite has.
        expected: usize,
        /// The length that was found.
        found: usize,
    },
    /// Another malformed value.
    #[error("`{field}` must be {need}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it must be.
        need: &'static str,
    },
    /// Beyond the limit.
    #[error("`{field}` holds an item of more than {bytes_max} bytes")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// The limit.
        bytes_max: usize,
    },
    /// An issuer is no certificate.
    #[error("`issuers`: {0}")]
    Issuer(#[from] CertificateError),
    /// A revocation list is none.
    #[error("`revocation_lists`: {0}")]
    RevocationList(#[from] RevocationListError),
    /// A CA without a list, or a list without its CA.
    #[error("`revocation_lists` must hold one list of each CA in `issuers`, and no other")]
    ListOfAnotherIssuer,
    /// A log key or a witness key.
    #[error(transparent)]
    Keys(#[from] EntryKeyError),
    /// A national requirement.
    #[error(transparent)]
    Requirement(#[from] RequirementError),
    /// The certificate of a time-stamp authority is none.
    #[error("`time_stamp_issuers`: {0}")]
    TimeStampIssuer(CertificateError),
}

#[cfg(test)]
mod tests;
