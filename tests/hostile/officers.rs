//! What the victim's officers do while they are attacked: they ask, and they send evidence.

use std::io::Cursor;

use rogatory::daemon::desk;
use rogatory::daemon::drafting::{self, Draft};
use rogatory::daemon::packing::{self, FileFacts};
use rogatory::exchange::act::DraftFiles;
use rogatory::exchange::rows::MessageRow;
use rogatory::model::ident::Id;
use rogatory::model::message::Urgency;
use rogatory::model::package::{Condition, ConditionOrigin, Consignment, ItemRole};

use crate::letter::{SECRET, evidence as evidence_body, request};
use crate::peer::Peer;
use crate::stage::Stage;

/// The victim's officers send a request with a file to that peer.
pub fn victim_asks(stage: &Stage, to: &Peer) -> MessageRow {
    victim_asks_with(stage, to, SECRET.as_bytes())
}

/// The same with a file of that content.
pub fn victim_asks_with(stage: &Stage, to: &Peer, content: &[u8]) -> MessageRow {
    let node = stage.node();
    let [first, second] = stage.officers();
    let files = Some(pack(stage, ItemRole::Attachment, content));
    let draft = Draft {
        to: to.id.clone(),
        request_id: None,
        in_reply_to: None,
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: String::new(),
        reply_by: None,
        legal_bases: vec!["a treaty".to_owned()],
        basis: rogatory::daemon::basis::BasisWish::default(),
        conditions: Vec::new(),
        files,
        ties: rogatory::model::message::Ties::default(),
        body: request(),
    };
    let row = drafting::draft(node, &first, draft).unwrap();
    desk::approve_and_send(node, &second, row.message_id).unwrap()
}

fn pack(stage: &Stage, role: ItemRole, content: &[u8]) -> (Consignment, DraftFiles) {
    let (node, [first, _]) = (stage.node(), stage.officers());
    let id = packing::begin(node, &first).unwrap();
    let facts = FileFacts {
        name: "file".to_owned(),
        media_type: "text/plain".to_owned(),
        description: String::new(),
        role,
        also: Vec::new(),
        expected: Vec::new(),
    };
    packing::add(node, &first, id, facts, &mut Cursor::new(content)).unwrap();
    packing::finish(node, &first, id).unwrap()
}

/// The victim answers a request of that peer with evidence under a condition; the package.
pub fn victim_transmits(stage: &Stage, request_id: Id) -> MessageRow {
    let (node, [first, second]) = (stage.node(), stage.officers());
    let files = pack(stage, ItemRole::Evidence, SECRET.as_bytes());
    let mut draft = Draft::in_thread(&node.request(request_id).unwrap(), None, evidence_body());
    draft.conditions = vec![Condition {
        id: "c1".to_owned(),
        code: "USE.NAMED-PROCEEDINGS".to_owned(),
        text: SECRET.to_owned(),
        legal_source: String::new(),
        origin: ConditionOrigin::RequestedState,
        objects: Vec::new(),
        ..Condition::default()
    }];
    draft.files = Some(files);
    let row = drafting::draft(node, &first, draft).unwrap();
    desk::approve_and_send(node, &second, row.message_id).unwrap()
}
