//! What this node holds of the exchange with one peer, for a peer whose log was put back from a backup. Tells a peer nothing of
//! anybody else.

use crate::custody::proof::TlogProof;
use crate::daemon::clock;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::exchange::rows::{Direction, EnvelopeRow, from_bytes, tree};
use crate::model::event::Stage;
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::{HELD_LOOKED_AT_MAX, HELD_PER_ANSWER_MAX};
use crate::model::refusal::RefusalCode;
use crate::store::index::Direction as Order;
use crate::wire::frame::Frame;
use crate::wire::frame::held::{HeldEnvelope, Way};
use crate::wire::receipt;

/// Answers `AskHeld` and `SendAgain`. Blocks.
///
/// # Errors
/// The code for the peer.
pub fn answer(node: &Node, peer: &AuthorityId, question: &Frame) -> Result<Frame, RefusalCode> {
    // A link may outlive the directory that let it in.
    node.directory(clock::now())?.roster().authority(peer).ok_or(RefusalCode::UnknownAuthority)?;
    match question {
        Frame::AskHeld { after } => list(node, peer, *after).map_err(|error| {
            tracing::warn!(%peer, %error, "what is held cannot be listed for the peer");
            RefusalCode::CannotStore
        }),
        Frame::SendAgain { envelope_id } => again(node, peer, *envelope_id),
        _ => Err(RefusalCode::Malformed),
    }
}

fn list(node: &Node, peer: &AuthorityId, after: Id) -> Result<Frame, LookupError> {
    let mut envelopes = Vec::new();
    let from: Vec<u8> = after.as_bytes().iter().copied().chain([0]).collect();
    if node.registrar.is_behind() {
        return Err(LookupError::IndexBehind);
    }
    let page = node.index.scan_prefix(tree::ENVELOPE, &[], Some(&from), HELD_LOOKED_AT_MAX, Order::Forward)?;
    let whole = page.len() < HELD_LOOKED_AT_MAX;
    let mut last = None;
    for (key, value) in page {
        let Ok(envelope_id) = Id::try_from(key.as_slice()) else { continue };
        last = Some(envelope_id);
        let row: EnvelopeRow = from_bytes(&value)?;
        if row.counterpart == *peer {
            let way = way(node, &row)?;
            envelopes.push(HeldEnvelope { envelope_id, digest: row.digest, way });
        }
        if envelopes.len() == HELD_PER_ANSWER_MAX {
            return Ok(Frame::Held { envelopes, after: last });
        }
    }
    Ok(Frame::Held { envelopes, after: last.filter(|_| !whole) })
}

fn way(node: &Node, row: &EnvelopeRow) -> Result<Way, LookupError> {
    if row.direction == Direction::Incoming {
        return Ok(Way::FromYou);
    }
    let message = node.message(row.message_id)?;
    let mut found = Way::ToYou;
    for (stage, at) in message.receipts.iter().filter(|(stage, _)| *stage != Stage::SubmissionAcceptance) {
        let bytes = node.enclosure(*at, "receipt")?;
        let proof = receipt::decode(&bytes).ok().map(|parts| parts.proof);
        let Some(proof) = proof.and_then(|proof| TlogProof::parse(proof.as_bytes()).ok()) else { continue };
        if !matches!(found, Way::Receipted { index, .. } if index > proof.index()) {
            found = Way::Receipted { stage: *stage, index: proof.index() };
        }
    }
    Ok(found)
}

/// The exact bytes of an envelope that we sent to that peer.
fn again(node: &Node, peer: &AuthorityId, envelope_id: Id) -> Result<Frame, RefusalCode> {
    let row = node.envelope(envelope_id).map_err(|_| RefusalCode::NotFound)?;
    if row.counterpart != *peer || row.direction != Direction::Outgoing {
        return Err(RefusalCode::NotFound);
    }
    let signed_envelope = node.enclosure(row.index, "signed-envelope").map_err(|_| RefusalCode::CannotStore)?;
    Ok(Frame::Deliver { signed_envelope })
}
