//! What the keepers do with a directory: found it, change its list, renew it, hand it over, sign it. Each act takes the
//! files and gives new ones; refuses to build on files that do not fit each other, and signs nothing malformed.
//!
//! A version that anybody signed is never changed: a change makes the next version. Otherwise two keepers could sign
//! two lists under one number. Validity is long (a year by default, `rogatory directory new --valid-days`): keepers are
//! offices with keys in a safe, not servers, so the freshness that TUF gets from a daily timestamp comes here from the
//! version that a node never goes back from, and from revocation lists with dates of their own.

use std::collections::BTreeSet;

use crate::crypto::ed25519::SigningKey;
use crate::exchange::entry::Entry;
use crate::exchange::keeper::KeeperKey;
use crate::exchange::listing::{Listing, ListingError, Put};
use crate::exchange::metadata::{Metadata, Root, Snapshot, TargetFile, Targets, TimestampRole};
use crate::exchange::reading::{ReadError, Reading};
use crate::exchange::registry::{NotGrown, difference};
use crate::exchange::repository::{FileName, Files, RepositoryError};
use crate::exchange::statement::{Statement, StatementError};
use crate::law::registry::{Registry, RegistryError};
use crate::model::ident::AuthorityId;
use crate::model::limits::{DIRECTORY_VERSION_MAX, KEEPERS_MAX};
use crate::model::time::Timestamp;

/// Who keeps a directory, and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepers {
    keys: BTreeSet<KeeperKey>,
    threshold: usize,
}

impl Keepers {
    /// From 1 to `KEEPERS_MAX` different keys, and a threshold among them.
    pub fn new(keys: impl IntoIterator<Item = KeeperKey>, threshold: usize) -> Result<Self, KeepError> {
        let mut distinct = BTreeSet::new();
        for key in keys {
            if !distinct.insert(key) {
                return Err(KeepError::KeeperTwice(key));
            }
        }
        if distinct.is_empty() || distinct.len() > KEEPERS_MAX || threshold == 0 || threshold > distinct.len() {
            return Err(KeepError::Keepers { keys: distinct.len(), threshold });
        }
        Ok(Self { keys: distinct, threshold })
    }
}

/// When what is made now will expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiries {
    /// The root.
    pub root: Timestamp,
    /// The list and what names it.
    pub list: Timestamp,
}

/// A change of the list.
#[derive(Debug, Clone)]
pub enum Change {
    /// These rows come in, each in the place of its authority's old one.
    Put(Vec<Entry>),
    /// This authority goes.
    Remove(AuthorityId),
    /// The registry of treaty actions, with more rows at its end than before, or the first one.
    Registry(Box<Registry>),
    /// Nothing but the expiry.
    Renew,
}

/// Makes a directory of no authority, which nobody signed yet.
pub fn found(keepers: &Keepers, expiries: Expiries) -> Result<Files, KeepError> {
    let mut files = Files::new();
    let root = Root::of(1, &keepers.keys, keepers.threshold, expiries.root);
    put(&mut files, FileName::Root(1), root)?;
    put_list(&mut files, Listing::empty(1), None, expiries.list)?;
    Ok(files)
}

/// Changes the list, under the next version if anybody signed the present one. The result is to be signed.
pub fn change(files: &Files, change: Change, list_expires: Timestamp) -> Result<Changed, KeepError> {
    let reading = Reading::of(files)?;
    let listing = reading.listing().clone().renumbered(next_version(&reading)?);
    let (mut files, mut registry) = (files.clone(), reading.registry().cloned());
    let (listing, rows) = match change {
        Change::Put(entries) => listing.with(entries)?,
        Change::Remove(id) => (listing.without(&id)?, Vec::new()),
        Change::Registry(new) => {
            registry = Some(put_registry(&mut files, registry.as_ref(), &new)?);
            (listing, Vec::new())
        }
        Change::Renew => (listing, Vec::new()),
    };
    let version = listing.version();
    put_list(&mut files, listing, registry, list_expires)?;
    Ok(Changed { files, version, rows })
}

/// What a change gave.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The files, to be signed.
    pub files: Files,
    /// The version of the list.
    pub version: u64,
    /// What became of each row that came in.
    pub rows: Vec<(AuthorityId, Put)>,
}

/// Names new keepers in the next root. Enough of the former keepers must sign it, enough of the new ones too; the new
/// ones sign the list again, because the old keys no longer count for it.
pub fn hand_over(files: &Files, keepers: &Keepers, expiries: Expiries) -> Result<Files, KeepError> {
    let reading = Reading::of(files)?;
    let newest = FileName::Root(reading.root().value().version);
    if reading.signatures().iter().any(|file| file.name == newest && !file.enough()) {
        return Err(KeepError::RootIncomplete(newest));
    }
    let version = reading.root().value().version + 1;
    let listing = reading.listing().clone().renumbered(next_version(&reading)?);
    let mut files = files.clone();
    let root = Root::of(version, &keepers.keys, keepers.threshold, expiries.root);
    put(&mut files, FileName::Root(version), root)?;
    put_list(&mut files, listing, reading.registry().cloned(), expiries.list)?;
    Ok(files)
}

/// Signs every file that this key is a keeper of and has not signed. Gives the new files and the names of those signed.
pub fn sign(files: &Files, key: &SigningKey) -> Result<(Files, Vec<FileName>), KeepError> {
    let keeper = KeeperKey::of(key);
    let reading = Reading::of(files)?;
    let mut is_keeper = false;
    let mut due = BTreeSet::new();
    for file in reading.signatures() {
        let name = file.name;
        let signers = file.signers.map_err(|bad| KeepError::BadSignature { name, keeper: bad.0 })?;
        is_keeper |= signers.signed.contains(&keeper) || signers.missing.contains(&keeper);
        if signers.missing.contains(&keeper) {
            due.insert(name);
        }
    }
    if !is_keeper {
        return Err(KeepError::NotAKeeper(keeper));
    }
    let mut signed = files.clone();
    for name in &due {
        let bytes = files.file(*name).ok_or(ReadError::Missing(*name))?;
        let with_signature = match name {
            FileName::Root(_) => add_signature::<Root>(bytes, key),
            FileName::Timestamp => add_signature::<TimestampRole>(bytes, key),
            FileName::Snapshot => add_signature::<Snapshot>(bytes, key),
            FileName::Targets => add_signature::<Targets>(bytes, key),
            FileName::Listing | FileName::Registry => continue,
        };
        signed.put(*name, with_signature.map_err(|error| ReadError::Malformed { name: *name, error })?)?;
    }
    Ok((signed, due.into_iter().collect()))
}

fn add_signature<T: Metadata>(bytes: &[u8], key: &SigningKey) -> Result<Vec<u8>, StatementError> {
    Ok(Statement::<T>::parse(bytes)?.signed_by(key).to_json())
}

/// One number for the list and the three files that name it. They may differ in a directory that other tools made:
/// the highest of them leads.
fn next_version(reading: &Reading) -> Result<u64, KeepError> {
    let [_, rest @ ..] = reading.parts();
    let highest = rest.iter().map(|part| part.version).max().unwrap_or_default();
    let aligned = rest.iter().all(|part| part.version == highest);
    let next = if reading.list_is_signed() || !aligned { highest.saturating_add(1) } else { highest };
    if next > DIRECTORY_VERSION_MAX { Err(KeepError::LastVersion) } else { Ok(next) }
}

/// Rows are only ever added: a registry that says less than the one before is refused here, and by every node.
fn put_registry(files: &mut Files, named: Option<&TargetFile>, new: &Registry) -> Result<TargetFile, KeepError> {
    if named.is_some() {
        let old = files.file(FileName::Registry).ok_or(KeepError::RegistryAway)?;
        difference(&Registry::parse(old)?, new)?;
    }
    let bytes = new.to_json();
    let file = TargetFile::of(&bytes);
    files.put(FileName::Registry, bytes)?;
    Ok(file)
}

fn put_list(
    files: &mut Files,
    listing: Listing,
    registry: Option<TargetFile>,
    expires: Timestamp,
) -> Result<(), KeepError> {
    let (version, bytes) = (listing.version(), listing.to_json());
    put(files, FileName::Targets, Targets::of(version, &bytes, registry, expires))?;
    put(files, FileName::Snapshot, Snapshot::of(version, version, expires))?;
    put(files, FileName::Timestamp, TimestampRole::of(version, version, expires))?;
    files.put(FileName::Listing, bytes)?;
    Ok(())
}

fn put<T: Metadata>(files: &mut Files, name: FileName, value: T) -> Result<(), KeepError> {
    let statement = Statement::unsigned(value).map_err(|error| ReadError::Malformed { name, error })?;
    files.put(name, statement.to_json())?;
    Ok(())
}

/// Why a keeper's act was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeepError {
    /// The files are malformed or do not fit each other.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The list would be malformed.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The files would be too large.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Not a possible group of keepers.
    #[error(
        "{keys} keepers and a threshold of {threshold} do not go together; name 1 to {KEEPERS_MAX} keepers and a threshold from 1 to their number"
    )]
    Keepers {
        /// How many keys there are.
        keys: usize,
        /// How many of them should have to sign.
        threshold: usize,
    },
    /// One key named twice.
    #[error("the keeper {0} is named twice; every keeper has a key of its own")]
    KeeperTwice(KeeperKey),
    /// The key may sign nothing here.
    #[error("the key {0} is none of this directory's keepers; `rogatory directory verify` lists them")]
    NotAKeeper(KeeperKey),
    /// A signature that is there does not hold.
    #[error(
        "{name}: the signature of keeper {keeper} does not hold; the file was changed, ask for it again before you sign"
    )]
    BadSignature {
        /// The file.
        name: FileName,
        /// The keeper.
        keeper: KeeperKey,
    },
    /// A hand-over is under way.
    #[error("{0} still lacks signatures; complete it with `rogatory directory sign` before the next hand-over")]
    RootIncomplete(FileName),
    /// The registry before this one is not at hand.
    #[error(
        "targets/registry.json is not among the files; put the one that the keepers signed last there, then add rows"
    )]
    RegistryAway,
    /// The registry before this one, or the new one, is malformed.
    #[error("targets/registry.json: {0}")]
    Registry(#[from] RegistryError),
    /// The new one takes something back.
    #[error(transparent)]
    NotGrown(#[from] NotGrown),
    /// No number is left.
    #[error("the directory has reached its last version; found a new one")]
    LastVersion,
}
