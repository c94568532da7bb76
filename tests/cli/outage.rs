//! Store and forward: the peer is down, the sender restarts, time runs out; nothing that was queued is lost or sent twice.

use rogatory::crypto::hybrid::HybridPublicKey;
use rogatory::crypto::package_key::PackageKey;
use rogatory::crypto::random;
use rogatory::daemon::clock;
use rogatory::daemon::home::Home;
use rogatory::daemon::keys::Keys;
use rogatory::daemon::node::{Node, Opening};
use rogatory::exchange::rows::{MessageRow, MessageState};
use rogatory::exchange::sealed::{RecipientKey, Route, seal, sign_message};
use rogatory::model::ident::Id;
use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, text};
use crate::program::until;
use crate::requests::both_logs_agree;
use crate::stage::Stage;

fn message(row: &Value) -> String {
    text(row, "message_id")
}

#[test]
fn what_is_queued_for_a_peer_that_is_down_survives_a_restart_and_goes_out_urgent_first() {
    let mut stage = Stage::set();
    stage.xa.start();
    let mut routine = Vec::new();
    for number in 1..=8 {
        routine.push(message(&stage.xa.ask("XB-MOJ", &format!("Routine {number}"), &[])));
    }
    let urgent = message(&stage.xa.ask("XB-MOJ", "Urgent", &["--urgent", "A hearing tomorrow"]));
    let listed = stage.xa.json(FIRST, &["request", "list"]);
    assert!(listed["requests"].as_array().unwrap().iter().all(|row| row["state"] == "sent"));
    stage.xa.stop();
    stage.xb.start();
    stage.xa.start();
    routine.iter().chain([&urgent]).for_each(|message| drop(stage.xa.handed_over(message)));
    both_logs_agree(&stage.xa, &stage.xb, 9);
    let came = stage.xb.records_where(|record| record["event"] == "message.received");
    assert_eq!(came.len(), 9, "each once");
    assert_eq!(message(&came[0]), urgent, "urgent before routine");
}

#[test]
fn a_peer_that_comes_up_later_gets_what_waited_without_any_command() {
    let mut stage = Stage::set();
    stage.xa.start();
    let sent = message(&stage.xa.ask("XB-MOJ", "It waits", &[]));
    stage.xa.record_of("message.queued", &sent);
    stage.xb.start();
    stage.xa.handed_over(&sent);
    // The peer goes and comes back: the other direction and the next message find each other again.
    stage.xb.stop();
    let next = message(&stage.xa.ask("XB-MOJ", "It waits again", &[]));
    stage.xb.start();
    stage.xa.handed_over(&next);
    both_logs_agree(&stage.xa, &stage.xb, 2);
}

#[test]
fn an_envelope_whose_time_ran_out_is_recorded_as_not_delivered_and_never_sent() {
    let mut stage = Stage::set();
    stage.xa.start();
    let drafted = stage.xa.draft("XB-MOJ", "Too late", &[]);
    let request = text(&drafted, "request_id");
    stage.xa.json(SECOND, &["request", "approve", &request]);
    stage.xa.stop();
    queue_with_a_life_of_a_moment(&stage.xa, message(&drafted).parse().unwrap());
    stage.xa.start();
    let expired = stage.xa.record_of("message.expired", &message(&drafted));
    assert_eq!(expired["outcome"], "failed: not-delivered-in-time");
    let shown = stage.xa.json(FIRST, &["request", "show", &request]);
    assert_eq!(shown["messages"][0]["state"], "not delivered in time");
    stage.xb.start();
    let later = message(&stage.xa.ask("XB-MOJ", "In time", &[]));
    stage.xa.handed_over(&later);
    let came = stage.xb.records_where(|record| record["event"] == "message.received");
    assert_eq!(came.iter().map(message).collect::<Vec<_>>(), [later]);
    assert_eq!(stage.xa.records_where(|record| record["event"] == "message.expired").len(), 1);
}

/// What `request send` does, with a life that no setting allows: the shortest one is a day.
fn queue_with_a_life_of_a_moment(office: &Office, message_id: Id) {
    let (wake, _) = tokio::sync::mpsc::unbounded_channel();
    let node = Node::open(&office.data, wake, Opening::ToRead).unwrap();
    let keys = Keys::read(&Home::at(&office.data)).unwrap();
    let row: MessageRow = node.message(message_id).unwrap();
    assert_eq!(row.state, MessageState::Approved);
    let now = clock::now();
    let directory = node.directory(now).unwrap();
    let peer = directory.roster().authority(&row.counterpart).unwrap();
    let key = HybridPublicKey::try_from(peer.receiving_key_at(now).unwrap().public_key.as_slice()).unwrap();
    let recipients = [
        RecipientKey { authority: peer.id.clone(), key },
        RecipientKey { authority: node.us().clone(), key: keys.archive.clone() },
    ];
    let route = Route {
        envelope_id: Id::new(now, random::bytes().unwrap()),
        seal_id: row.message_id,
        sender: node.us().clone(),
        recipient: peer.id.clone(),
        created_at: now,
        expires_at: now.plus_millis(1),
        urgency: row.urgency,
    };
    let (bytes, _) = node.message_bytes(&row).unwrap();
    let signed = sign_message(bytes, &keys.seal, now).unwrap();
    let key = PackageKey::from_random(random::bytes().unwrap());
    let mut draw = |bytes: &mut [u8]| random::fill(bytes).unwrap();
    let sealed = seal(&signed, route, Vec::new(), &key, &recipients, &keys.seal, &mut draw).unwrap();
    node.commit(node.scene().queued(&row, signed, sealed)).unwrap();
    until("the moment to pass", || (clock::now() > now.plus_millis(1)).then_some(()));
}
