//! A bag inside a tar archive, read as a stream in one pass, in any order of its members, unpacked nowhere. Keeps the
//! accompanying files in memory within limits and of the package only digests. Refuses by name what a foreign `tar -x` could
//! be led astray by: climbing paths, links, devices, files that come twice, files with holes, headers that rename others.

use std::io::{self, Read};

use crate::bag::folder::{Fault, Folder, Hasher, Held, Progress};
use crate::bag::layout::{self, DATA, ROGATORY, is_plain_path};
use crate::bag::tar::{self, BLOCK_BYTES, Header, Kind, TarError};
use crate::model::limits::{
    ARCHIVE_END_BYTES_MAX, ARCHIVE_NOTES_BYTES_MAX, ARCHIVE_TAGS_BYTES_MAX, BAG_DEPTH_MAX, BAG_FILES_MAX,
    BAG_TAG_FILES_MAX, DIRECTORY_BYTES_MAX, OBJECT_BYTES_MAX, PAX_BYTES_MAX, READ_BYTES,
};

/// Reads the archive to its end. `total` is its length where it is known, for the progress.
///
/// # Errors
/// [`ArchiveError`] when it is no archive, ends early, or holds more than the limits allow.
pub fn read(
    input: &mut dyn Read,
    total: Option<u64>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Folder, ArchiveError> {
    let source = Source { input, done: 0, total: total.unwrap_or(0), progress };
    let mut unpacking =
        Unpacking { source, folder: Folder::empty(), base: None, tags_bytes: 0, notes_bytes: 0, members: 0, beside: 0 };
    while unpacking.member()? {}
    unpacking.end()?;
    let mut folder = unpacking.folder;
    folder.refuse_files_below_files();
    Ok(folder)
}

struct Unpacking<'a> {
    source: Source<'a>,
    folder: Folder,
    /// The one top folder (RFC 8493, 4): every member must lie in it.
    base: Option<String>,
    tags_bytes: usize,
    /// Of them, those of our own folder.
    notes_bytes: usize,
    members: usize,
    /// Of them, those that are no evidence.
    beside: usize,
}

impl Unpacking<'_> {
    /// One member with its pax header; false at the end of the archive.
    fn member(&mut self) -> Result<bool, ArchiveError> {
        let Some(mut header) = self.source.header()? else { return Ok(false) };
        let mut fault = None;
        if header.kind == Kind::Pax {
            let records = self.source.pax(&header)?;
            header = self.source.header()?.ok_or(ArchiveError::Truncated)?;
            fault = amend(&mut header, &records);
        }
        self.members += 1;
        if self.members > BAG_FILES_MAX {
            return Err(ArchiveError::Many);
        }
        if header.bytes > OBJECT_BYTES_MAX {
            return Err(ArchiveError::Large { path: header.path, bytes_max: OBJECT_BYTES_MAX });
        }
        let fault = fault.or(match header.kind {
            Kind::File => None,
            Kind::Folder if header.bytes == 0 => return self.folder_member(&header).map(|()| true),
            Kind::Link => Some(Fault::Link),
            Kind::Sparse => Some(Fault::Sparse),
            Kind::Pax | Kind::Rename => Some(Fault::Renamed),
            Kind::Folder | Kind::Special => Some(Fault::Special),
        });
        let (path, fault) = match (self.inside(&header.path), fault) {
            (Ok(path), None) => (path, None),
            (Ok(path), Some(fault)) => (path, Some(fault)),
            (Err(found), fault) => (header.path.clone(), Some(fault.unwrap_or(found))),
        };
        // Many files are evidence or none: whatever else comes in great numbers is no bag.
        if !is_payload(&path) || fault.is_some() {
            self.beside += 1;
            if self.beside > BAG_TAG_FILES_MAX {
                return Err(ArchiveError::ManyBeside);
            }
        }
        let fault = fault.or_else(|| self.folder.holds(&path).then_some(Fault::Twice));
        match fault {
            Some(fault) => {
                self.folder.stray(path, fault);
                self.source.skip(header.bytes)?;
            }
            None => self.file(path, header.bytes)?,
        }
        Ok(true)
    }

    fn folder_member(&mut self, header: &Header) -> Result<(), ArchiveError> {
        let path = header.path.trim_end_matches('/');
        if self.base.is_none() && is_plain_path(path) && !path.contains('/') {
            self.base = Some(path.to_owned());
        } else if self.base.as_deref() != Some(path) && self.inside(path).is_err_and(|fault| fault != Fault::Name) {
            self.folder.stray(header.path.clone(), Fault::Climbs);
        }
        Ok(())
    }

    /// The path inside the bag.
    fn inside(&mut self, path: &str) -> Result<String, Fault> {
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(Fault::Climbs);
        }
        let (top, rest) = path.split_once('/').ok_or(Fault::Outside)?;
        let base = self.base.get_or_insert_with(|| top.to_owned());
        if base != top || !is_plain_path(top) {
            return Err(Fault::Outside);
        }
        if rest.split('/').count() > BAG_DEPTH_MAX + 1 {
            return Err(Fault::Special);
        }
        if is_plain_path(rest) { Ok(rest.to_owned()) } else { Err(Fault::Name) }
    }

    fn file(&mut self, path: String, bytes: u64) -> Result<(), ArchiveError> {
        let mut content = None;
        if !is_payload(&path) || layout::is_list(&path) {
            let large = |bytes_max| ArchiveError::Large { path: path.clone(), bytes_max };
            let length = usize::try_from(bytes).ok().filter(|length| *length <= DIRECTORY_BYTES_MAX);
            let length = length.ok_or_else(|| large(u64::try_from(DIRECTORY_BYTES_MAX).unwrap_or(u64::MAX)))?;
            self.tags_bytes = self.tags_bytes.saturating_add(length);
            // Only lists of files grow with the evidence.
            if path.starts_with(ROGATORY) {
                self.notes_bytes = self.notes_bytes.saturating_add(length);
            }
            if self.tags_bytes > ARCHIVE_TAGS_BYTES_MAX || self.notes_bytes > ARCHIVE_NOTES_BYTES_MAX {
                return Err(ArchiveError::Tags { path });
            }
            content = Some(Vec::new());
        }
        let mut hasher = Hasher::default();
        self.source.content(bytes, &mut |piece| {
            hasher.update(piece);
            if let Some(content) = &mut content {
                content.extend_from_slice(piece);
            }
        })?;
        self.folder.hold(path, Held { digests: hasher.finish(), content });
        Ok(())
    }

    /// After the end there is nothing but the zeros that fill the last record.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let mut zeros = 0_usize;
        let mut block = [0_u8; BLOCK_BYTES];
        loop {
            match self.source.input.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    zeros = zeros.saturating_add(count);
                    if zeros > ARCHIVE_END_BYTES_MAX || block.iter().take(count).any(|byte| *byte != 0) {
                        return Err(ArchiveError::Trailing);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::Read(error)),
            }
        }
    }
}

/// What a pax header may say about the next member: its size, where the plain header has no room for it, and facts that
/// change no content. Everything else is a way to let two readers see two archives.
fn amend(header: &mut Header, records: &[(String, String)]) -> Option<Fault> {
    let harmless = ["atime", "mtime", "ctime", "uid", "gid", "uname", "gname", "comment"];
    let mut fault = None;
    for (key, value) in records {
        let prefixed = ["SCHILY.xattr.", "LIBARCHIVE.xattr.", "LIBARCHIVE.creationtime"];
        match value.parse::<u64>() {
            Ok(bytes) if key == "size" && (header.bytes == 0 || header.bytes == bytes) => header.bytes = bytes,
            _ if key.starts_with("GNU.sparse.") || key == "SCHILY.realsize" => fault = Some(Fault::Sparse),
            _ if harmless.contains(&key.as_str()) || prefixed.iter().any(|start| key.starts_with(start)) => {}
            _ => fault = fault.or(Some(Fault::Renamed)),
        }
    }
    fault
}

/// The stream, counted.
struct Source<'a> {
    input: &'a mut dyn Read,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Source<'_> {
    fn header(&mut self) -> Result<Option<Header>, ArchiveError> {
        let mut block = [0_u8; BLOCK_BYTES];
        self.exact(&mut block)?;
        if let Some(header) = tar::read(&block)? {
            return Ok(Some(header));
        }
        self.exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(ArchiveError::Trailing) }
    }

    fn pax(&mut self, header: &Header) -> Result<Vec<(String, String)>, ArchiveError> {
        let bytes_max = u64::try_from(PAX_BYTES_MAX).unwrap_or(u64::MAX);
        if header.bytes > bytes_max {
            return Err(ArchiveError::Large { path: header.path.clone(), bytes_max });
        }
        let mut content = Vec::new();
        self.content(header.bytes, &mut |piece| content.extend_from_slice(piece))?;
        Ok(tar::pax_records(&content)?)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.content(bytes, &mut |_| {})
    }

    fn content(&mut self, bytes: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), ArchiveError> {
        let mut buffer = vec![0_u8; READ_BYTES];
        let mut left = bytes;
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES);
            let piece = buffer.get_mut(..count).expect("invariant: a piece is no larger than the buffer");
            self.exact(piece)?;
            take(piece);
            left -= u64::try_from(count).expect("invariant: a buffer's length fits 64 bits");
        }
        let mut padding = [0_u8; BLOCK_BYTES];
        let padding = padding.get_mut(..tar::padding(bytes)).expect("invariant: padding is less than a block");
        self.exact(padding)?;
        if padding.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(ArchiveError::Trailing) }
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), ArchiveError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
            _ => ArchiveError::Read(error),
        })?;
        self.done = self.done.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        (self.progress)(Progress { done: self.done, total: self.total });
        Ok(())
    }
}

fn is_payload(path: &str) -> bool {
    path.strip_prefix(DATA).is_some_and(|rest| rest.starts_with('/'))
}

/// Why an archive was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A header.
    #[error("{0}; a compressed archive must be decompressed first")]
    Tar(#[from] TarError),
    /// It ends in the middle.
    #[error("the archive ends before its end mark: it was cut off, or its writer stopped")]
    Truncated,
    /// Something behind the end, or in the padding.
    #[error("the archive holds bytes where only zeros may stand; no list names them")]
    Trailing,
    /// Too many members beside the evidence.
    #[error("the archive holds more than {BAG_TAG_FILES_MAX} members beside the evidence, which no bag does")]
    ManyBeside,
    /// Too many members.
    #[error("the archive holds more than {BAG_FILES_MAX} members, which no bag does")]
    Many,
    /// A member larger than any of its kind.
    #[error("{path} claims more than {bytes_max} bytes, which none of its kind has")]
    Large {
        /// Which.
        path: String,
        /// The limit.
        bytes_max: u64,
    },
    /// The accompanying files together.
    #[error(
        "at {path} the accompanying files exceed what any bag has ({ARCHIVE_NOTES_BYTES_MAX} bytes together, with lists of files {ARCHIVE_TAGS_BYTES_MAX})"
    )]
    Tags {
        /// The one that exceeds.
        path: String,
    },
    /// Reading failed.
    #[error("the archive cannot be read: {0}")]
    Read(io::Error),
}
