//! The version of a data directory: `<data>/version`. A program refuses data of a newer version untouched, and reads every older one.

use std::io;
use std::path::PathBuf;

use crate::daemon::home::Home;
use crate::store::files::{read_if_there, replace_durably};

/// The version that this program writes. A directory without the file was made before there was one, and is of version 1.
pub const VERSION: u32 = 1;

/// Refuses data that a newer program wrote. Writes nothing; called before anything of the directory is read or locked.
///
/// # Errors
/// [`VersionError`].
pub fn check(home: &Home) -> Result<(), VersionError> {
    let path = home.version();
    let bytes = read_if_there(&path).map_err(|source| VersionError::Io { path: path.clone(), source })?;
    let Some(bytes) = bytes else { return Ok(()) };
    let text = String::from_utf8(bytes).unwrap_or_default();
    let found: Option<u32> = text.strip_suffix('\n').and_then(|number| number.parse().ok());
    match found {
        Some(found) if found <= VERSION && found > 0 => Ok(()),
        Some(found) if found > VERSION => Err(VersionError::Newer { path, found }),
        _ => Err(VersionError::Malformed { path }),
    }
}

/// Says the version in a directory that does not say it yet.
///
/// # Errors
/// [`VersionError`] when the file cannot be written.
pub fn mark(home: &Home) -> Result<(), VersionError> {
    let path = home.version();
    if path.exists() {
        return Ok(());
    }
    replace_durably(&path, format!("{VERSION}\n").as_bytes()).map_err(|source| VersionError::Io { path, source })
}

/// Why a data directory is not opened.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Written by a newer program.
    #[error(
        "{} says version {found}, and this program knows version {VERSION}; nothing was changed, start the newer program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
    /// No number.
    #[error("{} holds no version; nothing was changed: restore it from a backup (this program writes {VERSION})", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_and_one_that_is_no_number_are_refused_and_an_older_directory_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        check(&home).unwrap();
        mark(&home).unwrap();
        mark(&home).unwrap();
        check(&home).unwrap();
        std::fs::write(home.version(), format!("{}\n", VERSION + 1)).unwrap();
        assert!(matches!(check(&home), Err(VersionError::Newer { found, .. }) if found == VERSION + 1));
        for bad in ["", "0\n", "1", "one\n", "-1\n"] {
            std::fs::write(home.version(), bad).unwrap();
            assert!(matches!(check(&home), Err(VersionError::Malformed { .. })), "{bad:?}");
        }
    }
}
