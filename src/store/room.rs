//! How much more the vault may take. Keeps a reserve, so that evidence never takes the last bytes from the custody journal.

use std::io;
use std::path::PathBuf;

use rustix::fs::statvfs;

/// The disk under the vault, and what must stay free on it.
#[derive(Debug, Clone)]
pub struct Room {
    vault: PathBuf,
    reserve_bytes: u64,
}

impl Room {
    /// The room of the file system that holds `vault`.
    pub fn of(vault: PathBuf, reserve_bytes: u64) -> Self {
        Self { vault, reserve_bytes }
    }

    /// How many bytes evidence may still take.
    pub fn spare_bytes(&self) -> io::Result<u64> {
        let disk = statvfs(&self.vault)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize).saturating_sub(self.reserve_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_not_room() {
        let dir = tempfile::tempdir().unwrap();
        let spare = |reserve| Room::of(dir.path().to_owned(), reserve).spare_bytes();
        assert!(spare(0).unwrap() > 0);
        assert_eq!(spare(u64::MAX).unwrap(), 0);
        assert!(Room::of("/nonexistent-vault".into(), 0).spare_bytes().is_err());
    }
}
