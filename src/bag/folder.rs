//! A folder from outside, listed once and read file by file. Refuses what is no plain file, follows no link, and reads
//! no more of a file than its limit.

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

/// How far the reading is, in bytes of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Read so far.
    pub done_bytes: u64,
    /// To read in all.
    pub total_bytes: u64,
}

/// The files of a folder, by their relative paths.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    files: BTreeMap<String, Place>,
    strays: Vec<Stray>,
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
    pub why: &'static str,
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

impl Folder {
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
        self.files.get(path).map(|place| place.bytes)
    }

    /// A whole small file.
    ///
    /// # Errors
    /// [`FolderError`] when it is missing, larger than `bytes_max`, or cannot be read.
    pub fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, FolderError> {
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
        let mut file = self.open(path)?;
        let (mut sha256, mut sha512, mut bytes) = (Sha256::new(), Sha512::new(), 0_u64);
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => return Ok(Digests { bytes, sha256: sha256.finish(), sha512: sha512.finish() }),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(FolderError::Read(error)),
            };
            let piece = buffer.get(..count).expect("invariant: a read fills at most the buffer");
            sha256.update(piece);
            sha512.update(piece);
            let count = u64::try_from(count).expect("invariant: a buffer's length fits 64 bits");
            bytes = bytes.saturating_add(count);
            read(count);
        }
    }

    /// Opens what was listed: if the name was turned into a link meanwhile, the file behind it is another one.
    fn open(&self, path: &str) -> Result<File, FolderError> {
        let place = self.files.get(path).ok_or(FolderError::Missing)?;
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
            let mut stray = |why| self.strays.push(Stray { path: path.clone(), why });
            if facts.is_symlink() {
                stray("it is a link; a bag holds plain files only");
            } else if !is_plain_path(&path) {
                stray("its name holds characters that no file of a bag has");
            } else if facts.is_dir() && depth < BAG_DEPTH_MAX {
                self.walk(&path, depth + 1)?;
            } else if facts.is_file() {
                let place = Place { bytes: facts.len(), device: facts.dev(), inode: facts.ino() };
                self.files.insert(path, place);
            } else {
                stray("it is no plain file");
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
