//! The custody log as it is read: entries, proofs, checkpoints. Hands out no entry that its tree does not hold and no proof it did not check.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::frontier::Frontier;
use crate::custody::history::LogKeys;
use crate::custody::note::VerifierKey;
use crate::custody::proof::TlogProof;
use crate::custody::tile::Tile;
use crate::custody::tree::{consistency_proof, inclusion_proof, leaf_hash, root, verify_inclusion};
use crate::model::ident::Digest;
use crate::store::derive::{self, Depth, DeriveError};
use crate::store::erasure_intent::Intent;
use crate::store::journal::{Journal, Stored, stored};
use crate::store::lock::{DirLock, LockError};
use crate::store::recovery::{Tear, recover};
use crate::store::restore::{RestoreError, published_checkpoint, restore};
use crate::store::rotations;
use crate::store::segment::{Access, JournalError};
use crate::store::tiles::TileFiles;

/// All that can be asked of a custody log. The ledger's callers share one; an offline command opens its own.
#[derive(Debug)]
pub struct Reader {
    journal: Arc<Journal>,
    files: TileFiles,
    key: RwLock<LogKeys>,
    tree: RwLock<Tree>,
    access: Access,
    tear: Option<Tear>,
    failure: OnceLock<String>,
    /// Only an offline reader holds a lock itself.
    _lock: Option<DirLock>,
}

/// The tree as far as it is durable.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) frontier: Frontier,
    pub(crate) checkpoint: Option<Arc<SignedCheckpoint>>,
    /// The note as published, with every line of the log's own.
    pub(crate) published_note: Option<Arc<SignedCheckpoint>>,
    /// Entries whose tiles and checkpoint are published.
    pub(crate) published: u64,
}

impl Reader {
    /// Opens a log that no daemon uses at the moment, and changes nothing in it. What a crash left is only reported
    /// ([`Self::tear`]); damaged tiles are made up for in memory.
    pub fn open_read_only(custody_dir: &Path, key: &VerifierKey) -> Result<Self, ReadOpenError> {
        let lock = DirLock::shared(custody_dir)?;
        if Intent::is_there(custody_dir) {
            return Err(ReadOpenError::Erasing);
        }
        let files = TileFiles::new(custody_dir);
        let fault = |source| ReadOpenError::Io { path: custody_dir.to_owned(), source };
        let keys = rotations::keys(custody_dir, key).map_err(fault)?;
        let published = published_checkpoint(&files, &keys)?;
        let size = published.as_ref().map_or(0, |signed| signed.checkpoint().size());
        let journal_dir = custody_dir.join("journal");
        if !journal_dir.try_exists().map_err(fault)? {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(ReadOpenError::Io { path: journal_dir, source });
        }
        let recovered = recover(&journal_dir, &keys, size, Access::ReadOnly)?;
        let journal = Arc::new(Journal::new(&journal_dir, &recovered, Access::ReadOnly));
        let newest = recovered.checkpoint;
        let restored = restore(&journal, &files, &keys, newest.as_ref(), published.as_ref(), Access::ReadOnly)?;
        let tree = Tree {
            frontier: restored.frontier,
            checkpoint: newest.map(Arc::new),
            published_note: published.map(Arc::new),
            published: restored.published,
        };
        let mut reader = Self::new(journal, files, keys, tree, Access::ReadOnly, recovered.tear);
        reader._lock = Some(lock);
        Ok(reader)
    }

    pub(crate) fn new(
        journal: Arc<Journal>,
        files: TileFiles,
        key: LogKeys,
        tree: Tree,
        access: Access,
        tear: Option<Tear>,
    ) -> Self {
        Self {
            journal,
            files,
            key: RwLock::new(key),
            tree: RwLock::new(tree),
            access,
            tear,
            failure: OnceLock::new(),
            _lock: None,
        }
    }

    /// How many entries are acknowledged.
    pub fn size(&self) -> u64 {
        self.tree().frontier.size()
    }

    /// The newest durable checkpoint; `None` only for a log that was never opened for writing.
    pub fn checkpoint(&self) -> Option<Arc<SignedCheckpoint>> {
        self.tree().checkpoint.clone()
    }

    /// The newest published checkpoint with the lines of all the log's keys: what goes to witnesses and is time-stamped. It
    /// is behind [`Self::checkpoint`] by a moment; `None` before the first one is published.
    pub fn published(&self) -> Option<Arc<SignedCheckpoint>> {
        self.tree().published_note.clone()
    }

    /// How many entries the published files cover.
    pub fn published_size(&self) -> u64 {
        self.tree().published
    }

    /// The batch that was never acknowledged and was found, and cut, at the start.
    pub fn tear(&self) -> Option<Tear> {
        self.tear
    }

    /// Why the log takes nothing more until a restart; `None` while it takes entries.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    pub(crate) fn failed(&self, cause: &str) {
        // The first cause is the one that counts.
        let _ = self.failure.set(cause.to_owned());
    }

    /// One entry. Its CRC is checked, its commitment made anew and held against the tree.
    pub fn read(&self, index: u64) -> Result<Stored, ReadError> {
        let size = self.size();
        let found = if index < size { self.journal.read(index)? } else { None };
        let stored = found.ok_or(ReadError::NotFound { index, size })?;
        let leaf = leaf_hash(&stored.commitment.0);
        self.checked(index, Some(&leaf))?;
        Ok(stored)
    }

    /// The proof (C2SP tlog-proof, text) that entry `index` is under the newest durable checkpoint. It was checked.
    pub fn prove(&self, index: u64) -> Result<String, ReadError> {
        Ok(self.checked(index, None)?.to_string())
    }

    /// The proof that the log of `old` entries is the beginning of the log of `new` entries.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, ReadError> {
        let tree = self.tree();
        let size = tree.frontier.size();
        if old > new || new > size {
            return Err(ReadError::NotFound { index: old.max(new), size });
        }
        consistency_proof(old, new, |level, index| self.node(&tree, level, index))
            .map_err(|_| ReadError::Damaged { index: old })
    }

    /// The root of the first `size` entries.
    pub fn root_at(&self, size: u64) -> Result<Digest, ReadError> {
        let tree = self.tree();
        if size > tree.frontier.size() {
            return Err(ReadError::NotFound { index: size, size: tree.frontier.size() });
        }
        root(size, |level, index| self.node(&tree, level, index)).map_err(|_| ReadError::Damaged { index: size })
    }

    /// Shows every acknowledged entry from `from` on, in order, until `visit` breaks off. CRCs are checked; the
    /// commitments are made anew but not held against the tree, which is `fsck`'s work.
    pub fn scan<F>(&self, from: u64, mut visit: F) -> Result<(), ReadError>
    where
        F: FnMut(Stored) -> ControlFlow<()>,
    {
        self.journal.scan(from, |frame| match stored(&frame) {
            Some(stored) => visit(stored),
            None => ControlFlow::Continue(()),
        })?;
        Ok(())
    }

    /// The keys of the log, the current one and those before.
    pub fn keys(&self) -> LogKeys {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The log went over to another key.
    pub(crate) fn rotated(&self, keys: LogKeys) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn files(&self) -> &TileFiles {
        &self.files
    }

    pub(crate) fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tree_mut(&self) -> RwLockWriteGuard<'_, Tree> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A checked proof. A tile that was damaged since the start leads to another root: it is made anew from the
    /// journal, once.
    fn checked(&self, index: u64, leaf: Option<&Digest>) -> Result<TlogProof, ReadError> {
        match self.attempt(index, leaf) {
            Err(ReadError::Damaged { .. }) if self.access == Access::ReadWrite => {
                self.rewrite_full_tiles()?;
                self.attempt(index, leaf)
            }
            outcome => outcome,
        }
    }

    fn attempt(&self, index: u64, leaf: Option<&Digest>) -> Result<TlogProof, ReadError> {
        let damaged = ReadError::Damaged { index };
        let tree = self.tree();
        let size = tree.frontier.size();
        let checkpoint = tree.checkpoint.clone().filter(|_| index < size);
        let checkpoint = checkpoint.ok_or(ReadError::NotFound { index, size })?;
        let node = |level, index| self.node(&tree, level, index);
        let (Some(held), Ok(hashes)) = (node(0, index), inclusion_proof(index, size, node)) else {
            return Err(damaged);
        };
        drop(tree);
        let leaf = leaf.unwrap_or(&held);
        let root = checkpoint.checkpoint().root();
        verify_inclusion(leaf, index, size, &hashes, &root).map_err(|_| damaged)?;
        Ok(TlogProof::new(index, hashes, &checkpoint))
    }

    fn node(&self, tree: &Tree, level: u8, index: u64) -> Option<Digest> {
        tree.frontier.node(level, index).or_else(|| self.files.node(level, index))
    }

    /// Only tiles whose bytes differ are written, and only when the journal still leads to the signed root: else a
    /// rewritten journal would make itself fitting tiles.
    fn rewrite_full_tiles(&self) -> Result<(), ReadError> {
        tracing::warn!("a tile of the custody log is damaged; deriving the tiles again");
        let (published, checkpoint) = {
            let tree = self.tree();
            (tree.published, tree.checkpoint.clone())
        };
        let said = checkpoint.as_ref().map(|signed| signed.checkpoint());
        let size = said.map_or(0, |said| said.size());
        let derived = derive::tree(&self.journal, &self.keys(), Depth::Roots, size)?;
        if derived.root_at != said.map(|said| said.root()) {
            return Err(ReadError::Damaged { index: 0 });
        }
        derive::tiles::<ReadError, _>(&self.journal, published, |tiles| {
            let differs =
                |(tile, bytes): &&(Tile, Vec<u8>)| tile.is_full() && self.files.read(tile).as_ref() != Some(bytes);
            let wanted: Vec<_> = tiles.iter().filter(differs).cloned().collect();
            self.files.write(&wanted).map_err(|source| ReadError::Io { source })
        })?;
        self.files.forget();
        Ok(())
    }
}

/// Why something could not be read from the log.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is shorter.
    #[error("the custody log has {size} entries; there is no number {index}")]
    NotFound {
        /// What was asked for.
        index: u64,
        /// What there is.
        size: u64,
    },
    /// The entry, or a tile above it, does not lead to the signed root.
    #[error("entry {index} of the custody log does not fit its signed checkpoint; run `rogatory custody fsck`")]
    Damaged {
        /// The entry.
        index: u64,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not fit its checkpoints.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// A tile could not be written anew.
    #[error("cannot rewrite the tiles of the custody log: {source}")]
    Io {
        /// What the system said.
        source: io::Error,
    },
}

/// Why a log could not be opened to be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadOpenError {
    /// A daemon uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An erasure was cut short: a record may be half overwritten, which only the next start knows how to finish.
    #[error("an erasure was cut short; start the node once, or run `rogatory index rebuild`: that finishes it")]
    Erasing,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tree.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
