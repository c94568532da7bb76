//! A custody log as a folder of tiles (C2SP tlog-tiles): recomputes the tree from the entries, compares every tile of the
//! checkpoint's size with it, and the root with what the checkpoint says. Refuses a log that misses a tile.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::bag::folder::Progress;
use crate::bag::verdict::{Findings, Verdict};
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::custody::edge::Edge;
use crate::custody::note::{Note, VerifierKey};
use crate::custody::parts::MerkleTree;
use crate::custody::tile::{Kind, TILE_WIDTH, Tile, decode_entries, decode_hashes};
use crate::custody::tree::leaf_hash;
use crate::model::ident::Digest;
use crate::model::limits::NOTE_BYTES_MAX;

/// Largest bundle: 256 entries of 65,535 bytes with their lengths.
const BUNDLE_BYTES_MAX: usize = 256 * 65_537;

/// Verifies the log in that folder. Keys of the user's own count; without one, those that lie in the folder.
pub fn check(folder: &Path, given_keys: &[VerifierKey], progress: &mut dyn FnMut(Progress)) -> Verdict {
    let mut findings = Findings::default();
    if let Some(checkpoint) = check_checkpoint(folder, given_keys, &mut findings) {
        findings.tell(format!(
            "The log {} has {} entries under the root {}.",
            checkpoint.origin(),
            checkpoint.size(),
            checkpoint.root()
        ));
        let rebuilt = rebuild(folder, checkpoint.size(), progress);
        let what = "Every tile and bundle of the log is there and follows from the entries";
        if let Some(root) = findings.judge(what, None, rebuilt) {
            let same = if root == checkpoint.root() { Ok(()) } else { Err("the entries lead to another root") };
            findings.judge("The entries are those that the checkpoint was signed over", Some("checkpoint"), same);
        }
    }
    findings
        .limit("Entries are salted commitments; what the records say is in the journal or in a bag, not in the tiles.");
    findings.limit("Whether the log showed others another history is seen only by comparing checkpoints with them.");
    findings.verdict("log")
}

fn check_checkpoint(folder: &Path, given_keys: &[VerifierKey], findings: &mut Findings) -> Option<Checkpoint> {
    let what = "The checkpoint is signed by the log's key";
    let bytes = match read(folder, "checkpoint", NOTE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(why) => {
            findings.failed(what, Some("checkpoint"), why);
            return None;
        }
    };
    if !given_keys.is_empty() {
        let signed = findings.judge(what, Some("checkpoint"), SignedCheckpoint::open(&bytes, given_keys))?;
        return Some(signed.checkpoint().clone());
    }
    let keys = match keys_beside(folder) {
        Ok(keys) => keys,
        Err(why) => {
            findings.not_checked(what, Some("log.vkey"), format!("{why}; give the key with --log-key"));
            let note = Note::parse(&bytes).ok()?;
            return Checkpoint::parse(note.text()).ok();
        }
    };
    let signed = findings.judge(what, Some("checkpoint"), SignedCheckpoint::open(&bytes, &keys))?;
    findings.not_checked(
        "The key is the log's own",
        Some("log.vkey"),
        "the key came from the same folder, so it is only as good as its source; compare it with the directory and give \
         it with --log-key",
    );
    Some(signed.checkpoint().clone())
}

/// The verifier keys in `log.vkey` of that folder, one a line.
///
/// # Errors
/// Says what is wrong with the file.
pub fn keys_beside(folder: &Path) -> Result<Vec<VerifierKey>, String> {
    let bytes = read(folder, "log.vkey", NOTE_BYTES_MAX)?;
    let text = String::from_utf8(bytes).map_err(|_| "log.vkey is no text")?;
    let keys: Result<Vec<VerifierKey>, _> = text.lines().map(str::parse).collect();
    match keys {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        _ => Err("log.vkey holds no verifier key".to_owned()),
    }
}

/// The root over all entries, after comparing each tile on the way. Keeps one growing tile a level in memory.
fn rebuild(folder: &Path, size: u64, progress: &mut dyn FnMut(Progress)) -> Result<Digest, String> {
    let width = u64::from(TILE_WIDTH);
    let mut edge = Edge::new();
    let mut levels: Vec<Growing> = Vec::new();
    for index in 0..size.div_ceil(width) {
        let here = u16::try_from((size - index * width).min(width)).map_err(|_| "the size is too large")?;
        let tile = Tile::new(Kind::Entries, index, here).map_err(|error| error.to_string())?;
        let bytes = read(folder, &tile.path(), BUNDLE_BYTES_MAX)?;
        let entries = decode_entries(&tile, &bytes).map_err(|error| format!("{tile}: {error}"))?;
        for entry in entries {
            let leaf = leaf_hash(entry);
            edge.push(leaf);
            grow(folder, &mut levels, leaf)?;
        }
        progress(Progress { done_bytes: edge.size(), total_bytes: size });
    }
    for (level, growing) in levels.iter().enumerate().filter(|(_, growing)| !growing.hashes.is_empty()) {
        compare(folder, level, growing)?;
    }
    Ok(edge.root())
}

#[derive(Debug, Default)]
struct Growing {
    index: u64,
    hashes: Vec<Digest>,
}

fn grow(folder: &Path, levels: &mut Vec<Growing>, leaf: Digest) -> Result<(), String> {
    let mut hash = leaf;
    for level in 0.. {
        if levels.len() <= level {
            levels.push(Growing::default());
        }
        let Some(growing) = levels.get_mut(level) else { break };
        growing.hashes.push(hash);
        if growing.hashes.len() < usize::from(TILE_WIDTH) {
            break;
        }
        compare(folder, level, growing)?;
        hash = MerkleTree::of(std::mem::take(&mut growing.hashes)).root();
        growing.index += 1;
    }
    Ok(())
}

fn compare(folder: &Path, level: usize, growing: &Growing) -> Result<(), String> {
    let level = u8::try_from(level).map_err(|_| "the log has too many levels")?;
    let width = u16::try_from(growing.hashes.len()).map_err(|_| "a tile is too wide")?;
    let tile = Tile::new(Kind::Hashes { level }, growing.index, width).map_err(|error| error.to_string())?;
    let bytes = read(folder, &tile.path(), usize::from(TILE_WIDTH) * 32)?;
    let found = decode_hashes(&tile, &bytes).map_err(|error| format!("{tile}: {error}"))?;
    if found == growing.hashes { Ok(()) } else { Err(format!("{tile} does not follow from the entries below it")) }
}

/// A file of a folder within its bound.
///
/// # Errors
/// Says which file could not be read.
pub fn read(folder: &Path, name: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let path = folder.join(name);
    // A pipe or device in the place of a file would never end.
    let is_file = std::fs::metadata(&path).map_err(|error| format!("{name}: {error}"))?.is_file();
    if !is_file {
        return Err(format!("{name} is no plain file"));
    }
    let file = File::open(&path).map_err(|error| format!("{name}: {error}"))?;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() > bytes_max { Err(format!("{name} is larger than {bytes_max} bytes")) } else { Ok(bytes) }
}
