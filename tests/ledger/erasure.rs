//! An erased entry: its bytes are gone, its place and every proof stay.

use std::fs;
use std::os::unix::fs::FileExt as _;

use rogatory::store::frame::{FRAME_HEADER_BYTES, Frame, encode_erased};
use rogatory::store::fsck::{Mode, fsck};
use rogatory::store::segment::{Access, SEGMENT_HEADER_BYTES, Segment, Step};

use crate::common::*;

#[test]
fn an_erased_entry_leaves_the_log_whole_and_its_proof_valid() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (1..=5).for_each(|size| fill(&ledger, size));
    let commitment = ledger.reader().read(2).unwrap().commitment;
    let proof = ledger.reader().prove(2).unwrap();
    ledger.close();
    let journal = dir.path().join("journal");
    let segment = Segment::open(&journal, 0, Access::ReadWrite).unwrap();
    let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
    let (from, until) = loop {
        let Step::Frame { offset, frame } = frames.step().unwrap() else { panic!("no entry 2") };
        if matches!(frame, Frame::Entry { index: 2, .. }) {
            break (offset, frames.offset());
        }
    };
    let body_bytes = usize::try_from(until - from).unwrap() - FRAME_HEADER_BYTES;
    let mut erased = Vec::new();
    encode_erased(&mut erased, 2, &commitment, body_bytes);
    segment.file().write_all_at(&erased, from).unwrap();
    let bytes = fs::read(segment.path()).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"record 2"));
    assert!(fsck(dir.path(), &verifier(), Mode::Report).unwrap().is_sound());
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    let ledger = open(dir.path());
    let stored = ledger.reader().read(2).unwrap();
    assert_eq!((stored.commitment, stored.content), (commitment, None));
    assert_eq!(ledger.reader().prove(2).unwrap(), proof);
    assert_eq!(ledger.reader().read(3).unwrap().content.unwrap().record, record(3));
}
