//! The part of a full check that folds the log anew: whether the index gives the answers that the log gives, and whether the
//! evidence of each rotation of the log's keys is in the log. Writes into a folder of its own only, which it removes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::custody::note::VerifierKey;
use crate::daemon::fsck::{Findings, Mode};
use crate::daemon::home::Home;
use crate::daemon::registrar::{RegistrarError, catch_up};
use crate::exchange::rotation::Rotation;
use crate::store::index::{Index, IndexError, Opened};
use crate::store::lock::{DirLock, LockError};
use crate::store::reader::{ReadError, ReadOpenError, Reader};
use crate::store::rotations;

/// Named like an index that was set aside, so that an erasure removes what a killed check left of it.
const WORK: &str = "index.damaged-fsck";

/// What the index of a stopped node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// There is none; the next start makes one.
    NotThere,
    /// What the log gives.
    Same,
    /// Something else, or nothing that can be read.
    Other,
    /// Something else; it was made again.
    MadeAgain,
    /// It was not compared.
    NotAsked,
}

/// Compares both and adds to the findings what is wrong. `gone_over` are the records by which the log went over to another key.
pub(super) fn check(home: &Home, key: &VerifierKey, mode: Mode, gone_over: &[u64], findings: &mut Findings) {
    // A node that starts meanwhile would write into the index while it is copied.
    let lock = (mode == Mode::Check).then(|| DirLock::exclusive(home.root())).transpose();
    let judged = lock.map_err(CompareError::from).and_then(|_lock| {
        let reader = Reader::open_read_only(&home.custody(), key)?;
        rotations_in(home, &reader, gone_over, findings)?;
        index(home, &reader, mode)
    });
    match judged {
        Ok(answers) => findings.index = answers,
        Err(error) => findings.unchecked.push(format!("the index against the log: {error}")),
    }
}

/// Each file is of this log, and each record has its file: without it what the earlier key signed verifies no more.
fn rotations_in(home: &Home, reader: &Reader, gone_over: &[u64], findings: &mut Findings) -> Result<(), CompareError> {
    let mut held = Vec::new();
    for (name, text) in rotations::files(&home.custody())? {
        let judged = match Rotation::read(&text) {
            Err(error) => Err(error.to_string()),
            Ok(one) if one.end.to_string() != name => Err(format!("it ends at {}", one.end)),
            Ok(one) if one.end <= reader.size() && reader.root_at(one.end)? == one.root => Ok(one.end),
            Ok(_) => Err("the log does not hold what it says".to_owned()),
        };
        match judged {
            Ok(end) => held.push(end),
            Err(why) => findings.rotations_wrong.push(format!("custody/rotations/{name}: {why}")),
        }
    }
    findings.rotations = held.len();
    for index in gone_over.iter().filter(|index| !held.contains(&(*index + 1))) {
        let what = format!("custody/rotations/{}: missing, and record {index} speaks of it; restore it", index + 1);
        findings.rotations_wrong.push(what);
    }
    Ok(())
}

fn index(home: &Home, reader: &Reader, mode: Mode) -> Result<Answers, CompareError> {
    let dir = home.index();
    if !dir.join("db").exists() {
        return Ok(Answers::NotThere);
    }
    let work = Work::begin(home)?;
    let answers = compare(&dir, &work, reader)?;
    drop(work);
    if answers == Answers::Other && mode == Mode::Repair {
        let (again, _) = Index::open(&dir)?;
        again.empty()?;
        catch_up(&again, reader)?;
        again.flush()?;
        return Ok(Answers::MadeAgain);
    }
    Ok(answers)
}

fn compare(dir: &Path, work: &Work, reader: &Reader) -> Result<Answers, CompareError> {
    let copy = work.0.join("copy");
    copy_dir(dir, &copy)?;
    let (held, opened) = Index::open(&copy)?;
    if opened != Opened::Existing || held.applied_through()? > reader.size() {
        return Ok(Answers::Other);
    }
    // The last batches before a power loss may be missing from it: a start applies them.
    let held = match catch_up(&held, reader).and_then(|_| Ok(held.dump_digest()?)) {
        Ok(digest) => digest,
        Err(RegistrarError::Index(IndexError::Damaged) | RegistrarError::Row(_) | RegistrarError::Fold { .. }) => {
            return Ok(Answers::Other);
        }
        Err(error) => return Err(error.into()),
    };
    let (fresh, _) = Index::open(&work.0.join("fresh"))?;
    catch_up(&fresh, reader)?;
    Ok(if fresh.dump_digest()? == held { Answers::Same } else { Answers::Other })
}

/// A folder for the copy and the fresh fold; both hold what the log holds.
struct Work(PathBuf);

impl Work {
    fn begin(home: &Home) -> io::Result<Self> {
        let work = Self(home.root().join(WORK));
        work.remove()?;
        fs::create_dir(&work.0)?;
        Ok(work)
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(%error, "the folder of a check could not be removed; remove index.damaged-fsck");
        }
    }
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &to)?
        } else {
            fs::copy(entry.path(), to).map(drop)?
        }
    }
    Ok(())
}

/// Why it was not compared.
#[derive(Debug, thiserror::Error)]
enum CompareError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Open(#[from] ReadOpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    #[error("{0}")]
    Io(#[from] io::Error),
}
