//! The rules of an erasure, one by one, and what a tombstone says.

use super::*;
use crate::exchange::rows::Direction;
use crate::model::message::Urgency;
use crate::model::time::Timestamp;

fn id(number: u8) -> Id {
    Id::new(Timestamp::from_millis(7), [number; 10])
}

fn doomed(index: u64, event: Event) -> Doomed {
    let mut record = Scene::node(&"XA-MOJ".parse().unwrap(), Timestamp::from_millis(1)).record(event);
    record.subject = Subject { request_id: Some(id(0)), message_id: Some(id(1)), ..Subject::default() };
    record.message_kind = Some(MessageKind::RequestSubmit);
    Doomed { index, record }
}

fn around(state: MessageState, request: RequestState) -> Surroundings {
    let row = MessageRow {
        message_id: id(1),
        request_id: id(0),
        kind: MessageKind::RequestSubmit,
        direction: Direction::Outgoing,
        counterpart: "XB-MOJ".parse().unwrap(),
        state,
        urgency: Urgency::Routine,
        digest: Digest([1; 32]),
        drafted_by: None,
        approved_by: None,
        envelope_id: Some(id(2)),
        envelope_digest: None,
        package_id: Some(id(3)),
        bytes_index: 0,
        envelope_index: None,
        receipts: Vec::new(),
        updated_at: Timestamp::from_millis(1),
    };
    let request = RequestRow {
        request_id: id(0),
        direction: Direction::Outgoing,
        counterpart: "XB-MOJ".parse().unwrap(),
        reference: String::new(),
        subject: String::new(),
        urgency: Urgency::Routine,
        reply_by: None,
        state: request,
        messages: vec![id(1)],
        opened_at: Timestamp::from_millis(1),
        updated_at: Timestamp::from_millis(1),
    };
    Surroundings {
        messages: BTreeMap::from([(id(1), row)]),
        requests: BTreeMap::from([(id(0), request)]),
        threads: BTreeMap::from([(
            id(0),
            vec![(0, Event::MessageDrafted, Some(id(1))), (1, Event::MessageRead, None)],
        )]),
        ..Surroundings::default()
    }
}

#[test]
fn what_is_open_stands_against_an_erasure_by_its_rule() {
    use MessageState::{Approved, Arriving, Delivered, Drafted, Queued, Relayed};
    use RequestState::{Acknowledged, Executed, InExecution, Refused, Sent, Withdrawn};
    let drafted = [doomed(0, Event::MessageDrafted)];
    let judged = |state, request| judge(&drafted, &around(state, request)).map_err(|rule| rule.name());
    for (state, name) in [
        (Drafted, "undecided"),
        (Approved, "undecided"),
        (Queued, "undelivered"),
        (Relayed, "undelivered"),
        (Arriving, "content-under-way"),
    ] {
        assert_eq!(judged(state, Executed), Err(name));
    }
    for open in [Sent, RequestState::Delivered, Acknowledged, InExecution] {
        assert_eq!(judged(Delivered, open), Err("request-open"));
    }
    for ended in [Executed, Refused, Withdrawn, RequestState::NotDelivered, RequestState::Draft] {
        assert_eq!(judged(Delivered, ended), Ok(()));
    }
    let with = |change: fn(&mut Surroundings)| {
        let mut around = around(Delivered, Executed);
        change(&mut around);
        judge(&drafted, &around).map_err(|rule| rule.name())
    };
    assert_eq!(with(|around| assert!(around.waiting.insert(id(2)))), Err("in-the-outbox"));
    assert_eq!(with(|around| assert!(around.arriving.insert(id(2)))), Err("content-under-way"));
    assert_eq!(with(|around| assert!(around.held.insert(id(3)))), Err("content-held"));
    assert_eq!(
        with(|around| {
            around.threads.entry(id(0)).or_default().push((7, Event::MessageReceived, Some(id(9))));
        }),
        Err("whole-message")
    );
}

#[test]
fn a_view_goes_alone_and_the_logs_own_history_never() {
    let around = around(MessageState::Queued, RequestState::Sent);
    assert_eq!(judge(&[doomed(1, Event::MessageRead)], &around), Ok(()));
    assert_eq!(judge(&[], &around), Err(Rule::Nothing));
    for event in Event::ALL.iter().copied().filter(|event| hold(*event) == Hold::Kept) {
        assert!(matches!(judge(&[doomed(1, event)], &around), Err(Rule::Kept { .. })));
    }
    for kept in [Event::RecordErased, Event::KeyRotated, Event::DirectoryAccepted, Event::NodeInitialised] {
        assert_eq!(hold(kept), Hold::Kept);
    }
}

#[test]
fn a_tombstone_names_places_and_digests_and_nothing_of_what_stood_there() {
    let mut drafted = doomed(5, Event::MessageDrafted);
    drafted.record.reason = "a name".to_owned();
    drafted.record.digests = vec![NamedDigest::new("message", Digest([9; 32]))];
    let scene = Scene::node(&"XA-MOJ".parse().unwrap(), Timestamp::from_millis(2));
    let grounds = Grounds::new("It ended", "An act").unwrap();
    let asked = scene.erasure_requested(Subject::default(), &[5], &grounds);
    let act = scene.erased(8, &asked.record, &[drafted]);
    assert_eq!(act.record.links, [8, 5]);
    assert_eq!(act.record.reason, "It ended (legal basis: An act)");
    let expected: BTreeSet<Digest> = [id(0), id(1)].map(|id| sha256(id.as_bytes())).into();
    assert_eq!(act.record.digests.iter().map(|digest| digest.sha256).collect::<BTreeSet<_>>(), expected);
    assert!(!act.record_bytes().windows(6).any(|window| window == b"a name"));
    for (reason, basis) in [("", "An act"), ("It ended", " "), ("two\nlines", "An act")] {
        assert_eq!(Grounds::new(reason, basis), Err(Rule::Grounds));
    }
}

#[test]
fn a_message_that_came_after_the_asking_is_not_erased_with_the_rest() {
    let received = doomed(4, Event::MessageReceived);
    let read = doomed(9, Event::MessageRead);
    assert_eq!(as_asked(&[received.clone(), read.clone()], &[4]), Ok(()));
    assert_eq!(as_asked(&[doomed(3, Event::MessageDrafted), read, received], &[3]), Err(Rule::Grown { index: 4 }));
}
