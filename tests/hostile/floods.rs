//! Too much at once: of streams, of letters, of refusals, of requests for parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rogatory::model::event::Event;
use rogatory::model::limits::{REFUSAL_LINES_PER_MINUTE_MAX, STREAMS_PER_PEER_MAX};
use rogatory::model::message::Urgency;
use rogatory::model::refusal::RefusalCode;
use rogatory::wire::frame::{Frame, encode};
use tokio::task::JoinSet;

use crate::letter::new_id;
use crate::lines;
use crate::peer::code;
use crate::stage::Stage;

/// A letter that passes every check but the last: both signatures hold, it opens, and then it contradicts itself.
fn dear(stage: &Stage) -> Vec<u8> {
    let mut letter = stage.letter(&stage.evil);
    letter.route.urgency = Urgency::Urgent;
    letter.bytes(&stage.evil, &stage.victim)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_letters_that_fail_at_the_last_check_does_not_hold_up_another_peer() {
    const FLOOD: usize = 400;
    let stage = Stage::raise("XC-DEAR").await;
    let (evil, honest) = (Arc::new(stage.link(&stage.evil).await), stage.link(&stage.honest).await);
    let good = stage.seal(&stage.honest, &stage.letter(&stage.honest));
    let (bytes, answered) = (dear(&stage), Arc::new(AtomicUsize::new(0)));
    let mut flood = JoinSet::new();
    for _ in 0..FLOOD {
        let (evil, bytes, answered) = (Arc::clone(&evil), bytes.clone(), Arc::clone(&answered));
        flood.spawn(async move {
            let refused = evil.deliver(bytes).await;
            answered.fetch_add(1, Ordering::SeqCst);
            refused
        });
    }
    while answered.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let receipt = honest.deliver(good.bytes.clone()).await.unwrap();
    assert!(answered.load(Ordering::SeqCst) < FLOOD, "the honest letter waited for the whole flood");
    stage.check(&stage.honest, &good, &receipt).unwrap();
    while let Some(refused) = flood.join_next().await {
        assert_eq!(refused.unwrap(), Err(RefusalCode::Malformed));
    }
    // Four hundred refusals are ten records and a few lines.
    assert_eq!(stage.refused(), [RefusalCode::Malformed; 10]);
    let said = lines::with(&["XC-DEAR", "refused"]).len();
    assert!(said <= 2 * REFUSAL_LINES_PER_MINUTE_MAX as usize, "{said} lines");
    stage.told(&["refused", "malformed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_beyond_the_bytes_that_may_wait_are_told_to_come_later_and_the_rest_is_answered() {
    let stage = Stage::raise("XC-BULK").await;
    let evil = Arc::new(stage.link(&stage.evil).await);
    let mut flood = JoinSet::new();
    for _ in 0..40 {
        let evil = Arc::clone(&evil);
        flood.spawn(async move { evil.deliver(vec![0xff; 2 << 20]).await });
    }
    while let Some(refused) = flood.join_next().await {
        assert!(matches!(refused.unwrap(), Err(RefusalCode::Malformed | RefusalCode::Busy)));
    }
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_receipts_for_nothing_leaves_no_record() {
    let stage = Stage::raise("XC-PUSH").await;
    let evil = Arc::new(stage.link(&stage.evil).await);
    let before = stage.node().index_digest().unwrap();
    let mut flood = JoinSet::new();
    for _ in 0..200 {
        let evil = Arc::clone(&evil);
        flood.spawn(async move { evil.push(new_id(), vec![1; 2_000]).await });
    }
    while let Some(refused) = flood.join_next().await {
        assert_eq!(refused.unwrap(), Err(RefusalCode::NotFound));
    }
    assert_eq!(stage.node().index_digest().unwrap(), before);
    assert!(lines::with(&["XC-PUSH", "refused"]).len() <= 2 * REFUSAL_LINES_PER_MINUTE_MAX as usize);
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_begin_and_never_end_cost_nobody_else_anything() {
    let stage = Stage::raise("XC-LORIS").await;
    let evil = stage.link(&stage.evil).await;
    let whole = encode(&Frame::Deliver { signed_envelope: vec![1; 100_000] });
    let length = u32::try_from(whole.len()).unwrap().to_be_bytes();
    let mut held = Vec::new();
    for _ in 0..STREAMS_PER_PEER_MAX - 1 {
        let mut stream = evil.connection.open().await.unwrap();
        stream.send_bytes(length.to_vec()).await.unwrap();
        stream.send_bytes(whole[..1_000].to_vec()).await.unwrap();
        held.push(stream);
    }
    stage.serves_others().await;
    // Nor its own other link: each connection has streams of its own.
    let second = stage.link(&stage.evil).await;
    let sealed = stage.seal(&stage.evil, &stage.letter(&stage.evil));
    second.deliver(sealed.bytes).await.unwrap();
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_are_never_read_hold_up_nobody_else() {
    let stage = Stage::raise("XC-DEAF").await;
    let evil = stage.link(&stage.evil).await;
    let sealed = stage.seal(&stage.evil, &stage.letter(&stage.evil));
    let mut deaf = Vec::new();
    for _ in 0..STREAMS_PER_PEER_MAX - 1 {
        let mut stream = evil.connection.open().await.unwrap();
        stream.send(&Frame::Deliver { signed_envelope: sealed.bytes.clone() }).await.unwrap();
        stream.finish();
        deaf.push(stream);
    }
    stage.serves_others().await;
    let receipt = evil.deliver(sealed.bytes.clone()).await.unwrap();
    stage.check(&stage.evil, &sealed, &receipt).unwrap();
    assert_eq!(stage.records().iter().filter(|record| record.counterpart.as_ref() == Some(&stage.evil.id)).count(), 1);
    assert_eq!(stage.count(Event::MessageReceived), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_first_frame_that_begins_nothing_has_its_code_and_the_link_lives() {
    let stage = Stage::raise("XC-FRAMES").await;
    let evil = stage.link(&stage.evil).await;
    let hello = Frame::Hello(evil.connection.hello().clone());
    for frame in [
        hello,
        Frame::Part { index: 0, length: 1, proof: Vec::new() },
        Frame::FetchEnd,
        Frame::Pushed,
        Frame::Delivered { receipt: vec![1] },
        Frame::Refused { code: rogatory::wire::frame::Told::Unknown(77), retry_after_ms: u64::MAX },
    ] {
        assert_eq!(code(evil.ask(frame).await.unwrap()), RefusalCode::Malformed);
    }
    let beyond = Frame::Fetch { envelope_id: new_id(), object_id: 4_097, first_part: u64::MAX - 1, part_count: 257 };
    for (bytes, expected) in [
        (framed(&encode(&beyond)), RefusalCode::BadRange),
        (vec![0xff; 4], RefusalCode::TooLarge),
        (vec![0; 4], RefusalCode::Malformed),
        (framed(&[0x0a]), RefusalCode::Malformed),
        (framed(&[0xd2, 0x01, 0x00]), RefusalCode::UnsupportedVersion),
        (framed(&[0x2a; 5_000]), RefusalCode::TooLarge),
    ] {
        let mut stream = evil.connection.open().await.unwrap();
        stream.send_bytes(bytes).await.unwrap();
        stream.finish();
        assert_eq!(code(stream.receive().await.unwrap()), expected);
        stage.told(&["refused", expected.name()]);
    }
    assert!(evil.connection.loss().is_none());
    stage.serves_others().await;
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}
