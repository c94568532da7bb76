//! A receiver that answers our letters wrongly, and one that takes our files for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rogatory::daemon::clock;
use rogatory::daemon::deliver::{Handed, expire};
use rogatory::exchange::rows::{MessageState, OutboxRow, Waiting};
use rogatory::model::event::Event;
use rogatory::model::limits::FETCH_PARTS_MAX;
use rogatory::model::refusal::RefusalCode;
use rogatory::wire::frame::{Frame, Told};

use crate::officers::{victim_asks, victim_asks_with};
use crate::stage::{Stage, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_prove_nothing_settle_nothing_and_a_final_refusal_is_told_as_one() {
    let stage = Stage::raise("XC-ANSWER").await;
    let evil = stage.link(&stage.evil).await;
    let (connection, asked) = (evil.connection.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok(mut stream) = connection.accept().await {
            // It answers no round of checkpoints: a witness that is silent.
            if !matches!(stream.receive().await, Ok(Frame::Deliver { .. })) {
                continue;
            }
            let answer = match count.fetch_add(1, Ordering::SeqCst) {
                0 => Frame::Delivered { receipt: vec![7; 5_000] },
                1 => Frame::Pushed,
                2 => Frame::Refused { code: Told::Unknown(4_242), retry_after_ms: 0 },
                _ => Frame::Refused { code: Told::Known(RefusalCode::CannotOpen), retry_after_ms: u64::MAX },
            };
            stream.send(&answer).await.unwrap();
            stream.finish();
        }
    });
    let row = victim_asks(&stage, &stage.evil);
    until("the bad receipt is recorded", || stage.refused() == [RefusalCode::BadReceipt]).await;
    assert_eq!(stage.node().message(row.message_id).unwrap().state, MessageState::Queued);
    until("the refusal is recorded", || stage.count(Event::MessageRefused) == 1).await;
    assert_eq!(asked.load(Ordering::SeqCst), 4, "each of the others was tried again");
    let row = stage.node().message(row.message_id).unwrap();
    assert_eq!((row.state, row.receipts), (MessageState::Refused("cannot-open".to_owned()), vec![]));
    assert_eq!(stage.count(Event::MessageDelivered), 0);
    // The log says that the peer refused it; so it gets no part of it any more.
    let fetched = evil.fetch(row.envelope_id.unwrap(), 1, 0).await;
    assert_eq!(crate::peer::code(fetched), RefusalCode::NotFound);
    stage.told(&["not handed over; will try again"]);
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_that_comes_after_the_answer_of_the_peer_is_not_recorded() {
    let stage = Stage::raise("XC-LATE").await;
    let evil = stage.link(&stage.evil).await;
    let connection = evil.connection.clone();
    tokio::spawn(async move {
        while let Ok(mut stream) = connection.accept().await {
            if matches!(stream.receive().await, Ok(Frame::Deliver { .. })) {
                stream.refuse(RefusalCode::CannotOpen, 0).await.unwrap();
            }
        }
    });
    let row = victim_asks(&stage, &stage.evil);
    until("the refusal is recorded", || stage.count(Event::MessageRefused) == 1).await;
    let late = OutboxRow {
        envelope_id: row.envelope_id.unwrap(),
        peer: stage.evil.id.clone(),
        urgency: row.urgency,
        expires_at: Some(clock::now()),
        waiting: Waiting::Envelope,
        index: row.envelope_index.unwrap(),
    };
    assert_eq!(expire(stage.node(), late, 1).await, Handed::Logged);
    assert_eq!(stage.count(Event::MessageExpired), 0);
    let state = stage.node().message(row.message_id).unwrap().state;
    assert_eq!(state, MessageState::Refused("cannot-open".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_are_asked_for_on_every_stream_and_never_read_hold_up_nobody_else() {
    let stage = Stage::raise("XC-GREEDY").await;
    let row = victim_asks_with(&stage, &stage.evil, &vec![1; 12 << 20]);
    let evil = stage.link(&stage.evil).await;
    let envelope_id = row.envelope_id.unwrap();
    let mut unread = Vec::new();
    for _ in 0..48 {
        let mut stream = evil.connection.open().await.unwrap();
        let part_count = 12.min(FETCH_PARTS_MAX);
        stream.send(&Frame::Fetch { envelope_id, object_id: 1, first_part: 0, part_count }).await.unwrap();
        stream.finish();
        unread.push(stream);
    }
    stage.serves_others().await;
    let second = stage.link(&stage.evil).await;
    let sealed = stage.seal(&stage.evil, &stage.letter(&stage.evil));
    second.deliver(sealed.bytes).await.unwrap();
    drop(unread);
}
