//! What the record of each act says, and what the peer must not learn from it.

use super::*;
use crate::exchange::rows::{Direction, MessageState};
use crate::model::event::Role;
use crate::model::message::{MessageKind, Urgency};

fn scene() -> Scene {
    let actor = Actor::Officer {
        name: "Ana Novak".parse().unwrap(),
        role: Role::Custodian,
        authentication: "unix-uid:1000".to_owned(),
    };
    Scene { actor, ..Scene::node(&"XB-MOJ".parse().unwrap(), Timestamp::from_millis(50)) }
}

fn id(number: u8) -> Id {
    Id::new(Timestamp::from_millis(7), [number; 10])
}

fn row() -> MessageRow {
    MessageRow {
        message_id: id(1),
        request_id: id(2),
        kind: MessageKind::EvidenceTransmit,
        direction: Direction::Incoming,
        counterpart: "XA-MOJ".parse().unwrap(),
        state: MessageState::Received,
        urgency: Urgency::Urgent,
        digest: Digest([3; 32]),
        drafted_by: None,
        approved_by: None,
        envelope_id: Some(id(4)),
        envelope_digest: Some(Digest([5; 32])),
        package_id: Some(id(6)),
        bytes_index: 7,
        envelope_index: Some(8),
        receipts: vec![],
        updated_at: Timestamp::from_millis(9),
    }
}

fn facts() -> EnvelopeFacts {
    EnvelopeFacts { digest: Digest([5; 32]), expires_at: Timestamp::from_millis(99), blobs: vec![] }
}

#[test]
fn every_record_reads_back_from_the_bytes_that_the_log_commits_to() {
    let (scene, row) = (scene(), row());
    for act in [
        scene.decided(Event::MessageApproved, &row, "good"),
        scene.refused(&row, RefusalCode::TooLarge),
        scene.expired(&row, 9),
        scene.content_received(&row, facts()),
        scene.handed_over(&row, facts()),
        scene.receipt_delivered(&row, Stage::ContentHandover, 11, Outcome::Success),
        scene.handled(Event::PackageExported, &row, "for the court", vec![NamedDigest::new("bag", Digest([1; 32]))]),
    ] {
        assert_eq!(record::decode(&act.record_bytes()).unwrap(), act.record);
        assert_eq!((act.record.subject.message_id, act.record.subject.envelope_id), (Some(id(1)), Some(id(4))));
        assert_eq!(act.record.counterpart, Some(row.counterpart.clone()));
    }
}

#[test]
fn what_a_receipt_discloses_names_no_officer() {
    let (scene, row) = (scene(), row());
    for act in [scene.content_received(&row, facts()), scene.handed_over(&row, facts())] {
        assert_eq!(act.record.actor, Actor::Node);
        let shown = String::from_utf8_lossy(&act.record_bytes()).into_owned();
        assert!(!shown.contains("Novak") && !shown.contains("unix-uid"), "{shown}");
    }
}

#[test]
fn an_officers_act_names_the_officer_and_the_exact_bytes() {
    let act = scene().decided(Event::MessageApproved, &row(), "good");
    assert_eq!(act.record.actor.officer().map(|name| name.as_str()), Some("Ana Novak"));
    assert_eq!(act.record.digests, [NamedDigest::new("message", Digest([3; 32]))]);
    assert_eq!((act.record.links.as_slice(), act.record.reason.as_str()), ([7].as_slice(), "good"));
}

#[test]
fn a_later_stage_repeats_the_facts_of_the_envelope() {
    let act = scene().handed_over(&row(), facts());
    let transfer = act.record.transfer.unwrap();
    assert_eq!((transfer.stage, transfer.expires_at), (Stage::ContentHandover, Timestamp::from_millis(99)));
    assert_eq!(act.record.digests, [NamedDigest::new("signed-envelope", Digest([5; 32]))]);
    assert_eq!((act.record.event, act.record.links), (Event::PackageHandedOver, vec![8]));
}

#[test]
fn what_was_not_delivered_says_why_in_words_of_the_closed_table() {
    assert_eq!(scene().refused(&row(), RefusalCode::Expired).record.outcome, Outcome::Refused(RefusalCode::Expired));
    let expired = scene().expired(&row(), 9).record;
    assert_eq!(expired.outcome, Outcome::Failed("not-delivered-in-time".to_owned()));
    assert_eq!(expired.reason, "tried 9 times");
}

#[test]
fn the_place_of_the_archive_stanza_is_our_own() {
    let us: AuthorityId = "XB-MOJ".parse().unwrap();
    let scope = archive_scope(&us, id(6));
    assert_eq!((scope.sender, scope.recipient, scope.seal_id), (&us, &us, id(6)));
}
