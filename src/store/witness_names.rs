//! The names of files below `witness/`, from digests. Takes no two things for one because their names are alike.

use std::fs;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;

use crate::custody::checkpoint::SignedCheckpoint;
use crate::model::ident::Digest;
use crate::store::files::read_if_there;

/// The name with the whole digest, and the one with 64 bits of it that earlier versions gave. Attack: of 64 bits somebody
/// with a log of his own can find two that are alike, and the second fork would be taken for the first.
pub(super) fn both_names(stem: &str, digest: &Digest) -> (String, String) {
    let digest = HEXLOWER.encode(&digest.0);
    let short: String = digest.chars().take(16).collect();
    (format!("{stem}-{digest}"), format!("{stem}-{short}"))
}

/// Whether a signed note in that file says what this checkpoint says.
pub(super) fn says(path: &Path, seen: &SignedCheckpoint) -> io::Result<bool> {
    let text = format!("{}\n", seen.checkpoint());
    Ok(read_if_there(path)?.is_some_and(|note| note.starts_with(text.as_bytes())))
}

/// The names in a directory, sorted; none if it is not there.
pub(super) fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}
