//! Files that appear whole or not at all: temporary name, fsync, rename, fsync of the directory. Never writes in place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Creates `dir` and its missing ancestors, each durable in its parent before the next is made.
pub fn create_dir_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = named_parent(dir);
    if let Some(parent) = parent {
        create_dir_durably(parent)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Makes the names in `dir` durable: a rename lives in the directory, not in the file.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Replaces `path` by `bytes`. After a crash there is the old file or the new one. The new name is durable only after
/// [`sync_dir`] of its directory.
pub fn replace(path: &Path, bytes: &[u8], temporary: &Path) -> io::Result<()> {
    let mut file = File::create(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)
}

/// [`replace`], durable under its name when it returns.
pub fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_of(path);
    replace(path, bytes, &temporary)?;
    sync_dir(named_parent(path).unwrap_or(Path::new(".")))
}

/// The bytes of a file; `None` if there is none.
pub fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The directory that the path names; the parent of a bare file name is an empty path, which cannot be opened.
fn named_parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}

fn temporary_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_temporary_one() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        create_dir_durably(&deep).unwrap();
        create_dir_durably(&deep).unwrap();
        let path = deep.join("file");
        assert_eq!(read_if_there(&path).unwrap(), None);
        replace_durably(&path, b"one").unwrap();
        replace_durably(&path, b"two").unwrap();
        assert_eq!(read_if_there(&path).unwrap(), Some(b"two".to_vec()));
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 1);
    }

    #[test]
    fn a_bare_file_name_lies_in_the_current_directory() {
        assert_eq!(named_parent(Path::new("list")), None);
        assert_eq!(named_parent(Path::new("a/list")), Some(Path::new("a")));
    }
}
