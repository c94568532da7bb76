//! The part of a dossier that witnesses gave: our cosigned checkpoints, each led to the newest one of the bag, and the other
//! log's checkpoints, each led to the one that this node holds and cosigned.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::bag::dossier::{Bytes, CheckpointPart, LinkPart};
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::custody::note::Note;
use crate::custody::proof::TlogProof;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::model::authority::Authority;
use crate::model::base64;
use crate::model::ident::AuthorityId;
use crate::wire::receipt;

/// The oldest cosigned checkpoint that covers `entries` of our log, so that their time is as early as it can be proven, and
/// the newest one. Each with its way to `newest`, under which the records are proven.
///
/// # Errors
/// [`LookupError`] when a file or a tile cannot be read.
pub(super) fn cosigned(
    node: &Node,
    entries: u64,
    newest: &SignedCheckpoint,
) -> Result<Vec<CheckpointPart>, LookupError> {
    let files = &node.witness.cosigned;
    let found = [files.covering(entries).map_err(LookupError::Files)?, files.newest().map_err(LookupError::Files)?];
    let mut parts = BTreeMap::new();
    for note in found.into_iter().flatten() {
        let Some(size) = size_of(&note) else { continue };
        let new_size = newest.checkpoint().size();
        // A node that was put back holds cosignatures on what it does not have any more; they prove nothing of this log.
        let ours = size <= new_size && root_fits(node, &note, size);
        if ours {
            let hashes = if size < new_size { node.ledger.reader().consistency(size, new_size)? } else { Vec::new() };
            let hashes = hashes.iter().map(|hash| Bytes(hash.0.to_vec())).collect();
            let link = (size < new_size).then_some(LinkPart { new_size, hashes });
            parts.insert(size, CheckpointPart { note: Bytes(note), link });
        }
    }
    Ok(parts.into_values().collect())
}

fn root_fits(node: &Node, note: &[u8], size: u64) -> bool {
    let said = Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
    said.is_some_and(|said| node.ledger.reader().root_at(size).is_ok_and(|root| root == said.root()))
}

/// The other log's checkpoints under which these receipts stand, and the links from there on to the newest one held.
///
/// # Errors
/// [`LookupError`] when a file cannot be read.
pub(super) fn peer_links(
    node: &Node,
    peer: &AuthorityId,
    receipts: &[Bytes],
) -> Result<Vec<CheckpointPart>, LookupError> {
    let row = node.any_directory().and_then(|known| known.roster().authority(peer).map(Authority::log_origin));
    let log = node.witness.files.log(&row.unwrap_or_else(|| peer.log_origin()));
    let mut wanted: BTreeSet<u64> = receipts.iter().filter_map(|bytes| stands_under(&bytes.0)).collect();
    let latest = log.latest().map_err(LookupError::Files)?;
    let mut parts: BTreeMap<u64, CheckpointPart> = BTreeMap::new();
    // Each link leads to what was the newest then; from there another one leads on.
    while let Some(size) = wanted.pop_first() {
        let Some(link) = log.link_from(size).map_err(LookupError::Files)? else { continue };
        let Some(new_size) = size_of(link.later.as_bytes()) else { continue };
        let hashes: Result<Vec<Bytes>, _> = link.hashes.iter().map(|hash| base64::decode(hash).map(Bytes)).collect();
        let hashes = hashes.map_err(|error| LookupError::Files(io::Error::other(error)))?;
        parts.insert(
            size,
            CheckpointPart { note: Bytes(link.earlier.into_bytes()), link: Some(LinkPart { new_size, hashes }) },
        );
        parts.entry(new_size).or_insert(CheckpointPart { note: Bytes(link.later.into_bytes()), link: None });
        wanted.insert(new_size);
    }
    if let Some((note, size)) = latest.and_then(|note| size_of(&note).map(|size| (note, size))) {
        let link = parts.remove(&size).and_then(|part| part.link);
        parts.insert(size, CheckpointPart { note: Bytes(note), link });
    }
    Ok(parts.into_values().collect())
}

fn stands_under(bytes: &[u8]) -> Option<u64> {
    let parts = receipt::decode(bytes).ok()?;
    size_of(TlogProof::parse(parts.proof.as_bytes()).ok()?.checkpoint().as_bytes())
}

fn size_of(note: &[u8]) -> Option<u64> {
    Some(Checkpoint::parse(Note::parse(note).ok()?.text()).ok()?.size())
}
