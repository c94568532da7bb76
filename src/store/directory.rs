//! The directory on disk: the keepers' folder or single file, and the version that a node accepted. Refuses to replace
//! an accepted version by an older or an expired one, and reads nothing beyond the limits.
//!
//! ```text
//!  <data>/directory/trusted-root                        the fingerprint that the operator confirmed, once
//!  <data>/directory/versions/R-T.rogatory-directory     every accepted state: newest root R, timestamp T
//!  <data>/directory/registries/SHA256.json              each registry of treaty actions, once; the states name it
//!  <data>/directory/current.rogatory-directory          the one in force; a rename brings it in
//! ```
//!
//! The order of an import: pin, registry, copy under `versions/`, `current`. A crash leaves the former state in force at each
//! step, and the same import run again completes it. What is read back is verified again from the pin on: a disk that
//! was changed behind the node's back gives an error, not another roster.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::exchange::directory::{Accepted, DirectoryError, accept, verify};
use crate::exchange::keeper::{Fingerprint, HexError};
use crate::exchange::metadata::TargetFile;
use crate::exchange::reading::Reading;
use crate::exchange::registry::{NotGrown, difference};
use crate::exchange::repository::{FileName, Files, RepositoryError, SINGLE_FILE_BYTES_MAX};
use crate::law::registry::{Registry, RegistryError};
use crate::model::limits::{DIRECTORY_ROOTS_MAX, REGISTRY_BYTES_MAX};
use crate::model::time::Timestamp;
use crate::store::files::{create_dir_durably, read_if_there, replace_durably};
use crate::store::lock::{DirLock, LockError};

/// How a single file is named, after the dot.
pub const SINGLE_FILE_EXTENSION: &str = "rogatory-directory";

/// Reads a directory from a folder or a single file.
pub fn read(path: &Path) -> Result<Files, DirectoryFileError> {
    if path.is_dir() { read_folder(path) } else { read_single_file(path) }
}

/// Writes a directory where it was read from: to a single file if `path` is a file or is named like one, else to a
/// folder, in which only the files that changed are written.
pub fn write(path: &Path, files: &Files) -> Result<(), DirectoryFileError> {
    let named_like_a_file = path.extension().is_some_and(|extension| extension == SINGLE_FILE_EXTENSION);
    let io = |path: &Path| io_error(path.to_owned());
    if path.is_file() || (named_like_a_file && !path.is_dir()) {
        return replace_durably(path, &files.to_single_file()).map_err(io(path));
    }
    for folder in ["metadata", "targets"].map(|name| path.join(name)) {
        create_dir_durably(&folder).map_err(io(&folder))?;
    }
    for (name, bytes) in files.iter() {
        let file = path.join(name.to_string());
        let before = read_if_there(&file).map_err(io(&file))?;
        if before.as_deref() != Some(bytes) {
            replace_durably(&file, bytes).map_err(io(&file))?;
        }
    }
    Ok(())
}

/// The directory that a node accepted.
#[derive(Debug, Clone)]
pub struct NodeDirectory {
    dir: PathBuf,
}

/// Which keepers an import may trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those whose root the operator confirmed before.
    Confirmed,
    /// Those of the root with this fingerprint, which the operator got from them on another way.
    Root(Fingerprint),
    /// Those of the first root in the files, whoever they are: only for the first import.
    FirstRoot,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The node had none.
    First,
    /// The node had an older one.
    Newer,
    /// The node had this one already.
    Unchanged,
}

impl NodeDirectory {
    /// The directory of the node with that data directory.
    pub fn of(data: &Path) -> Self {
        Self { dir: data.join("directory") }
    }

    /// The fingerprint that the operator confirmed.
    pub fn trusted_root(&self) -> Result<Option<Fingerprint>, DirectoryFileError> {
        let path = self.dir.join("trusted-root");
        let Some(bytes) = read_if_there(&path).map_err(io_error(path.clone()))? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        text.trim_end().parse().map(Some).map_err(|error| DirectoryFileError::Pin { path, error })
    }

    /// The accepted directory, which may have expired since; `None` before the first import.
    pub fn current(&self) -> Result<Option<Accepted>, DirectoryFileError> {
        let path = self.current_path();
        if !path.try_exists().map_err(io_error(path.clone()))? {
            return Ok(None);
        }
        let trusted_root = self.trusted_root()?.ok_or_else(|| DirectoryFileError::NoPin(self.dir.clone()))?;
        let files = read_single_file(&path)?;
        verify(trusted_root, &files).map(Some).map_err(|error| DirectoryFileError::Damaged { path, error })
    }

    /// The exact files of the accepted directory, the registry aside: [`NodeDirectory::registry`] has it.
    pub fn current_files(&self) -> Result<Option<Files>, DirectoryFileError> {
        match self.current()? {
            Some(_) => read_single_file(&self.current_path()).map(Some),
            None => Ok(None),
        }
    }

    /// The registry that goes with an accepted directory, as exact bytes.
    pub fn registry(&self, accepted: &Accepted) -> Result<Option<Vec<u8>>, DirectoryFileError> {
        let Some(named) = accepted.registry() else { return Ok(None) };
        let path = self.registry_path(named);
        match read_bounded(&path, REGISTRY_BYTES_MAX)? {
            Some(bytes) if TargetFile::of(&bytes) == *named => Ok(Some(bytes)),
            _ => Err(DirectoryFileError::RegistryDamaged(path)),
        }
    }

    /// Verifies the files and puts them in force. Whatever fails, the former directory stays in force.
    pub fn import(
        &self,
        files: &Files,
        trust: Trust,
        now: Timestamp,
    ) -> Result<(Accepted, Outcome), DirectoryFileError> {
        let versions = self.dir.join("versions");
        create_dir_durably(&versions).map_err(io_error(versions.clone()))?;
        // Two imports at once could each find the other's version missing, and the older one come in last.
        let _lock = DirLock::exclusive(&self.dir)?;
        let held = self.current()?;
        let trusted_root = self.choose_root(files, trust, held.as_ref())?;
        let accepted = accept(held.as_ref(), trusted_root, files, now)?;
        let registry = self.registry_to_keep(files, held.as_ref(), &accepted)?;
        if held.as_ref().is_some_and(|held| held.says_the_same(&accepted)) && registry.is_none() {
            return Ok((accepted, Outcome::Unchanged));
        }
        let bytes = files.without_registry().to_single_file();
        let (root, timestamp) = accepted.state();
        let pin = format!("{trusted_root}\n").into_bytes();
        let version = versions.join(format!("{root}-{timestamp}.{SINGLE_FILE_EXTENSION}"));
        let mut due = vec![(self.dir.join("trusted-root"), pin.as_slice())];
        if let Some((path, bytes)) = registry {
            create_dir_durably(&self.registries()).map_err(io_error(self.registries()))?;
            due.push((path, bytes));
        }
        due.extend([(version, bytes.as_slice()), (self.current_path(), bytes.as_slice())]);
        for (path, bytes) in due {
            replace_durably(&path, bytes).map_err(io_error(path))?;
        }
        Ok((accepted, if held.is_some() { Outcome::Newer } else { Outcome::First }))
    }

    fn current_path(&self) -> PathBuf {
        self.dir.join("current").with_extension(SINGLE_FILE_EXTENSION)
    }

    fn registries(&self) -> PathBuf {
        self.dir.join("registries")
    }

    fn registry_path(&self, named: &TargetFile) -> PathBuf {
        self.registries().join(format!("{}.json", named.sha256()))
    }

    /// The registry that the node does not hold yet, found to begin with all rows of the one before.
    fn registry_to_keep<'a>(
        &self,
        files: &'a Files,
        held: Option<&Accepted>,
        accepted: &Accepted,
    ) -> Result<Option<(PathBuf, &'a [u8])>, DirectoryFileError> {
        let before = held.and_then(Accepted::registry);
        let Some(named) = accepted.registry() else {
            return if before.is_some() { Err(DirectoryFileError::RegistryGone) } else { Ok(None) };
        };
        let path = self.registry_path(named);
        if before == Some(named) && held.is_some_and(|held| self.registry(held).is_ok()) {
            return Ok(None);
        }
        let bytes = files.file(FileName::Registry).ok_or(DirectoryFileError::RegistryAway)?;
        let new = Registry::parse(bytes)?;
        if let Some(held) = held.filter(|_| before.is_some_and(|before| before != named)) {
            let old = self.registry(held)?.unwrap_or_default();
            difference(&Registry::parse(&old)?, &new)?;
        }
        Ok(Some((path, bytes)))
    }

    /// The pin of a node with an accepted directory never changes by an import: whoever talks an operator into another
    /// root would otherwise replace everybody at once.
    fn choose_root(
        &self,
        files: &Files,
        trust: Trust,
        held: Option<&Accepted>,
    ) -> Result<Fingerprint, DirectoryFileError> {
        let pinned = self.trusted_root()?;
        match (trust, pinned, held) {
            (Trust::Root(offered), Some(pinned), Some(_)) if offered != pinned => {
                Err(DirectoryFileError::OtherPin { dir: self.dir.clone(), pinned })
            }
            (Trust::Root(offered), _, _) => Ok(offered),
            (Trust::Confirmed, Some(pinned), _) | (Trust::FirstRoot, Some(pinned), Some(_)) => Ok(pinned),
            (Trust::Confirmed, None, _) => {
                let found = first_root(files)?;
                Err(DirectoryFileError::NotConfirmed(found))
            }
            (Trust::FirstRoot, _, _) => first_root(files),
        }
    }
}

fn first_root(files: &Files) -> Result<Fingerprint, DirectoryFileError> {
    let reading = Reading::of(files).map_err(DirectoryError::from)?;
    let first = reading.roots().next().map_or_else(|| reading.root().digest(), |root| root.digest());
    Ok(Fingerprint::from(first))
}

fn read_folder(path: &Path) -> Result<Files, DirectoryFileError> {
    let mut files = Files::new();
    for name in [FileName::Timestamp, FileName::Snapshot, FileName::Targets, FileName::Listing, FileName::Registry] {
        let file = path.join(name.to_string());
        if let Some(bytes) = read_bounded(&file, name.bytes_max())? {
            files.put(name, bytes)?;
        }
    }
    let metadata = path.join("metadata");
    if !metadata.is_dir() {
        return Err(DirectoryFileError::NotThere(path.to_owned()));
    }
    let mut roots = 0;
    for entry in fs::read_dir(&metadata).map_err(io_error(metadata.clone()))? {
        let entry = entry.map_err(io_error(metadata.clone()))?;
        // Other files (a README, an editor's back-up) are nobody's business here.
        let name = format!("metadata/{}", entry.file_name().to_string_lossy());
        let Ok(name @ FileName::Root(_)) = name.parse::<FileName>() else { continue };
        roots += 1;
        if roots > DIRECTORY_ROOTS_MAX {
            return Err(RepositoryError::TooManyRoots.into());
        }
        if let Some(bytes) = read_bounded(&entry.path(), name.bytes_max())? {
            files.put(name, bytes)?;
        }
    }
    Ok(files)
}

fn read_single_file(path: &Path) -> Result<Files, DirectoryFileError> {
    match read_bounded(path, SINGLE_FILE_BYTES_MAX)? {
        Some(bytes) => Ok(Files::from_single_file(&bytes)?),
        None => Err(DirectoryFileError::NotThere(path.to_owned())),
    }
}

fn read_bounded(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>, DirectoryFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path.to_owned())(error)),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(io_error(path.to_owned()))?;
    if bytes.len() > bytes_max {
        return Err(DirectoryFileError::TooLarge { path: path.to_owned(), bytes_max });
    }
    Ok(Some(bytes))
}

fn io_error(path: PathBuf) -> impl FnOnce(io::Error) -> DirectoryFileError {
    move |source| DirectoryFileError::Io { path, source }
}

/// Why a directory was not read, written or imported.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryFileError {
    /// Nothing is there.
    #[error("{} is not there; name a directory's folder or its .{SINGLE_FILE_EXTENSION} file", .0.display())]
    NotThere(PathBuf),
    /// Beyond the limit.
    #[error("{} is larger than {bytes_max} bytes; it is no file of a directory", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its limit.
        bytes_max: usize,
    },
    /// The files are no directory's.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The directory is not acceptable.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Another import runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Nobody confirmed whom to trust.
    #[error(
        "this node trusts no keepers yet; compare the fingerprint {0} of the first root with the one that the keepers \
         published, then import again with --trust-root {0}"
    )]
    NotConfirmed(Fingerprint),
    /// Others are trusted.
    #[error(
        "this node trusts the root {pinned}; an import cannot change that. To change to other keepers, move {} away, \
         then import with --trust-root", dir.display()
    )]
    OtherPin {
        /// Where the node keeps its directory.
        dir: PathBuf,
        /// The root it trusts.
        pinned: Fingerprint,
    },
    /// The file with the trusted fingerprint is malformed.
    #[error("{}: {error}; write the confirmed fingerprint into it again", path.display())]
    Pin {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: HexError,
    },
    /// The file with the trusted fingerprint is gone.
    #[error("{} holds a directory but no `trusted-root`; restore that file from a back-up", .0.display())]
    NoPin(PathBuf),
    /// What was accepted does not verify any more.
    #[error(
        "{} was changed or damaged since it was accepted ({error}); copy the newest file of `versions/` over it",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: DirectoryError,
    },
    /// The registry is not among the files, and not held either.
    #[error(
        "the directory names a registry (targets/registry.json) that is not among these files and that this node does \
         not hold; ask the keepers for the directory with its registry"
    )]
    RegistryAway,
    /// A directory without a registry after one with it.
    #[error(
        "this directory has no registry, and the one in force has one; rows are never taken back, ask the keepers for \
         a directory with the registry"
    )]
    RegistryGone,
    /// The registry is malformed.
    #[error("targets/registry.json: {0}")]
    Registry(#[from] RegistryError),
    /// The registry takes something back.
    #[error(transparent)]
    NotGrown(#[from] NotGrown),
    /// What was accepted is not there any more.
    #[error(
        "{} is gone or was changed since it was accepted; import the directory with its registry again, or restore the \
         file from a back-up", .0.display()
    )]
    RegistryDamaged(PathBuf),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
