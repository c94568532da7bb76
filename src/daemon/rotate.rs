//! Rotation of a key: made, logged with both public halves, and only then put in its place. Cut short anywhere, it is ended or
//! dropped by the next start. Here for a stopped node; `rotate_live.rs` does the same beside work.
//!
//! For the log's own keys the record of the rotation is the last entry that the old key signs; the first checkpoint of the
//! new key follows at the next start. `custody/rotations/` keeps the evidence.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::crypto::certificate::CertificateError;
use crate::crypto::digest::sha256;
use crate::crypto::issue::IssueError;
use crate::crypto::random::RandomError;
use crate::daemon::backup::NotAlone;
use crate::daemon::clock;
use crate::daemon::config::{Config, ConfigError};
use crate::daemon::home::Home;
use crate::daemon::keys::KeysError;
use crate::daemon::log_keys;
use crate::daemon::officer::{AdmissionError, Admitted};
use crate::daemon::rotate_keys::{parsed, stage};
use crate::daemon::version::VersionError;
use crate::daemon::{restart, version};
use crate::exchange::act::Scene;
use crate::exchange::entry::{Entry, EntryError};
use crate::exchange::rotation::{Rotation, RotationError};
use crate::model::event::{Actor, Event, NamedDigest, Role};
use crate::model::ident::{AuthorityId, Digest};
use crate::store::files::{read_if_there, replace_durably, sync_dir};
use crate::store::ledger::{self, AppendError, Ledger, OpenError};
use crate::store::lock::{DirLock, LockError};
use crate::store::reader::{ReadError, Reader};
use crate::store::rotations;
use crate::wire::receipt::{self, ReceiptParts};

pub(super) const NEXT: &str = ".next-";
/// Records of a running node between the one of a rotation and the renames that end it: far fewer.
const LOOKED_BACK: usize = 1_024;

/// Any officer of the node may act for its keys.
pub(super) const ANY_ROLE: &[Role] = &[Role::Operator, Role::Custodian, Role::Approver, Role::Drafter, Role::Auditor];

/// Which key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The keys that sign the custody log.
    Log,
    /// The receiving key that peers seal to.
    Sealing,
    /// The key that signs legal acts, with a new certificate.
    Signing,
    /// The keys that cosign other logs.
    Witness,
    /// The key of the node's links, with a new certificate.
    Tls,
}

impl Kind {
    /// The word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Sealing => "sealing",
            Self::Signing => "signing",
            Self::Witness => "witness",
            Self::Tls => "tls",
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// The record of it.
    pub record: u64,
    /// The digests of the keys that ended and of those that began.
    pub keys: Vec<(String, Digest)>,
    /// Whether the row for the directory is another one now.
    pub row_changed: bool,
}

/// What is about to be done: a file until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// SHA-256 of the record. Only if it is the last one of the log is the rotation carried out.
    pub(super) record: Digest,
    /// Files of `keys/` that are replaced by `.next-NAME`.
    pub(super) replaced: Vec<String>,
    /// Files that get a second name first, under which they stay.
    pub(super) kept: Vec<(String, String)>,
    /// The log's keys, before and after.
    pub(super) log: Option<(Vec<String>, Vec<String>)>,
}

/// Replaces a key of the node in `data`, which must not run.
///
/// # Errors
/// [`RotateError`] says why nothing was replaced.
pub fn rotate(data: &Path, kind: Kind, name: Option<&str>) -> Result<Rotated, RotateError> {
    let home = Home::at(data);
    version::check(&home)?;
    let config = Config::read(&home.config())?;
    let officer = Admitted::admit(&config, rustix::process::getuid().as_raw(), name)?;
    let actor = officer.acting_as(ANY_ROLE)?;
    let _lock = DirLock::exclusive(data)?;
    let us = &config.authority;
    restart::finish(&home)?;
    resume(&home, us)?;
    log_keys::complete(&home)?;
    let decided = decide(&home, us, kind, actor)?;
    crate::daemon::crash::point("rotate: decided, not logged");
    let ledger = open(&home, us)?;
    let index = ledger.append(decided.entry)?.index;
    keep_evidence(&home, ledger.reader(), &decided.plan, index)?;
    ledger.close();
    crate::daemon::crash::point("rotate: logged, old key in place");
    put_in_place(&home, &decided.plan)?;
    // The first checkpoint of a new log key, at once.
    open(&home, us)?.close();
    Ok(Rotated { record: index, keys: decided.keys, row_changed: decided.row_changed })
}

/// A rotation that is decided: its plan is on disk, its record is to be logged next.
pub(super) struct Decided {
    pub(super) plan: Plan,
    pub(super) entry: ledger::Entry,
    pub(super) keys: Vec<(String, Digest)>,
    pub(super) row_changed: bool,
}

/// Makes the new key, the row and the record, and writes the plan.
pub(super) fn decide(home: &Home, us: &AuthorityId, kind: Kind, actor: Actor) -> Result<Decided, RotateError> {
    let now = clock::now();
    let entry = entry(home)?;
    let mut staged = stage(home, us, kind, entry.authority().clone(), now)?;
    let row = Entry::new(&staged.authority, entry.note())?.to_json();
    let row_changed = row != entry.to_json();
    let mut record = Scene { us: us.clone(), now, actor }.record(Event::KeyRotated);
    kind.name().clone_into(&mut record.reason);
    let keys = staged.digests.iter().map(|digest| (digest.name.clone(), digest.sha256)).collect();
    record.digests = staged.digests;
    record.digests.push(NamedDigest::new("directory-entry", sha256(&row)));
    let bytes = crate::wire::record::encode(&record);
    staged.plan.record = sha256(&bytes);
    replace_durably(&next_entry(home), &row).map_err(io(home))?;
    let plan = serde_json::to_vec(&staged.plan).map_err(std::io::Error::from).map_err(io(home))?;
    replace_durably(&home.rotating(), &plan).map_err(io(home))?;
    Ok(Decided { plan: staged.plan, entry: ledger::Entry { record: bytes, enclosures: vec![row] }, keys, row_changed })
}

/// What every opening of the data directory does first: ends a rotation that was logged, drops one that was not.
///
/// # Errors
/// [`RotateError`] when it can be neither.
pub fn resume(home: &Home, us: &AuthorityId) -> Result<(), RotateError> {
    let Some(bytes) = read_if_there(&home.rotating()).map_err(io(home))? else { return Ok(()) };
    let plan: Plan = serde_json::from_slice(&bytes).map_err(std::io::Error::from).map_err(io(home))?;
    let untouched = plan.replaced.iter().all(|name| home.key(&format!("{NEXT}{name}")).exists());
    if untouched && next_entry(home).exists() {
        let ledger = open(home, us)?;
        let Some(index) = logged_at(ledger.reader(), &plan)? else {
            ledger.close();
            tracing::warn!(kind = plan.kind.name(), "a rotation of keys was not logged; dropped");
            return drop_plan(home, &plan);
        };
        keep_evidence(home, ledger.reader(), &plan, index)?;
        ledger.close();
    }
    tracing::warn!(kind = plan.kind.name(), "a rotation of keys was cut short; it is ended now");
    put_in_place(home, &plan)
}

/// Where the record of a rotation stands; `None` if it was not logged. It is the last one, but for a few of a running node.
fn logged_at(reader: &Reader, plan: &Plan) -> Result<Option<u64>, RotateError> {
    for index in (0..reader.size()).rev().take(LOOKED_BACK) {
        let content = reader.read(index)?.content;
        if content.is_some_and(|content| sha256(&content.record) == plan.record) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// The evidence of a log's rotation, while the old key's checkpoint is the newest.
pub(super) fn keep_evidence(home: &Home, reader: &Reader, plan: &Plan, index: u64) -> Result<(), RotateError> {
    let Some((old, new)) = &plan.log else { return Ok(()) };
    let content = reader.read(index)?.content.ok_or(RotateError::Evidence(RotationError::Record))?;
    let proof = reader.prove(index)?;
    let receipt = receipt::encode(&ReceiptParts { record: content.record, salt: content.salt, proof });
    let rotation = Rotation { old: parsed(old)?, new: parsed(new)?, receipt };
    rotations::keep(&home.custody(), &Rotation::read(&rotation.to_text())?).map_err(io(home))
}

/// Second names first, then each new file over the old one, then the row. Every step may be done again.
pub(super) fn put_in_place(home: &Home, plan: &Plan) -> Result<(), RotateError> {
    let untouched = plan.replaced.iter().all(|name| home.key(&format!("{NEXT}{name}")).exists());
    for (from, to) in plan.kept.iter().filter(|_| untouched) {
        match fs::hard_link(home.key(from), home.key(to)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(home)(error)),
            _ => {}
        }
    }
    sync_dir(&home.key("")).map_err(io(home))?;
    for name in &plan.replaced {
        rename_if_there(home, &home.key(&format!("{NEXT}{name}")), &home.key(name))?;
        crate::daemon::crash::point("rotate: one key in place");
    }
    rename_if_there(home, &next_entry(home), &home.entry())?;
    sync_dir(&home.key("")).and_then(|()| sync_dir(home.root())).map_err(io(home))?;
    fs::remove_file(home.rotating()).and_then(|()| sync_dir(home.root())).map_err(io(home))
}

pub(super) fn drop_plan(home: &Home, plan: &Plan) -> Result<(), RotateError> {
    let staged = plan.replaced.iter().map(|name| home.key(&format!("{NEXT}{name}")));
    for path in staged.chain([next_entry(home), home.rotating()]) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(home)(error)),
            _ => {}
        }
    }
    sync_dir(home.root()).map_err(io(home))
}

fn rename_if_there(home: &Home, from: &Path, to: &Path) -> Result<(), RotateError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(home)(error)),
        _ => Ok(()),
    }
}

fn open(home: &Home, us: &AuthorityId) -> Result<Ledger, RotateError> {
    let origin = log_keys::origin(home, us)?;
    Ok(Ledger::open(&home.custody(), origin, log_keys::log_signer(home)?, Box::new(|_| {}))?)
}

fn entry(home: &Home) -> Result<Entry, RotateError> {
    let bytes = fs::read(home.entry()).map_err(|source| KeysError::io(&home.entry(), source))?;
    Ok(Entry::parse(&bytes)?)
}

fn next_entry(home: &Home) -> std::path::PathBuf {
    home.root().join(format!("{NEXT}directory-entry.json"))
}

pub(super) fn io(home: &Home) -> impl Fn(std::io::Error) -> RotateError + use<> {
    let root = home.root().to_owned();
    move |source| KeysError::io(&root, source).into()
}

/// Why no key was replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The version of the data.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Nobody who may.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// The node runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A key file.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The row.
    #[error("directory-entry.json: {0}")]
    Entry(#[from] EntryError),
    /// Nothing was lost.
    #[error("this log did not come from a backup, or how it goes on was decided; nothing to accept")]
    NotPutBack,
    /// The CA's key is elsewhere.
    #[error("keys/ca.key.pem is not here; bring it back for the moment in which the new certificate is made")]
    NoCa,
    /// The certificate.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The CA's certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The log.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// Something else is at work.
    #[error(transparent)]
    NotAlone(#[from] NotAlone),
    /// The log takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The evidence does not hold.
    #[error("the evidence of the rotation does not hold: {0}")]
    Evidence(#[from] RotationError),
}
