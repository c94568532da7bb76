//! The directory of the index and those that were set aside beside it. Knows names, not what is inside.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::files::sync_dir;

const ASIDE: &str = ".damaged-";

/// A snapshot that a power loss tore makes sled refuse to open; it is derived from sled's own log.
pub(super) fn remove_torn_snapshots(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Moves the directory away under the first free name; it is kept for whoever wants to know what happened.
pub(super) fn set_aside(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let mut number = 1_u32;
    loop {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!("{ASIDE}{number}"));
        let to = PathBuf::from(name);
        if !to.exists() {
            return fs::rename(dir, to);
        }
        number += 1;
    }
}

/// Removes an index that is not open, and every one that was set aside beside it: nothing that was folded from an erased
/// record may stay in a file.
pub fn remove(dir: &Path) -> io::Result<()> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut aside: OsString = dir.file_name().unwrap_or_default().to_owned();
    aside.push(ASIDE);
    let aside = aside.to_string_lossy().into_owned();
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if Some(entry.file_name().as_os_str()) == dir.file_name()
            || entry.file_name().to_string_lossy().starts_with(&aside)
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    sync_dir(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_goes_with_those_that_were_set_aside_and_with_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("index");
        for name in ["index", "index", "index", "index-of-others", "indexes"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("db"), b"a name").unwrap();
            if name == "index" {
                set_aside(&index).unwrap();
            }
        }
        fs::create_dir(&index).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 6);
        remove(&index).unwrap();
        remove(&index).unwrap();
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["index-of-others", "indexes"]);
    }
}
