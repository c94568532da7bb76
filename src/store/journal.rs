//! The journal as its readers see it: any acknowledged entry by its index, or all of them in order. Shows nothing that is not acknowledged.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::custody::leaf::SALT_BYTES;
use crate::model::ident::Digest;
use crate::store::frame::{Frame, enclosures};
use crate::store::recovery::Recovered;
use crate::store::segment::{Access, JournalError, SEGMENT_HEADER_BYTES, Segment, Step};

/// The acknowledged entries on disk. Shared by the writer, which tells it of each durable batch, and the readers.
///
/// ```text
/// journal/00000000000000000000.seg   frames
/// journal/00000000000000000000.idx   for each entry of that segment the offset of its frame, u64; derived
/// journal/00000000000000123456.seg   the last one; its offsets are in memory
/// ```
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    access: Access,
    state: RwLock<State>,
    /// Held by a reader while it reads one frame, and by an erasure while it overwrites one: nobody sees half of each.
    overwriting: RwLock<()>,
}

/// Where the frame of an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The segment, by its first index.
    pub segment: u64,
    /// Where in it the frame begins.
    pub offset: u64,
}

#[derive(Debug)]
struct State {
    segments: Vec<u64>,
    /// Where each entry of the last segment begins.
    offsets: Vec<u32>,
    size: u64,
}

/// An entry read back. Its CRC was checked; that its commitment stands in the tree is the ledger's check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the log.
    pub index: u64,
    /// The commitment to its record: made anew from salt and record, or the one that an erasure left.
    pub commitment: Digest,
    /// What it says; `None` once erased.
    pub content: Option<Content>,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The salt of the commitment.
    pub salt: [u8; SALT_BYTES],
    /// The exact bytes of the record.
    pub record: Vec<u8>,
    /// What was enclosed and not erased. Covered by the CRC; the record is to name their digests.
    pub enclosures: Vec<Vec<u8>>,
    /// How many more there were, which an erasure took.
    pub enclosures_erased: usize,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Content({} bytes, {} enclosures)", self.record.len(), self.enclosures.len())
    }
}

impl Journal {
    /// The journal in `dir` as recovery found it.
    pub fn new(dir: &Path, recovered: &Recovered, access: Access) -> Self {
        let size = recovered.checkpoint.as_ref().map_or(0, |signed| signed.checkpoint().size());
        let (segments, offsets) = (recovered.segments.clone(), recovered.offsets.clone());
        let state = RwLock::new(State { segments, offsets, size });
        Self { dir: dir.to_owned(), access, state, overwriting: RwLock::default() }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many entries are acknowledged.
    pub fn size(&self) -> u64 {
        self.state().size
    }

    /// The first indices of its segments.
    pub fn segments(&self) -> Vec<u64> {
        self.state().segments.clone()
    }

    /// Reads one entry; `None` if the log is shorter.
    pub fn read(&self, index: u64) -> Result<Option<Stored>, JournalError> {
        let Some((first, offset)) = self.locate(index)? else { return Ok(None) };
        let _whole = self.whole();
        let segment = Segment::open(&self.dir, first, Access::ReadOnly)?;
        if let Some(stored) = entry_at(&segment, offset, index)? {
            return Ok(Some(stored));
        }
        // The offset came from a derived file, which may be damaged. Ask the segment itself.
        let offsets = self.derive_offsets(&segment)?;
        let place = usize::try_from(index - first).ok().and_then(|place| offsets.get(place));
        let offset = u64::from(*place.ok_or_else(|| segment.damaged(index))?);
        entry_at(&segment, offset, index)?.map(Some).ok_or_else(|| segment.damaged(index))
    }

    /// Shows the frames of the entries from `from` on, and the checkpoints between them, in order, until the newest
    /// acknowledged one or until `visit` breaks off. An error if one of them is not intact.
    pub fn scan<F>(&self, from: u64, mut visit: F) -> Result<(), JournalError>
    where
        F: FnMut(Frame<'_>) -> ControlFlow<()>,
    {
        let (size, segments) = (self.size(), self.segments());
        let Some((first, mut offset)) = self.locate_or_start(from)? else { return Ok(()) };
        let mut next = from;
        for (number, segment_first) in segments.iter().enumerate() {
            if *segment_first < first {
                continue;
            }
            let segment = Segment::open(&self.dir, *segment_first, Access::ReadOnly)?;
            let stop = segments.get(number + 1).copied().unwrap_or(size).min(size);
            let mut frames = segment.frames(offset);
            offset = SEGMENT_HEADER_BYTES as u64;
            loop {
                let whole = self.whole();
                let step = frames.step().map_err(|error| segment.fault(error))?;
                drop(whole);
                match step {
                    Step::Frame {
                        frame: frame @ (Frame::Entry { index, .. } | Frame::Erased { index, .. }), ..
                    } if index == next && next < stop => {
                        next += 1;
                        if visit(frame).is_break() {
                            return Ok(());
                        }
                    }
                    Step::Frame { frame: frame @ Frame::Checkpoint { size, .. }, .. } if size == next => {
                        if visit(frame).is_break() {
                            return Ok(());
                        }
                    }
                    _ if next == stop => break,
                    _ => return Err(segment.damaged(next)),
                }
            }
        }
        Ok(())
    }

    /// Where the frame of an entry stands; `None` if the log is shorter.
    pub fn place(&self, index: u64) -> Result<Option<Place>, JournalError> {
        Ok(self.locate(index)?.map(|(segment, offset)| Place { segment, offset }))
    }

    /// Keeps every reader out while one frame is overwritten.
    pub(super) fn overwriting(&self) -> RwLockWriteGuard<'_, ()> {
        self.overwriting.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self) -> RwLockReadGuard<'_, ()> {
        self.overwriting.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the readers of a durable batch: where its entries begin in the last segment, and the size it makes.
    pub fn grow(&self, offsets: &[u32], size: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.offsets.extend_from_slice(offsets);
        state.size = size;
    }

    /// Tells the readers of a new last segment, and leaves the offsets of the one before in its `.idx`.
    pub fn rotate(&self, first: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let offsets = std::mem::take(&mut state.offsets);
        let before = state.segments.last().copied().filter(|before| *before != first);
        if state.segments.last() != Some(&first) {
            state.segments.push(first);
        }
        drop(state);
        if let Some(before) = before {
            // Derived: if it cannot be written now, the next reader derives it.
            let _ = write_offsets(&self.dir, before, &offsets);
        }
    }

    /// The offsets of a sealed segment from its frames; written to its `.idx` where that is allowed.
    pub fn derive_offsets(&self, segment: &Segment) -> Result<Vec<u32>, JournalError> {
        let mut offsets = Vec::new();
        let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
        while let Step::Frame { offset, frame } = frames.step().map_err(|error| segment.fault(error))? {
            if frame.commitment().is_some() {
                let next = segment.first() + offsets.len() as u64;
                offsets.push(u32::try_from(offset).map_err(|_| segment.damaged(next))?);
            }
        }
        if self.access == Access::ReadWrite && self.segments().last() != Some(&segment.first()) {
            let _ = write_offsets(&self.dir, segment.first(), &offsets);
        }
        Ok(offsets)
    }

    fn locate_or_start(&self, index: u64) -> Result<Option<(u64, u64)>, JournalError> {
        match self.locate(index)? {
            Some(place) => Ok(Some(place)),
            // Behind the last entry there may still be a checkpoint to show, of the log without entries.
            None if index == 0 => Ok(self.segments().first().map(|first| (*first, SEGMENT_HEADER_BYTES as u64))),
            None => Ok(None),
        }
    }

    /// The segment and the offset of an entry.
    fn locate(&self, index: u64) -> Result<Option<(u64, u64)>, JournalError> {
        let state = self.state();
        if index >= state.size {
            return Ok(None);
        }
        let number = state.segments.partition_point(|first| *first <= index);
        let segments = state.segments.get(..number).unwrap_or_default();
        let Some(first) = segments.last().copied() else { return Ok(None) };
        let place = index - first;
        if number == state.segments.len() {
            let offset = usize::try_from(place).ok().and_then(|place| state.offsets.get(place));
            return Ok(offset.map(|offset| (first, u64::from(*offset))));
        }
        drop(state);
        let mut bytes = [0; 8];
        let read =
            File::open(self.dir.join(offsets_name(first))).and_then(|file| file.read_exact_at(&mut bytes, place * 8));
        let offset = u64::from_be_bytes(bytes);
        let _whole = self.whole();
        if read.is_ok() && u32::try_from(offset).is_ok() {
            let segment = Segment::open(&self.dir, first, Access::ReadOnly)?;
            // Only an offset at which that very entry stands is believed.
            if entry_at(&segment, offset, index)?.is_some() {
                return Ok(Some((first, offset)));
            }
        }
        let segment = Segment::open(&self.dir, first, Access::ReadOnly)?;
        let offsets = self.derive_offsets(&segment)?;
        let offset = usize::try_from(place).ok().and_then(|place| offsets.get(place).copied());
        offset.map(|offset| Some((first, u64::from(offset)))).ok_or_else(|| segment.damaged(index))
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry as its own value.
pub fn stored(frame: &Frame<'_>) -> Option<Stored> {
    let commitment = frame.commitment()?;
    match frame {
        Frame::Entry { index, salt, record, enclosures: enclosed } => {
            let parts = enclosures(enclosed).ok()?;
            let enclosures_erased = parts.iter().filter(|part| part.is_none()).count();
            let enclosures = parts.into_iter().flatten().map(<[u8]>::to_vec).collect();
            let content = Content { salt: **salt, record: record.to_vec(), enclosures, enclosures_erased };
            Some(Stored { index: *index, commitment, content: Some(content) })
        }
        Frame::Erased { index, .. } => Some(Stored { index: *index, commitment, content: None }),
        Frame::Checkpoint { .. } => None,
    }
}

/// The name of the derived file of offsets.
pub fn offsets_name(first: u64) -> String {
    format!("{first:020}.idx")
}

/// The bytes of the derived file of offsets.
pub fn encode_offsets(offsets: &[u32]) -> Vec<u8> {
    offsets.iter().flat_map(|offset| u64::from(*offset).to_be_bytes()).collect()
}

fn write_offsets(dir: &Path, first: u64, offsets: &[u32]) -> std::io::Result<()> {
    let path = dir.join(offsets_name(first));
    let temporary = path.with_extension("idx.tmp");
    fs::write(&temporary, encode_offsets(offsets))?;
    fs::rename(temporary, path)
}

fn entry_at(segment: &Segment, offset: u64, index: u64) -> Result<Option<Stored>, JournalError> {
    let mut frames = segment.frame(offset);
    match frames.step().map_err(|error| segment.fault(error))? {
        Step::Frame { frame, .. } => Ok(stored(&frame).filter(|stored| stored.index == index)),
        Step::Blank { .. } | Step::Bad { .. } => Ok(None),
    }
}
