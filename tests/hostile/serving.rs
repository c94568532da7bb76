//! A sender that serves the files of its letters wrongly: other bytes, other places, no end, nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rogatory::daemon::abandon::{Served, give_up};
use rogatory::daemon::clock;
use rogatory::exchange::rows::MessageState;
use rogatory::model::event::Event;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::limits::{FETCHES_PER_PEER_MAX, PART_BYTES};
use rogatory::model::message::Urgency;
use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::Connection;
use rogatory::net::stream::{Stream, StreamError};
use rogatory::wire::frame::{Frame, Told};

use crate::stage::{Stage, until};

/// What is wrong at the first request for a file; the second is served rightly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Bytes,
    Proof,
    Place,
    Length,
    Frame,
    Cut,
    Nothing,
    Refusal,
    Never,
}

type Plans = Arc<Mutex<BTreeMap<Id, (Option<Wrong>, Vec<u8>)>>>;

async fn answer(plans: Plans, mut stream: Stream, stalled: Arc<AtomicUsize>) -> Result<(), StreamError> {
    let envelope_id = match stream.receive().await? {
        Frame::Fetch { envelope_id, .. } => envelope_id,
        Frame::PushReceipt { .. } => {
            stream.send(&Frame::Pushed).await?;
            stream.finish();
            return Ok(());
        }
        other => panic!("{other:?}"),
    };
    let (wrong, mut bytes) = {
        let mut plans = plans.lock().unwrap();
        let plan = plans.get_mut(&envelope_id).unwrap();
        let wrong = if plan.0 == Some(Wrong::Never) { plan.0 } else { plan.0.take() };
        (wrong, plan.1.clone())
    };
    let length = u32::try_from(bytes.len()).unwrap();
    let mut part = Frame::Part { index: 0, length, proof: Vec::new() };
    match wrong {
        Some(Wrong::Bytes) => bytes[70] ^= 1,
        Some(Wrong::Proof) => part = Frame::Part { index: 0, length, proof: vec![Digest([0; 32])] },
        Some(Wrong::Place) => part = Frame::Part { index: 1, length, proof: Vec::new() },
        Some(Wrong::Length) => {
            bytes = vec![0; PART_BYTES];
            part = Frame::Part { index: 0, length: PART_BYTES as u32, proof: Vec::new() };
        }
        Some(Wrong::Frame) => part = Frame::Pushed,
        Some(Wrong::Cut) => bytes.truncate(10),
        Some(Wrong::Nothing) => return Ok(()),
        Some(Wrong::Refusal) => part = Frame::Refused { code: Told::Unknown(99), retry_after_ms: u64::MAX },
        Some(Wrong::Never) => {
            stalled.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }
        None => {}
    }
    stream.send(&part).await?;
    stream.send_bytes(bytes).await?;
    stream.send(&Frame::FetchEnd).await?;
    stream.finish();
    Ok(())
}

async fn serve(connection: Connection, plans: Plans, stalled: Arc<AtomicUsize>) {
    while let Ok(stream) = connection.accept().await {
        tokio::spawn(answer(Arc::clone(&plans), stream, Arc::clone(&stalled)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_served_wrongly_is_kept_and_what_comes_right_later_is() {
    use Wrong::{Bytes, Cut, Frame, Length, Never, Nothing, Place, Proof, Refusal};
    let wrongs = [Never, Bytes, Proof, Place, Length, Frame, Cut, Nothing, Refusal];
    let stage = Stage::raise("XC-SERVE").await;
    let evil = stage.link(&stage.evil).await;
    let plans = Plans::default();
    tokio::spawn(serve(evil.connection.clone(), Arc::clone(&plans), Arc::default()));
    for wrong in wrongs {
        let (letter, sealed) = stage.letter(&stage.evil).carrying(&[1; 200]);
        plans.lock().unwrap().insert(letter.route.envelope_id, (Some(wrong), sealed));
        evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await.unwrap();
    }
    until("all but the one that never comes", || stage.count(Event::ContentReceived) == wrongs.len() - 1).await;
    // Four of them are lies that only the sender can tell; a line that breaks is none.
    until("the lies are recorded", || stage.refused().len() == 5).await;
    assert_eq!(stage.refused(), [RefusalCode::Malformed; 5]);
    stage.told(&["fetching files broke off"]);
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_never_come_hold_up_neither_an_urgent_letter_of_that_peer_nor_the_files_of_another() {
    let stage = Stage::raise("XC-STALL").await;
    let (evil, honest) = (stage.link(&stage.evil).await, stage.link(&stage.honest).await);
    let plans = Plans::default();
    let stalled = Arc::new(AtomicUsize::new(0));
    for link in [&evil, &honest] {
        tokio::spawn(serve(link.connection.clone(), Arc::clone(&plans), Arc::clone(&stalled)));
    }
    for _ in 0..20 {
        let (letter, sealed) = stage.letter(&stage.evil).carrying(&[1; 200]);
        plans.lock().unwrap().insert(letter.route.envelope_id, (Some(Wrong::Never), sealed));
        evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await.unwrap();
    }
    let (mut urgent, sealed) = stage.letter(&stage.evil).carrying(&[2; 200]);
    urgent.fields.urgency = Urgency::Urgent;
    urgent.fields.urgency_reason = "a life is in danger".to_owned();
    urgent.route.urgency = Urgency::Urgent;
    plans.lock().unwrap().insert(urgent.route.envelope_id, (None, sealed));
    evil.deliver(urgent.bytes(&stage.evil, &stage.victim)).await.unwrap();
    let (other, sealed) = stage.letter(&stage.honest).carrying(&[3; 200]);
    plans.lock().unwrap().insert(other.route.envelope_id, (None, sealed));
    honest.deliver(other.bytes(&stage.honest, &stage.victim)).await.unwrap();
    until("both packages are whole", || stage.count(Event::ContentReceived) == 2).await;
    // However many are announced, only a few hold a part in memory.
    assert_eq!(stalled.load(Ordering::SeqCst), FETCHES_PER_PEER_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_the_sender_refuses_for_good_are_given_up_once_their_time_is_over() {
    let stage = Stage::raise("XC-GONE").await;
    let evil = stage.link(&stage.evil).await;
    let connection = evil.connection.clone();
    tokio::spawn(async move {
        while let Ok(mut stream) = connection.accept().await {
            let _ = stream.receive().await;
            let _ = stream.refuse(RefusalCode::NotFound, 0).await;
        }
    });
    let (mut letter, _) = stage.letter(&stage.evil).carrying(&[1; 200]);
    letter.route.expires_at = clock::now().plus_millis(10_000);
    evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await.unwrap();
    let node = stage.node();
    let early = give_up(node, letter.route.envelope_id, Served::Never, letter.fields.created_at);
    assert!(!early.unwrap(), "not before its time");
    until("the files are given up", || stage.count(Event::ContentAbandoned) == 1).await;
    assert!(letter.route.expires_at <= clock::now());
    assert_eq!(node.message(letter.fields.message_id).unwrap().state, MessageState::Abandoned);
    assert!(!stage.data().join("vault").join(letter.route.seal_id.to_string()).exists(), "the disk has its room back");
    assert!(give_up(node, letter.route.envelope_id, Served::Never, clock::now()).unwrap());
    assert_eq!(stage.count(Event::ContentAbandoned), 1, "once");
    stage.serves_others().await;
}
