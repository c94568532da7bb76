//! The note of what a package directory receives, so that one seal_id never names two packages. Refuses a list that differs in any byte.

use std::fs;
use std::io::{self, Write as _};

use crate::crypto::digest::Sha256;
use crate::model::envelope::Blob;
use crate::store::package_dir::{PackageDir, private_file};

const MAGIC: &[u8; 8] = b"RGINTAK1";

/// Whether this list may be received here: nothing is here yet, or this very list was begun. A peer chooses the
/// seal_id, so it could name our own package, or that of another peer, and must not reach into it.
pub(super) fn matches(dir: &PackageDir, blobs: &[Blob]) -> io::Result<bool> {
    if !dir.exists() {
        return Ok(true);
    }
    match fs::read(dir.intake()) {
        Ok(found) => Ok(found == record(blobs)),
        // A crash before the note was made leaves no object; objects without a note were sealed here.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(dir.is_empty()?),
        Err(error) => Err(error),
    }
}

/// Writes the note, durably, before any file of an object is made.
pub(super) fn write(dir: &PackageDir, blobs: &[Blob]) -> io::Result<()> {
    if dir.intake().exists() {
        return Ok(());
    }
    let mut file = private_file().create(true).truncate(true).open(dir.intake_temporary())?;
    file.write_all(&record(blobs))?;
    file.sync_all()?;
    fs::rename(dir.intake_temporary(), dir.intake())?;
    dir.sync()
}

fn record(blobs: &[Blob]) -> Vec<u8> {
    let mut list = Sha256::new();
    for blob in blobs {
        list.update(&blob.object_id.to_be_bytes());
        list.update(&blob.ciphertext_bytes.to_be_bytes());
        list.update(&blob.root.0);
        list.update(&blob.commitment.0);
    }
    [MAGIC.as_slice(), &list.finish().0].concat()
}
