//! Backups of a node, running or stopped: one volume a run, each with what changed since the one before, sealed to a key that the
//! machine does not have. Refuses to go on with a chain that it does not know.
//!
//! `<data>/backups/<chain>-<number>.json` says what the volumes up to that one hold: names, lengths, digests. It is derived: without
//! it a new chain begins.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, TryLockError};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::crypto::hybrid::{HybridPublicKey, HybridSecretKey};
use crate::crypto::pem::{self, Label};
use crate::crypto::random::{self, RandomError};
use crate::daemon::clock;
use crate::daemon::home::Home;
use crate::daemon::keys::{self, KeysError};
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::rotate::ANY_ROLE;
use crate::exchange::act::{Act, Scene};
use crate::model::event::{Actor, Event, NamedDigest};
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::store::backup::{self as cut, BackupError};
use crate::store::files::{create_dir_durably, read_if_there, replace_durably};
use crate::store::ledger::AppendError;
use crate::store::reader::Reader;
use crate::store::volume::{FileState, Place, VolumeError, VolumeWriter};

/// The public half of the backup key, in `keys/`.
pub const PUBLIC: &str = "backup.pub.pem";

/// The last volume of the chain that is to be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// The chain.
    pub chain: Id,
    /// Its place.
    pub number: u32,
    /// SHA-256 of its head.
    pub head: Digest,
}

/// A volume that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The chain.
    pub chain: Id,
    /// Its place in it.
    pub number: u32,
    /// SHA-256 of its head.
    pub head: Digest,
    /// Files of the state.
    pub files: usize,
    /// Bytes of files that changed since the volume before.
    pub bytes: u64,
    /// Entries of the log.
    pub log_size: u64,
}

/// Makes a backup key: the private half goes into `secret` (to be kept elsewhere), the public half into the node's `keys/`.
///
/// # Errors
/// [`MakeError`] when one of the files exists, or cannot be written.
pub fn new_key(home: &Home, secret: &Path) -> Result<Digest, MakeError> {
    let seed = Zeroizing::new(random::bytes::<32>()?);
    let public = HybridSecretKey::from_seed(&seed).public().clone();
    let public_path = home.key(PUBLIC);
    if public_path.exists() {
        return Err(MakeError::KeyExists(public_path));
    }
    let fault = |source| MakeError::File { path: secret.to_owned(), source };
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    let mut file = options.open(secret).map_err(fault)?;
    file.write_all(pem::encode(Label::BackupSeed, seed.as_slice()).as_bytes()).map_err(fault)?;
    file.sync_all().map_err(fault)?;
    keys::write_whole(home, PUBLIC, Label::BackupKey, public.as_bytes())?;
    Ok(public.id())
}

/// The private half, from its file.
///
/// # Errors
/// [`MakeError`] when it is no such file.
pub fn secret_key(path: &Path) -> Result<HybridSecretKey, MakeError> {
    let text = Zeroizing::new(fs::read(path).map_err(|source| MakeError::File { path: path.to_owned(), source })?);
    let broken = || MakeError::NoKey(path.to_owned());
    let seed = pem::decode(Label::BackupSeed, &text).map_err(|_| broken())?;
    Ok(HybridSecretKey::from_seed(seed.as_slice().try_into().map_err(|_| broken())?))
}

/// A backup of a running node: the caller is an officer, and the log says that it was made.
///
/// # Errors
/// [`MakeError`]; what was written is worth nothing.
pub fn of_running(node: &Node, officer: &Admitted, last: Option<Last>, out: &mut dyn Write) -> Result<Made, MakeError> {
    let actor = officer.acting_as(ANY_ROLE).map_err(|error| MakeError::Officer(error.to_string()))?;
    let _alone = node.alone()?;
    let made = write(node.home(), node.us(), node.ledger.reader(), last, out)?;
    record(node, actor, &made)?;
    Ok(made)
}

/// A backup of a node that does not run: it was opened only to be read, and the log says nothing of it.
///
/// # Errors
/// [`MakeError`]; what was written is worth nothing.
pub fn of_stopped(node: &Node, last: Option<Last>, out: &mut dyn Write) -> Result<Made, MakeError> {
    write(node.home(), node.us(), node.ledger.reader(), last, out)
}

fn record(node: &Node, actor: Actor, made: &Made) -> Result<(), MakeError> {
    if node.ledger.is_put_back() {
        return Ok(());
    }
    let mut record = Scene { us: node.us().clone(), now: clock::now(), actor }.record(Event::BackupMade);
    record.digests = vec![NamedDigest::new("volume-head", made.head)];
    record.reason = format!("volume {} of {}, {} entries", made.number, made.chain, made.log_size);
    node.commit(Act { record, enclosures: Vec::new() })?;
    Ok(())
}

/// A backup of what that reader shows. The caller sees to it that nothing is erased, destroyed or rotated meanwhile.
fn write(
    home: &Home,
    us: &AuthorityId,
    reader: &Reader,
    last: Option<Last>,
    out: &mut dyn Write,
) -> Result<Made, MakeError> {
    let public = keys::read(home, PUBLIC, Label::BackupKey).map_err(|error| match error {
        KeysError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => MakeError::KeyMissing,
        other => other.into(),
    })?;
    let key = HybridPublicKey::try_from(public.as_slice()).map_err(|_| MakeError::NoKey(home.key(PUBLIC)))?;
    let now = clock::now();
    let known = last.map(|last| catalogue(home, last)).transpose()?.unwrap_or_default();
    let place = match last {
        Some(last) => Place { chain: last.chain, number: last.number.saturating_add(1), previous: Some(last.head) },
        None => Place { chain: Id::new(now, random::bytes()?), number: 1, previous: None },
    };
    let (mut volume, head) = VolumeWriter::begin(out, place, us, now, &key)?;
    let written = cut::write(home.root(), reader, &known, &mut volume)?;
    keep_catalogue(home, place, &written.files)?;
    volume.finish()?;
    let (files, bytes, log_size) = (written.files.len(), written.bytes, written.log_size);
    Ok(Made { chain: place.chain, number: place.number, head, files, bytes, log_size })
}

fn catalogue(home: &Home, last: Last) -> Result<BTreeMap<String, FileState>, MakeError> {
    let path = catalogue_path(home, last.chain, last.number);
    let bytes = read_if_there(&path).map_err(|source| MakeError::File { path: path.clone(), source })?;
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(MakeError::UnknownChain)
}

/// Written before the volume is whole: whether the volume was kept shows at the next run, which names the last one.
fn keep_catalogue(home: &Home, place: Place, files: &BTreeMap<String, FileState>) -> Result<(), MakeError> {
    let path = catalogue_path(home, place.chain, place.number);
    let fault = |source| MakeError::File { path: path.clone(), source };
    create_dir_durably(path.parent().unwrap_or(Path::new("."))).map_err(fault)?;
    let bytes = serde_json::to_vec(files).map_err(io::Error::from).map_err(fault)?;
    replace_durably(&path, &bytes).map_err(fault)?;
    if let Some(old) = place.number.checked_sub(2) {
        // The last but one is needed by nobody; that it may stay harms nothing.
        let _ = fs::remove_file(catalogue_path(home, place.chain, old));
    }
    Ok(())
}

fn catalogue_path(home: &Home, chain: Id, number: u32) -> PathBuf {
    home.root().join("backups").join(format!("{chain}-{number}.json"))
}

impl Node {
    /// The right to do what must not run beside another such thing: a backup, a rotation, an erasure, a destruction.
    ///
    /// # Errors
    /// [`NotAlone`] at once.
    pub(super) fn alone(&self) -> Result<MutexGuard<'_, ()>, NotAlone> {
        match self.alone.try_lock() {
            Ok(turn) => Ok(turn),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(NotAlone),
        }
    }
}

/// Something else is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a backup, a rotation of keys, an erasure or a destruction is at work; try again when it has ended")]
pub struct NotAlone;

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The officer.
    #[error("{0}")]
    Officer(String),
    /// Something else is at work.
    #[error(transparent)]
    NotAlone(#[from] NotAlone),
    /// No key.
    #[error("this node has no backup key; make one with `rogatory backup key new --out FILE`, and keep FILE elsewhere")]
    KeyMissing,
    /// There is one.
    #[error("{} is there already; who has its private half? remove it to make another key", .0.display())]
    KeyExists(PathBuf),
    /// A file that holds no key.
    #[error("{} holds no backup key", .0.display())]
    NoKey(PathBuf),
    /// A chain of another node, or one that was forgotten.
    #[error("this node does not know what the volumes there hold; back up to an empty directory")]
    UnknownChain,
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A file.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is backed up.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}
