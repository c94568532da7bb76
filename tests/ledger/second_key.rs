//! The log's ML-DSA-44 key: it signs what is published beside the Ed25519 key, and a log without it works as before.

use std::fs;
use std::path::Path;

use rogatory::crypto::mldsa;
use rogatory::custody::checkpoint::{LogSigner, SignedCheckpoint};
use rogatory::custody::note::{Note, VerifierKey};
use rogatory::store::fsck::{Mode, fsck};
use rogatory::store::ledger::Ledger;

use crate::common::*;
use crate::judge::judge;

fn lasting() -> mldsa::SigningKey {
    mldsa::SigningKey::from_seed(&[2; 32])
}

fn lasting_verifier() -> VerifierKey {
    VerifierKey::ml_dsa_44(origin(), lasting().public_key().clone())
}

fn open_with_both(dir: &Path) -> Ledger {
    let keys = LogSigner { ed25519: key(), ml_dsa_44: Some(lasting()) };
    Ledger::open_with(dir, origin(), keys, SEGMENT_BYTES, Box::new(|_| {})).unwrap()
}

/// The published note and how many of the log's keys signed it.
fn published(dir: &Path) -> (Note, usize) {
    let note = Note::parse(&fs::read(dir.join("checkpoint")).unwrap()).unwrap();
    let signers = note.verify(&[verifier(), lasting_verifier()]).unwrap().len();
    (note, signers)
}

#[test]
fn what_is_published_carries_both_lines_and_what_is_journalled_one() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_with_both(dir.path());
    fill(&ledger, 300);
    let in_journal = ledger.reader().checkpoint().unwrap();
    assert_eq!(in_journal.note().signatures().len(), 1);
    assert!(ledger.reader().prove(0).unwrap().len() < 2_000, "receipts stay small");
    ledger.close();
    let (note, signers) = published(dir.path());
    assert_eq!((note.signatures().len(), signers), (2, 2));
    assert_eq!(note.signatures()[0], in_journal.note().signatures()[0], "Ed25519 first");
    let lines = fs::read_to_string(dir.path().join("log.vkey")).unwrap();
    assert_eq!(lines, format!("{}\n{}\n", verifier(), lasting_verifier()));
    let told = judge(dir.path(), None, &[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_start_publishes_the_same_bytes_again_and_the_reader_hands_them_out() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_with_both(dir.path());
    fill(&ledger, 5);
    ledger.close();
    let (note, _) = published(dir.path());
    let ledger = open_with_both(dir.path());
    assert_eq!(ledger.reader().published().unwrap().note(), &note);
    ledger.close();
    assert_eq!(published(dir.path()).0, note);
}

#[test]
fn a_log_that_gets_its_second_key_later_has_the_line_at_once_and_one_that_loses_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 5);
    ledger.close();
    assert_eq!(published(dir.path()).0.signatures().len(), 1);
    assert_eq!(fs::read_to_string(dir.path().join("log.vkey")).unwrap(), format!("{}\n", verifier()));
    open_with_both(dir.path()).close();
    assert_eq!(published(dir.path()).1, 2);
    let ledger = open(dir.path());
    fill(&ledger, 6);
    check_all(ledger.reader(), 6);
    ledger.close();
    assert_eq!(published(dir.path()).1, 1);
}

#[test]
fn a_damaged_second_line_stops_no_start_is_never_handed_out_and_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_with_both(dir.path());
    fill(&ledger, 5);
    ledger.close();
    let path = dir.path().join("checkpoint");
    let sound = fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    let at = damaged.len() - 1_000;
    damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
    fs::write(&path, &damaged).unwrap();
    assert!(SignedCheckpoint::open(&damaged, &[verifier(), lasting_verifier()]).is_err());
    let ledger = open_with_both(dir.path());
    if let Some(note) = ledger.reader().published() {
        assert_eq!(note.to_bytes(), sound);
    }
    ledger.close();
    assert_eq!(fs::read(&path).unwrap(), sound);
}

#[test]
fn the_full_check_finds_nothing_wrong_with_the_second_line_and_a_repair_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_with_both(dir.path());
    fill(&ledger, 5);
    ledger.close();
    for mode in [Mode::Report, Mode::RepairDerived] {
        let report = fsck(dir.path(), &verifier(), mode).unwrap();
        assert_eq!((report.is_sound(), report.wrong_files_count), (true, 0), "{report:?}");
    }
    assert_eq!(published(dir.path()).1, 2);
}
