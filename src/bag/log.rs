//! A custody log as a folder of tiles (C2SP tlog-tiles): recomputes the tree from the entries, compares every tile of the
//! checkpoint's size with it, and the root with what the checkpoint says. Refuses a log that misses a tile.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::bag::folder::Progress;
use crate::bag::rotations;
use crate::bag::signers::{Form, Signers};
use crate::bag::verdict::{Findings, Verdict};
use crate::bag::verify::Given;
use crate::custody::checkpoint::Checkpoint;
use crate::custody::edge::Edge;
use crate::custody::frontier::Place;
use crate::custody::note::{Note, VerifierKey};
use crate::custody::parts::MerkleTree;
use crate::custody::tile::{Kind, TILE_WIDTH, Tile, decode_entries};
use crate::custody::tree::{empty_root, leaf_hash, node_hash, root};
use crate::exchange::rotation::Checked;
use crate::model::ident::Digest;
use crate::model::limits::NOTE_BYTES_MAX;

/// Largest bundle: 256 entries of 65,535 bytes with their lengths.
const BUNDLE_BYTES_MAX: usize = 256 * 65_537;

/// Verifies the log in that folder. Keys of the user's own and of a policy count; without one, those that lie in the folder.
pub fn check(folder: &Path, given: &Given, progress: &mut dyn FnMut(Progress)) -> Verdict {
    let mut findings = Findings::default();
    let rotations = rotations::beside(folder, &mut findings);
    if let Some((checkpoint, keys)) = check_checkpoint(folder, given, &rotations, &mut findings) {
        findings.tell(format!(
            "The log {} has {} entries under the root {}.",
            checkpoint.origin(),
            checkpoint.size(),
            checkpoint.root()
        ));
        let mut ends = rotations::Ends::of(&rotations, &keys, checkpoint.origin(), checkpoint.size());
        let rebuilt = rebuild(folder, checkpoint.size(), &mut ends, progress);
        let what = "Every tile and bundle of the log is there and follows from the entries";
        if let Some(root) = findings.judge(what, None, rebuilt) {
            let same = if root == checkpoint.root() { Ok(()) } else { Err("the entries lead to another root") };
            findings.judge("The entries are those that the checkpoint was signed over", Some("checkpoint"), same);
            ends.judge(&mut findings);
        }
    }
    findings
        .limit("Entries are salted commitments; what the records say is in the journal or in a bag, not in the tiles.");
    findings.limit("Whether the log showed others another history is seen only by comparing checkpoints with them.");
    findings.limit("Files of the folder that the checkpoint's size does not call for were not looked at.");
    findings.verdict("log")
}

/// What the checkpoint says, and the keys that were trusted for it.
fn check_checkpoint(
    folder: &Path,
    given: &Given,
    rotations: &[Checked],
    findings: &mut Findings,
) -> Option<(Checkpoint, Vec<VerifierKey>)> {
    let what = "The checkpoint is signed by the log's key";
    let bytes = match read(folder, "checkpoint", NOTE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(why) => {
            findings.failed(what, Some("checkpoint"), why);
            return None;
        }
    };
    let signers = match Signers::choose(&given.log_keys, given.policy.as_ref(), || keys_beside(folder)) {
        Ok(signers) => signers,
        Err(why) => {
            findings.not_checked(what, Some("log.vkey"), format!("{why}; give the key with --log-key"));
            let note = Note::parse(&bytes).ok()?;
            return Some((Checkpoint::parse(note.text()).ok()?, Vec::new()));
        }
    };
    let speaking = rotations::Speaking::of(signers.keys(), rotations);
    let (signed, keys) = findings.judge(what, Some("checkpoint"), speaking.open(&bytes))?;
    signers.tell(&signed, Form::Published(keys), Some("checkpoint"), findings);
    if signers.are_unproven() {
        findings.not_checked("The key is the log's own", Some("log.vkey"), UNPROVEN_KEY);
    }
    Some((signed.checkpoint().clone(), signers.keys().to_vec()))
}

/// What a key is worth that came with what it vouches for.
pub const UNPROVEN_KEY: &str = "the key came from the same folder, so it is only as good as its source; compare it with the \
     directory and give it with --log-key";

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

/// The root over all entries, after comparing each tile on the way. Keeps one growing tile a level in memory, and one bundle.
fn rebuild(
    folder: &Path,
    size: u64,
    ends: &mut rotations::Ends<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Digest, String> {
    // The roots on the way are asked for by rotations alone; without any, nobody pays for them.
    let mut edge = ends.are_awaited().then(Edge::new);
    let width = u64::from(TILE_WIDTH);
    let mut levels = Levels { folder, growing: Vec::new(), found: Vec::new() };
    let mut bundle = Vec::new();
    for index in 0..size.div_ceil(width) {
        let here = u16::try_from((size - index * width).min(width)).map_err(|_| "the size is too large")?;
        let tile = Tile::new(Kind::Entries, index, here).map_err(|error| error.to_string())?;
        read_into(folder, &tile.path(), BUNDLE_BYTES_MAX, &mut bundle)?;
        let entries = decode_entries(&tile, &bundle).map_err(|error| format!("{tile}: {error}"))?;
        for entry in entries {
            let leaf = leaf_hash(entry);
            if let Some(edge) = &mut edge {
                edge.push(leaf);
                ends.pass(edge);
            }
            levels.push(leaf)?;
        }
        progress(Progress { done: (index * width + u64::from(here)).min(size), total: size });
    }
    levels.finish(size)
}

/// The growing tile of each level.
struct Levels<'f> {
    folder: &'f Path,
    growing: Vec<Growing>,
    /// The bytes of the file that is being compared.
    found: Vec<u8>,
}

#[derive(Debug, Default)]
struct Growing {
    index: u64,
    hashes: Vec<Digest>,
}

impl Levels<'_> {
    /// Appends a leaf; tiles that become full are compared with their files and give their roots to the level above.
    fn push(&mut self, leaf: Digest) -> Result<(), String> {
        let mut hash = leaf;
        for level in 0.. {
            if self.growing.len() <= level {
                self.growing.push(Growing { index: 0, hashes: Vec::with_capacity(usize::from(TILE_WIDTH)) });
            }
            let Some(growing) = self.growing.get_mut(level) else { break };
            growing.hashes.push(hash);
            if growing.hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            compare(self.folder, level, growing, &mut self.found)?;
            hash = full_root(&mut growing.hashes);
            growing.hashes.clear();
            growing.index += 1;
        }
        Ok(())
    }

    /// Compares the partial tiles and gives the root.
    fn finish(mut self, size: u64) -> Result<Digest, String> {
        for (level, growing) in self.growing.iter().enumerate().filter(|(_, growing)| !growing.hashes.is_empty()) {
            compare(self.folder, level, growing, &mut self.found)?;
        }
        // Every complete subtree at the right edge stands in a growing tile.
        let trees: Vec<_> = self.growing.into_iter().map(|level| (level.index, MerkleTree::of(level.hashes))).collect();
        let node = |level, index| {
            let place = Place::of(level, index);
            let (tile, tree) = trees.get(usize::from(place.tile_level))?;
            if *tile == place.tile { tree.node(place.row, place.column) } else { None }
        };
        root(size, node).map_err(|error| error.to_string())
    }
}

/// The root of a full tile, folded in its own place.
fn full_root(hashes: &mut Vec<Digest>) -> Digest {
    while hashes.len() > 1 {
        for place in 0..hashes.len() / 2 {
            let (Some(left), Some(right)) = (hashes.get(2 * place), hashes.get(2 * place + 1)) else { break };
            let joined = node_hash(left, right);
            if let Some(to) = hashes.get_mut(place) {
                *to = joined;
            }
        }
        hashes.truncate(hashes.len() / 2);
    }
    hashes.first().copied().unwrap_or_else(empty_root)
}

fn compare(folder: &Path, level: usize, growing: &Growing, found: &mut Vec<u8>) -> Result<(), String> {
    let level = u8::try_from(level).map_err(|_| "the log has too many levels")?;
    let width = u16::try_from(growing.hashes.len()).map_err(|_| "a tile is too wide")?;
    let tile = Tile::new(Kind::Hashes { level }, growing.index, width).map_err(|error| error.to_string())?;
    read_into(folder, &tile.path(), usize::from(TILE_WIDTH) * 32, found)?;
    let same = found.len() == growing.hashes.len() * 32
        && found.chunks_exact(32).zip(&growing.hashes).all(|(found, hash)| found == hash.0);
    if same { Ok(()) } else { Err(format!("{tile} does not follow from the entries below it")) }
}

/// A file of a folder within its bound.
///
/// # Errors
/// Says which file could not be read.
pub fn read(folder: &Path, name: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    read_into(folder, name, bytes_max, &mut bytes)?;
    Ok(bytes)
}

/// The same into a buffer, whose old content goes.
fn read_into(folder: &Path, name: &str, bytes_max: usize, bytes: &mut Vec<u8>) -> Result<(), String> {
    bytes.clear();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let path = folder.join(name);
    // A pipe or device in the place of a file would never end.
    let is_file = std::fs::metadata(&path).map_err(|error| format!("{name}: {error}"))?.is_file();
    if !is_file {
        return Err(format!("{name} is no plain file"));
    }
    let file = File::open(&path).map_err(|error| format!("{name}: {error}"))?;
    file.take(limit).read_to_end(bytes).map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() > bytes_max { Err(format!("{name} is larger than {bytes_max} bytes")) } else { Ok(()) }
}
