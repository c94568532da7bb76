//! What every decoder shares: the schema check, the reading of fields, and one error that says what was wrong where.

use crate::model::ident::{AuthorityId, Digest, Id, IdentError};
use crate::model::message::{MessageError, Urgency};
use crate::model::package::ConsignmentError;
use crate::model::refusal::RefusalCode;

/// The first field of every signed or stored message names its type and version: nothing else may pass for it.
pub(super) fn schema(expected: &'static str, found: &str) -> Result<(), DecodeError> {
    if found == expected {
        Ok(())
    } else {
        // Only what looks like a name of ours is shown: bytes that were shifted or bent may hold anything there.
        let ours = found.len() <= 64
            && found.starts_with("rogatory.")
            && found.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let found = if ours { found } else { "of another kind" };
        Err(DecodeError::Schema { expected, found: found.to_owned() })
    }
}

pub(super) fn id(field: &'static str, bytes: &[u8]) -> Result<Id, DecodeError> {
    Id::try_from(bytes).map_err(|cause| DecodeError::Ident { field, cause })
}

pub(super) fn id_or_none(field: &'static str, bytes: &[u8]) -> Result<Option<Id>, DecodeError> {
    if bytes.is_empty() { Ok(None) } else { id(field, bytes).map(Some) }
}

pub(super) fn digest(field: &'static str, bytes: &[u8]) -> Result<Digest, DecodeError> {
    Digest::try_from(bytes).map_err(|cause| DecodeError::Ident { field, cause })
}

pub(super) fn authority(field: &'static str, text: &str) -> Result<AuthorityId, DecodeError> {
    // The cause shows the text, which is right for what an officer typed and wrong for what a peer sent.
    text.parse().map_err(|_| DecodeError::Authority { field })
}

pub(super) fn urgency(number: u32) -> Result<Urgency, DecodeError> {
    match number {
        0 => Ok(Urgency::Routine),
        1 => Ok(Urgency::Urgent),
        _ => Err(DecodeError::Unknown { field: "urgency" }),
    }
}

pub(super) fn count(field: &'static str, found: usize, most: usize) -> Result<(), DecodeError> {
    if found > most { Err(DecodeError::TooMany { field, found, most }) } else { Ok(()) }
}

pub(super) const fn urgency_number(urgency: Urgency) -> u32 {
    match urgency {
        Urgency::Routine => 0,
        Urgency::Urgent => 1,
    }
}

/// Why bytes were refused. Names fields, never shows content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the limits allow.
    #[error("{what} of {bytes} bytes; at most {bytes_max} are taken")]
    TooLarge {
        /// What was decoded.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest that is taken.
        bytes_max: usize,
    },
    /// Not protobuf, cut, or of other types.
    #[error("{what} is cut or is no protobuf of this schema")]
    NotProtobuf {
        /// What was decoded.
        what: &'static str,
    },
    /// Another schema, or another version of it.
    #[error("schema `{found}` where `{expected}` is due; a newer version of rogatory may read it")]
    Schema {
        /// The schema that was due.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// An identifier, digest or name that is malformed.
    #[error("field `{field}`: {cause}")]
    Ident {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        cause: IdentError,
    },
    /// A name that is no authority identifier.
    #[error("field `{field}` holds no authority identifier")]
    Authority {
        /// The field.
        field: &'static str,
    },
    /// A word or number that this version does not know.
    #[error("field `{field}` holds a value that this version does not know")]
    Unknown {
        /// The field.
        field: &'static str,
    },
    /// A field that must be there is not.
    #[error("field `{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// Too many entries.
    #[error("field `{field}` has {found} entries, at most {most} are taken")]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many there are.
        found: usize,
        /// How many are taken.
        most: usize,
    },
    /// A message out of bounds.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Items or conditions out of bounds.
    #[error(transparent)]
    Consignment(#[from] ConsignmentError),
}

impl DecodeError {
    /// What a peer is told.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::TooLarge { .. } | Self::TooMany { .. } => RefusalCode::TooLarge,
            Self::Schema { .. } | Self::Unknown { .. } => RefusalCode::UnsupportedVersion,
            _ => RefusalCode::Malformed,
        }
    }
}
