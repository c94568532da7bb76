//! A folder from outside, listed once and read file by file, or filled by the stream of an archive. Refuses what is no plain
//! file, follows no link, and reads no more of a file than its limit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bag::layout::is_plain_path;
use crate::crypto::digest::Sha256;
use crate::crypto::sha512::{Digest512, Sha512};
use crate::model::ident::Digest;
use crate::model::limits::{BAG_DEPTH_MAX, BAG_FILES_MAX, READ_BYTES};

/// How far the reading is: bytes of a bag, entries of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Read so far.
    pub done: u64,
    /// To read in all.
    pub total: u64,
}

/// The files of a folder, by their relative paths.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    files: BTreeMap<String, Source>,
    strays: Vec<Stray>,
}

/// Where a file's bytes are.
#[derive(Debug)]
enum Source {
    Disk(Place),
    Held(Held),
}

/// A file that went by in a stream.
#[derive(Debug)]
pub struct Held {
    /// What it was found to hold.
    pub digests: Digests,
    /// Its bytes, unless it belongs to the package.
    pub content: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    bytes: u64,
    device: u64,
    inode: u64,
}

/// Something in the folder that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where.
    pub path: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Why something in a folder is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A symbolic link: it may lead anywhere.
    Link,
    /// A hidden name, or one with characters that no bag has; file managers leave such files.
    Name,
    /// A pipe, a device, a folder too deep.
    Special,
    /// A path of an archive that leads out of the folder that it is unpacked in.
    Climbs,
    /// A member of an archive beside the one folder of the bag.
    Outside,
    /// A path that an archive holds twice, or both as a file and as a folder: which one counts depends on the reader.
    Twice,
    /// A member of an archive with holes: a few bytes that unpack to any number.
    Sparse,
    /// A member whose name or kind another header changes: two readers may see two archives.
    Renamed,
}

impl Fault {
    /// What is wrong, in plain words.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Link => "it is a link, which may lead anywhere; it was not followed",
            Self::Special => "it is no plain file, or lies too deep",
            Self::Name => "no file of a bag has such a name; it was not read",
            Self::Climbs => "its path leads out of the folder that the archive is unpacked in",
            Self::Outside => "it lies beside the one folder of the bag (RFC 8493, section 4)",
            Self::Twice => "the path stands twice, or also as a folder; which one counts depends on the reader",
            Self::Sparse => "it has holes, so that a few bytes unpack to any number; a bag has none",
            Self::Renamed => "another header changes its name or kind, so that two readers may see two archives",
        }
    }
}

/// What a file was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its SHA-512.
    pub sha512: Digest512,
}

/// Digests of what goes by.
#[derive(Debug, Default)]
pub struct Hasher {
    sha256: Sha256,
    sha512: Sha512,
    bytes: u64,
}

impl Hasher {
    /// Takes a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        self.sha512.update(piece);
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }

    /// What it was.
    pub fn finish(self) -> Digests {
        Digests { bytes: self.bytes, sha256: self.sha256.finish(), sha512: self.sha512.finish() }
    }
}

impl Folder {
    /// A folder that a stream fills.
    pub fn empty() -> Self {
        Self { root: PathBuf::new(), files: BTreeMap::new(), strays: Vec::new() }
    }

    /// Puts in a file that went by.
    pub fn hold(&mut self, path: String, held: Held) {
        self.files.insert(path, Source::Held(held));
    }

    /// Notes something that is not read.
    pub fn stray(&mut self, path: String, fault: Fault) {
        self.strays.push(Stray { path, fault });
    }

    /// On a disk no path is a file and a folder at once; in an archive it may be.
    pub fn refuse_files_below_files(&mut self) {
        let is_both = |path: &&String| {
            path.match_indices('/')
                .any(|(place, _)| path.get(..place).is_some_and(|part| self.files.contains_key(part)))
        };
        let both: Vec<String> = self.files.keys().filter(is_both).cloned().collect();
        self.strays.extend(both.into_iter().map(|path| Stray { path, fault: Fault::Twice }));
        self.strays.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Lists a folder.
    ///
    /// # Errors
    /// [`FolderError`] when it cannot be listed, or holds more than the limits allow.
    pub fn list(root: &Path) -> Result<Self, FolderError> {
        let mut folder = Self { root: root.to_owned(), files: BTreeMap::new(), strays: Vec::new() };
        folder.walk("", 0)?;
        folder.strays.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(folder)
    }

    /// The paths of its files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The paths below a prefix, in order.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.paths().filter(move |path| path.starts_with(prefix))
    }

    /// Links, devices, names that climb or hide.
    pub fn strays(&self) -> &[Stray] {
        &self.strays
    }

    /// Whether the file is there.
    pub fn holds(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Its length.
    pub fn bytes(&self, path: &str) -> Option<u64> {
        self.files.get(path).map(|source| match source {
            Source::Disk(place) => place.bytes,
            Source::Held(held) => held.digests.bytes,
        })
    }

    /// A whole small file.
    ///
    /// # Errors
    /// [`FolderError`] when it is missing, larger than `bytes_max`, or cannot be read.
    pub fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, FolderError> {
        if let Some(Source::Held(held)) = self.files.get(path) {
            let content = held.content.as_ref().filter(|content| content.len() <= bytes_max);
            return content.cloned().ok_or(FolderError::Large { bytes_max });
        }
        let mut bytes = Vec::new();
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        self.open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(FolderError::Read)?;
        if bytes.len() > bytes_max { Err(FolderError::Large { bytes_max }) } else { Ok(bytes) }
    }

    /// Digests a file of any size; tells each piece that was read.
    ///
    /// # Errors
    /// [`FolderError`] when it is missing, or cannot be read.
    pub fn digest(&self, path: &str, read: &mut dyn FnMut(u64)) -> Result<Digests, FolderError> {
        if let Some(Source::Held(held)) = self.files.get(path) {
            return Ok(held.digests);
        }
        let mut file = self.open(path)?;
        let mut hasher = Hasher::default();
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(FolderError::Read(error)),
            };
            let piece = buffer.get(..count).expect("invariant: a read fills at most the buffer");
            hasher.update(piece);
            read(u64::try_from(count).expect("invariant: a buffer's length fits 64 bits"));
        }
    }

    /// Opens what was listed: if the name was turned into a link meanwhile, the file behind it is another one.
    fn open(&self, path: &str) -> Result<File, FolderError> {
        let Some(Source::Disk(place)) = self.files.get(path) else { return Err(FolderError::Missing) };
        let file = File::open(self.root.join(path)).map_err(FolderError::Read)?;
        let now = file.metadata().map_err(FolderError::Read)?;
        if now.is_file() && now.dev() == place.device && now.ino() == place.inode {
            Ok(file)
        } else {
            Err(FolderError::Exchanged)
        }
    }

    fn walk(&mut self, below: &str, depth: usize) -> Result<(), FolderError> {
        for entry in fs::read_dir(self.root.join(below)).map_err(FolderError::List)? {
            let entry = entry.map_err(FolderError::List)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            let facts = entry.metadata().map_err(FolderError::List)?;
            if self.files.len() + self.strays.len() >= BAG_FILES_MAX {
                return Err(FolderError::Many);
            }
            let mut stray = |fault| self.strays.push(Stray { path: path.clone(), fault });
            if facts.is_symlink() {
                stray(Fault::Link);
            } else if !is_plain_path(&path) {
                stray(Fault::Name);
            } else if facts.is_dir() && depth < BAG_DEPTH_MAX {
                self.walk(&path, depth + 1)?;
            } else if facts.is_file() {
                let place = Place { bytes: facts.len(), device: facts.dev(), inode: facts.ino() };
                self.files.insert(path, Source::Disk(place));
            } else {
                stray(Fault::Special);
            }
        }
        Ok(())
    }
}

/// Why a folder or a file of it was not read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Listing failed.
    #[error("the folder cannot be listed: {0}")]
    List(io::Error),
    /// Too many files.
    #[error("the folder holds more than {BAG_FILES_MAX} files, which no bag does")]
    Many,
    /// Not there.
    #[error("the file is missing")]
    Missing,
    /// Too large.
    #[error("the file is larger than {bytes_max} bytes, which none of its kind is")]
    Large {
        /// The limit.
        bytes_max: usize,
    },
    /// Reading failed.
    #[error("the file cannot be read: {0}")]
    Read(io::Error),
    /// Another file under the same name.
    #[error("the file was exchanged while it was being verified")]
    Exchanged,
}
