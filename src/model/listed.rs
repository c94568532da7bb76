//! The files of a package that is a folder: where each lies in the sealed objects, and its digests. Refuses places that
//! overlap or lie outside, so that a few sealed bytes never become many files.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::ident::Digest;
use crate::model::limits::{EXTENTS_MAX, FURTHER_DIGESTS_MAX, LINE_BYTES_MAX, OBJECT_BYTES_MAX};
use crate::model::path::RelativePath;

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its place in the folder.
    pub path: RelativePath,
    /// Its length, holes included.
    pub bytes: u64,
    /// SHA-256 of all of it, holes as zeros: the forensic digest.
    pub sha256: Digest,
    /// When it was last changed, milliseconds since 1970 by the file system it came from; not checked by anything.
    pub modified_ms: Option<i64>,
    /// Further digests of it.
    pub further: Vec<FurtherDigest>,
    /// Where its bytes are, in order; what no extent covers is a hole.
    pub extents: Vec<Extent>,
}

/// A run of a file's bytes in the plaintext of a sealed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins in the file.
    pub at: u64,
    /// The object.
    pub object_id: u32,
    /// Where it begins in the object.
    pub from: u64,
    /// How long it is.
    pub bytes: u64,
}

/// One thing of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// A file.
    File(ListedFile),
    /// A folder with nothing in it.
    Folder(RelativePath),
    /// A symbolic link: named with what it points to, never followed.
    Link {
        /// Its place.
        path: RelativePath,
        /// What it points to, as text; for people only.
        target: String,
    },
    /// A pipe, a socket, a device: named, not taken.
    Special(RelativePath),
}

impl Listed {
    /// Its place in the folder.
    pub const fn path(&self) -> &RelativePath {
        match self {
            Self::File(ListedFile { path, .. })
            | Self::Folder(path)
            | Self::Link { path, .. }
            | Self::Special(path) => path,
        }
    }
}

/// How many things a list holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTotals {
    /// Files.
    pub files: u64,
    /// Their bytes, holes included.
    pub bytes: u64,
    /// Links and special files that were named and not taken.
    pub passed_over: u64,
}

/// Checks the entries of a list one after the other: ascending paths, nothing below a file, and places in the sealed
/// objects that only go forward.
#[derive(Debug, Default)]
pub struct ListCheck {
    last: Option<Listed>,
    place: (u32, u64),
    totals: ListTotals,
}

impl ListCheck {
    /// Takes the next entry. `object_bytes` says how long the plaintext of a packed object is.
    ///
    /// # Errors
    /// [`ListError`] names what is wrong; the list is then not to be used.
    pub fn take(&mut self, entry: &Listed, object_bytes: impl Fn(u32) -> Option<u64>) -> Result<(), ListError> {
        if let Some(last) = &self.last {
            if entry.path() <= last.path() {
                return Err(ListError::Order);
            }
            if entry.path().is_within(last.path()) {
                return Err(ListError::Below);
            }
        }
        match entry {
            Listed::File(file) => self.file(file, object_bytes)?,
            Listed::Link { target, .. } if target.len() > 4 * LINE_BYTES_MAX => return Err(ListError::Long),
            Listed::Link { .. } | Listed::Special(_) => self.totals.passed_over += 1,
            Listed::Folder(_) => {}
        }
        self.last = Some(entry.clone());
        Ok(())
    }

    /// What was taken so far.
    pub const fn totals(&self) -> ListTotals {
        self.totals
    }

    fn file(&mut self, file: &ListedFile, object_bytes: impl Fn(u32) -> Option<u64>) -> Result<(), ListError> {
        if file.bytes > OBJECT_BYTES_MAX || file.extents.len() > EXTENTS_MAX {
            return Err(ListError::Long);
        }
        if file.further.len() > FURTHER_DIGESTS_MAX {
            return Err(ListError::Long);
        }
        let mut at = 0;
        for extent in &file.extents {
            let end = extent.at.checked_add(extent.bytes).filter(|end| *end <= file.bytes);
            let in_object = extent.from.checked_add(extent.bytes);
            let room = object_bytes(extent.object_id).ok_or(ListError::Place)?;
            if extent.bytes == 0 || extent.at < at || in_object.is_none_or(|end| end > room) {
                return Err(ListError::Place);
            }
            if (extent.object_id, extent.from) < self.place {
                return Err(ListError::Overlap);
            }
            at = end.ok_or(ListError::Place)?;
            self.place = (extent.object_id, extent.from + extent.bytes);
        }
        self.totals.files += 1;
        self.totals.bytes = self.totals.bytes.checked_add(file.bytes).ok_or(ListError::Long)?;
        Ok(())
    }
}

/// A digest besides SHA-256, as an older record of an acquisition names it. Compared and written down; nothing in this
/// program rests on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FurtherDigest {
    algorithm: FurtherAlgorithm,
    value: Vec<u8>,
}

/// Which further digests are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FurtherAlgorithm {
    /// MD5 (RFC 1321): broken against forgers; finds accidents only.
    Md5,
    /// SHA-1 (FIPS 180-4): broken against forgers; finds accidents only.
    Sha1,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// BLAKE3, 32 bytes.
    Blake3,
}

impl FurtherAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha512, Self::Blake3];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// Bytes of a digest.
    pub const fn digest_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha512 => 64,
            Self::Blake3 => 32,
        }
    }
}

impl FromStr for FurtherAlgorithm {
    type Err = FurtherDigestError;

    fn from_str(text: &str) -> Result<Self, FurtherDigestError> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(FurtherDigestError::Algorithm)
    }
}

impl FurtherDigest {
    /// A digest.
    ///
    /// # Errors
    /// [`FurtherDigestError`] when it has another length than its algorithm gives.
    pub fn new(algorithm: FurtherAlgorithm, value: Vec<u8>) -> Result<Self, FurtherDigestError> {
        if value.len() == algorithm.digest_bytes() {
            Ok(Self { algorithm, value })
        } else {
            Err(FurtherDigestError::Length)
        }
    }

    /// Which it is.
    pub const fn algorithm(&self) -> FurtherAlgorithm {
        self.algorithm
    }

    /// Its bytes.
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// `sha1=` and lower-case hex.
impl fmt::Display for FurtherDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}=", self.algorithm.name())?;
        self.value.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl FromStr for FurtherDigest {
    type Err = FurtherDigestError;

    fn from_str(text: &str) -> Result<Self, FurtherDigestError> {
        let (name, hex) = text.split_once('=').ok_or(FurtherDigestError::Algorithm)?;
        let hex = hex.to_ascii_lowercase();
        let value = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(|_| FurtherDigestError::Hex)?;
        Self::new(name.parse()?, value)
    }
}

impl Serialize for FurtherDigest {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FurtherDigest {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a further digest was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FurtherDigestError {
    /// Not one that is known.
    #[error("write md5=HEX, sha1=HEX, sha512=HEX or blake3=HEX")]
    Algorithm,
    /// Not hexadecimal.
    #[error("a digest is written in hexadecimal digits")]
    Hex,
    /// Of another algorithm.
    #[error("the digest has another length than its algorithm gives")]
    Length,
}

/// Why a list of files was refused. Shows no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A path that does not ascend.
    #[error("the paths do not ascend, or one stands twice")]
    Order,
    /// A path below a file.
    #[error("a path lies below a file")]
    Below,
    /// An extent outside of its file or object.
    #[error("the bytes of a file lie outside of it, or of what was sealed")]
    Place,
    /// Sealed bytes that belong to two files.
    #[error("the places of two files overlap, or go backward")]
    Overlap,
    /// Beyond the limits.
    #[error("a file of the list is larger, or in more pieces, than the limits allow")]
    Long,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: u64, extents: &[(u64, u32, u64, u64)]) -> Listed {
        let extents = extents.iter().map(|&(at, object_id, from, bytes)| Extent { at, object_id, from, bytes });
        Listed::File(ListedFile {
            path: path.parse().unwrap(),
            bytes,
            sha256: Digest([0; 32]),
            modified_ms: None,
            further: Vec::new(),
            extents: extents.collect(),
        })
    }

    fn check(entries: &[Listed]) -> Result<ListTotals, ListError> {
        let mut check = ListCheck::default();
        let objects = |object_id| (object_id <= 2).then_some(100);
        entries.iter().try_for_each(|entry| check.take(entry, objects))?;
        Ok(check.totals())
    }

    #[test]
    fn files_lie_one_after_the_other_over_several_objects_with_holes_between() {
        let list = [
            file("a", 50, &[(0, 1, 0, 50)]),
            file("b", 1_000, &[(10, 1, 50, 50), (900, 2, 0, 20)]),
            file("c", 0, &[]),
            Listed::Link { path: "d".parse().unwrap(), target: "/etc/passwd".to_owned() },
        ];
        assert_eq!(check(&list), Ok(ListTotals { files: 3, bytes: 1_050, passed_over: 1 }));
    }

    #[test]
    fn a_list_that_would_make_many_files_of_few_bytes_is_refused() {
        let one = file("a", 50, &[(0, 1, 0, 50)]);
        let cases = [
            (file("a", 0, &[]), ListError::Order),
            (file("a/b", 0, &[]), ListError::Below),
            (file("b", 50, &[(0, 1, 0, 50)]), ListError::Overlap),
            (file("b", 50, &[(0, 1, 49, 1)]), ListError::Overlap),
            (file("b", 50, &[(0, 1, 60, 41)]), ListError::Place),
            (file("b", 50, &[(0, 3, 0, 1)]), ListError::Place),
            (file("b", 50, &[(0, 1, 50, 0)]), ListError::Place),
            (file("b", 10, &[(0, 1, 50, 11)]), ListError::Place),
            (file("b", 50, &[(5, 1, 50, 5), (9, 1, 55, 5)]), ListError::Place),
            (file("b", u64::MAX, &[]), ListError::Long),
            (file("b", 50, &[(u64::MAX, 1, 50, 5)]), ListError::Place),
        ];
        for (second, expected) in cases {
            assert_eq!(check(&[one.clone(), second]), Err(expected));
        }
    }

    #[test]
    fn a_further_digest_reads_back_and_one_of_another_length_is_refused() {
        let text = "sha1=a9993e364706816aba3e25717850c26c9cd0d89d";
        assert_eq!(text.parse::<FurtherDigest>().unwrap().to_string(), text);
        assert_eq!(
            text.to_ascii_uppercase().replace("SHA1", "sha1").parse::<FurtherDigest>().unwrap().to_string(),
            text
        );
        assert_eq!("sha1=a999".parse::<FurtherDigest>(), Err(FurtherDigestError::Length));
        assert_eq!("crc32=a999".parse::<FurtherDigest>(), Err(FurtherDigestError::Algorithm));
        assert_eq!("md5=xy".parse::<FurtherDigest>(), Err(FurtherDigestError::Hex));
        assert_eq!("md5".parse::<FurtherDigest>(), Err(FurtherDigestError::Algorithm));
    }
}
