//! Envelopes that are in order by themselves and not beside what this node knows: repeated, reused, out of turn.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rogatory::crypto::digest::sha256;
use rogatory::exchange::act::{Act, Scene};
use rogatory::exchange::docket::{Committed, fold};
use rogatory::exchange::receiver::{Arrival, Known, arrive};
use rogatory::exchange::rows::{RowError, tree};
use rogatory::exchange::sealed::Route;
use rogatory::model::ident::AuthorityId;
use rogatory::model::message::{Body, Fields, Message};
use rogatory::model::refusal::RefusalCode as Code;
use rogatory::model::request::{Acknowledgement, Withdrawal};
use rogatory::wire::message;

use crate::cast::BEGIN;
use crate::forge::{Forge, SECRET, consignment, fields, id, item, judged, route, stranger, xa, xb};

/// The index of XB.
#[derive(Default)]
struct Desk {
    index: BTreeMap<(&'static str, Vec<u8>), Vec<u8>>,
    records: u64,
}

impl Desk {
    fn commit(&mut self, act: &Act) -> u64 {
        let read = |tree: &'static str, key: &[u8]| Ok::<_, Infallible>(self.index.get(&(tree, key.to_vec())).cloned());
        let committed = Committed { index: self.records, record: &act.record, enclosures: &act.enclosures };
        for change in fold(committed, &read, sha256).unwrap() {
            match change.value {
                Some(value) => drop(self.index.insert((change.tree, change.key), value)),
                None => drop(self.index.remove(&(change.tree, change.key))),
            }
        }
        self.records += 1;
        self.records - 1
    }

    /// What XB decides about the envelope; a new one is committed.
    fn take(&mut self, forge: Forge) -> Result<Arrival, Code> {
        self.take_bytes(forge.bytes())
    }

    fn take_bytes(&mut self, bytes: Vec<u8>) -> Result<Arrival, Code> {
        let verified = judged(&bytes).unwrap();
        let read = |tree: &'static str, key: &[u8]| Ok::<_, RowError>(self.index.get(&(tree, key.to_vec())).cloned());
        let arrival = arrive(&verified, &Known::about(&verified, read).unwrap())?;
        if arrival == Arrival::New {
            self.commit(&Scene::node(&xb().id, BEGIN).received(&verified, bytes));
        }
        Ok(arrival)
    }

    /// A request of XB to another authority, as a draft.
    fn asked(&mut self, peer: &AuthorityId, change: impl FnOnce(&mut Fields)) {
        let mut fields = fields();
        fields.sender.authority = xb().id.clone();
        fields.recipient = peer.clone();
        fields.consignment = None;
        change(&mut fields);
        let message = Message::new(fields).unwrap();
        self.commit(&Scene::node(&xb().id, BEGIN).drafted(&message, message::encode(&message), None));
    }
}

/// A further message of XA, in an envelope of its own.
fn later(number: u8, change: impl FnOnce(&mut Fields)) -> Forge {
    let mut fields = fields();
    fields.message_id = id(number);
    fields.consignment = None;
    change(&mut fields);
    let seal_id = fields.consignment.as_ref().map_or(id(number + 100), |consignment| consignment.seal_id);
    Forge { route: Route { envelope_id: id(number), seal_id, ..route() }, ..Forge::of(fields) }
}

fn withdrawal() -> Body {
    Body::Withdrawal(Withdrawal { reason: SECRET.to_owned(), measures: Vec::new() })
}

fn acknowledgement() -> Body {
    let text = || SECRET.to_owned();
    Body::Acknowledgement(Acknowledgement {
        reference: text(),
        contact: text(),
        note: text(),
        next_contact: None,
        basis: None,
    })
}

#[test]
fn an_envelope_that_comes_again_gets_the_record_that_exists() {
    let mut desk = Desk::default();
    desk.asked(&stranger(), |fields| {
        fields.message_id = id(51);
        fields.request_id = id(50);
    });
    let bytes = Forge::good().bytes();
    assert_eq!(desk.take_bytes(bytes.clone()), Ok(Arrival::New));
    for _ in 0..3 {
        assert_eq!(desk.take_bytes(bytes.clone()), Ok(Arrival::Again { index: 1 }));
    }
    assert_eq!(desk.records, 2);
}

#[test]
fn an_envelope_identifier_that_was_used_for_other_bytes_is_refused() {
    let mut desk = Desk::default();
    desk.take(Forge::good()).unwrap();
    // The same message, sealed and signed anew: the signature's nonce makes other bytes of it.
    assert_eq!(desk.take(Forge::good()), Err(Code::IdentifierReused));
    let other = later(9, |fields| fields.body = withdrawal());
    let reused = Forge { route: Route { envelope_id: id(4), ..other.route.clone() }, ..other };
    assert_eq!(desk.take(reused), Err(Code::IdentifierReused));
}

#[test]
fn a_message_identifier_that_comes_in_a_second_envelope_is_refused() {
    let mut desk = Desk::default();
    desk.take(Forge::good()).unwrap();
    let again = Forge { route: Route { envelope_id: id(7), ..route() }, ..Forge::good() };
    assert_eq!(desk.take(again), Err(Code::IdentifierReused));
    let other = later(7, |fields| {
        fields.message_id = id(1);
        fields.body = withdrawal();
    });
    assert_eq!(desk.take(other), Err(Code::IdentifierReused));
}

#[test]
fn a_message_identifier_of_our_own_is_refused() {
    let mut desk = Desk::default();
    desk.asked(&xa().id, |fields| fields.message_id = id(9));
    assert_eq!(desk.take(later(9, |fields| fields.body = withdrawal())), Err(Code::IdentifierReused));
}

#[test]
fn a_package_of_another_message_is_refused() {
    let mut desk = Desk::default();
    desk.take(Forge::good()).unwrap();
    let second = later(7, |fields| {
        fields.request_id = id(60);
        fields.consignment = Some(consignment(item()));
    });
    assert_eq!(desk.take(second), Err(Code::IdentifierReused));
}

#[test]
fn a_request_that_is_submitted_twice_is_refused() {
    let mut desk = Desk::default();
    desk.take(Forge::good()).unwrap();
    assert_eq!(desk.take(later(7, |_| {})), Err(Code::IdentifierReused));
}

#[test]
fn a_message_about_a_request_with_another_authority_is_refused() {
    let mut desk = Desk::default();
    desk.asked(&stranger(), |_| {});
    for body in [withdrawal(), acknowledgement()] {
        assert_eq!(desk.take(later(7, |fields| fields.body = body)), Err(Code::IdentifierReused));
    }
}

#[test]
fn a_message_about_no_request_is_out_of_turn_and_may_be_tried_again() {
    let mut desk = Desk::default();
    let early = later(7, |fields| fields.body = withdrawal()).bytes();
    assert_eq!(desk.take_bytes(early.clone()), Err(Code::OutOfTurn));
    // Urgent things overtake: the request that it belongs to comes, then it is taken.
    assert_eq!(desk.take(Forge::good()), Ok(Arrival::New));
    assert_eq!(desk.take_bytes(early), Ok(Arrival::New));
}

#[test]
fn a_message_of_the_wrong_side_is_out_of_turn() {
    let mut asked = Desk::default();
    asked.take(Forge::good()).unwrap();
    assert_eq!(asked.take(later(7, |fields| fields.body = acknowledgement())), Err(Code::OutOfTurn));
    let mut asking = Desk::default();
    asking.asked(&xa().id, |fields| fields.message_id = id(30));
    assert_eq!(asking.take(later(7, |fields| fields.body = withdrawal())), Err(Code::OutOfTurn));
    assert_eq!(asking.take(later(7, |fields| fields.body = acknowledgement())), Ok(Arrival::New));
}

#[test]
fn what_is_refused_leaves_no_trace_in_the_index() {
    let mut desk = Desk::default();
    desk.take(Forge::good()).unwrap();
    let before = desk.index.clone();
    desk.take(later(7, |_| {})).unwrap_err();
    desk.take(Forge::good()).unwrap_err();
    assert_eq!(desk.index, before);
    assert!(before.keys().any(|(name, _)| *name == tree::INTAKE));
}
