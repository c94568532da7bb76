//! The writer's thread: takes whatever waits, makes it one durable batch, then wakes the waiters. There is one for each log.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::crypto::digest::sha256;
use crate::crypto::ed25519::SigningKey;
use crate::crypto::random;
use crate::custody::checkpoint::{LogSigner, SignedCheckpoint};
use crate::custody::edge::Edge;
use crate::custody::leaf::{SALT_BYTES, commitment};
use crate::custody::note::{KeyName, VerifierKey};
use crate::custody::tree::leaf_hash;
use crate::model::ident::Digest;
use crate::model::limits::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, UNPUBLISHED_ENTRIES_MAX};
use crate::store::appender::{AppendFault, Appender};
use crate::store::erasure::{self, Erase, EraseError, Passing};
use crate::store::erasure_intent::{Intent, State};
use crate::store::frame::{encode_checkpoint, encode_entry};
use crate::store::ledger::{AppendError, Appended, Between, Committed, Done, Entry, Observer, OpenError, lines};
use crate::store::publisher::{SecondKey, Signal};
use crate::store::reader::Reader;
use crate::store::rotations;
use crate::store::segment::JournalError;

const UNPUBLISHED_WAIT_MS: u64 = 5_000;

/// What the writer is asked to do.
pub(crate) enum Job {
    /// To log an entry.
    Append {
        /// The entry.
        entry: Entry,
        /// Whom to tell.
        done: Done,
    },
    /// To erase entries.
    Erase(Box<Erasure>),
    /// To go over to other keys.
    Rotate(Box<Handover>),
    /// To fail, in a test.
    #[cfg(test)]
    Sabotage(Box<dyn FnOnce(&mut Appender) + Send>),
}

/// What is to be erased, and what is logged of it.
pub(crate) struct Erasure {
    /// The entries.
    pub(crate) wanted: Vec<Erase>,
    /// Logged before anything is overwritten.
    pub(crate) tombstone: Option<Entry>,
    /// Told of each step.
    pub(crate) passing: Passing,
    /// Whom to tell.
    pub(crate) done: Box<dyn FnOnce(Result<Option<Appended>, EraseError>) + Send>,
}

/// The last entry of the present keys, and the next keys.
pub(crate) struct Handover {
    /// Logged under the present keys.
    pub(crate) entry: Entry,
    /// What signs from then on.
    pub(crate) keys: LogSigner,
    /// What is done in between.
    pub(crate) between: Between,
    /// Whom to tell.
    pub(crate) done: Done,
}

/// The state of the writer's thread.
pub(crate) struct Writer {
    reader: Arc<Reader>,
    appender: Appender,
    edge: Edge,
    origin: KeyName,
    key: SigningKey,
    published: Arc<Signal>,
    on_commit: Observer,
    frames: Vec<u8>,
}

/// A batch on its way.
struct Batch {
    entries: Vec<Entry>,
    waiters: Vec<Done>,
    bytes: usize,
}

/// What became of a batch.
struct Outcome {
    first: u64,
    commitments: Vec<Digest>,
    checkpoint: Arc<SignedCheckpoint>,
}

impl Writer {
    pub(crate) fn new(
        reader: Arc<Reader>,
        appender: Appender,
        origin: KeyName,
        key: SigningKey,
        published: Arc<Signal>,
        on_commit: Observer,
    ) -> Result<Self, OpenError> {
        let edge = {
            let tree = reader.tree();
            Edge::of(tree.frontier.size(), |level, index| {
                tree.frontier.node(level, index).or_else(|| reader.files().node(level, index))
            })
        };
        let path = reader.files().dir().to_owned();
        let edge = edge.map_err(|missing| JournalError::Damaged { path, index: missing.index })?;
        let frames = Vec::new();
        Ok(Self { reader, appender, edge, origin, key, published, on_commit, frames })
    }

    /// Signs the checkpoint of a log without entries, if this one begins, and that of a log whose former key signed the
    /// last one; has what the journal is ahead published.
    pub(crate) fn begin(&mut self) -> Result<(), AppendError> {
        let own = VerifierKey::new(self.origin.clone(), self.key.public_key());
        let last = self.reader.checkpoint();
        if last.is_none_or(|last| SignedCheckpoint::open(&last.to_bytes(), &[own]).is_err()) {
            self.commit(&[])?;
        }
        self.publish();
        Ok(())
    }

    /// Has what the journal is ahead published.
    pub(crate) fn publish(&self) {
        self.published.grown();
    }

    /// Serves until the ledger is dropped.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let mut batch = Batch { entries: Vec::new(), waiters: Vec::new(), bytes: 0 };
            self.take(job, &mut batch);
            while batch.entries.len() < BATCH_ENTRIES_MAX && batch.bytes < BATCH_BYTES_MAX {
                match jobs.try_recv() {
                    Ok(job) => self.take(job, &mut batch),
                    Err(_) => break,
                }
            }
            if !batch.entries.is_empty() {
                self.serve(batch);
            }
        }
    }

    fn take(&mut self, job: Job, batch: &mut Batch) {
        match job {
            Job::Append { entry, done } => {
                batch.bytes += entry.record.len();
                batch.bytes += entry.enclosures.iter().map(Vec::len).sum::<usize>();
                batch.entries.push(entry);
                batch.waiters.push(done);
            }
            // Entries that were taken before it are committed after it: none of them was promised a place.
            Job::Erase(erasure) => {
                let Erasure { wanted, tombstone, passing, done } = *erasure;
                done(self.erase(&wanted, tombstone, passing));
            }
            // What was taken before it is committed after it, by the next key.
            Job::Rotate(handover) => {
                let Handover { entry, keys, between, done } = *handover;
                done(self.rotate(entry, keys, between));
            }
            #[cfg(test)]
            Job::Sabotage(change) => change(&mut self.appender),
        }
    }

    fn serve(&mut self, batch: Batch) {
        let outcome = match self.commit(&batch.entries) {
            Ok(outcome) => outcome,
            Err(error) => {
                batch.waiters.into_iter().for_each(|done| done(Err(error.clone())));
                return;
            }
        };
        self.observe(&outcome, &batch.entries);
        for ((index, commitment), done) in (outcome.first..).zip(outcome.commitments).zip(batch.waiters) {
            let checkpoint = Arc::clone(&outcome.checkpoint);
            done(Ok(Appended { index, commitment, checkpoint }));
        }
        self.published.grown();
    }

    fn observe(&mut self, outcome: &Outcome, entries: &[Entry]) {
        let committed: Vec<Committed<'_>> = (outcome.first..)
            .zip(entries.iter().zip(&outcome.commitments))
            .map(|(index, (entry, commitment))| Committed {
                index,
                commitment: *commitment,
                record: &entry.record,
                enclosures: &entry.enclosures,
            })
            .collect();
        (self.on_commit)(&committed);
    }

    /// Erases entries, in the order that `erasure.rs` tells. Nothing is appended meanwhile.
    fn erase(
        &mut self,
        wanted: &[Erase],
        tombstone: Option<Entry>,
        passing: Passing,
    ) -> Result<Option<Appended>, EraseError> {
        let dir = self.reader.files().dir().to_owned();
        if Intent::is_there(&dir) {
            return Err(EraseError::Unfinished);
        }
        let targets = erasure::plan(self.reader.journal(), wanted)?;
        let mut appended = None;
        if let Some(entry) = tombstone {
            let index = self.edge.size();
            let asked = State::Asked { index, record: sha256(&entry.record) };
            let intent = Intent { state: asked, targets: targets.clone() };
            intent.write(&dir).map_err(|source| EraseError::Intent { path: Intent::path(&dir), source })?;
            passing("erase: asked, tombstone not logged");
            appended = Some(self.log_tombstone(&dir, entry)?);
            passing("erase: tombstone logged, nothing overwritten");
        }
        let begun = Intent { state: State::Begun, targets };
        let erased = erasure::begin(&dir, self.reader.journal(), &begun, passing);
        if let Err(error) = erased.and_then(|()| erasure::after(&dir, &begun).map(drop)) {
            tracing::error!(%error, "an erasure was cut short; nothing more is taken until a restart, which finishes it");
            self.appender.poison(&error);
            return Err(error);
        }
        Ok(appended)
    }

    /// The entry under the old key, what belongs between, the first checkpoint of the new key.
    fn rotate(&mut self, entry: Entry, keys: LogSigner, between: Between) -> Result<Appended, AppendError> {
        let entries = [entry];
        let outcome = self.commit(&entries)?;
        self.observe(&outcome, &entries);
        let begun = between(&self.reader, outcome.first).and_then(|()| self.go_over(keys));
        if let Err(error) = begun {
            tracing::error!(%error, "a rotation of the log's keys was cut short; nothing more is taken until a restart, which ends it");
            self.appender.poison(&error);
            return Err(AppendError::Poisoned(error.to_string()));
        }
        // Without room the first checkpoint of the new key comes with the next entry.
        let _ = self.commit(&[]);
        self.published.grown();
        let commitment = outcome.commitments.first().copied().unwrap_or(Digest([0; 32]));
        Ok(Appended { index: outcome.first, commitment, checkpoint: outcome.checkpoint })
    }

    fn go_over(&mut self, keys: LogSigner) -> io::Result<()> {
        let dir = self.reader.files().dir();
        let verifiers = keys.verifier_keys(&self.origin);
        let own = VerifierKey::new(self.origin.clone(), keys.ed25519.public_key());
        self.reader.rotated(rotations::keys(dir, &own)?);
        self.reader.files().keep_verifier_keys(&lines(&verifiers, &rotations::former_keys(dir, &own)?))?;
        self.published.rotate(keys.ml_dsa_44.map(|key| SecondKey { under: own, key }));
        self.key = keys.ed25519;
        Ok(())
    }

    fn log_tombstone(&mut self, dir: &Path, entry: Entry) -> Result<Appended, EraseError> {
        let entries = [entry];
        let outcome = match self.commit(&entries) {
            Ok(outcome) => outcome,
            // Whether it is on disk is not known: the next start looks.
            Err(error @ AppendError::Poisoned(_)) => return Err(error.into()),
            Err(error) => {
                erasure::drop_intent(dir)?;
                return Err(error.into());
            }
        };
        self.observe(&outcome, &entries);
        self.published.grown();
        let commitment = outcome.commitments.first().copied().unwrap_or(Digest([0; 32]));
        Ok(Appended { index: outcome.first, commitment, checkpoint: outcome.checkpoint })
    }

    /// Makes a batch durable. The order:
    ///
    /// 1. salts are drawn, commitments made, the frames of the entries built; a *copy* of the tree's edge is extended
    /// 2. the checkpoint of the extended tree is signed, its frame closes the batch
    /// 3. one write, one fdatasync ([`Appender::append`])
    /// 4. only now the tree that readers see grows, the observer is called, the waiters are woken
    ///
    /// A checkpoint that was signed in 2 and did not survive 3 was shown to nobody, so that signing another one of
    /// the same size after a restart is no second history.
    fn commit(&mut self, entries: &[Entry]) -> Result<Outcome, AppendError> {
        self.await_room(entries.len())?;
        let first = self.edge.size();
        let mut edge = self.edge.clone();
        let mut salts = vec![0; entries.len() * SALT_BYTES];
        random::fill(&mut salts).map_err(|error| AppendError::Poisoned(error.to_string()))?;
        self.frames.clear();
        let mut starts = Vec::with_capacity(entries.len());
        let mut commitments = Vec::with_capacity(entries.len());
        let salts = salts.as_chunks::<SALT_BYTES>().0;
        for (index, (entry, salt)) in (first..).zip(entries.iter().zip(salts)) {
            let commitment = commitment(salt, &entry.record);
            edge.push(leaf_hash(&commitment.0));
            starts.push(self.frames.len());
            commitments.push(commitment);
            encode_entry(&mut self.frames, index, salt, &entry.record, &entry.enclosures);
        }
        let checkpoint = Arc::new(SignedCheckpoint::sign(&self.origin, edge.size(), edge.root(), &self.key));
        encode_checkpoint(&mut self.frames, edge.size(), &checkpoint.to_bytes());
        let appended = self.appender.append(&self.frames, &starts, edge.size());
        // One large batch must not keep its memory for ever.
        self.frames.shrink_to(BATCH_BYTES_MAX / 16);
        appended.map_err(|fault| match fault {
            AppendFault::NoSpace => AppendError::NoSpace,
            AppendFault::Poisoned(cause) => {
                tracing::error!(cause, "the custody journal failed; nothing more is taken until a restart");
                self.reader.failed(&cause);
                AppendError::Poisoned(cause)
            }
        })?;
        self.edge = edge;
        let mut tree = self.reader.tree_mut();
        commitments.iter().for_each(|commitment| tree.frontier.push(*commitment));
        tree.checkpoint = Some(Arc::clone(&checkpoint));
        Ok(Outcome { first, commitments, checkpoint })
    }

    /// Entries whose tiles are not durable are in memory. If the tiles cannot follow, memory must not grow: the
    /// batch waits a moment and is then refused.
    fn await_room(&self, more: usize) -> Result<(), AppendError> {
        let full = || self.reader.tree().frontier.held() + more > UNPUBLISHED_ENTRIES_MAX;
        if full() {
            self.published.grown();
            self.published.await_round(Duration::from_millis(UNPUBLISHED_WAIT_MS));
        }
        if full() { Err(AppendError::Unpublished) } else { Ok(()) }
    }
}
