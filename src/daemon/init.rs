//! Makes a new node: settings, keys, the row for the directory, and the first record of its log. Never overwrites one.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::crypto::digest::sha256;
use crate::daemon::config::Config;
use crate::daemon::home::Home;
use crate::daemon::keys::{self, Facts, KeysError};
use crate::daemon::log_keys;
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::version::{self, VersionError};
use crate::exchange::act::{Act, Scene};
use crate::exchange::entry::{Entry, EntryError};
use crate::model::event::{Event, NamedDigest};
use crate::model::limits::TIME_STAMP_ISSUERS_MAX;
use crate::model::time::Timestamp;
use crate::store::files::replace_durably;
use crate::store::ledger::{self, AppendError, Ledger, OpenError};

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The row to hand to the directory's keepers.
    pub entry: PathBuf,
    /// The public key of the custody log, as text.
    pub log_key: String,
}

/// Makes a node in `data`, which must not hold one.
///
/// # Errors
/// [`InitError`] says what is there already, or what could not be written.
pub fn init(data: &Path, config: &Config, now: Timestamp) -> Result<Made, InitError> {
    let home = Home::at(data);
    if home.config().exists() || home.key("").exists() {
        return Err(InitError::Exists(data.to_owned()));
    }
    // Before anything is written: a file that is not there must not leave half a node.
    let read = |one: &TimeStampSettings| one.anchors(data).map_err(InitError::TimeStamp);
    let time_stamp_issuers = config.time_stamp.iter().map(read).collect::<Result<Vec<_>, _>>()?.concat();
    if time_stamp_issuers.len() > TIME_STAMP_ISSUERS_MAX {
        let why = format!("they name more than {TIME_STAMP_ISSUERS_MAX} CA certificates together");
        return Err(InitError::TimeStamp(why));
    }
    let fault = |source| InitError::Io { path: data.to_owned(), source };
    fs::DirBuilder::new().mode(0o700).recursive(true).create(data).map_err(fault)?;
    let facts = Facts {
        authority: &config.authority,
        name: &config.name,
        endpoints: &config.advertise,
        languages: &config.languages,
        time_stamp_issuers: &time_stamp_issuers,
    };
    let authority = keys::create(&home, &facts, now)?;
    let log_key = authority.log_keys.first().cloned().unwrap_or_default();
    let entry = Entry::new(&authority, "made by rogatory init")?.to_json();
    replace_durably(&home.entry(), &entry).map_err(fault)?;
    let mut record = Scene::node(&config.authority, now).record(Event::NodeInitialised);
    record.digests = vec![NamedDigest::new("directory-entry", sha256(&entry))];
    let act = Act { record, enclosures: vec![entry] };
    let origin = config.authority.log_origin().parse().map_err(|_| InitError::Origin)?;
    let ledger = Ledger::open(&home.custody(), origin, log_keys::log_signer(&home)?, Box::new(|_| {}))?;
    ledger.append(ledger::Entry { record: act.record_bytes(), enclosures: act.enclosures })?;
    ledger.close();
    version::mark(&home)?;
    // The settings last: a node without them was not finished, and `init` says so when it is run again.
    replace_durably(&home.config(), config.to_text().as_bytes()).map_err(fault)?;
    Ok(Made { entry: home.entry(), log_key })
}

/// Why no node was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one, or the rest of one.
    #[error("{} holds a node already, or the beginning of one; name an empty directory with --data", .0.display())]
    Exists(PathBuf),
    /// The CAs of time-stamp authorities.
    #[error("the CA certificates of the time-stamp authorities: {0}")]
    TimeStamp(String),
    /// The system refused.
    #[error("cannot write to {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The version of the data.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The row would not be accepted by a directory.
    #[error("the directory would not accept this authority's row: {0}")]
    Entry(#[from] EntryError),
    /// The log.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The first record.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The authority makes no log name.
    #[error("the authority's identifier makes no log name")]
    Origin,
}
