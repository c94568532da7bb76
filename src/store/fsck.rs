//! The full check of a custody directory against its journal, and the repair of what is derived. Never writes to the journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::custody::note::VerifierKey;
use crate::custody::tile::Tile;
use crate::store::derive::{self, Depth, DeriveError};
use crate::store::files::read_if_there;
use crate::store::journal::{Journal, encode_offsets, offsets_name};
use crate::store::lock::{DirLock, LockError};
use crate::store::recovery::{Recovered, Tear, recover, written_bytes};
use crate::store::restore::{RestoreError, published_checkpoint};
use crate::store::segment::{Access, JournalError, SEGMENT_HEADER_BYTES, Segment, Step};
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
    /// Derived files that are not what the journal says; at most 32 are named.
    pub wrong_files: Vec<String>,
    /// How many there are in all.
    pub wrong_files_count: u64,
    /// Whether they were written anew.
    pub repaired: bool,
}

impl Report {
    /// Whether nothing is wrong, or nothing any more.
    pub fn is_sound(&self) -> bool {
        self.first_bad.is_none() && (self.wrong_files_count == 0 || self.repaired)
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
pub fn fsck(custody_dir: &Path, key: &VerifierKey, mode: Mode) -> Result<Report, FsckError> {
    let _lock = match mode {
        Mode::Report => DirLock::shared(custody_dir)?,
        Mode::RepairDerived => DirLock::exclusive(custody_dir)?,
    };
    let mut report = Report::default();
    let files = TileFiles::new(custody_dir);
    let published = published_checkpoint(&files, key)?;
    report.published = published.as_ref().map_or(0, |signed| signed.checkpoint().size());
    let journal_dir = custody_dir.join("journal");
    let recovered = match recover(&journal_dir, key, report.published, Access::ReadOnly) {
        Err(JournalError::Damaged { index, path }) => return Ok(damaged(report, index, &path)),
        recovered => recovered?,
    };
    report.tear = recovered.tear;
    let journal = Journal::new(&journal_dir, &recovered, Access::ReadOnly);
    let derived = match derive::tree(&journal, key, Depth::Signatures, report.published) {
        Err(DeriveError::Journal(JournalError::Damaged { index, path })) => {
            return Ok(damaged(report, index, &path));
        }
        Err(DeriveError::Mismatch { index }) => {
            report.first_bad = Some((index, "from here on the entries are not those that were signed".to_owned()));
            return Ok(report);
        }
        derived => derived?,
    };
    (report.entries, report.checkpoints) = (derived.edge.size(), derived.checkpoints);
    if report.published > report.entries {
        let message = format!("{} entries were published; the rest is missing", report.published);
        report.first_bad = Some((report.entries, message));
        return Ok(report);
    }
    if published.as_ref().is_some_and(|signed| derived.root_at != Some(signed.checkpoint().root())) {
        report.first_bad = Some((0, "the published checkpoint signs another history".to_owned()));
        return Ok(report);
    }
    check_segments(&journal_dir, &recovered, mode, &mut report)?;
    if report.first_bad.is_none() {
        check_tiles(&journal, &files, &recovered, mode, &mut report)?;
    }
    report.repaired = mode == Mode::RepairDerived && report.first_bad.is_none() && report.wrong_files_count > 0;
    Ok(report)
}

fn damaged(mut report: Report, index: u64, path: &Path) -> Report {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    report.first_bad = Some((index, format!("not intact in segment {name}")));
    report
}

/// Behind the last frame of a sealed segment there are zeros, and its offset file says where its entries begin.
fn check_segments(dir: &Path, recovered: &Recovered, mode: Mode, report: &mut Report) -> Result<(), FsckError> {
    let sealed = recovered.segments.split_last().map_or(&[][..], |(_, sealed)| sealed);
    for first in sealed {
        let segment = Segment::open(dir, *first, Access::ReadOnly)?;
        let fault = |source| segment.fault(source);
        let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
        let mut offsets = Vec::new();
        while let Step::Frame { offset, frame } = frames.step().map_err(fault)? {
            if frame.commitment().is_some() {
                offsets.push(u32::try_from(offset).map_err(|_| segment.damaged(*first))?);
            }
        }
        if written_bytes(segment.file(), frames.offset()).map_err(fault)? > 0 {
            *report = damaged(report.clone(), first + offsets.len() as u64, segment.path());
            return Ok(());
        }
        let name = offsets_name(*first);
        let (path, bytes) = (dir.join(&name), encode_offsets(&offsets));
        let at = |source| FsckError::Io { path: path.clone(), source };
        if read_if_there(&path).map_err(at)?.as_ref() != Some(&bytes) {
            report.wrong(format!("journal/{name}"));
            if mode == Mode::RepairDerived {
                fs::write(&path, &bytes).map_err(at)?;
            }
        }
    }
    Ok(())
}

/// Reported against what is published, repaired up to what the journal holds.
fn check_tiles(
    journal: &Journal,
    files: &TileFiles,
    recovered: &Recovered,
    mode: Mode,
    report: &mut Report,
) -> Result<(), FsckError> {
    let fault = |source| FsckError::Io { path: files.dir().to_owned(), source };
    let size = match mode {
        Mode::Report => report.published,
        Mode::RepairDerived => report.entries,
    };
    derive::tiles::<FsckError, _>(journal, size, |tiles| {
        let differs = |(tile, bytes): &&(Tile, Vec<u8>)| files.read(tile).as_ref() != Some(bytes);
        let wrong: Vec<_> = tiles.iter().filter(differs).cloned().collect();
        wrong.iter().for_each(|(tile, _)| report.wrong(tile.path()));
        match mode {
            Mode::Report => Ok(()),
            Mode::RepairDerived => files.write(&wrong).map_err(fault),
        }
    })?;
    let Some(newest) = &recovered.checkpoint else { return Ok(()) };
    let current = files.published().map_err(fault)?;
    let stale = match mode {
        Mode::Report => current.is_none(),
        Mode::RepairDerived => current != Some(newest.to_bytes()),
    };
    if stale {
        report.wrong("checkpoint".to_owned());
        if mode == Mode::RepairDerived {
            files.publish(&newest.to_bytes()).map_err(fault)?;
            report.published = report.entries;
        }
    }
    Ok(())
}

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
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
