//! Arbitrary messages, envelopes and custody records for property tests; every one is within its bounds.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rogatory::model::asking::Asking;
use rogatory::model::basis::{
    Agreement, BasisComparison, BasisFinding, BasisLookup, BasisMeasure, BasisQuestion, BasisReview, Found, Verdict,
};
use rogatory::model::date::Date;
use rogatory::model::envelope::{Blob, Envelope, Stanza};
use rogatory::model::event::{Actor, CustodyRecord, Event, NamedDigest, Outcome, Role, Stage, Subject, Transfer};
use rogatory::model::ident::{AuthorityId, Digest, Id, OfficerName};
use rogatory::model::message::{Body, Fields, Message, MessageKind, Party, ReplyBy, Ties, Urgency};
use rogatory::model::package::{Condition, Consignment};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::rendition::Rendition;
use rogatory::model::request::{
    Acknowledgement, Completeness, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, ExecutionStatus,
    Measure, Refusal, RequestBody, Withdrawal,
};
use rogatory::model::request_parts::{Charge, Enclosure, LawText, Person, Undertaking};
use rogatory::model::time::Timestamp;
use rogatory::wire::envelope::WRAPPED_KEY_BYTES;

use crate::notices::{any_notice, conditions};
use crate::samples::item;

pub fn message() -> impl Strategy<Value = Message> {
    let heads = (id(), id(), party(), authority("XB"), instant(), option::of(digest()), digest(), urgency());
    let rests = (
        option::of(reply_by()),
        vec(line(), 0..3),
        conditions(),
        option::of(consignment()),
        body(),
        line(),
        vec(rendition(), 0..3),
    );
    (heads, rests, option::of(basis())).prop_map(|(head, rest, basis)| {
        let (message_id, request_id, sender, recipient, created_at, in_reply_to, directory, urgency) = head;
        let (reply_by, legal_bases, mut conditions, consignment, body, reason, renditions) = rest;
        if !body.kind().hands_over() {
            conditions.retain(|condition: &Condition| !condition.origin.needs_acceptance());
        }
        let asks = body.request().is_some();
        let urgency_reason = if urgency == Urgency::Urgent { reason } else { String::new() };
        let needed = body.kind().hands_over() && consignment.is_none();
        let one = || Consignment::new(message_id, vec![item(1)]).expect("one good item");
        Message::new(Fields {
            message_id,
            request_id,
            sender,
            recipient,
            created_at,
            in_reply_to,
            directory,
            language: "en".to_owned(),
            urgency,
            urgency_reason,
            reply_by,
            legal_bases,
            basis: basis.filter(|_| asks).map(Box::new),
            conditions,
            consignment: if needed { Some(one()) } else { consignment },
            renditions,
            ties: Ties {
                parent: (body.kind() == MessageKind::RequestSupplement).then(|| other(request_id)),
                confirm_by: (body.kind() == MessageKind::RequestUrgent).then_some(created_at),
            },
            body,
        })
        .expect("a message within its bounds")
    })
}

fn basis() -> impl Strategy<Value = BasisLookup> {
    let word = || "[a-z0-9-]{1,20}";
    let (verdict, found) = (|| select(Verdict::ALL), || select(Found::ALL));
    let day = || {
        (1990_u16..2040, 1_u8..13, 1_u8..29).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}").parse().expect("a day"))
    };
    let heads = (digest(), digest(), day(), instant(), option::of(day()), vec(word(), 0..4), vec(word(), 0..3));
    let tests = (found(), found(), found(), verdict(), prose());
    let lists = (vec((word(), verdict()), 0..4), vec((word(), word(), verdict(), word()), 0..5), vec(word(), 0..3));
    (heads, tests, lists).prop_map(|(head, tests, (measures, findings, chosen))| {
        let (registry, instruments, day, as_of, conduct, crimes, tests_met) = head;
        let (international, requesting_law, requested_law, answer, reason) = tests;
        BasisLookup {
            registry,
            instruments,
            day,
            as_of,
            question: BasisQuestion { crimes, conduct, tests_met, international, requesting_law, requested_law },
            answer,
            measures: measures.into_iter().map(|(measure, answer)| BasisMeasure { measure, answer }).collect(),
            findings: findings
                .into_iter()
                .map(|(measure, instrument, answer, strength)| BasisFinding { measure, instrument, answer, strength })
                .collect(),
            chosen,
            reason,
        }
    })
}

/// What a node found on a request, beside its custody record.
pub fn review() -> impl Strategy<Value = BasisReview> {
    (option::of(basis()), vec(line(), 0..4), select(Agreement::ALL), option::of(select(Verdict::ALL))).prop_map(
        |(own, differences, agreement, answer)| {
            let registry = own.as_ref().map(|own| own.registry);
            let comparison = BasisComparison { agreement, registry, instruments: registry, answer, differences };
            BasisReview { comparison, own }
        },
    )
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    let heads = (id(), authority("XA"), authority("XB"), instant(), instant(), urgency(), id());
    (heads, vec(stanza(), 0..3), vec(any::<u8>(), 0..200), blobs()).prop_map(|(head, stanzas, sealed, blobs)| {
        let (envelope_id, sender, recipient, created_at, expires_at, urgency, seal_id) = head;
        Envelope {
            envelope_id,
            sender,
            recipient,
            created_at,
            expires_at,
            urgency,
            seal_id,
            stanzas,
            head: sealed,
            blobs,
        }
    })
}

pub fn record() -> impl Strategy<Value = CustodyRecord> {
    let heads = (select(Event::ALL), instant(), authority("XA"), actor(), option::of(actor()), subject());
    let rests = (option::of(authority("XB")), vec(named_digest(), 0..4), prose(), outcome(), vec(any::<u64>(), 0..4));
    let tails = (option::of(select(&MessageKind::ALL[..])), option::of(transfer()));
    (heads, rests, tails).prop_map(|(head, rest, (message_kind, transfer))| {
        let (event, at, authority, actor, second, subject) = head;
        let (counterpart, digests, reason, outcome, links) = rest;
        CustodyRecord {
            event,
            at,
            authority,
            actor,
            second,
            subject,
            counterpart,
            digests,
            reason,
            outcome,
            links,
            message_kind,
            transfer,
        }
    })
}

/// Another identifier than that one.
fn other(id: Id) -> Id {
    Id::try_from(&id.as_bytes().map(|byte| !byte)[..]).expect("16 bytes")
}

fn body() -> impl Strategy<Value = Body> {
    let request = || {
        (vec(line(), 3), vec(prose(), 9), vec((line(), line()), 0..3), vec(line(), 0..3), parts())
            .prop_map(|(lines, proses, measures, persons, parts)| asked(&lines, &proses, measures, persons, parts))
    };
    let asking = request();
    let ack = (line(), line(), prose(), option::of(instant()));
    prop_oneof![
        request().prop_map(|request| Body::Request(Box::new(request))),
        ack.prop_map(|(reference, contact, note, next_contact)| {
            let basis = (note.len() % 2 == 1).then(|| Box::new(crate::samples::comparison()));
            Body::Acknowledgement(Acknowledgement { reference, contact, note, next_contact, basis })
        }),
        (select(&ExecutionStatus::ALL[..]), line())
            .prop_map(|(status, text)| Body::Report(ExecutionReport { status, text })),
        (vec(line(), 0..3), line(), vec(1..9_u32, 0..3), prose()).prop_map(
            |(grounds, reasons, measures, without_consultation)| {
                Body::Refusal(Refusal { grounds, reasons, measures, without_consultation })
            }
        ),
        (line(), prose(), any::<bool>()).prop_map(|(reference, description, last)| {
            let completeness = if last { Completeness::Final } else { Completeness::Partial };
            Body::Evidence(EvidenceTransmittal { reference, description, completeness })
        }),
        (id(), vec(line(), 0..3), line()).prop_map(|(package_id, condition_ids, responsible_authority)| {
            Body::Acceptance(ConditionsAcceptance { package_id, condition_ids, responsible_authority })
        }),
        (line(), vec(1..9_u32, 0..3)).prop_map(|(reason, measures)| Body::Withdrawal(Withdrawal { reason, measures })),
        (select(&Asking::ALL[..]), asking).prop_map(|(form, request)| Body::Asking(form, Box::new(request))),
        any_notice().prop_map(|said| Body::Notice(Box::new(said))),
    ]
}

fn asked(
    lines: &[String],
    proses: &[String],
    measures: Vec<(String, String)>,
    persons: Vec<String>,
    parts: Parts,
) -> RequestBody {
    let mut request = request_body(lines, proses, measures, persons);
    for (measure, particulars) in request.measures.iter_mut().zip(parts.particulars) {
        measure.particulars = particulars;
    }
    request.people = parts.people;
    request.charges = parts.charges;
    (request.conduct_from, request.conduct_to) = parts.conduct;
    request.enclosures = parts.enclosures;
    request.law_texts = lines.iter().map(|line| LawText { citation: line.clone(), text: line.clone() }).collect();
    request.undertakings = parts.undertakings;
    request.reply_language.clone_from(&lines[0]);
    request
}

/// The parts of a request that a machine can check.
#[derive(Debug, Clone)]
struct Parts {
    people: Vec<Person>,
    charges: Vec<Charge>,
    conduct: (Option<Date>, Option<Date>),
    particulars: Vec<BTreeMap<String, String>>,
    enclosures: Vec<Enclosure>,
    undertakings: Vec<Undertaking>,
}

fn parts() -> impl Strategy<Value = Parts> {
    let people = vec((line(), line(), prose()), 0..3);
    let charges = vec((line(), prose()), 0..3);
    let particulars = vec(btree_map(line(), line(), 0..3), 0..3);
    let pairs = vec((line(), line()), 0..3);
    (people, charges, option::of(date()), option::of(date()), particulars, pairs).prop_map(
        |(people, charges, from, to, particulars, pairs)| Parts {
            people: people
                .into_iter()
                .map(|(pseudonym, role, note)| Person { pseudonym, role, note, ..Person::default() })
                .collect(),
            charges: charges
                .into_iter()
                .map(|(crime, requesting_law)| Charge { crime, requesting_law, ..Charge::default() })
                .collect(),
            conduct: (from, to),
            particulars,
            enclosures: pairs
                .iter()
                .map(|(file, kind)| Enclosure { file: file.clone(), kind: kind.clone(), ..Enclosure::default() })
                .collect(),
            undertakings: pairs.into_iter().map(|(code, text)| Undertaking { code, text }).collect(),
        },
    )
}

fn date() -> impl Strategy<Value = Date> {
    (1_i32..9_999, 1..13, 1..29).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}").parse().expect("a day"))
}

fn rendition() -> impl Strategy<Value = Rendition> {
    (line(), line(), digest(), digest()).prop_map(|(language, edition, html, pdf)| Rendition {
        language,
        edition,
        html,
        pdf,
    })
}

fn request_body(
    lines: &[String],
    proses: &[String],
    measures: Vec<(String, String)>,
    persons: Vec<String>,
) -> RequestBody {
    RequestBody {
        reference: lines[0].clone(),
        subject: lines[1].clone(),
        proceeding_authority: lines[2].clone(),
        proceeding_authority_functions: proses[0].clone(),
        nature_of_proceedings: proses[1].clone(),
        facts: proses[2].clone(),
        applicable_law: proses[3].clone(),
        penalty: proses[4].clone(),
        measures: measures
            .into_iter()
            .map(|(kind, description)| Measure { kind, description, ..Measure::default() })
            .collect(),
        persons,
        purpose: proses[5].clone(),
        special_procedure: proses[6].clone(),
        confidentiality: proses[7].clone(),
        privilege_to_refuse_testimony: proses[8].clone(),
        ..RequestBody::default()
    }
}

fn consignment() -> impl Strategy<Value = Consignment> {
    (id(), 1..4_u32).prop_map(|(seal_id, last)| {
        Consignment::new(seal_id, (1..=last).map(item).collect()).expect("items are numbered from 1")
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Success),
        select(RefusalCode::ALL).prop_map(Outcome::Refused),
        "[a-z-]{1,12}".prop_map(Outcome::Failed),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    let officer = (officer(), select(&Role::ALL[..]), 0..70_000_u32).prop_map(|(name, role, uid)| Actor::Officer {
        name,
        role,
        authentication: format!("unix-uid:{uid}"),
    });
    prop_oneof![Just(Actor::Node), officer]
}

fn transfer() -> impl Strategy<Value = Transfer> {
    (select(&Stage::ALL[..]), urgency(), instant(), blobs(), any::<u64>()).prop_map(
        |(stage, urgency, expires_at, blobs, attempts)| Transfer { stage, urgency, expires_at, blobs, attempts },
    )
}

fn blobs() -> impl Strategy<Value = Vec<Blob>> {
    vec((72..1_u64 << 40, digest(), digest()), 0..4).prop_map(|rows| {
        let numbered = (1..).zip(rows);
        let blob =
            |(object_id, (ciphertext_bytes, root, commitment))| Blob { object_id, ciphertext_bytes, root, commitment };
        numbered.map(blob).collect()
    })
}

fn stanza() -> impl Strategy<Value = Stanza> {
    (authority("XC"), digest(), any::<u8>()).prop_map(|(recipient, key_id, byte)| Stanza {
        recipient,
        key_id,
        wrapped: vec![byte; WRAPPED_KEY_BYTES],
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    (option::of(id()), option::of(id()), option::of(id()), option::of(id())).prop_map(
        |(request_id, message_id, envelope_id, package_id)| Subject { request_id, message_id, envelope_id, package_id },
    )
}

fn named_digest() -> impl Strategy<Value = NamedDigest> {
    ("[a-z/0-9-]{1,20}", digest()).prop_map(|(name, sha256)| NamedDigest { name, sha256 })
}

fn party() -> impl Strategy<Value = Party> {
    (authority("XA"), officer()).prop_map(|(authority, officer)| Party { authority, officer })
}

fn reply_by() -> impl Strategy<Value = ReplyBy> {
    // 0 is how the wire says "none".
    (1..u64::MAX, line()).prop_map(|(at, reason)| ReplyBy { at: Timestamp::from_millis(at), reason })
}

fn authority(state: &'static str) -> impl Strategy<Value = AuthorityId> {
    "[A-Z0-9]{1,16}".prop_map(move |slug| format!("{state}-{slug}").parse().expect("a good identifier"))
}

fn officer() -> impl Strategy<Value = OfficerName> {
    "[A-Za-zéßŁ]{1,12} [A-Za-zéßŁ]{1,12}".prop_map(|name| name.parse().expect("a good name"))
}

fn urgency() -> impl Strategy<Value = Urgency> {
    select(vec![Urgency::Routine, Urgency::Urgent])
}

pub fn instant() -> impl Strategy<Value = Timestamp> {
    (1..u64::MAX).prop_map(Timestamp::from_millis)
}

pub fn id() -> impl Strategy<Value = Id> {
    any::<[u8; 16]>().prop_map(|bytes| Id::try_from(&bytes[..]).expect("16 bytes"))
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

pub fn line() -> impl Strategy<Value = String> {
    "[a-zA-Zé0-9 .,§]{0,30}[a-z]"
}

fn prose() -> impl Strategy<Value = String> {
    "[a-zA-Zé\n\t .]{0,60}"
}
