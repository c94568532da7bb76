//! The fixed values behind `tests/vectors/wire/`: fictional States, fixed identifiers, nothing random.

use rogatory::model::asking::Asking;
use rogatory::model::basis::{
    Agreement, BasisComparison, BasisFinding, BasisLookup, BasisMeasure, BasisQuestion, Found, Verdict,
};
use rogatory::model::envelope::{Blob, Envelope, Stanza};
use rogatory::model::event::{Actor, CustodyRecord, Event, NamedDigest, Outcome, Role, Stage, Subject, Transfer};
use rogatory::model::ident::{AuthorityId, Digest, Id};
use rogatory::model::message::{Body, Fields, Message, MessageKind, Party, ReplyBy, Ties, Urgency};
use rogatory::model::notice::{Notice, Point};
use rogatory::model::notice_table::{Field, shape_of};
use rogatory::model::package::{Condition, ConditionOrigin, Consignment, Item, ItemForm, ItemRole};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::rendition::Rendition;
use rogatory::model::request::{
    Acknowledgement, Completeness, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, ExecutionStatus,
    Measure, Refusal, RequestBody, Withdrawal,
};
use rogatory::model::request_parts::{Charge, Enclosure, LawText, Person, TimeLimit, Undertaking};
use rogatory::model::time::Timestamp;
use rogatory::wire::envelope::{SignedBytes, WRAPPED_KEY_BYTES};
use rogatory::wire::frame::{Frame, Hello, PROTOCOL_VERSION, Told};
use rogatory::wire::receipt::ReceiptParts;

const NOTE: &str = "xa-moj.rogatory/custody\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";

/// One message of each kind, with the name of its vector.
pub fn messages() -> Vec<(String, Message)> {
    let named = |kind: MessageKind| (kind.name().replace('.', "-"), Message::new(fields(kind)).expect("a good sample"));
    let mut all: Vec<(String, Message)> = MessageKind::ALL.into_iter().map(named).collect();
    let mut asked = fields(MessageKind::RequestSubmit);
    asked.basis = Some(Box::new(basis()));
    all.push(("request-submit-basis".to_owned(), Message::new(asked).expect("a good sample")));
    let mut acknowledged = fields(MessageKind::RequestAck);
    if let Body::Acknowledgement(ack) = &mut acknowledged.body {
        ack.basis = Some(Box::new(comparison()));
    }
    all.push(("request-ack-basis".to_owned(), Message::new(acknowledged).expect("a good sample")));
    all.push(("request-submit-full".to_owned(), Message::new(full_request()).expect("a good sample")));
    all
}

/// A look-up that a request carries.
pub fn basis() -> BasisLookup {
    let text = str::to_owned;
    BasisLookup {
        registry: Digest([0x33; 32]),
        instruments: Digest([0x44; 32]),
        day: "2026-11-22".parse().expect("a good day"),
        as_of: instant(7),
        question: BasisQuestion {
            crimes: vec![text("organised-crime")],
            conduct: Some("2025-03-03".parse().expect("a good day")),
            tests_met: vec![text("untoc")],
            requesting_law: Found::Yes,
            ..BasisQuestion::default()
        },
        answer: Verdict::AskAHuman,
        measures: vec![BasisMeasure { measure: text("documents"), answer: Verdict::AskAHuman }],
        findings: vec![BasisFinding {
            measure: text("documents"),
            instrument: text("untoc"),
            answer: Verdict::AskAHuman,
            strength: text("binding"),
        }],
        chosen: vec![text("untoc")],
        reason: text("The group acts in both States."),
    }
}

/// What the other side found.
pub fn comparison() -> BasisComparison {
    BasisComparison {
        agreement: Agreement::Differs,
        registry: Some(Digest([0x55; 32])),
        instruments: Some(Digest([0x44; 32])),
        answer: Some(Verdict::No),
        differences: vec!["documents: XA-MOJ ASK A HUMAN, XB-MOJ NO".to_owned()],
    }
}

/// A request with every part that a machine can check.
fn full_request() -> Fields {
    let text = str::to_owned;
    let mut fields = fields(MessageKind::RequestSubmit);
    let rendition = |language: &str| Rendition {
        language: text(language),
        edition: text("1"),
        html: Digest([1; 32]),
        pdf: Digest([2; 32]),
    };
    fields.renditions = vec![rendition("en"), rendition("sl")];
    let Body::Request(request) = &mut fields.body else { return fields };
    let particulars = [(text("place"), text("Harbour street 1")), (text("sought"), text("the ledger"))];
    request.measures = vec![
        Measure { kind: text("service"), description: text("The summons"), ..Measure::default() },
        Measure { kind: text("search"), description: text("The office"), particulars: particulars.into() },
    ];
    request.people = vec![Person { pseudonym: text("W-01"), role: text("witness"), ..Person::default() }];
    request.charges = vec![Charge { crime: text("war-crimes"), requesting_law: text("142"), ..Charge::default() }];
    request.conduct_from = "2025-03-03".parse().ok();
    request.conduct_to = "2025-03-04".parse().ok();
    request.law_texts = vec![LawText { citation: text("Penal Code, 142"), text: text("Whoever ...") }];
    request.time_limits = vec![TimeLimit {
        subject: text("trial"),
        until: "2027-02-01".parse().expect("a day"),
        reason: text("custody"),
    }];
    request.costs = text("as the treaty says");
    request.reply_language = text("en");
    request.enclosures =
        vec![Enclosure { file: text("law.pdf"), kind: text("law-text"), language: text("en"), ..Enclosure::default() }];
    request.undertakings = vec![Undertaking { code: text("reciprocity"), text: text("We would do the same.") }];
    request.dual_criminality = text("murder in both");
    fields
}

/// The fields of the sample of a kind.
pub fn fields(kind: MessageKind) -> Fields {
    let evidence = kind.hands_over();
    let condition = Condition {
        id: "use-1".to_owned(),
        code: "use.this-case-only".to_owned(),
        text: "Only in the proceedings that the request names.".to_owned(),
        legal_source: "Treaty XA-XB, art. 8".to_owned(),
        origin: ConditionOrigin::RequestedState,
        objects: vec![1],
        ..Condition::default()
    };
    Fields {
        message_id: id(1),
        request_id: id(2),
        sender: Party { authority: authority("XA-MOJ"), officer: "Ana Kovač".parse().expect("a good name") },
        recipient: authority("XB-MOJ"),
        created_at: instant(0),
        in_reply_to: (!kind.opens()).then_some(Digest([0x11; 32])),
        directory: Digest([0x22; 32]),
        language: "en".to_owned(),
        urgency: Urgency::Urgent,
        urgency_reason: "The hearing is near.".to_owned(),
        reply_by: Some(ReplyBy { at: instant(86_400_000), reason: "Hearing date.".to_owned() }),
        legal_bases: vec!["Treaty XA-XB, art. 3".to_owned()],
        basis: None,
        conditions: if kind.sets_conditions() { vec![condition] } else { Vec::new() },
        consignment: evidence.then(|| Consignment::new(id(3), vec![item(1), item(2)]).expect("two good items")),
        renditions: Vec::new(),
        ties: Ties {
            parent: (kind == MessageKind::RequestSupplement).then(|| id(5)),
            confirm_by: (kind == MessageKind::RequestUrgent).then(|| instant(864_000_000)),
        },
        body: body(kind),
    }
}

/// A notice with every field that its kind may have.
pub fn notice(kind: MessageKind) -> Notice {
    let text = str::to_owned;
    let shape = shape_of(kind).expect("a notice");
    let mut notice = Notice::new(kind);
    for field in shape.must.iter().chain(shape.may) {
        match field {
            Field::Subject => notice.subject = text("A company of Arcadia"),
            Field::Reference => notice.reference = text("XB/9"),
            Field::Text => notice.text = text("As the court has found."),
            Field::Codes => notice.codes = vec![text("f")],
            Field::Measures => notice.measures = vec![1],
            Field::Points => {
                notice.points = vec![
                    Point { number: 1, text: text("Which branch?") },
                    Point { number: 3, text: text("Since when?") },
                ];
            }
            Field::Package => notice.package_id = Some(id(3)),
            Field::Objects => notice.objects = vec![1, 2],
            Field::About => notice.about = Some(id(6)),
            Field::Verdict => notice.verdict = shape.verdicts.first().copied(),
            Field::Due => notice.due = Some(instant(2_592_000_000)),
            Field::At => notice.at = Some(instant(1_000)),
            Field::Whom => notice.whom = text("Court of Arcadia"),
            Field::Method => notice.method = text("by courier"),
            Field::Names => notice.names = vec![text("seal 4711")],
        }
    }
    notice
}

fn request_body() -> Box<RequestBody> {
    let text = str::to_owned;
    Box::new(RequestBody {
        reference: text("XA/2026/17"),
        subject: text("Account records"),
        proceeding_authority: text("Court of Arcadia"),
        facts: text("A company was robbed.\nThe money left the country."),
        measures: vec![Measure {
            kind: text("documents"),
            description: text("Statements of one account."),
            ..Measure::default()
        }],
        persons: vec![text("Person A")],
        ..RequestBody::default()
    })
}

fn body(kind: MessageKind) -> Body {
    let text = str::to_owned;
    match kind {
        MessageKind::RequestSubmit => Body::Request(request_body()),
        MessageKind::RequestAck => Body::Acknowledgement(Acknowledgement {
            reference: text("XB/9"),
            contact: text("desk 4"),
            note: text("Registered."),
            next_contact: Some(instant(1_000)),
            basis: None,
        }),
        MessageKind::ExecutionReport => {
            Body::Report(ExecutionReport { status: ExecutionStatus::Partial, text: text("One bank has answered.") })
        }
        MessageKind::RequestRefuse => Body::Refusal(Refusal {
            grounds: vec![text("ne-bis-in-idem")],
            reasons: text("Judged already."),
            measures: Vec::new(),
            without_consultation: String::new(),
        }),
        MessageKind::EvidenceTransmit => Body::Evidence(EvidenceTransmittal {
            reference: text("XB/9"),
            description: text("Statements."),
            completeness: Completeness::Final,
        }),
        MessageKind::ConditionsAccept => Body::Acceptance(ConditionsAcceptance {
            package_id: id(3),
            condition_ids: vec![text("use-1")],
            responsible_authority: text("Court of Arcadia"),
        }),
        MessageKind::RequestWithdraw => {
            Body::Withdrawal(Withdrawal { reason: text("The case was closed."), measures: Vec::new() })
        }
        other => match Asking::of(other) {
            Some(asking) => Body::Asking(asking, request_body()),
            None => Body::Notice(Box::new(notice(other))),
        },
    }
}

/// One good file of a package.
pub fn item(object_id: u32) -> Item {
    Item {
        object_id,
        name: format!("ledger {object_id}.csv"),
        media_type: "text/csv".to_owned(),
        plaintext_bytes: 1_000 * u64::from(object_id),
        sha256: Digest([0x5a; 32]),
        ciphertext_root: Digest([0xa5; 32]),
        role: ItemRole::Evidence,
        description: String::new(),
        form: ItemForm::File,
        further: Vec::new(),
    }
}

pub fn envelope() -> Envelope {
    Envelope {
        envelope_id: id(4),
        sender: authority("XA-MOJ"),
        recipient: authority("XB-MOJ"),
        created_at: instant(0),
        expires_at: instant(86_400_000),
        urgency: Urgency::Urgent,
        seal_id: id(3),
        stanzas: vec![Stanza {
            recipient: authority("XB-MOJ"),
            key_id: Digest([0x33; 32]),
            wrapped: vec![0x44; WRAPPED_KEY_BYTES],
        }],
        head: vec![0x55; 100],
        blobs: vec![blob(1), blob(2)],
    }
}

pub fn record() -> CustodyRecord {
    CustodyRecord {
        event: Event::MessageReceived,
        at: instant(5),
        authority: authority("XB-MOJ"),
        actor: Actor::Node,
        second: Some(Actor::Officer {
            name: "Bo Lind".parse().expect("a good name"),
            role: Role::Approver,
            authentication: "unix-uid:1000".to_owned(),
        }),
        subject: Subject {
            request_id: Some(id(2)),
            message_id: Some(id(1)),
            envelope_id: Some(id(4)),
            package_id: None,
        },
        counterpart: Some(authority("XA-MOJ")),
        digests: vec![NamedDigest::new("signed-envelope", Digest([0x66; 32]))],
        reason: String::new(),
        outcome: Outcome::Success,
        links: vec![3, 300],
        message_kind: Some(MessageKind::RequestSubmit),
        transfer: Some(Transfer {
            stage: Stage::RelayAcceptance,
            urgency: Urgency::Urgent,
            expires_at: instant(86_400_000),
            blobs: vec![blob(1)],
            attempts: 2,
        }),
    }
}

pub fn receipt() -> ReceiptParts {
    ReceiptParts { record: vec![0x77; 40], salt: [0x88; 32], proof: NOTE.to_owned() }
}

pub fn signed() -> SignedBytes {
    SignedBytes { content: vec![0x99; 20], cms: vec![0x30; 10] }
}

/// One frame of each kind, with the name of its vector.
pub fn frames() -> Vec<(&'static str, Frame)> {
    let hello = Hello {
        protocol_version: PROTOCOL_VERSION,
        authority: authority("XA-MOJ"),
        directory_version: 3,
        clock: instant(0),
        software: "rogatory 0.1.0".to_owned(),
        checkpoint: Some(NOTE.to_owned()),
    };
    vec![
        ("frame-hello", Frame::Hello(hello)),
        ("frame-deliver", Frame::Deliver { signed_envelope: vec![1, 2, 3] }),
        ("frame-delivered", Frame::Delivered { receipt: vec![4, 5, 6] }),
        ("frame-refused", Frame::Refused { code: Told::Known(RefusalCode::TooLarge), retry_after_ms: 1_000 }),
        ("frame-fetch", Frame::Fetch { envelope_id: id(4), object_id: 1, first_part: 2, part_count: 3 }),
        ("frame-part", Frame::Part { index: 2, length: 1_000, proof: hashes() }),
        ("frame-fetch-end", Frame::FetchEnd),
        ("frame-push-receipt", Frame::PushReceipt { envelope_id: id(4), receipt: vec![7, 8, 9] }),
        ("frame-pushed", Frame::Pushed),
        ("frame-add-checkpoint", Frame::AddCheckpoint { old_size: 1, proof: hashes(), checkpoint: NOTE.to_owned() }),
        ("frame-cosigned", Frame::Cosigned { lines: "\u{2014} xb-moj.rogatory/witness AAAA\n".to_owned() }),
        ("frame-have-checkpoint", Frame::HaveCheckpoint { checkpoint: NOTE.to_owned() }),
        ("frame-prove-consistency", Frame::ProveConsistency { old_size: 1, new_size: 300 }),
        ("frame-consistency-proof", Frame::ConsistencyProof { hashes: hashes() }),
        ("frame-latest-of", Frame::LatestOf { origin: "xa-moj.rogatory/custody".to_owned() }),
        ("frame-ask-held", Frame::AskHeld { after: id(5) }),
        ("frame-send-again", Frame::SendAgain { envelope_id: id(6) }),
    ]
}

fn hashes() -> Vec<Digest> {
    vec![Digest([0xaa; 32]), Digest([0xbb; 32])]
}

fn blob(object_id: u32) -> Blob {
    Blob {
        object_id,
        ciphertext_bytes: 1_072 * u64::from(object_id),
        root: Digest([0xcc; 32]),
        commitment: Digest([0xdd; 32]),
    }
}

fn authority(text: &str) -> AuthorityId {
    text.parse().expect("a good identifier")
}

fn id(number: u8) -> Id {
    Id::new(instant(u64::from(number)), [number; 10])
}

fn instant(after_ms: u64) -> Timestamp {
    Timestamp::from_millis(1_795_305_600_000 + after_ms)
}
