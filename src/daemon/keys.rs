//! The key files of a node: made once by `init`, read at start. Refuses a file that other users may read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::crypto::certificate::{CertificateError, CertificateFacts};
use crate::crypto::cms::{Signer, SignerError};
use crate::crypto::hybrid::{HybridPublicKey, HybridSecretKey};
use crate::crypto::issue::{self, Identity, IssueError, Validity};
use crate::crypto::locked::LockedError;
use crate::crypto::pem::{self, Label, PemError};
use crate::crypto::random::{self, RandomError};
use crate::crypto::revocation::{RevocationList, RevocationListError};
use crate::daemon::home::Home;
use crate::daemon::{log_keys, passphrase};
use crate::exchange::keyring::Keyring;
use crate::model::authority::{Authority, Provenance, ReceivingKey};
use crate::model::ident::AuthorityId;
use crate::model::time::Timestamp;
use crate::net::tls::NodeKey;
use crate::store::lock::LockError;

pub(super) const CA_CERTIFICATE: &str = "ca.cert.pem";
pub(super) const CA_KEY: &str = "ca.key.pem";
const REVOCATIONS: &str = "ca.crl.pem";
pub(super) const NODE_CERTIFICATE: &str = "node.cert.pem";
pub(super) const NODE_KEY: &str = "node.key.pem";
pub(super) const SEAL_CERTIFICATE: &str = "seal.cert.pem";
pub(super) const SEAL_KEY: &str = "seal.key.pem";
pub(super) const RECEIVING: &str = "receiving.seed.pem";
/// How the names of replaced receiving keys begin.
pub(super) const RECEIVING_RETIRED: &str = "receiving-retired-";
const ARCHIVE: &str = "archive.seed.pem";

pub(super) const DAY_MS: u64 = 86_400_000;
/// The CA lives for ten years; it may be kept offline after `init`.
const CA_DAYS: u64 = 3_653;
/// End entities and the receiving key live for a year and a month.
pub(super) const LEAF_DAYS: u64 = 397;
/// Certificates begin a day early, so that a peer whose clock is behind does not refuse them.
pub(super) const EARLY_MS: u64 = DAY_MS;

/// The private keys that a running node holds.
#[derive(Debug)]
pub struct Keys {
    /// Signs legal acts (CAdES, P-256).
    pub seal: Signer,
    /// The certificate of the seal key: from when, and until when, peers take what it signs.
    pub seal_certificate: CertificateFacts,
    /// Opens what was sealed to us, and what we sealed for our archive.
    pub ring: Keyring,
    /// Our archive's public key: one recipient of everything we send.
    pub archive: HybridPublicKey,
}

/// Makes every key of a new node and writes them; returns the public row for the directory.
///
/// # Errors
/// [`KeysError`] when a file exists already or cannot be written.
pub fn create(home: &Home, facts: &Facts<'_>, now: Timestamp) -> Result<Authority, KeysError> {
    let dir = home.key("");
    fs::DirBuilder::new().mode(0o700).recursive(true).create(&dir).map_err(|source| KeysError::io(&dir, source))?;
    let begin = Timestamp::from_millis(now.as_millis().saturating_sub(EARLY_MS));
    let until = |days: u64| Validity { not_before: begin, not_after: now.plus_millis(days * DAY_MS) };
    let (id, name) = (facts.authority, facts.name);
    let ca = issue::authority_ca(id, name, until(CA_DAYS))?;
    let node_name = format!("{}.rogatory.internal", id.as_str().to_ascii_lowercase());
    let node = issue::node_certificate(&ca, id, name, &node_name, until(LEAF_DAYS))?;
    let seal = issue::seal_certificate(&ca, id, name, &format!("{id} seal"), until(LEAF_DAYS))?;
    let list = issue::revocation_list(&ca, &[], begin, now.plus_millis(LEAF_DAYS * DAY_MS), 1)?;
    let receiving = Zeroizing::new(random::bytes::<32>()?);
    let archive = Zeroizing::new(random::bytes::<32>()?);

    write_identity(home, CA_CERTIFICATE, CA_KEY, &ca)?;
    write_identity(home, NODE_CERTIFICATE, NODE_KEY, &node)?;
    write_identity(home, SEAL_CERTIFICATE, SEAL_KEY, &seal)?;
    write(home, REVOCATIONS, Label::RevocationList, &list)?;
    write(home, RECEIVING, Label::ReceivingSeed, receiving.as_slice())?;
    write(home, ARCHIVE, Label::ReceivingSeed, archive.as_slice())?;
    log_keys::create(home)?;
    fs::File::open(&dir).and_then(|dir| dir.sync_all()).map_err(|source| KeysError::io(&dir, source))?;

    let (log_keys, witness_keys) = log_keys::public(home, id)?;
    let public = HybridSecretKey::from_seed(&receiving).public().clone();
    Ok(Authority {
        id: id.clone(),
        name: name.to_owned(),
        endpoints: facts.endpoints.to_vec(),
        issuers: vec![ca.certificate],
        revocation_lists: vec![list],
        log_keys,
        witness_keys,
        time_stamp_issuers: facts.time_stamp_issuers.to_vec(),
        receiving_keys: vec![ReceivingKey {
            id: public.id(),
            public_key: public.as_bytes().to_vec(),
            not_before: begin,
            not_after: now.plus_millis(LEAF_DAYS * DAY_MS),
        }],
        languages: facts.languages.to_vec(),
        requirements: Vec::new(),
        provenance: Provenance::PeerNotice,
    })
}

/// The public facts that go into a new node's certificates and row.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who it speaks for.
    pub authority: &'a AuthorityId,
    /// The authority's name.
    pub name: &'a str,
    /// Where peers reach it.
    pub endpoints: &'a [String],
    /// Languages it accepts.
    pub languages: &'a [String],
    /// The CAs that vouch for its time-stamp authorities, DER.
    pub time_stamp_issuers: &'a [Vec<u8>],
}

impl Keys {
    /// Reads the keys of a node.
    ///
    /// # Errors
    /// [`KeysError`] names the file.
    pub fn read(home: &Home) -> Result<Self, KeysError> {
        let ca = read(home, CA_CERTIFICATE, Label::Certificate)?;
        let certificate = read(home, SEAL_CERTIFICATE, Label::Certificate)?;
        let seal = Signer::new(&read(home, SEAL_KEY, Label::PrivateKey)?, certificate.to_vec(), vec![ca.to_vec()])?;
        let mut receiving = vec![hybrid(home, RECEIVING)?];
        for name in retired_receiving(home)? {
            receiving.push(hybrid(home, &name)?);
        }
        let archive = hybrid(home, ARCHIVE)?;
        let archive_public = archive.public().clone();
        let seal_certificate = CertificateFacts::read(&certificate)?;
        Ok(Self {
            seal,
            seal_certificate,
            ring: Keyring::new(receiving.into_iter().chain([archive])),
            archive: archive_public,
        })
    }
}

/// The node's TLS key and certificate.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn node_key(home: &Home) -> Result<NodeKey, KeysError> {
    Ok(NodeKey {
        certificate: read(home, NODE_CERTIFICATE, Label::Certificate)?.to_vec(),
        pkcs8: read(home, NODE_KEY, Label::PrivateKey)?,
    })
}

/// The names and ends of the certificates, and of the revocation list, that run out, soonest first.
///
/// # Errors
/// [`KeysError`] names the file.
pub fn expiries(home: &Home) -> Result<Vec<(&'static str, Timestamp)>, KeysError> {
    let mut ends = Vec::new();
    for name in [CA_CERTIFICATE, NODE_CERTIFICATE, SEAL_CERTIFICATE] {
        ends.push((name, CertificateFacts::read(&read(home, name, Label::Certificate)?)?.not_after));
    }
    let list = RevocationList::read(&read(home, REVOCATIONS, Label::RevocationList)?)?;
    ends.push((REVOCATIONS, list.next_update()));
    ends.sort_by_key(|(_, end)| *end);
    Ok(ends)
}

/// The files of receiving keys that were replaced: what was sealed to them still opens, until somebody removes them.
fn retired_receiving(home: &Home) -> Result<Vec<String>, KeysError> {
    let dir = home.key("");
    let fault = |source| KeysError::io(&dir, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name();
        found.extend(name.to_str().filter(|name| name.starts_with(RECEIVING_RETIRED)).map(str::to_owned));
    }
    found.sort();
    Ok(found)
}

pub(super) fn hybrid(home: &Home, name: &str) -> Result<HybridSecretKey, KeysError> {
    let seed = read(home, name, Label::ReceivingSeed)?;
    let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| KeysError::Broken { path: home.key(name) })?;
    Ok(HybridSecretKey::from_seed(seed))
}

fn write_identity(home: &Home, certificate: &str, key: &str, identity: &Identity) -> Result<(), KeysError> {
    write(home, certificate, Label::Certificate, &identity.certificate)?;
    write(home, key, Label::PrivateKey, &identity.key)
}

pub(super) fn write(home: &Home, name: &str, label: Label, bytes: &[u8]) -> Result<(), KeysError> {
    write_text(home, name, &passphrase::closed(home, label, &pem::encode(label, bytes))?)
}

fn write_text(home: &Home, name: &str, text: &str) -> Result<(), KeysError> {
    let path = home.key(name);
    let fault = |source| KeysError::io(&path, source);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(fault)?;
    file.write_all(text.as_bytes()).map_err(fault)?;
    file.sync_all().map_err(fault)
}

/// The same, for a directory in use: the file has its name only when it is whole and durable.
pub(super) fn write_whole(home: &Home, name: &str, label: Label, bytes: &[u8]) -> Result<(), KeysError> {
    let temporary = format!(".new-{name}");
    let (from, path) = (home.key(&temporary), home.key(name));
    match fs::remove_file(&from) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(KeysError::io(&from, source)),
        _ => write(home, &temporary, label, bytes)?,
    }
    fs::rename(&from, &path).map_err(|source| KeysError::io(&path, source))?;
    fs::File::open(home.key("")).and_then(|dir| dir.sync_all()).map_err(|source| KeysError::io(&path, source))
}

pub(super) fn read(home: &Home, name: &str, label: Label) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    let path = home.key(name);
    let mode = fs::metadata(&path).map_err(|source| KeysError::io(&path, source))?.mode();
    if mode & 0o077 != 0 {
        return Err(KeysError::Open { path });
    }
    let text = Zeroizing::new(fs::read(&path).map_err(|source| KeysError::io(&path, source))?);
    let text = passphrase::opened(&path, text)?;
    pem::decode(label, &text).map_err(|cause| KeysError::Pem { path, cause })
}

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file.
    #[error("key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Other users may read it.
    #[error("key file {path} can be read by other users; run chmod 600 on it, and think about who has read it")]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// Locked, and nobody named a passphrase.
    #[error(
        "key file {path} is locked; name the file of its passphrase in ROGATORY_KEY_PASSPHRASE_FILE, or by systemd's LoadCredential=rogatory-key-passphrase:…"
    )]
    NoPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// A passphrase that is none.
    #[error("{path} holds no passphrase of at least 12 bytes in its first line")]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// A locked file that stays closed.
    #[error("key file {path}: {cause}")]
    Locked {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: LockedError,
    },
    /// The node runs.
    #[error(transparent)]
    InUse(LockError),
    /// Not the block that belongs there.
    #[error("key file {path}: {cause}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: PemError,
    },
    /// The block is no key.
    #[error("key file {path} holds no key of the kind that belongs there; restore it from the backup")]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// Signing certificate and key.
    #[error("the seal key does not fit its certificate: {0}")]
    Signer(#[from] SignerError),
    /// A certificate.
    #[error("a certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The revocation list.
    #[error("{0}; it is keys/{REVOCATIONS}")]
    Revocations(#[from] RevocationListError),
    /// Making a certificate.
    #[error("a certificate could not be made: {0}")]
    Issue(#[from] IssueError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The name of the log.
    #[error("the authority's identifier makes no log name")]
    LogName,
}

impl KeysError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
