//! Makes envelopes that are right but for one thing, and checks how they are refused.

use std::error::Error;

use prost::Message as _;
use rogatory::crypto::cms::Signer;
use rogatory::crypto::package_key::PackageKey;
use rogatory::exchange::roster::Roster;
use rogatory::exchange::sealed::{ENVELOPE_MEDIA_TYPE, RecipientKey, Route, Sealed, seal, sign_message};
use rogatory::exchange::verified::{Gate, Verified, VerifyError, verify};
use rogatory::model::envelope::{Blob, Envelope};
use rogatory::model::ident::{AuthorityId, Digest, Id};
use rogatory::model::message::{Body, Fields, Message, Party, Urgency};
use rogatory::model::package::{Consignment, Item, ItemForm, ItemRole};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::request::{Measure, RequestBody};
use rogatory::model::time::Timestamp;
use rogatory::wire::envelope::{self, SignedBytes};
use rogatory::wire::{message, proto};

use crate::cast::{BEGIN, CAST, DAY_MS, Member, at};

/// Stands wherever a message has room for words: no error may repeat it.
pub const SECRET: &str = "Zlatorog";

pub fn xa() -> &'static Member {
    &CAST.members[0]
}

pub fn xb() -> &'static Member {
    &CAST.members[1]
}

pub fn id(number: u8) -> Id {
    Id::new(BEGIN, [number; 10])
}

pub fn stranger() -> AuthorityId {
    "XC-MOJ".parse().unwrap()
}

pub const SEAL: u8 = 3;

/// A request from XA to XB with one file.
pub fn fields() -> Fields {
    Fields {
        message_id: id(1),
        request_id: id(2),
        sender: Party { authority: xa().id.clone(), officer: SECRET.parse().unwrap() },
        recipient: xb().id.clone(),
        created_at: BEGIN,
        in_reply_to: None,
        directory: Digest([1; 32]),
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: SECRET.to_owned(),
        reply_by: None,
        legal_bases: vec![SECRET.to_owned()],
        basis: None,
        conditions: vec![],
        consignment: Some(consignment(item())),
        renditions: Vec::new(),
        ties: rogatory::model::message::Ties::default(),
        body: request(),
    }
}

pub fn request() -> Body {
    Body::Request(Box::new(RequestBody {
        reference: SECRET.to_owned(),
        subject: SECRET.to_owned(),
        // Long enough that the sealed head has three chunks.
        facts: SECRET.repeat(6_000),
        measures: vec![Measure { kind: "evidence".to_owned(), description: SECRET.to_owned(), ..Measure::default() }],
        ..RequestBody::default()
    }))
}

pub fn item() -> Item {
    Item {
        object_id: 1,
        name: SECRET.to_owned(),
        media_type: "text/plain".to_owned(),
        plaintext_bytes: 100,
        sha256: Digest([5; 32]),
        ciphertext_root: Digest([6; 32]),
        role: ItemRole::Attachment,
        description: SECRET.to_owned(),
        form: ItemForm::File,
        further: Vec::new(),
    }
}

pub fn consignment(item: Item) -> Consignment {
    Consignment::new(id(SEAL), vec![item]).unwrap()
}

pub fn blob() -> Blob {
    Blob { object_id: 1, ciphertext_bytes: 56 + 100 + 16, root: Digest([6; 32]), commitment: Digest([7; 32]) }
}

pub fn route() -> Route {
    Route {
        envelope_id: id(4),
        seal_id: id(SEAL),
        sender: xa().id.clone(),
        recipient: xb().id.clone(),
        created_at: BEGIN,
        expires_at: at(DAY_MS),
        urgency: Urgency::Routine,
    }
}

/// The parts of an envelope; change what shall be wrong.
pub struct Forge {
    pub message: Vec<u8>,
    pub inner: &'static Signer,
    pub outer: &'static Signer,
    pub route: Route,
    pub blobs: Vec<Blob>,
    pub recipients: Vec<RecipientKey>,
}

impl Forge {
    pub fn of(fields: Fields) -> Self {
        let blobs = if fields.consignment.is_some() { vec![blob()] } else { vec![] };
        Self {
            message: message::encode(&Message::new(fields).unwrap()),
            inner: &xa().signer,
            outer: &xa().signer,
            route: route(),
            blobs,
            recipients: xb().recipients(xa()).to_vec(),
        }
    }

    pub fn good() -> Self {
        Self::of(fields())
    }

    pub fn sealed(self) -> Sealed {
        let signed = sign_message(self.message.clone(), self.inner, BEGIN).unwrap();
        self.sealed_over(&signed)
    }

    pub fn sealed_over(self, signed: &SignedBytes) -> Sealed {
        let key = PackageKey::from_random([9; 32]);
        let mut random = |bytes: &mut [u8]| bytes.fill(8);
        seal(signed, self.route, self.blobs, &key, &self.recipients, self.outer, &mut random).unwrap()
    }

    pub fn bytes(self) -> Vec<u8> {
        self.sealed().bytes
    }
}

/// The envelope with a change that XA signs: the one who lies is the sender.
pub fn altered(change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
    let mut envelope = Forge::good().sealed().envelope;
    change(&mut envelope);
    signed(envelope::encode(&envelope))
}

/// The same below the model: fields that no model value can hold.
pub fn altered_wire(change: impl FnOnce(&mut proto::Envelope)) -> Vec<u8> {
    let mut found = proto::Envelope::decode(&envelope::encode(&Forge::good().sealed().envelope)[..]).unwrap();
    change(&mut found);
    signed(found.encode_to_vec())
}

/// An envelope around a message that no model value can hold.
pub fn altered_message(change: impl FnOnce(&mut proto::Message)) -> Vec<u8> {
    let mut forge = Forge::good();
    let mut found = proto::Message::decode(&forge.message[..]).unwrap();
    change(&mut found);
    forge.message = found.encode_to_vec();
    forge.bytes()
}

pub fn signed(content: Vec<u8>) -> Vec<u8> {
    let cms = xa().signer.sign(&content, ENVELOPE_MEDIA_TYPE, BEGIN).unwrap();
    envelope::encode_signed(&SignedBytes { content, cms })
}

/// What XB decides about bytes that come from XA.
pub fn judged(bytes: &[u8]) -> Result<Verified, VerifyError> {
    judged_at(bytes, BEGIN, &CAST.roster)
}

pub fn judged_at(bytes: &[u8], now: Timestamp, roster: &Roster) -> Result<Verified, VerifyError> {
    verify(bytes, &Gate { us: &xb().id, peer: &xa().id, roster, keys: &xb().keys, now })
}

/// The code of the refusal, after a look at what the operator reads.
#[track_caller]
pub fn code(judged: Result<Verified, VerifyError>) -> RefusalCode {
    let error = judged.expect_err("this must be refused");
    useful(&error);
    error.code()
}

#[track_caller]
pub fn refused(bytes: &[u8]) -> RefusalCode {
    code(judged(bytes))
}

/// The text is a sentence, one line, and shows no content; nor does the debug form.
#[track_caller]
pub fn useful(error: &(impl Error + ?Sized)) {
    let (text, debug) = (error.to_string(), format!("{error:?}"));
    assert!(text.len() > 20 && text.len() < 300 && text.contains(' '), "of no use: {text}");
    for shown in [&text, &debug] {
        assert!(!shown.contains(SECRET), "shows content: {shown}");
        assert!(!shown.chars().any(char::is_control), "more than one line: {shown}");
    }
}
