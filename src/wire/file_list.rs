//! The list of a package's packed files, one JSON document a line, so that anybody can read it without this program.
//! Refuses lines and lists beyond their bounds; what the entries say is checked by `model/listed.rs`.
//!
//! ```text
//! {"schema":"rogatory.v1.FileList","package":"<id>"}
//! {"path":"DCIM/1.jpg","bytes":5,"sha256":"…","modified_ms":1767225600000,"further":["sha1=…"],"extents":[[0,1,0,5]]}
//! {"path":"DCIM/cache","kind":"folder"}
//! {"path":"DCIM/link","kind":"link","target":"../x"}
//! ```
//!
//! An extent is `[at, object, from, bytes]`: from byte `at` of the file on, `bytes` bytes are those that stand at `from`
//! in the plaintext of that object. What no extent covers is a hole: zeros.

use serde::{Deserialize, Serialize};

use crate::model::ident::{Digest, Id};
use crate::model::limits::{LIST_LINE_BYTES_MAX, LISTED_MAX};
use crate::model::listed::{Extent, FurtherDigest, ListCheck, ListError, ListTotals, Listed, ListedFile};
use crate::model::package::Consignment;
use crate::model::path::RelativePath;

/// The schema name of a list.
pub const SCHEMA: &str = "rogatory.v1.FileList";
/// The media type of a list.
pub const MEDIA_TYPE: &str = "application/x-ndjson";
/// The name of a list among the items of a package.
pub const NAME: &str = "files.jsonl";

#[derive(Serialize, Deserialize)]
struct Head {
    schema: String,
    package: Id,
}

#[derive(Serialize, Deserialize)]
struct Line {
    path: RelativePath,
    #[serde(default, skip_serializing_if = "Kind::is_file")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    further: Vec<FurtherDigest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extents: Vec<(u64, u32, u64, u64)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    File,
    Folder,
    Link,
    Special,
}

impl Kind {
    const fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }
}

/// The first line, with its line end.
pub fn encode_head(package: Id) -> Vec<u8> {
    line_of(&Head { schema: SCHEMA.to_owned(), package })
}

/// The line of an entry, with its line end.
pub fn encode(entry: &Listed) -> Vec<u8> {
    let bare = |path: &RelativePath, kind| Line {
        path: path.clone(),
        kind,
        bytes: None,
        sha256: None,
        modified_ms: None,
        target: None,
        further: Vec::new(),
        extents: Vec::new(),
    };
    line_of(&match entry {
        Listed::File(file) => Line {
            bytes: Some(file.bytes),
            sha256: Some(file.sha256),
            modified_ms: file.modified_ms,
            further: file.further.clone(),
            extents: file.extents.iter().map(|one| (one.at, one.object_id, one.from, one.bytes)).collect(),
            ..bare(&file.path, Kind::File)
        },
        Listed::Folder(path) => bare(path, Kind::Folder),
        Listed::Link { path, target } => Line { target: Some(target.clone()), ..bare(path, Kind::Link) },
        Listed::Special(path) => bare(path, Kind::Special),
    })
}

/// Decodes one line, with or without its line end.
///
/// # Errors
/// [`FileListError`] says what is wrong with it.
pub fn decode(line: &[u8]) -> Result<Listed, FileListError> {
    if line.len() > LIST_LINE_BYTES_MAX {
        return Err(FileListError::Long);
    }
    let found: Line = serde_json::from_slice(line).map_err(|_| FileListError::Line)?;
    Ok(match found.kind {
        Kind::File => Listed::File(ListedFile {
            path: found.path,
            bytes: found.bytes.ok_or(FileListError::Line)?,
            sha256: found.sha256.ok_or(FileListError::Line)?,
            modified_ms: found.modified_ms,
            further: found.further,
            extents: found
                .extents
                .into_iter()
                .map(|(at, object_id, from, bytes)| Extent { at, object_id, from, bytes })
                .collect(),
        }),
        Kind::Folder => Listed::Folder(found.path),
        Kind::Link => Listed::Link { path: found.path, target: found.target.unwrap_or_default() },
        Kind::Special => Listed::Special(found.path),
    })
}

/// Reads a list line by line and checks it against the message that names it.
#[derive(Debug)]
pub struct ListReader<'a> {
    consignment: &'a Consignment,
    check: ListCheck,
    lines: u64,
}

impl<'a> ListReader<'a> {
    /// A reader of the list of that package.
    pub fn new(consignment: &'a Consignment) -> Self {
        Self { consignment, check: ListCheck::default(), lines: 0 }
    }

    /// Takes the next line; `None` for the first, which is the head.
    ///
    /// # Errors
    /// [`FileListError`]; the list is then not to be used.
    pub fn take(&mut self, line: &[u8]) -> Result<Option<Listed>, FileListError> {
        self.lines += 1;
        if self.lines == 1 {
            let head: Head = serde_json::from_slice(line).map_err(|_| FileListError::Head)?;
            let fits = head.schema == SCHEMA && head.package == self.consignment.seal_id;
            return if fits { Ok(None) } else { Err(FileListError::Head) };
        }
        if self.lines > LISTED_MAX + 1 {
            return Err(FileListError::Many);
        }
        let entry = decode(line)?;
        self.check.take(&entry, |object_id| self.consignment.pack_bytes(object_id))?;
        Ok(Some(entry))
    }

    /// What it holds, once all lines were taken.
    ///
    /// # Errors
    /// [`FileListError::Head`] when there was no line at all.
    pub const fn finish(&self) -> Result<ListTotals, FileListError> {
        if self.lines == 0 { Err(FileListError::Head) } else { Ok(self.check.totals()) }
    }
}

fn line_of(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("invariant: a line is made of text and numbers");
    line.push(b'\n');
    line
}

/// Why a list of files was refused. Shows no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileListError {
    /// The first line.
    #[error("the list of files does not begin as one of this package")]
    Head,
    /// A line.
    #[error("a line of the list of files cannot be read")]
    Line,
    /// A line that is too long.
    #[error("a line of the list of files is longer than {LIST_LINE_BYTES_MAX} bytes")]
    Long,
    /// Too many lines.
    #[error("the list names more than {LISTED_MAX} files")]
    Many,
    /// What it says.
    #[error("the list of files contradicts itself: {0}")]
    List(#[from] ListError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> impl Strategy<Value = Listed> {
        let path = "[a-z%ž]{1,5}(/[a-z ]{1,5}){0,2}".prop_map(|text| RelativePath::from_bytes(text.as_bytes()));
        let path = path.prop_filter_map("a path", Result::ok);
        let extents = proptest::collection::vec(any::<(u64, u32, u64, u64)>(), 0..3);
        (path, 0..4_u8, any::<u64>(), any::<Option<i64>>(), extents, any::<bool>()).prop_map(
            |(path, kind, bytes, modified_ms, extents, further)| match kind {
                0 => Listed::Folder(path),
                1 => Listed::Link { path, target: "../ž".to_owned() },
                2 => Listed::Special(path),
                _ => Listed::File(ListedFile {
                    path,
                    bytes,
                    sha256: Digest([7; 32]),
                    modified_ms,
                    further: if further {
                        vec!["md5=900150983cd24fb0d6963f7d28e17f72".parse().unwrap()]
                    } else {
                        vec![]
                    },
                    extents: extents
                        .into_iter()
                        .map(|(at, object_id, from, bytes)| Extent { at, object_id, from, bytes })
                        .collect(),
                }),
            },
        )
    }

    proptest! {
        #[test]
        fn every_entry_reads_back_from_its_line(entry in entries()) {
            prop_assert_eq!(decode(&encode(&entry)), Ok(entry));
        }

        #[test]
        fn no_bytes_make_the_decoder_fail_otherwise_than_by_refusing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _refused_or_read = decode(&bytes);
        }
    }

    #[test]
    fn a_line_is_what_the_schema_shows_and_later_fields_are_passed_over() {
        let line = br#"{"path":"a/b","bytes":5,"sha256":"0707070707070707070707070707070707070707070707070707070707070707","extents":[[0,1,0,5]],"later":1}"#;
        let entry = decode(line).unwrap();
        let known = String::from_utf8(line.to_vec()).unwrap().replace(r#","later":1"#, "") + "\n";
        assert_eq!(String::from_utf8(encode(&entry)).unwrap(), known);
        for bad in [r#"{"path":"../a","kind":"folder"}"#, r#"{"path":"a"}"#, r#"{"path":"a","kind":"door"}"#, "", "[]"]
        {
            assert_eq!(decode(bad.as_bytes()), Err(FileListError::Line), "{bad}");
        }
    }
}
