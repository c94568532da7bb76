//! Pulls the files of an envelope: the receiver asks, at its own pace, for the parts it has not yet.
//!
//! Each part proves its place under the root that the signed envelope names before a byte of it is kept, so the key is
//! not needed and a resumed fetch trusts nothing but its own disk. What arrived stays; a fetch that breaks begins
//! again with what is missing.

use std::ops::Range;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::daemon::abandon::{Served, give_up};
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::daemon::{clock, crash};
use crate::exchange::act::EnvelopeFacts;
use crate::exchange::rows::{IntakeRow, tree};
use crate::model::envelope::Blob;
use crate::model::ident::Id;
use crate::model::limits::{FETCH_PARTS_MAX, FETCH_STREAMS, PART_BYTES};
use crate::model::refusal::{RefusalCode, Remedy};
use crate::net::connection::Connection;
use crate::net::loss::Loss;
use crate::net::stream::StreamError;
use crate::store::intake::{Intake, IntakeError, PartError};
use crate::store::ledger::AppendError;
use crate::store::vault::VaultError;
use crate::wire::frame::{Frame, Told};

/// Fetches everything that is missing of one envelope, then logs that all of it is here, or that it is given up.
///
/// # Errors
/// [`FetchError`]; what arrived is kept, and the next fetch goes on from there.
pub async fn fetch(node: &Arc<Node>, connection: &Connection, envelope_id: Id) -> Result<(), FetchError> {
    let Err(error) = fetch_once(node, connection, envelope_id).await else { return Ok(()) };
    let served = match &error {
        FetchError::Refused(Told::Known(code)) if code.remedy() == Remedy::Final => Served::Never,
        _ => Served::NotYet,
    };
    let ended = blocking(node, move |node| give_up(node, envelope_id, served, clock::now())).await?;
    if ended { Ok(()) } else { Err(error) }
}

async fn fetch_once(node: &Arc<Node>, connection: &Connection, envelope_id: Id) -> Result<(), FetchError> {
    let opened = blocking(node, move |node| open(node, envelope_id)).await?;
    let Some((package_id, intake, blobs)) = opened else { return Ok(()) };
    let here = intake.progress();
    let here_bytes = here.parts_held.saturating_mul(PART_BYTES as u64).min(here.bytes);
    node.transfers.begins(package_id, here.bytes, here_bytes, here.objects);
    let intake = Arc::new(intake);
    let mut wanted = ranges(&intake, &blobs).into_iter();
    let mut running: JoinSet<Result<(), FetchError>> = JoinSet::new();
    let mut broken = None;
    loop {
        while running.len() < FETCH_STREAMS && broken.is_none() {
            let Some((object_id, range)) = wanted.next() else { break };
            let (node, connection, intake) = (Arc::clone(node), connection.clone(), Arc::clone(&intake));
            let from = (package_id, envelope_id);
            running.spawn(async move { pull(&node, &connection, &intake, from, object_id, range).await });
        }
        match running.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => broken = Some(error),
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => break,
        }
    }
    if let Some(error) = broken {
        // What came before the break is worth keeping: make it durable before the link is dialled again.
        node.transfers.broke(package_id);
        blocking(node, move |_| intake.flush()).await?;
        return Err(error);
    }
    blocking(node, move |node| complete(node, &intake, envelope_id)).await?;
    node.transfers.ends(package_id);
    Ok(())
}

fn open(node: &Node, envelope_id: Id) -> Result<Option<(Id, Intake, Vec<Blob>)>, FetchError> {
    let Some(row) = node.row::<IntakeRow>(tree::INTAKE, envelope_id.as_bytes())? else { return Ok(None) };
    let (record, _) = node.record(row.index)?;
    let blobs = record.transfer.map(|transfer| transfer.blobs).unwrap_or_default();
    Ok(Some((row.package_id, node.vault.intake(row.package_id, &blobs)?, blobs)))
}

/// What is missing, cut into requests that one stream answers.
fn ranges(intake: &Intake, blobs: &[Blob]) -> Vec<(u32, Range<u64>)> {
    let mut cut = Vec::new();
    // The last object first: of a folder it is the list, which says what the others are good for.
    for blob in blobs.iter().rev().take(1).chain(blobs.iter().rev().skip(1).rev()) {
        for range in intake.missing(blob.object_id, 0, u64::MAX) {
            let mut start = range.start;
            while start < range.end {
                let end = range.end.min(start + FETCH_PARTS_MAX / 4);
                cut.push((blob.object_id, start..end));
                start = end;
            }
        }
    }
    cut
}

async fn pull(
    node: &Arc<Node>,
    connection: &Connection,
    intake: &Arc<Intake>,
    (package_id, envelope_id): (Id, Id),
    object_id: u32,
    range: Range<u64>,
) -> Result<(), FetchError> {
    let mut stream = connection.open().await?;
    let part_count = range.end - range.start;
    stream.send(&Frame::Fetch { envelope_id, object_id, first_part: range.start, part_count }).await?;
    stream.finish();
    for due in range {
        let (index, length, proof) = match stream.receive().await? {
            Frame::Part { index, length, proof } => (index, length, proof),
            Frame::Refused { code, .. } => return Err(FetchError::Refused(code)),
            _ => return Err(FetchError::Answer),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if index != due || length > PART_BYTES {
            return Err(FetchError::Answer);
        }
        let mut bytes = vec![0; length];
        stream.receive_exact(&mut bytes).await?;
        crash::point("fetch: part verified, not stored");
        let keep = Arc::clone(intake);
        blocking(node, move |_| keep.store_part(object_id, index, &bytes, &proof))
            .await
            .map_err(|cause| FetchError::Part { object_id, index, cause })?;
        let moved = u64::try_from(length).unwrap_or(u64::MAX);
        node.meters.fetched(moved);
        node.transfers.arrived(package_id, moved, intake.progress().objects_sealed);
        crash::point("fetch: part stored");
    }
    match stream.receive().await? {
        Frame::FetchEnd => Ok(()),
        _ => Err(FetchError::Answer),
    }
}

fn complete(node: &Node, intake: &Intake, envelope_id: Id) -> Result<(), FetchError> {
    crash::point("fetch: all parts stored, not completed");
    intake.complete()?;
    crash::point("fetch: completed, not logged");
    let envelope = node.envelope(envelope_id)?;
    let _turn = node.turnstile.enter([envelope.message_id]);
    if node.row::<IntakeRow>(tree::INTAKE, envelope_id.as_bytes())?.is_none() {
        return Ok(());
    }
    let message = node.message(envelope.message_id)?;
    let facts = envelope_facts(node, envelope_id)?;
    node.commit(node.scene().content_received(&message, facts))?;
    crash::point("fetch: content logged");
    Ok(())
}

/// What a later receipt repeats of an envelope.
pub(super) fn envelope_facts(node: &Node, envelope_id: Id) -> Result<EnvelopeFacts, LookupError> {
    let envelope = node.envelope(envelope_id)?;
    let (record, _) = node.record(envelope.index)?;
    let (expires_at, blobs) = record.transfer.map(|transfer| (transfer.expires_at, transfer.blobs)).unwrap_or_default();
    Ok(EnvelopeFacts { digest: envelope.digest, expires_at, blobs })
}

/// Why a fetch broke off.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The link.
    #[error(transparent)]
    Lost(#[from] Loss),
    /// The sender does not serve it.
    #[error("the sender does not serve the files: {0}")]
    Refused(Told),
    /// The sender answers otherwise than the protocol says.
    #[error("the sender answered with a frame or a part that was not asked for")]
    Answer,
    /// The sender served wrong bytes, or this disk takes none.
    #[error("part {index} of object {object_id} was not kept: {cause}")]
    Part {
        /// The object.
        object_id: u32,
        /// The part.
        index: u64,
        /// Why.
        cause: PartError,
    },
    /// The intake.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// Our own log or index.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Our own log takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Our own vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// An operator stopped it.
    #[error("an operator stopped it; it goes on when he or she lets it")]
    Held,
    /// The task panicked.
    #[error("the fetch broke down; this is a fault of the program")]
    Fallen,
}

impl FetchError {
    /// The code to record against the sender, if it is to blame.
    pub const fn blames_sender(&self) -> Option<RefusalCode> {
        match self {
            Self::Part { cause: PartError::Proof(_) | PartError::Length { .. }, .. } | Self::Answer => {
                Some(RefusalCode::Malformed)
            }
            _ => None,
        }
    }
}
