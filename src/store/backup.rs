//! What a backup holds of a data directory: one cut through the log, and all that is primary. Reads beside a running node; what
//! is only derived, and what is still arriving, stays out.
//!
//! The cut comes first: entries up to a durable checkpoint. Whatever these entries name is on disk already, so the files that are
//! read after it hold at least that. The caller sees to it that nothing is erased, destroyed or rotated meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::crypto::digest::Sha256;
use crate::model::ident::Digest;
use crate::store::frame::Frame;
use crate::store::reader::Reader;
use crate::store::segment::{self, Access, JournalError, SEGMENT_HEADER_BYTES, Segment, Step};
use crate::store::volume::{FileState, Item, VolumeError, VolumeWriter};

/// Single files of the data directory that are primary.
const FILES: [&str; 6] =
    ["config.toml", "directory-entry.json", "holds.json", "version", "custody/policy", "custody/origin"];
/// Directories that are primary with all below them.
const DIRECTORIES: [&str; 6] =
    ["keys", "directory", "custody/rotations", "custody/restarts", "custody/cosigned", "witness"];
const BLOCK_BYTES: usize = 1024 * 1024;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Every file of the state, by its path.
    pub files: BTreeMap<String, FileState>,
    /// Entries of the log.
    pub log_size: u64,
    /// Bytes of files that went into this volume.
    pub bytes: u64,
}

/// Writes what changed since `known` into the volume, and the state of everything.
///
/// # Errors
/// [`BackupError`]; the volume is worth nothing then.
pub fn write(
    root: &Path,
    reader: &Reader,
    known: &BTreeMap<String, FileState>,
    volume: &mut VolumeWriter<'_>,
) -> Result<Written, BackupError> {
    let checkpoint = reader.checkpoint().ok_or(BackupError::Empty)?;
    let (log_size, log_root) = (checkpoint.checkpoint().size(), checkpoint.checkpoint().root());
    let mut written = Written { files: BTreeMap::new(), log_size, bytes: 0 };
    let segments = reader.journal().segments();
    for (number, first) in segments.iter().enumerate().filter(|(_, first)| **first <= log_size) {
        let path = format!("custody/journal/{}", segment::name(*first));
        let last = segments.get(number + 1).is_none_or(|next| *next > log_size);
        let old = known.get(&path);
        let file = root.join(&path);
        let changed_at = changed_at(&fs::metadata(&file).map_err(io_at(&file))?);
        let end = match old.filter(|old| !last && old.changed_at == changed_at) {
            Some(old) => old.bytes,
            None => end_of(reader.journal().dir(), *first, log_size)?,
        };
        one(root, path, Some(end), old, volume, &mut written)?;
    }
    for path in survey(root)? {
        let old = known.get(&path);
        one(root, path, None, old, volume, &mut written)?;
    }
    for file in written.files.values() {
        volume.item(&Item::File(file.clone()))?;
    }
    volume.item(&Item::End { files: written.files.len() as u64, log_size, log_root })?;
    Ok(written)
}

/// Where the log of `size` entries ends in that segment.
fn end_of(dir: &Path, first: u64, size: u64) -> Result<u64, BackupError> {
    let segment = Segment::open(dir, first, Access::ReadOnly)?;
    let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
    let mut end = frames.offset();
    loop {
        let closes = match frames.step().map_err(|error| segment.fault(error))? {
            Step::Frame { frame: Frame::Checkpoint { size: closed, .. }, .. } if closed <= size => true,
            Step::Frame { frame: Frame::Entry { index, .. } | Frame::Erased { index, .. }, .. } if index < size => {
                false
            }
            _ => return Ok(end),
        };
        if closes {
            end = frames.offset();
        }
    }
}

/// The paths of all that is primary but the journal, in order.
fn survey(root: &Path) -> Result<Vec<String>, BackupError> {
    let mut found: Vec<String> =
        FILES.iter().filter(|path| root.join(path).is_file()).map(|path| (*path).to_owned()).collect();
    for directory in DIRECTORIES {
        below(root, Path::new(directory), &|_| true, &mut found)?;
    }
    below(root, Path::new("vault"), &|path| path.extension().is_some_and(|ending| ending == "sealed"), &mut found)?;
    found.sort();
    Ok(found)
}

fn below(
    root: &Path,
    directory: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    found: &mut Vec<String>,
) -> Result<(), BackupError> {
    let dir = root.join(directory);
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io_at(&dir))?,
    };
    for entry in entries {
        let entry = entry.map_err(io_at(&dir))?;
        let path = directory.join(entry.file_name());
        let kind = entry.file_type().map_err(io_at(&dir))?;
        if kind.is_dir() {
            below(root, &path, wanted, found)?;
        } else if kind.is_file() && wanted(&path) && path.extension().is_none_or(|ending| ending != "tmp") {
            let text = path.to_str().ok_or_else(|| BackupError::Name(path.clone()))?;
            found.push(text.to_owned());
        }
    }
    Ok(())
}

/// One file: its new bytes into the volume, if it has any, and its state.
fn one(
    root: &Path,
    path: String,
    end: Option<u64>,
    old: Option<&FileState>,
    volume: &mut VolumeWriter<'_>,
    written: &mut Written,
) -> Result<(), BackupError> {
    let file_path = root.join(&path);
    let mut file = match File::open(&file_path) {
        // A file that was replaced or thinned out since it was listed; nothing that the log names goes like that.
        Err(error) if error.kind() == io::ErrorKind::NotFound && end.is_none() && !path.starts_with("vault/") => {
            return Ok(());
        }
        opened => opened.map_err(io_at(&file_path))?,
    };
    let about = file.metadata().map_err(io_at(&file_path))?;
    let (length, changed_at) = (about.len(), changed_at(&about));
    let bytes = end.unwrap_or(length).min(length);
    if let Some(old) = old.filter(|old| old.changed_at == changed_at && old.bytes == bytes && old.length == length) {
        written.files.insert(path, old.clone());
        return Ok(());
    }
    // What is only appended goes on where the volume before ended, if its beginning is still what it was.
    let kept = old.filter(|old| end.is_some() && old.bytes <= bytes && old.length == length);
    let kept = match kept {
        Some(old) if digest(&mut file, 0, old.bytes, None).map_err(io_at(&file_path))?.0 == old.sha256 => old.bytes,
        _ => 0,
    };
    let from = kept;
    volume.item(&Item::Data { path: path.clone(), from, bytes: bytes - from })?;
    let mut failed = None;
    let mut pass = |block: &[u8]| {
        if failed.is_none() {
            failed = volume.bytes(block).err();
        }
    };
    digest(&mut file, from, bytes - from, Some(&mut pass)).map_err(io_at(&file_path))?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (sha256, _) = digest(&mut file, 0, bytes, None).map_err(io_at(&file_path))?;
    written.bytes += bytes - from;
    written.files.insert(path.clone(), FileState { path, bytes, length, sha256, changed_at });
    Ok(())
}

/// The digest of a stretch of a file; each block is shown on the way. Exactly that many bytes, or an error: a file that is shorter
/// than it was must not pass.
pub fn digest(
    file: &mut File,
    from: u64,
    bytes: u64,
    mut show: Option<&mut dyn FnMut(&[u8])>,
) -> io::Result<(Digest, u64)> {
    file.seek(SeekFrom::Start(from))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    let mut left = bytes;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_BYTES);
        let part = block.get_mut(..want).unwrap_or_default();
        file.read_exact(part)?;
        hasher.update(part);
        if let Some(show) = &mut show {
            show(part);
        }
        left -= want as u64;
    }
    Ok((hasher.finish(), bytes))
}

fn changed_at(about: &fs::Metadata) -> i64 {
    about.mtime().saturating_mul(1_000_000_000).saturating_add(about.mtime_nsec())
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::Io { path: path.clone(), source }
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// A log that never was.
    #[error("the custody log has no checkpoint yet; start the node once")]
    Empty,
    /// A name that is no text.
    #[error("{}: a file with a name that is no text; nothing of this program", .0.display())]
    Name(PathBuf),
}
