//! Every frame against its bytes in `tests/vectors/wire/`, every bound of the decoder, and the round trip.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::Path;

use proptest::prelude::*;
use rogatory::model::event::Stage;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::limits::{
    ENVELOPE_BYTES_MAX, FETCH_PARTS_MAX, FRAME_BYTES_MAX, NOTE_BYTES_MAX, OBJECTS_MAX, ORIGIN_BYTES_MAX, PART_BYTES,
    PROOF_HASHES_MAX, RECEIPT_BYTES_MAX, SOFTWARE_BYTES_MAX,
};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::time::Timestamp;
use rogatory::wire::frame::held::{HeldEnvelope, Way};
use rogatory::wire::frame::{Frame, FrameError, Hello, Told, bytes_max, decode, encode};

fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wire").join(format!("{name}.hex"));
    let text: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn held() -> HeldEnvelope {
    let way = Way::Receipted { stage: Stage::ContentConsignment, index: 300 };
    HeldEnvelope { envelope_id: id(), digest: Digest([0x11; 32]), way }
}

fn id() -> Id {
    "01935a2b-3c4d-7e8f-90a1-b2c3d4e5f607".parse().unwrap()
}

fn hello() -> Hello {
    Hello {
        protocol_version: 1,
        authority: "XA-MOJ".parse().unwrap(),
        directory_version: 42,
        clock: Timestamp::from_millis(1_795_305_600_000),
        software: "rogatory 0.1.0".to_owned(),
        checkpoint: Some("xa-moj.rogatory/custody\n7\nAAAA\n\n\u{2014} x y\n".to_owned()),
    }
}

fn fetch(object_id: u32, first_part: u64, part_count: u64) -> Frame {
    Frame::Fetch { envelope_id: id(), object_id, first_part, part_count }
}

fn part(length: usize, hashes: usize) -> Frame {
    Frame::Part { index: 300, length: u32::try_from(length).unwrap(), proof: vec![Digest([0x11; 32]); hashes] }
}

fn hashes(count: usize) -> Vec<Digest> {
    vec![Digest([0x33; 32]); count]
}

fn add_checkpoint(proof: usize, checkpoint: usize) -> Frame {
    Frame::AddCheckpoint { old_size: 7, proof: hashes(proof), checkpoint: "c".repeat(checkpoint) }
}

#[test]
fn every_frame_is_exactly_the_bytes_of_its_vector() {
    let bare = Hello {
        authority: "XB-MOJ".parse().unwrap(),
        directory_version: 0,
        software: String::new(),
        checkpoint: None,
        ..hello()
    };
    let refused = |code, retry_after_ms| Frame::Refused { code, retry_after_ms };
    let receipt = b"receipt".to_vec();
    for (name, frame) in [
        ("hello", Frame::Hello(hello())),
        ("hello-without-checkpoint", Frame::Hello(bare)),
        ("deliver", Frame::Deliver { signed_envelope: b"signed envelope".to_vec() }),
        ("delivered", Frame::Delivered { receipt: receipt.clone() }),
        ("refused", refused(Told::Known(RefusalCode::Busy), 30_000)),
        ("refused-unknown-code", refused(Told::Unknown(999), 0)),
        ("fetch", fetch(2, 300, 256)),
        ("part", Frame::Part { index: 300, length: 1_048_576, proof: vec![Digest([0x11; 32]), Digest([0x22; 32])] }),
        ("fetch-end", Frame::FetchEnd),
        ("push-receipt", Frame::PushReceipt { envelope_id: id(), receipt }),
        ("pushed", Frame::Pushed),
        ("add-checkpoint", add_checkpoint(2, 23)),
        ("cosigned", Frame::Cosigned { lines: "\u{2014} x y\n".to_owned() }),
        ("have-checkpoint", Frame::HaveCheckpoint { checkpoint: "c".repeat(23) }),
        ("prove-consistency", Frame::ProveConsistency { old_size: 7, new_size: 300 }),
        ("consistency-proof", Frame::ConsistencyProof { hashes: hashes(2) }),
        ("latest-of", Frame::LatestOf { origin: "xa-moj.rogatory/custody".to_owned() }),
        ("ask-held", Frame::AskHeld { after: id() }),
        ("held", Frame::Held { envelopes: vec![held()], after: Some(id()) }),
        ("send-again", Frame::SendAgain { envelope_id: id() }),
    ] {
        assert_eq!(encode(&frame), vector(name), "{name}");
        assert_eq!(decode(&vector(name)), Ok(frame), "{name}");
    }
}

#[test]
fn a_frame_at_its_bound_is_taken_and_one_byte_more_is_not() {
    let deliver = |bytes: usize| Frame::Deliver { signed_envelope: vec![1; bytes] };
    let delivered = |bytes: usize| Frame::Delivered { receipt: vec![1; bytes] };
    let push = |bytes: usize| Frame::PushReceipt { envelope_id: id(), receipt: vec![1; bytes] };
    let software = |bytes: usize| Frame::Hello(Hello { software: "s".repeat(bytes), ..hello() });
    let cosigned = |bytes: usize| Frame::Cosigned { lines: "l".repeat(bytes) };
    let have = |bytes: usize| Frame::HaveCheckpoint { checkpoint: "c".repeat(bytes) };
    let proof = |count: usize| Frame::ConsistencyProof { hashes: hashes(count) };
    let latest = |bytes: usize| Frame::LatestOf { origin: "o".repeat(bytes) };
    let checkpoint = |bytes: usize| Frame::Hello(Hello { checkpoint: Some("c".repeat(bytes)), ..hello() });
    for (good, bad) in [
        (deliver(ENVELOPE_BYTES_MAX), deliver(ENVELOPE_BYTES_MAX + 1)),
        (delivered(RECEIPT_BYTES_MAX), delivered(RECEIPT_BYTES_MAX + 1)),
        (push(RECEIPT_BYTES_MAX), push(RECEIPT_BYTES_MAX + 1)),
        (software(SOFTWARE_BYTES_MAX), software(SOFTWARE_BYTES_MAX + 1)),
        (checkpoint(NOTE_BYTES_MAX), checkpoint(NOTE_BYTES_MAX + 1)),
        (part(1, PROOF_HASHES_MAX), part(1, PROOF_HASHES_MAX + 1)),
        (add_checkpoint(PROOF_HASHES_MAX, 1), add_checkpoint(PROOF_HASHES_MAX + 1, 1)),
        (add_checkpoint(0, NOTE_BYTES_MAX), add_checkpoint(0, NOTE_BYTES_MAX + 1)),
        (cosigned(NOTE_BYTES_MAX), cosigned(NOTE_BYTES_MAX + 1)),
        (have(NOTE_BYTES_MAX), have(NOTE_BYTES_MAX + 1)),
        (proof(PROOF_HASHES_MAX), proof(PROOF_HASHES_MAX + 1)),
        (latest(ORIGIN_BYTES_MAX), latest(ORIGIN_BYTES_MAX + 1)),
    ] {
        assert_eq!(decode(&encode(&good)), Ok(good));
        assert_eq!(decode(&encode(&bad)), Err(FrameError::TooLarge));
    }
}

#[test]
fn parts_that_no_object_has_are_out_of_range() {
    let objects_max = u32::try_from(OBJECTS_MAX).unwrap();
    let parts_max = 16 << 20;
    for good in [fetch(1, 0, 1), fetch(objects_max, parts_max - FETCH_PARTS_MAX, FETCH_PARTS_MAX), part(PART_BYTES, 0)]
    {
        assert_eq!(decode(&encode(&good)), Ok(good));
    }
    for bad in [
        fetch(0, 0, 1),
        fetch(objects_max + 1, 0, 1),
        fetch(1, 0, 0),
        fetch(1, 0, FETCH_PARTS_MAX + 1),
        fetch(1, parts_max - 1, 2),
        fetch(1, u64::MAX, 1),
        part(0, 0),
        part(PART_BYTES + 1, 0),
    ] {
        let error = decode(&encode(&bad)).unwrap_err();
        assert_eq!(error, FrameError::Range);
        assert_eq!(error.code(), RefusalCode::BadRange);
    }
}

#[test]
fn sizes_that_no_proof_is_about_are_out_of_range() {
    for (old_size, new_size) in [(0, 5), (5, 5), (6, 5), (u64::MAX, u64::MAX)] {
        let frame = Frame::ProveConsistency { old_size, new_size };
        assert_eq!(decode(&encode(&frame)), Err(FrameError::Range));
    }
    let widest = Frame::ProveConsistency { old_size: 1, new_size: u64::MAX };
    assert_eq!(decode(&encode(&widest)), Ok(widest));
}

#[test]
fn what_is_not_exactly_one_frame_is_malformed() {
    let two = [vector("pushed"), vector("fetch-end")].concat();
    let twice = [vector("deliver"), vector("deliver")].concat();
    let mut cut = vector("fetch");
    cut.pop();
    let no_id = [0x2a, 4, 0x10, 2, 0x20, 1];
    let short_hash = [0x32, 7, 0x10, 1, 0x1a, 3, 1, 2, 3];
    let no_authority = [0x0a, 2, 0x08, 1];
    let empty_envelope = [0x12, 0];
    let no_note = [0x62, 0];
    let short_hash_of_proof = [0x72, 5, 0x0a, 3, 1, 2, 3];
    let no_text = [0x7a, 3, 0x0a, 1, 0xff];
    for bytes in [
        &[][..],
        &[0x4a],
        &[0x48, 0],
        &[0x02, 0],
        &two,
        &twice,
        &cut,
        &no_id,
        &short_hash,
        &no_authority,
        &empty_envelope,
        &no_note,
        &short_hash_of_proof,
        &no_text,
    ] {
        assert_eq!(decode(bytes), Err(FrameError::Malformed), "{bytes:02x?}");
    }
}

#[test]
fn a_name_of_software_that_would_forge_a_log_line_is_malformed() {
    for software in ["x\nERROR forged", "x\u{1b}[2J"] {
        let frame = Frame::Hello(Hello { software: software.to_owned(), ..hello() });
        assert_eq!(decode(&encode(&frame)), Err(FrameError::Malformed));
    }
}

#[test]
fn a_kind_of_a_later_version_is_told_from_noise() {
    for bytes in [&[0x82, 0x01, 0][..], &[0xfa, 0x01, 0]] {
        let error = decode(bytes).unwrap_err();
        assert_eq!(error, FrameError::UnknownKind);
        assert_eq!(error.code(), RefusalCode::UnsupportedVersion);
    }
}

#[test]
fn a_list_of_empty_hashes_is_refused_before_it_is_unpacked() {
    let hashes = [0x1a, 0].repeat(500_000);
    let mut frame = vec![0x32];
    prost::encode_length_delimiter(hashes.len(), &mut frame).unwrap();
    frame.extend(hashes);
    assert_eq!(decode(&frame), Err(FrameError::TooLarge));
}

#[test]
fn no_kind_may_be_larger_than_the_bound_of_all_frames() {
    for key in 0..=u8::MAX {
        if let Ok(bytes) = bytes_max(key) {
            assert!(bytes <= FRAME_BYTES_MAX);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_what_decodes_encodes_to_itself_again(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 1_u8..16,
    ) {
        let mut framed = vec![kind << 3 | 2, u8::try_from(bytes.len() % 128).unwrap()];
        framed.extend(bytes.iter().take(bytes.len() % 128));
        for input in [&bytes, &framed] {
            if let Ok(frame) = decode(input) {
                prop_assert_eq!(decode(&encode(&frame)), Ok(frame));
            }
        }
    }

    #[test]
    fn a_changed_byte_of_a_good_frame_never_panics(place in 0_usize..200, value: u8) {
        for name in ["hello", "fetch", "part", "push-receipt", "refused", "add-checkpoint", "prove-consistency", "latest-of"] {
            let mut bytes = vector(name);
            let place = place % bytes.len();
            bytes[place] = value;
            if let Ok(frame) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&frame)), Ok(frame));
            }
        }
    }
}
