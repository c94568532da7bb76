//! What a crash, or a bad disk, leaves at the end of the journal.

use std::fs;
use std::path::{Path, PathBuf};

use rogatory::store::ledger::{Entry, OpenError};
use rogatory::store::reader::Reader;
use rogatory::store::segment::JournalError;

use crate::common::*;

/// A log of two published entries and a third that never was: its segment, what is written there, and how much of
/// that belongs to the first two.
fn crashed(dir: &Path) -> (PathBuf, Vec<u8>, usize) {
    let ledger = open(dir);
    fill(&ledger, 2);
    ledger.close();
    let published = copy_of_published(dir);
    let segment = segments(dir).pop().unwrap();
    let before = written(&segment).len();
    let ledger = open(dir);
    fill(&ledger, 3);
    ledger.close();
    put_back(dir, &published);
    let whole = written(&segment);
    (segment, whole, before)
}

fn put(segment: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(usize::try_from(SEGMENT_BYTES).unwrap(), 0);
    fs::write(segment, &bytes).unwrap();
    bytes
}

#[test]
fn a_batch_cut_at_any_byte_is_wholly_there_or_wholly_gone_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, whole, before) = crashed(dir.path());
    let kept = copy_of_published(dir.path());
    for length in before..=whole.len() {
        put(&segment, &whole[..length]);
        put_back(dir.path(), &kept);
        let expected = if length == whole.len() { 3 } else { 2 };
        let reader = Reader::open_read_only(dir.path(), &verifier()).unwrap();
        assert_eq!(reader.size(), expected, "cut at {length}");
        drop(reader);
        let ledger = open(dir.path());
        let something_written = whole[before..length].iter().any(|byte| *byte != 0);
        assert_eq!(ledger.reader().tear().is_some(), something_written && expected == 2);
        check_all(ledger.reader(), expected);
        ledger.close();
        let ledger = open(dir.path());
        assert!(ledger.reader().tear().is_none());
        fill(&ledger, 4);
        check_all(ledger.reader(), 4);
    }
}

#[test]
fn a_file_cut_short_at_any_byte_of_the_last_batch_is_read_as_far_as_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, whole, before) = crashed(dir.path());
    let kept = copy_of_published(dir.path());
    for length in (before..whole.len()).step_by(7) {
        fs::write(&segment, &whole[..length]).unwrap();
        put_back(dir.path(), &kept);
        let ledger = open(dir.path());
        fill(&ledger, 4);
        check_all(ledger.reader(), 4);
        ledger.close();
        fs::remove_file(segments(dir.path()).pop().unwrap()).unwrap();
    }
}

#[test]
fn a_batch_with_any_garbled_byte_is_gone_or_named_as_damaged_and_never_altered() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, whole, before) = crashed(dir.path());
    let kept = copy_of_published(dir.path());
    let (mut gone, mut named) = (0, 0);
    for at in before..whole.len() {
        let mut garbled = whole.clone();
        garbled[at] ^= 0x41;
        let garbled = put(&segment, &garbled);
        put_back(dir.path(), &kept);
        match try_open(dir.path()) {
            Ok(ledger) => {
                check_all(ledger.reader(), 2);
                assert!(ledger.reader().tear().is_some());
                gone += 1;
            }
            Err(OpenError::Journal(JournalError::Damaged { index, .. })) => {
                assert_eq!(index, 2, "byte {at}");
                assert_eq!(fs::read(&segment).unwrap(), garbled, "a damaged journal is not touched");
                named += 1;
            }
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(gone > 100 && named > 50, "{gone} {named}");
}

#[test]
fn a_sector_that_never_reached_the_disk_takes_its_unacknowledged_batch_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 2);
    ledger.close();
    let kept = copy_of_published(dir.path());
    let segment = segments(dir.path()).pop().unwrap();
    let ledger = open(dir.path());
    ledger.append(Entry { record: vec![7; 3_000], enclosures: Vec::new() }).unwrap();
    ledger.close();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[2_048..2_560].fill(0);
    fs::write(&segment, &bytes).unwrap();
    // Published, it was acknowledged: no guess is made.
    let refused = try_open(dir.path()).unwrap_err();
    let named = matches!(refused, OpenError::Journal(JournalError::Damaged { index: 2, .. }));
    assert!(named, "{refused}");
    put_back(dir.path(), &kept);
    let ledger = open(dir.path());
    assert_eq!(ledger.reader().tear().map(|tear| tear.size), Some(2));
    check_all(ledger.reader(), 2);
}

#[test]
fn damage_before_the_last_checkpoint_is_refused_by_name_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for size in 1..=4 {
        fill(&ledger, size);
    }
    ledger.close();
    let segment = segments(dir.path()).pop().unwrap();
    let good = fs::read(&segment).unwrap();
    let at = good.windows(8).position(|window| window == b"record 1").unwrap();
    for damage in [[0xff; 8], [0; 8]] {
        let mut bytes = good.clone();
        bytes[at..at + 8].copy_from_slice(&damage);
        fs::write(&segment, &bytes).unwrap();
        let refused = try_open(dir.path()).unwrap_err();
        let named = matches!(refused, OpenError::Journal(JournalError::Damaged { index: 1, .. }));
        assert!(named, "{refused}");
        assert_eq!(fs::read(&segment).unwrap(), bytes);
    }
}

#[test]
fn a_crash_between_two_segments_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (1..=20).for_each(|fifth| fill(&ledger, fifth * 10));
    ledger.close();
    let last = segments(dir.path()).pop().unwrap();
    // The first batch of the last segment never came whole.
    let mut bytes = fs::read(&last).unwrap();
    let size: u64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    bytes[84..].fill(0);
    fs::write(&last, &bytes).unwrap();
    fs::write(dir.path().join("journal/next.tmp"), b"half made").unwrap();
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    let ledger = open(dir.path());
    assert!(ledger.reader().tear().is_some());
    check_all(ledger.reader(), size);
    fill(&ledger, 250);
    check_all(ledger.reader(), 250);
}

#[test]
fn a_log_whose_very_first_batch_was_torn_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close();
    let segment = segments(dir.path()).pop().unwrap();
    let mut bytes = written(&segment);
    bytes.pop();
    put(&segment, &bytes);
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 3);
    check_all(ledger.reader(), 3);
}
