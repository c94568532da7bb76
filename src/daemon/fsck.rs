//! Checks a node's data from the ground: the custody log by itself, then every sealed file that the log speaks of.
//! Never touches what is primary; derived files are made again only when asked. Looks at a running node too.

use std::collections::BTreeMap;
use std::path::Path;

use crate::custody::checkpoint::{LogSigner, SignedCheckpoint};
use crate::custody::cosignature;
use crate::custody::note::{Note, VerifierKey};
use crate::daemon::config::{Config, ConfigError};
use crate::daemon::fsck_index::{self, Answers};
use crate::daemon::fsck_records::{Expected, Fault, Records};
use crate::daemon::home::Home;
use crate::daemon::keys::KeysError;
use crate::daemon::log_keys;
use crate::daemon::version::{self, VersionError};
use crate::model::ident::Id;
use crate::model::time::Timestamp;
use crate::store::fsck::{self, FsckError, Report};
use crate::store::lock::{DirLock, LockError};
use crate::store::object_reader::ReadError;
use crate::store::tiles::TileFiles;
use crate::store::vault::{Phase, Vault, VaultError};
use crate::wire::record;

/// What to do about derived files that are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Tell.
    Check,
    /// Make them again.
    Repair,
}

/// How far a check is. Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being read.
    pub part: Part,
    /// Read of it.
    pub done: u64,
    /// In all.
    pub total: u64,
}

/// The two parts of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The journal and what is derived from it.
    Journal,
    /// The sealed files.
    Sealed,
}

/// Whether a node was at work meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// It was stopped.
    Nobody,
    /// It ran: what it had published was checked.
    TheNode,
}

/// A sealed file that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFile {
    /// Its package and number in it.
    pub file: (Id, u32),
    /// The record since which it must be there, and its time.
    pub since: (u64, Option<Timestamp>),
    /// What is wrong.
    pub why: String,
}

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// The log and its derived files.
    pub log: Report,
    /// Whether the node ran.
    pub beside: Beside,
    /// The last intact record before the first bad one, and the first behind it, with their times.
    pub around: [Option<(u64, Timestamp)>; 2],
    /// Records that are not what they say.
    pub faults: Vec<Fault>,
    /// How many.
    pub faults_count: u64,
    /// Enclosures that are what their records name.
    pub enclosures: u64,
    /// Entries of which something was erased.
    pub erased: u64,
    /// Sealed files that must be here.
    pub sealed: u64,
    /// Their bytes.
    pub sealed_bytes: u64,
    /// Durable parts of files that are still arriving; all of them as announced.
    pub parts_arriving: u64,
    /// Sealed files that are wrong.
    pub wrong: Vec<WrongFile>,
    /// Hashes beside sealed files that are wrong and can be made again.
    pub hashes_wrong: Vec<(Id, u32)>,
    /// What the index answers; not asked beside a running node, which keeps it in step.
    pub index: Answers,
    /// Rotations of the log's keys whose evidence is in the log.
    pub rotations: usize,
    /// What is wrong with the evidence of rotations.
    pub rotations_wrong: Vec<String>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
}

/// Checks everything below the data directory of a node. While the node runs, what it has published so far is checked;
/// its later entries are not.
///
/// # Errors
/// [`CheckError`] when the check itself could not be done.
pub fn run(data: &Path, mode: Mode, progress: &mut dyn FnMut(Progress)) -> Result<Findings, CheckError> {
    let home = Home::at(data);
    version::check(&home)?;
    let config = Config::read(&home.config())?;
    let origin = log_keys::origin(&home, &config.authority)?;
    let signer = log_keys::log_signer(&home)?;
    let keys = signer.verifier_keys(&origin);
    let key = keys.first().ok_or(CheckError::Origin)?;
    let _lock = if mode == Mode::Repair { Some(DirLock::exclusive(data)?) } else { None };
    let mut told = |done, total| progress(Progress { part: Part::Journal, done, total });
    let mut records = Records::new(&mut told);
    let store_mode = match mode {
        Mode::Check => fsck::Mode::Report,
        Mode::Repair => fsck::Mode::RepairDerived,
    };
    let (log, beside) = match fsck::check(&home.custody(), key, store_mode, &mut records) {
        Err(FsckError::Lock(LockError::InUse(_))) if mode == Mode::Check => {
            let log = fsck::check(&home.custody(), key, fsck::Mode::BesideTheNode, &mut records)?;
            (log, Beside::TheNode)
        }
        log => (log?, Beside::Nobody),
    };
    let mut log = log;
    if log.first_bad.is_none() && !signed_by_all(&home.custody(), &keys) {
        match mode {
            Mode::Check => log.second_line_missing(),
            Mode::Repair => sign_again(&home.custody(), &keys, &signer, &mut log)?,
        }
    }
    let around = around(&log, &records);
    let Records { faults, faults_count, enclosures, erased, sealed, announced, destroyed, gone_over, .. } = records;
    let mut findings = Findings {
        log,
        beside,
        around,
        faults,
        faults_count,
        enclosures,
        erased,
        sealed: 0,
        sealed_bytes: 0,
        parts_arriving: 0,
        wrong: Vec::new(),
        hashes_wrong: Vec::new(),
        index: Answers::NotAsked,
        rotations: 0,
        rotations_wrong: Vec::new(),
        unchecked: Vec::new(),
    };
    if beside == Beside::TheNode && findings.log.published == 0 {
        findings.unchecked.push("the journal: the node has published nothing of it yet".to_owned());
    }
    if findings.log.first_bad.is_some() {
        findings.unchecked.push("what comes behind the first bad entry, and the sealed files".to_owned());
        return Ok(findings);
    }
    let expected = Vaulted { sealed, announced, destroyed };
    expected.check(&home, mode, progress, &mut findings)?;
    if beside == Beside::Nobody {
        fsck_index::check(&home, key, mode, &gone_over, &mut findings);
    }
    Ok(findings)
}

/// The published note carries a line of each key of the log, and each holds.
fn signed_by_all(custody_dir: &Path, keys: &[VerifierKey]) -> bool {
    let note = TileFiles::new(custody_dir).published().ok().flatten();
    let note = note.and_then(|bytes| Note::parse(&bytes).ok());
    note.is_none_or(|note| note.verify(keys).is_ok_and(|signers| signers.len() == keys.len()))
}

/// Adds the line of the log's second key to the published note again.
fn sign_again(
    custody_dir: &Path,
    keys: &[VerifierKey],
    signer: &LogSigner,
    log: &mut Report,
) -> Result<(), CheckError> {
    let files = TileFiles::new(custody_dir);
    let Some(bytes) = files.published()? else { return Ok(()) };
    let first = keys.first().map(std::slice::from_ref).unwrap_or_default();
    let signed = SignedCheckpoint::open(&bytes, first).map_err(|_| CheckError::Published)?;
    // Only the text and the first line are kept: what else stands there did not hold.
    let origin = signed.checkpoint().origin().parse().map_err(|_| CheckError::Origin)?;
    let said = signed.checkpoint();
    let mut again = SignedCheckpoint::sign(&origin, said.size(), said.root(), &signer.ed25519);
    if let Some(key) = &signer.ml_dsa_44 {
        let line = cosignature::log_line(key, &again).map_err(|_| CheckError::Published)?;
        again = again.with_lines([line]);
    }
    files.publish(&again.to_bytes())?;
    log.signed_again();
    Ok(())
}

/// Whichever record could be read last before the damage, and the next one behind it.
fn around(log: &Report, records: &Records<'_>) -> [Option<(u64, Timestamp)>; 2] {
    let Some(damage) = &log.damage else { return [None, None] };
    let before = records.last.iter().rev().find(|(index, _)| *index < damage.index).copied();
    let behind = damage.next_intact.as_ref();
    let behind = behind.and_then(|(index, bytes)| Some((*index, record::decode(bytes).ok()?.at)));
    [before, behind]
}

/// The files that the log speaks of.
struct Vaulted {
    sealed: BTreeMap<(Id, u32), Expected>,
    announced: BTreeMap<(Id, u32), Expected>,
    destroyed: BTreeMap<Id, u64>,
}

impl Vaulted {
    fn check(
        &self,
        home: &Home,
        mode: Mode,
        progress: &mut dyn FnMut(Progress),
        findings: &mut Findings,
    ) -> Result<(), CheckError> {
        let opened = match mode {
            Mode::Check => Vault::open_read_only(&home.vault()),
            Mode::Repair => Vault::open(&home.vault()),
        };
        let vault = match opened {
            Ok(vault) => vault,
            // A node that never held a file has no vault yet.
            Err(_) if !home.vault().exists() && self.sealed.is_empty() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let total = self.sealed.values().map(|expected| expected.blob.ciphertext_bytes).sum();
        for ((package, object_id), expected) in &self.sealed {
            let checked = vault.check(*package, *object_id, &expected.blob.root);
            findings.sealed += 1;
            findings.sealed_bytes += expected.blob.ciphertext_bytes;
            findings.judge((*package, *object_id), expected, checked);
            progress(Progress { part: Part::Sealed, done: findings.sealed_bytes, total });
        }
        self.arriving(&vault, findings)
    }

    /// What is there and not whole, and what should be there no more.
    fn arriving(&self, vault: &Vault, findings: &mut Findings) -> Result<(), CheckError> {
        for held in vault.list()? {
            let file = (held.seal_id, held.object_id);
            if let Some(index) = self.destroyed.get(&held.seal_id) {
                let why = format!("record {index} says that the package was destroyed, and the file is here");
                findings.wrong.push(WrongFile { file, since: (*index, None), why });
            } else if let Some(expected) = self.announced.get(&file).filter(|_| held.phase == Phase::Partial) {
                match vault.check_arriving(held.seal_id, &expected.blob) {
                    Ok(parts) => findings.parts_arriving += parts,
                    Err(error) => findings.judge(file, expected, Err(error)),
                }
            }
        }
        Ok(())
    }
}

impl Findings {
    fn judge(&mut self, file: (Id, u32), expected: &Expected, checked: Result<(), ReadError>) {
        let (package, object) = file;
        match checked {
            Ok(()) => {}
            Err(ReadError::HashesDamaged { .. }) => self.hashes_wrong.push(file),
            Err(ReadError::Missing) if self.beside == Beside::TheNode => {
                let gone = format!(
                    "item {object} of package {package}: gone; destroyed meanwhile, or missing (check it with the node stopped)"
                );
                self.unchecked.push(gone);
            }
            Err(error) => {
                let since = (expected.index, Some(expected.at));
                self.wrong.push(WrongFile { file, since, why: error.to_string() });
            }
        }
    }

    /// Whether nothing is wrong, or nothing any more.
    pub fn is_sound(&self) -> bool {
        self.log.is_sound()
            && self.wrong.is_empty()
            && self.faults_count == 0
            && self.hashes_wrong.is_empty()
            && self.rotations_wrong.is_empty()
            && self.index != Answers::Other
    }

    /// The first bad entry: not intact, not the one that was signed, or not what it says of its enclosures.
    pub fn first_bad(&self) -> Option<(u64, &str)> {
        let fault = self.faults.first().map(|fault| (fault.index, fault.why.as_str()));
        let log = self.log.first_bad.as_ref().map(|(index, why)| (*index, why.as_str()));
        fault.into_iter().chain(log).min_by_key(|(index, _)| *index)
    }

    /// 0: sound; 3: sound as far as it was checked; 1: not sound.
    pub fn exit_code(&self) -> u8 {
        match (self.is_sound(), self.unchecked.is_empty()) {
            (false, _) => 1,
            (true, false) => 3,
            (true, true) => 0,
        }
    }
}

/// Why the check could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The version of the data.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log's key.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The node runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The log.
    #[error(transparent)]
    Log(#[from] FsckError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The published checkpoint cannot be signed again.
    #[error("the published checkpoint cannot be signed again; start the node, which writes it anew")]
    Published,
    /// The published checkpoint cannot be read or written.
    #[error("cannot use custody/checkpoint: {0}")]
    Io(#[from] std::io::Error),
    /// The authority makes no log name.
    #[error("the authority's identifier makes no log name")]
    Origin,
}
