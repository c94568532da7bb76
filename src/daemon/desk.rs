//! What officers do with drafts: approve, discard, send. Every act is one custody record that names the officer; an act
//! that a rule forbids is refused, says who can do it, and is recorded too.

use crate::crypto::hybrid::{HybridKeyError, HybridPublicKey};
use crate::crypto::package_key::PackageKey;
use crate::crypto::random::{self, RandomError};
use crate::crypto::stanza::UnwrapError;
use crate::daemon::config::SecondPerson;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::{AdmissionError, Admitted, READ};
use crate::daemon::terms::{self, TermsError};
use crate::daemon::{basis, clock, content, crash, filing, lives};
use crate::exchange::act::{Act, Scene};
use crate::exchange::basis::CannotAsk;
use crate::exchange::rows::{MessageRow, MessageState, tree};
use crate::exchange::sealed::{RecipientKey, Route, SealError, seal, sign_message};
use crate::law::demand::Way;
use crate::law::life::guard::OutOfTurn;
use crate::model::event::{Actor, Event, Outcome, Role};
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::THREAD_MESSAGES_MAX;
use crate::model::message::{Message, MessageError, MessageKind};
use crate::model::package::ConsignmentError;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::store::ledger::AppendError;
use crate::wire::decode::DecodeError;
use crate::wire::message;

/// Who may draft.
pub const DRAFT: &[Role] = &[Role::Drafter, Role::Approver];
/// Who may approve what another drafted.
pub const APPROVE: &[Role] = &[Role::Approver];
/// Who may send what was approved.
pub const SEND: &[Role] = &[Role::Approver, Role::Drafter, Role::Custodian];

/// A second person approves exactly the drafted bytes.
///
/// # Errors
/// [`DeskError::FourEyes`] when the drafter tries, [`DeskError::Incomplete`] for a request with gaps.
pub fn approve(node: &Node, officer: &Admitted, message_id: Id) -> Result<MessageRow, DeskError> {
    let _turn = node.turnstile.enter([message_id]);
    let row = node.message(message_id)?;
    let actor = acting(node, officer, APPROVE, &row)?;
    if row.state != MessageState::Drafted {
        return Err(DeskError::State { act: "approve", state: row.state });
    }
    if row.drafted_by.as_deref() == Some(officer.name().as_str()) {
        return Err(refuse(node, officer, &row, "four-eyes", DeskError::FourEyes { kind: row.kind }));
    }
    let message = read_message(node, &row)?;
    lives::complete(&message.body)?;
    content::ready(node, &message)?;
    basis::ready(node, &message)?;
    node.commit(scene(node, actor).decided(Event::MessageApproved, &row, ""))?;
    Ok(node.message(message_id)?)
}

/// Throws a draft away. It stays in the log; it can no longer be sent.
///
/// # Errors
/// [`DeskError::State`] when it was sent.
pub fn discard(node: &Node, officer: &Admitted, message_id: Id, reason: &str) -> Result<MessageRow, DeskError> {
    let _turn = node.turnstile.enter([message_id]);
    let row = node.message(message_id)?;
    let actor = acting(node, officer, DRAFT, &row)?;
    if !matches!(row.state, MessageState::Drafted | MessageState::Approved) {
        return Err(DeskError::State { act: "discard", state: row.state });
    }
    node.commit(scene(node, actor).decided(Event::MessageDiscarded, &row, reason))?;
    Ok(node.message(message_id)?)
}

/// Signs, seals and queues a message: when this returns, it is on disk and in the custody log, and will be handed over
/// as soon as the peer can be reached.
///
/// # Errors
/// [`DeskError`]; nothing was queued.
pub fn send(node: &Node, officer: &Admitted, message_id: Id) -> Result<MessageRow, DeskError> {
    let _turn = node.turnstile.enter([message_id]);
    let row = node.message(message_id)?;
    let actor = acting(node, officer, SEND, &row)?;
    let second = node.config().second_person_for(row.kind);
    match (&row.state, second) {
        (MessageState::Approved, _) | (MessageState::Drafted, SecondPerson::NotRequired) => {}
        (MessageState::Drafted, SecondPerson::Required) => {
            return Err(refuse(node, officer, &row, "not-approved", DeskError::NotApproved { kind: row.kind }));
        }
        (state, _) => return Err(DeskError::State { act: "send", state: state.clone() }),
    }
    if row.kind.hands_over() {
        terms::may_transmit(node, officer, &row)?;
    }
    let now = clock::now();
    if !node.keys().seal_certificate.valid_at(now) {
        return Err(DeskError::SealExpired { until: node.keys().seal_certificate.not_after });
    }
    let directory = node.directory(now).map_err(DeskError::Directory)?;
    let (bytes, _) = node.message_bytes(&row)?;
    let sent = message::decode(&bytes)?;
    lives::complete(&sent.body)?;
    lives::still_in_turn(node, &sent, row.digest)?;
    if row.state == MessageState::Drafted {
        content::ready(node, &sent)?;
        basis::ready(node, &sent)?;
    }
    let peer = directory.roster().authority(&row.counterpart);
    let peer = peer.ok_or_else(|| DeskError::UnknownAuthority(row.counterpart.clone()))?;
    if sent.body.request().is_some()
        && let Way::Elsewhere { way, why } = content::way_to(node, peer, &sent)
    {
        return filing::file_elsewhere(node, actor, &row, bytes, now, (&way, &why));
    }
    let key = peer.receiving_key_at(now).ok_or_else(|| DeskError::NoReceivingKey(row.counterpart.clone()))?;
    let recipients = [
        RecipientKey { authority: peer.id.clone(), key: HybridPublicKey::try_from(key.public_key.as_slice())? },
        RecipientKey { authority: node.us().clone(), key: node.keys().archive.clone() },
    ];
    let (package_key, blobs) = match row.package_id {
        Some(package_id) => (archived_key(node, &row, package_id)?, draft_blobs(node, &row)?),
        None => (PackageKey::from_random(random::bytes()?), Vec::new()),
    };
    let life_ms = u64::from(node.config().delivery.expires_after_days) * 86_400_000;
    let route = Route {
        envelope_id: Id::new(now, random::bytes()?),
        seal_id: row.package_id.unwrap_or(row.message_id),
        sender: node.us().clone(),
        recipient: peer.id.clone(),
        created_at: now,
        expires_at: now.plus_millis(life_ms),
        urgency: row.urgency,
    };
    let signed = sign_message(bytes, &node.keys().seal, now)?;
    let mut random_failed = None;
    let mut random = |bytes: &mut [u8]| {
        if let Err(error) = random::fill(bytes) {
            random_failed = Some(error);
        }
    };
    let sealed = seal(&signed, route, blobs, &package_key, &recipients, &node.keys().seal, &mut random)?;
    if let Some(error) = random_failed {
        return Err(error.into());
    }
    crash::point("send: sealed, not logged");
    node.commit(Scene { us: node.us().clone(), now, actor }.queued(&row, signed, sealed))?;
    crash::point("send: logged, not answered");
    Ok(node.message(message_id)?)
}

/// Sends at once what needs no second person; otherwise leaves the draft for one.
///
/// # Errors
/// As [`send`].
pub fn send_if_alone_may(node: &Node, officer: &Admitted, row: MessageRow) -> Result<MessageRow, DeskError> {
    match node.config().second_person_for(row.kind) {
        SecondPerson::NotRequired => send(node, officer, row.message_id),
        SecondPerson::Required => Ok(row),
    }
}

/// Approves where that is still to be done, then sends: for acts whose sender is the second person.
///
/// # Errors
/// As [`approve`] and [`send`].
pub fn approve_and_send(node: &Node, officer: &Admitted, message_id: Id) -> Result<MessageRow, DeskError> {
    let row = node.message(message_id)?;
    if row.state == MessageState::Drafted && node.config().second_person_for(row.kind) == SecondPerson::Required {
        approve(node, officer, message_id)?;
    }
    send(node, officer, message_id)
}

/// The message that an officer means: its own identifier, or that of the request whose first message it is.
///
/// # Errors
/// [`DeskError`] when neither is known.
pub fn message_of(node: &Node, id: Id) -> Result<Id, DeskError> {
    if node.row::<MessageRow>(tree::MESSAGE, id.as_bytes())?.is_some() {
        return Ok(id);
    }
    node.request(id)?.messages.first().copied().ok_or(DeskError::Lookup(LookupError::Unknown { what: "message", id }))
}

/// Records that an officer read the thread of a request: views are logged, not only changes.
///
/// # Errors
/// [`DeskError`] when there is no such request, or the officer may not.
pub fn read(node: &Node, officer: &Admitted, request_id: Id) -> Result<(), DeskError> {
    let row = node.message(message_of(node, request_id)?)?;
    let actor = acting(node, officer, READ, &row)?;
    node.commit(scene(node, actor).handled(Event::MessageRead, &row, "", Vec::new()))?;
    Ok(())
}

/// The message of a row, decoded from the bytes in the log.
///
/// # Errors
/// [`DeskError`] when the log does not hold it.
pub fn read_message(node: &Node, row: &MessageRow) -> Result<Message, DeskError> {
    Ok(message::decode(&node.message_bytes(row)?.0)?)
}

/// The key of a package that was sealed here, by our archive key.
pub(super) fn archived_key(node: &Node, row: &MessageRow, package_id: Id) -> Result<PackageKey, DeskError> {
    let stanza = node.enclosure(row.bytes_index, "archive-stanza")?;
    let stanza = crate::model::envelope::Stanza {
        recipient: node.us().clone(),
        key_id: node.keys().archive.id(),
        wrapped: stanza,
    };
    node.keys()
        .ring
        .open(&[stanza], package_id, node.us(), node.us())
        .map_err(|_| DeskError::Unwrap(UnwrapError::CannotOpen))
}

fn draft_blobs(node: &Node, row: &MessageRow) -> Result<Vec<crate::model::envelope::Blob>, DeskError> {
    let (record, _) = node.record(row.bytes_index)?;
    Ok(record.transfer.map(|transfer| transfer.blobs).unwrap_or_default())
}

pub(super) fn scene(node: &Node, actor: Actor) -> Scene {
    Scene { us: node.us().clone(), now: clock::now(), actor }
}

/// The officer in one of those roles, for an act on that message. Who tries without one stands in the log.
pub(super) fn acting(
    node: &Node,
    officer: &Admitted,
    roles: &'static [Role],
    row: &MessageRow,
) -> Result<Actor, DeskError> {
    officer.acting_as(roles).map_err(|error| refuse(node, officer, row, "role", error.into()))
}

/// Records that an act was refused, then gives the reason back. Who tried and what rule stopped it stand in the log.
pub(super) fn refuse(node: &Node, officer: &Admitted, row: &MessageRow, rule: &str, why: DeskError) -> DeskError {
    let actor = officer.acting_as(&Role::ALL).unwrap_or(Actor::Node);
    let mut act: Act = scene(node, actor).handled(Event::ActRefused, row, rule, Vec::new());
    act.record.outcome = Outcome::Failed(rule.to_owned());
    match node.commit(act) {
        Ok(_) => why,
        Err(error) => error.into(),
    }
}

/// Why an act was not done. The officer sees the text.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The officer may not.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// Nothing of that identifier, or the index or log cannot be read.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The log takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The message is out of bounds.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Its files are.
    #[error(transparent)]
    Consignment(#[from] ConsignmentError),
    /// Terms stand against it.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The bytes would not decode at the other side.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The drafter tried to approve.
    #[error("{} needs a second person: whoever drafted it cannot approve it; another approver must run this", kind.name())]
    FourEyes {
        /// The kind of message.
        kind: MessageKind,
    },
    /// The thread has reached its bound.
    #[error("this request has {THREAD_MESSAGES_MAX} messages already; begin a new request and name this one in it")]
    ThreadFull,
    /// It was not approved.
    #[error("{} needs a second person: let another officer approve it first (`... approve ID --as NAME`)", kind.name())]
    NotApproved {
        /// The kind of message.
        kind: MessageKind,
    },
    /// The other side's to send.
    #[error("{} is for the other side of this request to send", kind.name())]
    Turn {
        /// The kind of message.
        kind: MessageKind,
    },
    /// No addressee for what opens a thread.
    #[error("{} opens a thread: say to whom it goes", kind.name())]
    NoAddressee {
        /// The kind of message.
        kind: MessageKind,
    },
    /// Not now in the life of the request.
    #[error(transparent)]
    Life(#[from] OutOfTurn),
    /// A next date that is past.
    #[error("the date {due} is past; name a later one")]
    Past {
        /// The date.
        due: Timestamp,
    },
    /// A request with gaps.
    #[error("the request is not complete; missing: {}", missing.join(", "))]
    Incomplete {
        /// The fields.
        missing: Vec<&'static str>,
    },
    /// A legal basis that the look-up does not support, and no reason why the request rests on it.
    #[error(
        "the legal basis is not settled: {}; name another basis, or write a new draft that says why it goes on \
         nevertheless (`--basis-reason`, or `reason` under [basis])",
        gaps.join("; ")
    )]
    Basis {
        /// What is open.
        gaps: Vec<String>,
    },
    /// A question about the legal basis that cannot be answered.
    #[error("the legal basis cannot be looked up: {0}")]
    Question(#[from] CannotAsk),
    /// What the instruments or the addressee ask for.
    #[error("the request is not complete; missing: {}", gaps.join("; "))]
    Content {
        /// Each gap, with what asks for it.
        gaps: Vec<String>,
    },
    /// Not a request.
    #[error("only requests can be printed")]
    NothingToPrint,
    /// No fixed text of that language.
    #[error("`{0}` is no language of the printed form; it has en, fr, es and sl")]
    NoSuchLanguage(String),
    /// Not in this state.
    #[error("cannot {act} it: it is {}", state_name(state))]
    State {
        /// What was tried.
        act: &'static str,
        /// What it is.
        state: MessageState,
    },
    /// No directory was imported.
    #[error("no directory was imported; run `rogatory directory import PATH`")]
    NoDirectory,
    /// The directory is not in force.
    #[error("the directory is not in force ({0}); import a newer one")]
    Directory(RefusalCode),
    /// Every peer would refuse it.
    #[error("the certificate of our seal key is not valid now (it ends {until}); renew keys/seal.cert.pem and restart")]
    SealExpired {
        /// Its end.
        until: Timestamp,
    },
    /// Not in the directory.
    #[error("{0} is not in the directory; see `rogatory directory show`")]
    UnknownAuthority(AuthorityId),
    /// No key to seal to.
    #[error("the directory has no receiving key of {0} that is valid now; ask its authority to publish one")]
    NoReceivingKey(AuthorityId),
    /// The key in the directory is none.
    #[error("the receiving key in the directory cannot be used: {0}")]
    Key(#[from] HybridKeyError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The archive key.
    #[error("the key of the package does not open with the archive key: {0}")]
    Unwrap(#[from] UnwrapError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A word for a state, for people.
pub fn state_name(state: &MessageState) -> String {
    match state {
        MessageState::Drafted => "drafted, not approved".to_owned(),
        MessageState::Approved => "approved, not sent".to_owned(),
        MessageState::Discarded => "discarded".to_owned(),
        MessageState::Queued => "queued: waiting for the peer".to_owned(),
        MessageState::Relayed => "at the peer's node; files on their way".to_owned(),
        MessageState::Delivered => "delivered".to_owned(),
        MessageState::Refused(code) => format!("refused by the peer's node: {code}"),
        MessageState::Expired => "not delivered in time".to_owned(),
        MessageState::Arriving => "arriving: files on their way".to_owned(),
        MessageState::Received => "received".to_owned(),
        MessageState::FiledElsewhere(way) => format!("NOT FILED ELECTRONICALLY: signed for {way}"),
        MessageState::Abandoned => "its files did not come in time".to_owned(),
    }
}
