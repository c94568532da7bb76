//! Messages to bytes and back. The bytes that were signed are kept; nothing is ever re-encoded to be verified.

use prost::Message as _;

use crate::model::limits::{LIST_LEN_MAX, MESSAGE_BYTES_MAX, OBJECTS_MAX};
use crate::model::listed::FurtherDigest;
use crate::model::message::{Body, Fields, Message, Party, ReplyBy};
use crate::model::package::{Condition, ConditionOrigin, Consignment, Item, ItemForm, ItemRole};
use crate::model::request::{
    Acknowledgement, Completeness, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, ExecutionStatus,
    Measure, Refusal, RequestBody, Withdrawal,
};
use crate::model::time::Timestamp;
use crate::wire::decode::{self, DecodeError};
use crate::wire::proto;
use crate::wire::proto::message::Body as Wire;
use crate::wire::shape::Shape;

/// The schema name of a message.
pub const SCHEMA: &str = "rogatory.v1.Message";

/// Legal bases, conditions and items; the lists of a condition (16) and of every body (30 to 36).
const SHAPE: Shape = Shape {
    what: "a message",
    bytes_max: MESSAGE_BYTES_MAX,
    fields_max: 2 * OBJECTS_MAX + 8 * LIST_LEN_MAX,
    nested: &[16, 30, 31, 32, 33, 34, 35, 36],
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
        body,
    })?)
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

fn condition_out(condition: &Condition) -> proto::Condition {
    proto::Condition {
        id: condition.id.clone(),
        code: condition.code.clone(),
        text: condition.text.clone(),
        legal_source: condition.legal_source.clone(),
        origin: condition.origin.name().to_owned(),
        objects: condition.objects.clone(),
    }
}

fn condition_in(found: proto::Condition) -> Result<Condition, DecodeError> {
    use ConditionOrigin::{DefaultByLaw, RequestedState, RequesterUndertaking};
    Ok(Condition {
        id: found.id,
        code: found.code,
        text: found.text,
        legal_source: found.legal_source,
        origin: [DefaultByLaw, RequesterUndertaking, RequestedState]
            .into_iter()
            .find(|origin| origin.name() == found.origin)
            .ok_or(DecodeError::Unknown { field: "origin" })?,
        objects: found.objects,
    })
}

fn body_out(body: &Body) -> Wire {
    match body {
        Body::Request(request) => Wire::Request(request_out(request)),
        Body::Acknowledgement(ack) => Wire::Acknowledgement(proto::Acknowledgement {
            reference: ack.reference.clone(),
            contact: ack.contact.clone(),
            note: ack.note.clone(),
            next_contact_ms: ack.next_contact.map_or(0, Timestamp::as_millis),
        }),
        Body::Report(report) => {
            Wire::Report(proto::ExecutionReport { status: report.status.name().to_owned(), text: report.text.clone() })
        }
        Body::Refusal(refusal) => {
            Wire::Refusal(proto::Refusal { grounds: refusal.grounds.clone(), reasons: refusal.reasons.clone() })
        }
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
        Body::Withdrawal(withdrawal) => Wire::Withdrawal(proto::Withdrawal { reason: withdrawal.reason.clone() }),
    }
}

fn body_in(found: Wire) -> Result<Body, DecodeError> {
    Ok(match found {
        Wire::Request(request) => Body::Request(Box::new(request_in(request))),
        Wire::Acknowledgement(ack) => Body::Acknowledgement(Acknowledgement {
            reference: ack.reference,
            contact: ack.contact,
            note: ack.note,
            next_contact: (ack.next_contact_ms != 0).then(|| Timestamp::from_millis(ack.next_contact_ms)),
        }),
        Wire::Report(report) => Body::Report(ExecutionReport {
            status: ExecutionStatus::ALL
                .into_iter()
                .find(|status| status.name() == report.status)
                .ok_or(DecodeError::Unknown { field: "status" })?,
            text: report.text,
        }),
        Wire::Refusal(refusal) => Body::Refusal(Refusal { grounds: refusal.grounds, reasons: refusal.reasons }),
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
        Wire::Withdrawal(withdrawal) => Body::Withdrawal(Withdrawal { reason: withdrawal.reason }),
    })
}

fn request_out(request: &RequestBody) -> proto::RequestBody {
    proto::RequestBody {
        reference: request.reference.clone(),
        subject: request.subject.clone(),
        proceeding_authority: request.proceeding_authority.clone(),
        proceeding_authority_functions: request.proceeding_authority_functions.clone(),
        nature_of_proceedings: request.nature_of_proceedings.clone(),
        facts: request.facts.clone(),
        applicable_law: request.applicable_law.clone(),
        penalty: request.penalty.clone(),
        measures: request
            .measures
            .iter()
            .map(|measure| proto::Measure { kind: measure.kind.clone(), description: measure.description.clone() })
            .collect(),
        persons: request.persons.clone(),
        purpose: request.purpose.clone(),
        special_procedure: request.special_procedure.clone(),
        confidentiality: request.confidentiality.clone(),
        privilege_to_refuse_testimony: request.privilege_to_refuse_testimony.clone(),
    }
}

fn request_in(found: proto::RequestBody) -> RequestBody {
    RequestBody {
        reference: found.reference,
        subject: found.subject,
        proceeding_authority: found.proceeding_authority,
        proceeding_authority_functions: found.proceeding_authority_functions,
        nature_of_proceedings: found.nature_of_proceedings,
        facts: found.facts,
        applicable_law: found.applicable_law,
        penalty: found.penalty,
        measures: found
            .measures
            .into_iter()
            .map(|measure| Measure { kind: measure.kind, description: measure.description })
            .collect(),
        persons: found.persons,
        purpose: found.purpose,
        special_procedure: found.special_procedure,
        confidentiality: found.confidentiality,
        privilege_to_refuse_testimony: found.privilege_to_refuse_testimony,
    }
}
