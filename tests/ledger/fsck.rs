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

/// Rewrites the frame that holds these bytes with a right CRC, as somebody with the disk and without the key would.
fn rewrite(dir: &Path, from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    for segment in segments(dir) {
        let mut bytes = fs::read(&segment).unwrap();
        let Some(found) = bytes.windows(from.len()).position(|window| window == from) else { continue };
        let body_of = |start: usize| u32::from_be_bytes(bytes[start..start + 4].try_into().unwrap()) as usize;
        let mut start = 64;
        while start + 20 + body_of(start) <= found {
            start += 20 + body_of(start);
        }
        let end = start + 20 + body_of(start);
        bytes[found..found + to.len()].copy_from_slice(to);
        let crc = crc32fast::hash(&[&bytes[start..start + 4], &bytes[start + 8..end]].concat());
        bytes[start + 4..start + 8].copy_from_slice(&crc.to_be_bytes());
        return fs::write(&segment, &bytes).unwrap();
    }
    panic!("nothing holds these bytes");
}

fn long_log(dir: &Path) {
    let ledger = open(dir);
    (1..=60).for_each(|tenth| fill(&ledger, tenth * 10));
    ledger.close();
    assert!(segments(dir).len() >= 3);
}

fn first_bad(dir: &Path) -> (u64, String, u64, Option<u64>) {
    let report = fsck(dir, &verifier(), Mode::Report).unwrap();
    assert!(!report.is_sound());
    let damage = report.damage.unwrap();
    assert_eq!(report.first_bad, Some((damage.index, damage.why.clone())));
    (damage.index, damage.why, damage.proven, damage.next_intact.map(|(index, _)| index))
}

#[test]
fn an_entry_rewritten_in_the_middle_of_a_batch_is_named_exactly_by_the_published_bundles() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 3);
    let big: Vec<_> = (3..40).map(|_| 0_u8).collect();
    // One batch of many: the writer takes what waits.
    fill(&ledger, 3 + big.len() as u64);
    ledger.close();
    rewrite(dir.path(), b"record 27", b"Record 27");
    let (index, why, proven, next) = first_bad(dir.path());
    assert_eq!((index, next), (27, Some(28)));
    assert!(why.contains("altered") && proven <= 27, "{why} {proven}");
    // Without the bundles it is known only since which checkpoint.
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    let (index, why, proven, _) = first_bad(dir.path());
    assert!(index <= 27 && index == proven && why.contains("the root is another one"), "{index} {why}");
}

#[test]
fn of_two_damaged_entries_the_first_is_named_wherever_the_second_lies() {
    let dir = tempfile::tempdir().unwrap();
    long_log(dir.path());
    for (early, late) in [(7_u64, 599), (120, 590), (7, 9)] {
        let kept: Vec<_> = segments(dir.path()).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
        for number in [early, late] {
            let name = format!("record {number}");
            for segment in segments(dir.path()) {
                let mut bytes = fs::read(&segment).unwrap();
                let found = bytes.windows(name.len()).position(|window| window == name.as_bytes());
                if let Some(at) = found.filter(|at| !bytes[at + name.len()].is_ascii_digit()) {
                    bytes[at] ^= 0x20;
                    fs::write(&segment, bytes).unwrap();
                    break;
                }
            }
        }
        let (index, why, proven, next) = first_bad(dir.path());
        assert_eq!((index, next), (early, Some(early + 1)), "{why}");
        assert!(proven <= early && proven + 10 > early, "{proven}");
        kept.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    }
}

#[test]
fn a_missing_a_swapped_and_a_doubled_segment_are_named_where_the_log_breaks_off() {
    let dir = tempfile::tempdir().unwrap();
    long_log(dir.path());
    let all = segments(dir.path());
    let first_of = |path: &Path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let second = first_of(&all[1]);
    let aside = dir.path().join("aside");
    fs::rename(&all[1], &aside).unwrap();
    let (index, why, proven, next) = first_bad(dir.path());
    assert_eq!((index, proven, next), (second, second, Some(first_of(&all[2]))));
    assert!(why.contains("is missing"), "{why}");
    fs::rename(&all[0], &all[1]).unwrap();
    fs::rename(&aside, &all[0]).unwrap();
    let (index, why, proven, _) = first_bad(dir.path());
    assert_eq!((index, proven), (0, 0), "{why}");
    fs::rename(&all[0], &aside).unwrap();
    fs::rename(&all[1], &all[0]).unwrap();
    fs::copy(&all[0], &all[1]).unwrap();
    assert_eq!(first_bad(dir.path()).0, second);
    fs::rename(&aside, &all[1]).unwrap();
    assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
    // The newest segment is gone: what was published says so.
    let last = all.last().unwrap();
    fs::rename(last, &aside).unwrap();
    let (index, why, ..) = first_bad(dir.path());
    assert!(index <= first_of(last) && (why.contains("600") || why.contains("not intact")), "{index} {why}");
}

#[test]
fn a_running_log_is_checked_as_far_as_it_is_published_while_it_grows_and_turns_its_segments() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 40);
    while ledger.reader().published_size() < 40 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap_err().to_string().contains("another rogatory process"));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for tenth in 5..=90 {
                fill(&ledger, tenth * 10);
                std::thread::sleep(std::time::Duration::from_millis(15));
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let mut sizes = Vec::new();
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let report = fsck(dir.path(), &verifier(), Mode::BesideTheNode).unwrap();
            assert!(report.is_sound(), "{report:?}");
            assert_eq!(report.entries, report.published);
            sizes.push(report.entries);
        }
        assert!(sizes.first() < sizes.last(), "{sizes:?}");
    });
    while ledger.reader().published_size() < 900 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let bundle = dir.path().join("tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[5] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let report = fsck(dir.path(), &verifier(), Mode::BesideTheNode).unwrap();
    assert_eq!(report.wrong_files, ["tile/entries/000"]);
    let segment = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(8).position(|window| window == b"record 7").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let report = fsck(dir.path(), &verifier(), Mode::BesideTheNode).unwrap();
    assert_eq!(report.first_bad.unwrap().0, 7);
    ledger.close();
}
