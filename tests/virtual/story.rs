//! What the two authorities say to each other: sealed once with the real floors, told anew in each schedule.

use std::sync::{Arc, LazyLock};

use rogatory::crypto::digest::sha256;
use rogatory::crypto::package_key::{ObjectScope, PackageKey};
use rogatory::crypto::payload;
use rogatory::crypto::stanza::{WRAP_RANDOM_BYTES, wrap};
use rogatory::custody::parts::MerkleTree;
use rogatory::exchange::act::archive_scope;
use rogatory::exchange::sealed::{Route, Sealed, seal, sign_message};
use rogatory::model::envelope::Blob;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::limits::PART_BYTES;
use rogatory::model::message::{Body, Fields, Message, Party, Urgency};
use rogatory::model::package::{Condition, ConditionOrigin, Consignment, Item, ItemForm, ItemRole};
use rogatory::model::request::{
    Acknowledgement, Completeness, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, ExecutionStatus,
    Measure, RequestBody, Withdrawal,
};
use rogatory::wire::envelope::SignedBytes;
use rogatory::wire::message;

use crate::cast::{BEGIN, CAST, DAY_MS, HOUR_MS, at};
use crate::rng::Rng;

/// When an officer may write a message.
#[derive(Debug, Clone, Copy)]
pub enum After {
    /// At once.
    Start,
    /// When that message of the peer is here, whole.
    Whole(usize),
    /// When that message of our own is queued.
    Queued(usize),
}

/// One message, ready for each of its acts.
pub struct Planned {
    pub by: usize,
    pub after: After,
    pub message: Message,
    pub signed: SignedBytes,
    pub sealed: Sealed,
    pub objects: Vec<Arc<Vec<u8>>>,
    /// Over the parts of each object.
    pub trees: Vec<MerkleTree>,
    pub archive_stanza: Option<Vec<u8>>,
}

struct Wish<'a> {
    by: usize,
    after: After,
    urgency: Urgency,
    life_ms: u64,
    request: usize,
    files: &'a [usize],
    conditions: usize,
    body: Body,
}

/// The parts of a sealed object.
pub fn parts(object: &[u8]) -> std::slice::Chunks<'_, u8> {
    object.chunks(PART_BYTES)
}

pub const EVIDENCE: usize = 6;

pub static STORY: LazyLock<Vec<Planned>> = LazyLock::new(|| {
    use After::{Queued, Start, Whole};
    use Urgency::{Routine, Urgent};
    let mut rng = Rng::new(7);
    let mut wish = |by, after, urgency, life_ms, request, files: &[usize], body| {
        let conditions = usize::from(matches!(body, Body::Evidence(_)));
        planned(&mut rng, &Wish { by, after, urgency, life_ms, request, files, conditions, body })
    };
    let month = 30 * DAY_MS;
    let request = |name: &str| {
        Body::Request(Box::new(RequestBody {
            reference: name.to_owned(),
            subject: "Bank records".to_owned(),
            measures: vec![Measure {
                kind: "evidence".to_owned(),
                description: "Records".to_owned(),
                ..Measure::default()
            }],
            ..RequestBody::default()
        }))
    };
    let ack = || {
        Body::Acknowledgement(Acknowledgement {
            reference: "B-1".to_owned(),
            contact: String::new(),
            note: String::new(),
            next_contact: None,
            basis: None,
        })
    };
    let report = |status| Body::Report(ExecutionReport { status, text: "So far.".to_owned() });
    let evidence = Body::Evidence(EvidenceTransmittal {
        reference: "B-1".to_owned(),
        description: "The records.".to_owned(),
        completeness: Completeness::Final,
    });
    let mut story = vec![
        wish(0, Start, Routine, month, 0, &[PART_BYTES + 70_000, 900], request("A-1")),
        wish(0, Start, Urgent, 2 * HOUR_MS, 1, &[], request("A-2")),
        wish(0, Start, Routine, month, 2, &[], request("A-3")),
        wish(1, Whole(0), Routine, month, 0, &[], ack()),
        wish(1, Whole(1), Urgent, month, 1, &[], ack()),
        wish(1, Queued(3), Routine, month, 0, &[], report(ExecutionStatus::InExecution)),
        wish(1, Queued(5), Routine, month, 0, &[2 * PART_BYTES + 300_000, 20_000], evidence),
    ];
    let accepted = Body::Acceptance(ConditionsAcceptance {
        package_id: story[EVIDENCE].message.consignment.as_ref().unwrap().seal_id,
        condition_ids: vec!["c1".to_owned()],
        responsible_authority: "XA-MOJ".to_owned(),
    });
    story.push(wish(0, Whole(EVIDENCE), Urgent, month, 0, &[], accepted));
    story.push(wish(1, Whole(7), Routine, month, 0, &[], report(ExecutionStatus::Executed)));
    let withdrawal = Body::Withdrawal(Withdrawal { reason: "Settled.".to_owned(), measures: Vec::new() });
    story.push(wish(0, Queued(2), Urgent, month, 2, &[], withdrawal));
    story
});

fn condition() -> Condition {
    Condition {
        id: "c1".to_owned(),
        code: "USE.NAMED-PROCEEDINGS".to_owned(),
        text: "For the named proceedings only.".to_owned(),
        legal_source: String::new(),
        origin: ConditionOrigin::RequestedState,
        objects: vec![],
        ..Condition::default()
    }
}

fn planned(rng: &mut Rng, wish: &Wish<'_>) -> Planned {
    let (us, them) = (&CAST.members[wish.by], &CAST.members[1 - wish.by]);
    let seal_id = Id::new(BEGIN, rng.bytes());
    let package_key = PackageKey::from_random(rng.bytes());
    let (mut items, mut blobs, mut objects) = (Vec::new(), Vec::new(), Vec::new());
    let mut trees = Vec::new();
    for (object_id, bytes) in (1_u32..).zip(wish.files) {
        let mut plain = vec![0; *bytes];
        rng.fill(&mut plain);
        let key = package_key.object_key(ObjectScope { seal_id, object_id });
        let sealed = payload::seal(&key, rng.bytes(), &plain).unwrap();
        let mut tree = MerkleTree::new();
        parts(&sealed).for_each(|part| tree.push_part(part));
        let commitment = Digest(sealed[24..56].try_into().unwrap());
        blobs.push(Blob { object_id, ciphertext_bytes: sealed.len() as u64, root: tree.root(), commitment });
        items.push(Item {
            object_id,
            name: format!("file-{object_id}.bin"),
            media_type: "application/octet-stream".to_owned(),
            plaintext_bytes: *bytes as u64,
            sha256: sha256(&plain),
            ciphertext_root: tree.root(),
            role: ItemRole::Evidence,
            description: String::new(),
            form: ItemForm::File,
            further: Vec::new(),
        });
        objects.push(Arc::new(sealed));
        trees.push(tree);
    }
    let message = Message::new(Fields {
        message_id: Id::new(BEGIN, rng.bytes()),
        request_id: Id::new(BEGIN, [wish.request as u8; 10]),
        sender: Party { authority: us.id.clone(), officer: "Ana Novak".parse().unwrap() },
        recipient: them.id.clone(),
        created_at: BEGIN,
        in_reply_to: None,
        directory: Digest([1; 32]),
        language: "en".to_owned(),
        urgency: wish.urgency,
        urgency_reason: if wish.urgency == Urgency::Urgent { "Hearing soon.".to_owned() } else { String::new() },
        reply_by: None,
        legal_bases: vec![],
        basis: None,
        conditions: vec![condition(); wish.conditions],
        consignment: (!items.is_empty()).then(|| Consignment::new(seal_id, items).unwrap()),
        renditions: Vec::new(),
        ties: rogatory::model::message::Ties::default(),
        body: wish.body.clone(),
    })
    .unwrap();
    let archive_stanza = (!blobs.is_empty()).then(|| {
        let random: [u8; WRAP_RANDOM_BYTES] = rng.bytes();
        wrap(&package_key, &us.archive, archive_scope(&us.id, seal_id), random).unwrap()
    });
    let signed = sign_message(message::encode(&message), &us.signer, BEGIN).unwrap();
    let route = Route {
        envelope_id: Id::new(BEGIN, rng.bytes()),
        seal_id,
        sender: us.id.clone(),
        recipient: them.id.clone(),
        created_at: BEGIN,
        expires_at: at(wish.life_ms),
        urgency: wish.urgency,
    };
    let mut random = |bytes: &mut [u8]| rng.fill(bytes);
    let sealed = seal(&signed, route, blobs, &package_key, &them.recipients(us), &us.signer, &mut random).unwrap();
    Planned { by: wish.by, after: wish.after, message, signed, sealed, objects, trees, archive_stanza }
}
