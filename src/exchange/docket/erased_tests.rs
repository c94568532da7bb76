//! The fold over a log in which records were erased.

use super::fixtures::{Desks, answered, asked, drafted, id, plain, record, request};
use super::*;
use crate::crypto::digest::sha256;
use crate::model::event::{NamedDigest, Subject};

fn erase_one(desks: &mut Desks) {
    for change in fold_erased() {
        desks.rows.insert((change.tree, change.key), change.value.unwrap());
    }
    desks.records += 1;
}

/// The tombstone of the identifiers of request 0 and message 1.
fn tombstone(asked: u64) -> CustodyRecord {
    let gone = [id(0), id(1)].map(|id| NamedDigest::new(GONE_DIGEST, sha256(id.as_bytes())));
    let subject = Subject { request_id: Some(id(0)), ..Subject::default() };
    CustodyRecord { digests: gone.to_vec(), links: vec![asked, 0], subject, ..record(Event::RecordErased, 1) }
}

#[test]
fn a_record_that_speaks_of_an_erased_one_stands_on_the_time_line_only() {
    for event in [Event::MessageApproved, Event::MessageExpired, Event::ContentReceived, Event::ReceiptDelivered] {
        let mut desks = Desks::default();
        erase_one(&mut desks);
        let before = desks.rows.clone();
        let index = desks.commit(plain(record(event, 1)));
        let new: Vec<_> = desks.rows.keys().filter(|key| !before.contains_key(key)).cloned().collect();
        assert_eq!(new, [(tree::TIMELINE, timeline_key(id(0), index))], "{event:?}");
    }
    // A new message under the same fold is folded as ever.
    let mut desks = Desks::default();
    erase_one(&mut desks);
    desks.commit(drafted(1, request()));
    desks.commit(plain(record(Event::MessageDiscarded, 1)));
    assert_eq!(desks.message(1).state, MessageState::Discarded);
}

#[test]
fn a_tombstone_keeps_its_identifiers_from_being_new_and_answers_what_was_asked() {
    let mut desks = Desks::default();
    erase_one(&mut desks);
    desks.commit(plain(CustodyRecord { subject: Subject::default(), ..record(Event::ErasureRequested, 1) }));
    let index = desks.commit(plain(tombstone(1)));
    for gone in [id(0), id(1)] {
        assert!(desks.rows.contains_key(&(tree::GONE, sha256(gone.as_bytes()).0.to_vec())));
    }
    let bytes = index.to_be_bytes().to_vec();
    assert_eq!(desks.rows.get(&(tree::ANSWERED, 1_u64.to_be_bytes().to_vec())), Some(&bytes));
}

#[test]
fn a_destruction_is_known_by_its_package_and_changes_nothing_else() {
    let mut desks = answered();
    let before = desks.rows.clone();
    let subject = Subject { request_id: Some(id(0)), package_id: Some(id(90)), ..Subject::default() };
    let record = CustodyRecord { subject, links: vec![1], ..record(Event::PackageDestroyed, 5) };
    let index = desks.commit(plain(record));
    let bytes = index.to_be_bytes().to_vec();
    assert_eq!(desks.rows.get(&(tree::DESTROYED, id(90).as_bytes().to_vec())), Some(&bytes));
    assert!(before.iter().all(|(key, value)| desks.rows.get(key) == Some(value)));
}

#[test]
fn an_act_of_two_persons_without_its_first_link_is_refused() {
    let mut desks = asked();
    let refused = desks.try_commit(&CustodyRecord { links: vec![], ..tombstone(1) }, &[]);
    assert!(matches!(refused, Err(FoldError::Turn)), "{refused:?}");
}
