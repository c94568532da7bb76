//! The full check of a custody directory against its journal, and the repair of what is derived. Never writes to the journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::frontier::Frontier;
use crate::custody::history::LogKeys;
use crate::custody::note::VerifierKey;
use crate::custody::tile::{TILE_WIDTH, Tile};
use crate::model::ident::Digest;
use crate::store::audit::{Audit, Beside, Damage, Derived, Watch};
use crate::store::derive::{self, DeriveError, held};
use crate::store::erasure_intent::Intent;
use crate::store::files::read_if_there;
use crate::store::journal::{Journal, encode_offsets, offsets_name};
use crate::store::lock::{DirLock, LockError};
use crate::store::recovery::{Recovered, Tear, recover};
use crate::store::restore::{RestoreError, published_checkpoint};
use crate::store::rotations;
use crate::store::segment::{Access, JournalError, Segment, list};
use crate::store::tiles::TileFiles;

/// How many paths a report names.
const PATHS_NAMED_MAX: usize = 32;

/// What to do about derived files that are not what the journal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only tell.
    Report,
    /// Write tiles, bundles, the checkpoint and the offset files anew.
    RepairDerived,
    /// Only tell, without a lock: a node may be writing. What is published is looked at; what it appends meanwhile is not.
    BesideTheNode,
}

/// What the check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Acknowledged entries that are intact: CRC, commitment, and place in the signed tree.
    pub entries: u64,
    /// Checkpoints whose signature and root hold.
    pub checkpoints: u64,
    /// Entries that the published checkpoint covers.
    pub published: u64,
    /// A batch that was never acknowledged; the next start cuts it.
    pub tear: Option<Tear>,
    /// The first entry that is not intact, and what is wrong. The journal must be restored from a backup.
    pub first_bad: Option<(u64, String)>,
    /// The same with what is still proven before it, and what can still be read behind it.
    pub damage: Option<Damage>,
    /// Derived files that are not what the journal says; at most 32 are named.
    pub wrong_files: Vec<String>,
    /// How many there are in all.
    pub wrong_files_count: u64,
    /// The published checkpoint is not signed by every key of the log; the next start of the node mends it.
    pub lines_missing: bool,
    /// Whether they were written anew.
    pub repaired: bool,
}

impl Report {
    /// Whether nothing is wrong, or nothing any more.
    pub fn is_sound(&self) -> bool {
        self.first_bad.is_none() && !self.lines_missing && (self.wrong_files_count == 0 || self.repaired)
    }

    /// The published checkpoint lacks the line of one of the log's keys, or it does not hold. It is written anew
    /// by whoever has the keys.
    pub fn second_line_missing(&mut self) {
        self.lines_missing = true;
    }

    /// The published checkpoint got its lines again.
    pub fn signed_again(&mut self) {
        self.wrong("checkpoint".to_owned());
        self.repaired = true;
    }

    fn wrong(&mut self, path: String) {
        self.wrong_files_count += 1;
        if self.wrong_files.len() < PATHS_NAMED_MAX {
            self.wrong_files.push(path);
        }
    }
}

/// Checks everything below `custody_dir`: each frame's CRC, each commitment, the tree against each checkpoint and its
/// signature, each byte behind the last frame, each tile, bundle and offset file against what the journal gives.
///
/// # Errors
/// [`FsckError`] when the check itself could not be made.
pub fn fsck(custody_dir: &Path, key: &VerifierKey, mode: Mode) -> Result<Report, FsckError> {
    check(custody_dir, key, mode, &mut ())
}

/// [`fsck`], shown to a watcher entry by entry.
///
/// # Errors
/// [`FsckError`] when the check itself could not be made.
pub fn check(custody_dir: &Path, key: &VerifierKey, mode: Mode, watch: &mut dyn Watch) -> Result<Report, FsckError> {
    let _lock = match mode {
        Mode::Report => Some(DirLock::shared(custody_dir)?),
        Mode::RepairDerived => Some(DirLock::exclusive(custody_dir)?),
        Mode::BesideTheNode => None,
    };
    if Intent::is_there(custody_dir) {
        return Err(FsckError::Erasing);
    }
    let files = TileFiles::new(custody_dir);
    let mut report = Report::default();
    let at = |source| FsckError::Io { path: custody_dir.to_owned(), source };
    let keys = &rotations::keys(custody_dir, key).map_err(at)?;
    let published = match published_checkpoint(&files, keys) {
        Err(RestoreError::OtherKey) if mode == Mode::Report => {
            report.wrong("checkpoint".to_owned());
            None
        }
        published => published?,
    };
    report.published = published.as_ref().map_or(0, |signed| signed.checkpoint().size());
    let dir = custody_dir.join("journal");
    let end = End::find(&dir, keys, mode, report.published)?;
    report.tear = end.recovered.as_ref().and_then(|recovered| recovered.tear);
    let beside = if mode == Mode::BesideTheNode { Beside::TheNode } else { Beside::Nobody };
    let audit = Audit { dir: &dir, files: &files, keys, size: end.size, beside };
    let compared = if published.is_some() { report.published } else { end.size };
    let mut compare = Compare { dir: &dir, files: &files, size: compared, beside, report: &mut report };
    let walked = audit.walk(&end.segments, compared, watch, &mut compare)?;
    (report.entries, report.checkpoints) = (walked.entries, walked.checkpoints);
    report.damage = walked.damage.or(end.damage);
    if report.damage.is_none() {
        report.damage = against_published(&report, published.as_ref(), walked.root_at);
    }
    if report.damage.is_some() && Intent::is_there(custody_dir) {
        // The running node is overwriting an erased record: half of one is no damage.
        return Err(FsckError::Erasing);
    }
    report.first_bad = report.damage.as_ref().map(|damage| (damage.index, damage.why.clone()));
    if report.first_bad.is_none() {
        match (&end.recovered, mode) {
            (Some(recovered), Mode::Report) => told_stale(&files, recovered, &mut report)?,
            (Some(recovered), Mode::RepairDerived) => repair(&dir, &files, keys, recovered, &mut report)?,
            _ => {}
        }
    }
    Ok(report)
}

fn against_published(report: &Report, published: Option<&SignedCheckpoint>, root_at: Option<Digest>) -> Option<Damage> {
    let published = published?.checkpoint();
    let damage = |index, why: String| Some(Damage { index, why, proven: index, next_intact: None });
    if published.size() > report.entries {
        return damage(report.entries, format!("{} entries were published; the rest is missing", published.size()));
    }
    if root_at == Some(published.root()) {
        None
    } else {
        damage(0, "the published checkpoint signs another history".to_owned())
    }
}

/// Where the walk ends.
struct End {
    segments: Vec<u64>,
    /// Entries that are acknowledged; of a running node those that are published.
    size: u64,
    recovered: Option<Recovered>,
    /// What is wrong at the end of the journal, unless the walk finds something before it.
    damage: Option<Damage>,
}

impl End {
    fn find(dir: &Path, keys: &LogKeys, mode: Mode, published: u64) -> Result<Self, FsckError> {
        let segments = || list(dir).map_err(|source| FsckError::Io { path: dir.to_owned(), source });
        if mode == Mode::BesideTheNode {
            return Ok(Self { segments: segments()?, size: published, recovered: None, damage: None });
        }
        match recover(dir, keys, published, Access::ReadOnly) {
            Ok(recovered) => {
                let size = recovered.checkpoint.as_ref().map_or(0, |signed| signed.checkpoint().size());
                Ok(Self { segments: recovered.segments.clone(), size, recovered: Some(recovered), damage: None })
            }
            Err(JournalError::Damaged { index, path }) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let why = format!("not intact in segment {name}");
                let damage = Damage { index, why, proven: 0, next_intact: None };
                Ok(Self { segments: segments()?, size: u64::MAX, recovered: None, damage: Some(damage) })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Holds the files against what the walk makes anew.
struct Compare<'a> {
    dir: &'a Path,
    files: &'a TileFiles,
    /// Entries whose tiles are compared.
    size: u64,
    beside: Beside,
    report: &'a mut Report,
}

impl Compare<'_> {
    fn tiles(&mut self, tiles: &[(Tile, Vec<u8>)]) {
        for (tile, bytes) in tiles {
            if self.files.read(tile).as_ref() != Some(bytes) && !self.has_grown(tile, bytes) {
                self.report.wrong(tile.path());
            }
        }
    }

    /// Beside a running node a partial tile may have become full, and gone.
    fn has_grown(&self, tile: &Tile, bytes: &[u8]) -> bool {
        let full = Tile::new(tile.kind(), tile.index(), TILE_WIDTH).ok().filter(|_| self.beside == Beside::TheNode);
        full.and_then(|full| self.files.read(&full)).is_some_and(|full| full.starts_with(bytes))
    }
}

impl Derived for Compare<'_> {
    fn grown(&mut self, frontier: &mut Frontier) {
        let (size, width) = (frontier.size(), u64::from(TILE_WIDTH));
        if size.is_multiple_of(width) {
            if size <= self.size {
                self.tiles(&held(frontier, size - width, Tile::is_full));
            }
            frontier.release(size);
        }
        if size == self.size {
            self.tiles(&held(frontier, 0, |tile| !tile.is_full()));
        }
    }

    fn sealed(&mut self, first: u64, offsets: &[u32]) {
        let name = offsets_name(first);
        let found = read_if_there(&self.dir.join(&name)).ok().flatten();
        // Beside a running node it may be about to be written: it is made when it is first asked for.
        let absent = found.is_none() && self.beside == Beside::TheNode;
        if found.as_ref() != Some(&encode_offsets(offsets)) && !absent {
            self.report.wrong(format!("journal/{name}"));
        }
    }
}

/// A log whose checkpoint file is gone cannot be looked at by strangers.
fn told_stale(files: &TileFiles, recovered: &Recovered, report: &mut Report) -> Result<(), FsckError> {
    let fault = |source| FsckError::Io { path: files.dir().to_owned(), source };
    if recovered.checkpoint.is_some() && files.published().map_err(fault)?.is_none() {
        report.wrong("checkpoint".to_owned());
    }
    Ok(())
}

/// Writes what is derived, up to what the journal holds; it was just proven.
fn repair(
    dir: &Path,
    files: &TileFiles,
    keys: &LogKeys,
    recovered: &Recovered,
    report: &mut Report,
) -> Result<(), FsckError> {
    let fault = |source| FsckError::Io { path: files.dir().to_owned(), source };
    let journal = Journal::new(dir, recovered, Access::ReadOnly);
    let mut fresh = 0;
    derive::tiles::<FsckError, _>(&journal, report.entries, |tiles| {
        let differs = |(tile, bytes): &&(Tile, Vec<u8>)| files.read(tile).as_ref() != Some(bytes);
        let wrong: Vec<_> = tiles.iter().filter(differs).cloned().collect();
        fresh += wrong.len();
        files.write(&wrong).map_err(fault)
    })?;
    for first in recovered.segments.split_last().map_or(&[][..], |(_, sealed)| sealed) {
        let path = dir.join(offsets_name(*first));
        let bytes = encode_offsets(&journal.derive_offsets(&Segment::open(dir, *first, Access::ReadOnly)?)?);
        let at = |source| FsckError::Io { path: path.clone(), source };
        if read_if_there(&path).map_err(at)?.as_ref() != Some(&bytes) {
            fs::write(&path, &bytes).map_err(at)?;
        }
    }
    let Some(newest) = &recovered.checkpoint else { return Ok(()) };
    let current = published_checkpoint(files, keys)?;
    // The published note may have further lines; the next start adds them where they are missing.
    if current.is_none_or(|current| current.checkpoint() != newest.checkpoint()) {
        report.wrong("checkpoint".to_owned());
        files.publish(&newest.to_bytes()).map_err(fault)?;
        report.published = report.entries;
    }
    report.repaired = fresh > 0 || report.wrong_files_count > 0;
    Ok(())
}

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// An erasure was cut short: a record may be half overwritten, which is no damage.
    #[error(
        "an erasure was cut short; start the node once, or run `rogatory index rebuild`: that finishes it; then check"
    )]
    Erasing,
    /// A daemon uses the directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal cannot be read, or is of a newer version.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tree cannot be made.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The published checkpoint is another log's.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
