//! Writes a bag: streams each file while it is digested, and refuses a file that is not the one of the signed message.
//!
//! A folder or archive without `.partial` in its name is whole, whenever the power fails. An incomplete one is left as it is,
//! for a person to look at.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::bag::assembly::{Assembly, AssemblyError};
use crate::bag::dossier::Dossier;
use crate::bag::folder::{Digests, Hasher};
use crate::bag::layout::{self, Algorithm, BAGIT, BAGIT_TEXT};
use crate::bag::listed::{Names, is_in_bag};
use crate::bag::listing;
use crate::bag::output::Output;
use crate::bag::tar::TarError;
use crate::crypto::digest::sha256;
use crate::model::ident::Digest;
use crate::model::limits::READ_BYTES;
use crate::model::listed::{ListTotals, ListedFile};
use crate::model::package::{Item, ItemForm};
use crate::model::time::Timestamp;

/// A bag that is being written.
#[derive(Debug)]
pub struct BagWriter {
    output: Output,
    items: Vec<Item>,
    tags: Option<BTreeMap<String, Vec<u8>>>,
    /// Hex digests of what was written, payload and tag files apart.
    payload: BTreeMap<String, [String; 2]>,
    listed: BTreeMap<String, [String; 2]>,
    broken: bool,
    /// Places of the files of a folder, and how many there are so far.
    names: Names,
    totals: Option<ListTotals>,
    current: Option<Current>,
}

/// A bag that is whole and on disk, or went down a pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is; nowhere if it went down a pipe.
    pub path: Option<PathBuf>,
    /// Files of the payload.
    pub files: usize,
    /// The container digest: SHA-256 of `tagmanifest-sha256.txt`, which names every other file of the bag.
    pub digest: Digest,
}

impl BagWriter {
    /// Begins a bag in a folder. `exported_at` is the one thing in it that differs between two exports of the same dossier.
    ///
    /// # Errors
    /// [`WriteError`] when the dossier does not hold together, or the target or its incomplete form exists.
    pub fn create(target: &Path, dossier: &Dossier, exported_at: Timestamp) -> Result<Self, WriteError> {
        let assembly = Assembly::of(dossier, exported_at)?;
        let output = Output::folder(target)?;
        Ok(Self { tags: Some(assembly.tags), ..Self::begin(output, assembly.items) })
    }

    /// Begins a bag whose dossier comes after its files: so the record of their opening can be in it.
    pub fn begin(output: Output, items: Vec<Item>) -> Self {
        let (payload, listed) = (BTreeMap::new(), BTreeMap::new());
        let (names, totals, current) = (Names::default(), None, None);
        Self { output, items, tags: None, payload, listed, broken: false, names, totals, current }
    }

    /// The dossier of a bag that was begun without.
    ///
    /// # Errors
    /// [`WriteError`] when it does not hold together, or names other files than the bag was begun with.
    pub fn describe(&mut self, dossier: &Dossier, exported_at: Timestamp) -> Result<(), WriteError> {
        let assembly = Assembly::of_folder(dossier, exported_at, self.totals)?;
        if assembly.items != self.items {
            return Err(WriteError::OtherFiles);
        }
        self.tags = Some(assembly.tags);
        Ok(())
    }

    /// The files that must come, by the signed message.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Writes one file of the package while digesting it.
    ///
    /// # Errors
    /// [`WriteError`] when it is not the one of the signed message, was written before, or the disk fails. The bag can
    /// then not be finished.
    pub fn put(&mut self, object_id: u32, content: &mut dyn Read) -> Result<(), WriteError> {
        let mut file = self.open(object_id)?;
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return file.close(),
                Ok(count) => file.take(buffer.get(..count).expect("invariant: a read fills at most the buffer"))?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(WriteError::Content { object_id, error }),
            }
        }
    }

    /// Opens one file of the package for somebody who pushes its bytes.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn open(&mut self, object_id: u32) -> Result<OpenFile<'_>, WriteError> {
        let item = self.items.iter().find(|item| item.object_id == object_id);
        let item = item.ok_or(WriteError::NoSuchFile(object_id))?.clone();
        let path = layout::payload(&item);
        if self.payload.contains_key(&path) {
            return Err(WriteError::Twice(object_id));
        }
        // Broken until the file is whole: a failure anywhere below leaves it so.
        let was_broken = std::mem::replace(&mut self.broken, true);
        self.output.begin(&path, item.plaintext_bytes)?;
        Ok(OpenFile { bag: self, item, path, hasher: Hasher::default(), written: 0, was_broken })
    }

    /// Begins a file of the folder that the package is, in the order of its list.
    ///
    /// # Errors
    /// [`WriteError`] when one is open, or the disk fails.
    pub fn begin_listed(&mut self, file: &ListedFile) -> Result<(), WriteError> {
        if self.current.is_some() || self.broken {
            return Err(WriteError::Broken(self.output.partial()));
        }
        let path = self.names.place(&file.path);
        self.broken = true;
        self.output.begin(&path, file.bytes)?;
        self.current = Some(Current { path, file: (file.bytes, file.sha256), hasher: Hasher::default(), written: 0 });
        Ok(())
    }

    /// Takes its next bytes, those before `at` that did not come as zeros.
    ///
    /// # Errors
    /// [`WriteError`] when they are more than the list names, or the disk fails.
    pub fn take_listed(&mut self, at: u64, piece: &[u8]) -> Result<(), WriteError> {
        const ZEROS: [u8; 1 << 14] = [0; 1 << 14];
        let Some(current) = &mut self.current else { return Err(WriteError::Broken(self.output.partial())) };
        let end = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if at < current.written || end > current.file.0 {
            return Err(WriteError::Mismatch(0));
        }
        while current.written < at {
            let count = usize::try_from(at - current.written).unwrap_or(usize::MAX).min(ZEROS.len());
            let zeros = ZEROS.get(..count).unwrap_or_default();
            current.hasher.update(zeros);
            self.output.write(zeros)?;
            current.written += u64::try_from(count).unwrap_or(u64::MAX);
        }
        current.hasher.update(piece);
        current.written = end;
        self.output.write(piece)
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`WriteError`] when it is not the one of the list, or the disk fails.
    pub fn end_listed(&mut self) -> Result<(), WriteError> {
        let bytes = self.current.as_ref().map(|current| current.file.0).unwrap_or_default();
        self.take_listed(bytes, &[])?;
        let Some(current) = self.current.take() else { return Err(WriteError::Broken(self.output.partial())) };
        let digests = current.hasher.finish();
        if (digests.bytes, digests.sha256) != current.file {
            return Err(WriteError::Mismatch(0));
        }
        self.output.end()?;
        self.payload.insert(current.path, hex(&digests));
        self.broken = false;
        let totals = self.totals.get_or_insert_default();
        totals.files += 1;
        totals.bytes = totals.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Says that all files of the folder were written, though there may be none.
    pub fn end_folder(&mut self) {
        self.totals.get_or_insert_default();
    }

    /// Writes everything else, makes it durable and gives the bag its name.
    ///
    /// # Errors
    /// [`WriteError`] when a file is missing or was refused, or the disk fails.
    pub fn finish(mut self) -> Result<Written, WriteError> {
        if self.broken {
            return Err(WriteError::Broken(self.output.partial()));
        }
        let missing = |item: &&Item| !self.payload.contains_key(&layout::payload(item));
        if let Some(item) = self.items.iter().filter(|item| is_in_bag(item)).find(missing) {
            return Err(WriteError::FileMissing(item.object_id));
        }
        if let Some(list) = self.items.iter().find(|item| item.form == ItemForm::List && self.totals.is_none()) {
            return Err(WriteError::FileMissing(list.object_id));
        }
        let tags = self.tags.take().ok_or(WriteError::OtherFiles)?;
        self.tag(BAGIT, BAGIT_TEXT.as_bytes())?;
        for (path, bytes) in tags {
            self.tag(&path, &bytes)?;
        }
        for (place, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            self.tag(algorithm.manifest(), manifest(&self.payload, place).as_bytes())?;
        }
        for (place, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            self.output.put(algorithm.tag_manifest(), manifest(&self.listed, place).as_bytes())?;
        }
        let digest = sha256(manifest(&self.listed, 0).as_bytes());
        let files = self.payload.len();
        let path = self.output.finish()?;
        Ok(Written { path, files, digest })
    }

    fn tag(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.output.put(path, bytes)?;
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        self.listed.insert(path.to_owned(), hex(&hasher.finish()));
        Ok(())
    }
}

/// A file of a folder that is being written.
#[derive(Debug)]
struct Current {
    path: String,
    file: (u64, Digest),
    hasher: Hasher,
    written: u64,
}

/// A file of the package that is being written.
pub struct OpenFile<'a> {
    bag: &'a mut BagWriter,
    item: Item,
    path: String,
    hasher: Hasher,
    written: u64,
    was_broken: bool,
}

impl OpenFile<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`WriteError`] when they are more than the signed message names, or the disk fails.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), WriteError> {
        let count = u64::try_from(piece.len()).expect("invariant: a buffer's length fits 64 bits");
        self.written = self.written.saturating_add(count);
        // An endless reader must not fill the disk before its digest is found wrong.
        if self.written > self.item.plaintext_bytes {
            return Err(WriteError::Mismatch(self.item.object_id));
        }
        self.hasher.update(piece);
        self.bag.output.write(piece)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`WriteError`] when it is not the one of the signed message, or the disk fails.
    pub fn close(self) -> Result<(), WriteError> {
        let digests = self.hasher.finish();
        if digests.bytes != self.item.plaintext_bytes || digests.sha256 != self.item.sha256 {
            return Err(WriteError::Mismatch(self.item.object_id));
        }
        self.bag.output.end()?;
        self.bag.payload.insert(self.path, hex(&digests));
        self.bag.broken = self.was_broken;
        Ok(())
    }
}

impl Write for OpenFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn manifest(rows: &BTreeMap<String, [String; 2]>, place: usize) -> String {
    let digest = |digests: &[String; 2]| digests.get(place).cloned().unwrap_or_default();
    listing::write(rows.iter().map(|(path, digests)| (path.as_str(), digest(digests))))
}

fn hex(digests: &Digests) -> [String; 2] {
    [digests.sha256.to_string(), digests.sha512.to_string()]
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
    /// A file that is not the signed one; 0 for one of a folder.
    #[error(
        "file {0} is not the one that the signed message names (its length or SHA-256 differs); the incomplete bag is left for inspection"
    )]
    Mismatch(u32),
    /// The dossier and the files are of two packages.
    #[error("the node describes other files than it gave; export again")]
    OtherFiles,
    /// A file longer or shorter than announced.
    #[error("{}: the file has another length than the bag announced", .0.display())]
    Length(PathBuf),
    /// A path that an archive cannot hold.
    #[error("{path}: {error}")]
    Archive {
        /// Which.
        path: String,
        /// Why.
        error: TarError,
    },
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
