//! The fold, event by event: what each record changes, and which record it refuses.

use super::fixtures::{
    Desks, answered, asked, at, delivered, drafted, evidence, id, peer, plain, queued, received, record, report,
    request, staged,
};
use super::*;
use crate::crypto::digest::sha256;
use crate::exchange::rows::{ConditionRow, IntakeRow, OutboxRow, PackageRow, RequestState, Waiting, outbox_key};
use crate::model::event::{NamedDigest, Outcome, Stage, Subject};
use crate::model::message::{Body, Urgency};
use crate::model::refusal::RefusalCode;
use crate::model::request::{ConditionsAcceptance, ExecutionStatus, Refusal, Withdrawal};

#[test]
fn a_draft_opens_its_request_and_is_found_by_its_digest_and_on_the_time_line() {
    let mut desks = Desks::default();
    desks.commit(drafted(1, request()));
    let row = desks.message(1);
    assert_eq!((row.state, row.direction), (MessageState::Drafted, Direction::Outgoing));
    assert_eq!(row.drafted_by.as_deref(), Some("Ana Novak"));
    assert_eq!(desks.request(), RequestState::Draft);
    assert_eq!(desks.rows.get(&(tree::DIGEST, row.digest.0.to_vec())), Some(&id(1).as_bytes().to_vec()));
    assert!(desks.rows.contains_key(&(tree::TIMELINE, timeline_key(id(0), 0))));
}

#[test]
fn a_draft_is_approved_or_thrown_away() {
    let mut desks = Desks::default();
    desks.commit(drafted(1, request()));
    desks.commit(plain(record(Event::MessageApproved, 1)));
    assert_eq!(desks.message(1).state, MessageState::Approved);
    assert_eq!(desks.message(1).approved_by.as_deref(), Some("Ana Novak"));
    desks.commit(plain(record(Event::MessageDiscarded, 1)));
    assert_eq!(desks.message(1).state, MessageState::Discarded);
    assert_eq!(desks.outbox(), []);
}

#[test]
fn a_queued_message_waits_in_the_outbox_until_its_time() {
    let desks = asked();
    assert_eq!(desks.message(1).state, MessageState::Queued);
    assert_eq!(desks.request(), RequestState::Sent);
    let expected = OutboxRow {
        envelope_id: id(101),
        peer: peer(),
        urgency: Urgency::Routine,
        expires_at: Some(at(9_000)),
        waiting: Waiting::Envelope,
        index: 1,
    };
    assert_eq!(desks.outbox(), [expected]);
    assert!(desks.rows.contains_key(&(tree::OUTBOX, outbox_key(&peer(), Urgency::Routine, 1))));
    let envelope: EnvelopeRow = desks.get(tree::ENVELOPE, id(101).as_bytes()).unwrap();
    assert_eq!((envelope.digest, envelope.index), (Digest([9; 32]), 1));
}

#[test]
fn a_message_with_files_waits_on_after_its_envelope_was_taken() {
    let mut desks = asked();
    desks.commit(delivered(1, Stage::RelayAcceptance));
    assert_eq!(desks.message(1).state, MessageState::Relayed);
    assert_eq!(desks.outbox().first().map(|row| row.waiting), Some(Waiting::Content));
    assert_eq!(desks.request(), RequestState::Sent);
    desks.commit(delivered(1, Stage::ContentConsignment));
    assert_eq!((desks.message(1).state, desks.outbox().len()), (MessageState::Delivered, 0));
    assert_eq!(desks.request(), RequestState::Delivered);
    desks.commit(delivered(1, Stage::ContentHandover));
    let stages = [(Stage::RelayAcceptance, 2), (Stage::ContentConsignment, 3), (Stage::ContentHandover, 4)];
    assert_eq!(desks.message(1).receipts, stages);
}

#[test]
fn a_receipt_that_comes_late_takes_nothing_back() {
    let mut desks = asked();
    desks.commit(delivered(1, Stage::ContentConsignment));
    desks.commit(delivered(1, Stage::RelayAcceptance));
    assert_eq!((desks.message(1).state, desks.outbox().len()), (MessageState::Delivered, 0));
}

#[test]
fn what_is_refused_or_expired_leaves_the_outbox_with_the_reason() {
    let mut desks = asked();
    let outcome = Outcome::Refused(RefusalCode::TooLarge);
    desks.commit(plain(CustodyRecord { outcome, ..record(Event::MessageRefused, 1) }));
    assert_eq!((desks.message(1).state, desks.outbox().len()), (MessageState::Refused("too-large".to_owned()), 0));
    let mut desks = asked();
    let outcome = Outcome::Failed("not-delivered-in-time".to_owned());
    desks.commit(plain(CustodyRecord { outcome, ..record(Event::MessageExpired, 1) }));
    assert_eq!((desks.message(1).state, desks.outbox().len()), (MessageState::Expired, 0));
}

#[test]
fn a_message_without_files_is_whole_when_it_comes() {
    let mut desks = Desks::default();
    desks.commit(received(1, request()));
    let row = desks.message(1);
    assert_eq!((row.state, row.direction), (MessageState::Received, Direction::Incoming));
    assert_eq!(row.receipts, [(Stage::ContentConsignment, 0)]);
    assert_eq!(desks.request(), RequestState::Delivered);
    assert!(!desks.rows.keys().any(|(name, _)| *name == tree::INTAKE));
}

#[test]
fn a_message_with_files_is_arriving_until_they_are_here() {
    let mut desks = answered();
    assert_eq!(desks.message(5).state, MessageState::Arriving);
    let intake: IntakeRow = desks.get(tree::INTAKE, id(105).as_bytes()).unwrap();
    assert_eq!((intake.package_id, intake.index), (id(90), 2));
    desks.commit(plain(staged(Event::ContentReceived, 5, Stage::ContentConsignment, vec![])));
    assert_eq!(desks.message(5).state, MessageState::Received);
    assert_eq!(desks.get::<IntakeRow>(tree::INTAKE, id(105).as_bytes()), None);
    assert_eq!(package(&desks).complete_index, Some(3));
    let owed = desks.outbox().into_iter().find(|row| row.index == 3).unwrap();
    assert_eq!((owed.waiting, owed.expires_at), (Waiting::Receipt(Stage::ContentConsignment), None));
    let settled = CustodyRecord { links: vec![3], ..record(Event::ReceiptDelivered, 5) };
    desks.commit(plain(settled));
    assert!(desks.outbox().iter().all(|row| row.index != 3));
}

#[test]
fn files_that_are_given_up_are_awaited_no_more_and_nothing_is_owed_for_them() {
    let mut desks = answered();
    let owed = desks.outbox();
    desks.commit(plain(record(Event::ContentAbandoned, 5)));
    assert_eq!(desks.message(5).state, MessageState::Abandoned);
    assert_eq!(desks.get::<IntakeRow>(tree::INTAKE, id(105).as_bytes()), None);
    assert_eq!((package(&desks).complete_index, desks.outbox()), (None, owed));
}

fn package(desks: &Desks) -> PackageRow {
    desks.get(tree::PACKAGE, id(90).as_bytes()).unwrap()
}

#[test]
fn the_first_hand_over_to_an_officer_owes_the_sender_one_receipt() {
    let mut desks = answered();
    let handover = || plain(staged(Event::PackageHandedOver, 5, Stage::ContentHandover, vec![]));
    let index = desks.commit(handover());
    desks.commit(handover());
    let owed: Vec<_> = desks.outbox().into_iter().filter(|row| matches!(row.waiting, Waiting::Receipt(_))).collect();
    assert_eq!(owed.iter().map(|row| row.index).collect::<Vec<_>>(), [index]);
    assert_eq!(package(&desks).opened_index, Some(index));
}

#[test]
fn conditions_are_accepted_by_the_other_side_of_their_package_only() {
    let accepted = || {
        Body::Acceptance(ConditionsAcceptance {
            package_id: id(90),
            condition_ids: vec!["c1".to_owned()],
            responsible_authority: "XA-MOJ".to_owned(),
        })
    };
    let mut desks = answered();
    // The peer cannot accept in our name what it sent itself.
    desks.commit(received(6, accepted()));
    let open =
        ConditionRow { id: "c1".to_owned(), code: "USE".to_owned(), needs_acceptance: true, accepted_index: None };
    assert_eq!(package(&desks).conditions, std::slice::from_ref(&open));
    desks.commit(drafted(7, accepted()));
    assert_eq!(package(&desks).conditions, std::slice::from_ref(&open), "a draft accepts nothing");
    let index = desks.commit(queued(7, accepted()));
    assert_eq!(package(&desks).conditions, [ConditionRow { accepted_index: Some(index), ..open }]);
}

#[test]
fn a_request_goes_forward_and_ends() {
    let mut desks = asked();
    let mut number = 10;
    let mut come = |desks: &mut Desks, body| {
        number += 1;
        desks.commit(received(number, body));
        desks.request()
    };
    assert_eq!(come(&mut desks, report(ExecutionStatus::InExecution)), RequestState::InExecution);
    assert_eq!(come(&mut desks, report(ExecutionStatus::Executed)), RequestState::Executed);
    assert_eq!(come(&mut desks, report(ExecutionStatus::InExecution)), RequestState::Executed);
    let withdrawal = || Body::Withdrawal(Withdrawal { reason: "Settled.".to_owned(), measures: vec![] });
    desks.commit(drafted(2, withdrawal()));
    desks.commit(queued(2, withdrawal()));
    assert_eq!(desks.request(), RequestState::Withdrawn);
    let refusal = Body::Refusal(Refusal {
        grounds: vec![],
        reasons: "No.".to_owned(),
        measures: vec![],
        without_consultation: String::new(),
    });
    assert_eq!(come(&mut desks, refusal), RequestState::Withdrawn);
}

#[test]
fn what_changes_no_state_stands_on_the_time_line_only() {
    for event in
        [Event::MessageRead, Event::PackageOpened, Event::PackageExported, Event::ActRefused, Event::InputRefused]
    {
        let mut desks = asked();
        let before = desks.rows.clone();
        let index = desks.commit(plain(record(event, 1)));
        let new: Vec<_> = desks.rows.keys().filter(|key| !before.contains_key(key)).cloned().collect();
        assert_eq!(new, [(tree::TIMELINE, timeline_key(id(0), index))]);
    }
    let mut desks = Desks::default();
    desks.commit(plain(CustodyRecord { subject: Subject::default(), ..record(Event::NodeStarted, 1) }));
    assert!(desks.rows.is_empty());
}

#[test]
fn a_record_that_speaks_of_nothing_known_is_refused_and_changes_nothing() {
    let of_nothing = [
        plain(record(Event::MessageApproved, 1)),
        queued(1, request()),
        delivered(1, Stage::ContentConsignment),
        plain(record(Event::MessageExpired, 1)),
        plain(record(Event::ContentReceived, 1)),
        plain(record(Event::PackageHandedOver, 1)),
        plain(record(Event::ReceiptDelivered, 1)),
        received(1, evidence()),
        drafted(1, evidence()),
    ];
    for (record, enclosures) in of_nothing {
        let mut desks = Desks::default();
        let refused = desks.try_commit(&record, &enclosures);
        assert!(matches!(refused, Err(FoldError::Turn)), "{:?}: {refused:?}", record.event);
        assert!(desks.rows.is_empty());
    }
}

#[test]
fn an_enclosure_that_is_missing_exchanged_or_unreadable_is_refused() {
    let mut desks = Desks::default();
    let (record, _) = drafted(1, request());
    assert!(matches!(desks.try_commit(&record, &[]), Err(FoldError::Enclosure)));
    assert!(matches!(desks.try_commit(&record, &[b"other".to_vec()]), Err(FoldError::Enclosure)));
    let unreadable = b"no message".to_vec();
    let digests = vec![NamedDigest::new("message", sha256(&unreadable))];
    let record = CustodyRecord { digests, ..record };
    assert!(matches!(desks.try_commit(&record, &[unreadable]), Err(FoldError::Decode(_))));
}

#[test]
fn a_damaged_row_is_reported_with_its_remedy() {
    let mut desks = asked();
    desks.rows.insert((tree::MESSAGE, id(1).as_bytes().to_vec()), vec![0xff; 3]);
    let refused = desks.try_commit(&record(Event::MessageApproved, 1), &[]).unwrap_err();
    assert!(refused.to_string().contains("rogatory index rebuild"), "{refused}");
}
