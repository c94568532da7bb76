//! An index in memory and the records that the tests of the fold commit to it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;
use crate::crypto::digest::sha256;
use crate::exchange::rows::{OutboxRow, RequestRow, RequestState};
use crate::model::envelope::Blob;
use crate::model::event::{Actor, NamedDigest, Outcome, Role, Stage, Subject};
use crate::model::ident::AuthorityId;
use crate::model::message::{Body, Fields, Party, Urgency};
use crate::model::package::{Condition, ConditionOrigin, Consignment, Item, ItemForm, ItemRole};
use crate::model::request::{Completeness, EvidenceTransmittal, ExecutionReport, ExecutionStatus};
use crate::model::time::Timestamp;
use crate::wire::envelope::{SignedBytes, encode_signed_message};

#[derive(Default)]
pub(super) struct Desks {
    pub(super) rows: BTreeMap<(&'static str, Vec<u8>), Vec<u8>>,
    pub(super) records: u64,
}

impl Desks {
    pub(super) fn try_commit(
        &mut self,
        record: &CustodyRecord,
        enclosures: &[Vec<u8>],
    ) -> Result<u64, FoldError<Infallible>> {
        let read = |tree: &'static str, key: &[u8]| Ok(self.rows.get(&(tree, key.to_vec())).cloned());
        let changes = fold(Committed { index: self.records, record, enclosures }, &read, sha256)?;
        for change in changes {
            match change.value {
                Some(value) => drop(self.rows.insert((change.tree, change.key), value)),
                None => drop(self.rows.remove(&(change.tree, change.key))),
            }
        }
        self.records += 1;
        Ok(self.records - 1)
    }

    pub(super) fn commit(&mut self, (record, enclosures): (CustodyRecord, Vec<Vec<u8>>)) -> u64 {
        self.try_commit(&record, &enclosures).unwrap()
    }

    pub(super) fn get<R: serde::de::DeserializeOwned>(&self, tree: &'static str, key: &[u8]) -> Option<R> {
        self.rows.get(&(tree, key.to_vec())).map(|bytes| from_bytes(bytes).unwrap())
    }

    pub(super) fn message(&self, number: u8) -> MessageRow {
        self.get(tree::MESSAGE, id(number).as_bytes()).unwrap()
    }

    pub(super) fn request(&self) -> RequestState {
        self.get::<RequestRow>(tree::REQUEST, id(0).as_bytes()).unwrap().state
    }

    pub(super) fn outbox(&self) -> Vec<OutboxRow> {
        let rows = self.rows.iter().filter(|((name, _), _)| *name == tree::OUTBOX);
        rows.map(|(_, bytes)| from_bytes(bytes).unwrap()).collect()
    }
}

pub(super) fn us() -> AuthorityId {
    "XA-MOJ".parse().unwrap()
}

pub(super) fn peer() -> AuthorityId {
    "XB-MOJ".parse().unwrap()
}

pub(super) fn id(number: u8) -> Id {
    Id::new(Timestamp::from_millis(7), [number; 10])
}

pub(super) fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(super) fn request() -> Body {
    Body::Request(Box::default())
}

pub(super) fn evidence() -> Body {
    let text = String::new;
    Body::Evidence(EvidenceTransmittal { reference: text(), description: text(), completeness: Completeness::Final })
}

pub(super) fn report(status: ExecutionStatus) -> Body {
    Body::Report(ExecutionReport { status, text: "So far.".to_owned() })
}

pub(super) fn message_from(from: AuthorityId, number: u8, body: Body) -> Message {
    let files = matches!(body, Body::Evidence(_));
    let recipient = if from == us() { peer() } else { us() };
    let item = Item {
        object_id: 1,
        name: "a.bin".to_owned(),
        media_type: "a/b".to_owned(),
        plaintext_bytes: 100,
        sha256: Digest([1; 32]),
        ciphertext_root: Digest([2; 32]),
        role: ItemRole::Evidence,
        description: String::new(),
        form: ItemForm::File,
        further: Vec::new(),
    };
    let condition = Condition {
        id: "c1".to_owned(),
        code: "USE".to_owned(),
        text: "Only so.".to_owned(),
        legal_source: String::new(),
        origin: ConditionOrigin::RequestedState,
        objects: vec![],
        ..Condition::default()
    };
    Message::new(Fields {
        message_id: id(number),
        request_id: id(0),
        sender: Party { authority: from, officer: "Ana Novak".parse().unwrap() },
        recipient,
        created_at: at(7),
        in_reply_to: None,
        directory: Digest([0; 32]),
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: String::new(),
        reply_by: None,
        legal_bases: vec![],
        basis: None,
        conditions: if files { vec![condition] } else { vec![] },
        consignment: files.then(|| Consignment::new(id(90), vec![item]).unwrap()),
        renditions: Vec::new(),
        ties: crate::model::message::Ties::default(),
        body,
    })
    .unwrap()
}

pub(super) fn blobs(message: &Message) -> Vec<Blob> {
    let blob = Blob { object_id: 1, ciphertext_bytes: 172, root: Digest([2; 32]), commitment: Digest([3; 32]) };
    if message.consignment.is_some() { vec![blob] } else { vec![] }
}

/// A record about a message, by an officer.
pub(super) fn record(event: Event, number: u8) -> CustodyRecord {
    CustodyRecord {
        event,
        at: at(100),
        authority: us(),
        actor: Actor::Officer {
            name: "Ana Novak".parse().unwrap(),
            role: Role::Drafter,
            authentication: "unix-uid:1".to_owned(),
        },
        second: None,
        subject: Subject {
            request_id: Some(id(0)),
            message_id: Some(id(number)),
            envelope_id: Some(id(number + 100)),
            package_id: None,
        },
        counterpart: Some(peer()),
        digests: vec![],
        reason: String::new(),
        outcome: Outcome::Success,
        links: vec![],
        message_kind: None,
        transfer: None,
    }
}

pub(super) fn staged(event: Event, number: u8, stage: Stage, blobs: Vec<Blob>) -> CustodyRecord {
    let expires_at = at(9_000);
    CustodyRecord {
        transfer: Some(Transfer { stage, urgency: Urgency::Routine, expires_at, blobs, attempts: 1 }),
        ..record(event, number)
    }
}

pub(super) fn drafted(number: u8, body: Body) -> (CustodyRecord, Vec<Vec<u8>>) {
    let bytes = message::encode(&message_from(us(), number, body));
    let digests = vec![NamedDigest::new("message", sha256(&bytes))];
    (CustodyRecord { digests, ..record(Event::MessageDrafted, number) }, vec![bytes])
}

pub(super) fn queued(number: u8, body: Body) -> (CustodyRecord, Vec<Vec<u8>>) {
    let said = message_from(us(), number, body);
    let bytes = message::encode(&said);
    let digests =
        vec![NamedDigest::new("message", sha256(&bytes)), NamedDigest::new("signed-envelope", Digest([9; 32]))];
    let record = staged(Event::MessageQueued, number, Stage::SubmissionAcceptance, blobs(&said));
    (CustodyRecord { digests, ..record }, vec![bytes])
}

pub(super) fn received(number: u8, body: Body) -> (CustodyRecord, Vec<Vec<u8>>) {
    let said = message_from(peer(), number, body);
    let signed = encode_signed_message(&SignedBytes { content: message::encode(&said), cms: vec![1] });
    let digests =
        vec![NamedDigest::new("signed-message", sha256(&signed)), NamedDigest::new("signed-envelope", Digest([8; 32]))];
    let whole = said.consignment.is_none();
    let stage = if whole { Stage::ContentConsignment } else { Stage::RelayAcceptance };
    (CustodyRecord { digests, ..staged(Event::MessageReceived, number, stage, blobs(&said)) }, vec![signed])
}

pub(super) fn plain(record: CustodyRecord) -> (CustodyRecord, Vec<Vec<u8>>) {
    (record, vec![])
}

pub(super) fn delivered(number: u8, stage: Stage) -> (CustodyRecord, Vec<Vec<u8>>) {
    plain(staged(Event::MessageDelivered, number, stage, vec![]))
}

/// We asked; the request is queued as record 1.
pub(super) fn asked() -> Desks {
    let mut desks = Desks::default();
    desks.commit(drafted(1, request()));
    desks.commit(queued(1, request()));
    desks
}

/// We asked, and the evidence came as record 2.
pub(super) fn answered() -> Desks {
    let mut desks = asked();
    desks.commit(received(5, evidence()));
    desks
}
