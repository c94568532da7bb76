//! What is known of a package that is being sealed: enough to go on after a crash. Only whole lines count; a line that a
//! crash cut is dropped, and the list of files is cut back to what the last line speaks of.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::model::ident::Id;
use crate::store::files::sync_dir;
use crate::store::package_dir::{create_private_dir, private_file};

/// The directory `<data>/packing/<package>`, mode 0700.
///
/// ```text
/// state    one line for each object that is whole in the vault; fsynced before the next begins
/// list     the files that were sealed, one a line; durable as far as the last line of `state` says
/// ```
#[derive(Debug, Clone)]
pub struct PackingDir {
    path: PathBuf,
}

impl PackingDir {
    /// Makes the directory of a new package with the first line of its state.
    pub fn create(root: &Path, package_id: Id, first: &[u8]) -> io::Result<Self> {
        let dir = Self { path: root.join(package_id.to_string()) };
        create_private_dir(&dir.path)?;
        private_file().create_new(true).open(dir.list_path())?.sync_all()?;
        private_file().create_new(true).open(dir.state_path())?;
        dir.append(first)?;
        sync_dir(&dir.path)?;
        Ok(dir)
    }

    /// The packages that have such a directory, in order.
    pub fn all(root: &Path) -> io::Result<Vec<(Id, Self)>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if let Some(id) = name.parse::<Id>().ok().filter(|id| id.to_string() == name) {
                found.push((id, Self { path: entry.path() }));
            }
        }
        found.sort_by_key(|(id, _)| *id);
        Ok(found)
    }

    /// Appends a line to the state. When this returns, it survives a power failure.
    pub fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.state_path())?;
        let mut whole = line.to_vec();
        whole.push(b'\n');
        file.write_all(&whole)?;
        file.sync_all()
    }

    /// The whole lines of the state. What a crash left behind the last of them is cut off.
    pub fn lines(&self) -> io::Result<Vec<Vec<u8>>> {
        let bytes = fs::read(self.state_path())?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        if whole < bytes.len() {
            let file = private_file().open(self.state_path())?;
            file.set_len(u64::try_from(whole).unwrap_or_default())?;
            file.sync_all()?;
        }
        let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
        Ok(lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// Opens the list to write on behind its first `bytes`; what follows them is dropped.
    pub fn list_from(&self, bytes: u64) -> io::Result<ListFile> {
        let mut file = private_file().open(self.list_path())?;
        if file.metadata()?.len() < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(bytes))?;
        Ok(ListFile { file: BufWriter::with_capacity(1 << 18, file), bytes })
    }

    /// Reads the first `bytes` of the list.
    pub fn read_list(&self, bytes: u64) -> io::Result<impl Read + use<>> {
        Ok(BufReader::with_capacity(1 << 18, File::open(self.list_path())?.take(bytes)))
    }

    /// Gives the lines of the first `bytes` of the list, without their ends.
    pub fn each_listed<E: From<io::Error>>(
        &self,
        bytes: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = File::open(self.list_path()).map_err(E::from)?;
        let mut input = BufReader::with_capacity(1 << 18, file.take(bytes));
        let mut line = Vec::new();
        loop {
            line.clear();
            if input.read_until(b'\n', &mut line).map_err(E::from)? == 0 {
                return Ok(());
            }
            take(line.strip_suffix(b"\n").unwrap_or(&line))?;
        }
    }

    /// Removes the directory: first the state, without which nothing of it counts.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.state_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync_dir(self.path.parent().unwrap_or(Path::new(".")))
    }

    fn state_path(&self) -> PathBuf {
        self.path.join("state")
    }

    fn list_path(&self) -> PathBuf {
        self.path.join("list")
    }
}

/// The list, open to write.
#[derive(Debug)]
pub struct ListFile {
    file: BufWriter<File>,
    bytes: u64,
}

impl ListFile {
    /// Appends a line, which brings its end.
    pub fn push(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// How long it is.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes what was appended durable.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn a_line_that_a_crash_cut_does_not_count_and_the_list_goes_back_to_what_the_state_says() {
        let root = tempfile::tempdir().unwrap();
        let id = Id::new(Timestamp::from_millis(1), [3; 10]);
        let dir = PackingDir::create(root.path(), id, b"begun").unwrap();
        assert!(PackingDir::create(root.path(), id, b"begun").is_err());
        let mut list = dir.list_from(0).unwrap();
        list.push(b"a\n").unwrap();
        list.sync().unwrap();
        dir.append(b"two").unwrap();
        list.push(b"b\n").unwrap();
        list.sync().unwrap();
        let mut state = fs::read(dir.state_path()).unwrap();
        state.extend_from_slice(b"thr");
        fs::write(dir.state_path(), state).unwrap();

        let [(found, dir)] = PackingDir::all(root.path()).unwrap().try_into().unwrap();
        assert_eq!((found, dir.lines().unwrap()), (id, vec![b"begun".to_vec(), b"two".to_vec()]));
        dir.append(b"three").unwrap();
        assert_eq!(dir.lines().unwrap().len(), 3);
        let mut list = dir.list_from(2).unwrap();
        list.push(b"c\n").unwrap();
        list.sync().unwrap();
        let mut lines = Vec::new();
        dir.each_listed::<io::Error>(list.bytes(), |line| {
            lines.push(line.to_vec());
            Ok(())
        })
        .unwrap();
        assert_eq!(lines, [b"a", b"c"]);
        assert!(dir.list_from(99).is_err());
        dir.remove().unwrap();
        dir.remove().unwrap();
        assert!(PackingDir::all(root.path()).unwrap().is_empty());
    }
}
