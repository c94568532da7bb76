//! Writes a bag: streams each file while it is digested, and refuses a file that is not the one of the signed message.
//!
//! Everything goes into `<name>.partial` beside the target. Only when every file is there, on disk and matched, does one
//! rename give it its name: a folder without `.partial` is whole, whenever the power fails. An incomplete folder is left
//! as it is, for a person to look at.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::bag::assembly::{Assembly, AssemblyError};
use crate::bag::dossier::Dossier;
use crate::bag::layout::{self, Algorithm, BAGIT, BAGIT_TEXT};
use crate::bag::listing;
use crate::crypto::digest::Sha256;
use crate::crypto::sha512::Sha512;
use crate::model::limits::READ_BYTES;
use crate::model::package::Item;
use crate::model::time::Timestamp;

/// A bag that is being written.
#[derive(Debug)]
pub struct BagWriter {
    target: PathBuf,
    partial: PathBuf,
    assembly: Assembly,
    /// Path and hex digests of what was written, payload and tag files apart.
    payload: BTreeMap<String, [String; 2]>,
    tags: BTreeMap<String, [String; 2]>,
    broken: bool,
}

/// A bag that is whole and on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Files of the payload.
    pub files: usize,
}

impl BagWriter {
    /// Begins a bag. `exported_at` is the one thing in it that differs between two exports of the same dossier.
    ///
    /// # Errors
    /// [`WriteError`] when the dossier does not hold together, or the target or its incomplete form exists.
    pub fn create(target: &Path, dossier: &Dossier, exported_at: Timestamp) -> Result<Self, WriteError> {
        let assembly = Assembly::of(dossier, exported_at)?;
        let name = target.file_name().ok_or(WriteError::Target)?;
        let mut partial_name = OsString::from(name);
        partial_name.push(".partial");
        let partial = target.with_file_name(partial_name);
        // `symlink_metadata`: a dangling link in the target's place is something there, too.
        for path in [target, &partial] {
            if fs::symlink_metadata(path).is_ok() {
                return Err(WriteError::Exists(path.to_owned()));
            }
        }
        make_folder(&partial)?;
        let (target, payload, tags) = (target.to_owned(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { target, partial, assembly, payload, tags, broken: false })
    }

    /// The files that must come, by the signed message.
    pub fn items(&self) -> &[Item] {
        &self.assembly.items
    }

    /// Writes one file of the package while digesting it.
    ///
    /// # Errors
    /// [`WriteError`] when it is not the one of the signed message, was written before, or the disk fails. The bag can
    /// then not be finished.
    pub fn put(&mut self, object_id: u32, content: &mut dyn Read) -> Result<(), WriteError> {
        let item = self.assembly.items.iter().find(|item| item.object_id == object_id);
        let item = item.ok_or(WriteError::NoSuchFile(object_id))?.clone();
        let path = layout::payload(&item);
        if self.payload.contains_key(&path) {
            return Err(WriteError::Twice(object_id));
        }
        // Broken until the file is whole: a failure anywhere below leaves it so.
        let was_broken = std::mem::replace(&mut self.broken, true);
        let digests = stream(&self.partial.join(&path), content, &item)?;
        self.payload.insert(path, digests);
        self.broken = was_broken;
        Ok(())
    }

    /// Writes everything else, makes it durable and gives the bag its name.
    ///
    /// # Errors
    /// [`WriteError`] when a file is missing or was refused, or the disk fails.
    pub fn finish(mut self) -> Result<Written, WriteError> {
        if self.broken {
            return Err(WriteError::Broken(self.partial));
        }
        let missing = |item: &&Item| !self.payload.contains_key(&layout::payload(item));
        if let Some(item) = self.assembly.items.iter().find(missing) {
            return Err(WriteError::FileMissing(item.object_id));
        }
        self.tag(BAGIT, BAGIT_TEXT.as_bytes())?;
        for (path, bytes) in std::mem::take(&mut self.assembly.tags) {
            self.tag(&path, &bytes)?;
        }
        for (place, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            self.tag(algorithm.manifest(), manifest(&self.payload, place).as_bytes())?;
        }
        for (place, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            write_file(&self.partial.join(algorithm.tag_manifest()), manifest(&self.tags, place).as_bytes())?;
        }
        sync_folders(&self.partial)?;
        let parent = self.target.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(parent)?;
        fs::rename(&self.partial, &self.target).map_err(failed(&self.target))?;
        sync_folder(parent)?;
        Ok(Written { path: self.target, files: self.payload.len() })
    }

    fn tag(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        write_file(&self.partial.join(path), bytes)?;
        let (mut sha256, mut sha512) = (Sha256::new(), Sha512::new());
        sha256.update(bytes);
        sha512.update(bytes);
        self.tags.insert(path.to_owned(), [sha256.finish().to_string(), sha512.finish().to_string()]);
        Ok(())
    }
}

fn stream(path: &Path, content: &mut dyn Read, item: &Item) -> Result<[String; 2], WriteError> {
    let mut file = new_file(path)?;
    let (mut sha256, mut sha512, mut bytes) = (Sha256::new(), Sha512::new(), 0_u64);
    let mut buffer = vec![0_u8; READ_BYTES];
    loop {
        let count = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(WriteError::Content { object_id: item.object_id, error }),
        };
        let piece = buffer.get(..count).expect("invariant: a read fills at most the buffer");
        bytes = bytes.saturating_add(u64::try_from(count).expect("invariant: a buffer's length fits 64 bits"));
        // An endless reader must not fill the disk before its digest is found wrong.
        if bytes > item.plaintext_bytes {
            return Err(WriteError::Mismatch(item.object_id));
        }
        sha256.update(piece);
        sha512.update(piece);
        file.write_all(piece).map_err(failed(path))?;
    }
    let sha256 = sha256.finish();
    if bytes != item.plaintext_bytes || sha256 != item.sha256 {
        return Err(WriteError::Mismatch(item.object_id));
    }
    file.sync_all().map_err(failed(path))?;
    Ok([sha256.to_string(), sha512.finish().to_string()])
}

fn manifest(rows: &BTreeMap<String, [String; 2]>, place: usize) -> String {
    let digest = |digests: &[String; 2]| digests.get(place).cloned().unwrap_or_default();
    listing::write(rows.iter().map(|(path, digests)| (path.as_str(), digest(digests))))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut file = new_file(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(path))
}

/// Evidence is for its owner alone until a person decides otherwise.
fn new_file(path: &Path) -> Result<File, WriteError> {
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed(path))
}

fn make_folder(path: &Path) -> Result<(), WriteError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

fn sync_folders(folder: &Path) -> Result<(), WriteError> {
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        if entry.file_type().map_err(failed(folder))?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed(folder))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |error| WriteError::Disk { path, error }
}

/// Why no bag came out.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The dossier.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// No name for the bag.
    #[error("the bag needs a folder name to be written to")]
    Target,
    /// Something is there.
    #[error("{} exists; nothing is overwritten: name another folder, or look at it and remove it", .0.display())]
    Exists(PathBuf),
    /// No such file in the message.
    #[error("the signed message names no file {0}")]
    NoSuchFile(u32),
    /// A file twice.
    #[error("file {0} was written already")]
    Twice(u32),
    /// A file that is not the signed one.
    #[error(
        "file {0} is not the one that the signed message names (its length or SHA-256 differs); the incomplete bag is left for inspection"
    )]
    Mismatch(u32),
    /// A file that never came.
    #[error("file {0} is missing; a bag holds every file of its package")]
    FileMissing(u32),
    /// An earlier failure.
    #[error("a file could not be written whole; {} is incomplete and stays so", .0.display())]
    Broken(PathBuf),
    /// The source of a file.
    #[error("file {object_id} cannot be read: {error}")]
    Content {
        /// Its number.
        object_id: u32,
        /// What the system said.
        error: io::Error,
    },
    /// The disk.
    #[error("{}: {error}; free space or rights, remove the incomplete folder and export again", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}
