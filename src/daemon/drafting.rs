//! What an officer writes, and how it becomes a draft in the log. Refuses what the other side could not read, and what is
//! not ours to send.

use std::sync::Arc;

use crate::crypto::digest::sha256;
use crate::crypto::random;
use crate::daemon::basis::{self, BasisWish};
use crate::daemon::desk::{DRAFT, DeskError, acting, message_of};
use crate::daemon::evidence::ATTACHMENTS;
use crate::daemon::letters;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, lives, terms_check};
use crate::exchange::act::{DraftFiles, Scene};
use crate::exchange::directory::Accepted;
use crate::exchange::rows::{Direction, MessageRow, RequestRow};
use crate::law::life::guard::OutOfTurn;
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::limits::THREAD_MESSAGES_MAX;
use crate::model::message::{Body, Fields, Message, MessageKind, Party, ReplyBy, Ties, Urgency};
use crate::model::package::{Condition, Consignment};
use crate::model::side::Side;
use crate::wire::message;

/// What an officer writes, whatever its kind.
#[derive(Debug, Clone)]
pub struct Draft {
    /// To whom.
    pub to: AuthorityId,
    /// The request it belongs to; `None` begins one.
    pub request_id: Option<Id>,
    /// Digest of the message that it answers.
    pub in_reply_to: Option<Digest>,
    /// Language of its texts.
    pub language: String,
    /// How soon.
    pub urgency: Urgency,
    /// Why it is urgent.
    pub urgency_reason: String,
    /// A wished time limit.
    pub reply_by: Option<ReplyBy>,
    /// The treaties it rests on.
    pub legal_bases: Vec<String>,
    /// What the legal basis of a request is looked up by.
    pub basis: BasisWish,
    /// Conditions or undertakings.
    pub conditions: Vec<Condition>,
    /// Its files, sealed already.
    pub files: Option<(Consignment, DraftFiles)>,
    /// What binds it to other requests and dates.
    pub ties: Ties,
    /// What it says.
    pub body: Body,
}

impl Draft {
    /// The first message of a thread, in English and without haste.
    pub fn opening(to: AuthorityId, body: Body) -> Self {
        Self {
            to,
            request_id: None,
            in_reply_to: None,
            language: "en".to_owned(),
            urgency: Urgency::Routine,
            urgency_reason: String::new(),
            reply_by: None,
            legal_bases: Vec::new(),
            basis: BasisWish::default(),
            conditions: Vec::new(),
            files: None,
            ties: Ties::default(),
            body,
        }
    }

    /// An answer in the thread of a request, to the other side of it.
    pub fn in_thread(request: &RequestRow, in_reply_to: Option<Digest>, body: Body) -> Self {
        Self {
            request_id: Some(request.request_id),
            in_reply_to,
            urgency: request.urgency,
            urgency_reason: match request.urgency {
                Urgency::Urgent => "the request is urgent".to_owned(),
                Urgency::Routine => String::new(),
            },
            ..Self::opening(request.counterpart.clone(), body)
        }
    }
}

/// Writes a draft into the log. The bytes that stand there are the ones that will be approved, signed and sent.
///
/// # Errors
/// [`DeskError`] says what to change.
pub fn draft(node: &Node, officer: &Admitted, mut draft: Draft) -> Result<MessageRow, DeskError> {
    let roles = if draft.body.kind().hands_over() { ATTACHMENTS } else { DRAFT };
    let actor = match draft.request_id {
        Some(id) => {
            let actor = acting(node, officer, roles, &node.message(message_of(node, id)?)?)?;
            with_room(&node.request(id)?)?;
            actor
        }
        None => officer.acting_as(roles)?,
    };
    terms_check::check(node, &draft)?;
    let now = clock::now();
    let directory = known_to(node, &draft.to)?;
    let looked_up = basis::of_draft(node, &draft)?;
    if let (Body::Acknowledgement(ack), Some(request_id)) = (&mut draft.body, draft.request_id)
        && ack.basis.is_none()
    {
        ack.basis = basis::to_acknowledge(node, request_id)?;
    }
    let (consignment, files) = draft.files.unzip();
    let mut fields = Fields {
        message_id: Id::new(now, random::bytes()?),
        request_id: match draft.request_id {
            Some(id) => id,
            None => Id::new(now, random::bytes()?),
        },
        sender: Party { authority: node.us().clone(), officer: officer.name().clone() },
        recipient: draft.to,
        created_at: now,
        in_reply_to: draft.in_reply_to,
        directory: directory.digest(),
        language: draft.language,
        urgency: draft.urgency,
        urgency_reason: draft.urgency_reason,
        reply_by: draft.reply_by,
        legal_bases: draft.legal_bases,
        basis: looked_up,
        conditions: draft.conditions,
        consignment,
        renditions: Vec::new(),
        ties: draft.ties,
        body: draft.body,
    };
    if let Some(peer) = directory.roster().authority(&fields.recipient) {
        fields.renditions = letters::renditions(&Message::new(fields.clone())?, peer);
    }
    let message = Message::new(fields)?;
    let bytes = message::encode(&message);
    message::decode(&bytes)?;
    lives::in_turn(node, &message, sha256(&bytes), now)?;
    let scene = Scene { us: node.us().clone(), now, actor };
    node.commit(scene.drafted(&message, bytes, files))?;
    Ok(node.message(message.message_id)?)
}

/// Whether the officer could draft evidence for that request now; a refused role is recorded.
///
/// # Errors
/// [`DeskError`] says what stands against it.
pub fn may_transmit(node: &Node, officer: &Admitted, request_id: Id) -> Result<(), DeskError> {
    let request = node.request(request_id)?;
    acting(node, officer, ATTACHMENTS, &node.message(message_of(node, request_id)?)?)?;
    let offered = lives::life_of(node, &request)?.owes("hand-over", Side::Requesting).is_some();
    if !(offered && request.direction == Direction::Outgoing) {
        in_turn(&request, MessageKind::EvidenceTransmit)?;
    }
    with_room(&request)?;
    known_to(node, &request.counterpart).map(|_| ())
}

/// Whether the officer could draft a request to that authority now.
///
/// # Errors
/// [`DeskError`] says what stands against it.
pub fn may_ask(node: &Node, officer: &Admitted, to: &AuthorityId) -> Result<(), DeskError> {
    officer.acting_as(DRAFT)?;
    known_to(node, to).map(|_| ())
}

/// Whether our side of a request may send that kind of message.
///
/// # Errors
/// [`DeskError::Turn`] when it is the other side's to send.
pub fn in_turn(request: &RequestRow, kind: MessageKind) -> Result<(), DeskError> {
    let our_side = match request.direction {
        Direction::Outgoing => Side::Requesting,
        Direction::Incoming => Side::Requested,
    };
    if kind.opens() {
        return Err(OutOfTurn::Again { kind }.into());
    }
    if kind.by().includes(our_side) { Ok(()) } else { Err(DeskError::Turn { kind }) }
}

fn with_room(request: &RequestRow) -> Result<(), DeskError> {
    if request.messages.len() < THREAD_MESSAGES_MAX { Ok(()) } else { Err(DeskError::ThreadFull) }
}

/// The directory, if it knows that authority.
fn known_to(node: &Node, authority: &AuthorityId) -> Result<Arc<Accepted>, DeskError> {
    let directory = node.any_directory().ok_or(DeskError::NoDirectory)?;
    match directory.roster().authority(authority) {
        Some(_) => Ok(directory),
        None => Err(DeskError::UnknownAuthority(authority.clone())),
    }
}
