//! The lock on a directory that keeps a second process out. Leaves no file behind and is gone when its holder dies.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held for as long as the value lives. The lock (flock) is on the directory itself: there is no lock file that a
/// crash could leave, and a read-only directory can be locked too.
#[derive(Debug)]
pub struct DirLock {
    _dir: File,
}

impl DirLock {
    /// For the one that writes. Refused while anyone else holds the directory.
    pub fn exclusive(dir: &Path) -> Result<Self, LockError> {
        let file = open(dir)?;
        let taken = file.try_lock();
        Self::taken(dir, file, taken)
    }

    /// For those that only read. Refused while a writer holds the directory.
    pub fn shared(dir: &Path) -> Result<Self, LockError> {
        let file = open(dir)?;
        let taken = file.try_lock_shared();
        Self::taken(dir, file, taken)
    }

    fn taken(dir: &Path, file: File, taken: Result<(), TryLockError>) -> Result<Self, LockError> {
        match taken {
            Ok(()) => Ok(Self { _dir: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(LockError::Io { dir: dir.to_owned(), source }),
        }
    }
}

fn open(dir: &Path) -> Result<File, LockError> {
    File::open(dir).map_err(|source| LockError::Io { dir: dir.to_owned(), source })
}

/// Why a directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone holds it.
    #[error(
        "another rogatory process uses this data directory; stop it or choose another --data ({})",
        .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be opened or locked.
    #[error("cannot lock {}: {source}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_told_what_to_do_and_comes_in_when_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirLock::exclusive(dir.path()).unwrap();
        let refused = DirLock::exclusive(dir.path()).unwrap_err();
        assert!(refused.to_string().contains("another rogatory process"));
        assert!(matches!(DirLock::shared(dir.path()), Err(LockError::InUse(_))));
        drop(first);
        let readers = (DirLock::shared(dir.path()).unwrap(), DirLock::shared(dir.path()).unwrap());
        assert!(DirLock::exclusive(dir.path()).is_err());
        drop(readers);
        assert!(DirLock::exclusive(dir.path()).is_ok());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let missing = DirLock::exclusive(Path::new("/nonexistent-data")).unwrap_err();
        assert!(missing.to_string().contains("/nonexistent-data"));
    }
}
