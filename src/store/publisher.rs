//! The thread that lets the published log follow the journal. Publishes no checkpoint before its tiles are durable.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::crypto::mldsa;
use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::cosignature;
use crate::custody::note::VerifierKey;
use crate::custody::tile::tiles_between;
use crate::model::limits::PUBLISH_MS;
use crate::store::reader::Reader;

const RETRY_MS: u64 = 1_000;

/// The publishing thread and the word between it and the writer.
#[derive(Debug)]
pub(crate) struct Publisher {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer and the publisher tell each other.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
    keys: Mutex<Option<Arc<SecondKey>>>,
}

/// The key of the second line, and the log's key whose checkpoints it stands under.
#[derive(Debug)]
pub(crate) struct SecondKey {
    pub(crate) under: VerifierKey,
    pub(crate) key: mldsa::SigningKey,
}

#[derive(Debug, Default)]
struct State {
    grown: bool,
    stopping: bool,
    /// Rounds that ended, well or not.
    rounds: u64,
}

impl Publisher {
    /// Starts the thread. The key adds its line to each published checkpoint.
    pub(crate) fn start(reader: Arc<Reader>, key: Option<SecondKey>) -> io::Result<Self> {
        let signal = Arc::new(Signal::default());
        signal.rotate(key);
        let told = Arc::clone(&signal);
        let thread = std::thread::Builder::new().name("custody-tiles".to_owned()).spawn(move || run(&reader, &told))?;
        Ok(Self { signal, thread: Some(thread) })
    }

    /// For the writer.
    pub(crate) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }

    /// Publishes what is left and ends the thread.
    pub(crate) fn stop(&mut self) {
        self.signal.tell(|state| state.stopping = true);
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by its own hook; the journal is whole without tiles.
            let _ = thread.join();
        }
    }
}

impl Signal {
    /// The log has grown.
    pub(crate) fn grown(&self) {
        self.tell(|state| state.grown = true);
    }

    /// From here on that key adds the second line.
    pub(crate) fn rotate(&self, key: Option<SecondKey>) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = key.map(Arc::new);
    }

    fn key(&self) -> Option<Arc<SecondKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the publisher has ended another round, at most `wait`.
    pub(crate) fn await_round(&self, wait: Duration) {
        let state = self.lock();
        let before = state.rounds;
        let waited = self.changed.wait_timeout_while(state, wait, |state| state.rounds == before);
        drop(waited);
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for growth or the end; then, unless it ends, a moment longer, so that many batches make one round.
    fn await_growth(&self) -> Next {
        let idle = |state: &mut State| !state.grown && !state.stopping;
        let state = self.changed.wait_while(self.lock(), idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let pause = Duration::from_millis(PUBLISH_MS);
        let waited = self.changed.wait_timeout_while(state, pause, |state| !state.stopping);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.grown = false;
        if state.stopping { Next::Last } else { Next::Round }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Round,
    Last,
}

fn run(reader: &Reader, signal: &Signal) {
    loop {
        let next = signal.await_growth();
        let done = publish(reader, signal.key().as_deref());
        signal.tell(|state| state.rounds += 1);
        if let Err(error) = &done {
            tracing::warn!(%error, "cannot publish the custody log; it is whole in its journal");
        }
        match (next, done) {
            (Next::Last, _) => return,
            (Next::Round, Ok(())) => {}
            (Next::Round, Err(_)) => {
                let pause = Duration::from_millis(RETRY_MS);
                let state = signal.lock();
                drop(signal.changed.wait_timeout_while(state, pause, |state| !state.stopping));
                signal.tell(|state| state.grown = true);
            }
        }
    }
}

/// One round. Tiles (written, synced, renamed, directory synced), then the checkpoint in the same way; only then are
/// the hashes let go of in memory and superseded partial tiles deleted. A crash in between leaves an older checkpoint
/// whose tiles are all there, and some newer ones that are right too: a tile never changes, it only grows.
pub(crate) fn publish(reader: &Reader, key: Option<&SecondKey>) -> io::Result<()> {
    let (tiles, checkpoint, old, new) = {
        let tree = reader.tree();
        let new = tree.frontier.size();
        let tiles: Vec<_> = tiles_between(tree.published, new)
            .filter_map(|tile| tree.frontier.tile(&tile).map(|bytes| (tile, bytes)))
            .collect();
        (tiles, tree.checkpoint.clone(), tree.published, new)
    };
    let Some(checkpoint) = checkpoint else { return Ok(()) };
    let note = Arc::new(with_second_line(&checkpoint, key));
    reader.files().write(&tiles)?;
    reader.files().publish(&note.to_bytes())?;
    {
        let mut tree = reader.tree_mut();
        tree.published = new;
        tree.published_note = Some(note);
        tree.frontier.release(new);
    }
    reader.files().drop_partials(old, new);
    Ok(())
}

/// The deterministic signature gives the same line for the same checkpoint, so that publishing it again changes nothing.
/// Under a checkpoint of another key of the log (a rotation is at work) it adds nothing.
fn with_second_line(checkpoint: &SignedCheckpoint, key: Option<&SecondKey>) -> SignedCheckpoint {
    let under = |key: &&SecondKey| {
        let keys = std::slice::from_ref(&key.under);
        checkpoint.note().verify(keys).is_ok_and(|signers| !signers.is_empty())
    };
    let line = key.filter(under).map(|key| cosignature::log_line(&key.key, checkpoint));
    checkpoint.clone().with_lines(line.and_then(Result::ok))
}
