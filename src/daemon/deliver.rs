//! The whole outbound story, told once. Its mirror is `receive.rs`.
//!
//! | step | what holds after it |
//! | --- | --- |
//! | outbox row -> bytes | the very bytes that the log holds; every attempt hands over the same ones |
//! | bytes -> frame -> peer | at least once: a link that breaks leaves the row open |
//! | receipt -> `CheckedReceipt` | the peer's record names our bytes, and is in the peer's log under a signed checkpoint |
//! | receipt -> log | our record of it durable: only this settles the row |
//!
//! A final refusal by the peer's node settles the row too, as refused; anything else waits and tries again until the
//! envelope expires, which is recorded as not delivered.

use std::sync::Arc;

use crate::daemon::clock;
use crate::daemon::crash;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::exchange::receipt::{self, CheckedReceipt, Expected, ReceiptError};
use crate::exchange::rows::{MessageState, OutboxRow, Waiting};
use crate::model::event::{Outcome, Stage};
use crate::model::refusal::{RefusalCode, Remedy};
use crate::net::connection::Connection;
use crate::net::loss::Loss;
use crate::net::stream::StreamError;
use crate::store::ledger::AppendError;
use crate::wire::frame::{Frame, Told};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// The log says so: the row is settled or waits for something else now.
    Logged,
    /// Try again later, not before this many milliseconds.
    Later {
        /// As the peer asked; 0: by our own back-off.
        retry_after_ms: u64,
    },
}

/// Hands one row of the outbox to its peer, once.
pub async fn hand_over(node: &Arc<Node>, connection: &Connection, row: OutboxRow, attempts: u64) -> Handed {
    let peer = row.peer.clone();
    let outcome = match row.waiting {
        Waiting::Envelope => envelope(node, connection, row, attempts).await,
        Waiting::Receipt(stage) => later_receipt(node, connection, row, stage).await,
        Waiting::Content => Ok(Handed::Logged),
    };
    match outcome {
        Ok(handed) => handed,
        Err(error) => {
            tracing::info!(%peer, %error, "not handed over; will try again");
            Handed::Later { retry_after_ms: 0 }
        }
    }
}

/// Records that the time of a row ran out.
pub async fn expire(node: &Arc<Node>, row: OutboxRow, attempts: u64) -> Handed {
    let peer = row.peer.clone();
    let recorded = blocking(node, move |node| {
        let message_id = node.envelope(row.envelope_id)?.message_id;
        let _turn = node.turnstile.enter([message_id]);
        let message = node.message(message_id)?;
        // A receipt may have come while the expiry waited for its turn: the log never says the opposite of it.
        let open = matches!(message.state, MessageState::Queued | MessageState::Relayed);
        if open {
            node.commit(node.scene().expired(&message, attempts))?;
        }
        Ok::<_, DeliverError>(open)
    });
    match recorded.await {
        Ok(open) => {
            if open {
                tracing::warn!(%peer, "an envelope was not delivered in time; recorded as not delivered");
            }
            Handed::Logged
        }
        Err(error) => {
            tracing::error!(%peer, %error, "an expiry could not be recorded");
            Handed::Later { retry_after_ms: 0 }
        }
    }
}

async fn envelope(
    node: &Arc<Node>,
    connection: &Connection,
    row: OutboxRow,
    attempts: u64,
) -> Result<Handed, DeliverError> {
    let index = row.index;
    let signed_envelope = blocking(node, move |node| node.enclosure(index, "signed-envelope")).await?;
    let mut stream = connection.open().await?;
    stream.send(&Frame::Deliver { signed_envelope }).await?;
    stream.finish();
    crash::point("deliver: sent, no receipt yet");
    match stream.receive().await? {
        Frame::Delivered { receipt } => {
            crash::point("deliver: receipt came, not logged");
            let done = blocking(node, move |node| settle(node, &row, &receipt, attempts)).await;
            crash::point("deliver: receipt logged");
            done
        }
        Frame::Refused { code, retry_after_ms } => {
            tracing::warn!(peer = %row.peer, %code, "the peer's node refused an envelope");
            match code {
                Told::Known(code) if code.remedy() == Remedy::Final => {
                    blocking(node, move |node| refused(node, &row, code)).await
                }
                _ => Ok(Handed::Later { retry_after_ms }),
            }
        }
        _ => Err(DeliverError::Answer),
    }
}

/// Checks the receipt and logs it: from here on nobody can say that the peer did not have it.
fn settle(node: &Node, row: &OutboxRow, bytes: &[u8], attempts: u64) -> Result<Handed, DeliverError> {
    let checked = check(node, row, bytes).inspect_err(|error| {
        if matches!(error, DeliverError::Receipt(cause) if cause.code() == RefusalCode::BadReceipt) {
            // The peer answered, and its answer proves nothing: that is worth a record of its own.
            node.record_refused_input(&row.peer, RefusalCode::BadReceipt, bytes);
        }
    })?;
    let message_id = node.envelope(row.envelope_id)?.message_id;
    let _turn = node.turnstile.enter([message_id]);
    let message = node.message(message_id)?;
    if message.receipts.iter().all(|(stage, _)| *stage != checked.stage()) {
        node.commit(node.scene().delivered(&message, &checked, attempts + 1))?;
    }
    Ok(Handed::Logged)
}

fn check(node: &Node, row: &OutboxRow, bytes: &[u8]) -> Result<CheckedReceipt, DeliverError> {
    let directory = node.directory(clock::now()).map_err(DeliverError::Directory)?;
    let receiver =
        directory.roster().authority(&row.peer).ok_or(DeliverError::Directory(RefusalCode::UnknownAuthority))?;
    let (record, _) = node.record(row.index)?;
    let blobs = record.transfer.map(|transfer| transfer.blobs).unwrap_or_default();
    let digest = node.envelope(row.envelope_id)?.digest;
    let expected =
        Expected { sender: node.us(), receiver, envelope_id: row.envelope_id, envelope_digest: digest, blobs: &blobs };
    let checked = receipt::check(bytes, &expected)?;
    // Attack: a hand-over to an officer as the answer to `Deliver` proves no delivery, and would leave the row open.
    match checked.stage() {
        Stage::RelayAcceptance | Stage::ContentConsignment => Ok(checked),
        Stage::SubmissionAcceptance | Stage::ContentHandover => Err(ReceiptError::Field("stage").into()),
    }
}

fn refused(node: &Node, row: &OutboxRow, code: RefusalCode) -> Result<Handed, DeliverError> {
    let message_id = node.envelope(row.envelope_id)?.message_id;
    let _turn = node.turnstile.enter([message_id]);
    let message = node.message(message_id)?;
    // Attack: a peer that took the envelope on one stream and refuses it on another would make the log deny its receipt.
    if message.state == MessageState::Queued {
        node.commit(node.scene().refused(&message, code))?;
    }
    Ok(Handed::Logged)
}

/// Hands over a receipt of a later stage to the one who sent the message.
async fn later_receipt(
    node: &Arc<Node>,
    connection: &Connection,
    row: OutboxRow,
    stage: Stage,
) -> Result<Handed, DeliverError> {
    let index = row.index;
    let receipt = blocking(node, move |node| node.receipt(index)).await?;
    let mut stream = connection.open().await?;
    stream.send(&Frame::PushReceipt { envelope_id: row.envelope_id, receipt }).await?;
    stream.finish();
    let outcome = match stream.receive().await? {
        Frame::Pushed => Outcome::Success,
        Frame::Refused { code, retry_after_ms } => {
            tracing::warn!(peer = %row.peer, %code, "the peer's node did not take a receipt");
            match code {
                Told::Known(code) if code.remedy() == Remedy::Final => Outcome::Refused(code),
                _ => return Ok(Handed::Later { retry_after_ms }),
            }
        }
        _ => return Err(DeliverError::Answer),
    };
    crash::point("receipt: pushed, not logged");
    blocking(node, move |node| {
        let message_id = node.envelope(row.envelope_id)?.message_id;
        let _turn = node.turnstile.enter([message_id]);
        let message = node.message(message_id)?;
        node.commit(node.scene().receipt_delivered(&message, stage, row.index, outcome))?;
        Ok(Handed::Logged)
    })
    .await
}

/// Why something was not handed over. All of it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The link.
    #[error(transparent)]
    Lost(#[from] Loss),
    /// Our own log or index.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Our own log takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The receipt proves nothing.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// No directory, or the peer is not in it.
    #[error("the receipt cannot be checked: {0}")]
    Directory(RefusalCode),
    /// The peer answered with another frame than the protocol says.
    #[error("the peer answered with a frame that does not belong there")]
    Answer,
}
