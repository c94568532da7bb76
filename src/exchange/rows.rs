//! The rows of the docket: what the custody records say, arranged to be asked. Derived; may be thrown away and rebuilt.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::event::Stage;
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::message::{MessageKind, Urgency};
use crate::model::time::Timestamp;

/// The trees of the index.
pub mod tree {
    /// message id -> [`super::MessageRow`]
    pub const MESSAGE: &str = "message";
    /// request id -> [`super::RequestRow`]
    pub const REQUEST: &str = "request";
    /// package id -> [`super::PackageRow`]
    pub const PACKAGE: &str = "package";
    /// envelope id -> [`super::EnvelopeRow`]
    pub const ENVELOPE: &str = "envelope";
    /// peer, urgency, index -> [`super::OutboxRow`]; only what is open
    pub const OUTBOX: &str = "outbox";
    /// envelope id -> [`super::IntakeRow`]; only what is still being fetched
    pub const INTAKE: &str = "intake";
    /// request id, index -> nothing: the records of one request
    pub const TIMELINE: &str = "timeline";
    /// index -> [`super::StampRow`]: every time-stamp, and every gap
    pub const STAMP: &str = "stamp";
    /// name of a time-stamp authority -> its newest [`super::StampRow`]
    pub const STAMP_NEWEST: &str = "stamp-newest";
    /// SHA-256 of message bytes -> message id
    pub const DIGEST: &str = "digest";
    /// SHA-256 of an identifier whose records were erased -> nothing
    pub const GONE: &str = "gone";
    /// package id -> index of the record of its destruction
    pub const DESTROYED: &str = "destroyed";
    /// index of what one officer asked for -> index of the record by which a second one did it
    pub const ANSWERED: &str = "answered";
    /// request id -> [`super::BasisRow`]: the newest look-up of its legal basis that this node recorded
    pub const BASIS: &str = "basis";
    /// message id -> [`crate::law::life::note::Note`]: each message that was sent or received, as the fold of the life needs it
    pub const LIFE: &str = "life";
    /// SHA-256 of what is owed -> index of the record that it was not done in time
    pub const OVERDUE: &str = "overdue";
    /// nothing -> the version of what the fold writes; another one: the index is made again
    pub const SHAPE: &str = "shape";
    /// nothing -> nothing: there once some record of this log was erased
    pub const ERASED: &str = "erased";
}

/// The version of what the fold writes.
pub const SHAPE_VERSION: &[u8] = b"2";

/// Which way a message or request goes, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From us.
    Outgoing,
    /// To us.
    Incoming,
}

/// How far a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageState {
    /// Written, not approved.
    Drafted,
    /// Approved by a second person, not sent.
    Approved,
    /// Thrown away before it was sent.
    Discarded,
    /// Signed, sealed, waiting for the peer.
    Queued,
    /// The peer holds the envelope; its files are on their way.
    Relayed,
    /// The peer holds everything.
    Delivered,
    /// The peer's node refused it; the word is the refusal code.
    Refused(String),
    /// Its time ran out.
    Expired,
    /// It came in; its files are on their way.
    Arriving,
    /// It came in, whole.
    Received,
    /// It came in; its files did not come in time.
    Abandoned,
    /// Signed for another way than the electronic one, which the word names; not sent by this node.
    FiledElsewhere(String),
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// The message.
    pub message_id: Id,
    /// Its request.
    pub request_id: Id,
    /// Its kind.
    pub kind: MessageKind,
    /// Its way.
    pub direction: Direction,
    /// The other authority.
    pub counterpart: AuthorityId,
    /// How far it is.
    pub state: MessageState,
    /// How soon.
    pub urgency: Urgency,
    /// SHA-256 of the message bytes.
    pub digest: Digest,
    /// The officer who drafted it (outgoing).
    pub drafted_by: Option<String>,
    /// The officer who approved it (outgoing).
    pub approved_by: Option<String>,
    /// The newest envelope it travelled in.
    pub envelope_id: Option<Id>,
    /// SHA-256 of the signed envelope, as it travelled.
    pub envelope_digest: Option<Digest>,
    /// The key scope of its files.
    pub package_id: Option<Id>,
    /// The record that holds its bytes: the draft, or the envelope that came.
    pub bytes_index: u64,
    /// The record of the envelope: queued or received.
    pub envelope_index: Option<u64>,
    /// The receipts: our own records of them (outgoing), or those we gave (incoming), by stage.
    pub receipts: Vec<(Stage, u64)>,
    /// When the newest record about it was made.
    pub updated_at: Timestamp,
}

/// How far a request is, by the messages exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Not sent.
    Draft,
    /// Queued or on its way.
    Sent,
    /// At the requested authority's node, or at ours.
    Delivered,
    /// Acknowledged by the requested authority.
    Acknowledged,
    /// Being executed.
    InExecution,
    /// Executed, in part or whole.
    Executed,
    /// Refused by the requested authority.
    Refused,
    /// Withdrawn by the requesting authority.
    Withdrawn,
    /// Its first message never reached the requested authority: refused by its node, or its time ran out.
    NotDelivered,
    /// Signed for another way: not filed electronically.
    FiledElsewhere,
}

/// One request and its thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    /// The request.
    pub request_id: Id,
    /// Outgoing: we ask. Incoming: we are asked.
    pub direction: Direction,
    /// The other authority.
    pub counterpart: AuthorityId,
    /// The requesting authority's reference.
    pub reference: String,
    /// One line: what it is about.
    pub subject: String,
    /// How soon.
    pub urgency: Urgency,
    /// The wished time limit.
    pub reply_by: Option<Timestamp>,
    /// How far it is.
    pub state: RequestState,
    /// Its messages, in the order in which this node saw them.
    pub messages: Vec<Id>,
    /// When the first record about it was made.
    pub opened_at: Timestamp,
    /// When the newest one was made.
    pub updated_at: Timestamp,
}

/// One condition of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionRow {
    /// Its id inside the message.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Whether the recipient must accept it before opening.
    pub needs_acceptance: bool,
    /// The record by which it was accepted: our own act, or the message that came.
    pub accepted_index: Option<u64>,
}

/// The files of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRow {
    /// The key scope.
    pub package_id: Id,
    /// The message that carries it.
    pub message_id: Id,
    /// Its request.
    pub request_id: Id,
    /// Its way.
    pub direction: Direction,
    /// The other authority.
    pub counterpart: AuthorityId,
    /// How many files.
    pub items: u32,
    /// Their total length.
    pub plaintext_bytes: u64,
    /// The conditions on it.
    pub conditions: Vec<ConditionRow>,
    /// The record by which all files were here, verified (incoming).
    pub complete_index: Option<u64>,
    /// The first record of its being opened here.
    pub opened_index: Option<u64>,
}

/// One envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeRow {
    /// The message inside.
    pub message_id: Id,
    /// SHA-256 of the signed envelope.
    pub digest: Digest,
    /// Its way.
    pub direction: Direction,
    /// The other authority.
    pub counterpart: AuthorityId,
    /// The record that holds its bytes.
    pub index: u64,
}

/// What an open outbox row waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// The envelope was not taken yet.
    Envelope,
    /// The envelope was taken; the peer fetches the files.
    Content,
    /// A receipt of a later stage was not taken yet.
    Receipt(Stage),
}

/// One thing to hand over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The envelope it is about.
    pub envelope_id: Id,
    /// To whom.
    pub peer: AuthorityId,
    /// How soon.
    pub urgency: Urgency,
    /// When it counts as not delivered; receipts never expire.
    pub expires_at: Option<Timestamp>,
    /// What it waits for.
    pub waiting: Waiting,
    /// The record that holds what is handed over.
    pub index: u64,
}

/// One envelope whose files are still being fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeRow {
    /// From whom.
    pub peer: AuthorityId,
    /// The key scope.
    pub package_id: Id,
    /// How soon.
    pub urgency: Urgency,
    /// The ciphertext of all its files.
    pub bytes: u64,
    /// The record of the envelope.
    pub index: u64,
}

/// The newest look-up of the legal basis of one request by this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisRow {
    /// The record, with the look-up beside it.
    pub index: u64,
    /// When it was recorded.
    pub at: Timestamp,
}

/// A time-stamp, or the beginning of a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampRow {
    /// The record.
    pub index: u64,
    /// The name of the time-stamp authority in the settings.
    pub name: String,
    /// When it was recorded, by this node's clock.
    pub at: Timestamp,
    /// What was obtained; nothing where a gap begins.
    pub stamp: Option<Stamp>,
}

/// What a time-stamp is over, and when it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The time in the token.
    pub time: Timestamp,
    /// The size of the checkpoint: the entries before it are covered.
    pub size: u64,
}

/// Encodes a row for the index.
pub fn to_bytes<R: Serialize>(row: &R) -> Vec<u8> {
    postcard::to_stdvec(row).expect("a row is made of types that postcard always encodes")
}

/// Decodes a row from the index.
///
/// # Errors
/// [`RowError`] when the index holds something else: it is damaged, or of another version.
pub fn from_bytes<R: DeserializeOwned>(bytes: &[u8]) -> Result<R, RowError> {
    postcard::from_bytes(bytes).map_err(|_| RowError)
}

/// The key of an outbox row: by peer, urgent first, then in the order of the log.
pub fn outbox_key(peer: &AuthorityId, urgency: Urgency, index: u64) -> Vec<u8> {
    let rank = match urgency {
        Urgency::Urgent => 0_u8,
        Urgency::Routine => 1,
    };
    let mut key = peer.as_str().as_bytes().to_vec();
    key.push(0);
    key.push(rank);
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// Reads an outbox key back: peer, urgency, index.
pub fn outbox_key_parts(key: &[u8]) -> Option<(AuthorityId, Urgency, u64)> {
    let (head, index) = key.split_at_checked(key.len().checked_sub(8)?)?;
    let (rank, name) = head.split_last()?;
    let peer = std::str::from_utf8(name.strip_suffix(&[0])?).ok()?.parse().ok()?;
    let urgency = match rank {
        0 => Urgency::Urgent,
        1 => Urgency::Routine,
        _ => return None,
    };
    Some((peer, urgency, u64::from_be_bytes(index.try_into().ok()?)))
}

/// The key of a time-line entry.
pub fn timeline_key(request_id: Id, index: u64) -> Vec<u8> {
    let mut key = request_id.as_bytes().to_vec();
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// A row that does not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row of the index does not decode; run `rogatory index rebuild`")]
pub struct RowError;
