//! A folder as it comes out of the node, written to disk: each file under its place, its holes left holes, its SHA-256 made
//! once more. Refuses to overwrite, and a stream without its end mark.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};

use crate::cli::meter::Meter;
use crate::crypto::digest::Sha256;
use crate::daemon::tree_frames::TreeFrame;
use crate::model::limits::LIST_LINE_BYTES_MAX;
use crate::model::listed::{Listed, ListedFile};
use crate::model::path::RelativePath;
use crate::wire::file_list;

/// Who takes the files of a folder, one after the other.
pub trait Taker {
    /// What is no file.
    fn entry(&mut self, entry: &Listed) -> anyhow::Result<()>;
    /// A file begins.
    fn begin(&mut self, file: &ListedFile) -> anyhow::Result<()>;
    /// Its bytes from `at` on; between two calls lie holes.
    fn data(&mut self, at: u64, bytes: &[u8]) -> anyhow::Result<()>;
    /// It was given to its end.
    fn end(&mut self) -> anyhow::Result<()>;
}

/// Takes the stream apart.
pub struct TreeSink<T> {
    taker: T,
    pending: Vec<u8>,
    file: Option<(ListedFile, usize, u64)>,
    over: bool,
}

impl<T: Taker> TreeSink<T> {
    /// For that taker.
    pub fn new(taker: T) -> Self {
        Self { taker, pending: Vec::new(), file: None, over: false }
    }

    /// The taker, if the stream came to its end.
    ///
    /// # Errors
    /// When it did not.
    pub fn finish(self) -> anyhow::Result<T> {
        if self.over { Ok(self.taker) } else { bail!("the folder broke off before its end; ask again") }
    }

    fn frame(&mut self, frame: TreeFrame) -> anyhow::Result<()> {
        match frame {
            TreeFrame::Line(line) => match file_list::decode(&line)? {
                Listed::File(file) => {
                    self.taker.begin(&file)?;
                    self.file = Some((file, 0, 0));
                    Ok(())
                }
                entry => self.taker.entry(&entry),
            },
            TreeFrame::Data(bytes) => self.data(&bytes),
            TreeFrame::End => {
                self.file = None;
                self.taker.end()
            }
            TreeFrame::Over => {
                self.over = true;
                Ok(())
            }
            TreeFrame::Announced(_) | TreeFrame::Broken(_) => bail!("the node is another version than this program"),
        }
    }

    fn data(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        let (file, run, done) = self.file.as_mut().context("the node sends bytes of no file")?;
        while !bytes.is_empty() {
            let extent = file.extents.get(*run).context("the node sends more than the file has")?;
            let left = usize::try_from(extent.bytes - *done).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            self.taker.data(extent.at + *done, now)?;
            *done += now.len() as u64;
            if *done == extent.bytes {
                (*run, *done) = (*run + 1, 0);
            }
            bytes = later;
        }
        Ok(())
    }
}

impl<T: Taker> Write for TreeSink<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        loop {
            let length = rest.get(1..5).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
            let whole = length.and_then(|length| usize::try_from(length).ok()).map(|length| length.saturating_add(5));
            let Some(mut frame) = whole.and_then(|whole| rest.get(..whole)) else { break };
            let taken = frame.len();
            let read = TreeFrame::read(&mut frame).map_err(io::Error::other)?;
            self.frame(read).map_err(|error| io::Error::other(format!("{error:#}")))?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        // What is left is a frame that is not whole yet; none is longer than this.
        if rest.len() > 4 * LIST_LINE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.pending = rest.to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the files below a folder.
pub struct Extraction {
    root: PathBuf,
    meter: Meter,
    file: Option<Open>,
    /// Files that are written, with their SHA-256.
    pub written: Vec<(RelativePath, String)>,
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Links and special files, which are not made.
    pub passed_over: Vec<String>,
    /// The folder that was made last: most files lie where the one before lies.
    made: PathBuf,
}

struct Open {
    listed: ListedFile,
    path: PathBuf,
    file: File,
    sha256: Sha256,
    at: u64,
}

/// Files whose digests are kept to be told one by one.
const TOLD_MAX: usize = 10_000;

impl Extraction {
    /// Below that folder, which is made.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn into(root: &Path, meter: Meter) -> anyhow::Result<Self> {
        make_dir(root)?;
        let (written, passed_over) = (Vec::new(), Vec::new());
        let made = root.to_owned();
        Ok(Self { root: root.to_owned(), meter, file: None, written, files: 0, bytes: 0, passed_over, made })
    }

    fn disk(&self, path: &RelativePath) -> PathBuf {
        // Every path was checked when it was read: relative, and climbing nowhere.
        self.root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
    }
}

impl Taker for Extraction {
    fn entry(&mut self, entry: &Listed) -> anyhow::Result<()> {
        match entry {
            Listed::Folder(path) => make_dir(&self.disk(path)),
            Listed::Link { path, target } => {
                self.passed_over.push(format!("{path} -> {target}"));
                Ok(())
            }
            other => {
                self.passed_over.push(other.path().to_string());
                Ok(())
            }
        }
    }

    fn begin(&mut self, file: &ListedFile) -> anyhow::Result<()> {
        let path = self.disk(&file.path);
        if let Some(folder) = path.parent().filter(|folder| *folder != self.made) {
            make_dir(folder)?;
            self.made = folder.to_owned();
        }
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let made = made.with_context(|| format!("cannot make {}; nothing is overwritten", path.display()))?;
        self.file = Some(Open { listed: file.clone(), path, file: made, sha256: Sha256::new(), at: 0 });
        Ok(())
    }

    fn data(&mut self, at: u64, bytes: &[u8]) -> anyhow::Result<()> {
        let open = self.file.as_mut().context("the node sends bytes of no file")?;
        zeros(&mut open.sha256, &mut open.at, at);
        open.sha256.update(bytes);
        open.file.write_all_at(bytes, at)?;
        open.at += bytes.len() as u64;
        self.meter.add(bytes.len() as u64);
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
        let mut open = self.file.take().context("the node ends a file that was not begun")?;
        zeros(&mut open.sha256, &mut open.at, open.listed.bytes);
        open.file.set_len(open.listed.bytes)?;
        let digest = open.sha256.finish();
        if digest != open.listed.sha256 {
            let _ = fs::remove_file(&open.path);
            bail!("{} is not what its sender signed: the SHA-256 differs; do not use it", open.path.display());
        }
        if let Some(modified) = open.listed.modified_ms.and_then(|ms| u64::try_from(ms).ok()) {
            // Of use to a reader, and of no weight: nothing rests on it.
            let _ = open.file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(modified));
        }
        self.files += 1;
        self.bytes += open.listed.bytes;
        if self.written.len() < TOLD_MAX {
            self.written.push((open.listed.path, digest.to_string()));
        }
        Ok(())
    }
}

/// Takes the zeros of a hole into a digest.
pub fn zeros(sha256: &mut Sha256, at: &mut u64, end: u64) {
    let mut left = io::repeat(0).take(end.saturating_sub(*at));
    let mut block = [0; 1 << 14];
    while let Ok(count @ 1..) = left.read(&mut block) {
        sha256.update(block.get(..count).unwrap_or_default());
        *at += count as u64;
    }
}

fn make_dir(path: &Path) -> anyhow::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make {}", path.display()))
}
