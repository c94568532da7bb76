//! The offline verifier: looks at what a path is and runs the checks that belong to it. Reads, never writes, asks nobody,
//! and counts nothing as passed that it did not look at.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::bag::acts::{self, Judge};
use crate::bag::compare::{self, Facts};
use crate::bag::folder::{Folder, FolderError, Progress};
use crate::bag::layout::{self, BAGIT, DATA};
use crate::bag::rotations::Logs;
use crate::bag::story::Judged;
use crate::bag::verdict::{Findings, Verdict};
use crate::bag::{container, cosigned, custody, growth, log, single, stamps, story, trust, unpack};
use crate::custody::note::VerifierKey;
use crate::custody::policy::Policy;
use crate::exchange::keeper::Fingerprint;
use crate::model::limits::READ_BYTES;
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
    /// CA certificates (DER) that the user trusts for time-stamps.
    pub time_stamp_anchors: Vec<Vec<u8>>,
    /// Which logs and witnesses the user trusts, and how many of these must have cosigned.
    pub policy: Option<Policy>,
    /// The later checkpoint of a `.consistency`, if it does not stand beside it.
    pub checkpoint: Option<PathBuf>,
}

/// Verifies a bag (a folder or a tar archive), a log folder, a `.tlog-proof`, a `.consistency` or a `.receipt`.
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
            return Ok(bag(Bag::Folder(path), given, now, progress)?.0.verdict("bag"));
        }
        let inner = path.join("custody");
        return match (is_log(path), is_log(&inner)) {
            (true, _) => Ok(log::check(path, given, progress)),
            (false, true) => Ok(log::check(&inner, given, progress)),
            (false, false) => Err(VerifyError::Kind(path.to_owned())),
        };
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("tlog-proof") => Ok(single::proof(path, given)),
        Some("consistency") => Ok(growth::check(path, given)),
        Some("receipt") => Ok(single::receipt(path, given)),
        Some("tar") => Ok(bag(Bag::File(path), given, now, progress)?.0.verdict("bag")),
        _ => Err(VerifyError::Kind(path.to_owned())),
    }
}

/// Verifies a bag in an archive that comes down a pipe, in one pass.
///
/// # Errors
/// None today; what is wrong with the archive is part of the verdict.
pub fn verify_stream(
    input: &mut dyn Read,
    given: &Given,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verdict, VerifyError> {
    Ok(bag(Bag::Pipe(input), given, now, progress)?.0.verdict("bag"))
}

/// Verifies two bags, folders or archives, each for itself, and compares them.
///
/// # Errors
/// [`VerifyError`] when one of them is no bag or cannot be read at all.
pub fn verify_both(
    paths: [&Path; 2],
    given: &Given,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verdict, VerifyError> {
    let mut findings = Findings::default();
    let mut sides = Vec::new();
    for (name, path) in ["first", "second"].into_iter().zip(paths) {
        let source = match std::fs::metadata(path) {
            Ok(facts) if facts.is_dir() => Bag::Folder(path),
            Ok(_) => Bag::File(path),
            Err(error) => return Err(VerifyError::Path { path: path.to_owned(), error }),
        };
        let (found, facts) = bag(source, given, now, progress)?;
        findings.absorb(name, found);
        sides.extend(facts);
    }
    match sides.as_slice() {
        [first, second] => compare::check(first, second, &mut findings),
        _ => findings.failed("The two bags are of one exchange", None, "one of them names no message that can be read"),
    }
    Ok(findings.verdict("two bags"))
}

/// In what form a bag comes.
enum Bag<'a> {
    Folder(&'a Path),
    File(&'a Path),
    Pipe(&'a mut dyn Read),
}

fn bag(
    source: Bag<'_>,
    given: &Given,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Findings, Option<Facts>), VerifyError> {
    let mut findings = Findings::default();
    let read = match source {
        Bag::Folder(path) => Ok(Folder::list(path)?),
        Bag::Pipe(input) => unpack::read(input, None, progress),
        Bag::File(path) => {
            let broken = |error| VerifyError::Path { path: path.to_owned(), error };
            let file = File::open(path).map_err(broken)?;
            let total = file.metadata().map_err(broken)?.len();
            unpack::read(&mut BufReader::with_capacity(READ_BYTES, file), Some(total), progress)
        }
    };
    match read {
        Ok(folder) => {
            let facts = check_bag(&folder, given, now, &mut findings, progress);
            Ok((findings, facts))
        }
        Err(error) => {
            findings.failed("The archive can be read to its end", None, error);
            Ok((findings, None))
        }
    }
}

fn check_bag(
    folder: &Folder,
    given: &Given,
    now: Timestamp,
    findings: &mut Findings,
    progress: &mut dyn FnMut(Progress),
) -> Option<Facts> {
    let payload = container::check(folder, findings, progress);
    let accepted = trust::check(folder, given.trusted_root, now, findings);
    let roster = accepted.as_ref().map(|accepted| accepted.roster());
    let found = acts::check(folder, Judge { roster, now }, &payload, findings);
    if given.trusted_root.is_none() {
        findings.tell("All of this rests on the directory that came with the bag; nobody has vouched for it yet.");
    }
    let mut facts = None;
    if let Some(acts) = found {
        let message = &acts.main.message;
        for id in [&message.sender.authority, &message.recipient] {
            if let Some(authority) = roster.and_then(|roster| roster.authority(id)) {
                trust::check_extracts(folder, authority, findings);
            }
        }
        if accepted.as_ref().is_some_and(|accepted| accepted.digest() != message.directory) {
            findings.limit("The message was written under another version of the directory than the one in the bag.");
        }
        let logs = Logs::of(folder, roster, findings);
        let (proven, history) = custody::check(folder, (roster, &logs), &acts, findings);
        if let Some(roster) = roster {
            cosigned::check(roster, &given.log_keys, &history, &proven, findings);
        }
        stamps::check(folder, (roster, &logs), &given.time_stamp_anchors, &proven, &history, findings);
        let judged = if roster.is_some() { Judged::ByDirectory } else { Judged::ByNobody };
        let exporter = story::tell(folder, &acts, &proven, judged, findings);
        let checkpoints = history.seen.iter().map(|seen| (seen.file.clone(), seen.signed.checkpoint().clone()));
        let under =
            proven.iter().map(|one| (layout::record(one.checkpoint.origin(), one.index), one.checkpoint.clone()));
        let checkpoints = checkpoints.chain(under).collect();
        facts = Some(Facts { acts, proven, checkpoints, payload, exporter });
    }
    let unknown: Vec<&str> = folder.paths().filter(|path| !findings.has_seen(path)).collect();
    for path in unknown {
        let why = "no check of this program knows the file; nothing is said about it but what a manifest says";
        findings.not_checked("Every file in the bag was looked at", Some(path), why);
    }
    facts
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
        "{} is no bag (a folder with bagit.txt, or a .tar of one), no log (a folder with checkpoint and tile/), no .tlog-proof and no .receipt",
        .0.display()
    )]
    Kind(PathBuf),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
}
