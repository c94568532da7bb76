//! One segment file of the journal: its header, its preallocation, its frames one after the other. Refuses a newer version untouched.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;

use crate::store::files::sync_dir;
use crate::store::frame::{FRAME_HEADER_BYTES, Frame, body_bytes, decode};

/// Bytes before the first frame.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// The version this program writes; it reads no newer one.
const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"RGTRYJRN";
const READ_BYTES: usize = 1024 * 1024;

/// A segment, open. Its name is the index of its first entry in 20 digits, so names sort as the log does.
///
/// ```text
/// journal/00000000000000000000.seg
/// 0        8         12       16            24             32      60      64
/// | magic  | version | zero   | first index | bytes of the | zeros | crc32 | frames … | zeros to the end
/// |        | u32     |        | u64         | file u64     |       | 0..60 |
/// ```
///
/// A batch never spans two segments. The file has its full length from the start (fallocate), so that an append
/// changes no metadata but the extent's state, and a full disk shows before anything is promised.
#[derive(Debug)]
pub struct Segment {
    first: u64,
    path: PathBuf,
    file: File,
}

/// Whether a file is opened to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is changed, not even what is derived.
    ReadOnly,
    /// By the one process that holds the lock.
    ReadWrite,
}

impl Segment {
    /// Makes a segment: preallocated, with its header, durable under its name before the first frame comes.
    pub fn create(dir: &Path, first: u64, bytes: u64) -> io::Result<Self> {
        let path = dir.join(name(first));
        let temporary = dir.join("next.tmp");
        let made =
            Self::prepare(&temporary, first, bytes).and_then(|file| fs::rename(&temporary, &path).map(|()| file));
        if made.is_err() {
            // Give the space back; that it may fail as well changes nothing for the caller.
            let _ = fs::remove_file(&temporary);
        }
        let file = made?;
        sync_dir(dir)?;
        Ok(Self { first, path, file })
    }

    fn prepare(temporary: &Path, first: u64, bytes: u64) -> io::Result<File> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(temporary)?;
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
        file.write_all_at(&header(first, bytes), 0)?;
        file.sync_all()?;
        Ok(file)
    }

    /// Opens a segment and checks its header against its name.
    pub fn open(dir: &Path, first: u64, access: Access) -> Result<Self, JournalError> {
        let path = dir.join(name(first));
        let fault = |source| JournalError::Io { path: path.clone(), source };
        let file = OpenOptions::new().read(true).write(access == Access::ReadWrite).open(&path).map_err(fault)?;
        let mut found = [0_u8; SEGMENT_HEADER_BYTES];
        match file.read_exact_at(&mut found, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => read.map_err(fault)?,
        }
        check_header(&found, first)
            .map_err(|version| match version {
                Some(found) => JournalError::NewerVersion { path: path.clone(), found },
                None => JournalError::Damaged { path: path.clone(), index: first },
            })
            .map(|()| Self { first, path, file })
    }

    /// The index of its first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The file, for the one that appends.
    pub fn into_file(self) -> File {
        self.file
    }

    /// Its path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads frames one after the other, from `offset` on.
    pub fn frames(&self, offset: u64) -> FrameScan<'_> {
        FrameScan { file: &self.file, offset, buffer: Vec::new(), buffer_at: offset }
    }

    /// Wraps what the system said with the path.
    pub fn fault(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }

    /// The error that names the first entry that is not intact.
    pub fn damaged(&self, index: u64) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), index }
    }
}

/// The file name of the segment that begins with entry `first`.
pub fn name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The segments of a journal, by the index of their first entries, in order.
pub fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in fs::read_dir(dir)? {
        let file_name = entry?.file_name();
        let digits = file_name.to_str().and_then(|text| text.strip_suffix(".seg"));
        if let Some(first) = digits.filter(|text| text.len() == 20).and_then(|text| text.parse().ok()) {
            firsts.push(first);
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn header(first: u64, bytes: u64) -> [u8; SEGMENT_HEADER_BYTES] {
    let fields =
        [&MAGIC[..], &VERSION.to_be_bytes(), &[0; 4], &first.to_be_bytes(), &bytes.to_be_bytes(), &[0; 28]].concat();
    let crc = crc32fast::hash(&fields).to_be_bytes();
    let mut out = [0; SEGMENT_HEADER_BYTES];
    for (to, from) in out.iter_mut().zip(fields.into_iter().chain(crc)) {
        *to = from;
    }
    out
}

/// `Err(Some(version))` for a newer one, `Err(None)` for anything else that this program did not write.
fn check_header(found: &[u8; SEGMENT_HEADER_BYTES], first: u64) -> Result<(), Option<u32>> {
    let (magic, rest) = found.split_first_chunk::<8>().ok_or(None)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(None)?;
    let (zero, rest) = rest.split_first_chunk::<4>().ok_or(None)?;
    let (index, rest) = rest.split_first_chunk::<8>().ok_or(None)?;
    let (bytes, _) = rest.split_first_chunk::<8>().ok_or(None)?;
    let version = u32::from_be_bytes(*version);
    // A newer version may have moved the CRC, so it is named before anything else is looked at. One bit flipped in
    // the version of an old segment looks the same: refused as well, and as untouched.
    if magic == MAGIC && *zero == [0; 4] && version > VERSION {
        return Err(Some(version));
    }
    let same = *found == header(first, u64::from_be_bytes(*bytes));
    if same && u64::from_be_bytes(*index) == first { Ok(()) } else { Err(None) }
}

/// A walk over the frames of one segment.
pub struct FrameScan<'f> {
    file: &'f File,
    offset: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

/// What stands at one offset.
#[derive(Debug)]
pub enum Step<'a> {
    /// An intact frame.
    Frame {
        /// Where it begins.
        offset: u64,
        /// The frame.
        frame: Frame<'a>,
    },
    /// Zeros where a frame would begin, or the end of the file.
    Blank {
        /// Where.
        offset: u64,
    },
    /// Bytes that are no frame.
    Bad {
        /// Where.
        offset: u64,
    },
}

impl FrameScan<'_> {
    /// The next frame, or why there is none. After `Blank` and `Bad` it stands still.
    pub fn step(&mut self) -> io::Result<Step<'_>> {
        let offset = self.offset;
        let header = match self.bytes(offset, FRAME_HEADER_BYTES)?.first_chunk() {
            Some(header) => *header,
            None => return Ok(Step::Blank { offset }),
        };
        let length = match body_bytes(&header) {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(Step::Blank { offset }),
            Err(_) => return Ok(Step::Bad { offset }),
        };
        let whole = FRAME_HEADER_BYTES + length;
        self.fill(offset, whole)?;
        let held = part(&self.buffer, self.buffer_at, offset, whole);
        let body = held.and_then(|all| all.get(FRAME_HEADER_BYTES..));
        match body.and_then(|body| decode(&header, body).ok()) {
            Some(frame) => {
                self.offset = offset + whole as u64;
                Ok(Step::Frame { offset, frame })
            }
            None => Ok(Step::Bad { offset }),
        }
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Up to `count` bytes from `offset` on; fewer at the end of the file.
    fn bytes(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        self.fill(offset, count)?;
        Ok(part(&self.buffer, self.buffer_at, offset, count).unwrap_or_default())
    }

    fn fill(&mut self, offset: u64, count: usize) -> io::Result<()> {
        if part(&self.buffer, self.buffer_at, offset, count).is_some() {
            return Ok(());
        }
        self.buffer.resize(count.max(READ_BYTES), 0);
        self.buffer_at = offset;
        let mut filled = 0;
        while let Some(rest) = self.buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}

/// `count` bytes from `offset` on, if the buffer that begins at `buffer_at` holds them.
fn part(buffer: &[u8], buffer_at: u64, offset: u64, count: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset.checked_sub(buffer_at)?).ok()?;
    buffer.get(start..start.checked_add(count)?)
}

/// Why the journal could not be read or opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Written by a newer program.
    #[error(
        "{} has version {found} and this program reads version {VERSION}; nothing was changed, start the newer program",
        path.display()
    )]
    NewerVersion {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// An acknowledged entry is not intact.
    #[error(
        "the custody journal is damaged from entry {index} on, in {}; nothing was changed: restore it from a backup",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The first entry that is not intact.
        index: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_reopens_under_its_own_name_and_version_only() {
        let dir = tempfile::tempdir().unwrap();
        let made = Segment::create(dir.path(), 7, 4_096).unwrap();
        assert_eq!(made.file().metadata().unwrap().len(), 4_096);
        assert_eq!(list(dir.path()).unwrap(), [7]);
        assert!(Segment::open(dir.path(), 7, Access::ReadOnly).is_ok());
        fs::rename(dir.path().join(name(7)), dir.path().join(name(8))).unwrap();
        let moved = Segment::open(dir.path(), 8, Access::ReadOnly).unwrap_err();
        assert!(matches!(moved, JournalError::Damaged { index: 8, .. }));
        made.file().write_all_at(&[2], 11).unwrap();
        let newer = Segment::open(dir.path(), 8, Access::ReadOnly).unwrap_err();
        assert!(matches!(newer, JournalError::NewerVersion { found: 2, .. }), "{newer}");
    }

    #[test]
    fn a_header_with_any_flipped_bit_is_refused() {
        let good = header(7, 4_096);
        assert_eq!(check_header(&good, 7), Ok(()));
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(check_header(&bad, 7).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_segment_that_finds_no_space_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let too_large = u64::try_from(i64::MAX).unwrap();
        assert!(Segment::create(dir.path(), 0, too_large).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
