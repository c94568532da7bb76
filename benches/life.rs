//! What the fold of the life of requests costs: a million messages in threads of twenty, each thread a whole life from its
//! sending to its closing, folded anew, and judged once as if its last message came in now.
//!
//! `cargo bench --bench life`; `ROGATORY_BENCH_MESSAGES` says how many messages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::Instant;

use rogatory::law::life::fold::{fold, may_arrive};
use rogatory::law::life::note::{Conditions, Consultation, Note};
use rogatory::model::ident::{Digest, Id};
use rogatory::model::message::MessageKind;
use rogatory::model::side::Side;
use rogatory::model::time::Timestamp;

const BEGIN_MS: u64 = 1_795_305_600_000;

/// Who says what, with which word: twenty messages.
const LIFE: [(Side, MessageKind, &str); 20] = [
    (Side::Requesting, MessageKind::RequestSubmit, ""),
    (Side::Requested, MessageKind::RequestAck, ""),
    (Side::Requested, MessageKind::InfoRequest, ""),
    (Side::Requesting, MessageKind::InfoSupply, ""),
    (Side::Requested, MessageKind::RequestAccept, ""),
    (Side::Requesting, MessageKind::ProgressQuery, ""),
    (Side::Requested, MessageKind::ProgressReply, ""),
    (Side::Requested, MessageKind::RequestPostpone, ""),
    (Side::Requested, MessageKind::RequestResume, ""),
    (Side::Requested, MessageKind::ProgressNote, ""),
    (Side::Requested, MessageKind::EvidenceTransmit, "final"),
    (Side::Requesting, MessageKind::ConditionsAccept, ""),
    (Side::Requesting, MessageKind::EvidenceReceipt, "accepted"),
    (Side::Requested, MessageKind::MeasureResult, "done"),
    (Side::Requested, MessageKind::ExecutionReport, "executed"),
    (Side::Requested, MessageKind::ReturnDemand, "return"),
    (Side::Requesting, MessageKind::ReturnDispatch, ""),
    (Side::Requested, MessageKind::ReturnReceipt, ""),
    (Side::Requesting, MessageKind::RequestClose, ""),
    (Side::Requested, MessageKind::RequestCloseAck, ""),
];

fn main() {
    let messages: u64 =
        std::env::var("ROGATORY_BENCH_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let threads: Vec<Vec<Note>> = (0..messages / 20).map(thread).collect();
    let count: usize = threads.iter().map(Vec::len).sum();
    let begun = Instant::now();
    let over = threads.iter().filter(|notes| black_box(fold(black_box(notes))).over()).count();
    let took = begun.elapsed();
    assert_eq!(over, threads.len(), "every thread is a whole life");
    let each = took.as_nanos() / u128::try_from(count).unwrap();
    println!("fold of {count} messages in {} threads: {took:.2?}, {each} ns each", threads.len());
    let begun = Instant::now();
    for notes in &threads {
        let (last, earlier) = notes.split_last().unwrap();
        black_box(may_arrive(black_box(earlier), last)).unwrap();
    }
    let took = begun.elapsed();
    println!(
        "the last message of each judged as it comes in: {took:.2?}, {:.1?} each",
        took / u32::try_from(threads.len()).unwrap()
    );
}

fn thread(number: u64) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::with_capacity(LIFE.len());
    for (place, (side, kind, word)) in (0_u64..).zip(LIFE) {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest[8..16].copy_from_slice(&place.to_be_bytes());
        let at = Timestamp::from_millis(BEGIN_MS + number * 1_000 + place * 60_000);
        let brings = kind.hands_over();
        let about = matches!(
            kind,
            MessageKind::ConditionsAccept
                | MessageKind::EvidenceReceipt
                | MessageKind::ReturnDemand
                | MessageKind::ReturnDispatch
                | MessageKind::ReturnReceipt
        );
        notes.push(Note {
            message_id: Id::new(at, [u8::try_from(place).unwrap(); 10]),
            digest: Digest(digest),
            kind,
            side,
            created_at: at,
            in_reply_to: notes.iter().rev().find(|other| other.side != side).map(|other| other.digest),
            word: word.to_owned(),
            measures: Vec::new(),
            asked: if kind.opens() { 3 } else { 0 },
            package_id: (brings || about).then(|| Id::new(Timestamp::from_millis(number), [9; 10])),
            objects: Vec::new(),
            brought: if brings { 4 } else { 0 },
            conditions: if brings { Conditions::Wait } else { Conditions::None },
            due: Some(at.plus_millis(86_400_000)),
            at: None,
            consultation: Consultation::Silent,
        });
    }
    notes
}
