//! Envelopes that a peer makes: right ones, of which each test bends what it attacks with.

use rogatory::crypto::hybrid::HybridPublicKey;
use rogatory::crypto::package_key::{ObjectScope, PackageKey};
use rogatory::crypto::{payload, random};
use rogatory::custody::tree::leaf_hash;
use rogatory::daemon::clock;
use rogatory::exchange::sealed::{RecipientKey, Route, Sealed, seal, sign_message};
use rogatory::model::authority::Authority;
use rogatory::model::envelope::Blob;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::message::{Body, Fields, Message, Party, Urgency};
use rogatory::model::package::{Consignment, Item, ItemForm, ItemRole};
use rogatory::model::request::{Acknowledgement, Completeness, EvidenceTransmittal, Measure, RequestBody};
use rogatory::wire::message;

use crate::peer::Peer;

/// Stands in every text: no log line may show it.
pub const SECRET: &str = "Zlatorog";

pub fn new_id() -> Id {
    Id::new(clock::now(), random::bytes().unwrap())
}

pub fn request() -> Body {
    let text = SECRET.to_owned();
    Body::Request(Box::new(RequestBody {
        reference: text.clone(),
        subject: text.clone(),
        proceeding_authority: text.clone(),
        proceeding_authority_functions: text.clone(),
        nature_of_proceedings: text.clone(),
        facts: text.clone(),
        applicable_law: text.clone(),
        penalty: text.clone(),
        measures: vec![Measure { kind: text.clone(), description: text.clone(), ..Measure::default() }],
        purpose: text,
        ..RequestBody::default()
    }))
}

pub fn acknowledgement() -> Body {
    Body::Acknowledgement(Acknowledgement {
        reference: SECRET.to_owned(),
        contact: SECRET.to_owned(),
        note: SECRET.to_owned(),
        next_contact: None,
        basis: None,
    })
}

pub fn evidence() -> Body {
    Body::Evidence(EvidenceTransmittal {
        reference: SECRET.to_owned(),
        description: SECRET.to_owned(),
        completeness: Completeness::Partial,
    })
}

/// A letter before it is signed.
pub struct Letter {
    pub fields: Fields,
    pub route: Route,
    pub blobs: Vec<Blob>,
    pub key: PackageKey,
}

impl Letter {
    /// A request that begins a thread.
    pub fn new(from: &Peer, to: &Authority) -> Self {
        let now = clock::now();
        let fields = Fields {
            message_id: new_id(),
            request_id: new_id(),
            sender: Party { authority: from.id.clone(), officer: SECRET.parse().unwrap() },
            recipient: to.id.clone(),
            created_at: now,
            in_reply_to: None,
            directory: Digest([1; 32]),
            language: "en".to_owned(),
            urgency: Urgency::Routine,
            urgency_reason: String::new(),
            reply_by: None,
            legal_bases: vec![SECRET.to_owned()],
            basis: None,
            conditions: Vec::new(),
            consignment: None,
            renditions: Vec::new(),
            ties: rogatory::model::message::Ties::default(),
            body: request(),
        };
        let route = Route {
            envelope_id: new_id(),
            seal_id: new_id(),
            sender: from.id.clone(),
            recipient: to.id.clone(),
            created_at: now,
            expires_at: now.plus_millis(86_400_000),
            urgency: Urgency::Routine,
        };
        Self { fields, route, blobs: Vec::new(), key: PackageKey::from_random([7; 32]) }
    }

    /// The same in a thread that is there.
    pub fn in_thread(mut self, request_id: Id, body: Body) -> Self {
        self.fields.request_id = request_id;
        self.fields.body = body;
        self
    }

    /// With objects of these plaintext lengths that nobody has.
    pub fn announcing(mut self, lengths: &[u64]) -> Self {
        let items =
            (1..).zip(lengths).map(|(object_id, length)| item(object_id, *length, Digest([object_id as u8; 32])));
        let items: Vec<Item> = items.collect();
        self.blobs = items.iter().map(blob).collect();
        self.fields.consignment = Some(Consignment::new(self.route.seal_id, items).unwrap());
        self
    }

    /// With one small object that is really there; its ciphertext.
    pub fn carrying(mut self, plaintext: &[u8]) -> (Self, Vec<u8>) {
        let key = self.key.object_key(ObjectScope { seal_id: self.route.seal_id, object_id: 1 });
        let sealed = payload::seal(&key, [9; 24], plaintext).unwrap();
        let item = item(1, plaintext.len() as u64, leaf_hash(&sealed));
        self.blobs = vec![blob(&item)];
        self.fields.consignment = Some(Consignment::new(self.route.seal_id, vec![item]).unwrap());
        (self, sealed)
    }

    pub fn sealed(&self, from: &Peer, to: &Authority) -> Sealed {
        let bytes = message::encode(&Message::new(self.fields.clone()).unwrap());
        self.sealed_over(bytes, from, to)
    }

    /// Around message bytes that may say something else.
    pub fn sealed_over(&self, message: Vec<u8>, from: &Peer, to: &Authority) -> Sealed {
        let now = clock::now();
        let signed = sign_message(message, &from.keys.seal, now).unwrap();
        let key = to.receiving_key_at(now).unwrap();
        let recipient = RecipientKey {
            authority: to.id.clone(),
            key: HybridPublicKey::try_from(key.public_key.as_slice()).unwrap(),
        };
        let mut random = |bytes: &mut [u8]| random::fill(bytes).unwrap();
        seal(&signed, self.route.clone(), self.blobs.clone(), &self.key, &[recipient], &from.keys.seal, &mut random)
            .unwrap()
    }

    pub fn bytes(&self, from: &Peer, to: &Authority) -> Vec<u8> {
        self.sealed(from, to).bytes
    }
}

fn item(object_id: u32, plaintext_bytes: u64, ciphertext_root: Digest) -> Item {
    Item {
        object_id,
        name: SECRET.to_owned(),
        media_type: "text/plain".to_owned(),
        plaintext_bytes,
        sha256: Digest([5; 32]),
        ciphertext_root,
        role: ItemRole::Evidence,
        description: SECRET.to_owned(),
        form: ItemForm::File,
        further: Vec::new(),
    }
}

fn blob(item: &Item) -> Blob {
    let ciphertext_bytes = rogatory::crypto::chunk::ciphertext_bytes(item.plaintext_bytes).unwrap();
    Blob { object_id: item.object_id, ciphertext_bytes, root: item.ciphertext_root, commitment: Digest([7; 32]) }
}
