//! Our own checkpoints with the cosignatures that witnesses gave: `<custody>/cosigned/<size>`, whole signed notes. Keeps the
//! last 256 of them, and of older ones the newest of each hour in which they were written, for ever. Checks no signature,
//! and believes no time that a witness claims.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::limits::COSIGNED_RECENT_MAX;
use crate::store::files::{create_dir_durably, read_if_there, replace_durably};

/// The cosigned checkpoints of one log.
#[derive(Debug)]
pub struct CosignedFiles {
    dir: PathBuf,
    turn: Mutex<()>,
}

impl CosignedFiles {
    /// Those below `custody_dir`. Makes nothing.
    pub fn of(custody_dir: &Path) -> Self {
        Self { dir: custody_dir.join("cosigned"), turn: Mutex::default() }
    }

    /// Changes the note of that size: `change` gets what is there and gives what is to be there. Durable when it returns.
    ///
    /// # Errors
    /// What the system said, or what `change` refused.
    pub fn change<E: From<io::Error>>(
        &self,
        size: u64,
        change: impl FnOnce(Option<Vec<u8>>) -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let _turn = self.enter();
        let path = self.path(size);
        let old = read_if_there(&path)?;
        let fresh = old.is_none();
        let new = change(old.clone())?;
        if old.as_ref() != Some(&new) {
            create_dir_durably(&self.dir)?;
            replace_durably(&path, &new)?;
        }
        if fresh {
            self.thin()?;
        }
        Ok(())
    }

    /// The note of exactly that size.
    ///
    /// # Errors
    /// What the system said.
    pub fn at(&self, size: u64) -> io::Result<Option<Vec<u8>>> {
        read_if_there(&self.path(size))
    }

    /// The newest note.
    ///
    /// # Errors
    /// What the system said.
    pub fn newest(&self) -> io::Result<Option<Vec<u8>>> {
        self.first(self.sizes()?.into_iter().rev())
    }

    /// The oldest note that covers the first `size` entries.
    ///
    /// # Errors
    /// What the system said.
    pub fn covering(&self, size: u64) -> io::Result<Option<Vec<u8>>> {
        self.first(self.sizes()?.into_iter().filter(|held| *held >= size))
    }

    /// The sizes of all that are kept, ascending.
    ///
    /// # Errors
    /// What the system said.
    pub fn sizes(&self) -> io::Result<Vec<u64>> {
        let mut sizes = Vec::new();
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sizes),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            // A temporary file of a crash, or a stranger's: no number in its one spelling.
            let number = name.to_str().and_then(|name| name.parse::<u64>().ok().filter(|n| n.to_string() == name));
            sizes.extend(number);
        }
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// The one that has just left the last 256 goes, unless it is the last of its hour.
    fn thin(&self) -> io::Result<()> {
        let sizes = self.sizes()?;
        let Some(place) = sizes.len().checked_sub(COSIGNED_RECENT_MAX + 1) else { return Ok(()) };
        let (Some(old), Some(next)) = (sizes.get(place), sizes.get(place + 1)) else { return Ok(()) };
        match (self.hour(*old)?, self.hour(*next)?) {
            (Some(hour), Some(later)) if hour == later => fs::remove_file(self.path(*old)),
            _ => Ok(()),
        }
    }

    /// The hour in which the file was written. Attack: by the times in the cosignatures a witness would choose what goes: with
    /// one hour for all, everything, and with another one each time, nothing until the disk is full.
    fn hour(&self, size: u64) -> io::Result<Option<u64>> {
        let written = match fs::metadata(self.path(size)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            facts => facts?.modified()?,
        };
        Ok(written.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs() / 3_600))
    }

    fn first(&self, mut sizes: impl Iterator<Item = u64>) -> io::Result<Option<Vec<u8>>> {
        sizes.find_map(|size| self.at(size).transpose()).transpose()
    }

    fn path(&self, size: u64) -> PathBuf {
        self.dir.join(size.to_string())
    }

    fn enter(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::base64;

    fn note(size: u64, seconds: u64) -> Vec<u8> {
        let payload = [&[1, 2, 3, 4][..], &seconds.to_be_bytes(), &[7; 64]].concat();
        format!("log\n{size}\nAAAA\n\n\u{2014} w {}\n", base64::encode(&payload)).into_bytes()
    }

    fn put(files: &CosignedFiles, size: u64, seconds: u64) {
        files.change(size, |_| Ok::<_, io::Error>(note(size, seconds))).unwrap();
    }

    #[test]
    fn the_newest_and_the_first_that_covers_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let files = CosignedFiles::of(dir.path());
        assert_eq!((files.newest().unwrap(), files.covering(0).unwrap()), (None, None));
        for size in [9, 100, 20] {
            put(&files, size, 0);
        }
        assert_eq!(files.sizes().unwrap(), [9, 20, 100]);
        assert_eq!(files.newest().unwrap(), Some(note(100, 0)));
        assert_eq!(files.covering(9).unwrap(), Some(note(9, 0)));
        assert_eq!(files.covering(10).unwrap(), Some(note(20, 0)));
        assert_eq!(files.covering(101).unwrap(), None);
    }

    #[test]
    fn a_change_sees_what_is_there_and_a_refused_one_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let files = CosignedFiles::of(dir.path());
        put(&files, 5, 1);
        let refused = files.change(5, |old| {
            assert_eq!(old, Some(note(5, 1)));
            Err::<Vec<u8>, _>(io::Error::other("no"))
        });
        assert!(refused.is_err());
        assert_eq!(files.at(5).unwrap(), Some(note(5, 1)));
    }

    #[test]
    fn of_what_is_older_than_the_last_256_the_newest_of_each_hour_stays() {
        let dir = tempfile::tempdir().unwrap();
        let files = CosignedFiles::of(dir.path());
        // One a minute, for ten hours; the witness claims one time for all, or another year for each.
        for minute in 0..600 {
            put(&files, minute + 1, if minute < 300 { 7 } else { minute * 31_536_000 });
            let written = fs::File::options().write(true).open(files.path(minute + 1)).unwrap();
            written.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(minute * 60)).unwrap();
        }
        let sizes = files.sizes().unwrap();
        let recent: Vec<u64> = (345..=600).collect();
        assert_eq!(sizes[sizes.len() - 256..], recent);
        assert_eq!(sizes[..sizes.len() - 256], [60, 120, 180, 240, 300]);
    }

    #[test]
    fn names_that_are_no_sizes_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let files = CosignedFiles::of(dir.path());
        put(&files, 5, 0);
        for name in ["6.tmp", "07", "x"] {
            fs::write(dir.path().join("cosigned").join(name), b"?").unwrap();
        }
        assert_eq!(files.sizes().unwrap(), [5]);
    }
}
