//! Everything that can be made anew from the journal: the tree, its tiles, and whether they fit the signed checkpoints. Changes nothing itself.

use std::ops::ControlFlow;

use crate::custody::checkpoint::Checkpoint;
use crate::custody::edge::Edge;
use crate::custody::frontier::Frontier;
use crate::custody::history::LogKeys;
use crate::custody::note::Note;
use crate::custody::tile::{TILE_WIDTH, Tile, tiles_between};
use crate::custody::tree::leaf_hash;
use crate::model::ident::Digest;
use crate::store::frame::Frame;
use crate::store::journal::Journal;
use crate::store::segment::JournalError;

/// How much of each checkpoint between the batches is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// That its root is the tree's. The newest one's signature was checked at the start, and covers them all.
    Roots,
    /// Its signature as well.
    Signatures,
}

/// What re-computing the tree from the journal showed.
#[derive(Debug)]
pub struct Derived {
    /// The tree of all acknowledged entries.
    pub edge: Edge,
    /// The root it had at the size that was asked for.
    pub root_at: Option<Digest>,
    /// How many checkpoints were met.
    pub checkpoints: u64,
}

/// Re-computes the tree from every acknowledged entry and holds it against every checkpoint between them. `at` asks
/// for the root at one size on the way.
pub fn tree(journal: &Journal, keys: &LogKeys, depth: Depth, at: u64) -> Result<Derived, DeriveError> {
    let mut edge = Edge::new();
    let mut root_at = (at == 0).then(|| edge.root());
    let (mut checkpoints, mut trusted, mut mismatch) = (0_u64, 0, None);
    journal.scan(0, |frame| match frame {
        Frame::Checkpoint { size, note } => {
            if !fits(note, keys, depth, &edge) {
                mismatch = Some(trusted);
                return ControlFlow::Break(());
            }
            (trusted, checkpoints) = (size, checkpoints + 1);
            ControlFlow::Continue(())
        }
        entry => {
            if let Some(commitment) = entry.commitment() {
                edge.push(leaf_hash(&commitment.0));
                if edge.size() == at {
                    root_at = Some(edge.root());
                }
            }
            ControlFlow::Continue(())
        }
    })?;
    match mismatch {
        Some(index) => Err(DeriveError::Mismatch { index }),
        None => Ok(Derived { edge, root_at, checkpoints }),
    }
}

/// Shows every tile and bundle of a log of `size` entries, made from the journal, each once. Memory stays small.
pub fn tiles<E, F>(journal: &Journal, size: u64, mut show: F) -> Result<Frontier, E>
where
    E: From<JournalError>,
    F: FnMut(&[(Tile, Vec<u8>)]) -> Result<(), E>,
{
    let mut frontier = Frontier::new();
    let mut fault = None;
    let width = u64::from(TILE_WIDTH);
    journal.scan(0, |frame| {
        let Some(commitment) = frame.commitment() else { return ControlFlow::Continue(()) };
        if frontier.size() == size {
            return ControlFlow::Break(());
        }
        frontier.push(commitment);
        if frontier.size().is_multiple_of(width) {
            let full = held(&frontier, frontier.size() - width, Tile::is_full);
            if let Err(error) = show(&full) {
                fault = Some(error);
                return ControlFlow::Break(());
            }
            frontier.release(frontier.size());
        }
        ControlFlow::Continue(())
    })?;
    if let Some(error) = fault {
        return Err(error);
    }
    show(&held(&frontier, 0, |tile| !tile.is_full()))?;
    Ok(frontier)
}

/// The tiles and bundles that the frontier holds, of those that come after `from` entries.
pub(super) fn held(frontier: &Frontier, from: u64, keep: impl Fn(&Tile) -> bool) -> Vec<(Tile, Vec<u8>)> {
    tiles_between(from, frontier.size())
        .filter(keep)
        .filter_map(|tile| frontier.tile(&tile).map(|bytes| (tile, bytes)))
        .collect()
}

fn fits(note: &[u8], keys: &LogKeys, depth: Depth, edge: &Edge) -> bool {
    let said = match depth {
        Depth::Signatures => keys.open(note).ok().map(|signed| signed.checkpoint().clone()),
        Depth::Roots => Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text()).ok()),
    };
    said.is_some_and(|said| said.size() == edge.size() && said.root() == edge.root())
}

/// Why the tree could not be made anew.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    /// The journal itself.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An entry is not the one that a checkpoint signed, though its CRC is right: it was rewritten.
    #[error(
        "the custody journal does not fit its signed checkpoints from entry {index} on: it was altered; nothing was changed"
    )]
    Mismatch {
        /// The first entry that the last fitting checkpoint does not cover.
        index: u64,
    },
}
