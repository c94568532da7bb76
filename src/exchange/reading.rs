//! A directory's files, read and found to fit each other: versions, lengths and digests agree. Checks no signature and
//! no time; [`crate::exchange::directory`] does, over this.

use std::collections::BTreeMap;

use crate::crypto::digest::sha256;
use crate::exchange::listing::{Listing, ListingError};
use crate::exchange::metadata::{Metadata, Role, Root, Snapshot, TargetFile, Targets, TimestampRole};
use crate::exchange::repository::{FileName, Files};
use crate::exchange::statement::{BadSignature, Signers, Statement, StatementError};
use crate::model::ident::Digest;
use crate::model::time::Timestamp;

/// The files as values. Whether anybody signed them is not known yet.
#[derive(Debug, Clone)]
pub struct Reading {
    newest: Statement<Root>,
    older: BTreeMap<u64, Statement<Root>>,
    timestamp: Statement<TimestampRole>,
    snapshot: Statement<Snapshot>,
    targets: Statement<Targets>,
    listing: Listing,
    listing_digest: Digest,
    registry: Option<TargetFile>,
}

impl Reading {
    /// Reads the files. A set that was put together from two states of a directory does not fit and is refused.
    pub fn of(files: &Files) -> Result<Self, ReadError> {
        let mut older = roots(files)?;
        let (_, newest) = older.pop_last().ok_or(ReadError::Missing(FileName::Root(1)))?;
        let timestamp: Statement<TimestampRole> = statement(files, FileName::Timestamp)?;
        let snapshot: Statement<Snapshot> = statement(files, FileName::Snapshot)?;
        let targets: Statement<Targets> = statement(files, FileName::Targets)?;
        fits(FileName::Snapshot, timestamp.value().meta.snapshot.version, snapshot.value().version)?;
        fits(FileName::Targets, snapshot.value().meta.targets.version, targets.value().version)?;
        let bytes = present(files, FileName::Listing)?;
        if targets.value().targets.directory != TargetFile::of(bytes) {
            return Err(ReadError::Digest);
        }
        let listing = Listing::parse(bytes)?;
        fits(FileName::Listing, targets.value().version, listing.version())?;
        let registry = registry(files, targets.value())?;
        Ok(Self { newest, older, timestamp, snapshot, targets, listing, listing_digest: sha256(bytes), registry })
    }

    /// The newest root.
    pub fn root(&self) -> &Statement<Root> {
        &self.newest
    }

    /// Every root, rising, without a gap.
    pub fn roots(&self) -> impl Iterator<Item = &Statement<Root>> {
        self.older.values().chain([&self.newest])
    }

    /// The list of authorities.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// SHA-256 of `directory.json`.
    pub fn listing_digest(&self) -> Digest {
        self.listing_digest
    }

    /// The registry of treaty actions that the keepers signed, by its length and digest. The file itself need not be
    /// among these: a node that holds it is not sent it again.
    pub fn registry(&self) -> Option<&TargetFile> {
        self.registry.as_ref()
    }

    /// Version, digest and expiry of the newest root and the three files under it.
    pub fn parts(&self) -> [Part; 4] {
        [
            Part::of(FileName::Root(self.newest.value().version), &self.newest),
            Part::of(FileName::Timestamp, &self.timestamp),
            Part::of(FileName::Snapshot, &self.snapshot),
            Part::of(FileName::Targets, &self.targets),
        ]
    }

    /// Who signed each file: every root after the first by the keepers of the root before it and by its own, the rest
    /// by the keepers of the newest root. In the order in which they are to be trusted.
    pub fn signatures(&self) -> Vec<FileSignatures> {
        let mut before: Option<&Root> = None;
        let mut all = Vec::new();
        for root in self.roots() {
            let name = FileName::Root(root.value().version);
            if let Some(before) = before {
                all.push(FileSignatures::of(name, By::KeepersBefore, root, before, &before.roles.root));
            }
            all.push(FileSignatures::of(name, By::Keepers, root, root.value(), &root.value().roles.root));
            before = Some(root.value());
        }
        let root = self.newest.value();
        all.push(FileSignatures::of(FileName::Timestamp, By::Keepers, &self.timestamp, root, &root.roles.timestamp));
        all.push(FileSignatures::of(FileName::Snapshot, By::Keepers, &self.snapshot, root, &root.roles.snapshot));
        all.push(FileSignatures::of(FileName::Targets, By::Keepers, &self.targets, root, &root.roles.targets));
        all
    }

    /// Whether anybody signed what lies under the root.
    pub fn list_is_signed(&self) -> bool {
        self.timestamp.has_signatures() || self.snapshot.has_signatures() || self.targets.has_signatures()
    }
}

/// What is compared between two states of a directory, and with the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file.
    pub name: FileName,
    /// Its version.
    pub version: u64,
    /// The digest of what it says.
    pub digest: Digest,
    /// The first instant at which it no longer holds.
    pub expires: Timestamp,
}

impl Part {
    fn of<T: Metadata>(name: FileName, statement: &Statement<T>) -> Self {
        let value = statement.value();
        Self { name, version: value.version(), digest: statement.digest(), expires: value.expires() }
    }
}

/// Whose signatures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The keepers that the root itself names, or the newest root for another file.
    Keepers,
    /// The keepers of the root before: they hand over.
    KeepersBefore,
}

/// One file and one group of keepers that must have signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSignatures {
    /// The file.
    pub name: FileName,
    /// The group.
    pub by: By,
    /// Who of them did.
    pub signers: Result<Signers, BadSignature>,
}

impl FileSignatures {
    fn of<T: Metadata>(name: FileName, by: By, statement: &Statement<T>, root: &Root, role: &Role) -> Self {
        Self { name, by, signers: statement.signers(root, role) }
    }

    /// Whether enough signed, and nothing false stands among the signatures.
    pub fn enough(&self) -> bool {
        self.signers.as_ref().is_ok_and(Signers::enough)
    }
}

fn roots(files: &Files) -> Result<BTreeMap<u64, Statement<Root>>, ReadError> {
    let mut roots = BTreeMap::new();
    let mut before: Option<u64> = None;
    for version in files.roots() {
        let name = FileName::Root(version);
        // TUF 5.3.5: one by one, none left out.
        if let Some(before) = before.filter(|before| before + 1 != version) {
            return Err(ReadError::Missing(FileName::Root(before + 1)));
        }
        let root: Statement<Root> = statement(files, name)?;
        fits(name, version, root.value().version)?;
        roots.insert(version, root);
        before = Some(version);
    }
    Ok(roots)
}

/// What the metadata name; a file that is there must be that one.
fn registry(files: &Files, targets: &Targets) -> Result<Option<TargetFile>, ReadError> {
    let named = targets.targets.registry.clone();
    match files.file(FileName::Registry) {
        Some(bytes) if named.as_ref() != Some(&TargetFile::of(bytes)) => Err(ReadError::Registry),
        _ => Ok(named),
    }
}

fn statement<T: Metadata>(files: &Files, name: FileName) -> Result<Statement<T>, ReadError> {
    Statement::parse(present(files, name)?).map_err(|error| ReadError::Malformed { name, error })
}

fn present(files: &Files, name: FileName) -> Result<&[u8], ReadError> {
    files.file(name).ok_or(ReadError::Missing(name))
}

fn fits(name: FileName, named: u64, found: u64) -> Result<(), ReadError> {
    if named == found { Ok(()) } else { Err(ReadError::Version { name, named, found }) }
}

/// Why files are no directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A file is not there.
    #[error("{0} is missing; ask for the whole directory again")]
    Missing(FileName),
    /// A file is malformed.
    #[error("{name}: {error}")]
    Malformed {
        /// The file.
        name: FileName,
        /// What is wrong with it.
        error: StatementError,
    },
    /// A file of another version than the one that names it says: files of two states were mixed.
    #[error(
        "{name} has version {found} where {named} is due; the files are of two different states, ask for them again"
    )]
    Version {
        /// The file.
        name: FileName,
        /// The version that it should have.
        named: u64,
        /// The version that it has.
        found: u64,
    },
    /// The list is not the one that was signed.
    #[error(
        "targets/directory.json is not the file that metadata/targets.json names (length or SHA-256 differ); \
         it was changed after it was signed, ask for it again"
    )]
    Digest,
    /// The registry is not the one that was signed.
    #[error(
        "targets/registry.json is not the file that metadata/targets.json names (length or SHA-256 differ, or it names \
         none); it was changed after it was signed, ask for it again"
    )]
    Registry,
    /// The list is malformed.
    #[error(transparent)]
    Listing(#[from] ListingError),
}
