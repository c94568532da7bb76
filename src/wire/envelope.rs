//! Envelopes to bytes and back. Refuses a suite, a schema or a size that it does not know.

use prost::Message as _;

use crate::model::envelope::{Blob, Envelope, SUITE, Stanza};
use crate::model::limits::{
    CMS_BYTES_MAX, ENVELOPE_BYTES_MAX, LIST_LEN_MAX, MESSAGE_BYTES_MAX, OBJECT_BYTES_MAX, OBJECTS_MAX, STANZAS_MAX,
};
use crate::model::time::Timestamp;
use crate::wire::decode::{self, DecodeError};
use crate::wire::proto;
use crate::wire::shape::Shape;

/// The schema name of an envelope.
pub const SCHEMA: &str = "rogatory.v1.Envelope";

/// Stanzas and blobs.
const SHAPE: Shape = Shape {
    what: "an envelope",
    bytes_max: ENVELOPE_BYTES_MAX,
    fields_max: OBJECTS_MAX + STANZAS_MAX + LIST_LEN_MAX,
    nested: &[],
};
/// No lists.
const SIGNED_ENVELOPE: Shape = Shape {
    what: "a signed envelope",
    bytes_max: ENVELOPE_BYTES_MAX + CMS_BYTES_MAX,
    fields_max: LIST_LEN_MAX,
    nested: &[],
};
/// No lists.
const SIGNED_MESSAGE: Shape = Shape {
    what: "a signed message",
    bytes_max: MESSAGE_BYTES_MAX + CMS_BYTES_MAX,
    fields_max: LIST_LEN_MAX,
    nested: &[],
};
/// Length of a wrapped key: HPKE encapsulation (1120) and ciphertext (48).
pub const WRAPPED_KEY_BYTES: usize = 1_168;

/// Exact bytes and the detached CAdES signature over them: an envelope or a message as it travels and is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBytes {
    /// The bytes that are signed.
    pub content: Vec<u8>,
    /// DER of the CMS SignedData.
    pub cms: Vec<u8>,
}

/// Encodes an envelope; the result is what gets signed.
pub fn encode(envelope: &Envelope) -> Vec<u8> {
    proto::Envelope {
        schema: SCHEMA.to_owned(),
        envelope_id: envelope.envelope_id.as_bytes().to_vec(),
        sender: envelope.sender.to_string(),
        recipient: envelope.recipient.to_string(),
        created_at_ms: envelope.created_at.as_millis(),
        expires_at_ms: envelope.expires_at.as_millis(),
        urgency: decode::urgency_number(envelope.urgency),
        suite: SUITE.to_owned(),
        seal_id: envelope.seal_id.as_bytes().to_vec(),
        stanzas: envelope
            .stanzas
            .iter()
            .map(|stanza| proto::Stanza {
                recipient: stanza.recipient.to_string(),
                key_id: stanza.key_id.0.to_vec(),
                wrapped: stanza.wrapped.clone(),
            })
            .collect(),
        head: envelope.head.clone(),
        blobs: envelope.blobs.iter().map(blob_out).collect(),
    }
    .encode_to_vec()
}

/// Decodes an envelope.
///
/// # Errors
/// [`DecodeError`] names the first field that is wrong.
pub fn decode(bytes: &[u8]) -> Result<Envelope, DecodeError> {
    let found: proto::Envelope = SHAPE.decode(bytes)?;
    decode::schema(SCHEMA, &found.schema)?;
    if found.suite != SUITE {
        return Err(DecodeError::Unknown { field: "suite" });
    }
    decode::count("stanzas", found.stanzas.len(), STANZAS_MAX)?;
    Ok(Envelope {
        envelope_id: decode::id("envelope_id", &found.envelope_id)?,
        sender: decode::authority("sender", &found.sender)?,
        recipient: decode::authority("recipient", &found.recipient)?,
        created_at: Timestamp::from_millis(found.created_at_ms),
        expires_at: Timestamp::from_millis(found.expires_at_ms),
        urgency: decode::urgency(found.urgency)?,
        seal_id: decode::id("seal_id", &found.seal_id)?,
        stanzas: found.stanzas.into_iter().map(stanza_in).collect::<Result<_, _>>()?,
        head: found.head,
        blobs: blobs_in(&found.blobs)?,
    })
}

/// Encodes signed bytes as a `SignedEnvelope` (field 1 the envelope, field 2 the signature).
pub fn encode_signed(signed: &SignedBytes) -> Vec<u8> {
    proto::SignedEnvelope { envelope: signed.content.clone(), cms: signed.cms.clone() }.encode_to_vec()
}

/// Decodes a `SignedEnvelope`; the content is not looked at.
///
/// # Errors
/// [`DecodeError`] when it is too large or no protobuf.
pub fn decode_signed(bytes: &[u8]) -> Result<SignedBytes, DecodeError> {
    let found: proto::SignedEnvelope = SIGNED_ENVELOPE.decode(bytes)?;
    signed_in(found.envelope, found.cms)
}

/// Encodes signed bytes as a `SignedMessage`.
pub fn encode_signed_message(signed: &SignedBytes) -> Vec<u8> {
    proto::SignedMessage { message: signed.content.clone(), cms: signed.cms.clone() }.encode_to_vec()
}

/// Decodes a `SignedMessage`; the content is not looked at.
///
/// # Errors
/// [`DecodeError`] when it is too large or no protobuf.
pub fn decode_signed_message(bytes: &[u8]) -> Result<SignedBytes, DecodeError> {
    let found: proto::SignedMessage = SIGNED_MESSAGE.decode(bytes)?;
    signed_in(found.message, found.cms)
}

fn signed_in(content: Vec<u8>, cms: Vec<u8>) -> Result<SignedBytes, DecodeError> {
    if cms.len() > CMS_BYTES_MAX {
        return Err(DecodeError::TooLarge { what: "a signature", bytes: cms.len(), bytes_max: CMS_BYTES_MAX });
    }
    Ok(SignedBytes { content, cms })
}

fn stanza_in(found: proto::Stanza) -> Result<Stanza, DecodeError> {
    if found.wrapped.len() != WRAPPED_KEY_BYTES {
        return Err(DecodeError::Unknown { field: "wrapped" });
    }
    Ok(Stanza {
        recipient: decode::authority("stanza recipient", &found.recipient)?,
        key_id: decode::digest("key_id", &found.key_id)?,
        wrapped: found.wrapped,
    })
}

pub(super) fn blob_out(blob: &Blob) -> proto::Blob {
    proto::Blob {
        object_id: blob.object_id,
        ciphertext_bytes: blob.ciphertext_bytes,
        root: blob.root.0.to_vec(),
        commitment: blob.commitment.0.to_vec(),
    }
}

/// Blobs are numbered from 1 without a gap, so that none can be left out or named twice.
pub(super) fn blobs_in(found: &[proto::Blob]) -> Result<Vec<Blob>, DecodeError> {
    decode::count("blobs", found.len(), OBJECTS_MAX)?;
    let mut blobs = Vec::with_capacity(found.len());
    for (expected, blob) in (1_u32..).zip(found) {
        // An object of this suite has at least its salt, its commitment and one tag: 56 + 16 bytes.
        let size_good = (72..=OBJECT_BYTES_MAX * 2).contains(&blob.ciphertext_bytes);
        if blob.object_id != expected || !size_good {
            return Err(DecodeError::Unknown { field: "blobs" });
        }
        blobs.push(Blob {
            object_id: blob.object_id,
            ciphertext_bytes: blob.ciphertext_bytes,
            root: decode::digest("root", &blob.root)?,
            commitment: decode::digest("commitment", &blob.commitment)?,
        });
    }
    Ok(blobs)
}
