//! Messages to bytes and back. The bytes that were signed are kept; nothing is ever re-encoded to be verified.

use prost::Message as _;

use crate::model::asking::Asking;
use crate::model::basis::BasisComparison;
use crate::model::limits::{BASIS_FINDINGS_MAX, LIST_LEN_MAX, MESSAGE_BYTES_MAX, OBJECTS_MAX};
use crate::model::listed::FurtherDigest;
use crate::model::message::{Body, Fields, Message, Party, ReplyBy, Ties};
use crate::model::package::{Consignment, Item, ItemForm, ItemRole};
use crate::model::rendition::Rendition;
use crate::model::request::{
    Acknowledgement, Completeness, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, ExecutionStatus,
    Refusal, Withdrawal,
};
use crate::model::time::Timestamp;
use crate::wire::basis;
use crate::wire::condition::{condition_in, condition_out};
use crate::wire::decode::{self, DecodeError};
use crate::wire::proto;
use crate::wire::proto::message::Body as Wire;
use crate::wire::request::{request_in, request_out};
use crate::wire::shape::Shape;

mod notice;

/// The schema name of a message.
pub const SCHEMA: &str = "rogatory.v1.Message";

/// Legal bases, conditions, items and renditions; the lists of a condition (16), of a look-up (19) and of every body
/// (30 to 57).
const SHAPE: Shape = Shape {
    what: "a message",
    bytes_max: MESSAGE_BYTES_MAX,
    fields_max: 2 * OBJECTS_MAX + 16 * LIST_LEN_MAX + BASIS_FINDINGS_MAX,
    nested: &[16, 19, 30, 31, 32, 33, 34, 35, 36, 42, 43, 50, 51, 52, 53, 54, 55, 56, 57],
};

/// Encodes a message; the result is what officers approve and the authority signs.
pub fn encode(message: &Message) -> Vec<u8> {
    let (items, seal_id) = match &message.consignment {
        Some(consignment) => {
            (consignment.items.iter().map(item_out).collect(), consignment.seal_id.as_bytes().to_vec())
        }
        None => (Vec::new(), Vec::new()),
    };
    proto::Message {
        schema: SCHEMA.to_owned(),
        message_id: message.message_id.as_bytes().to_vec(),
        request_id: message.request_id.as_bytes().to_vec(),
        kind: message.kind().name().to_owned(),
        sender: Some(proto::Party {
            authority: message.sender.authority.to_string(),
            officer: message.sender.officer.as_str().to_owned(),
        }),
        recipient: Some(proto::Party { authority: message.recipient.to_string(), officer: String::new() }),
        created_at_ms: message.created_at.as_millis(),
        in_reply_to: message.in_reply_to.map(|digest| digest.0.to_vec()).unwrap_or_default(),
        directory_digest: message.directory.0.to_vec(),
        language: message.language.clone(),
        urgency: decode::urgency_number(message.urgency),
        urgency_reason: message.urgency_reason.clone(),
        reply_by_ms: message.reply_by.as_ref().map_or(0, |reply_by| reply_by.at.as_millis()),
        reply_by_reason: message.reply_by.as_ref().map(|reply_by| reply_by.reason.clone()).unwrap_or_default(),
        legal_bases: message.legal_bases.clone(),
        conditions: message.conditions.iter().map(condition_out).collect(),
        items,
        seal_id,
        basis: message.basis.as_deref().map(basis::lookup_out),
        renditions: message.renditions.iter().map(rendition_out).collect(),
        parent_request_id: message.ties.parent.map(|parent| parent.as_bytes().to_vec()).unwrap_or_default(),
        confirm_by_ms: message.ties.confirm_by.map_or(0, Timestamp::as_millis),
        body: Some(body_out(&message.body)),
    }
    .encode_to_vec()
}

/// Decodes a message and checks every bound.
///
/// # Errors
/// [`DecodeError`] names the first field that is wrong.
pub fn decode(bytes: &[u8]) -> Result<Message, DecodeError> {
    let found: proto::Message = SHAPE.decode(bytes)?;
    decode::schema(SCHEMA, &found.schema)?;
    let sender = found.sender.ok_or(DecodeError::Missing { field: "sender" })?;
    let recipient = found.recipient.ok_or(DecodeError::Missing { field: "recipient" })?;
    let body = body_in(found.body.ok_or(DecodeError::Missing { field: "body" })?)?;
    // The kind is written twice, as a word and as the body's type; a message whose two disagree is refused.
    if body.kind().name() != found.kind {
        return Err(DecodeError::Unknown { field: "kind" });
    }
    decode::count("items", found.items.len(), OBJECTS_MAX)?;
    let consignment = match decode::id_or_none("seal_id", &found.seal_id)? {
        Some(seal_id) => {
            Some(Consignment::new(seal_id, found.items.into_iter().map(item_in).collect::<Result<_, _>>()?)?)
        }
        None if found.items.is_empty() => None,
        None => return Err(DecodeError::Missing { field: "seal_id" }),
    };
    let reply_by = (found.reply_by_ms != 0)
        .then_some(ReplyBy { at: Timestamp::from_millis(found.reply_by_ms), reason: found.reply_by_reason });
    Ok(Message::new(Fields {
        message_id: decode::id("message_id", &found.message_id)?,
        request_id: decode::id("request_id", &found.request_id)?,
        sender: Party {
            authority: decode::authority("sender", &sender.authority)?,
            officer: sender.officer.parse().map_err(|cause| DecodeError::Ident { field: "officer", cause })?,
        },
        recipient: decode::authority("recipient", &recipient.authority)?,
        created_at: Timestamp::from_millis(found.created_at_ms),
        in_reply_to: match found.in_reply_to.as_slice() {
            [] => None,
            bytes => Some(decode::digest("in_reply_to", bytes)?),
        },
        directory: decode::digest("directory_digest", &found.directory_digest)?,
        language: found.language,
        urgency: decode::urgency(found.urgency)?,
        urgency_reason: found.urgency_reason,
        reply_by,
        legal_bases: found.legal_bases,
        conditions: found.conditions.into_iter().map(condition_in).collect::<Result<_, _>>()?,
        consignment,
        basis: found.basis.map(basis::lookup_in).transpose()?.map(Box::new),
        renditions: found.renditions.into_iter().map(rendition_in).collect::<Result<_, _>>()?,
        ties: Ties {
            parent: decode::id_or_none("parent_request_id", &found.parent_request_id)?,
            confirm_by: instant(found.confirm_by_ms),
        },
        body,
    })?)
}

fn rendition_out(rendition: &Rendition) -> proto::Rendition {
    proto::Rendition {
        language: rendition.language.clone(),
        edition: rendition.edition.clone(),
        html_sha256: rendition.html.0.to_vec(),
        pdf_sha256: rendition.pdf.0.to_vec(),
    }
}

fn rendition_in(found: proto::Rendition) -> Result<Rendition, DecodeError> {
    Ok(Rendition {
        language: found.language,
        edition: found.edition,
        html: decode::digest("html_sha256", &found.html_sha256)?,
        pdf: decode::digest("pdf_sha256", &found.pdf_sha256)?,
    })
}

/// 0 is how the wire says "none".
fn instant(millis: u64) -> Option<Timestamp> {
    (millis != 0).then(|| Timestamp::from_millis(millis))
}

fn item_out(item: &Item) -> proto::Item {
    proto::Item {
        object_id: item.object_id,
        name: item.name.clone(),
        media_type: item.media_type.clone(),
        plaintext_bytes: item.plaintext_bytes,
        sha256: item.sha256.0.to_vec(),
        ciphertext_root: item.ciphertext_root.0.to_vec(),
        role: item.role.name().to_owned(),
        description: item.description.clone(),
        form: item.form.name().to_owned(),
        further: item.further.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}

fn item_in(found: proto::Item) -> Result<Item, DecodeError> {
    Ok(Item {
        object_id: found.object_id,
        name: found.name,
        media_type: found.media_type,
        plaintext_bytes: found.plaintext_bytes,
        sha256: decode::digest("sha256", &found.sha256)?,
        ciphertext_root: decode::digest("ciphertext_root", &found.ciphertext_root)?,
        role: [ItemRole::Attachment, ItemRole::Evidence]
            .into_iter()
            .find(|role| role.name() == found.role)
            .ok_or(DecodeError::Unknown { field: "role" })?,
        description: found.description,
        form: [ItemForm::File, ItemForm::Pack, ItemForm::List]
            .into_iter()
            .find(|form| form.name() == found.form)
            .ok_or(DecodeError::Unknown { field: "form" })?,
        further: further_in(&found.further)?,
    })
}

fn further_in(found: &str) -> Result<Vec<FurtherDigest>, DecodeError> {
    let texts = found.split(' ').filter(|text| !text.is_empty());
    texts.map(|text| text.parse().map_err(|_| DecodeError::Unknown { field: "further" })).collect()
}

fn body_out(body: &Body) -> Wire {
    match body {
        Body::Request(request) => Wire::Request(request_out(request)),
        Body::Asking(asking, request) => asking_out(*asking, request_out(request)),
        Body::Notice(said) => Wire::Notice(notice::encode(said)),
        Body::Acknowledgement(ack) => Wire::Acknowledgement(proto::Acknowledgement {
            reference: ack.reference.clone(),
            contact: ack.contact.clone(),
            note: ack.note.clone(),
            next_contact_ms: ack.next_contact.map_or(0, Timestamp::as_millis),
            basis_agreement: ack.basis.as_ref().map(|basis| basis.agreement.word().to_owned()).unwrap_or_default(),
            basis_registry_sha256: basis::digest_out(ack.basis.as_ref().and_then(|basis| basis.registry)),
            basis_instruments_sha256: basis::digest_out(ack.basis.as_ref().and_then(|basis| basis.instruments)),
            basis_answer: basis::answer_out(ack.basis.as_ref().and_then(|basis| basis.answer)),
            basis_differences: ack.basis.as_ref().map(|basis| basis.differences.clone()).unwrap_or_default(),
        }),
        Body::Report(report) => {
            Wire::Report(proto::ExecutionReport { status: report.status.name().to_owned(), text: report.text.clone() })
        }
        Body::Refusal(refusal) => Wire::Refusal(proto::Refusal {
            grounds: refusal.grounds.clone(),
            reasons: refusal.reasons.clone(),
            measures: refusal.measures.clone(),
            without_consultation: refusal.without_consultation.clone(),
        }),
        Body::Evidence(evidence) => Wire::Evidence(proto::EvidenceTransmittal {
            reference: evidence.reference.clone(),
            description: evidence.description.clone(),
            r#final: match evidence.completeness {
                Completeness::Partial => 0,
                Completeness::Final => 1,
            },
        }),
        Body::Acceptance(acceptance) => Wire::Acceptance(proto::ConditionsAcceptance {
            package_id: acceptance.package_id.as_bytes().to_vec(),
            condition_ids: acceptance.condition_ids.clone(),
            responsible_authority: acceptance.responsible_authority.clone(),
        }),
        Body::Withdrawal(withdrawal) => Wire::Withdrawal(proto::Withdrawal {
            reason: withdrawal.reason.clone(),
            measures: withdrawal.measures.clone(),
        }),
    }
}

fn body_in(found: Wire) -> Result<Body, DecodeError> {
    Ok(match found {
        Wire::Request(request) => Body::Request(Box::new(request_in(request)?)),
        Wire::Urgent(request) => Body::Asking(Asking::Urgent, Box::new(request_in(request)?)),
        Wire::Confirm(request) => Body::Asking(Asking::Confirm, Box::new(request_in(request)?)),
        Wire::Supplement(request) => Body::Asking(Asking::Supplement, Box::new(request_in(request)?)),
        Wire::Preservation(request) => Body::Asking(Asking::Preservation, Box::new(request_in(request)?)),
        Wire::Arrest(request) => Body::Asking(Asking::Arrest, Box::new(request_in(request)?)),
        Wire::Extradition(request) => Body::Asking(Asking::Extradition, Box::new(request_in(request)?)),
        Wire::Transfer(request) => Body::Asking(Asking::Transfer, Box::new(request_in(request)?)),
        Wire::Proceedings(request) => Body::Asking(Asking::Proceedings, Box::new(request_in(request)?)),
        Wire::Team(request) => Body::Asking(Asking::Team, Box::new(request_in(request)?)),
        Wire::Notice(found) => Body::Notice(Box::new(notice::decode(found)?)),
        Wire::Acknowledgement(ack) => Body::Acknowledgement(Acknowledgement {
            reference: ack.reference,
            contact: ack.contact,
            note: ack.note,
            next_contact: (ack.next_contact_ms != 0).then(|| Timestamp::from_millis(ack.next_contact_ms)),
            basis: acknowledged_basis(
                &ack.basis_agreement,
                &ack.basis_registry_sha256,
                &ack.basis_instruments_sha256,
                &ack.basis_answer,
                ack.basis_differences,
            )?,
        }),
        Wire::Report(report) => Body::Report(ExecutionReport {
            status: ExecutionStatus::ALL
                .into_iter()
                .find(|status| status.name() == report.status)
                .ok_or(DecodeError::Unknown { field: "status" })?,
            text: report.text,
        }),
        Wire::Refusal(refusal) => Body::Refusal(Refusal {
            grounds: refusal.grounds,
            reasons: refusal.reasons,
            measures: refusal.measures,
            without_consultation: refusal.without_consultation,
        }),
        Wire::Evidence(evidence) => Body::Evidence(EvidenceTransmittal {
            reference: evidence.reference,
            description: evidence.description,
            completeness: match evidence.r#final {
                0 => Completeness::Partial,
                1 => Completeness::Final,
                _ => return Err(DecodeError::Unknown { field: "final" }),
            },
        }),
        Wire::Acceptance(acceptance) => Body::Acceptance(ConditionsAcceptance {
            package_id: decode::id("package_id", &acceptance.package_id)?,
            condition_ids: acceptance.condition_ids,
            responsible_authority: acceptance.responsible_authority,
        }),
        Wire::Withdrawal(withdrawal) => {
            Body::Withdrawal(Withdrawal { reason: withdrawal.reason, measures: withdrawal.measures })
        }
    })
}

fn asking_out(asking: Asking, request: proto::RequestBody) -> Wire {
    match asking {
        Asking::Urgent => Wire::Urgent(request),
        Asking::Confirm => Wire::Confirm(request),
        Asking::Supplement => Wire::Supplement(request),
        Asking::Preservation => Wire::Preservation(request),
        Asking::Arrest => Wire::Arrest(request),
        Asking::Extradition => Wire::Extradition(request),
        Asking::Transfer => Wire::Transfer(request),
        Asking::Proceedings => Wire::Proceedings(request),
        Asking::Team => Wire::Team(request),
    }
}

/// What an acknowledgement says of the legal basis; nothing where the node that wrote it did not look.
fn acknowledged_basis(
    agreement: &str,
    registry: &[u8],
    instruments: &[u8],
    answer: &str,
    differences: Vec<String>,
) -> Result<Option<Box<BasisComparison>>, DecodeError> {
    let nothing = registry.is_empty() && instruments.is_empty() && answer.is_empty() && differences.is_empty();
    if agreement.is_empty() && nothing {
        return Ok(None);
    }
    basis::comparison_in(agreement, registry, instruments, answer, differences).map(|found| Some(Box::new(found)))
}
