//! The mark that a log came from a backup: `custody/put-back`. While it is there the log takes no entry: what was acknowledged
//! after the backup is not in it, and the next entry would be signed into a second history.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::ident::Digest;
use crate::model::time::Timestamp;
use crate::store::files::{read_if_there, replace_durably, sync_dir};

const HEAD: &str = "rogatory-put-back-1";

/// What was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutBack {
    /// Entries of the log.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// When the backup was made.
    pub made_at: Timestamp,
}

impl PutBack {
    /// Reads the mark; `None` where there is none.
    ///
    /// # Errors
    /// What the system said, or that the file holds something else: then nobody knows what was put back.
    pub fn read(custody_dir: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = read_if_there(&path(custody_dir))? else { return Ok(None) };
        let parsed = String::from_utf8(bytes).ok().and_then(|text| Self::parse(&text));
        parsed.map(Some).ok_or_else(|| io::Error::other("custody/put-back is damaged; restore the backup again"))
    }

    /// Sets the mark, durably.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&self, custody_dir: &Path) -> io::Result<()> {
        let Self { size, root, made_at } = self;
        let text = format!("{HEAD}\nsize {size}\nroot {root}\nmade {}\n", made_at.as_millis());
        replace_durably(&path(custody_dir), text.as_bytes())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != HEAD {
            return None;
        }
        let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
        let root = lines.next()?.strip_prefix("root ")?.parse().ok()?;
        let made_at = Timestamp::from_millis(lines.next()?.strip_prefix("made ")?.parse().ok()?);
        lines.next().is_none().then_some(Self { size, root, made_at })
    }
}

/// Whether the log came from a backup and nobody decided yet how it goes on. A mark that cannot be read counts.
pub fn is_there(custody_dir: &Path) -> bool {
    path(custody_dir).exists()
}

/// Takes the mark away, durably: it was decided.
///
/// # Errors
/// What the system said.
pub fn remove(custody_dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(path(custody_dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_dir(custody_dir),
    }
}

fn path(custody_dir: &Path) -> PathBuf {
    custody_dir.join("put-back")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_a_damaged_one_still_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(PutBack::read(dir.path()).unwrap(), None);
        let mark = PutBack { size: 4, root: Digest([1; 32]), made_at: Timestamp::from_millis(5) };
        mark.write(dir.path()).unwrap();
        assert_eq!(PutBack::read(dir.path()).unwrap(), Some(mark));
        std::fs::write(path(dir.path()), b"?").unwrap();
        assert!(PutBack::read(dir.path()).is_err() && is_there(dir.path()));
        remove(dir.path()).unwrap();
        remove(dir.path()).unwrap();
        assert!(!is_there(dir.path()));
    }
}
