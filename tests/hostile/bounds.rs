//! What a peer can make large enough to break the index: one that the index refuses would stop the node for good, because
//! the record is in the log and every restart meets it again.

use prost::Message as _;
use rogatory::crypto::digest::sha256;
use rogatory::daemon::clock;
use rogatory::daemon::home::Home;
use rogatory::daemon::keys::Keys;
use rogatory::exchange::receiver::{Arrival, Known, Past, arrive};
use rogatory::exchange::rows::{
    ConditionRow, Direction, PackageRow, RequestRow, RequestState, RowError, to_bytes, tree,
};
use rogatory::exchange::verified::{Gate, verify};
use rogatory::model::limits::{
    INDEX_VALUE_BYTES_MAX, LINE_BYTES_MAX, LIST_LEN_MAX, THREAD_MESSAGES_MAX, THREAD_MESSAGES_PEER_MAX, WORD_BYTES_MAX,
};
use rogatory::model::message::{Message, Urgency};
use rogatory::model::package::{Condition, ConditionOrigin};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::time::Timestamp;
use rogatory::wire::{message, proto};

use crate::letter::{Letter, acknowledgement, evidence, new_id};
use crate::stage::Stage;

fn condition(number: usize) -> Condition {
    Condition {
        id: format!("{number:0>width$}", width = WORD_BYTES_MAX),
        code: "C".repeat(WORD_BYTES_MAX),
        text: "t".to_owned(),
        legal_source: String::new(),
        origin: ConditionOrigin::RequesterUndertaking,
        objects: Vec::new(),
        ..Condition::default()
    }
}

fn with_conditions(mut letter: Letter) -> Letter {
    letter.fields.conditions = (0..LIST_LEN_MAX).map(condition).collect();
    letter.announcing(&[1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_list_of_conditions_does_not_stop_the_node_nor_its_next_start() {
    let mut stage = Stage::raise("XC-CONDITIONS").await;
    let evil = stage.link(&stage.evil).await;
    let letter = with_conditions(stage.letter(&stage.evil));
    evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await.unwrap();
    assert_eq!(stage.node().package(letter.route.seal_id).unwrap().conditions.len(), LIST_LEN_MAX);

    let letter = with_conditions(stage.letter(&stage.evil));
    let bytes = message::encode(&Message::new(letter.fields.clone()).unwrap());
    let longer: [fn(&mut proto::Condition); 2] = [|found| found.id.push('x'), |found| found.code = "C".repeat(1_000)];
    for longer in longer {
        let mut found = proto::Message::decode(&bytes[..]).unwrap();
        found.conditions.iter_mut().for_each(longer);
        let sealed = letter.sealed_over(found.encode_to_vec(), &stage.evil, &stage.victim);
        assert_eq!(evil.deliver(sealed.bytes).await, Err(RefusalCode::Malformed));
    }
    stage.serves_others().await;
    drop(evil);
    stage.stop().await;
    stage.start().await;
    stage.serves_others().await;
}

fn thread(stage: &Stage, letter: &Letter, messages: usize) -> RequestRow {
    RequestRow {
        request_id: letter.fields.request_id,
        direction: Direction::Outgoing,
        counterpart: stage.evil.id.clone(),
        reference: "r".repeat(LINE_BYTES_MAX),
        subject: "s".repeat(LINE_BYTES_MAX),
        urgency: Urgency::Urgent,
        reply_by: Some(Timestamp::from_millis(u64::MAX)),
        state: RequestState::InExecution,
        messages: (0..messages).map(|_| new_id()).collect(),
        opened_at: Timestamp::from_millis(u64::MAX),
        updated_at: Timestamp::from_millis(u64::MAX),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_has_an_end_for_a_peer_before_its_row_is_too_large_for_the_index() {
    let stage = Stage::raise("XC-ENDLESS").await;
    let letter = stage.letter(&stage.evil).in_thread(new_id(), acknowledgement());
    let keys = Keys::read(&Home::at(&stage.data())).unwrap();
    let gate =
        Gate { us: &stage.victim.id, peer: &stage.evil.id, roster: &stage.roster, keys: &keys.ring, now: clock::now() };
    let verified = verify(&letter.bytes(&stage.evil, &stage.victim), &gate).unwrap();
    let judged = |messages| {
        let request = Some(thread(&stage, &letter, messages));
        arrive(&verified, &Known { request, ..Known::default() })
    };
    assert_eq!(judged(THREAD_MESSAGES_PEER_MAX - 1), Ok(Arrival::New));
    assert_eq!(judged(THREAD_MESSAGES_PEER_MAX), Err(RefusalCode::TooLarge));
    // What was erased does not come back: neither under its envelope, nor its message, nor its request.
    let envelope_id = verified.envelope().envelope_id;
    for id in [envelope_id, letter.fields.message_id, letter.fields.request_id] {
        let gone = sha256(id.as_bytes()).0;
        let read = |name: &str, key: &[u8]| Ok::<_, RowError>((name == tree::GONE && key == gone).then(Vec::new));
        let known = Known::about(&verified, read).unwrap();
        assert_eq!((known.past, arrive(&verified, &known)), (Past::Erased, Err(RefusalCode::IdentifierReused)));
    }
    // Ours go on a little, and even then the row fits.
    let longest = to_bytes(&thread(&stage, &letter, THREAD_MESSAGES_MAX + 64));
    assert!(longest.len() <= INDEX_VALUE_BYTES_MAX, "{} bytes", longest.len());
    let package = PackageRow {
        package_id: new_id(),
        message_id: new_id(),
        request_id: new_id(),
        direction: Direction::Incoming,
        counterpart: stage.evil.id.clone(),
        items: u32::MAX,
        plaintext_bytes: u64::MAX,
        conditions: (0..LIST_LEN_MAX)
            .map(condition)
            .map(|condition| ConditionRow {
                id: condition.id,
                code: condition.code,
                needs_acceptance: true,
                accepted_index: Some(u64::MAX),
            })
            .collect(),
        complete_index: Some(u64::MAX),
        opened_index: Some(u64::MAX),
    };
    assert!(to_bytes(&package).len() <= INDEX_VALUE_BYTES_MAX);
    let wrong_side = stage.letter(&stage.evil).in_thread(letter.fields.request_id, evidence()).announcing(&[1]);
    let verified = verify(&wrong_side.bytes(&stage.evil, &stage.victim), &gate).unwrap();
    let request = Some(RequestRow { direction: Direction::Incoming, ..thread(&stage, &letter, 1) });
    assert_eq!(arrive(&verified, &Known { request, ..Known::default() }), Err(RefusalCode::OutOfTurn));
}
