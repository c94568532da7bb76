//! The offline verifier: looks at what a path is and runs the checks that belong to it. Reads, never writes, asks nobody,
//! and counts nothing as passed that it did not look at.

use std::path::{Path, PathBuf};

use crate::bag::acts::{self, Judge};
use crate::bag::folder::{Folder, FolderError, Progress};
use crate::bag::layout::{BAGIT, DATA};
use crate::bag::verdict::{Findings, Verdict};
use crate::bag::{container, custody, log, single, story, trust};
use crate::custody::note::VerifierKey;
use crate::exchange::keeper::Fingerprint;
use crate::model::time::Timestamp;

/// What the verifier is given besides the path.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The root of the directory that the user trusts.
    pub trusted_root: Option<Fingerprint>,
    /// Keys of logs that the user trusts.
    pub log_keys: Vec<VerifierKey>,
    /// The record of a lone proof, if it does not stand beside it.
    pub record: Option<PathBuf>,
    /// The salt of that record.
    pub salt: Option<PathBuf>,
}

/// Verifies a bag, a log folder, a `.tlog-proof` or a `.receipt`.
///
/// # Errors
/// [`VerifyError`] when the path is none of them or cannot be read at all.
pub fn verify(
    path: &Path,
    given: &Given,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verdict, VerifyError> {
    let facts = std::fs::metadata(path).map_err(|error| VerifyError::Path { path: path.to_owned(), error })?;
    if facts.is_dir() {
        let is_log = |folder: &Path| folder.join("checkpoint").is_file();
        if path.join(BAGIT).exists() || path.join(DATA).is_dir() {
            return bag(path, given, now, progress);
        }
        let inner = path.join("custody");
        return match (is_log(path), is_log(&inner)) {
            (true, _) => Ok(log::check(path, &given.log_keys, progress)),
            (false, true) => Ok(log::check(&inner, &given.log_keys, progress)),
            (false, false) => Err(VerifyError::Kind(path.to_owned())),
        };
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("tlog-proof") => Ok(single::proof(path, given)),
        Some("receipt") => Ok(single::receipt(path, given)),
        _ => Err(VerifyError::Kind(path.to_owned())),
    }
}

fn bag(path: &Path, given: &Given, now: Timestamp, progress: &mut dyn FnMut(Progress)) -> Result<Verdict, VerifyError> {
    let folder = Folder::list(path)?;
    let mut findings = Findings::default();
    let payload = container::check(&folder, &mut findings, progress);
    let accepted = trust::check(&folder, given.trusted_root, now, &mut findings);
    let roster = accepted.as_ref().map(|accepted| accepted.roster());
    let found = acts::check(&folder, Judge { roster, now }, &payload, &mut findings);
    if given.trusted_root.is_none() {
        findings.tell("All of this rests on the directory that came with the bag; nobody has vouched for it yet.");
    }
    if let Some(acts) = &found {
        let message = &acts.main.message;
        for id in [&message.sender.authority, &message.recipient] {
            if let Some(authority) = roster.and_then(|roster| roster.authority(id)) {
                trust::check_extracts(&folder, authority, &mut findings);
            }
        }
        if accepted.as_ref().is_some_and(|accepted| accepted.digest() != message.directory) {
            findings.limit("The message was written under another version of the directory than the one in the bag.");
        }
        let proven = custody::check(&folder, roster, acts, &mut findings);
        story::tell(&folder, acts, &proven, &mut findings);
    }
    let unknown: Vec<&str> = folder.paths().filter(|path| !findings.has_seen(path)).collect();
    for path in unknown {
        let why = "no check of this program knows the file; nothing is said about it but what a manifest says";
        findings.not_checked("Every file in the bag was looked at", Some(path), why);
    }
    Ok(findings.verdict("bag"))
}

/// Why nothing was verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not there, or not readable.
    #[error("{}: {error}", path.display())]
    Path {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// None of the things that can be verified.
    #[error(
        "{} is no bag (a folder with bagit.txt), no log (a folder with checkpoint and tile/), no .tlog-proof and no .receipt",
        .0.display()
    )]
    Kind(PathBuf),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
}
