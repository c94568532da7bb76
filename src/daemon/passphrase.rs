//! The passphrase of locked key files: from a file that the environment or the supervisor names, never from an argument. Refuses to
//! write a private key in the clear where the others are locked.
//!
//! `ROGATORY_KEY_PASSPHRASE_FILE`, or `rogatory-key-passphrase` in the directory that systemd's `LoadCredential=` made. One line;
//! its end does not count.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::crypto::locked::{Costs, FileKey, LockedError};
use crate::crypto::pem::{self, Label};
use crate::daemon::home::Home;
use crate::daemon::keys::KeysError;
use crate::store::files::{replace, sync_dir};
use crate::store::lock::DirLock;

const VARIABLE: &str = "ROGATORY_KEY_PASSPHRASE_FILE";
const CREDENTIAL: &str = "rogatory-key-passphrase";

/// One derivation opens all files of a directory; it is not made again for each.
static DERIVED: Mutex<Option<FileKey>> = Mutex::new(None);

/// Where the passphrase stands, if anybody named it.
fn source() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    named.or_else(|| {
        Some(PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL)).filter(|path| path.exists())
    })
}

/// The passphrase; `None` where nobody named a file.
fn passphrase() -> Result<Option<Zeroizing<Vec<u8>>>, KeysError> {
    let Some(path) = source() else { return Ok(None) };
    let text = Zeroizing::new(fs::read(&path).map_err(|source| KeysError::io(&path, source))?);
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() < 12 {
        return Err(KeysError::Passphrase { path });
    }
    Ok(Some(Zeroizing::new(line.to_vec())))
}

/// Whether that text is a locked file.
pub(super) fn is_locked(text: &[u8]) -> bool {
    let begin = format!("-----BEGIN {}-----", Label::Locked.text());
    text.starts_with(begin.as_bytes())
}

/// The text of a key file, opened if it is locked.
///
/// # Errors
/// [`KeysError`] names the file, and what to do.
pub(super) fn opened(path: &std::path::Path, text: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    if !is_locked(&text) {
        return Ok(text);
    }
    let locked = |cause| KeysError::Locked { path: path.to_owned(), cause };
    let file = pem::decode(Label::Locked, &text).map_err(|cause| KeysError::Pem { path: path.to_owned(), cause })?;
    let costs = Costs::of(&file).map_err(locked)?;
    let mut derived = DERIVED.lock().unwrap_or_else(PoisonError::into_inner);
    if derived.as_ref().is_none_or(|key| *key.costs() != costs) {
        let passphrase = passphrase()?.ok_or(KeysError::NoPassphrase { path: path.to_owned() })?;
        *derived = Some(costs.derive(&passphrase).map_err(locked)?);
    }
    let opened = derived.as_ref().map(|key| key.open(&file));
    let opened = opened.unwrap_or(Err(LockedError::Malformed)).map_err(locked);
    if opened.is_err() {
        // Perhaps the file of the passphrase is mended meanwhile.
        *derived = None;
    }
    opened
}

/// The text of a key file as it is to be written: locked where the other private keys are, or a passphrase is named for new ones.
///
/// # Errors
/// [`KeysError`]: nothing is written in the clear beside locked keys.
pub(super) fn closed(home: &Home, label: Label, text: &str) -> Result<Zeroizing<String>, KeysError> {
    let clear = || Zeroizing::new(text.to_owned());
    if !matches!(label, Label::PrivateKey | Label::ReceivingSeed) {
        return Ok(clear());
    }
    match (locked_costs(home)?, source().is_some()) {
        (None, _) => Ok(clear()),
        (Some(costs), _) => lock_text(home, costs, text),
    }
}

fn lock_text(home: &Home, costs: Costs, text: &str) -> Result<Zeroizing<String>, KeysError> {
    let dir = home.key("");
    let locked = |cause| KeysError::Locked { path: dir.clone(), cause };
    let mut derived = DERIVED.lock().unwrap_or_else(PoisonError::into_inner);
    if derived.as_ref().is_none_or(|key| *key.costs() != costs) {
        let passphrase = passphrase()?.ok_or_else(|| KeysError::NoPassphrase { path: dir.clone() })?;
        *derived = Some(costs.derive(&passphrase).map_err(locked)?);
    }
    let sealed = derived.as_ref().map(|key| key.seal(text.as_bytes())).unwrap_or(Err(LockedError::Malformed));
    Ok(pem::encode(Label::Locked, &sealed.map_err(locked)?))
}

/// The costs of the locked files of that directory; `None` where none is locked.
fn locked_costs(home: &Home) -> Result<Option<Costs>, KeysError> {
    for path in files(home)? {
        let text = Zeroizing::new(fs::read(&path).map_err(|source| KeysError::io(&path, source))?);
        if is_locked(&text) {
            let file =
                pem::decode(Label::Locked, &text).map_err(|cause| KeysError::Pem { path: path.clone(), cause })?;
            return Costs::of(&file).map(Some).map_err(|cause| KeysError::Locked { path, cause });
        }
    }
    Ok(None)
}

fn files(home: &Home) -> Result<Vec<PathBuf>, KeysError> {
    let dir = home.key("");
    let fault = |source| KeysError::io(&dir, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// How many private key files are locked, and how many are not.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn count(home: &Home) -> Result<(usize, usize), KeysError> {
    let (mut locked, mut clear) = (0, 0);
    for path in files(home)? {
        let text = Zeroizing::new(fs::read(&path).map_err(|source| KeysError::io(&path, source))?);
        if is_locked(&text) {
            locked += 1;
        } else if is_private(&text) {
            clear += 1;
        }
    }
    Ok((locked, clear))
}

fn is_private(text: &[u8]) -> bool {
    [Label::PrivateKey, Label::ReceivingSeed].iter().any(|label| pem::decode(*label, text).is_ok())
}

/// Locks every private key of a stopped node. Each file is replaced whole; done again, it does the rest.
///
/// # Errors
/// [`KeysError`] names the file; those before it are locked.
pub fn lock(home: &Home) -> Result<usize, KeysError> {
    change(home, |text| {
        if is_locked(text) || !is_private(text) {
            return Ok(None);
        }
        let costs = match locked_costs(home)? {
            Some(costs) => costs,
            None => Costs::fresh().map_err(|cause| KeysError::Locked { path: home.key(""), cause })?,
        };
        let text = std::str::from_utf8(text).map_err(|_| KeysError::Broken { path: home.key("") })?;
        lock_text(home, costs, text).map(Some)
    })
}

/// Unlocks every private key of a stopped node.
///
/// # Errors
/// As [`lock`].
pub fn unlock(home: &Home) -> Result<usize, KeysError> {
    change(home, |text| {
        if !is_locked(text) {
            return Ok(None);
        }
        let text = opened(&home.key(""), Zeroizing::new(text.to_vec()))?;
        let text = std::str::from_utf8(&text).map_err(|_| KeysError::Broken { path: home.key("") })?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    })
}

fn change(
    home: &Home,
    new: impl Fn(&[u8]) -> Result<Option<Zeroizing<String>>, KeysError>,
) -> Result<usize, KeysError> {
    let _lock = DirLock::exclusive(home.root()).map_err(KeysError::InUse)?;
    let mut changed = 0;
    for path in files(home)? {
        let fault = |source| KeysError::io(&path, source);
        let text = Zeroizing::new(fs::read(&path).map_err(fault)?);
        if let Some(text) = new(&text)? {
            let temporary = path.with_extension("pem.tmp");
            let mut options = fs::OpenOptions::new();
            std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create(true).truncate(true), 0o600);
            // Made with its mode before anything is in it.
            options.open(&temporary).map_err(fault)?;
            replace(&path, text.as_bytes(), &temporary).map_err(fault)?;
            sync_dir(&home.key("")).map_err(fault)?;
            changed += 1;
        }
    }
    Ok(changed)
}
