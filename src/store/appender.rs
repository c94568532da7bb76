//! The writing end of the journal: one write and one fdatasync a batch. After a failed one it writes nothing ever again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::store::journal::Journal;
use crate::store::recovery::Recovered;
use crate::store::segment::{Access, JournalError, SEGMENT_HEADER_BYTES, Segment};

/// Appends batches of frames. There is one for each journal.
#[derive(Debug)]
pub struct Appender {
    journal: Arc<Journal>,
    file: Option<File>,
    /// Where the next frame goes.
    end: u64,
    /// Bytes of the file that frames may fill.
    bytes: u64,
    segment_bytes: u64,
    poison: Option<String>,
}

impl Appender {
    /// The end of the journal that recovery found, its tear cut.
    pub fn new(journal: Arc<Journal>, recovered: &Recovered, segment_bytes: u64) -> Result<Self, JournalError> {
        let (mut file, mut bytes) = (None, 0);
        if let Some(last) = recovered.segments.last() {
            let segment = Segment::open(journal.dir(), *last, Access::ReadWrite)?;
            bytes = segment.file().metadata().map_err(|error| segment.fault(error))?.len();
            file = Some(segment.into_file());
        }
        Ok(Self { journal, file, end: recovered.end, bytes, segment_bytes, poison: None })
    }

    /// Makes a batch durable: `frames` hold its entries, beginning at `starts`, and its checkpoint of `size` entries.
    /// When it returns, readers see the batch.
    ///
    /// The order, and what a crash leaves after each step:
    ///
    /// 1. a new segment, if the batch does not fit: preallocated, header written, synced, renamed, directory synced.
    ///    Crash: an empty segment more, or a `next.tmp`; both are used or overwritten at the next start.
    /// 2. one write of the whole batch. Crash: a torn batch without a good checkpoint; cut at the next start.
    /// 3. one fdatasync. Crash before it returns: the batch is whole or torn, and nobody was told.
    /// 4. the readers are told; the caller tells the waiters.
    ///
    /// If 1 finds no space, nothing was written and the next attempt may succeed ([`AppendFault::NoSpace`]). If
    /// anything else fails, what is on disk is unknown: after a failed fsync the kernel may drop the pages and report
    /// success the next time. So it is never tried again; a restart reads what is there.
    pub fn append(&mut self, frames: &[u8], starts: &[usize], size: u64) -> Result<(), AppendFault> {
        if let Some(cause) = &self.poison {
            return Err(AppendFault::Poisoned(cause.clone()));
        }
        let length = frames.len() as u64;
        if self.file.is_none() || self.bytes.saturating_sub(self.end) < length {
            self.rotate(size - starts.len() as u64, length)?;
        }
        let end = self.end;
        let written = self.file.as_ref().map_or_else(
            || Err(io::Error::other("there is no segment")),
            |file| file.write_all_at(frames, end).and_then(|()| file.sync_data()),
        );
        if let Err(error) = written {
            return Err(self.poisoned(&error));
        }
        let offsets: Result<Vec<u32>, _> = starts.iter().map(|start| u32::try_from(end + *start as u64)).collect();
        let offsets = offsets.expect("invariant: a segment is smaller than 4 GiB");
        self.end += length;
        self.journal.grow(&offsets, size);
        Ok(())
    }

    fn rotate(&mut self, first: u64, least: u64) -> Result<(), AppendFault> {
        let header = SEGMENT_HEADER_BYTES as u64;
        let bytes = self.segment_bytes.max(least + header);
        match Segment::create(self.journal.dir(), first, bytes) {
            Ok(segment) => {
                self.file = Some(segment.into_file());
                (self.end, self.bytes) = (header, bytes);
                self.journal.rotate(first);
                Ok(())
            }
            Err(error) if is_full(&error) => Err(AppendFault::NoSpace),
            Err(error) => Err(self.poisoned(&error)),
        }
    }

    /// Takes nothing more: what is on disk is not known any more.
    pub(super) fn poison(&mut self, cause: &dyn std::fmt::Display) {
        self.poison = Some(cause.to_string());
    }

    fn poisoned(&mut self, error: &io::Error) -> AppendFault {
        let cause = error.to_string();
        self.poison = Some(cause.clone());
        AppendFault::Poisoned(cause)
    }
}

/// No space, no quota, or a file larger than the file system takes.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Why a batch was not made durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendFault {
    /// No space for a new segment; nothing was written.
    #[error("no space left for a new segment of the custody journal")]
    NoSpace,
    /// A write or sync failed, now or before.
    #[error("writing the custody journal failed: {0}")]
    Poisoned(String),
}

/// Ways to make the appender fail, for the tests of those above it.
#[cfg(test)]
impl Appender {
    pub(crate) fn replace_file(&mut self, file: File) {
        self.file = Some(file);
    }

    pub(crate) fn set_segment_bytes(&mut self, bytes: u64) {
        (self.segment_bytes, self.bytes) = (bytes, 0);
    }
}
