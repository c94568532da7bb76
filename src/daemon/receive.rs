//! The whole inbound story, told once. Its mirror is `deliver.rs`.
//!
//! | step | what holds after it |
//! | --- | --- |
//! | frames -> bytes | every size bounded before any allocation (`net/stream.rs`) |
//! | bytes known? | these very bytes are in the log: same answer, whatever ran out since |
//! | bytes -> `Verified` | opened, signatures, directory, recipient, time (`exchange/verified.rs`) |
//! | turnstile | nobody else acts on this envelope, message, request or package |
//! | `Verified` -> `Arrival` | seen before? same answer. Reused or out of turn? refused (`exchange/receiver.rs`) |
//! | room | it fits into the journal, and its files into this peer's share of the disk (`quota.rs`) |
//! | act -> log | record, enclosures and signed checkpoint durable by one fdatasync (`store/ledger.rs`) |
//! | legal basis | looked up again, and what was found is a record of its own; it refuses nothing (`basis.rs`) |
//! | index -> `Receipt` | our record, its salt and its proof: only now may the peer be told |
//!
//! A crash before the log's sync leaves nothing, and the peer, without a receipt, sends again. A crash after it leaves
//! everything, and the peer's next attempt is answered with the receipt of the record that is there.

use std::sync::Arc;

use crate::crypto::digest::sha256;
use crate::daemon::lane::Line;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::{basis, clock, crash, letters, quota};
use crate::exchange::receipt::{self, Expected};
use crate::exchange::receiver::{Arrival, Known, arrive, taken_as};
use crate::exchange::rows::Direction;
use crate::exchange::verified::{Gate, verify};
use crate::model::ident::{AuthorityId, Id};
use crate::model::refusal::RefusalCode;
use crate::store::ledger::AppendError;
use crate::wire::envelope;

/// Takes the exact bytes of a signed envelope from a peer; returns the receipt.
///
/// # Errors
/// [`Refused`]: the code for the peer. The operator finds the reason in the log lines and, for refusals that count,
/// in the custody log.
pub fn receive(node: &Node, peer: &AuthorityId, bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let now = clock::now();
    let directory =
        node.directory(now).map_err(|code| Refused::because(node, peer, code, "no directory is in force"))?;
    let gate = Gate { us: node.us(), peer, roster: directory.roster(), keys: &node.keys().ring, now };
    if let Some(index) = taken_before(node, peer, &bytes) {
        return answer(node, peer, index);
    }
    let verified = match verify(&bytes, &gate) {
        Ok(verified) => verified,
        Err(error) => {
            node.record_refused_input(peer, error.code(), &bytes);
            return Err(Refused::because(node, peer, error.code(), error));
        }
    };
    let envelope = verified.envelope();
    let message = verified.message();
    let things = [envelope.envelope_id, message.message_id, message.request_id, envelope.seal_id];
    let _turn = node.turnstile.enter(things);

    let known = Known::about(&verified, |tree, key| node.read(tree, key))
        .map_err(|error: LookupError| Refused::because(node, peer, RefusalCode::CannotStore, error))?;
    let index = match arrive(&verified, &known) {
        Ok(Arrival::Again { index }) => index,
        Ok(Arrival::New) => {
            let announced = envelope.blobs.iter().map(|blob| blob.ciphertext_bytes).fold(0, u64::saturating_add);
            quota::fits(node, peer, bytes.len(), announced, now)
                .map_err(|error| Refused::because(node, peer, error.code(), error))?;
            let act = crate::exchange::act::Scene::node(node.us(), now).received(&verified, bytes);
            let index = node.commit(act).map_err(|error| Refused::because(node, peer, code_of(&error), error))?.index;
            basis::on_receipt(node, message);
            letters::on_receipt(node, message);
            index
        }
        Err(code) => {
            node.record_refused_input(peer, code, &bytes);
            return Err(Refused::because(node, peer, code, "the envelope does not fit what is known here"));
        }
    };
    crash::point("received: logged, receipt not sent");
    answer(node, peer, index)
}

fn answer(node: &Node, peer: &AuthorityId, index: u64) -> Result<Vec<u8>, Refused> {
    node.receipt(index).map_err(|error| Refused::because(node, peer, RefusalCode::CannotStore, error))
}

/// The record to answer with when exactly these bytes were verified and logged before. Time and certificates are not
/// asked again: a receipt that was lost on the way is owed after the expiry and after a revocation too, or the two logs
/// would disagree for ever. What is not found here goes the whole way.
fn taken_before(node: &Node, peer: &AuthorityId, bytes: &[u8]) -> Option<u64> {
    let envelope = envelope::decode(&envelope::decode_signed(bytes).ok()?.content).ok()?;
    if envelope.recipient != *node.us() || envelope.sender != *peer {
        return None;
    }
    let row = node.envelope(envelope.envelope_id).ok()?;
    let message = node.message(row.message_id).ok()?;
    taken_as(&row, &message, peer, sha256(bytes))
}

/// Takes a receipt of a later stage for an envelope that we sent.
///
/// # Errors
/// As [`receive`].
pub fn take_receipt(node: &Node, peer: &AuthorityId, envelope_id: Id, bytes: &[u8]) -> Result<(), Refused> {
    let refused = |code, error: &dyn std::fmt::Display| Refused::because(node, peer, code, error);
    let directory = node.directory(clock::now()).map_err(|code| refused(code, &"no directory is in force"))?;
    let receiver = directory
        .roster()
        .authority(peer)
        .ok_or_else(|| refused(RefusalCode::UnknownAuthority, &"the peer is not in the directory"))?;
    let envelope = node.envelope(envelope_id).map_err(|error| refused(RefusalCode::NotFound, &error))?;
    if envelope.counterpart != *peer || envelope.direction != Direction::Outgoing {
        return Err(refused(RefusalCode::NotFound, &"the receipt is for an envelope that was not sent to the peer"));
    }
    let _turn = node.turnstile.enter([envelope.message_id]);
    let row = node.message(envelope.message_id).map_err(|error| refused(RefusalCode::CannotStore, &error))?;
    let (record, _) = node.record(envelope.index).map_err(|error| refused(RefusalCode::CannotStore, &error))?;
    let blobs = record.transfer.map(|transfer| transfer.blobs).unwrap_or_default();
    let expected =
        Expected { sender: node.us(), receiver, envelope_id, envelope_digest: envelope.digest, blobs: &blobs };
    let checked = match receipt::check(bytes, &expected) {
        Ok(checked) => checked,
        Err(error) => {
            let code = error.code();
            if code == RefusalCode::BadReceipt {
                node.record_refused_input(peer, code, bytes);
            }
            return Err(refused(code, &error));
        }
    };
    if row.receipts.iter().any(|(stage, _)| *stage == checked.stage()) {
        return Ok(());
    }
    node.commit(node.scene().delivered(&row, &checked, 0)).map_err(|error| refused(code_of(&error), &error))?;
    crash::point("receipt: taken, not answered");
    Ok(())
}

/// Runs a blocking step beside the async world.
pub(super) async fn blocking<T: Send + 'static>(node: &Arc<Node>, step: impl FnOnce(&Node) -> T + Send + 'static) -> T {
    let (node, span) = (Arc::clone(node), tracing::Span::current());
    match tokio::task::spawn_blocking(move || span.in_scope(|| step(&node))).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

const fn code_of(error: &AppendError) -> RefusalCode {
    match error {
        AppendError::TooLarge => RefusalCode::TooLarge,
        AppendError::Frozen | AppendError::PutBack => RefusalCode::Frozen,
        AppendError::NoSpace | AppendError::Unpublished | AppendError::Poisoned(_) | AppendError::Stopped => {
            RefusalCode::CannotStore
        }
    }
}

/// What a peer is told. The reason stays here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The code.
    pub code: RefusalCode,
}

impl Refused {
    /// Says it in the log lines, as far as a flood of refusals leaves room there.
    pub(super) fn because(node: &Node, peer: &AuthorityId, code: RefusalCode, reason: impl std::fmt::Display) -> Self {
        if let Line::Said { unsaid } = node.lanes.of(peer).says(clock::now()) {
            tracing::warn!(%peer, %code, %reason, more_since_last = unsaid, "refused");
        }
        node.meters.refused(code);
        Self { code }
    }
}
