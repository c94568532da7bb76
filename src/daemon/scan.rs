//! Finds the checkpoints of other logs under which the receipts in our log stand, so that each is linked to what is held.
//! Reads each record once; a crash reads some again.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;

use crate::crypto::digest::sha256;
use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::proof::TlogProof;
use crate::daemon::clock;
use crate::daemon::node::Node;
use crate::exchange::receipt::log_keys;
use crate::model::ident::AuthorityId;
use crate::model::limits::RECEIPTS_SCANNED_PER_ROUND_MAX;
use crate::store::journal::Content;
use crate::store::witness_files::Source;
use crate::wire::{receipt, record};

/// Searches the next records. Checkpoints that are larger than what was linked before wait in files; what was searched is
/// durable only after them.
///
/// # Errors
/// What the system said; the same records are searched again.
pub(super) fn receipts(node: &Node) -> io::Result<()> {
    let Ok(directory) = node.directory(clock::now()) else { return Ok(()) };
    let reader = node.ledger.reader();
    // A log that was put back from a backup is shorter than what was searched; its receipts are few.
    let from = Some(node.witness.files.scanned()?).filter(|from| *from <= reader.size()).unwrap_or(0);
    let until = reader.size().min(from + RECEIPTS_SCANNED_PER_ROUND_MAX);
    if from == until {
        return Ok(());
    }
    let mut found: BTreeMap<(String, u64), SignedCheckpoint> = BTreeMap::new();
    let scanned = reader.scan(from, |stored| {
        if stored.index >= until {
            return ControlFlow::Break(());
        }
        if let Some((peer, note)) = stored.content.and_then(|content| receipt_of(&content))
            && let Some(owner) = directory.roster().authority(&peer)
            && let Ok(keys) = log_keys(owner)
            && let Ok(seen) = SignedCheckpoint::open(&note, &keys)
            && seen.checkpoint().origin() == owner.log_origin()
        {
            // Only the lines of its keys: what nobody can check would fill the disk.
            found.insert((owner.log_origin(), seen.checkpoint().size()), seen.only_of(&keys));
        }
        ControlFlow::Continue(())
    });
    scanned.map_err(io::Error::other)?;
    for ((origin, size), seen) in found {
        let log = node.witness.files.log(&origin);
        if log.link_from(size)?.is_none() {
            log.see(Source::Receipt, &seen)?;
        }
    }
    node.witness.files.set_scanned(until)
}

/// Whose receipt a record encloses, and the checkpoint that it stands under.
fn receipt_of(content: &Content) -> Option<(AuthorityId, Vec<u8>)> {
    let record = record::decode(&content.record).ok()?;
    let wanted = record.digests.iter().find(|digest| digest.name == "receipt")?.sha256;
    let bytes = content.enclosures.iter().find(|bytes| sha256(bytes) == wanted)?;
    let parts = receipt::decode(bytes).ok()?;
    let proof = TlogProof::parse(parts.proof.as_bytes()).ok()?;
    Some((record.counterpart?, proof.checkpoint().as_bytes().to_vec()))
}
