//! Puts a backup back into an empty directory and checks all of it. What it leaves takes no entry until somebody decided how the log
//! goes on: what was acknowledged after the backup is missing, and nobody here can know what that was.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::custody::note::VerifierKey;
use crate::daemon::backup::{self, MakeError};
use crate::daemon::config::{Config, ConfigError};
use crate::daemon::fsck::{self, CheckError, Findings, Mode};
use crate::daemon::home::Home;
use crate::daemon::keys::KeysError;
use crate::daemon::log_keys;
use crate::store::put_back::PutBack;
use crate::store::reader::{ReadOpenError, Reader};
use crate::store::unpacking::{self, Contents, UnpackError};

/// What was put back, and what the check found.
#[derive(Debug)]
pub struct Restored {
    /// What the volumes held.
    pub contents: Contents,
    /// What the check found.
    pub findings: Findings,
    /// The keys of the log that was put back.
    pub log_keys: Vec<VerifierKey>,
}

/// Puts the volumes at `from` into `to`, which must be empty or not there. With `log_key` the log must be that key's.
///
/// # Errors
/// [`RestoreError`]; what lies in `to` then is not to be used.
pub fn restore(from: &Path, to: &Path, secret: &Path, log_key: Option<&VerifierKey>) -> Result<Restored, RestoreError> {
    let key = backup::secret_key(secret)?;
    let fault = |source| RestoreError::Io { path: to.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(fault)?;
    if fs::read_dir(to).map_err(fault)?.next().is_some() {
        return Err(RestoreError::NotEmpty(to.to_owned()));
    }
    let contents = unpacking::unpack(from, &key, Some(to))?;
    let home = Home::at(to);
    // Before anything else may open it.
    let mark = PutBack { size: contents.log_size, root: contents.log_root, made_at: contents.made_at };
    mark.write(&home.custody()).map_err(fault)?;
    let config = Config::read(&home.config())?;
    if config.authority != contents.authority {
        return Err(RestoreError::Foreign);
    }
    let origin = log_keys::origin(&home, &config.authority)?;
    let log_keys = log_keys::log_signer(&home)?.verifier_keys(&origin);
    if log_key.is_some_and(|wanted| !log_keys.contains(wanted)) {
        return Err(RestoreError::OtherLog);
    }
    let findings = fsck::run(to, Mode::Repair, &mut |_| {})?;
    let first = log_keys.first().ok_or(RestoreError::OtherLog)?;
    let reader = Reader::open_read_only(&home.custody(), first)?;
    let here = reader.checkpoint().map(|signed| (signed.checkpoint().size(), signed.checkpoint().root()));
    if here != Some((contents.log_size, contents.log_root)) {
        return Err(RestoreError::Foreign);
    }
    Ok(Restored { contents, findings, log_keys })
}

/// Why nothing usable was put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The key.
    #[error(transparent)]
    Key(#[from] MakeError),
    /// The place.
    #[error("{} is not empty; name an empty directory with --to", .0.display())]
    NotEmpty(PathBuf),
    /// The volumes.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The system.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The check could not be made.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The log.
    #[error(transparent)]
    Log(#[from] ReadOpenError),
    /// Not what the volumes say.
    #[error("what was put back is not the log that the volumes name; nobody should use it")]
    Foreign,
    /// Another log.
    #[error("the log that was put back is not that of the key given with --log-key; the volumes may be forged")]
    OtherLog,
}
