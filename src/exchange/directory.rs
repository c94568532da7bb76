//! The acceptance of a directory: from files of any origin to a roster that may be relied on. Refuses what the keepers
//! of the trusted root, or their lawful successors, did not sign by their threshold, what has expired, and what is
//! older than, or other than, what was accepted before.
//!
//! The order is that of TUF 1.0, chapter 5: roots one by one from the trusted one, each signed by the keepers before
//! it and by its own; then timestamp, snapshot, targets by the keepers of the newest root; then the list by its digest.
//! Stricter than TUF in three points: the same version with other content is refused (two lists under one number would
//! show two authorities two worlds), a keeper's false signature is refused even where others suffice, and unknown
//! fields are refused. Not done here: TUF's recovery from a fast-forward (5.3.11); it would be a way to roll back.

use std::collections::BTreeMap;

use crate::exchange::keeper::{Fingerprint, KeeperKey};
use crate::exchange::metadata::TargetFile;
use crate::exchange::reading::{By, Part, ReadError, Reading};
use crate::exchange::repository::{FileName, Files};
use crate::exchange::roster::Roster;
use crate::model::ident::Digest;
use crate::model::time::Timestamp;

/// A directory whose signatures hold from the trusted root on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    roots: BTreeMap<u64, Digest>,
    parts: [Part; 4],
    version: u64,
    digest: Digest,
    roster: Roster,
    registry: Option<TargetFile>,
}

impl Accepted {
    /// The authorities.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The version of the list.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// SHA-256 of `directory.json`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The registry of treaty actions, by length and digest, if the keepers keep one.
    pub fn registry(&self) -> Option<&TargetFile> {
        self.registry.as_ref()
    }

    /// The first instant at which it no longer holds: of all its files the earliest.
    pub fn expires_at(&self) -> Timestamp {
        self.parts.iter().map(|part| part.expires).min().unwrap_or_default()
    }

    /// Refuses a directory that no longer holds. Called at every acceptance, and by the node at every use: an attacker
    /// who withholds new versions must not keep a revoked key alive for ever.
    pub fn fresh_at(&self, now: Timestamp) -> Result<(), DirectoryError> {
        match self.parts.iter().find(|part| part.expires <= now) {
            Some(part) => Err(DirectoryError::Expired { name: part.name, at: part.expires }),
            None => Ok(()),
        }
    }

    /// The versions of the newest root and of the timestamp: they name this state among the states that one chain of
    /// roots ever had.
    pub fn state(&self) -> (u64, u64) {
        let [root, timestamp, _, _] = &self.parts;
        (root.version, timestamp.version)
    }

    /// Whether the other one says the same in every file, whoever signed it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.roots == other.roots && self.parts == other.parts
    }
}

/// Accepts the files for use from `now` on: verified, not older than `current`, not expired.
pub fn accept(
    current: Option<&Accepted>,
    trusted_root: Fingerprint,
    files: &Files,
    now: Timestamp,
) -> Result<Accepted, DirectoryError> {
    let offered = verify(trusted_root, files)?;
    if let Some(held) = current {
        follows(held, &offered)?;
    }
    offered.fresh_at(now)?;
    Ok(offered)
}

/// Verifies the files against the trusted root, at no particular time: for a directory that was accepted before and is
/// read back, which may have expired since.
pub fn verify(trusted_root: Fingerprint, files: &Files) -> Result<Accepted, DirectoryError> {
    let reading = Reading::of(files)?;
    let first = reading
        .roots()
        .find(|root| Fingerprint::from(root.digest()) == trusted_root)
        .map(|root| root.value().version)
        .ok_or(DirectoryError::UntrustedRoot(trusted_root))?;
    for file in reading.signatures() {
        // What lies before the trusted root is not relied on; the trusted root itself needs no predecessor's hand.
        let skipped = match (file.name, file.by) {
            (FileName::Root(version), By::Keepers) => version < first,
            (FileName::Root(version), By::KeepersBefore) => version <= first,
            _ => false,
        };
        if skipped {
            continue;
        }
        let name = file.name;
        let signers = file.signers.map_err(|bad| DirectoryError::BadSignature { name, keeper: bad.0 })?;
        if !signers.enough() {
            let (have, need) = (signers.signed.len(), signers.threshold);
            return Err(DirectoryError::Threshold { name, have, need, by: file.by });
        }
    }
    let relied_on = reading.roots().filter(|root| root.value().version >= first);
    Ok(Accepted {
        roots: relied_on.map(|root| (root.value().version, root.digest())).collect(),
        parts: reading.parts(),
        version: reading.listing().version(),
        digest: reading.listing_digest(),
        roster: reading.listing().roster(),
        registry: reading.registry().cloned(),
    })
}

fn follows(held: &Accepted, offered: &Accepted) -> Result<(), DirectoryError> {
    for (version, digest) in &held.roots {
        match offered.roots.get(version) {
            Some(other) if other == digest => {}
            Some(_) => return Err(DirectoryError::Altered { name: FileName::Root(*version), version: *version }),
            None => {
                let (offered, _) = offered.state();
                return Err(DirectoryError::RolledBack { name: FileName::Root(*version), held: *version, offered });
            }
        }
    }
    for (held, offered) in held.parts.iter().zip(&offered.parts) {
        let name = offered.name;
        if offered.version < held.version {
            return Err(DirectoryError::RolledBack { name, held: held.version, offered: offered.version });
        }
        if offered.version == held.version && offered.digest != held.digest {
            return Err(DirectoryError::Altered { name, version: held.version });
        }
    }
    Ok(())
}

/// Why a directory was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The files are malformed or do not fit each other.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No root of the chain is the trusted one.
    #[error(
        "no root of this directory has the trusted fingerprint {0}; compare it with what the keepers published, \
         and ask for the directory with all its roots"
    )]
    UntrustedRoot(Fingerprint),
    /// Too few keepers signed.
    #[error("{name} is signed by {have} of the {need} {} that must sign it; the keepers run `rogatory directory sign`",
        match by { By::Keepers => "keepers", By::KeepersBefore => "former keepers" })]
    Threshold {
        /// The file.
        name: FileName,
        /// How many signed.
        have: usize,
        /// How many must.
        need: usize,
        /// Of which group.
        by: By,
    },
    /// A keeper's signature does not hold.
    #[error(
        "{name}: the signature of keeper {keeper} does not hold; the file was changed, ask the keepers for it again"
    )]
    BadSignature {
        /// The file.
        name: FileName,
        /// The keeper.
        keeper: KeeperKey,
    },
    /// Older than what is held.
    #[error(
        "{name}: version {offered} is older than version {held}, which this node accepted before; \
         ask the keepers for the newest directory"
    )]
    RolledBack {
        /// The file.
        name: FileName,
        /// The version that is held.
        held: u64,
        /// The version that was offered.
        offered: u64,
    },
    /// Another content under the same version.
    #[error(
        "{name}: version {version} differs from the version {version} that this node accepted before; \
         two lists under one number mean an error or a breach at the keepers: keep both files and ask them"
    )]
    Altered {
        /// The file.
        name: FileName,
        /// The version of both.
        version: u64,
    },
    /// No longer valid.
    #[error(
        "{name} expired at {at}; ask the keepers for a renewed directory (`rogatory directory renew`), \
         and check the clock of this machine"
    )]
    Expired {
        /// The file.
        name: FileName,
        /// When it expired.
        at: Timestamp,
    },
}
