//! A small case with real keys: XA-MOJ asks, XB-MOJ sends two files under a condition, XA-MOJ accepts it, opens them and
//! exports. Both logs are trees in memory; every proof is a real one.

#[path = "exports.rs"]
mod exports;
#[path = "founded.rs"]
mod founded;
#[path = "memory_log.rs"]
pub mod memory_log;

pub use founded::{directory, parts};
use memory_log::Log;

use rogatory::bag::dossier::{Bytes, Dossier, SignedPart};
use rogatory::crypto::certificate::CertificateFacts;
use rogatory::crypto::cms::Signer;
use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::hybrid::HybridSecretKey;
use rogatory::crypto::issue::{Identity, Revocation, Validity, authority_ca, revocation_list, seal_certificate};
use rogatory::crypto::mldsa;
use rogatory::crypto::package_key::{ObjectScope, PackageKey};
use rogatory::crypto::payload;
use rogatory::custody::cosignature::Cosigner;
use rogatory::custody::parts::MerkleTree;
use rogatory::exchange::act::Scene;
use rogatory::exchange::keeper::Fingerprint;
use rogatory::exchange::keyring::Keyring;
use rogatory::exchange::roster::Roster;
use rogatory::exchange::sealed::{RecipientKey, Route, seal, sign_message};
use rogatory::exchange::verified::{Gate, Verified, verify};
use rogatory::model::authority::{Authority, Provenance, ReceivingKey};
use rogatory::model::envelope::Blob;
use rogatory::model::event::{Actor, CustodyRecord, Event, NamedDigest, Role, Stage, Subject, Transfer};
use rogatory::model::ident::{AuthorityId, Digest, Id};
use rogatory::model::message::{Body, Fields, Message, Party, Urgency};
use rogatory::model::package::{Condition, ConditionOrigin, Consignment, Item, ItemForm, ItemRole};
use rogatory::model::request::{Completeness, ConditionsAcceptance, EvidenceTransmittal, Measure, RequestBody};
use rogatory::model::time::Timestamp;
use rogatory::wire::envelope::SignedBytes;
use rogatory::wire::message;

/// When the case begins; each step is a minute later.
pub const START: &str = "2026-06-01T09:00:00Z";
/// When the bag is made.
pub const EXPORTED: &str = "2026-06-02T12:00:00Z";
/// When it is verified.
pub const NOW: &str = "2026-06-10T00:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An authority with its keys and its log.
pub struct Side {
    pub authority: Authority,
    ca: Identity,
    signer: Signer,
    secret: [u8; 32],
    pub log: Log,
    pub cosigner: Cosigner,
}

impl Side {
    fn new(id: &str, seed: u8) -> Self {
        let id: AuthorityId = id.parse().unwrap();
        let validity = Validity { not_before: at("2026-01-01"), not_after: at("2027-01-01") };
        let ca = authority_ca(&id, "Ministry of Justice", validity).unwrap();
        let certificate = seal_certificate(&ca, &id, "Ministry of Justice", &format!("{id} seal"), validity).unwrap();
        let list = revocation_list(&ca, &[], at("2026-01-01"), at("2026-12-01"), 1).unwrap();
        let signer = Signer::new(&certificate.key, certificate.certificate, vec![ca.certificate.clone()]).unwrap();
        let secret = [seed; 32];
        let public = HybridSecretKey::from_seed(&secret).public().clone();
        let log = Log::new(&id, seed);
        let name = log.origin.as_str().replace("/custody", "/witness").parse().unwrap();
        let seeds = [[seed ^ 0x80; 32], [seed ^ 0x40; 32]];
        let cosigner = Cosigner::new(&name, SigningKey::from_seed(&seeds[0]), mldsa::SigningKey::from_seed(&seeds[1]));
        let receiving_key = ReceivingKey {
            id: public.id(),
            public_key: public.as_bytes().to_vec(),
            not_before: at("2026-01-01"),
            not_after: at("2027-01-01"),
        };
        let authority = Authority {
            id,
            name: "Ministry of Justice".to_owned(),
            endpoints: vec!["192.0.2.1:4433".to_owned()],
            issuers: vec![ca.certificate.clone()],
            revocation_lists: vec![list],
            log_keys: vec![log.vkey()],
            witness_keys: cosigner.verifier_keys().map(|key| key.to_string()).to_vec(),
            time_stamp_issuers: Vec::new(),
            receiving_keys: vec![receiving_key],
            languages: vec!["en".to_owned()],
            requirements: Vec::new(),
            provenance: Provenance::Depositary,
        };
        Self { authority, ca, signer, secret, log, cosigner }
    }

    /// The authority with a revocation list on which its own seal stands.
    pub fn revoked(&self) -> Authority {
        let serial = CertificateFacts::read(self.signer.certificate_der()).unwrap().serial;
        let revoked = [Revocation { serial, at: at("2026-06-01") }];
        let list = revocation_list(&self.ca, &revoked, at("2026-06-02"), at("2026-12-01"), 2).unwrap();
        Authority { revocation_lists: vec![list], ..self.authority.clone() }
    }

    fn key(&self) -> RecipientKey {
        let key = HybridSecretKey::from_seed(&self.secret).public().clone();
        RecipientKey { authority: self.authority.id.clone(), key }
    }

    fn keyring(&self) -> Keyring {
        Keyring::new([HybridSecretKey::from_seed(&self.secret)])
    }
}

/// The whole case, before it is exported.
pub struct Case {
    pub asking: Side,
    pub asked: Side,
    pub root: Fingerprint,
    /// What the recipient of the package knows.
    pub dossier: Dossier,
    /// What its sender knows.
    pub senders: Dossier,
    pub contents: Vec<Vec<u8>>,
}

/// A message on its way: what travelled, and what the recipient made of it.
struct Journey {
    signed: SignedBytes,
    bytes: Vec<u8>,
    verified: Verified,
}

impl Case {
    pub fn new() -> Self {
        Self::kept_by(99)
    }

    /// The case under a directory of another keeper.
    pub fn kept_by(keeper: u8) -> Self {
        Self::numbered(keeper, 0)
    }

    /// The case with messages of other numbers.
    pub fn numbered(keeper: u8, from: u8) -> Self {
        let (mut asking, mut asked) = (Side::new("XA-MOJ", 11), Side::new("XB-MOJ", 22));
        let (files, root, directory) = directory(&[&asking.authority, &asked.authority], keeper);
        let roster = Roster::new([asking.authority.clone(), asked.authority.clone()]);
        let contents = vec![b"account;amount\n1;100\n".repeat(50), vec![0xa5; 300_000]];

        let mut clock = Clock(at(START));
        let request = fields(&asking, &asked, clock.tick(), from + 1, directory, request_body());
        let request = travel(&asking, &asked, &roster, Message::new(request).unwrap(), &[], clock.tick());
        queue(&mut asking, &request, clock.tick());
        let first_receipt = receive(&mut asked, &request, clock.tick());

        let mut evidence = fields(&asked, &asking, clock.tick(), from + 2, directory, evidence_body());
        evidence.in_reply_to = Some(sha256(&request.signed.content));
        evidence.conditions = conditions();
        let (consignment, blobs) = consign(&contents);
        evidence.consignment = Some(consignment);
        let evidence = travel(&asked, &asking, &roster, Message::new(evidence).unwrap(), &blobs, clock.tick());
        queue(&mut asked, &evidence, clock.tick());
        let taken = receive(&mut asking, &evidence, clock.tick());
        let arrived = later(&asking, &evidence, Event::ContentReceived, Stage::ContentConsignment, clock.tick());
        let whole = asking.log.append(&arrived);

        let package_id = evidence.verified.envelope().seal_id;
        let acceptance = Body::Acceptance(ConditionsAcceptance {
            package_id,
            condition_ids: vec!["c1".to_owned()],
            responsible_authority: "Prosecution Office of Arcadia".to_owned(),
        });
        let acceptance = fields(&asking, &asked, clock.tick(), from + 3, directory, acceptance);
        let acceptance = travel(&asking, &asked, &roster, Message::new(acceptance).unwrap(), &[], clock.tick());
        queue(&mut asking, &acceptance, clock.tick());
        let second_receipt = receive(&mut asked, &acceptance, clock.tick());
        let mut opened = later(&asking, &evidence, Event::PackageHandedOver, Stage::ContentHandover, clock.tick());
        opened.actor = officer("Ana Kovar");
        asking.log.append(&opened);

        let directory = parts(&files);
        let dossier = Dossier {
            exporter: asking.authority.id.clone(),
            message: SignedPart::from(evidence.signed.clone()),
            signed_envelope: Bytes(evidence.bytes.clone()),
            request: Some(SignedPart::from(request.signed.clone())),
            acceptances: vec![SignedPart::from(acceptance.signed.clone())],
            records: (0..asking.log.tree.len()).map(|index| asking.log.part(index)).collect(),
            receipts: [first_receipt, second_receipt].map(|index| Bytes(asked.log.receipt(index))).to_vec(),
            checkpoint: Bytes(asking.log.checkpoint().to_bytes()),
            cosigned: vec![asking.log.linked(2)],
            rotations: Vec::new(),
            time_stamps: Vec::new(),
            peer_links: vec![asked.log.linked(1)],
            extract: None,
            directory,
        };
        let senders = Dossier {
            exporter: asked.authority.id.clone(),
            records: (0..asked.log.tree.len()).map(|index| asked.log.part(index)).collect(),
            receipts: [taken, whole].map(|index| Bytes(asking.log.receipt(index))).to_vec(),
            checkpoint: Bytes(asked.log.checkpoint().to_bytes()),
            cosigned: vec![asked.log.linked(1)],
            peer_links: vec![asking.log.linked(2)],
            ..dossier.clone()
        };
        Self { asking, asked, root, dossier, senders, contents }
    }
}

struct Clock(Timestamp);

impl Clock {
    fn tick(&mut self) -> Timestamp {
        self.0 = self.0.plus_millis(60_000);
        self.0
    }
}

fn id(kind: u8, number: u8) -> Id {
    Id::new(at(START), [kind, number, 0, 0, 0, 0, 0, 0, 0, 0])
}

fn officer(name: &str) -> Actor {
    let authentication = "unix-uid:1000".to_owned();
    Actor::Officer { name: name.parse().unwrap(), role: Role::Custodian, authentication }
}

fn fields(from: &Side, to: &Side, now: Timestamp, number: u8, directory: Digest, body: Body) -> Fields {
    Fields {
        message_id: id(1, number),
        request_id: id(2, 0),
        sender: Party { authority: from.authority.id.clone(), officer: "Jan Hrad".parse().unwrap() },
        recipient: to.authority.id.clone(),
        created_at: now,
        in_reply_to: None,
        directory,
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: String::new(),
        reply_by: None,
        legal_bases: vec!["UNTOC, article 18".to_owned()],
        basis: None,
        conditions: Vec::new(),
        consignment: None,
        renditions: Vec::new(),
        ties: rogatory::model::message::Ties::default(),
        body,
    }
}

fn request_body() -> Body {
    let text = |text: &str| text.to_owned();
    Body::Request(Box::new(RequestBody {
        reference: text("A-1/2026"),
        subject: text("Account statements"),
        proceeding_authority: text("Prosecution Office of Arcadia"),
        facts: text("Facts."),
        purpose: text("Proceedings A-1/2026"),
        measures: vec![Measure {
            kind: text("evidence"),
            description: text("Statements of one account"),
            ..Measure::default()
        }],
        ..RequestBody::default()
    }))
}

fn evidence_body() -> Body {
    Body::Evidence(EvidenceTransmittal {
        reference: "B-9".to_owned(),
        description: "Two files".to_owned(),
        completeness: Completeness::Final,
    })
}

fn conditions() -> Vec<Condition> {
    let condition = |id: &str, text: &str, origin| Condition {
        id: id.to_owned(),
        code: "USE.NAMED-PROCEEDINGS".to_owned(),
        text: text.to_owned(),
        legal_source: String::new(),
        origin,
        objects: Vec::new(),
        ..Condition::default()
    };
    vec![
        condition("c1", "Only in proceedings A-1/2026.\nstatus: none", ConditionOrigin::RequestedState),
        condition("c2", "Keep confidential.", ConditionOrigin::DefaultByLaw),
    ]
}

fn package_key() -> PackageKey {
    PackageKey::from_random([7; 32])
}

/// Seals each file and names it as the message and the envelope do.
fn consign(contents: &[Vec<u8>]) -> (Consignment, Vec<Blob>) {
    let seal_id = id(3, 2);
    let names = ["Kontoauszug März.csv", "../disk.img"];
    let (mut items, mut blobs) = (Vec::new(), Vec::new());
    for ((object_id, content), name) in (1..).zip(contents).zip(names) {
        let key = package_key().object_key(ObjectScope { seal_id, object_id });
        let sealed = payload::seal(&key, [u8::try_from(object_id).unwrap(); 24], content).unwrap();
        let mut tree = MerkleTree::new();
        sealed.chunks(1024 * 1024).for_each(|part| tree.push_part(part));
        items.push(Item {
            object_id,
            name: name.to_owned(),
            media_type: "application/octet-stream".to_owned(),
            plaintext_bytes: content.len() as u64,
            sha256: sha256(content),
            ciphertext_root: tree.root(),
            role: ItemRole::Evidence,
            description: String::new(),
            form: ItemForm::File,
            further: Vec::new(),
        });
        let commitment = Digest::try_from(&sealed[24..56]).unwrap();
        blobs.push(Blob { object_id, ciphertext_bytes: sealed.len() as u64, root: tree.root(), commitment });
    }
    (Consignment::new(seal_id, items).unwrap(), blobs)
}

/// Signs, seals, and verifies at the other side.
fn travel(from: &Side, to: &Side, roster: &Roster, message: Message, blobs: &[Blob], now: Timestamp) -> Journey {
    let signed = sign_message(message::encode(&message), &from.signer, now).unwrap();
    let route = Route {
        envelope_id: Id::new(now, [9; 10]),
        seal_id: message.consignment.as_ref().map_or(id(4, 0), |consignment| consignment.seal_id),
        sender: from.authority.id.clone(),
        recipient: to.authority.id.clone(),
        created_at: now,
        expires_at: now.plus_millis(86_400_000),
        urgency: Urgency::Routine,
    };
    let mut counter = 0_u8;
    let mut random = |bytes: &mut [u8]| {
        counter = counter.wrapping_add(1);
        bytes.fill(counter);
    };
    let recipients = [to.key(), from.key()];
    let sealed = seal(&signed, route, blobs.to_vec(), &package_key(), &recipients, &from.signer, &mut random).unwrap();
    let keys = to.keyring();
    let gate = Gate { us: &to.authority.id, peer: &from.authority.id, roster, keys: &keys, now };
    let verified = verify(&sealed.bytes, &gate).unwrap();
    Journey { signed, bytes: sealed.bytes, verified }
}

fn receive(side: &mut Side, journey: &Journey, now: Timestamp) -> u64 {
    let act = Scene::node(&side.authority.id, now).received(&journey.verified, journey.bytes.clone());
    side.log.append(&act.record)
}

fn queue(side: &mut Side, journey: &Journey, now: Timestamp) {
    let mut record = later(side, journey, Event::MessageQueued, Stage::SubmissionAcceptance, now);
    record.digests.push(NamedDigest::new("message", sha256(&journey.signed.content)));
    record.digests.push(NamedDigest::new("message-signature", sha256(&journey.signed.cms)));
    side.log.append(&record);
}

fn later(side: &Side, journey: &Journey, event: Event, stage: Stage, now: Timestamp) -> CustodyRecord {
    let (message, envelope) = (journey.verified.message(), journey.verified.envelope());
    let mut record = Scene::node(&side.authority.id, now).record(event);
    record.subject = Subject {
        request_id: Some(message.request_id),
        message_id: Some(message.message_id),
        envelope_id: Some(envelope.envelope_id),
        package_id: message.consignment.as_ref().map(|consignment| consignment.seal_id),
    };
    record.digests = vec![NamedDigest::new("signed-envelope", sha256(&journey.bytes))];
    record.transfer = Some(Transfer {
        stage,
        urgency: Urgency::Routine,
        expires_at: envelope.expires_at,
        blobs: envelope.blobs.clone(),
        attempts: 0,
    });
    record
}
