//! A file that is written once, hashed on the way, and on disk when it is finished. Refuses to overwrite.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::crypto::digest::Sha256;

/// A file that is hashed while it is written, and is on disk when it is finished.
pub struct Sink {
    file: File,
    hash: Sha256,
}

impl Sink {
    /// Makes the file, for its owner alone.
    ///
    /// # Errors
    /// When it cannot be made, or is there already.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot make {}; nothing is overwritten", path.display()))?;
        Ok(Self { file, hash: Sha256::new() })
    }

    /// Its SHA-256, once it is on disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn finish(self) -> anyhow::Result<String> {
        self.file.sync_all()?;
        Ok(self.hash.finish().to_string())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
