//! The control frames of a QUIC stream, as values. Refuses whatever is not exactly one frame within its bounds.
//!
//! ```text
//!  on the wire   uint32 big-endian length │ Frame
//!  Frame         key (field << 3 | 2) │ length │ the one message of this kind, to the end
//! ```
//!
//! `encode` and `decode` leave the length prefix to the stream. The key comes first, so a stream can ask
//! [`bytes_max`] after one byte, before it keeps room for the rest; and no small kind can be blown up by the
//! decoder (a list of empty hashes costs 2 bytes on the wire and 24 in memory).

use std::fmt;

use prost::Message;

use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::limits::{
    ENVELOPE_BYTES_MAX, HELD_PER_ANSWER_MAX, NOTE_BYTES_MAX, PROOF_HASHES_MAX, RECEIPT_BYTES_MAX,
    SMALL_FRAME_BYTES_MAX, SOFTWARE_BYTES_MAX,
};
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::wire::proto;
use crate::wire::proto::frame::Kind;

mod checkpoints;
pub mod held;
mod parts;

/// The version of the protocol that this node speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// One control frame. `proto/rogatory.proto` says what each is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Who speaks: the first frame, each way.
    Hello(Hello),
    /// Hands over one signed envelope.
    Deliver {
        /// Its exact bytes.
        signed_envelope: Vec<u8>,
    },
    /// The envelope is durable, logged and provable.
    Delivered {
        /// The exact bytes of the receipt.
        receipt: Vec<u8>,
    },
    /// Not taken.
    Refused {
        /// Why.
        code: Told,
        /// When to try again; 0 says nothing. The peer's word: cap it before you wait for it.
        retry_after_ms: u64,
    },
    /// Asks for parts of a sealed object.
    Fetch {
        /// The envelope that names the object.
        envelope_id: Id,
        /// The object.
        object_id: u32,
        /// The first part.
        first_part: u64,
        /// How many parts.
        part_count: u64,
    },
    /// Announces one part; its bytes follow the frame.
    Part {
        /// Its place in the object.
        index: u64,
        /// How many bytes follow.
        length: u32,
        /// RFC 6962 inclusion hashes, leaf sibling first.
        proof: Vec<Digest>,
    },
    /// No more parts on this stream.
    FetchEnd,
    /// Hands over a receipt of a later stage.
    PushReceipt {
        /// The envelope it is about.
        envelope_id: Id,
        /// The exact bytes of the receipt.
        receipt: Vec<u8>,
    },
    /// The pushed receipt was checked and is durable.
    Pushed,
    /// Asks for a cosignature on the sender's own newest published checkpoint.
    AddCheckpoint {
        /// How many entries the witness is believed to have cosigned; 0 before the first time.
        old_size: u64,
        /// RFC 6962 consistency hashes from there to the checkpoint.
        proof: Vec<Digest>,
        /// The signed note.
        checkpoint: String,
    },
    /// The checkpoint is durable at the witness, and cosigned.
    Cosigned {
        /// One signature line for each algorithm, each with its line feed.
        lines: String,
    },
    /// What the answering side holds of the log instead.
    HaveCheckpoint {
        /// The signed note.
        checkpoint: String,
    },
    /// Asks the log's owner to prove that the log of `old_size` entries is the beginning of the one of `new_size`.
    ProveConsistency {
        /// The smaller size, at least 1.
        old_size: u64,
        /// The larger size.
        new_size: u64,
    },
    /// The proof that was asked for.
    ConsistencyProof {
        /// RFC 6962 consistency hashes.
        hashes: Vec<Digest>,
    },
    /// Asks for the newest checkpoint that the other side holds of a log.
    LatestOf {
        /// The name of the log.
        origin: String,
    },
    /// Asks what the other side holds of the exchange between the two.
    AskHeld {
        /// The last envelope of the answer before; all zeros the first time.
        after: Id,
    },
    /// Envelopes between the two, in the order of their identifiers.
    Held {
        /// At most [`crate::model::limits::HELD_PER_ANSWER_MAX`].
        envelopes: Vec<held::HeldEnvelope>,
        /// Ask for more behind this one.
        after: Option<Id>,
    },
    /// Asks for one of the other side's own envelopes once more.
    SendAgain {
        /// The envelope.
        envelope_id: Id,
    },
}

/// What each side says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The protocol version it speaks.
    pub protocol_version: u32,
    /// Who it says it is; the certificate must say the same.
    pub authority: AuthorityId,
    /// The directory version it holds.
    pub directory_version: u64,
    /// Its clock.
    pub clock: Timestamp,
    /// The name of its software: printable, at most 128 bytes.
    pub software: String,
    /// Its newest signed checkpoint; `None` while its log is empty.
    pub checkpoint: Option<String>,
}

/// A refusal code as a peer sent it: one of our table, or a number that only a later version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A code of our table.
    Known(RefusalCode),
    /// A number that this version does not know.
    Unknown(u32),
}

impl Told {
    /// From the number on the wire.
    pub fn from_number(number: u32) -> Self {
        RefusalCode::from_number(number).map_or(Self::Unknown(number), Self::Known)
    }

    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::Known(code) => code.number(),
            Self::Unknown(number) => number,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(code) => code.fmt(out),
            Self::Unknown(number) => write!(out, "unknown code {number}"),
        }
    }
}

/// The bytes of a frame, without the length prefix.
pub fn encode(frame: &Frame) -> Vec<u8> {
    let kind = match frame.clone() {
        Frame::Hello(hello) => Kind::Hello(proto::Hello {
            protocol_version: hello.protocol_version,
            authority: hello.authority.to_string(),
            directory_version: hello.directory_version,
            clock_ms: hello.clock.as_millis(),
            software: hello.software,
            checkpoint: hello.checkpoint.unwrap_or_default(),
        }),
        Frame::Deliver { signed_envelope } => Kind::Deliver(proto::Deliver { signed_envelope }),
        Frame::Delivered { receipt } => Kind::Delivered(proto::Delivered { receipt }),
        Frame::Refused { code, retry_after_ms } => {
            Kind::Refused(proto::Refused { code: code.number(), retry_after_ms })
        }
        Frame::Fetch { envelope_id, object_id, first_part, part_count } => Kind::Fetch(proto::Fetch {
            envelope_id: envelope_id.as_bytes().to_vec(),
            object_id,
            first_part,
            part_count,
        }),
        Frame::Part { index, length, proof } => {
            Kind::Part(proto::Part { index, length, proof: proof.iter().map(|hash| hash.0.to_vec()).collect() })
        }
        Frame::FetchEnd => Kind::FetchEnd(proto::FetchEnd {}),
        Frame::PushReceipt { envelope_id, receipt } => {
            Kind::PushReceipt(proto::PushReceipt { envelope_id: envelope_id.as_bytes().to_vec(), receipt })
        }
        Frame::Pushed => Kind::Pushed(proto::Pushed {}),
        other @ (Frame::AskHeld { .. } | Frame::Held { .. } | Frame::SendAgain { .. }) => held::kind(other),
        other => checkpoints::kind(other),
    };
    proto::Frame { kind: Some(kind) }.encode_to_vec()
}

/// The frame that these bytes are. Lets nothing out that is beyond the limits.
pub fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
    let (key, rest) = bytes.split_first().ok_or(FrameError::Malformed)?;
    if bytes.len() > bytes_max(*key)? {
        return Err(FrameError::TooLarge);
    }
    // Kinds from 16 on have a key of two bytes; the second one is always the same.
    let mut body = match (key & LONG_KEY, rest) {
        (0, rest) => rest,
        (_, [1, rest @ ..]) => rest,
        _ => return Err(FrameError::Malformed),
    };
    let length = prost::decode_length_delimiter(&mut body)?;
    // Exactly one kind in one piece: protobuf would merge or overwrite, and two readers could differ.
    if length != body.len() {
        return Err(FrameError::Malformed);
    }
    match *key {
        HELLO => hello(proto::Hello::decode(body)?),
        DELIVER => deliver(proto::Deliver::decode(body)?),
        DELIVERED => {
            Ok(Frame::Delivered { receipt: filled(proto::Delivered::decode(body)?.receipt, RECEIPT_BYTES_MAX)? })
        }
        REFUSED => {
            let refused = proto::Refused::decode(body)?;
            Ok(Frame::Refused { code: Told::from_number(refused.code), retry_after_ms: refused.retry_after_ms })
        }
        FETCH => parts::fetch(proto::Fetch::decode(body)?),
        PART => parts::part(proto::Part::decode(body)?),
        FETCH_END => proto::FetchEnd::decode(body).map(|_| Frame::FetchEnd).map_err(FrameError::from),
        PUSH_RECEIPT => push_receipt(proto::PushReceipt::decode(body)?),
        key @ (ASK_HELD | HELD | SEND_AGAIN) => held::decode(key, body),
        key if key > PUSHED => checkpoints::decode(key, body),
        _ => proto::Pushed::decode(body).map(|_| Frame::Pushed).map_err(FrameError::from),
    }
}

/// The largest frame, in bytes, of the kind that the frame's first byte announces.
pub fn bytes_max(key: u8) -> Result<usize, FrameError> {
    match key {
        HELLO => Ok(NOTE_BYTES_MAX + SMALL_FRAME_BYTES_MAX),
        DELIVER => Ok(ENVELOPE_BYTES_MAX + SMALL_FRAME_BYTES_MAX),
        DELIVERED | PUSH_RECEIPT => Ok(RECEIPT_BYTES_MAX + SMALL_FRAME_BYTES_MAX),
        REFUSED | FETCH | PART | FETCH_END | PUSHED => Ok(SMALL_FRAME_BYTES_MAX),
        PROVE_CONSISTENCY | CONSISTENCY_PROOF | LATEST_OF => Ok(SMALL_FRAME_BYTES_MAX),
        ASK_HELD | SEND_AGAIN => Ok(SMALL_FRAME_BYTES_MAX),
        HELD => Ok(HELD_PER_ANSWER_MAX * held::ENVELOPE_BYTES + SMALL_FRAME_BYTES_MAX),
        ADD_CHECKPOINT | COSIGNED | HAVE_CHECKPOINT => Ok(NOTE_BYTES_MAX + SMALL_FRAME_BYTES_MAX),
        // A field that we do not know, holding a message: a kind of a later version.
        _ if key & WIRE_TYPE == LENGTH_DELIMITED && key >= HELLO => Err(FrameError::UnknownKind),
        _ => Err(FrameError::Malformed),
    }
}

const WIRE_TYPE: u8 = 0b111;
const LENGTH_DELIMITED: u8 = 2;
const HELLO: u8 = 1 << 3 | LENGTH_DELIMITED;
const DELIVER: u8 = 2 << 3 | LENGTH_DELIMITED;
const DELIVERED: u8 = 3 << 3 | LENGTH_DELIMITED;
const REFUSED: u8 = 4 << 3 | LENGTH_DELIMITED;
const FETCH: u8 = 5 << 3 | LENGTH_DELIMITED;
const PART: u8 = 6 << 3 | LENGTH_DELIMITED;
const FETCH_END: u8 = 7 << 3 | LENGTH_DELIMITED;
const PUSH_RECEIPT: u8 = 8 << 3 | LENGTH_DELIMITED;
const PUSHED: u8 = 9 << 3 | LENGTH_DELIMITED;
const ADD_CHECKPOINT: u8 = 10 << 3 | LENGTH_DELIMITED;
const COSIGNED: u8 = 11 << 3 | LENGTH_DELIMITED;
const HAVE_CHECKPOINT: u8 = 12 << 3 | LENGTH_DELIMITED;
const PROVE_CONSISTENCY: u8 = 13 << 3 | LENGTH_DELIMITED;
const CONSISTENCY_PROOF: u8 = 14 << 3 | LENGTH_DELIMITED;
const LATEST_OF: u8 = 15 << 3 | LENGTH_DELIMITED;
/// Set in the first byte of a key that has two.
const LONG_KEY: u8 = 0x80;
const ASK_HELD: u8 = LONG_KEY | (21 & 0x0f) << 3 | LENGTH_DELIMITED;
const HELD: u8 = LONG_KEY | (22 & 0x0f) << 3 | LENGTH_DELIMITED;
const SEND_AGAIN: u8 = LONG_KEY | (23 & 0x0f) << 3 | LENGTH_DELIMITED;

fn hello(hello: proto::Hello) -> Result<Frame, FrameError> {
    if hello.software.len() > SOFTWARE_BYTES_MAX || hello.checkpoint.len() > NOTE_BYTES_MAX {
        return Err(FrameError::TooLarge);
    }
    // The name goes into log lines: a line feed or an escape there would forge them.
    if hello.software.chars().any(char::is_control) {
        return Err(FrameError::Malformed);
    }
    Ok(Frame::Hello(Hello {
        protocol_version: hello.protocol_version,
        authority: hello.authority.parse().map_err(|_| FrameError::Malformed)?,
        directory_version: hello.directory_version,
        clock: Timestamp::from_millis(hello.clock_ms),
        software: hello.software,
        checkpoint: Some(hello.checkpoint).filter(|note| !note.is_empty()),
    }))
}

fn deliver(deliver: proto::Deliver) -> Result<Frame, FrameError> {
    Ok(Frame::Deliver { signed_envelope: filled(deliver.signed_envelope, ENVELOPE_BYTES_MAX)? })
}

fn hashes(proof: &[Vec<u8>]) -> Result<Vec<Digest>, FrameError> {
    if proof.len() > PROOF_HASHES_MAX {
        return Err(FrameError::TooLarge);
    }
    proof.iter().map(|hash| Digest::try_from(hash.as_slice()).map_err(|_| FrameError::Malformed)).collect()
}

fn push_receipt(push: proto::PushReceipt) -> Result<Frame, FrameError> {
    Ok(Frame::PushReceipt { envelope_id: id(&push.envelope_id)?, receipt: filled(push.receipt, RECEIPT_BYTES_MAX)? })
}

fn filled(bytes: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, FrameError> {
    match bytes.len() {
        0 => Err(FrameError::Malformed),
        length if length > bytes_max => Err(FrameError::TooLarge),
        _ => Ok(bytes),
    }
}

fn id(bytes: &[u8]) -> Result<Id, FrameError> {
    Id::try_from(bytes).map_err(|_| FrameError::Malformed)
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not one frame of this protocol.
    #[error("the peer sent bytes that are no frame; its software is faulty or hostile")]
    Malformed,
    /// Larger than its kind may be.
    #[error("the peer sent a frame that is larger than its kind may be")]
    TooLarge,
    /// A kind that this version does not know.
    #[error("the peer sent a frame of a kind this version does not know; compare the versions")]
    UnknownKind,
    /// Parts that no object can have.
    #[error("the peer named parts that no object can have")]
    Range,
}

impl FrameError {
    /// What to tell the peer.
    pub fn code(self) -> RefusalCode {
        match self {
            Self::Malformed => RefusalCode::Malformed,
            Self::TooLarge => RefusalCode::TooLarge,
            Self::UnknownKind => RefusalCode::UnsupportedVersion,
            Self::Range => RefusalCode::BadRange,
        }
    }
}

impl From<prost::DecodeError> for FrameError {
    fn from(_: prost::DecodeError) -> Self {
        Self::Malformed
    }
}
