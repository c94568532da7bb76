//! Checks a node's data from the ground: the custody log by itself, then every sealed file that the log speaks of.
//! Never touches what is primary; derived files are made again only when asked.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::custody::note::VerifierKey;
use crate::daemon::config::{Config, ConfigError};
use crate::daemon::home::Home;
use crate::daemon::keys::{self, KeysError};
use crate::model::event::Event;
use crate::model::ident::{Digest, Id};
use crate::store::fsck::{self, FsckError, Report};
use crate::store::reader::{ReadError, ReadOpenError, Reader};
use crate::store::vault::{Vault, VaultError};
use crate::wire::record;

/// What to do about derived files that are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Tell.
    Check,
    /// Make them again.
    Repair,
}

/// What was found.
#[derive(Debug)]
pub struct Findings {
    log: Report,
    sealed: u64,
    sealed_bytes: u64,
    wrong: Vec<String>,
    records_unread: Vec<String>,
}

/// Checks everything below the data directory of a node.
///
/// # Errors
/// [`CheckError`] when the check itself could not be done.
pub fn run(data: &Path, mode: Mode) -> Result<Findings, CheckError> {
    let home = Home::at(data);
    let config = Config::read(&home.config())?;
    let origin = config.authority.log_origin().parse().map_err(|_| CheckError::Origin)?;
    let key = VerifierKey::new(origin, keys::log_key(&home)?.public_key());
    let mode = match mode {
        Mode::Check => fsck::Mode::Report,
        Mode::Repair => fsck::Mode::RepairDerived,
    };
    let log = fsck::fsck(&home.custody(), &key, mode)?;
    let mut findings = Findings { log, sealed: 0, sealed_bytes: 0, wrong: Vec::new(), records_unread: Vec::new() };
    if findings.log.first_bad.is_none() {
        sealed_files(&home, &key, &mut findings)?;
    }
    Ok(findings)
}

/// Re-hashes every sealed file that a record says is here: drafted by us, or received whole.
fn sealed_files(home: &Home, key: &VerifierKey, findings: &mut Findings) -> Result<(), CheckError> {
    let vault = match Vault::open_read_only(&home.vault()) {
        Ok(vault) => vault,
        // A node that never held a file has no vault yet.
        Err(_) if !home.vault().exists() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let reader = Reader::open_read_only(&home.custody(), key)?;
    let mut expected: Vec<(u64, Id, u32, Digest, u64)> = Vec::new();
    reader.scan(0, |stored| {
        if let Some(content) = &stored.content {
            match record::decode(&content.record) {
                Ok(found) if matches!(found.event, Event::MessageDrafted | Event::ContentReceived) => {
                    let blobs = found.transfer.map(|transfer| transfer.blobs).unwrap_or_default();
                    if let Some(package) = found.subject.package_id {
                        expected.extend(
                            blobs
                                .iter()
                                .map(|blob| (stored.index, package, blob.object_id, blob.root, blob.ciphertext_bytes)),
                        );
                    }
                }
                Ok(_) => {}
                Err(error) => findings.records_unread.push(format!("record {}: {error}", stored.index)),
            }
        }
        std::ops::ControlFlow::Continue(())
    })?;
    for (index, package, object_id, root, bytes) in expected {
        findings.sealed += 1;
        findings.sealed_bytes += bytes;
        if let Err(error) = vault.check(package, object_id, &root) {
            findings.wrong.push(format!("package {package}, item {object_id} (since record {index}): {error}"));
        }
    }
    Ok(())
}

impl Findings {
    /// Whether nothing is wrong, or nothing any more.
    pub fn is_sound(&self) -> bool {
        self.log.is_sound() && self.wrong.is_empty() && self.records_unread.is_empty()
    }

    /// As one JSON document.
    pub fn to_json(&self) -> Value {
        json!({
            "sound": self.is_sound(),
            "entries": self.log.entries,
            "checkpoints": self.log.checkpoints,
            "published": self.log.published,
            "first_bad": self.log.first_bad.as_ref().map(|(index, why)| json!({ "index": index, "why": why })),
            "derived_wrong": self.log.wrong_files_count,
            "derived_wrong_files": self.log.wrong_files,
            "derived_repaired": self.log.repaired,
            "never_acknowledged_tail": self.log.tear.is_some(),
            "sealed_files": self.sealed,
            "sealed_bytes": self.sealed_bytes,
            "sealed_files_wrong": self.wrong,
            "records_unread": self.records_unread,
        })
    }

    /// In plain words.
    ///
    /// # Errors
    /// When the output is gone.
    pub fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        let log = &self.log;
        writeln!(out, "log      {} entries intact under {} signed checkpoints", log.entries, log.checkpoints)?;
        if let Some((index, why)) = &log.first_bad {
            writeln!(out, "DAMAGED  from entry {index} on: {why}")?;
            writeln!(out, "         restore custody/journal from a backup; nothing was changed here")?;
            return Ok(());
        }
        if log.tear.is_some() {
            writeln!(out, "tail     a batch that was never acknowledged; the next start of the node cuts it")?;
        }
        match (log.wrong_files_count, log.repaired) {
            (0, _) => writeln!(out, "derived  tiles, bundles and offsets are what the journal gives")?,
            (count, true) => writeln!(out, "derived  {count} files were wrong and were made again")?,
            (count, false) => {
                writeln!(out, "DERIVED  {count} files are wrong; make them again with --repair:")?;
                log.wrong_files.iter().try_for_each(|path| writeln!(out, "         {path}"))?;
            }
        }
        let sound = self.sealed - u64::try_from(self.wrong.len()).unwrap_or(u64::MAX).min(self.sealed);
        writeln!(out, "sealed   {sound} of {} sealed files are what the log says", self.sealed)?;
        self.wrong.iter().try_for_each(|what| writeln!(out, "DAMAGED  {what}"))?;
        self.records_unread.iter().try_for_each(|what| writeln!(out, "UNREAD   {what}"))?;
        writeln!(out, "{}", if self.is_sound() { "Everything is sound." } else { "NOT SOUND: see above." })
    }
}

/// Why the check could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log's key.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The log.
    #[error(transparent)]
    Log(#[from] FsckError),
    /// Reading the log.
    #[error(transparent)]
    Open(#[from] ReadOpenError),
    /// Reading an entry.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The authority makes no log name.
    #[error("the authority's identifier makes no log name")]
    Origin,
}
