//! The full check: it finds any flipped byte of the journal and of what is derived, and repairs the latter only.

use std::fs;
use std::path::Path;

use rogatory::store::fsck::{Mode, fsck};
use rogatory::store::ledger::Ledger;

use crate::common::*;

/// Entries of the small log.
const ENTRIES: u64 = 4;

fn small_log(dir: &Path) {
    // Segments so small that there are several, and each byte of them can be tried.
    let ledger = Ledger::open_with(dir, origin(), key(), 900, Box::new(|_| {})).unwrap();
    for size in 1..=ENTRIES {
        fill(&ledger, size);
    }
    ledger.close();
}

#[test]
fn a_sound_log_is_reported_as_sound() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (1..=30).for_each(|tenth| fill(&ledger, tenth * 10));
    ledger.close();
    let report = fsck(dir.path(), &verifier(), Mode::Report).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.entries, report.published, report.tear), (300, 300, None));
    assert!(report.checkpoints >= 30);
}

#[test]
fn a_flipped_byte_anywhere_in_the_journal_is_noticed_and_named() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let segments = segments(dir.path());
    assert!(segments.len() >= 2);
    for (number, segment) in segments.iter().enumerate() {
        let good = fs::read(segment).unwrap();
        let last = number + 1 == segments.len();
        let used = written(segment).len();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(segment, &bad).unwrap();
            let noticed = match fsck(dir.path(), &verifier(), Mode::Report) {
                // Behind the last batch nothing was acknowledged: it is a tear, and told.
                Ok(report) if last && at >= used => report.is_sound() && report.tear.is_some(),
                Ok(report) => report.first_bad.is_some(),
                Err(error) => error.to_string().contains("version"),
            };
            assert!(noticed, "segment {number} byte {at}");
        }
        fs::write(segment, &good).unwrap();
    }
    assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
}

#[test]
fn the_first_bad_entry_is_the_one_that_was_touched() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    for number in 0..ENTRIES {
        let name = format!("record {number}").into_bytes();
        for segment in segments(dir.path()) {
            let good = fs::read(&segment).unwrap();
            let Some(at) = good.windows(name.len()).position(|window| window == name) else { continue };
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&segment, &bad).unwrap();
            let report = fsck(dir.path(), &verifier(), Mode::RepairDerived).unwrap();
            assert_eq!(report.first_bad.map(|(index, _)| index), Some(number));
            assert_eq!(fs::read(&segment).unwrap(), bad, "the journal is never repaired");
            fs::write(&segment, &good).unwrap();
        }
    }
}

#[test]
fn a_record_rewritten_with_a_right_crc_is_noticed_by_the_signed_tree() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let segment = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    // The frame of entry 0 follows the header and the first checkpoint; it is found by its record.
    let record_at = bytes.windows(8).position(|window| window == b"record 0").unwrap();
    let start = record_at - 20 - 32 - 4;
    let body = u32::from_be_bytes(bytes[start..start + 4].try_into().unwrap());
    let end = start + 20 + usize::try_from(body).unwrap();
    bytes[record_at] = b'R';
    let crc = crc32fast::hash(&[&bytes[start..start + 4], &bytes[start + 8..end]].concat());
    bytes[start + 4..start + 8].copy_from_slice(&crc.to_be_bytes());
    fs::write(&segment, &bytes).unwrap();
    let report = fsck(dir.path(), &verifier(), Mode::Report).unwrap();
    assert_eq!(report.first_bad.map(|(index, _)| index), Some(0));
    let ledger = Ledger::open_with(dir.path(), origin(), key(), 900, Box::new(|_| {})).unwrap();
    let refused = ledger.reader().read(0).unwrap_err().to_string();
    assert!(refused.contains("altered") || refused.contains("does not fit"), "{refused}");
}

#[test]
fn every_derived_file_that_is_touched_is_named_and_repaired_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (1..=30).for_each(|tenth| fill(&ledger, tenth * 10));
    ledger.close();
    let names = [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
        "journal/00000000000000000000.idx",
    ];
    for name in names {
        let path = dir.path().join(name);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        fs::write(&path, bad).unwrap();
        let report = fsck(dir.path(), &verifier(), Mode::Report).unwrap();
        assert_eq!((report.is_sound(), report.wrong_files), (false, vec![name.to_owned()]));
        let report = fsck(dir.path(), &verifier(), Mode::RepairDerived).unwrap();
        assert!(report.is_sound() && report.repaired, "{report:?}");
        assert_eq!(fs::read(&path).unwrap(), good);
        assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
    }
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    assert!(!fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
    assert!(fsck(dir.path(), &verifier(), Mode::RepairDerived).unwrap().is_sound());
    assert_eq!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().published, 300);
}
