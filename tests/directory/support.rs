//! Keepers, authorities and directories to test with.

use std::sync::OnceLock;

use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::issue::{self, Validity};
use rogatory::custody::note::VerifierKey;
use rogatory::exchange::canonical::Json;
use rogatory::exchange::entry::Entry;
use rogatory::exchange::keeper::{Fingerprint, KeeperKey, Signature};
use rogatory::exchange::keeping::{self, Change, Expiries, Keepers};
use rogatory::exchange::reading::Reading;
use rogatory::exchange::repository::{FileName, Files};
use rogatory::model::authority::{Authority, Provenance, ReceivingKey};
use rogatory::model::limits::RECEIVING_KEY_BYTES;
use rogatory::model::time::Timestamp;
use serde_json::{Value, json};

pub(crate) const DAY_MS: u64 = 86_400_000;

/// The files under the root that are signed.
pub(crate) const LIST_METADATA: [FileName; 3] = [FileName::Timestamp, FileName::Snapshot, FileName::Targets];

pub(crate) fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

pub(crate) fn expiries() -> Expiries {
    Expiries { root: now().plus_millis(20 * 365 * DAY_MS), list: now().plus_millis(19 * 365 * DAY_MS) }
}

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

pub(crate) fn public(number: u8) -> KeeperKey {
    KeeperKey::of(&key(number))
}

pub(crate) fn keepers(numbers: &[u8], threshold: usize) -> Keepers {
    Keepers::new(numbers.iter().map(|number| public(*number)), threshold).unwrap()
}

pub(crate) fn authority(id: &str) -> Authority {
    let id: rogatory::model::ident::AuthorityId = id.parse().unwrap();
    let validity = Validity { not_before: now(), not_after: now().plus_millis(365 * DAY_MS) };
    let ca = issue::authority_ca(&id, "Ministry", validity).unwrap();
    let list = issue::revocation_list(&ca, &[], validity.not_before, validity.not_after, 1).unwrap();
    let log = SigningKey::from_seed(&sha256(id.as_str().as_bytes()).0);
    let public_key = id.as_str().bytes().cycle().take(RECEIVING_KEY_BYTES).collect::<Vec<_>>();
    Authority {
        name: "Ministry of Justice".to_owned(),
        endpoints: vec!["node.example:4433".to_owned()],
        issuers: vec![ca.certificate.clone()],
        revocation_lists: vec![list],
        log_keys: vec![VerifierKey::new(id.log_origin().parse().unwrap(), log.public_key()).to_string()],
        witness_keys: Vec::new(),
        time_stamp_issuers: Vec::new(),
        receiving_keys: vec![ReceivingKey {
            id: sha256(&public_key),
            public_key,
            not_before: validity.not_before,
            not_after: validity.not_after,
        }],
        languages: vec!["en".to_owned(), "pt-BR".to_owned()],
        requirements: Vec::new(),
        provenance: Provenance::Depositary,
        id,
    }
}

pub(crate) fn entry(id: &str) -> Entry {
    Entry::new(&authority(id), "Notification of 3 May 2026").unwrap()
}

/// A directory of two authorities, kept by 1, 2 and 3, two of whom must sign; nobody signed. Always the same one.
pub(crate) fn unsigned() -> Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(another).clone()
}

/// A directory like that, of other certificates under the same number.
pub(crate) fn another() -> Files {
    let files = keeping::found(&keepers(&[1, 2, 3], 2), expiries()).unwrap();
    put(&files, &["XA-MOJ", "XB-MOJ"])
}

/// The same, signed by 1 and 2: exactly enough.
pub(crate) fn complete() -> Files {
    signed(&unsigned(), &[1, 2])
}

pub(crate) fn put(files: &Files, ids: &[&str]) -> Files {
    let rows = ids.iter().map(|id| entry(id)).collect();
    keeping::change(files, Change::Put(rows), expiries().list).unwrap().files
}

pub(crate) fn signed(files: &Files, numbers: &[u8]) -> Files {
    numbers.iter().fold(files.clone(), |files, number| keeping::sign(&files, &key(*number)).unwrap().0)
}

/// The fingerprint of the first root.
pub(crate) fn pin(files: &Files) -> Fingerprint {
    Fingerprint::from(Reading::of(files).unwrap().roots().next().unwrap().digest())
}

/// The files with one of them replaced.
pub(crate) fn with(files: &Files, name: FileName, bytes: impl Into<Vec<u8>>) -> Files {
    let mut files = files.clone();
    files.put(name, bytes.into()).unwrap();
    files
}

/// The files with one of them taken from others.
pub(crate) fn with_from(files: &Files, name: FileName, others: &Files) -> Files {
    with(files, name, others.file(name).unwrap())
}

pub(crate) fn json(files: &Files, name: FileName) -> Value {
    serde_json::from_slice(files.file(name).unwrap()).unwrap()
}

/// The files with one of them changed as JSON, its signatures left as they are.
pub(crate) fn edited(files: &Files, name: FileName, edit: impl FnOnce(&mut Value)) -> Files {
    let mut value = json(files, name);
    edit(&mut value);
    with(files, name, serde_json::to_vec(&value).unwrap())
}

/// The files with the signed part of one changed, and signed anew by 1 and 2: what rogue keepers could publish.
pub(crate) fn forged(files: &Files, name: FileName, edit: impl FnOnce(&mut Value)) -> Files {
    let mut signed = json(files, name)["signed"].clone();
    edit(&mut signed);
    with(files, name, envelope(&signed, &[1, 2]))
}

/// The files with another list, and targets that name it, signed by 1 and 2.
pub(crate) fn with_list(files: &Files, list: &Value) -> Files {
    let bytes = serde_json::to_vec(list).unwrap();
    let files = forged(files, FileName::Targets, |targets| {
        targets["targets"]["directory.json"]["length"] = json!(bytes.len());
        targets["targets"]["directory.json"]["hashes"]["sha256"] = json!(sha256(&bytes).to_string());
    });
    with(&files, FileName::Listing, bytes)
}

fn envelope(signed: &Value, numbers: &[u8]) -> Vec<u8> {
    let canonical = Json::of(signed).unwrap().canonical();
    let row = |number: &u8| {
        let key = key(*number);
        json!({"keyid": KeeperKey::of(&key).id().to_string(), "sig": Signature::of(&canonical, &key).to_string()})
    };
    let signatures: Vec<Value> = numbers.iter().map(row).collect();
    serde_json::to_vec(&json!({"signatures": signatures, "signed": signed})).unwrap()
}
