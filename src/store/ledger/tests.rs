//! What the ledger does when its disk fails: the appender gets files that refuse.

use std::fs::{File, OpenOptions};
use std::sync::Mutex;

use super::*;
use crate::crypto::ed25519::SigningKey;

fn origin() -> KeyName {
    "xa-moj.rogatory/custody".parse().unwrap()
}

fn open(dir: &Path) -> Ledger {
    let key = SigningKey::from_seed(&[1; 32]);
    Ledger::open_with(dir, origin(), key, 64 * 1024, Box::new(|_| {})).unwrap()
}

fn entry(text: &str) -> Entry {
    Entry { record: text.as_bytes().to_vec(), enclosures: Vec::new() }
}

#[test]
fn after_a_failed_sync_nothing_is_taken_and_what_was_acknowledged_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.append(entry("acknowledged")).unwrap().index, 0);
    // /dev/null takes every write and refuses to sync.
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    ledger.sabotage(move |appender| appender.replace_file(null));
    let refused = ledger.append(entry("lost")).unwrap_err();
    assert!(matches!(&refused, AppendError::Poisoned(_)), "{refused}");
    assert_eq!(ledger.append(entry("later")).unwrap_err(), refused);
    assert_eq!(ledger.reader().size(), 1);
    assert!(ledger.reader().prove(0).is_ok());
    drop(ledger);
    let again = open(dir.path());
    assert_eq!(again.reader().size(), 1);
    assert_eq!(again.append(entry("after the restart")).unwrap().index, 1);
}

#[test]
fn after_a_failed_write_nothing_is_taken_even_when_the_disk_would_take_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    ledger.sabotage(move |appender| appender.replace_file(full));
    assert!(matches!(ledger.append(entry("lost")), Err(AppendError::Poisoned(_))));
    let good = File::create(dir.path().join("elsewhere")).unwrap();
    ledger.sabotage(move |appender| appender.replace_file(good));
    assert!(matches!(ledger.append(entry("later")), Err(AppendError::Poisoned(_))));
}

#[test]
fn a_full_disk_refuses_cleanly_and_the_same_entry_is_taken_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.append(entry("one")).unwrap();
    ledger.sabotage(|appender| appender.set_segment_bytes(i64::MAX.unsigned_abs()));
    assert_eq!(ledger.append(entry("two")).unwrap_err(), AppendError::NoSpace);
    assert_eq!(ledger.append(entry("two")).unwrap_err(), AppendError::NoSpace);
    ledger.sabotage(|appender| appender.set_segment_bytes(64 * 1024));
    assert_eq!(ledger.append(entry("two")).unwrap().index, 1);
    drop(ledger);
    assert_eq!(open(dir.path()).reader().size(), 2);
}

#[test]
fn the_observer_sees_each_batch_in_order_before_its_caller_does() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let observer: Observer = Box::new(move |batch| {
        let records = batch.iter().map(|c| (c.index, c.record.to_vec(), c.enclosures.to_vec()));
        to.lock().unwrap().extend(records);
    });
    let key = SigningKey::from_seed(&[1; 32]);
    let ledger = Ledger::open(dir.path(), origin(), key, observer).unwrap();
    for number in 0..5_u64 {
        let given = Entry { record: vec![7; 3], enclosures: vec![number.to_be_bytes().to_vec()] };
        let appended = ledger.append(given).unwrap();
        let last = seen.lock().unwrap().last().cloned().unwrap();
        assert_eq!(last, (appended.index, vec![7; 3], vec![number.to_be_bytes().to_vec()]));
    }
    assert_eq!(seen.lock().unwrap().len(), 5);
}

#[test]
fn a_closed_ledger_and_a_too_large_entry_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let large = Entry { record: vec![0; RECORD_BYTES_MAX + 1], enclosures: Vec::new() };
    assert_eq!(ledger.append(large).unwrap_err(), AppendError::TooLarge);
    let many = Entry { record: Vec::new(), enclosures: vec![Vec::new(); ENCLOSURES_MAX + 1] };
    assert_eq!(ledger.append(many).unwrap_err(), AppendError::TooLarge);
    let largest = Entry {
        record: vec![1; RECORD_BYTES_MAX],
        enclosures: vec![vec![2; ENCLOSURE_BYTES_MAX / ENCLOSURES_MAX]; ENCLOSURES_MAX],
    };
    let index = ledger.append(largest.clone()).unwrap().index;
    let stored = ledger.reader().read(index).unwrap().content.unwrap();
    assert!(stored.record == largest.record && stored.enclosures == largest.enclosures);
}
