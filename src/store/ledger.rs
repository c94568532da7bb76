//! The custody ledger: entries go in, durable and signed places come out. Acknowledges nothing that is not on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use crate::custody::checkpoint::{LogSigner, SignedCheckpoint};
use crate::custody::note::{KeyName, VerifierKey};
use crate::model::ident::Digest;
use crate::model::limits::{
    ENCLOSURE_BYTES_MAX, ENCLOSURES_MAX, JOURNAL_SEGMENT_BYTES, LEDGER_QUEUE_MAX, RECORD_BYTES_MAX,
};
use crate::store::appender::Appender;
use crate::store::erasure::{self, Erase, EraseError, Left, Passing};
use crate::store::files::create_dir_durably;
use crate::store::journal::Journal;
use crate::store::lock::{DirLock, LockError};
use crate::store::publisher::{Publisher, SecondKey};
use crate::store::put_back;
use crate::store::reader::{Reader, Tree};
use crate::store::recovery::recover;
use crate::store::restore::{RestoreError, published_checkpoint, restore};
use crate::store::rotations;
use crate::store::segment::{Access, JournalError};
use crate::store::tiles::TileFiles;
use crate::store::writer::{Erasure, Handover, Job, Writer};

/// What is to be logged: the exact bytes of a record, and what is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The record, at most [`RECORD_BYTES_MAX`].
    pub record: Vec<u8>,
    /// Enclosures, such as the signed envelope. The tree does not cover them: the record names their digests.
    pub enclosures: Vec<Vec<u8>>,
}

/// The durable place of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its index in the log.
    pub index: u64,
    /// The commitment that stands in the log.
    pub commitment: Digest,
    /// The checkpoint that first covers it.
    pub checkpoint: Arc<SignedCheckpoint>,
}

/// A durable entry, as the observer sees it before its caller is told.
#[derive(Debug)]
pub struct Committed<'a> {
    /// Its index in the log.
    pub index: u64,
    /// The commitment that stands in the log.
    pub commitment: Digest,
    /// The record.
    pub record: &'a [u8],
    /// What was enclosed.
    pub enclosures: &'a [Vec<u8>],
}

/// Called by the writer's thread with each durable batch, in order, before the waiters wake. It must not append: the
/// writer would wait for itself.
pub type Observer = Box<dyn FnMut(&[Committed<'_>]) + Send>;
/// Called once with the outcome of an entry, by the writer's thread.
pub type Done = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// What is done between the last entry of one key and the first checkpoint of the next; it gets the reader and the index.
pub type Between = Box<dyn FnOnce(&Reader, u64) -> io::Result<()> + Send>;

/// The one writer of a custody log.
#[derive(Debug)]
pub struct Ledger {
    reader: Arc<Reader>,
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    publisher: Publisher,
    /// Whether the start ended an erasure of whole records.
    left: Left,
    /// It came from a backup, and how it goes on was not decided: it takes nothing.
    put_back: AtomicBool,
    _lock: DirLock,
}

impl Ledger {
    /// Opens, or begins, the log `origin` in `custody_dir`. The Ed25519 key signs its checkpoints; an ML-DSA-44 key, if there
    /// is one, signs what is published as well. Without it the log works as before.
    pub fn open(
        custody_dir: &Path,
        origin: KeyName,
        keys: impl Into<LogSigner>,
        on_commit: Observer,
    ) -> Result<Self, OpenError> {
        Self::open_with(custody_dir, origin, keys, JOURNAL_SEGMENT_BYTES, on_commit)
    }

    /// [`Self::open`] with another size of the journal's segments.
    pub fn open_with(
        custody_dir: &Path,
        origin: KeyName,
        keys: impl Into<LogSigner>,
        segment_bytes: u64,
        on_commit: Observer,
    ) -> Result<Self, OpenError> {
        let fault = |source| OpenError::Io { path: custody_dir.to_owned(), source };
        let journal_dir = custody_dir.join("journal");
        create_dir_durably(&journal_dir).map_err(fault)?;
        let lock = DirLock::exclusive(custody_dir)?;
        let keys = keys.into();
        let verifier = VerifierKey::new(origin.clone(), keys.ed25519.public_key());
        let redone = erasure::redo(custody_dir, &journal_dir)?;
        let files = TileFiles::new(custody_dir);
        let history = rotations::keys(custody_dir, &verifier).map_err(fault)?;
        let published = published_checkpoint(&files, &history)?;
        let size = published.as_ref().map_or(0, |signed| signed.checkpoint().size());
        let recovered = recover(&journal_dir, &history, size, Access::ReadWrite)?;
        if let Some(tear) = recovered.tear {
            let (size, bytes) = (tear.size, tear.bytes);
            tracing::warn!(size, bytes, "cut a batch that was never acknowledged from the custody journal");
        }
        let journal = Arc::new(Journal::new(&journal_dir, &recovered, Access::ReadWrite));
        let left = erasure::resume(custody_dir, &journal, redone)?;
        let newest = recovered.checkpoint.as_ref();
        let restored = restore(&journal, &files, &history, newest, published.as_ref(), Access::ReadWrite)?;
        let verifiers = keys.verifier_keys(&origin);
        // Those that signed before stay below: what they signed up to their end verifies for ever.
        let former = rotations::former_keys(custody_dir, &verifier).map_err(fault)?;
        files.keep_verifier_keys(&lines(&verifiers, &former)).map_err(fault)?;
        let appender = Appender::new(Arc::clone(&journal), &recovered, segment_bytes)?;
        let tree = Tree {
            frontier: restored.frontier,
            published: restored.published,
            // With a line missing or damaged it is nobody's to see; the publisher's first round writes it anew.
            published_note: published.filter(|note| signed_by_all(note, &verifiers)).map(Arc::new),
            checkpoint: recovered.checkpoint.map(Arc::new),
        };
        let reader = Arc::new(Reader::new(journal, files, history, tree, Access::ReadWrite, recovered.tear));
        let second = keys.ml_dsa_44.map(|key| SecondKey { under: verifier.clone(), key });
        let publisher = Publisher::start(Arc::clone(&reader), second).map_err(fault)?;
        let (queue, jobs) = mpsc::sync_channel(LEDGER_QUEUE_MAX);
        let mut writer =
            Writer::new(Arc::clone(&reader), appender, origin, keys.ed25519, publisher.signal(), on_commit)?;
        let put_back = put_back::is_there(custody_dir);
        if put_back {
            writer.publish()
        } else {
            writer.begin()?
        }
        let thread = std::thread::Builder::new()
            .name("custody-writer".to_owned())
            .spawn(move || writer.run(&jobs))
            .map_err(fault)?;
        Ok(Self {
            reader,
            queue: Some(queue),
            writer: Some(thread),
            publisher,
            left,
            put_back: AtomicBool::new(put_back),
            _lock: lock,
        })
    }

    /// Logs an entry and returns when it is durable, signed and seen by the observer.
    pub fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        let (tell, told) = mpsc::sync_channel(1);
        self.submit(
            entry,
            Box::new(move |outcome| {
                // The receiver waits below, so it is there.
                let _ = tell.send(outcome);
            }),
        );
        told.recv().unwrap_or(Err(AppendError::Stopped))
    }

    /// Hands an entry over; `done` is called when it is durable, or will not be. Waits only while the queue is full.
    pub fn submit(&self, entry: Entry, done: Done) {
        if let Err(error) = self.takes().and_then(|()| check(&entry)) {
            return done(Err(error));
        }
        let job = Job::Append { entry, done };
        if let Err(mpsc::SendError(Job::Append { done, .. })) = self.send(job) {
            done(Err(AppendError::Stopped));
        }
    }

    /// Erases whole entries, and logs `tombstone` for it first. Their places in the log and all proofs stay.
    ///
    /// When it returns, the journal holds them no more; whatever was derived from them is still to be made again, and
    /// then [`Self::settle_erasure`] is due. Until then a restart begins with it ([`Self::erasure_left`]).
    pub fn erase(&self, indexes: &[u64], tombstone: Entry, passing: Passing) -> Result<Appended, EraseError> {
        check(&tombstone)?;
        let wanted = indexes.iter().copied().map(Erase::Whole).collect();
        self.ask_erasure(wanted, Some(tombstone), passing)?.ok_or(EraseError::Append(AppendError::Stopped))
    }

    /// Erases enclosures by their digests, and nothing else of their entries. To repeat it is harmless.
    pub fn erase_enclosures(&self, wanted: &[(u64, Vec<Digest>)], passing: Passing) -> Result<(), EraseError> {
        let wanted = wanted.iter().map(|(index, digests)| Erase::Enclosures(*index, digests.clone())).collect();
        self.ask_erasure(wanted, None, passing).map(drop)
    }

    fn ask_erasure(
        &self,
        wanted: Vec<Erase>,
        tombstone: Option<Entry>,
        passing: Passing,
    ) -> Result<Option<Appended>, EraseError> {
        self.takes()?;
        let (tell, told) = mpsc::sync_channel(1);
        let done = Box::new(move |outcome| {
            // The receiver waits below, so it is there.
            let _ = tell.send(outcome);
        });
        let job = Job::Erase(Box::new(Erasure { wanted, tombstone, passing, done }));
        self.send(job).map_err(|_| AppendError::Stopped)?;
        told.recv().unwrap_or(Err(EraseError::Append(AppendError::Stopped)))
    }

    /// Logs `entry` as the last one that the present keys sign, and goes over to `keys`. `between` is called when the entry is
    /// durable and nothing else was signed: it keeps the evidence and puts the key files in place. If it fails the log takes
    /// nothing more until a restart, which ends what was begun.
    pub fn rotate(&self, entry: Entry, keys: LogSigner, between: Between) -> Result<Appended, AppendError> {
        self.takes().and_then(|()| check(&entry))?;
        let (tell, told) = mpsc::sync_channel(1);
        let done = Box::new(move |outcome| {
            // The receiver waits below, so it is there.
            let _ = tell.send(outcome);
        });
        let job = Job::Rotate(Box::new(Handover { entry, keys, between, done }));
        self.send(job).map_err(|_| AppendError::Stopped)?;
        told.recv().unwrap_or(Err(AppendError::Stopped))
    }

    /// Whether this start ended an erasure of whole records: what was derived from them is to be made again.
    pub fn erasure_left(&self) -> Left {
        self.left
    }

    /// Says that everything derived from erased records was made again, durably: the erasure is done.
    pub fn settle_erasure(&self) -> Result<(), EraseError> {
        erasure::drop_intent(self.reader.files().dir())
    }

    /// Whether it came from a backup and takes nothing until somebody decides how it goes on.
    pub fn is_put_back(&self) -> bool {
        self.put_back.load(Ordering::Acquire)
    }

    /// Lets a log that came from a backup go on where it ends. Only for one of which nobody has seen more than it holds.
    ///
    /// # Errors
    /// What the system said; it takes nothing still.
    pub fn go_on(&self) -> io::Result<()> {
        put_back::remove(self.reader.files().dir())?;
        self.put_back.store(false, Ordering::Release);
        Ok(())
    }

    fn takes(&self) -> Result<(), AppendError> {
        if self.is_put_back() { Err(AppendError::PutBack) } else { Ok(()) }
    }

    /// All that can be asked of the log.
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// Ends the writer and publishes what it acknowledged. Dropping does the same.
    pub fn close(self) {
        drop(self);
    }

    fn send(&self, job: Job) -> Result<(), mpsc::SendError<Job>> {
        match &self.queue {
            Some(queue) => queue.send(job),
            None => Err(mpsc::SendError(job)),
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic there was reported by its own hook; what was acknowledged is on disk.
            let _ = writer.join();
        }
        self.publisher.stop();
    }
}

/// `log.vkey`: the current keys, then those before.
pub(super) fn lines(current: &[VerifierKey], former: &[VerifierKey]) -> String {
    current.iter().chain(former).map(|key| format!("{key}\n")).collect()
}

fn signed_by_all(note: &SignedCheckpoint, keys: &[VerifierKey]) -> bool {
    note.note().verify(keys).is_ok_and(|signers| signers.len() == keys.len())
}

fn check(entry: &Entry) -> Result<(), AppendError> {
    let enclosed: usize = entry.enclosures.iter().map(Vec::len).sum();
    let good = entry.record.len() <= RECORD_BYTES_MAX
        && entry.enclosures.len() <= ENCLOSURES_MAX
        && enclosed <= ENCLOSURE_BYTES_MAX;
    if good { Ok(()) } else { Err(AppendError::TooLarge) }
}

/// Why an entry was not logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Larger than the limits allow.
    #[error("the record or its enclosures are larger than the custody log takes")]
    TooLarge,
    /// The disk is full. Nothing was written; the same entry may be given again.
    #[error("no space left for the custody log; free some and try again")]
    NoSpace,
    /// The tiles do not follow. Nothing was written; the same entry may be given again.
    #[error("the tiles of the custody log cannot be written; see the log of this node, free space, and try again")]
    Unpublished,
    /// A write or sync failed. Nothing more is taken; whether this entry is on disk shows at the next start.
    #[error("writing the custody journal failed ({0}); check the disk, then restart the node")]
    Poisoned(String),
    /// The operator froze the node.
    #[error("the node is frozen: it reads, and takes no new act; an operator ends it with `rogatory thaw`")]
    Frozen,
    /// It came from a backup.
    #[error(
        "this log came from a backup and takes nothing: what was acknowledged after it is missing; run `rogatory restore          compare`, then `restore resume` or `restore accept-loss`"
    )]
    PutBack,
    /// The ledger was closed.
    #[error("the custody ledger is closed")]
    Stopped,
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tree, or the published checkpoint.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// An erasure that was cut short could not be finished.
    #[error(transparent)]
    Erasure(#[from] EraseError),
    /// The first checkpoint could not be made durable.
    #[error(transparent)]
    Begin(#[from] AppendError),
    /// The system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reaches the appender, for the tests of what happens when the disk fails.
#[cfg(test)]
impl Ledger {
    pub(crate) fn sabotage(&self, change: impl FnOnce(&mut Appender) + Send + 'static) {
        assert!(self.send(Job::Sabotage(Box::new(change))).is_ok());
    }
}

#[cfg(test)]
mod tests;
