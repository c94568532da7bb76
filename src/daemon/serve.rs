//! Answers the streams that a peer opens: envelopes, receipts, and requests for parts. One task a stream.

use std::sync::Arc;

use tracing::Instrument as _;

use crate::daemon::node::Node;
use crate::daemon::receive::{Refused, blocking, receive, take_receipt};
use crate::daemon::traces::step;
use crate::daemon::witness::{self, Added};
use crate::daemon::{clock, held};
use crate::exchange::rows::{Direction, MessageState};
use crate::model::envelope::Blob;
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::{ENVELOPE_BYTES_MAX, FETCH_PARTS_MAX, NOTE_BYTES_MAX};
use crate::model::refusal::RefusalCode;
use crate::net::connection::Connection;
use crate::net::stream::{Stream, StreamError};
use crate::store::object_reader::ObjectReader;
use crate::store::reader::ReadError;
use crate::wire::frame::Frame;

/// Answers every stream of a connection until it ends.
pub async fn serve(node: Arc<Node>, connection: Connection) {
    let peer = connection.peer().authority.clone();
    let knows = connection.hello().directory_version;
    while let Ok(stream) = connection.accept().await {
        let (node, peer) = (Arc::clone(&node), peer.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(&node, (&peer, knows), stream).await {
                tracing::debug!(%peer, %error, "a stream ended early");
            }
        });
    }
}

/// Answers one stream of a peer that holds directory version `knows`.
async fn answer(node: &Arc<Node>, (peer, knows): (&AuthorityId, u64), mut stream: Stream) -> Result<(), StreamError> {
    let lane = node.lanes.of(peer);
    let from = peer.clone();
    if let Some(code) = node.refuses(peer) {
        let Refused { code } = Refused::because(node, peer, code, "an operator stopped it; what waits, waits");
        return stream.refuse(code, 0).await;
    }
    match stream.receive().await {
        Ok(Frame::Deliver { signed_envelope }) => {
            let Some(_turn) = lane.letter(signed_envelope.len()).await else { return busy(node, peer, stream).await };
            let step = step!("letter.receive");
            let received =
                blocking(node, move |node| receive(node, &from, signed_envelope)).instrument(step.clone()).await;
            step.record("failed", received.is_err());
            match received {
                Ok(receipt) => stream.send(&Frame::Delivered { receipt }).await?,
                Err(Refused { code }) => return stream.refuse(code, 0).await,
            }
        }
        Ok(Frame::PushReceipt { envelope_id, receipt }) => {
            let Some(_turn) = lane.letter(receipt.len()).await else { return busy(node, peer, stream).await };
            match blocking(node, move |node| take_receipt(node, &from, envelope_id, &receipt)).await {
                Ok(()) => stream.send(&Frame::Pushed).await?,
                Err(Refused { code }) => return stream.refuse(code, 0).await,
            }
        }
        Ok(Frame::Fetch { envelope_id, object_id, first_part, part_count }) => {
            let Some(_turn) = lane.parts().await else { return busy(node, peer, stream).await };
            let wanted = Wanted { envelope_id, object_id, first_part, part_count };
            return parts(node, peer, stream, wanted).instrument(step!("files.serve")).await;
        }
        Ok(question @ (Frame::AddCheckpoint { .. } | Frame::ProveConsistency { .. } | Frame::LatestOf { .. })) => {
            // Judging a checkpoint and proving consistency cost no more than a letter, and take a letter's turn.
            let Some(_turn) = lane.letter(NOTE_BYTES_MAX).await else { return busy(node, peer, stream).await };
            match blocking(node, move |node| watched(node, (&from, knows), question)).await {
                Ok(answer) => stream.send(&answer).await?,
                Err(Refused { code }) => return stream.refuse(code, 0).await,
            }
        }
        Ok(question @ (Frame::AskHeld { .. } | Frame::SendAgain { .. })) => {
            let Some(_turn) = lane.letter(ENVELOPE_BYTES_MAX).await else { return busy(node, peer, stream).await };
            match blocking(node, move |node| held::answer(node, &from, &question)).await {
                Ok(answer) => stream.send(&answer).await?,
                Err(code) => return stream.refuse(code, 0).await,
            }
        }
        Ok(_) => {
            let reason = "a stream began with a frame that begins none";
            let Refused { code } = Refused::because(node, peer, RefusalCode::Malformed, reason);
            return stream.refuse(code, 0).await;
        }
        Err(error) => {
            if let Some(code) = error.code() {
                let Refused { code } = Refused::because(node, peer, code, error);
                return stream.refuse(code, 0).await;
            }
            return Err(error);
        }
    }
    stream.finish();
    Ok(())
}

/// What a peer asks about logs.
fn watched(node: &Node, (peer, knows): (&AuthorityId, u64), question: Frame) -> Result<Frame, Refused> {
    match question {
        Frame::AddCheckpoint { old_size, proof, checkpoint } => {
            Ok(match witness::add(node, peer, old_size, proof, &checkpoint)? {
                Added::Cosigned(lines) => Frame::Cosigned { lines },
                Added::Have(checkpoint) => Frame::HaveCheckpoint { checkpoint },
            })
        }
        Frame::ProveConsistency { old_size, new_size } => {
            // A link may outlive the directory that let it in.
            let known = node.directory(clock::now()).map(|directory| directory.roster().authority(peer).is_some());
            match known {
                Ok(true) => {}
                Ok(false) => return Err(Refused { code: RefusalCode::UnknownAuthority }),
                Err(code) => return Err(Refused { code }),
            }
            // The question names no log. A peer whose directory lists an older log of ours asks about that one.
            if !node.is_asked_about_this_log(knows) {
                return Err(Refused { code: RefusalCode::Busy });
            }
            match node.ledger.reader().consistency(old_size, new_size) {
                Ok(hashes) => Ok(Frame::ConsistencyProof { hashes }),
                Err(ReadError::NotFound { .. }) => Err(Refused { code: RefusalCode::BadRange }),
                Err(error) => Err(Refused::because(node, peer, RefusalCode::CannotStore, error)),
            }
        }
        Frame::LatestOf { origin } => match witness::latest_of(node, peer, &origin) {
            Some(checkpoint) => Ok(Frame::HaveCheckpoint { checkpoint }),
            None => Err(Refused { code: RefusalCode::NotFound }),
        },
        _ => Err(Refused { code: RefusalCode::Malformed }),
    }
}

async fn busy(node: &Node, peer: &AuthorityId, stream: Stream) -> Result<(), StreamError> {
    let reason = "too many letters of the peer wait for their turn; it will try again";
    let Refused { code } = Refused::because(node, peer, RefusalCode::Busy, reason);
    stream.refuse(code, 0).await
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    envelope_id: Id,
    object_id: u32,
    first_part: u64,
    part_count: u64,
}

/// Sends parts of an object, each with the proof of its place. Only the recipient of the envelope gets any.
async fn parts(node: &Arc<Node>, peer: &AuthorityId, mut stream: Stream, wanted: Wanted) -> Result<(), StreamError> {
    let from = peer.clone();
    let (package, reader) = match blocking(node, move |node| open(node, &from, wanted)).await {
        Ok((package, reader)) => (package, Arc::new(reader)),
        Err(code) => {
            let Refused { code } = Refused::because(node, peer, code, "a request for parts does not fit what is here");
            return stream.refuse(code, 0).await;
        }
    };
    // Bulk yields to letters on the same connection: an urgent request overtakes an image.
    stream.bulk();
    for index in wanted.first_part..wanted.first_part.saturating_add(wanted.part_count) {
        let part = {
            let reader = Arc::clone(&reader);
            blocking(node, move |_| reader.part(index)).await
        };
        let (bytes, proof) = match part {
            Ok(part) => part,
            Err(error) => {
                // Our own disk gave back something else than was sealed. The peer gets nothing rather than that.
                tracing::error!(%peer, %error, "a part of the vault cannot be served");
                return stream.refuse(RefusalCode::CannotStore, 0).await;
            }
        };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        stream.send(&Frame::Part { index, length, proof }).await?;
        stream.send_bytes(bytes).await?;
        node.meters.served(u64::from(length));
        node.transfers.served(package.id, package.bytes, package.objects, u64::from(length));
    }
    stream.send(&Frame::FetchEnd).await?;
    stream.finish();
    Ok(())
}

/// What parts are served of.
#[derive(Debug, Clone, Copy)]
struct Package {
    id: Id,
    bytes: u64,
    objects: usize,
}

fn open(node: &Node, peer: &AuthorityId, wanted: Wanted) -> Result<(Package, ObjectReader), RefusalCode> {
    // A link may outlive the directory that let it in.
    node.directory(clock::now())?.roster().authority(peer).ok_or(RefusalCode::UnknownAuthority)?;
    let envelope = node.envelope(wanted.envelope_id).map_err(|_| RefusalCode::NotFound)?;
    if envelope.counterpart != *peer || envelope.direction != Direction::Outgoing {
        return Err(RefusalCode::NotFound);
    }
    // The log says that the peer does not have it; it must stay true.
    let message = node.message(envelope.message_id).map_err(|_| RefusalCode::CannotStore)?;
    if matches!(message.state, MessageState::Expired | MessageState::Refused(_)) {
        return Err(RefusalCode::NotFound);
    }
    let (record, _) = node.record(envelope.index).map_err(|_| RefusalCode::CannotStore)?;
    let package_id = record.subject.package_id.ok_or(RefusalCode::NotFound)?;
    let blobs: Vec<Blob> = record.transfer.map(|transfer| transfer.blobs).unwrap_or_default();
    let blob = blobs.iter().find(|blob| blob.object_id == wanted.object_id).ok_or(RefusalCode::NotFound)?;
    let reader = node.vault.reader(package_id, wanted.object_id, &blob.root).map_err(|_| RefusalCode::CannotStore)?;
    let end = wanted.first_part.checked_add(wanted.part_count).ok_or(RefusalCode::BadRange)?;
    if wanted.part_count == 0 || wanted.part_count > FETCH_PARTS_MAX || end > reader.parts() {
        return Err(RefusalCode::BadRange);
    }
    let bytes = blobs.iter().map(|blob| blob.ciphertext_bytes).fold(0, u64::saturating_add);
    Ok((Package { id: package_id, bytes, objects: blobs.len() }, reader))
}
