//! The files of a directory, as exact bytes under fixed names, and the one file that carries them all by mail. Refuses
//! a name that is not of the layout, a name given twice, and anything beyond the limits.
//!
//! ```text
//!  metadata/1.root.json … N.root.json   the chain of trust, every root
//!  metadata/timestamp.json  snapshot.json  targets.json
//!  targets/directory.json
//!  targets/registry.json                where there is one; may stay behind where it is held already
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::exchange::canonical::JsonError;
use crate::model::base64;
use crate::model::limits::{
    DIRECTORY_BYTES_MAX, DIRECTORY_METADATA_BYTES_MAX, DIRECTORY_ROOTS_MAX, DIRECTORY_VERSION_MAX, REGISTRY_BYTES_MAX,
};

/// A place in the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// `metadata/N.root.json`
    Root(u64),
    /// `metadata/timestamp.json`
    Timestamp,
    /// `metadata/snapshot.json`
    Snapshot,
    /// `metadata/targets.json`
    Targets,
    /// `targets/directory.json`
    Listing,
    /// `targets/registry.json`
    Registry,
}

impl FileName {
    /// The largest file that may stand there.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Listing => DIRECTORY_BYTES_MAX,
            Self::Registry => REGISTRY_BYTES_MAX,
            Self::Root(_) | Self::Timestamp | Self::Snapshot | Self::Targets => DIRECTORY_METADATA_BYTES_MAX,
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(version) => write!(out, "metadata/{version}.root.json"),
            Self::Timestamp => out.write_str("metadata/timestamp.json"),
            Self::Snapshot => out.write_str("metadata/snapshot.json"),
            Self::Targets => out.write_str("metadata/targets.json"),
            Self::Listing => out.write_str("targets/directory.json"),
            Self::Registry => out.write_str("targets/registry.json"),
        }
    }
}

impl FromStr for FileName {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        let root = || text.strip_prefix("metadata/")?.strip_suffix(".root.json")?.parse().ok().map(Self::Root);
        let name = match text {
            "metadata/timestamp.json" => Some(Self::Timestamp),
            "metadata/snapshot.json" => Some(Self::Snapshot),
            "metadata/targets.json" => Some(Self::Targets),
            "targets/directory.json" => Some(Self::Listing),
            "targets/registry.json" => Some(Self::Registry),
            _ => root(),
        };
        // The text must be the one that the name is written as: `01.root.json` and `+1.root.json` are not.
        name.filter(|name| name.to_string() == text && name.version_is_possible())
            .ok_or_else(|| RepositoryError::Name(text.chars().filter(|c| !c.is_control()).take(80).collect()))
    }
}

impl FileName {
    fn version_is_possible(self) -> bool {
        !matches!(self, Self::Root(version) if version == 0 || version > DIRECTORY_VERSION_MAX)
    }
}

/// The files, each within its limit, all within the limit of a directory. None is known to be well-formed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    files: BTreeMap<FileName, Vec<u8>>,
}

impl Files {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file in its place; what stood there before is replaced.
    pub fn put(&mut self, name: FileName, bytes: Vec<u8>) -> Result<(), RepositoryError> {
        if bytes.len() > name.bytes_max() {
            return Err(RepositoryError::FileTooLarge { name, bytes_max: name.bytes_max() });
        }
        self.files.insert(name, bytes);
        if self.roots().count() > DIRECTORY_ROOTS_MAX {
            return Err(RepositoryError::TooManyRoots);
        }
        let counted = self.files.iter().filter(|(name, _)| **name != FileName::Registry);
        if counted.map(|(_, bytes)| bytes.len()).sum::<usize>() > DIRECTORY_BYTES_MAX {
            return Err(RepositoryError::TooLarge);
        }
        Ok(())
    }

    /// The bytes of a file.
    pub fn file(&self, name: FileName) -> Option<&[u8]> {
        self.files.get(&name).map(Vec::as_slice)
    }

    /// The same files without the registry: it is large, changes seldom, and whoever has it needs no second copy.
    pub fn without_registry(&self) -> Self {
        let mut files = self.files.clone();
        files.remove(&FileName::Registry);
        Self { files }
    }

    /// Every file in the order of its name: roots by version, then the others.
    pub fn iter(&self) -> impl Iterator<Item = (FileName, &[u8])> {
        self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    /// The versions of the roots, rising.
    pub fn roots(&self) -> impl Iterator<Item = u64> {
        self.files.keys().filter_map(|name| match name {
            FileName::Root(version) => Some(*version),
            _ => None,
        })
    }

    /// All files in one JSON document, to be mailed: their exact bytes in base64.
    pub fn to_single_file(&self) -> Vec<u8> {
        let files =
            self.iter().map(|(name, bytes)| Row { path: name.to_string(), bytes: base64::encode(bytes) }).collect();
        let document = Document { schema: Schema::V1, files };
        let mut bytes = serde_json::to_vec_pretty(&document).expect("invariant: plain strings can be written");
        bytes.push(b'\n');
        bytes
    }

    /// Reads that document.
    pub fn from_single_file(bytes: &[u8]) -> Result<Self, RepositoryError> {
        if bytes.len() > SINGLE_FILE_BYTES_MAX {
            return Err(RepositoryError::TooLarge);
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|error| JsonError::of(&error))?;
        let mut files = Self::new();
        for row in document.files {
            let name: FileName = row.path.parse()?;
            if files.file(name).is_some() {
                return Err(RepositoryError::Twice(name));
            }
            let bytes = base64::decode(&row.bytes).map_err(|_| RepositoryError::Base64(name))?;
            files.put(name, bytes)?;
        }
        Ok(files)
    }
}

/// Largest single file: base64 makes four bytes of three, names and JSON stay far below the rest.
pub const SINGLE_FILE_BYTES_MAX: usize = (DIRECTORY_BYTES_MAX + REGISTRY_BYTES_MAX) / 2 * 3;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: Schema,
    files: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "rogatory.directory-file.v1")]
    V1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    path: String,
    bytes: String,
}

/// Why files are no directory's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// Not of the layout.
    #[error("`{0}` is no file of a directory")]
    Name(String),
    /// One name, two files.
    #[error("{0} stands twice in the file; ask its sender for a new one")]
    Twice(FileName),
    /// Damaged on its way, or never right.
    #[error("the bytes of {0} are not strict base64; ask the sender for the file again")]
    Base64(FileName),
    /// Not the document that it should be.
    #[error("not a .rogatory-directory file: {0}")]
    Json(#[from] JsonError),
    /// Beyond the limit.
    #[error("{name} is larger than {bytes_max} bytes")]
    FileTooLarge {
        /// The file.
        name: FileName,
        /// Its limit.
        bytes_max: usize,
    },
    /// Beyond the limit.
    #[error("the directory is larger than {DIRECTORY_BYTES_MAX} bytes")]
    TooLarge,
    /// Beyond the limit.
    #[error("the directory has more than {DIRECTORY_ROOTS_MAX} roots")]
    TooManyRoots,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_has_one_text() {
        for name in [FileName::Root(1), FileName::Root(12), FileName::Timestamp, FileName::Listing] {
            assert_eq!(name.to_string().parse::<FileName>().unwrap(), name);
        }
        for bad in [
            "metadata/01.root.json",
            "metadata/+1.root.json",
            "metadata/0.root.json",
            "metadata/root.json",
            "metadata/../targets/directory.json",
            "/metadata/timestamp.json",
            "",
            "metadata/9007199254740992.root.json",
        ] {
            assert!(bad.parse::<FileName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_that_stands_twice_is_refused() {
        let row = r#"{"path":"metadata/timestamp.json","bytes":"e30="}"#;
        let twice = format!(r#"{{"schema":"rogatory.directory-file.v1","files":[{row},{row}]}}"#);
        assert_eq!(Files::from_single_file(twice.as_bytes()), Err(RepositoryError::Twice(FileName::Timestamp)));
    }

    #[test]
    fn an_unknown_field_is_refused_by_its_name() {
        let file = r#"{"schema":"rogatory.directory-file.v1","files":[],"comment":""}"#;
        let error = Files::from_single_file(file.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("`comment`"), "{error}");
    }

    #[test]
    fn loose_base64_is_refused() {
        for bad in ["e31=", "e30", "e3 0="] {
            let file = format!(
                r#"{{"schema":"rogatory.directory-file.v1","files":[{{"path":"metadata/timestamp.json","bytes":"{bad}"}}]}}"#
            );
            let refused = Files::from_single_file(file.as_bytes());
            assert_eq!(refused, Err(RepositoryError::Base64(FileName::Timestamp)), "{bad}");
        }
    }

    #[test]
    fn files_beyond_their_limits_are_refused() {
        let mut files = Files::new();
        let large = vec![b' '; DIRECTORY_METADATA_BYTES_MAX + 1];
        assert!(matches!(files.put(FileName::Timestamp, large), Err(RepositoryError::FileTooLarge { .. })));
        let roots = u64::try_from(DIRECTORY_ROOTS_MAX).unwrap();
        assert!((1..=roots).all(|version| files.put(FileName::Root(version), Vec::new()).is_ok()));
        assert_eq!(files.put(FileName::Root(roots + 1), Vec::new()), Err(RepositoryError::TooManyRoots));
    }

    proptest! {
        #[test]
        fn the_single_file_gives_back_the_exact_bytes(
            root in prop::collection::vec(any::<u8>(), 0..100), list in prop::collection::vec(any::<u8>(), 0..100)
        ) {
            let mut files = Files::new();
            files.put(FileName::Root(1), root).unwrap();
            files.put(FileName::Listing, list).unwrap();
            prop_assert_eq!(Files::from_single_file(&files.to_single_file()).unwrap(), files);
        }
    }
}
