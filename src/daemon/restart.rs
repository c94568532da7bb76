//! A log that lost its end begins anew: another name, other keys, the same entries up to where the backup ends. Refuses a node
//! whose log did not come from a backup.
//!
//! ```text
//!  old log   e1 … es │ es+1 … en      others saw up to n; the backup ends at s
//!  new log   e1 … es │ log.restarted …    under another name: no size of the old log is ever signed a second time
//! ```
//! Order: new keys and row beside the old ones, `custody/restarts/<mark>`, `custody/origin` (from here it is done), renames, the
//! mark of the backup gone, the record. The next start ends what was cut short, or drops it.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::crypto::digest::sha256;
use crate::crypto::ed25519::{self, SigningKey};
use crate::crypto::pem::Label;
use crate::crypto::{mldsa, random};
use crate::custody::checkpoint::LogSigner;
use crate::custody::note::{KeyName, VerifierKey};
use crate::daemon::config::Config;
use crate::daemon::home::Home;
use crate::daemon::keys::{self, KeysError};
use crate::daemon::log_keys::{self, LOG_ED25519, LOG_ML_DSA};
use crate::daemon::node::{Node, StartError};
use crate::daemon::officer::Admitted;
use crate::daemon::rotate::{ANY_ROLE, RotateError};
use crate::daemon::{clock, crash, version};
use crate::exchange::act::{Act, Scene};
use crate::exchange::entry::Entry;
use crate::exchange::rotation::digests;
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::AuthorityId;
use crate::store::files::{read_if_there, replace_durably, sync_dir};
use crate::store::ledger::{self, Ledger};
use crate::store::lock::DirLock;
use crate::store::put_back::{self, PutBack};
use crate::store::restarts::{self, Restart};

const STAGED: &str = ".restart-";

/// What was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// The name of the new log.
    pub log: String,
    /// Entries that it has in common with the old one.
    pub size: u64,
    /// Its keys, as the directory must list them.
    pub keys: Vec<String>,
    /// The record of it.
    pub record: u64,
}

/// Gives the lost end up: the log of the stopped node goes on under another name and key.
///
/// # Errors
/// [`RotateError`]; up to the rename of the log all stays as it was, from there the next start ends it.
pub fn accept_loss(data: &std::path::Path, officer: Option<&str>, reason: &str) -> Result<Begun, RotateError> {
    let home = Home::at(data);
    version::check(&home)?;
    let config = Config::read(&home.config())?;
    let admitted = Admitted::admit(&config, rustix::process::getuid().as_raw(), officer)?;
    let actor = admitted.acting_as(ANY_ROLE)?;
    let _lock = DirLock::exclusive(data)?;
    finish(&home)?;
    let us = &config.authority;
    let mark = PutBack::read(&home.custody()).map_err(|source| KeysError::io(&home.custody(), source))?;
    let mark = mark.ok_or(RotateError::NotPutBack)?;
    log_keys::complete(&home)?;
    let restart = stage(&home, us, mark)?;
    restarts::keep(&home.custody(), &restart).map_err(io(&home))?;
    crash::point("restart: keys staged, old name in force");
    let name = restart.new.first().map(|key| key.name().to_owned()).unwrap_or_default();
    restarts::set_origin(&home.custody(), &name).map_err(io(&home))?;
    crash::point("restart: new name in force, old keys in place");
    finish(&home)?;
    let origin: KeyName = log_keys::origin(&home, us)?;
    let ledger = Ledger::open(&home.custody(), origin, log_keys::log_signer(&home)?, Box::new(|_| {}))?;
    let act = told(Scene { us: us.clone(), now: clock::now(), actor }, &restart, &entry_bytes(&home)?, reason);
    let record = ledger.append(ledger::Entry { record: act.record_bytes(), enclosures: act.enclosures })?.index;
    ledger.close();
    let keys = restart.new.iter().map(ToString::to_string).collect();
    Ok(Begun { log: name, size: restart.size, keys, record })
}

/// What every opening of the data directory does first: ends a new beginning that was decided, drops one that was not.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn finish(home: &Home) -> Result<(), KeysError> {
    let fault = io(home);
    if !staged(home, ROW).exists() {
        return Ok(());
    }
    let custody = home.custody();
    let named = restarts::origin(&custody).map_err(&fault)?;
    let all = restarts::all(&custody).map_err(&fault)?;
    let decided = all.iter().find(|one| one.new.first().map(VerifierKey::name) == named.as_deref());
    let ours = match decided {
        Some(restart) => newest_key(home)?.as_deref() == restart.new.first().map(VerifierKey::public_key),
        None => false,
    };
    let names = [LOG_ML_DSA, LOG_ED25519, ROW];
    for name in names {
        let (from, to) = (staged(home, name), if name == ROW { home.entry() } else { home.key(name) });
        let done = if ours { fs::rename(&from, &to) } else { fs::remove_file(&from) };
        match done {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
        sync_dir(&home.key("")).and_then(|()| sync_dir(home.root())).map_err(&fault)?;
    }
    if ours {
        put_back::remove(&custody).map_err(&fault)?;
    }
    Ok(())
}

/// The record of a new beginning that a crash left out: then the log has exactly the entries that both logs share.
///
/// # Errors
/// [`StartError`] when the log takes no record.
pub fn record_if_missing(node: &Node) -> Result<(), StartError> {
    let custody = node.home().custody();
    let all = restarts::all(&custody).map_err(|source| KeysError::io(&custody, source))?;
    let current = all.iter().find(|one| one.new.first().is_some_and(|key| key.name() == node.origin()));
    let Some(restart) = current.filter(|one| one.size == node.ledger.reader().size()) else { return Ok(()) };
    let row = entry_bytes(node.home())?;
    node.commit(told(node.scene(), restart, &row, "the command was cut short"))?;
    Ok(())
}

fn told(scene: Scene, restart: &Restart, row: &[u8], reason: &str) -> Act {
    let mut record = scene.record(Event::LogRestarted);
    record.digests = digests(&restart.old, &restart.new);
    record.digests.push(NamedDigest::new("directory-entry", sha256(row)));
    record.reason = reason.to_owned();
    Act { record, enclosures: vec![row.to_vec()] }
}

/// New keys and the row that lists them, beside the old ones.
fn stage(home: &Home, us: &AuthorityId, mark: PutBack) -> Result<Restart, RotateError> {
    let (old, _) = log_keys::public(home, us)?;
    let old: Vec<VerifierKey> = old.iter().filter_map(|text| text.parse().ok()).collect();
    let origin: KeyName = us.next_log_origin(random::bytes()?).parse().map_err(|_| KeysError::LogName)?;
    let [first, second] = [Zeroizing::new(random::bytes::<32>()?), Zeroizing::new(random::bytes::<32>()?)];
    let (ed25519, ml_dsa) = (ed25519::pkcs8_of_seed(&first), mldsa::pkcs8_of_seed(&second));
    for (name, bytes) in [(LOG_ED25519, &ed25519), (LOG_ML_DSA, &ml_dsa)] {
        replace_private(home, &staged(home, name), bytes)?;
    }
    let broken = |_| KeysError::Broken { path: staged(home, LOG_ED25519) };
    let signer = LogSigner {
        ed25519: SigningKey::from_pkcs8(&ed25519).map_err(broken)?,
        ml_dsa_44: mldsa::SigningKey::from_pkcs8(&ml_dsa).ok(),
    };
    let new = signer.verifier_keys(&origin);
    let entry = Entry::parse(&entry_bytes(home)?)?;
    let mut authority = entry.authority().clone();
    let texts: Vec<String> = new.iter().map(ToString::to_string).collect();
    log_keys::put_first(&mut authority, &texts, &[]);
    let row = Entry::new(&authority, entry.note())?.to_json();
    replace_durably(&staged(home, ROW), &row).map_err(io(home))?;
    Ok(Restart { size: mark.size, root: mark.root, old, new })
}

const ROW: &str = "directory-entry.json";

fn staged(home: &Home, name: &str) -> PathBuf {
    let name_staged = format!("{STAGED}{name}");
    if name == ROW { home.root().join(name_staged) } else { home.key(&name_staged) }
}

/// The public half of the staged Ed25519 key, or of the one in place when that was renamed already.
fn newest_key(home: &Home) -> Result<Option<Vec<u8>>, KeysError> {
    let name = format!("{STAGED}{LOG_ED25519}");
    let name = if home.key(&name).exists() { name } else { LOG_ED25519.to_owned() };
    let bytes = keys::read(home, &name, Label::PrivateKey)?;
    let key = SigningKey::from_pkcs8(&bytes).map_err(|_| KeysError::Broken { path: home.key(&name) })?;
    Ok(Some(key.public_key().to_vec()))
}

fn replace_private(home: &Home, path: &std::path::Path, bytes: &[u8]) -> Result<(), KeysError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(KeysError::io(path, error)),
        _ => keys::write(home, name, Label::PrivateKey, bytes),
    }
}

fn entry_bytes(home: &Home) -> Result<Vec<u8>, KeysError> {
    let there = read_if_there(&home.entry()).map_err(|source| KeysError::io(&home.entry(), source))?;
    there.ok_or_else(|| KeysError::io(&home.entry(), std::io::ErrorKind::NotFound.into()))
}

fn io(home: &Home) -> impl Fn(std::io::Error) -> KeysError + use<> {
    let root = home.root().to_owned();
    move |source| KeysError::io(&root, source)
}
