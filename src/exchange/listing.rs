//! `directory.json`: the list of authorities, as its exact bytes. Refuses an unknown field, an authority that stands
//! twice, a key or certificate that two authorities share, and a list beyond the limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::custody::note::VerifierKey;
use crate::exchange::canonical::JsonError;
use crate::exchange::entry::Entry;
use crate::exchange::roster::Roster;
use crate::model::ident::AuthorityId;
use crate::model::limits::{AUTHORITIES_MAX, DIRECTORY_BYTES_MAX};

/// The list, each authority once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    version: u64,
    entries: BTreeMap<AuthorityId, Entry>,
}

impl Listing {
    /// A list of no authority.
    pub fn empty(version: u64) -> Self {
        Self { version, entries: BTreeMap::new() }
    }

    /// Reads `directory.json`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ListingError> {
        if bytes.len() > DIRECTORY_BYTES_MAX {
            return Err(ListingError::TooLarge);
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| ListingError::Json(JsonError::of(&error)))?;
        let mut listing = Self::empty(document.version);
        for entry in document.authorities {
            let id = entry.authority().id.clone();
            if listing.entries.insert(id.clone(), entry).is_some() {
                return Err(ListingError::Twice(id));
            }
        }
        listing.check()?;
        Ok(listing)
    }

    /// The file: authorities in order of their identifiers, two spaces deep, so that two versions differ by line.
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            schema: Schema::V1,
            version: self.version,
            authorities: self.entries.values().cloned().collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&document).expect("invariant: rows are plain strings and lists");
        bytes.push(b'\n');
        bytes
    }

    /// The list's own number; the metadata that names it must have the same.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The rows in order of their identifiers.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// The same list under another number.
    pub fn renumbered(self, version: u64) -> Self {
        Self { version, ..self }
    }

    /// The list with these rows, each in the place of its authority's old one if there was one.
    pub fn with(mut self, rows: Vec<Entry>) -> Result<(Self, Vec<(AuthorityId, Put)>), ListingError> {
        let mut done: Vec<(AuthorityId, Put)> = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.authority().id.clone();
            if done.iter().any(|(other, _)| *other == id) {
                return Err(ListingError::Twice(id));
            }
            let put = if self.entries.insert(id.clone(), row).is_some() { Put::Replaced } else { Put::Added };
            done.push((id, put));
        }
        self.check()?;
        Ok((self, done))
    }

    /// The list without that authority.
    pub fn without(mut self, id: &AuthorityId) -> Result<Self, ListingError> {
        match self.entries.remove(id) {
            Some(_) => Ok(self),
            None => Err(ListingError::NotListed(id.clone())),
        }
    }

    /// What the node works with.
    pub fn roster(&self) -> Roster {
        Roster::new(self.entries.values().map(|entry| entry.authority().clone()))
    }

    /// Whoever holds a shared CA or receiving key could speak for, or read, the other authority: so none may be shared. An
    /// authority that lists another's log or witness key would seem to have signed what the other one did.
    fn check(&self) -> Result<(), ListingError> {
        if self.entries.len() > AUTHORITIES_MAX {
            return Err(ListingError::TooMany);
        }
        let mut owners: BTreeMap<&[u8], &AuthorityId> = BTreeMap::new();
        for (id, entry) in &self.entries {
            let authority = entry.authority();
            let keys = authority.receiving_keys.iter().map(|key| &key.public_key);
            let own = authority.issuers.iter().chain(keys).map(Vec::as_slice);
            for secret in own.chain(entry.verifier_keys().iter().map(VerifierKey::public_key)) {
                if let Some(other) = owners.insert(secret, id).filter(|other| *other != id) {
                    return Err(ListingError::Shared(other.clone(), id.clone()));
                }
            }
        }
        Ok(())
    }
}

/// What [`Listing::with`] did with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The authority is new.
    Added,
    /// Its row was there and is replaced.
    Replaced,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: Schema,
    version: u64,
    authorities: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "rogatory.directory.v1")]
    V1,
}

/// Why a list was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Not the document that it should be.
    #[error("targets/directory.json: {0}")]
    Json(JsonError),
    /// Beyond the limit.
    #[error("targets/directory.json is larger than {DIRECTORY_BYTES_MAX} bytes")]
    TooLarge,
    /// Beyond the limit.
    #[error("a directory lists at most {AUTHORITIES_MAX} authorities")]
    TooMany,
    /// One authority, two rows.
    #[error("{0} stands twice in the directory; the keepers must sign a list with one row for it")]
    Twice(AuthorityId),
    /// Two authorities, one key.
    #[error("{0} and {1} list the same certificate or key; each authority must have its own")]
    Shared(AuthorityId, AuthorityId),
    /// Nothing to remove.
    #[error("{0} is not in the directory; `rogatory directory show` lists who is")]
    NotListed(AuthorityId),
}
