//! Receipts to bytes and back: a custody record of the receiver, its salt, and the proof that it is in that log.

use prost::Message as _;

use crate::model::limits::{LIST_LEN_MAX, RECEIPT_BYTES_MAX, RECORD_BYTES_MAX, TLOG_PROOF_BYTES_MAX};
use crate::wire::decode::{self, DecodeError};
use crate::wire::proto;
use crate::wire::shape::Shape;

/// No lists.
const SHAPE: Shape = Shape { what: "a receipt", bytes_max: RECEIPT_BYTES_MAX, fields_max: LIST_LEN_MAX, nested: &[] };

/// A disclosed custody record, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptParts {
    /// Exact bytes of the custody record.
    pub record: Vec<u8>,
    /// Its salt.
    pub salt: [u8; 32],
    /// C2SP tlog-proof, with the checkpoint.
    pub proof: String,
}

/// Encodes a receipt.
pub fn encode(parts: &ReceiptParts) -> Vec<u8> {
    proto::Receipt { record: parts.record.clone(), salt: parts.salt.to_vec(), proof: parts.proof.clone() }
        .encode_to_vec()
}

/// Decodes a receipt; proves nothing yet.
///
/// # Errors
/// [`DecodeError`] when it is too large, cut, or a part has the wrong length.
pub fn decode(bytes: &[u8]) -> Result<ReceiptParts, DecodeError> {
    let found: proto::Receipt = SHAPE.decode(bytes)?;
    decode::count("record", found.record.len(), RECORD_BYTES_MAX)?;
    decode::count("proof", found.proof.len(), TLOG_PROOF_BYTES_MAX)?;
    let salt = found.salt.try_into().map_err(|_| DecodeError::Unknown { field: "salt" })?;
    Ok(ReceiptParts { record: found.record, salt, proof: found.proof })
}
