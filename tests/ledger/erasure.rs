//! An erased entry: its bytes are gone, its place and every proof stay; and an erasure that is cut short anywhere is ended.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use rogatory::crypto::digest::sha256;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::leaf_hash;
use rogatory::store::erasure::{EraseError, Left};
use rogatory::store::erasure_intent::{Form, Intent, State, Target};
use rogatory::store::frame::FRAME_HEADER_BYTES;
use rogatory::store::fsck::{FsckError, Mode, fsck};
use rogatory::store::journal::Place;
use rogatory::store::ledger::{Entry, Ledger};
use rogatory::store::reader::{ReadOpenError, Reader};
use rogatory::store::segment::{Access, SEGMENT_HEADER_BYTES, Segment, Step};

use crate::common::*;

fn tombstone() -> Entry {
    Entry { record: b"the tombstone".to_vec(), enclosures: Vec::new() }
}

/// Where the frame of an entry stands, and its bytes.
fn frame(dir: &Path, index: u64) -> (Place, Vec<u8>) {
    for path in segments(dir) {
        let first = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let segment = Segment::open(&dir.join("journal"), first, Access::ReadOnly).unwrap();
        let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
        while let Step::Frame { offset, frame } = frames.step().unwrap() {
            let found = match frame {
                rogatory::store::frame::Frame::Entry { index, .. }
                | rogatory::store::frame::Frame::Erased { index, .. } => index,
                rogatory::store::frame::Frame::Checkpoint { .. } => continue,
            };
            if found == index {
                let bytes = fs::read(&path).unwrap();
                let (from, until) = (usize::try_from(offset).unwrap(), usize::try_from(frames.offset()).unwrap());
                return (Place { segment: first, offset }, bytes[from..until].to_vec());
            }
        }
    }
    panic!("no entry {index}")
}

fn holds(dir: &Path, text: &[u8]) -> bool {
    segments(dir).iter().any(|path| fs::read(path).unwrap().windows(text.len()).any(|window| window == text))
}

/// The entry is erased, every other one is as it was, and all prove their places.
fn erased_alone(reader: &Reader, index: u64, others: u64) {
    assert_eq!(reader.read(index).unwrap().content, None);
    for other in (0..others).filter(|other| *other != index) {
        let content = reader.read(other).unwrap().content.unwrap();
        assert_eq!((content.record, content.enclosures_erased), (record(other), 0));
    }
    let mut seen = Vec::new();
    reader
        .scan(0, |stored| {
            seen.push(stored.index);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, (0..reader.size()).collect::<Vec<_>>());
    for any in 0..reader.size() {
        let leaf = leaf_hash(&reader.read(any).unwrap().commitment.0);
        let proof = TlogProof::parse(reader.prove(any).unwrap().as_bytes()).unwrap();
        assert_eq!(proof.verify(&leaf, &[verifier()]).unwrap().index(), any);
    }
}

#[test]
fn an_erased_entry_leaves_the_log_whole_and_its_old_proof_valid() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (1..=100).for_each(|size| fill(&ledger, size));
    let commitment = ledger.reader().read(2).unwrap().commitment;
    let old = ledger.reader().prove(2).unwrap();
    let appended = ledger.erase(&[2, 50, 99], tombstone(), |_| {}).unwrap();
    assert_eq!(appended.index, 100);
    assert!(matches!(ledger.erase(&[3], tombstone(), |_| {}), Err(EraseError::Unfinished)));
    ledger.settle_erasure().unwrap();
    assert_eq!(ledger.reader().read(2).unwrap().content, None);
    for gone in ["record 2\x01", "enclosed 2\0", "record 50", "enclosed 50", "record 99", "enclosed 99"] {
        assert!(!holds(dir.path(), gone.as_bytes()), "{gone:?}");
    }
    for stays in ["record 3\x01", "enclosed 3\0", "record 51", "enclosed 51"] {
        assert!(holds(dir.path(), stays.as_bytes()), "{stays:?}");
    }
    let proof = TlogProof::parse(old.as_bytes()).unwrap();
    assert_eq!(
        proof.verify(&leaf_hash(&commitment.0), &[verifier()]).unwrap().index(),
        2,
        "a proof that was given stays"
    );
    assert_eq!(ledger.append(entry(101)).unwrap().index, 101);
    ledger.close();
    let report = fsck(dir.path(), &verifier(), Mode::Report).unwrap();
    assert!(report.is_sound() && report.entries == 102, "{report:?}");
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    for path in segments(dir.path()) {
        let _ = fs::remove_file(path.with_extension("idx"));
    }
    let ledger = open(dir.path());
    assert_eq!(ledger.erasure_left(), Left::Nothing);
    assert_eq!(ledger.reader().read(50).unwrap().content, None);
    assert_eq!(ledger.reader().read(2).unwrap().commitment, commitment);
    assert_eq!(ledger.reader().read(3).unwrap().content.unwrap().record, record(3));
    // What is erased is passed over when it is named again.
    ledger.erase(&[2, 3], tombstone(), |_| {}).unwrap();
    ledger.settle_erasure().unwrap();
    assert_eq!(ledger.reader().read(3).unwrap().content, None);
}

#[test]
fn enclosures_go_alone_and_the_record_still_proves_its_commitment() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 3);
    let enclosures = [b"a wrapped key".to_vec(), b"a letter".to_vec()];
    let index = ledger.append(Entry { record: record(3), enclosures: enclosures.to_vec() }).unwrap().index;
    let commitment = ledger.reader().read(index).unwrap().commitment;
    let key = sha256(&enclosures[0]);
    for _ in 0..2 {
        ledger.erase_enclosures(&[(index, vec![key])], |_| {}).unwrap();
        assert!(!holds(dir.path(), b"wrapped key"));
        let stored = ledger.reader().read(index).unwrap();
        let content = stored.content.unwrap();
        assert_eq!(stored.commitment, commitment);
        assert_eq!((content.record, content.enclosures), (record(3), vec![enclosures[1].clone()]));
        assert_eq!(content.enclosures_erased, 1);
        assert!(!Intent::is_there(dir.path()), "nothing was derived from a key");
    }
    ledger.close();
    assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
    let ledger = open(dir.path());
    assert!(ledger.reader().prove(index).is_ok());
    // The whole entry can go later.
    ledger.erase(&[index], tombstone(), |_| {}).unwrap();
    assert!(!holds(dir.path(), b"a letter"));
    erased_alone(ledger.reader(), index, 3);
}

#[test]
fn nothing_is_erased_or_logged_when_an_entry_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 3);
    assert!(matches!(ledger.erase(&[1, 3], tombstone(), |_| {}), Err(EraseError::NoEntry(3))));
    assert_eq!(ledger.reader().size(), 3);
    assert!(!Intent::is_there(dir.path()));
    assert!(ledger.reader().read(1).unwrap().content.is_some());
}

/// A log of four entries, closed; the frame of entry 1 as it is and as it will be, and the intent that says so.
fn about_to_erase(dir: &Path, whole: Whole) -> (Place, Vec<u8>, Vec<u8>, Intent) {
    let ledger = open(dir);
    fill(&ledger, 4);
    let commitment = ledger.reader().read(1).unwrap().commitment;
    ledger.close();
    let (place, before) = frame(dir, 1);
    let copy = tempfile::tempdir().unwrap();
    copy_dir(dir, copy.path());
    let ledger = open(copy.path());
    match whole {
        Whole::Yes => drop(ledger.erase(&[1], tombstone(), |_| {}).unwrap()),
        Whole::No => ledger.erase_enclosures(&[(1, vec![sha256(b"enclosed 1")])], |_| {}).unwrap(),
    }
    ledger.close();
    let (_, after) = frame(copy.path(), 1);
    assert_eq!(before.len(), after.len());
    let form = match whole {
        Whole::Yes => Form::Whole { commitment },
        Whole::No => Form::Enclosures { mask: 1, frame: sha256(&after) },
    };
    let target = Target { index: 1, place, body_bytes: before.len() - FRAME_HEADER_BYTES, form };
    (place, before, after, Intent { state: State::Begun, targets: vec![target] })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

fn write_at(dir: &Path, place: Place, bytes: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    let segment = Segment::open(&dir.join("journal"), place.segment, Access::ReadWrite).unwrap();
    segment.file().write_all_at(bytes, place.offset).unwrap();
}

#[test]
fn an_overwriting_torn_at_any_byte_is_ended_by_the_next_start_and_is_never_damage() {
    for whole in [Whole::Yes, Whole::No] {
        let dir = tempfile::tempdir().unwrap();
        let (place, before, after, intent) = about_to_erase(dir.path(), whole);
        for torn in 0..=before.len() {
            // From the front, as one write goes; and from the back, as a disk may persist its sectors.
            for mixed in [[&after[..torn], &before[torn..]].concat(), [&before[..torn], &after[torn..]].concat()] {
                write_at(dir.path(), place, &mixed);
                intent.write(dir.path()).unwrap();
                let read_only = Reader::open_read_only(dir.path(), &verifier());
                assert!(matches!(read_only, Err(ReadOpenError::Erasing)), "torn at {torn}");
                assert!(matches!(fsck(dir.path(), &verifier(), Mode::Report), Err(FsckError::Erasing)));
                let ledger = open(dir.path());
                assert_eq!(frame(dir.path(), 1).1, after, "torn at {torn}");
                if whole == Whole::Yes {
                    assert_eq!(ledger.erasure_left(), Left::DerivedThings);
                    assert!(Intent::is_there(dir.path()), "a crash before the index is made again comes back here");
                    erased_alone(ledger.reader(), 1, 4);
                    ledger.settle_erasure().unwrap();
                } else {
                    assert_eq!(ledger.erasure_left(), Left::Nothing);
                    assert_eq!(ledger.reader().read(1).unwrap().content.unwrap().enclosures_erased, 1);
                }
                assert!(!Intent::is_there(dir.path()));
                ledger.close();
            }
        }
        assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
    }
}

#[test]
fn an_erasure_that_was_asked_is_done_if_its_tombstone_stands_in_the_log_and_dropped_if_not() {
    let dir = tempfile::tempdir().unwrap();
    let (_, _, _, begun) = about_to_erase(dir.path(), Whole::Yes);
    let asked =
        |index, record: &[u8]| Intent { state: State::Asked { index, record: sha256(record) }, ..begun.clone() };
    for (index, said) in [(4, b"the tombstone".to_vec()), (3, b"the tombstone".to_vec())] {
        asked(index, &said).write(dir.path()).unwrap();
        let ledger = open(dir.path());
        assert!(ledger.reader().read(1).unwrap().content.is_some());
        assert!(!Intent::is_there(dir.path()));
    }
    let ledger = open(dir.path());
    ledger.append(tombstone()).unwrap();
    ledger.close();
    asked(4, b"the tombstone").write(dir.path()).unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.erasure_left(), Left::DerivedThings);
    erased_alone(ledger.reader(), 1, 4);
}

#[test]
fn a_rotten_frame_is_not_put_together_from_what_is_left_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (place, mut before, _, intent) = about_to_erase(dir.path(), Whole::No);
    before[FRAME_HEADER_BYTES + 40] ^= 1;
    write_at(dir.path(), place, &before);
    intent.write(dir.path()).unwrap();
    assert!(try_open(dir.path()).unwrap_err().to_string().contains("damaged from entry 1 on"));
    assert_eq!(frame_bytes(dir.path(), place, before.len()), before, "nothing was written");
}

fn frame_bytes(dir: &Path, place: Place, length: usize) -> Vec<u8> {
    use std::os::unix::fs::FileExt as _;
    let segment = Segment::open(&dir.join("journal"), place.segment, Access::ReadOnly).unwrap();
    let mut bytes = vec![0; length];
    segment.file().read_exact_at(&mut bytes, place.offset).unwrap();
    bytes
}

#[test]
fn readers_never_see_half_an_erasure() {
    let dir = tempfile::tempdir().unwrap();
    let ledger: Ledger = open(dir.path());
    for number in 0..40 {
        ledger.append(Entry { record: record(number), enclosures: vec![vec![7; 10_000]] }).unwrap();
    }
    let reader = std::sync::Arc::clone(ledger.reader());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for index in 0..40 {
                    reader.read(index).unwrap();
                }
                reader.scan(0, |_| ControlFlow::Continue(())).unwrap();
            }
        });
        for index in 0..40 {
            ledger.erase(&[index], tombstone(), |_| std::thread::yield_now()).unwrap();
            ledger.settle_erasure().unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        reading.join().unwrap();
    });
}
