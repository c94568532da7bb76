//! Where this authority's log was begun anew: it had lost entries that others saw, and a log may not sign two histories.
//! Refuses a file that does not say what a new beginning says.
//!
//! ```text
//! custody/origin            the name of the log that is written now; no file: the authority's first one
//! custody/restarts/<mark>   rogatory-restart-1
//!                           size <entries that both logs share>
//!                           root <their root, hex>
//!                           old <vkey>      a line for each key that ended there, Ed25519 first
//!                           new <vkey>      a line for each key that began, Ed25519 first
//! ```
//! Nothing of it is signed by the old key: whoever has the backup has that key. The directory vouches for the new one.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::custody::note::VerifierKey;
use crate::model::ident::Digest;
use crate::model::limits::{LOG_KEYS_MAX, LOG_ROTATIONS_MAX, ORIGIN_BYTES_MAX};
use crate::store::files::{create_dir_durably, read_if_there, replace_durably};

const HEAD: &str = "rogatory-restart-1";
const DIR: &str = "restarts";
const ORIGIN: &str = "origin";

/// One new beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// How many entries the new log has in common with the old one.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// The keys that ended there, Ed25519 first.
    pub old: Vec<VerifierKey>,
    /// The keys that began, Ed25519 first.
    pub new: Vec<VerifierKey>,
}

impl Restart {
    /// The file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\nsize {}\nroot {}\n", self.size, self.root);
        for (word, keys) in [("old", &self.old), ("new", &self.new)] {
            for key in keys {
                // Writing into a String cannot fail.
                let _ = writeln!(text, "{word} {key}");
            }
        }
        text
    }

    /// Reads the file.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != HEAD {
            return None;
        }
        let size = lines.next()?.strip_prefix("size ")?;
        let root = lines.next()?.strip_prefix("root ")?.parse().ok()?;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for line in lines {
            match line.split_once(' ')? {
                ("old", key) if new.is_empty() && old.len() < LOG_KEYS_MAX => old.push(key.parse().ok()?),
                ("new", key) if new.len() < LOG_KEYS_MAX => new.push(key.parse().ok()?),
                _ => return None,
            }
        }
        let parsed = Self { size: size.parse().ok()?, root, old, new };
        let whole = !parsed.old.is_empty() && !parsed.new.is_empty();
        (whole && parsed.to_text() == text).then_some(parsed)
    }
}

/// Writes one, durably. The log still goes by its old name.
///
/// # Errors
/// What the system said, or that the new keys have no mark in their name.
pub fn keep(custody_dir: &Path, restart: &Restart) -> io::Result<()> {
    let name = restart.new.first().and_then(|key| key.name().rsplit('/').next());
    let name = name.ok_or_else(|| io::Error::other("a new beginning without keys"))?;
    let dir = custody_dir.join(DIR);
    create_dir_durably(&dir)?;
    replace_durably(&dir.join(name), restart.to_text().as_bytes())
}

/// All of them. One whose keys never came into use does no harm: no chain of keys leads over it.
///
/// # Errors
/// What the system said.
pub fn all(custody_dir: &Path) -> io::Result<Vec<Restart>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(custody_dir.join(DIR)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries.take(LOG_ROTATIONS_MAX) {
        let path = entry?.path();
        if path.extension().is_some() {
            continue;
        }
        match Restart::parse(&std::fs::read_to_string(&path)?) {
            Some(restart) => found.push(restart),
            None => tracing::warn!("a file of custody/restarts says nothing; passed over"),
        }
    }
    found.sort_by_key(|one| one.size);
    Ok(found)
}

/// The name of the log that is written now, if it is not the authority's first one.
///
/// # Errors
/// What the system said, or that the file holds no name.
pub fn origin(custody_dir: &Path) -> io::Result<Option<String>> {
    let Some(bytes) = read_if_there(&custody_dir.join(ORIGIN))? else { return Ok(None) };
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= ORIGIN_BYTES_MAX);
    let name = text.as_deref().and_then(|text| text.strip_suffix('\n')).filter(|name| !name.is_empty());
    match name {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(io::Error::other("custody/origin holds no name of a log; restore it from a backup")),
    }
}

/// From here on the log goes by that name. Durable when it returns.
///
/// # Errors
/// What the system said.
pub fn set_origin(custody_dir: &Path, origin: &str) -> io::Result<()> {
    replace_durably(&custody_dir.join(ORIGIN), format!("{origin}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;

    fn key(name: &str, seed: u8) -> VerifierKey {
        VerifierKey::new(name.parse().unwrap(), SigningKey::from_seed(&[seed; 32]).public_key())
    }

    #[test]
    fn a_new_beginning_reads_back_from_its_text_and_from_no_cut_of_it() {
        let (old, new) = (key("xa-moj.rogatory/custody", 1), key("xa-moj.rogatory/custody/0011223344556677", 2));
        let restart = Restart { size: 7, root: Digest([9; 32]), old: vec![old], new: vec![new] };
        let text = restart.to_text();
        assert_eq!(Restart::parse(&text), Some(restart.clone()));
        for cut in 0..text.len() {
            assert_eq!(Restart::parse(&text[..cut]), None, "{cut}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!((all(dir.path()).unwrap(), origin(dir.path()).unwrap()), (vec![], None));
        keep(dir.path(), &restart).unwrap();
        set_origin(dir.path(), "xa-moj.rogatory/custody/0011223344556677").unwrap();
        assert_eq!(all(dir.path()).unwrap(), [restart]);
        assert_eq!(origin(dir.path()).unwrap().as_deref(), Some("xa-moj.rogatory/custody/0011223344556677"));
        std::fs::write(dir.path().join("origin"), b"\n").unwrap();
        assert!(origin(dir.path()).is_err());
    }
}
