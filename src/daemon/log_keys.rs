//! The keys with which a node signs its log and cosigns other logs: read, and made at a start for a node that was set up
//! before it had them. Never makes a key a second time, and tells nobody of one that is not in the log.

use std::io;

use zeroize::Zeroizing;

use crate::crypto::digest::sha256;
use crate::crypto::ed25519::{self, SigningKey};
use crate::crypto::mldsa;
use crate::crypto::pem::Label;
use crate::crypto::random;
use crate::custody::checkpoint::LogSigner;
use crate::custody::cosignature::Cosigner;
use crate::custody::note::{KeyName, VerifierKey};
use crate::daemon::home::Home;
use crate::daemon::keys::{KeysError, read, write, write_whole};
use crate::daemon::node::{Node, StartError};
use crate::exchange::act::Act;
use crate::exchange::entry::Entry;
use crate::model::authority::Authority;
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::AuthorityId;
use crate::store::files::{read_if_there, replace_durably};
use crate::store::restarts;

pub(super) const LOG_ED25519: &str = "log.key.pem";
pub(super) const LOG_ML_DSA: &str = "log-mldsa.seed.pem";
pub(super) const WITNESS_ED25519: &str = "witness.seed.pem";
pub(super) const WITNESS_ML_DSA: &str = "witness-mldsa.seed.pem";

/// Makes the keys of a new node.
///
/// # Errors
/// [`KeysError`] names the file that exists or could not be written.
pub fn create(home: &Home) -> Result<(), KeysError> {
    let seed = Zeroizing::new(random::bytes::<32>()?);
    write(home, LOG_ED25519, Label::PrivateKey, &ed25519::pkcs8_of_seed(&seed))?;
    complete(home)
}

/// Makes those of the later keys that are not there; each file appears whole or not at all. The log's Ed25519 key is not
/// among them: a node that lost it has lost its log, and must say so.
///
/// # Errors
/// [`KeysError`] names the file that could not be written.
pub fn complete(home: &Home) -> Result<(), KeysError> {
    let ml_dsa: fn(&[u8; 32]) -> Zeroizing<Vec<u8>> = mldsa::pkcs8_of_seed;
    for (name, pkcs8) in
        [(LOG_ML_DSA, ml_dsa), (WITNESS_ED25519, ed25519::pkcs8_of_seed), (WITNESS_ML_DSA, mldsa::pkcs8_of_seed)]
    {
        let path = home.key(name);
        if !path.try_exists().map_err(|source| KeysError::Io { path: path.clone(), source })? {
            let seed = Zeroizing::new(random::bytes::<32>()?);
            write_whole(home, name, Label::PrivateKey, &pkcs8(&seed))?;
        }
    }
    Ok(())
}

/// The keys of the log. A node that was never started since they were introduced has no ML-DSA-44 key yet.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn log_signer(home: &Home) -> Result<LogSigner, KeysError> {
    log_signer_of(home, "")
}

/// The keys of the log in the files whose names begin with `prefix`.
///
/// # Errors
/// [`KeysError`] names the file.
pub(super) fn log_signer_of(home: &Home, prefix: &str) -> Result<LogSigner, KeysError> {
    let (first, second) = (format!("{prefix}{LOG_ED25519}"), format!("{prefix}{LOG_ML_DSA}"));
    let ed25519 = ed25519_key(home, &first)?;
    let path = home.key(&second);
    let there = path.try_exists().map_err(|source| KeysError::Io { path, source })?;
    let ml_dsa_44 = if there { Some(ml_dsa_key(home, &second)?) } else { None };
    Ok(LogSigner { ed25519, ml_dsa_44 })
}

/// The keys of the authority as a witness of other logs.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn cosigner(home: &Home, us: &AuthorityId) -> Result<Cosigner, KeysError> {
    let name = us.witness_name().parse().map_err(|_| KeysError::LogName)?;
    Ok(Cosigner::new(&name, ed25519_key(home, WITNESS_ED25519)?, ml_dsa_key(home, WITNESS_ML_DSA)?))
}

/// The name of the log that is written now: the authority's first one, or the one that it began after a loss.
///
/// # Errors
/// [`KeysError`] when the file that says so holds no name of a log of that authority.
pub fn origin(home: &Home, us: &AuthorityId) -> Result<KeyName, KeysError> {
    let custody = home.custody();
    let named = restarts::origin(&custody).map_err(|source| KeysError::Io { path: custody, source })?;
    let name = named.unwrap_or_else(|| us.log_origin());
    if us.owns_log(&name) { name.parse().map_err(|_| KeysError::LogName) } else { Err(KeysError::LogName) }
}

/// The public keys of log and witness, as the directory lists them.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn public(home: &Home, us: &AuthorityId) -> Result<(Vec<String>, Vec<String>), KeysError> {
    let origin = origin(home, us)?;
    let texts = |keys: &[VerifierKey]| keys.iter().map(ToString::to_string).collect();
    Ok((texts(&log_signer(home)?.verifier_keys(&origin)), texts(&cosigner(home, us)?.verifier_keys())))
}

/// Puts keys that the row for the directory has not into it, and into the log: the record encloses the new row. The record
/// comes first; a crash in between brings a second one, never a row that the log does not know.
///
/// # Errors
/// [`StartError`] when the log takes no record or a key cannot be read.
pub(super) fn announce(node: &Node) -> Result<(), StartError> {
    let path = node.home().entry();
    let fault = |source: io::Error| StartError::Keys(KeysError::Io { path: path.clone(), source });
    let Some(bytes) = read_if_there(&path).map_err(fault)? else { return Ok(()) };
    let Ok(entry) = Entry::parse(&bytes) else {
        tracing::warn!("directory-entry.json cannot be read; keys made since it was written are not in it");
        return Ok(());
    };
    let (log, witness) = public(node.home(), node.us())?;
    let mut authority = entry.authority().clone();
    if !put_first(&mut authority, &log, &witness) {
        return Ok(());
    }
    let row = match Entry::new(&authority, entry.note()) {
        Ok(row) => row.to_json(),
        Err(error) => {
            tracing::warn!(%error, "the new keys do not fit into directory-entry.json; take old ones out of it");
            return Ok(());
        }
    };
    let mut record = node.scene().record(Event::KeysAdded);
    record.digests = vec![NamedDigest::new("directory-entry", sha256(&row))];
    node.commit(Act { record, enclosures: vec![row.clone()] })?;
    replace_durably(&path, &row).map_err(fault)?;
    tracing::warn!("this node has new keys; hand directory-entry.json to the keepers of the directory");
    Ok(())
}

/// The current keys first, in their order, then what the row had. Tells whether any is new in it.
pub(super) fn put_first(authority: &mut Authority, log: &[String], witness: &[String]) -> bool {
    let mut new = false;
    for (listed, own) in [(&mut authority.log_keys, log), (&mut authority.witness_keys, witness)] {
        new |= own.iter().any(|key| !listed.contains(key));
        let old: Vec<String> = listed.drain(..).filter(|key| !own.contains(key)).collect();
        listed.extend(own.iter().cloned().chain(old));
    }
    new
}

fn ed25519_key(home: &Home, name: &str) -> Result<SigningKey, KeysError> {
    SigningKey::from_pkcs8(&read(home, name, Label::PrivateKey)?)
        .map_err(|_| KeysError::Broken { path: home.key(name) })
}

fn ml_dsa_key(home: &Home, name: &str) -> Result<mldsa::SigningKey, KeysError> {
    mldsa::SigningKey::from_pkcs8(&read(home, name, Label::PrivateKey)?)
        .map_err(|_| KeysError::Broken { path: home.key(name) })
}
