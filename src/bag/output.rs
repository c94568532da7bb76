//! Where a bag goes while it is written: a folder, a tar archive in a file, or a tar archive down a pipe. Refuses a place where
//! something is already.
//!
//! A folder or file is called `<name>.partial` until it is whole and on disk; then one rename gives it its name. An archive
//! down a pipe that breaks off has no end mark, and every reader says so.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::bag::tar::{self, BLOCK_BYTES};
use crate::bag::writer::WriteError;

/// Zeros are written to fill records of this size, as tar does by habit.
const RECORD_BYTES: u64 = 20 * 512;

/// The destination of a bag.
pub struct Output {
    form: Form,
    /// The file that is being written, and the bytes of it that are still to come.
    open: Option<(PathBuf, u64)>,
}

enum Form {
    Folder { names: Names, file: Option<File> },
    Archive { out: Drain, base: String, written: u64, padding: usize },
}

enum Drain {
    File { names: Names, file: File },
    Pipe(Box<dyn Write + Send>),
}

/// The name that the bag gets, and the one it has until it is whole.
#[derive(Debug)]
struct Names {
    target: PathBuf,
    partial: PathBuf,
}

impl Names {
    fn of(target: &Path) -> Result<Self, WriteError> {
        let mut partial_name = OsString::from(target.file_name().ok_or(WriteError::Target)?);
        partial_name.push(".partial");
        let partial = target.with_file_name(partial_name);
        // `symlink_metadata`: a dangling link in the target's place is something there, too.
        for path in [target, &partial] {
            if fs::symlink_metadata(path).is_ok() {
                return Err(WriteError::Exists(path.to_owned()));
            }
        }
        Ok(Self { target: target.to_owned(), partial })
    }

    fn rename(self) -> Result<PathBuf, WriteError> {
        let parent = self.target.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(parent)?;
        fs::rename(&self.partial, &self.target).map_err(failed(&self.target))?;
        sync_folder(parent)?;
        Ok(self.target)
    }
}

impl Output {
    /// A folder.
    ///
    /// # Errors
    /// [`WriteError`] when it exists or cannot be made.
    pub fn folder(target: &Path) -> Result<Self, WriteError> {
        let names = Names::of(target)?;
        make_folder(&names.partial)?;
        Ok(Self { form: Form::Folder { names, file: None }, open: None })
    }

    /// A tar archive in a file, with one top folder of that name.
    ///
    /// # Errors
    /// [`WriteError`] when it exists or cannot be made.
    pub fn archive(target: &Path, base: String) -> Result<Self, WriteError> {
        let names = Names::of(target)?;
        let file = create(&names.partial)?;
        let out = Drain::File { names, file };
        Ok(Self { form: Form::Archive { out, base, written: 0, padding: 0 }, open: None })
    }

    /// A tar archive down a pipe.
    pub fn pipe(out: Box<dyn Write + Send>, base: String) -> Self {
        Self { form: Form::Archive { out: Drain::Pipe(out), base, written: 0, padding: 0 }, open: None }
    }

    /// Where an incomplete bag lies.
    pub fn partial(&self) -> PathBuf {
        match &self.form {
            Form::Folder { names, .. } | Form::Archive { out: Drain::File { names, .. }, .. } => names.partial.clone(),
            Form::Archive { .. } => PathBuf::from("the pipe"),
        }
    }

    /// Begins a file of exactly that length.
    pub(crate) fn begin(&mut self, path: &str, bytes: u64) -> Result<(), WriteError> {
        let shown = match &mut self.form {
            Form::Folder { names, file } => {
                let path = names.partial.join(path);
                if let Some(parent) = path.parent() {
                    make_folder(parent)?;
                }
                *file = Some(create(&path)?);
                path
            }
            Form::Archive { out, base, written, padding } => {
                let path = format!("{base}/{path}");
                let head =
                    tar::file(&path, bytes).map_err(|error| WriteError::Archive { path: path.clone(), error })?;
                out.give(&head, written)?;
                *padding = tar::padding(bytes);
                PathBuf::from(path)
            }
        };
        self.open = Some((shown, bytes));
        Ok(())
    }

    /// Writes a piece of it.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), WriteError> {
        let Some((path, left)) = &mut self.open else { return Err(WriteError::Target) };
        let count = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        // More than was announced would be taken for the next header of an archive.
        *left = left.checked_sub(count).ok_or_else(|| WriteError::Length(path.clone()))?;
        match &mut self.form {
            Form::Folder { file, .. } => match file {
                Some(file) => file.write_all(piece).map_err(failed(path)),
                None => Err(WriteError::Target),
            },
            Form::Archive { out, written, .. } => out.give(piece, written),
        }
    }

    /// Ends it; a file in a folder is then on disk.
    pub(crate) fn end(&mut self) -> Result<(), WriteError> {
        let Some((path, left)) = self.open.take() else { return Ok(()) };
        if left != 0 {
            return Err(WriteError::Length(path));
        }
        match &mut self.form {
            Form::Folder { file, .. } => file.take().map_or(Ok(()), |file| file.sync_all().map_err(failed(&path))),
            Form::Archive { out, written, padding, .. } => {
                let zeros = [0_u8; BLOCK_BYTES];
                out.give(zeros.get(..*padding).unwrap_or(&zeros), written)
            }
        }
    }

    /// A small file in one go.
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.begin(path, u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        self.write(bytes)?;
        self.end()
    }

    /// Makes everything durable and gives the bag its name; where it is, unless it went down a pipe.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, WriteError> {
        match self.form {
            Form::Folder { names, .. } => {
                sync_folders(&names.partial)?;
                names.rename().map(Some)
            }
            Form::Archive { mut out, mut written, .. } => {
                let end = (written + 2 * 512).next_multiple_of(RECORD_BYTES) - written;
                out.give(&vec![0_u8; usize::try_from(end).unwrap_or(BLOCK_BYTES)], &mut written)?;
                match out {
                    Drain::File { names, file } => {
                        file.sync_all().map_err(failed(&names.partial))?;
                        names.rename().map(Some)
                    }
                    Drain::Pipe(mut pipe) => pipe.flush().map(|()| None).map_err(failed(Path::new("-"))),
                }
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Output({})", self.partial().display())
    }
}

impl Drain {
    fn give(&mut self, bytes: &[u8], written: &mut u64) -> Result<(), WriteError> {
        match self {
            Self::File { names, file } => file.write_all(bytes).map_err(failed(&names.partial))?,
            Self::Pipe(pipe) => pipe.write_all(bytes).map_err(failed(Path::new("-")))?,
        }
        *written = written.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// Evidence is for its owner alone until a person decides otherwise.
fn create(path: &Path) -> Result<File, WriteError> {
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
