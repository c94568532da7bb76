//! What to do with a verified envelope: take it, answer again, or refuse it. Writes nothing; the driver commits the act.
//!
//! Delivery is at least once, so the same envelope comes again whenever a receipt was lost; it gets the receipt of the
//! record that exists. The same identifier for other bytes is refused: it is a mistake or an attack, never a retry.

use crate::crypto::digest::sha256;
use crate::exchange::lives::{notes, our_side};
use crate::exchange::rows::{Direction, EnvelopeRow, MessageRow, PackageRow, RequestRow, RowError, from_bytes, tree};
use crate::exchange::verified::Verified;
use crate::law::life::fold::may_arrive;
use crate::law::life::note::Note;
use crate::model::event::Stage;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::THREAD_MESSAGES_PEER_MAX;
use crate::model::refusal::RefusalCode;
use crate::model::side::Side;

/// What this node knows already about an envelope that comes in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The envelope of that identifier.
    pub envelope: Option<EnvelopeRow>,
    /// The message of that identifier.
    pub message: Option<MessageRow>,
    /// The request it belongs to.
    pub request: Option<RequestRow>,
    /// The package under the key scope that it names.
    pub package: Option<PackageRow>,
    /// Whether it may come now in the life of its request, as far as its sender could know.
    pub turn: Turn,
    /// Whether one of its identifiers names something of another kind here.
    pub crossing: Crossing,
    /// Whether one of its identifiers names something whose records were erased.
    pub past: Past,
}

/// Whether a message may come now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Turn {
    /// Yes, or there is no request yet.
    #[default]
    In,
    /// No, by the table of the life of a request.
    Out,
}

/// Whether records under an identifier were erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Past {
    /// No.
    #[default]
    Whole,
    /// Yes. Attack: an old envelope, sent once more, brings back what a duty had erased.
    Erased,
}

/// Whether an identifier names two kinds of things.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Crossing {
    /// No.
    #[default]
    None,
    /// Yes. Attack: a message under the identifier of a request, so that an officer who names the one acts on the other.
    Found,
}

/// What to do with a verified envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// It is new: commit it.
    New,
    /// It came before: answer with the receipt of that record of ours.
    Again {
        /// Index of the record of the furthest stage that a delivery receipt may prove.
        index: u64,
    },
}

impl Known {
    /// Reads what the index knows about a verified envelope.
    ///
    /// # Errors
    /// What `read` gives, or a row that does not decode.
    pub fn about<E: From<RowError>>(
        verified: &Verified,
        read: impl Fn(&'static str, &[u8]) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, E> {
        let message = verified.message();
        let envelope = read(tree::ENVELOPE, verified.envelope().envelope_id.as_bytes())?;
        let known_message = match envelope.as_deref().map(from_bytes::<EnvelopeRow>).transpose()? {
            Some(row) => read(tree::MESSAGE, row.message_id.as_bytes())?,
            None => read(tree::MESSAGE, message.message_id.as_bytes())?,
        };
        let request = read(tree::REQUEST, message.request_id.as_bytes())?;
        let package = match &message.consignment {
            Some(consignment) => read(tree::PACKAGE, consignment.seal_id.as_bytes())?,
            None => None,
        };
        let scope = message.consignment.as_ref().map(|consignment| consignment.seal_id);
        let names = [Some(message.message_id), Some(message.request_id), scope];
        let mut crossing = Crossing::None;
        for (own, id) in [tree::MESSAGE, tree::REQUEST, tree::PACKAGE].into_iter().zip(names) {
            let Some(id) = id else { continue };
            let same_inside = names.iter().flatten().filter(|other| **other == id).count() > 1;
            let mut elsewhere = same_inside;
            for other in [tree::MESSAGE, tree::REQUEST, tree::PACKAGE].into_iter().filter(|other| *other != own) {
                elsewhere |= read(other, id.as_bytes())?.is_some();
            }
            if elsewhere {
                crossing = Crossing::Found;
            }
        }
        let mut past = Past::Whole;
        for id in names.into_iter().flatten().chain([verified.envelope().envelope_id]) {
            if read(tree::GONE, &sha256(id.as_bytes()).0)?.is_some() {
                past = Past::Erased;
            }
        }
        let request: Option<RequestRow> = request.as_deref().map(from_bytes).transpose()?;
        let mut turn = Turn::In;
        if let (Some(request), None) = (&request, &known_message) {
            let theirs = our_side(request).other();
            let note = Note::of(message, verified.message_digest(), theirs);
            if !message.kind().opens() && may_arrive(&notes(request, &read)?, &note).is_err() {
                turn = Turn::Out;
            }
        }
        Ok(Self {
            turn,
            crossing,
            past,
            envelope: envelope.as_deref().map(from_bytes).transpose()?,
            message: known_message.as_deref().map(from_bytes).transpose()?,
            request,
            package: package.as_deref().map(from_bytes).transpose()?,
        })
    }
}

/// Decides about a verified envelope.
///
/// # Errors
/// The code that the peer is told.
pub fn arrive(verified: &Verified, known: &Known) -> Result<Arrival, RefusalCode> {
    let peer = &verified.envelope().sender;
    if let Some(envelope) = &known.envelope {
        let digest = verified.envelope_digest();
        let index = known.message.as_ref().and_then(|row| taken_as(envelope, row, peer, digest));
        return index.map(|index| Arrival::Again { index }).ok_or(RefusalCode::IdentifierReused);
    }
    if known.past == Past::Erased {
        return Err(RefusalCode::IdentifierReused);
    }
    // One message travels in one envelope, one package in one message: whoever names them again means something else.
    if known.message.is_some() || known.package.is_some() || known.crossing == Crossing::Found {
        return Err(RefusalCode::IdentifierReused);
    }
    in_turn(verified, known)?;
    if known.turn == Turn::Out {
        return Err(RefusalCode::OutOfTurn);
    }
    Ok(Arrival::New)
}

/// The record that proves most about the delivery of an envelope which that peer handed over before with that digest;
/// `None` when the rows are about other bytes, another peer, or a message of our own.
pub fn taken_as(envelope: &EnvelopeRow, row: &MessageRow, peer: &AuthorityId, digest: Digest) -> Option<u64> {
    let same = envelope.direction == Direction::Incoming
        && envelope.counterpart == *peer
        && envelope.digest == digest
        && envelope.message_id == row.message_id;
    let whole = row.receipts.iter().find(|(stage, _)| *stage == Stage::ContentConsignment);
    same.then(|| whole.map_or(envelope.index, |(_, index)| *index))
}

/// A message must belong to a request between the same two authorities, and come from the side that may send it.
fn in_turn(verified: &Verified, known: &Known) -> Result<(), RefusalCode> {
    let message = verified.message();
    let peer = &verified.envelope().sender;
    match (&known.request, message.kind()) {
        (None, kind) if kind.opens() => Ok(()),
        (None, _) => Err(RefusalCode::OutOfTurn),
        (Some(request), _) if request.counterpart != *peer => Err(RefusalCode::IdentifierReused),
        (Some(_), kind) if kind.opens() => Err(RefusalCode::IdentifierReused),
        // Attack: a thread without end makes a row that the index refuses, and the node stops for good.
        (Some(request), _) if request.messages.len() >= THREAD_MESSAGES_PEER_MAX => Err(RefusalCode::TooLarge),
        (Some(request), kind) => {
            let their_side = match request.direction {
                Direction::Outgoing => Side::Requested,
                Direction::Incoming => Side::Requesting,
            };
            if kind.by().includes(their_side) { Ok(()) } else { Err(RefusalCode::OutOfTurn) }
        }
    }
}
