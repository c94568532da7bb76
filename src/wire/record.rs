//! Custody records to bytes and back. The log commits to exactly these bytes.

use prost::Message as _;

use crate::model::event::{Actor, CustodyRecord, Event, NamedDigest, Outcome, Role, Stage, Subject, Transfer};
use crate::model::ident::Id;
use crate::model::limits::{LIST_LEN_MAX, OBJECTS_MAX, RECORD_BYTES_MAX};
use crate::model::message::MessageKind;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::wire::decode::{self, DecodeError};
use crate::wire::envelope::{blob_out, blobs_in};
use crate::wire::proto;
use crate::wire::shape::Shape;

/// The schema name of a custody record.
pub const SCHEMA: &str = "rogatory.v1.CustodyRecord";

/// Digests (two for each object, and some), links; the blobs of the transfer (17).
const SHAPE: Shape = Shape {
    what: "a custody record",
    bytes_max: RECORD_BYTES_MAX,
    fields_max: 4 * OBJECTS_MAX + 2 * LIST_LEN_MAX,
    nested: &[17],
};
const SUCCESS: &str = "success";
const REFUSED: &str = "refused:";
const FAILED: &str = "failed:";

/// Encodes a record; the leaf commits to the result.
pub fn encode(record: &CustodyRecord) -> Vec<u8> {
    let id = |id: Option<Id>| id.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    proto::CustodyRecord {
        schema: SCHEMA.to_owned(),
        event: record.event.name().to_owned(),
        at_ms: record.at.as_millis(),
        authority: record.authority.to_string(),
        actor: Some(actor_out(&record.actor)),
        second: record.second.as_ref().map(actor_out),
        request_id: id(record.subject.request_id),
        message_id: id(record.subject.message_id),
        envelope_id: id(record.subject.envelope_id),
        package_id: id(record.subject.package_id),
        counterpart: record.counterpart.as_ref().map(ToString::to_string).unwrap_or_default(),
        digests: record
            .digests
            .iter()
            .map(|digest| proto::NamedDigest { name: digest.name.clone(), sha256: digest.sha256.0.to_vec() })
            .collect(),
        reason: record.reason.clone(),
        outcome: match &record.outcome {
            Outcome::Success => SUCCESS.to_owned(),
            Outcome::Refused(code) => format!("{REFUSED}{code}"),
            Outcome::Failed(how) => format!("{FAILED}{how}"),
        },
        links: record.links.clone(),
        message_kind: record.message_kind.map(|kind| kind.name().to_owned()).unwrap_or_default(),
        transfer: record.transfer.as_ref().map(transfer_out),
    }
    .encode_to_vec()
}

/// Decodes a record.
///
/// # Errors
/// [`DecodeError`] names the first field that is wrong; an unknown event means a newer version wrote it.
pub fn decode(bytes: &[u8]) -> Result<CustodyRecord, DecodeError> {
    let found: proto::CustodyRecord = SHAPE.decode(bytes)?;
    decode::schema(SCHEMA, &found.schema)?;
    decode::count("digests", found.digests.len(), OBJECTS_MAX * 2 + LIST_LEN_MAX)?;
    decode::count("links", found.links.len(), OBJECTS_MAX)?;
    Ok(CustodyRecord {
        event: Event::from_name(&found.event).ok_or(DecodeError::Unknown { field: "event" })?,
        at: Timestamp::from_millis(found.at_ms),
        authority: decode::authority("authority", &found.authority)?,
        actor: actor_in(found.actor.ok_or(DecodeError::Missing { field: "actor" })?)?,
        second: found.second.map(actor_in).transpose()?,
        subject: Subject {
            request_id: decode::id_or_none("request_id", &found.request_id)?,
            message_id: decode::id_or_none("message_id", &found.message_id)?,
            envelope_id: decode::id_or_none("envelope_id", &found.envelope_id)?,
            package_id: decode::id_or_none("package_id", &found.package_id)?,
        },
        counterpart: match found.counterpart.as_str() {
            "" => None,
            text => Some(decode::authority("counterpart", text)?),
        },
        digests: found
            .digests
            .into_iter()
            .map(|digest| {
                let sha256 = decode::digest("digests", &digest.sha256)?;
                Ok(NamedDigest { name: digest.name, sha256 })
            })
            .collect::<Result<_, DecodeError>>()?,
        reason: found.reason,
        outcome: outcome_in(&found.outcome)?,
        links: found.links,
        message_kind: match found.message_kind.as_str() {
            "" => None,
            name => Some(MessageKind::from_name(name).ok_or(DecodeError::Unknown { field: "message_kind" })?),
        },
        transfer: found.transfer.map(transfer_in).transpose()?,
    })
}

fn outcome_in(text: &str) -> Result<Outcome, DecodeError> {
    let unknown = DecodeError::Unknown { field: "outcome" };
    if text == SUCCESS {
        Ok(Outcome::Success)
    } else if let Some(name) = text.strip_prefix(REFUSED) {
        RefusalCode::ALL.iter().find(|code| code.name() == name).map(|code| Outcome::Refused(*code)).ok_or(unknown)
    } else {
        text.strip_prefix(FAILED).map(|how| Outcome::Failed(how.to_owned())).ok_or(unknown)
    }
}

fn actor_out(actor: &Actor) -> proto::Actor {
    match actor {
        Actor::Node => proto::Actor { name: String::new(), role: String::new(), authentication: "node".to_owned() },
        Actor::Officer { name, role, authentication } => proto::Actor {
            name: name.as_str().to_owned(),
            role: role.name().to_owned(),
            authentication: authentication.clone(),
        },
    }
}

fn actor_in(found: proto::Actor) -> Result<Actor, DecodeError> {
    if found.name.is_empty() {
        return Ok(Actor::Node);
    }
    Ok(Actor::Officer {
        name: found.name.parse().map_err(|cause| DecodeError::Ident { field: "actor", cause })?,
        role: Role::from_name(&found.role).ok_or(DecodeError::Unknown { field: "role" })?,
        authentication: found.authentication,
    })
}

fn transfer_out(transfer: &Transfer) -> proto::Transfer {
    proto::Transfer {
        stage: transfer.stage.name().to_owned(),
        urgency: decode::urgency_number(transfer.urgency),
        expires_at_ms: transfer.expires_at.as_millis(),
        blobs: transfer.blobs.iter().map(blob_out).collect(),
        attempts: transfer.attempts,
    }
}

fn transfer_in(found: proto::Transfer) -> Result<Transfer, DecodeError> {
    Ok(Transfer {
        stage: Stage::from_name(&found.stage).ok_or(DecodeError::Unknown { field: "stage" })?,
        urgency: decode::urgency(found.urgency)?,
        expires_at: Timestamp::from_millis(found.expires_at_ms),
        blobs: blobs_in(&found.blobs)?,
        attempts: found.attempts,
    })
}
