//! Puts a chain of volumes back into an empty directory, and holds every file against its digest. Refuses paths that lead
//! elsewhere, volumes out of order, and a directory that holds something.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use crate::crypto::hybrid::HybridSecretKey;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::BACKUP_FILES_MAX;
use crate::model::time::Timestamp;
use crate::store::backup;
use crate::store::files::sync_dir;
use crate::store::volume::{FileState, Head, Item, VolumeError, VolumeReader, read_head};

/// What a chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Whose node it is of.
    pub authority: AuthorityId,
    /// How many volumes.
    pub volumes: u32,
    /// When the last one was made.
    pub made_at: Timestamp,
    /// Every file of the state.
    pub files: BTreeMap<String, FileState>,
    /// Entries of the log.
    pub log_size: u64,
    /// Their root.
    pub log_root: Digest,
}

/// The volumes of a chain: the one file, or all below the directory, in their order.
///
/// # Errors
/// [`UnpackError`] when one is missing, or they are of two chains.
pub fn volumes(from: &Path) -> Result<Vec<(PathBuf, Head, Digest)>, UnpackError> {
    let mut paths = Vec::new();
    if from.is_dir() {
        for entry in fs::read_dir(from).map_err(io_at(from))? {
            let path = entry.map_err(io_at(from))?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                paths.push(path);
            }
        }
    } else {
        paths.push(from.to_owned());
    }
    let mut found = Vec::new();
    for path in paths {
        let mut file = File::open(&path).map_err(io_at(&path))?;
        let (head, digest) =
            read_head(&mut file).map_err(|source| UnpackError::Volume { path: path.clone(), source })?;
        found.push((path, head, digest));
    }
    found.sort_by_key(|(_, head, _)| head.number);
    let mut before: Option<(&Head, Digest)> = None;
    for (path, head, digest) in &found {
        let fits = match before {
            None => head.number == 1,
            Some((last, last_digest)) => {
                head.chain == last.chain && head.number == last.number + 1 && head.previous == Some(last_digest)
            }
        };
        if !fits {
            return Err(UnpackError::Order(path.clone()));
        }
        before = Some((head, *digest));
    }
    if found.is_empty() { Err(UnpackError::None(from.to_owned())) } else { Ok(found) }
}

/// The ending of a volume's name.
pub const ENDING: &str = "backup";

/// Reads a whole chain. With a directory, everything is put there; without, it is only read.
///
/// # Errors
/// [`UnpackError`] names the volume or the file.
pub fn unpack(from: &Path, key: &HybridSecretKey, to: Option<&Path>) -> Result<Contents, UnpackError> {
    let volumes = volumes(from)?;
    let mut contents = None;
    let count = u32::try_from(volumes.len()).unwrap_or(u32::MAX);
    for (path, _, digest) in &volumes {
        let wrong = |source| UnpackError::Volume { path: path.clone(), source };
        let mut file = File::open(path).map_err(io_at(path))?;
        let volume = VolumeReader::open(&mut file, key).map_err(wrong)?;
        if volume.digest != *digest {
            return Err(UnpackError::Order(path.clone()));
        }
        contents = Some(one(volume, path, to, count)?);
    }
    let contents = contents.ok_or_else(|| UnpackError::None(from.to_owned()))?;
    if let Some(to) = to {
        settle(to, &contents.files)?;
    }
    Ok(contents)
}

fn one(mut volume: VolumeReader<'_>, path: &Path, to: Option<&Path>, volumes: u32) -> Result<Contents, UnpackError> {
    let wrong = |source| UnpackError::Volume { path: path.to_owned(), source };
    let mut files = BTreeMap::new();
    let (log_size, log_root) = loop {
        match volume.item().map_err(wrong)? {
            Item::Head(_) => return Err(wrong(VolumeError::Damaged("it has two heads"))),
            Item::Data { path: name, from, bytes } => {
                let inner = inside(&name).ok_or_else(|| UnpackError::Path(name.clone()))?;
                match to {
                    None => volume.copy(bytes, &mut io::sink()).map_err(wrong)?,
                    Some(to) => {
                        let mut file = place(to, &inner, from)?;
                        volume.copy(bytes, &mut file).map_err(wrong)?;
                        file.flush().map_err(io_at(&inner))?;
                    }
                }
            }
            Item::File(state) => {
                if files.len() >= BACKUP_FILES_MAX || inside(&state.path).is_none() || state.bytes > state.length {
                    return Err(UnpackError::Path(state.path));
                }
                files.insert(state.path.clone(), state);
            }
            Item::End { files: counted, log_size, log_root } => {
                if counted != files.len() as u64 {
                    return Err(wrong(VolumeError::Damaged("its list of files is not whole")));
                }
                break (log_size, log_root);
            }
        }
    };
    let (authority, made_at) = (volume.head.authority.clone(), volume.head.made_at);
    volume.end().map_err(wrong)?;
    Ok(Contents { authority, volumes, made_at, files, log_size, log_root })
}

/// A path below the data directory: plain names, of the parts that a data directory has. Attack: a forged volume writes elsewhere.
fn inside(path: &str) -> Option<PathBuf> {
    const TOPS: [&str; 9] = [
        "config.toml",
        "directory-entry.json",
        "holds.json",
        "version",
        "keys",
        "directory",
        "custody",
        "witness",
        "vault",
    ];
    let parsed = Path::new(path);
    let plain = parsed.components().all(|part| matches!(part, Component::Normal(_)));
    let known = parsed.components().next().is_some_and(|top| TOPS.iter().any(|name| top.as_os_str() == *name));
    let same = parsed.components().collect::<PathBuf>().as_os_str() == parsed.as_os_str();
    (plain && known && same && path.len() <= 512).then(|| parsed.to_owned())
}

fn place(to: &Path, inner: &Path, from: u64) -> Result<File, UnpackError> {
    let path = to.join(inner);
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(io_at(parent))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(from == 0).mode(0o600);
    let mut file = options.open(&path).map_err(io_at(&path))?;
    if file.metadata().map_err(io_at(&path))?.len() < from {
        return Err(UnpackError::Gap(path));
    }
    file.set_len(from).and_then(|()| file.seek(SeekFrom::Start(from))).map_err(io_at(&path))?;
    Ok(file)
}

/// Lengths, digests, and nothing beside what the state has; all of it durable.
fn settle(to: &Path, files: &BTreeMap<String, FileState>) -> Result<(), UnpackError> {
    for state in files.values() {
        let path = to.join(&state.path);
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(io_at(&path))?;
        let length = file.metadata().map_err(io_at(&path))?.len();
        let found = if length == state.bytes { backup::digest(&mut file, 0, state.bytes, None).ok() } else { None };
        if found.map(|(digest, _)| digest) != Some(state.sha256) {
            return Err(UnpackError::Differs(path));
        }
        file.set_len(state.length).and_then(|()| file.sync_all()).map_err(io_at(&path))?;
    }
    tidy(to, Path::new(""), files)
}

/// Removes files of earlier volumes that the last state has not, and makes all directories durable.
fn tidy(root: &Path, inner: &Path, files: &BTreeMap<String, FileState>) -> Result<(), UnpackError> {
    let dir = root.join(inner);
    for entry in fs::read_dir(&dir).map_err(io_at(&dir))? {
        let entry = entry.map_err(io_at(&dir))?;
        let path = inner.join(entry.file_name());
        if entry.file_type().map_err(io_at(&dir))?.is_dir() {
            tidy(root, &path, files)?;
        } else if !path.to_str().is_some_and(|text| files.contains_key(text)) {
            fs::remove_file(entry.path()).map_err(io_at(&dir))?;
        }
    }
    sync_dir(&dir).map_err(io_at(&dir))
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> UnpackError + use<> {
    let path = path.to_owned();
    move |source| UnpackError::Io { path: path.clone(), source }
}

/// Why nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A file.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A volume.
    #[error("{}: {source}", path.display())]
    Volume {
        /// The volume.
        path: PathBuf,
        /// Why.
        source: VolumeError,
    },
    /// No volume.
    #[error("{} holds no volume of a backup", .0.display())]
    None(PathBuf),
    /// One is missing or foreign.
    #[error("{}: a volume before it is missing, or it belongs to another chain", .0.display())]
    Order(PathBuf),
    /// A path that no data directory has.
    #[error("the backup names `{0}`, which no data directory has; nobody should put it back")]
    Path(String),
    /// A volume goes on where nothing is.
    #[error("{}: the volume goes on behind the end of what the earlier ones hold", .0.display())]
    Gap(PathBuf),
    /// A file is not what was backed up.
    #[error("{}: not what was backed up; take another copy of the volumes", .0.display())]
    Differs(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_a_data_directory_are_put_back() {
        for good in ["config.toml", "keys/log.key.pem", "vault/019aa7b2-0000-7000-8000-000000000000/1.sealed"] {
            assert!(inside(good).is_some(), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "../x", "keys/../../x", "index/db", "keys//x", "./keys/x", "keys/", "custody/./x"]
        {
            assert!(inside(bad).is_none(), "{bad}");
        }
    }
}
