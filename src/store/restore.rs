//! The tree at a start: from its tiles if they lead to the signed roots, else from the journal. Refuses a journal shorter than what was published.

use std::io;
use std::ops::ControlFlow;

use crate::custody::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::custody::frontier::Frontier;
use crate::custody::history::LogKeys;
use crate::custody::note::NoteError;
use crate::custody::tile::Tile;
use crate::custody::tree::root;
use crate::model::ident::Digest;
use crate::store::derive::{self, Depth, DeriveError};
use crate::store::journal::Journal;
use crate::store::segment::{Access, JournalError};
use crate::store::tiles::TileFiles;

/// The tree, and how far its files are durable.
#[derive(Debug)]
pub struct Restored {
    /// The growing side of the tree.
    pub frontier: Frontier,
    /// Entries whose tiles are on disk.
    pub published: u64,
}

/// The published checkpoint, if there is one that can be read. One signed by another key stops the start: it is
/// another authority's log. A file that is no note at all was damaged and is written anew.
pub fn published_checkpoint(files: &TileFiles, keys: &LogKeys) -> Result<Option<SignedCheckpoint>, RestoreError> {
    let Some(bytes) = files.published().map_err(|source| RestoreError::Io { source })? else {
        return Ok(None);
    };
    match keys.open(&bytes) {
        Ok(signed) => Ok(Some(signed)),
        Err(CheckpointError::Note(NoteError::Malformed)) => Ok(None),
        Err(_) => Err(RestoreError::OtherKey),
    }
}

/// Restores the tree of the journal, whose newest checkpoint is `newest`.
///
/// The usual start reads the few partial tiles of the published checkpoint, holds their root against its signature,
/// and adds what the journal has beyond it: the time does not grow with the log. If a tile is missing or leads
/// elsewhere, everything is derived from the journal, which first must fit every one of its own checkpoints.
pub fn restore(
    journal: &Journal,
    files: &TileFiles,
    keys: &LogKeys,
    newest: Option<&SignedCheckpoint>,
    published: Option<&SignedCheckpoint>,
    access: Access,
) -> Result<Restored, RestoreError> {
    let size = newest.map_or(0, |signed| signed.checkpoint().size());
    if let Some(published) = published.map(SignedCheckpoint::checkpoint) {
        if published.size() > size {
            return Err(RestoreError::RolledBack { published: published.size(), journal: size });
        }
        let known = files.are_complete(published.size());
        let quick = if known { from_tiles(journal, files, published.size(), published.root())? } else { None };
        let fits = |frontier: &Frontier| {
            newest.is_some_and(|signed| root_of(frontier, files) == Some(signed.checkpoint().root()))
        };
        if let Some(frontier) = quick.filter(fits) {
            return Ok(Restored { frontier, published: published.size() });
        }
        tracing::warn!("tiles of the custody log are missing or damaged; deriving them from the journal");
    }
    let at = published.map_or(0, |signed| signed.checkpoint().size());
    let derived = derive::tree(journal, keys, Depth::Roots, at)?;
    if published.is_some_and(|signed| derived.root_at != Some(signed.checkpoint().root())) {
        return Err(RestoreError::Forked { size: at });
    }
    if newest.is_some_and(|signed| derived.edge.root() != signed.checkpoint().root()) {
        return Err(DeriveError::Mismatch { index: 0 }.into());
    }
    from_journal(journal, files, size, access)
}

/// The frontier at the published size, if it leads to the published root, and the entries since.
fn from_tiles(
    journal: &Journal,
    files: &TileFiles,
    published: u64,
    published_root: Digest,
) -> Result<Option<Frontier>, RestoreError> {
    let Ok(mut frontier) = Frontier::load(published, |tile| files.read(tile)) else {
        return Ok(None);
    };
    if root_of(&frontier, files) != Some(published_root) {
        return Ok(None);
    }
    journal.scan(published, |frame| {
        if let Some(commitment) = frame.commitment() {
            frontier.push(commitment);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Some(frontier))
}

fn from_journal(journal: &Journal, files: &TileFiles, size: u64, access: Access) -> Result<Restored, RestoreError> {
    match access {
        Access::ReadWrite => {
            let frontier = derive::tiles::<RestoreError, _>(journal, size, |tiles| {
                let differs = |(tile, bytes): &&(Tile, Vec<u8>)| files.read(tile).as_ref() != Some(bytes);
                let wanted: Vec<_> = tiles.iter().filter(differs).cloned().collect();
                files.write(&wanted).map_err(|source| RestoreError::Io { source })
            })?;
            Ok(Restored { frontier, published: size })
        }
        Access::ReadOnly => {
            // Nothing may be written, so nothing is let go of: about 130 bytes an entry while the command runs.
            let mut frontier = Frontier::new();
            journal.scan(0, |frame| {
                if let Some(commitment) = frame.commitment() {
                    frontier.push(commitment);
                }
                ControlFlow::Continue(())
            })?;
            Ok(Restored { frontier, published: 0 })
        }
    }
}

fn root_of(frontier: &Frontier, files: &TileFiles) -> Option<Digest> {
    let node = |level, index| frontier.node(level, index).or_else(|| files.node(level, index));
    root(frontier.size(), node).ok()
}

/// Why the tree could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The journal lacks entries that were published.
    #[error(
        "the custody log was rolled back: {published} entries are published and the journal holds {journal}. \
         Restore the newer journal; going on would sign a second history"
    )]
    RolledBack {
        /// Entries of the published checkpoint.
        published: u64,
        /// Entries of the journal.
        journal: u64,
    },
    /// The journal has other entries than were published.
    #[error(
        "the custody journal and the published checkpoint of {size} entries are two different histories; \
         restore the journal that belongs to it"
    )]
    Forked {
        /// Entries of the published checkpoint.
        size: u64,
    },
    /// The published checkpoint is signed by another key.
    #[error(
        "the published checkpoint is not signed by this log's key; restore the key or the directory that belongs to it"
    )]
    OtherKey,
    /// The journal does not fit its own checkpoints.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file could not be read or written.
    #[error("cannot use the files of the custody log: {source}")]
    Io {
        /// What the system said.
        source: io::Error,
    },
}
