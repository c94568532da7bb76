//! What the ledger's tests share.

use std::fs;
use std::path::{Path, PathBuf};

use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::leaf_hash;
use rogatory::store::ledger::{Entry, Ledger, OpenError};
use rogatory::store::reader::Reader;

/// Small segments, so that a log of some hundred entries has many.
pub(crate) const SEGMENT_BYTES: u64 = 16 * 1024;

pub(crate) fn origin() -> KeyName {
    "xa-moj.rogatory/custody".parse().unwrap()
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

pub(crate) fn verifier() -> VerifierKey {
    VerifierKey::new(origin(), key().public_key())
}

pub(crate) fn try_open(dir: &Path) -> Result<Ledger, OpenError> {
    Ledger::open_with(dir, origin(), key(), SEGMENT_BYTES, Box::new(|_| {}))
}

pub(crate) fn open(dir: &Path) -> Ledger {
    try_open(dir).unwrap()
}

pub(crate) fn record(number: u64) -> Vec<u8> {
    format!("record {number}").into_bytes()
}

pub(crate) fn entry(number: u64) -> Entry {
    Entry { record: record(number), enclosures: vec![format!("enclosed {number}").into_bytes()] }
}

/// Appends until the log has `size` entries; several at a time, so that it does not take long.
pub(crate) fn fill(ledger: &Ledger, size: u64) {
    let (tell, told) = std::sync::mpsc::channel();
    for number in ledger.reader().size()..size {
        let tell = tell.clone();
        ledger.submit(entry(number), Box::new(move |done| tell.send(done).unwrap()));
    }
    drop(tell);
    told.iter().for_each(|done| drop(done.unwrap()));
}

/// Every entry (of a long log: every seventh and the last) reads back and proves its place under the checkpoint.
pub(crate) fn check_all(reader: &Reader, size: u64) {
    assert_eq!(reader.size(), size);
    let step = if size > 100 { 7 } else { 1 };
    for index in (0..size).step_by(step).chain(size.checked_sub(1)) {
        let stored = reader.read(index).unwrap();
        assert_eq!(stored.content.unwrap().record, record(index));
        let proof = TlogProof::parse(reader.prove(index).unwrap().as_bytes()).unwrap();
        let included = proof.verify(&leaf_hash(&stored.commitment.0), &[verifier()]).unwrap();
        assert_eq!((included.index(), included.checkpoint().checkpoint().size()), (index, size));
    }
}

pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    found.sort();
    found
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The bytes of a file without the zeros at its end.
pub(crate) fn written(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// The tiles and the checkpoint as they are now.
pub(crate) fn copy_of_published(dir: &Path) -> tempfile::TempDir {
    let kept = tempfile::tempdir().unwrap();
    copy_dir(&dir.join("tile"), &kept.path().join("tile"));
    fs::copy(dir.join("checkpoint"), kept.path().join("checkpoint")).unwrap();
    kept
}

pub(crate) fn put_back(dir: &Path, kept: &tempfile::TempDir) {
    fs::remove_dir_all(dir.join("tile")).unwrap();
    copy_dir(&kept.path().join("tile"), &dir.join("tile"));
    fs::copy(kept.path().join("checkpoint"), dir.join("checkpoint")).unwrap();
}
