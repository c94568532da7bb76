//! What must hold when a schedule has come to rest.

use std::collections::BTreeMap;

use rogatory::crypto::digest::sha256;
use rogatory::exchange::receipt::{Expected, check};
use rogatory::exchange::rows::{Direction, MessageRow, MessageState, PackageRow, tree as trees};
use rogatory::model::event::{CustodyRecord, Event, Stage};
use rogatory::model::ident::Id;
use rogatory::model::refusal::RefusalCode;

use crate::cast::CAST;
use crate::index::{rebuilt, rows, value_of};
use crate::node::Node;
use crate::story::{EVIDENCE, Planned, STORY};
use crate::world::World;

/// Fails with what does not hold.
pub fn judge(world: &World) {
    for node in &world.nodes {
        let live = node.live.as_ref().expect("both nodes run at the end");
        assert_eq!(node.disk.synced(), node.disk.journal.len() as u64, "nothing waits for the disk");
        assert_eq!(live.index, rebuilt(&node.disk.journal), "a fresh fold gives the same index, byte for byte");
        nothing_waits(node);
        for (at, record) in &node.told {
            let entry = node.disk.journal.get(*at as usize).expect("what a receipt disclosed is in the log");
            assert_eq!(&*entry.record, record, "what a receipt disclosed was not exchanged");
        }
        once_each(node);
    }
    for planned in STORY.iter() {
        settled(planned, &world.nodes);
    }
    told_whole(world);
}

/// How many messages counted as not delivered in time.
pub fn not_delivered(world: &World) -> u64 {
    count(world, |state| matches!(state, MessageState::Expired | MessageState::Refused(_)))
}

/// How many messages were delivered.
pub fn delivered(world: &World) -> u64 {
    count(world, |state| *state == MessageState::Delivered)
}

fn count(world: &World, wanted: impl Fn(&MessageState) -> bool) -> u64 {
    let rows =
        world.nodes.iter().flat_map(|node| rows::<MessageRow>(&node.live.as_ref().unwrap().index, trees::MESSAGE));
    rows.filter(|row| row.direction == Direction::Outgoing && wanted(&row.state)).count() as u64
}

fn nothing_waits(node: &Node) {
    let live = node.live.as_ref().unwrap();
    for tree in [trees::OUTBOX, trees::INTAKE] {
        assert!(!live.index.keys().any(|(name, _)| name == tree), "{tree} of node {} is empty", node.me);
    }
    assert_eq!(live.sender.waiting(&CAST.members[1 - node.me].id), 0, "the schedule is empty");
}

/// No act that may happen once was recorded twice.
fn once_each(node: &Node) {
    let once = [
        Event::MessageDrafted,
        Event::MessageQueued,
        Event::MessageReceived,
        Event::MessageExpired,
        Event::MessageRefused,
        Event::ContentReceived,
        Event::PackageHandedOver,
    ];
    let mut seen: BTreeMap<(Event, Option<Id>, Option<Stage>), u64> = BTreeMap::new();
    for record in records(node) {
        let stage = record.transfer.as_ref().map(|transfer| transfer.stage);
        if once.contains(&record.event) {
            *seen.entry((record.event, record.subject.message_id, None)).or_default() += 1;
        } else if record.event == Event::MessageDelivered {
            *seen.entry((record.event, record.subject.envelope_id, stage)).or_default() += 1;
        }
    }
    for (what, times) in seen {
        assert_eq!(times, 1, "{what:?} in the log of node {}", node.me);
    }
}

fn records(node: &Node) -> impl Iterator<Item = CustodyRecord> {
    node.disk.journal.iter().map(crate::disk::Entry::decoded)
}

fn row(node: &Node, planned: &Planned) -> Option<MessageRow> {
    value_of(&node.live.as_ref().unwrap().index, trees::MESSAGE, planned.message.message_id.as_bytes())
}

/// Both sides agree about one message.
fn settled(planned: &Planned, nodes: &[Node; 2]) {
    let (from, to) = (&nodes[planned.by], &nodes[1 - planned.by]);
    let (sent, came) = (row(from, planned), row(to, planned));
    let Some(sent) = sent else { return assert_eq!(came, None, "nothing comes that was not sent") };
    if let Some(came) = &came {
        assert_eq!(came.envelope_digest, sent.envelope_digest, "both sides hold the same envelope");
        assert_eq!(came.digest, sent.digest, "both sides hold the same message");
        let bytes = to.disk.journal[came.envelope_index.unwrap() as usize].enclosure("signed-envelope");
        assert_eq!(sha256(&bytes), sent.envelope_digest.unwrap());
        assert_eq!(came.state, MessageState::Received, "what came is whole");
    }
    match &sent.state {
        MessageState::Delivered => {
            assert!(came.is_some(), "what is acknowledged is there");
            assert!(sent.receipts.iter().any(|(stage, _)| *stage == Stage::ContentConsignment));
        }
        MessageState::Expired => assert!(records(from).any(|record| {
            record.event == Event::MessageExpired && record.subject.message_id == Some(sent.message_id)
        })),
        MessageState::Refused(code) => assert_eq!(code, RefusalCode::Expired.name()),
        other => panic!("{other:?} is no end of a message that was queued"),
    }
    for (stage, at) in &sent.receipts {
        proven(from, to, &sent, *stage, *at);
    }
}

/// The receipt that the sender keeps still proves its stage, and the receiver's log holds that very record.
fn proven(from: &Node, to: &Node, sent: &MessageRow, stage: Stage, at: u64) {
    let bytes = from.disk.journal[at as usize].enclosure("receipt");
    let transfer = from.disk.journal[sent.envelope_index.unwrap() as usize].decoded().transfer.unwrap();
    let expected = Expected {
        sender: &from.member().id,
        receiver: CAST.roster.authority(&to.member().id).unwrap(),
        envelope_id: sent.envelope_id.unwrap(),
        envelope_digest: sent.envelope_digest.unwrap(),
        blobs: &transfer.blobs,
    };
    let checked = check(&bytes, &expected).unwrap();
    assert_eq!(checked.stage(), stage);
    assert_eq!(to.disk.journal[checked.index() as usize].decoded(), *checked.record());
    let leaves =
        to.disk.journal.iter().map(crate::index::leaf_of).take(checked.checkpoint().checkpoint().size() as usize);
    let root = rogatory::custody::parts::MerkleTree::of(leaves).root();
    assert_eq!(root, checked.checkpoint().checkpoint().root(), "the log only grew since that checkpoint");
}

/// A request with a month to live is told to its end: acknowledged, answered, accepted and opened.
fn told_whole(world: &World) {
    for (number, planned) in STORY.iter().enumerate() {
        let depends_on_the_short_one = [1, 4].contains(&number);
        if !depends_on_the_short_one {
            let sent = row(&world.nodes[planned.by], planned).unwrap();
            assert_eq!(sent.state, MessageState::Delivered, "message {number}");
        }
    }
    let id = STORY[EVIDENCE].message.consignment.as_ref().unwrap().seal_id;
    for node in &world.nodes {
        let package: PackageRow = value_of(&node.live.as_ref().unwrap().index, trees::PACKAGE, id.as_bytes()).unwrap();
        assert!(package.conditions.iter().all(|condition| condition.accepted_index.is_some()));
    }
    let sent = row(&world.nodes[1], &STORY[EVIDENCE]).unwrap();
    assert!(
        sent.receipts.iter().any(|(stage, _)| *stage == Stage::ContentHandover),
        "the sender knows that it was opened"
    );
}
