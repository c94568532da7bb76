//! What a start does with the journal: finds the last acknowledged batch, cuts what was never acknowledged, refuses what was lost.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::history::LogKeys;
use crate::model::limits::NOTE_BYTES_MAX;
use crate::store::frame::{FRAME_HEADER_BYTES, Frame, body_bytes, decode, may_be_checkpoint};
use crate::store::segment::{Access, JournalError, SEGMENT_HEADER_BYTES, Segment, Step, list};

const SECTOR_BYTES: usize = 512;
const BLOCK_BYTES: usize = 4_096;
static BLANK: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
const WINDOW_BYTES: usize = 1024 * 1024;

/// What the journal holds and where it goes on.
#[derive(Debug)]
pub struct Recovered {
    /// The first indices of all segments, in order; empty for a new log.
    pub segments: Vec<u64>,
    /// Where each entry of the last segment begins.
    pub offsets: Vec<u32>,
    /// Where the next frame goes in the last segment.
    pub end: u64,
    /// The newest durable checkpoint; `None` for a new log.
    pub checkpoint: Option<SignedCheckpoint>,
    /// What stood behind it.
    pub tear: Option<Tear>,
}

/// A batch that was begun and never acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tear {
    /// Entries before it: all that was acknowledged.
    pub size: u64,
    /// Bytes that were, or would be, cut.
    pub bytes: u64,
}

/// Reads the end of the journal.
///
/// An append writes one batch (entries, then the checkpoint that closes them), syncs, and only then acknowledges and
/// takes the next batch. So behind the last good checkpoint there can be at most one batch, and it is nobody's loss:
/// it is cut (zeroed, synced) before anything is appended, or a later crash could mistake its rest for a new batch.
/// Damage *before* a good checkpoint is a loss of acknowledged entries: an error that names the first of them.
///
/// One case looks like both: the closing checkpoint of the last batch is intact and an entry before it is not. The
/// disk may have persisted the later sector only (power loss before the sync returned), or the entry rotted later.
/// Where `published_size` covers the batch, it was acknowledged: an error. Otherwise it is cut if a whole sector of it
/// is still zero, as preallocation left it, and an error if not.
pub fn recover(dir: &Path, keys: &LogKeys, published_size: u64, access: Access) -> Result<Recovered, JournalError> {
    let fault = |source| JournalError::Io { path: dir.to_owned(), source };
    let segments = list(dir).map_err(fault)?;
    let mut recovered = Recovered { segments, offsets: Vec::new(), end: 0, checkpoint: None, tear: None };
    // Headers first: a segment of a newer version anywhere means that nothing may be touched.
    for first in &recovered.segments {
        Segment::open(dir, *first, Access::ReadOnly)?;
    }
    let Some((last, before)) = recovered.segments.split_last() else { return Ok(recovered) };
    let segment = Segment::open(dir, *last, access)?;
    if recovered.segments.first() != Some(&0) {
        return Err(segment.damaged(0));
    }
    let tail = examine(&segment, keys, published_size)?;
    recovered.checkpoint = tail.checkpoint;
    if let (None, Some(previous)) = (&recovered.checkpoint, before.last()) {
        // The last segment holds no whole batch yet: the one before it must end exactly where it begins.
        let previous = Segment::open(dir, *previous, Access::ReadOnly)?;
        let closed = examine(&previous, keys, u64::MAX)?;
        let size = closed.checkpoint.as_ref().map(|signed| signed.checkpoint().size());
        if size != Some(*last) || closed.torn_bytes > 0 {
            return Err(previous.damaged(size.unwrap_or(previous.first())));
        }
        recovered.checkpoint = closed.checkpoint;
    }
    if tail.torn_bytes > 0 {
        let size = recovered.checkpoint.as_ref().map_or(0, |signed| signed.checkpoint().size());
        recovered.tear = Some(Tear { size, bytes: tail.torn_bytes });
        if access == Access::ReadWrite {
            zero(segment.file(), tail.end, tail.torn_bytes).map_err(|error| segment.fault(error))?;
        }
    }
    if access == Access::ReadWrite {
        let settled = settle(segment.file(), tail.batch_at, tail.end);
        settled.map_err(|error| segment.fault(error))?;
    }
    recovered.offsets = tail.offsets;
    recovered.end = tail.end;
    Ok(recovered)
}

/// The end of one segment.
struct Tail {
    offsets: Vec<u32>,
    /// Where the last whole batch begins.
    batch_at: u64,
    end: u64,
    checkpoint: Option<SignedCheckpoint>,
    torn_bytes: u64,
}

fn examine(segment: &Segment, keys: &LogKeys, published_size: u64) -> Result<Tail, JournalError> {
    let mut scan = segment.frames(SEGMENT_HEADER_BYTES as u64);
    let mut offsets: Vec<u32> = Vec::new();
    let (mut closed, mut end) = (0, scan.offset());
    let mut batch_at = end;
    let mut note: Vec<u8> = Vec::new();
    loop {
        let next = segment.first() + offsets.len() as u64;
        match scan.step().map_err(|error| segment.fault(error))? {
            Step::Frame { offset, frame: Frame::Entry { index, .. } | Frame::Erased { index, .. } }
                if index == next =>
            {
                offsets.push(u32::try_from(offset).map_err(|_| segment.damaged(next))?);
            }
            Step::Frame { frame: Frame::Checkpoint { size, note: found }, .. } if size == next => {
                note.clear();
                note.extend_from_slice(found);
                closed = offsets.len();
                (batch_at, end) = (end, scan.offset());
            }
            // Blank, bad, or a frame that does not belong here.
            _ => break,
        }
    }
    let entries_seen = segment.first() + offsets.len() as u64;
    offsets.truncate(closed);
    let size = segment.first() + offsets.len() as u64;
    let checkpoint = if note.is_empty() { None } else { Some(open(segment, keys, &note, size)?) };
    let window = Window { file: segment.file(), end };
    let torn_bytes = written_bytes(segment.file(), end).map_err(|error| segment.fault(error))?;
    if torn_bytes > 0 {
        let later = window.checkpoints_after(size, keys, torn_bytes);
        match later.map_err(|error| segment.fault(error))?.as_slice() {
            [] => {}
            [only]
                if only.size > published_size
                    && window.has_blank_sector(only.offset).map_err(|e| segment.fault(e))? => {}
            _ => return Err(segment.damaged(entries_seen)),
        }
    }
    Ok(Tail { offsets, batch_at, end, checkpoint, torn_bytes })
}

fn open(segment: &Segment, keys: &LogKeys, note: &[u8], size: u64) -> Result<SignedCheckpoint, JournalError> {
    keys.open(note).ok().filter(|signed| signed.checkpoint().size() == size).ok_or_else(|| segment.damaged(size))
}

/// What stands behind the last good checkpoint of a segment.
struct Window<'f> {
    file: &'f File,
    end: u64,
}

struct Found {
    size: u64,
    offset: u64,
}

impl Window<'_> {
    /// Signed checkpoints of more than `size` entries. A record cannot hold one: nobody else signs with this key.
    fn checkpoints_after(&self, size: u64, keys: &LogKeys, bytes: u64) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let overlap = FRAME_HEADER_BYTES + NOTE_BYTES_MAX;
        let stop = self.end + bytes;
        windows(self.file, self.end, overlap, |chunk_at, chunk| {
            for start in 0..chunk.len().min(WINDOW_BYTES) {
                let offset = chunk_at + start as u64;
                let Some(header) = chunk.get(start..).and_then(|rest| rest.first_chunk()) else {
                    break;
                };
                if offset >= stop || !may_be_checkpoint(header) {
                    continue;
                }
                let Ok(Some(length)) = body_bytes(header) else { continue };
                let body_at = start + FRAME_HEADER_BYTES;
                let body = chunk.get(body_at..body_at + length);
                let frame = body.and_then(|body| decode(header, body).ok());
                let Some(Frame::Checkpoint { size: claimed, note }) = frame else { continue };
                let signed = keys.open(note);
                if signed.is_ok_and(|signed| signed.checkpoint().size() == claimed) && claimed >= size {
                    found.push(Found { size: claimed, offset });
                }
            }
        })?;
        Ok(found)
    }

    /// Whether a part of the batch that lies in one sector of the disk is all zeros: it never reached the disk.
    fn has_blank_sector(&self, batch_end: u64) -> io::Result<bool> {
        let length = usize::try_from(batch_end - self.end).map_err(io::Error::other)?;
        let mut batch = vec![0; length];
        self.file.read_exact_at(&mut batch, self.end)?;
        let sector = SECTOR_BYTES as u64;
        let lead = usize::try_from(sector - self.end % sector).unwrap_or(SECTOR_BYTES);
        let (head, rest) = batch.split_at_checked(lead).unwrap_or((&batch, &[]));
        let blank = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0);
        Ok(blank(head) || rest.chunks(SECTOR_BYTES).any(blank))
    }
}

/// How many bytes of a segment from `end` up to the last one that is not zero.
pub fn written_bytes(file: &File, end: u64) -> io::Result<u64> {
    let mut written = 0;
    windows(file, end, 0, |offset, window| {
        // Almost all of it is zeros: compare in blocks, look for the byte in the one that differs.
        for (number, block) in window.chunks(BLOCK_BYTES).enumerate() {
            if BLANK.get(..block.len()) != Some(block) {
                let last = block.iter().rposition(|byte| *byte != 0).unwrap_or(0);
                written = offset + (number * BLOCK_BYTES + last) as u64 + 1 - end;
            }
        }
    })?;
    Ok(written)
}

/// Shows a file from `from` to its end in windows, each with `overlap` bytes of the next.
fn windows(file: &File, from: u64, overlap: usize, mut show: impl FnMut(u64, &[u8])) -> io::Result<()> {
    let length = file.metadata()?.len();
    let rest = usize::try_from(length.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut buffer = vec![0; rest.min(WINDOW_BYTES + overlap)];
    let mut offset = from;
    while offset < length {
        let want = usize::try_from(length - offset).unwrap_or(usize::MAX).min(buffer.len());
        let window = buffer.get_mut(..want).unwrap_or_default();
        file.read_exact_at(window, offset)?;
        show(offset, window);
        offset += WINDOW_BYTES as u64;
    }
    Ok(())
}

/// Writes the last batch once more, the same bytes in the same place, and syncs. What was just read may be in the
/// kernel's memory only: the process was killed between write and sync, or a sync failed and the kernel forgot that
/// the pages are dirty. Nothing may be built on it, or published, before it is on the disk.
fn settle(file: &File, from: u64, end: u64) -> io::Result<()> {
    let mut batch = vec![0; usize::try_from(end - from).map_err(io::Error::other)?];
    file.read_exact_at(&mut batch, from)?;
    file.write_all_at(&batch, from)?;
    file.sync_all()
}

/// Overwrites the tear with zeros and makes that durable. Done twice it is the same: a crash in between costs nothing.
fn zero(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; WINDOW_BYTES];
    let mut done = 0;
    while done < bytes {
        let count = usize::try_from(bytes - done).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
        file.write_all_at(zeros.get(..count).unwrap_or(&zeros), from + done)?;
        done += count as u64;
    }
    file.sync_all()
}
