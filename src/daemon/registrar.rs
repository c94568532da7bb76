//! Keeps the index in step with the custody log: the fold runs on each commit, and again over what the index missed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::mpsc;

use crate::crypto::digest::sha256;
use crate::daemon::crash;
use crate::exchange::docket::{self, Change, Committed, FoldError, fold, fold_erased};
use crate::exchange::rows::{IntakeRow, OutboxRow, RowError, SHAPE_VERSION, from_bytes, outbox_key_parts, tree};
use crate::model::event::Event;
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::Urgency;
use crate::store::index::{self, Direction, Index, IndexError, Opened};
use crate::store::ledger::{Committed as Entry, Observer};
use crate::store::reader::{ReadError, Reader};
use crate::wire::decode::DecodeError;
use crate::wire::record;

/// The tree of directory versions that the log knows: digest -> index.
pub const DIRECTORY_TREE: &str = "directory";

/// What the courier must know of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// Something is to be handed over, or waits for something else now.
    Outbox(OutboxRow),
    /// Something was settled.
    Settled(AuthorityId, Urgency, u64),
    /// Files are to be fetched.
    IntakeOpened(AuthorityId, Urgency, Id),
    /// All files are here.
    IntakeClosed(Id),
    /// The directory or the settings changed.
    Reloaded,
}

/// Where wakes go.
pub type WakeSender = mpsc::UnboundedSender<Wake>;

/// Keeps the index at the end of the log: with each durable batch, and again after a fault.
///
/// The index comes after the log is open, because only the log knows whether the index is ahead of it; nothing is
/// committed before.
#[derive(Debug, Clone)]
pub struct Registrar {
    index: Arc<OnceLock<Index>>,
    fault: Arc<AtomicBool>,
    wake: WakeSender,
    /// One at a time, the log's writer or the one who mends. Entries below this one were folded by the latter.
    mended_through: Arc<Mutex<u64>>,
}

impl Registrar {
    /// A registrar for that index.
    pub fn new(index: Arc<OnceLock<Index>>, wake: WakeSender) -> Self {
        Self { index, fault: Arc::default(), wake, mended_through: Arc::default() }
    }

    /// Whether the index stopped following the log.
    pub fn is_behind(&self) -> bool {
        self.fault.load(Ordering::Acquire)
    }

    /// The observer that the ledger calls with each durable batch, before its callers are told.
    pub fn observer(&self) -> Observer {
        let registrar = self.clone();
        Box::new(move |batch| registrar.follow(batch))
    }

    fn follow(&self, batch: &[Entry<'_>]) {
        let Some(index) = self.index.get() else { return };
        let mended_through = self.mended_through.lock().unwrap_or_else(PoisonError::into_inner);
        for committed in batch.iter().filter(|committed| committed.index >= *mended_through) {
            if self.is_behind() {
                return;
            }
            crash::point("commit: durable, index not told");
            match register(index, committed.index, committed.record, committed.enclosures) {
                Ok(changes) => {
                    tell(&changes, &self.wake);
                    crash::point("commit: index told, nobody answered");
                }
                Err(error) => {
                    // The record is durable; only the index is behind. It says so to everyone who asks until it is
                    // mended, here or by the next start.
                    tracing::error!(index = committed.index, %error, "the index cannot follow the custody log");
                    self.fault.store(true, Ordering::Release);
                }
            }
        }
    }

    /// Removes the index and makes it again from the log as it stands, after an erasure: the files of the old one hold
    /// what was erased. Officers and peers are told to ask again meanwhile; nothing is committed.
    ///
    /// # Errors
    /// [`RegistrarError`]; the index stays behind, and the next start begins with this.
    pub fn make_again(&self, reader: &Reader) -> Result<u64, RegistrarError> {
        let Some(index) = self.index.get() else { return Ok(0) };
        let mut mended_through = self.mended_through.lock().unwrap_or_else(PoisonError::into_inner);
        self.fault.store(true, Ordering::Release);
        index.empty()?;
        let records = catch_up(index, reader)?;
        index.flush()?;
        *mended_through = index.applied_through()?;
        self.fault.store(false, Ordering::Release);
        load_queues(index, &self.wake)?;
        Ok(records)
    }

    /// Opens an index that fell behind again and folds what it missed. Fails while the cause (a full disk) lasts.
    ///
    /// # Errors
    /// [`RegistrarError`]; the index stays behind, and says so.
    pub fn mend(&self, reader: &Reader) -> Result<Opened, RegistrarError> {
        let Some(index) = self.index.get() else { return Ok(Opened::Existing) };
        let mut mended_through = self.mended_through.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = index.reopen()?;
        catch_up(index, reader)?;
        // A sled that was full fails late: only what it wrote out counts.
        index.flush()?;
        *mended_through = index.applied_through()?;
        self.fault.store(false, Ordering::Release);
        load_queues(index, &self.wake)?;
        Ok(opened)
    }
}

/// Folds what the index missed. Returns how many records that were.
///
/// # Errors
/// [`RegistrarError`] names the record.
pub fn catch_up(index: &Index, reader: &Reader) -> Result<u64, RegistrarError> {
    let from = index.applied_through()?;
    let mut failed = None;
    reader.scan(from, |stored| {
        let applied = match &stored.content {
            Some(content) => register(index, stored.index, &content.record, &content.enclosures).map(|_| ()),
            None => apply(index, &fold_erased(), stored.index),
        };
        match applied {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                std::ops::ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    mark_shape(index)?;
    Ok(reader.size().saturating_sub(from))
}

/// Empties an index that an earlier version wrote in another shape: the log makes it again.
///
/// # Errors
/// [`RegistrarError`] when the index cannot be read or removed.
pub fn follow_shape(index: &Index) -> Result<(), RegistrarError> {
    if index.get(tree::SHAPE, &[])?.as_deref() == Some(SHAPE_VERSION) {
        return Ok(());
    }
    if index.applied_through()? > 0 {
        tracing::info!("the index is of an earlier version; making it again from the custody log");
        index.empty()?;
    }
    Ok(())
}

fn mark_shape(index: &Index) -> Result<(), RegistrarError> {
    if index.get(tree::SHAPE, &[])?.as_deref() != Some(SHAPE_VERSION) {
        let mark = index::Change { tree: tree::SHAPE, key: Vec::new(), value: Some(SHAPE_VERSION.to_vec()) };
        index.apply(&[mark], index.applied_through()?)?;
    }
    Ok(())
}

/// Tells the courier everything that is open.
///
/// # Errors
/// [`RegistrarError`] when the index cannot be read.
pub fn load_queues(index: &Index, wake: &WakeSender) -> Result<(), RegistrarError> {
    for name in [tree::OUTBOX, tree::INTAKE] {
        let mut from: Option<Vec<u8>> = None;
        loop {
            let page = index.scan_prefix(name, &[], from.as_deref(), 1_000, Direction::Forward)?;
            let Some((last, _)) = page.last() else { break };
            from = Some(last.iter().copied().chain([0]).collect());
            let changes: Vec<_> =
                page.into_iter().map(|(key, value)| Change { tree: name, key, value: Some(value) }).collect();
            tell(&changes, wake);
        }
    }
    Ok(())
}

fn register(index: &Index, at: u64, bytes: &[u8], enclosures: &[Vec<u8>]) -> Result<Vec<Change>, RegistrarError> {
    let record = record::decode(bytes).map_err(|cause| RegistrarError::Record { index: at, cause })?;
    let committed = Committed { index: at, record: &record, enclosures };
    let mut changes = fold(committed, &|tree, key| index.get(tree, key), sha256)
        .map_err(|cause| RegistrarError::Fold { index: at, cause })?;
    if record.event == Event::DirectoryAccepted {
        changes.extend(record.digests.iter().map(|digest| docket::Change {
            tree: DIRECTORY_TREE,
            key: digest.sha256.0.to_vec(),
            value: Some(at.to_be_bytes().to_vec()),
        }));
    }
    apply(index, &changes, at)?;
    Ok(changes)
}

fn apply(index: &Index, changes: &[Change], at: u64) -> Result<(), RegistrarError> {
    let stored: Vec<_> = changes
        .iter()
        .map(|change| index::Change { tree: change.tree, key: change.key.clone(), value: change.value.clone() })
        .collect();
    Ok(index.apply(&stored, at + 1)?)
}

fn tell(changes: &[Change], wake: &WakeSender) {
    for change in changes {
        let told = match (change.tree, &change.value) {
            (tree::OUTBOX, Some(value)) => from_bytes(value).ok().map(Wake::Outbox),
            (tree::OUTBOX, None) => {
                outbox_key_parts(&change.key).map(|(peer, urgency, index)| Wake::Settled(peer, urgency, index))
            }
            (tree::INTAKE, Some(value)) => Id::try_from(change.key.as_slice())
                .ok()
                .zip(from_bytes::<IntakeRow>(value).ok())
                .map(|(id, row)| Wake::IntakeOpened(row.peer, row.urgency, id)),
            (tree::INTAKE, None) => Id::try_from(change.key.as_slice()).ok().map(Wake::IntakeClosed),
            _ => None,
        };
        if let Some(wake_up) = told {
            // Without a courier (offline commands) nobody listens, and nobody needs to.
            let _ = wake.send(wake_up);
        }
    }
}

/// Why the index cannot follow the log.
#[derive(Debug, thiserror::Error)]
pub enum RegistrarError {
    /// A record does not decode.
    #[error("custody record {index} cannot be read: {cause}; a newer version of rogatory may have written it")]
    Record {
        /// Its index.
        index: u64,
        /// Why.
        cause: DecodeError,
    },
    /// A record does not fold.
    #[error("custody record {index} does not fit the records before it: {cause}; run `rogatory custody fsck`")]
    Fold {
        /// Its index.
        index: u64,
        /// Why.
        cause: FoldError<IndexError>,
    },
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A row of the index.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The log.
    #[error(transparent)]
    Read(#[from] ReadError),
}
