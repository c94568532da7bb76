//! The place of a file in a folder that was sealed: relative, of bounded depth and length. Refuses what climbs, is absolute or
//! has no name.
//!
//! A file system keeps bytes, people and JSON keep text: so a path is written as text in which `%`, control characters, marks
//! that change the direction of reading, and bytes that are no UTF-8 stand as `%` and two hex digits. One path has one text.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::limits::{PATH_BYTES_MAX, PATH_DEPTH_MAX, PATH_NAME_BYTES_MAX};

/// A relative path, `/` between its names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelativePath {
    bytes: Vec<u8>,
}

impl RelativePath {
    /// From the bytes of a file system.
    ///
    /// # Errors
    /// [`PathError`] says what no such path may hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PathError> {
        if bytes.len() > PATH_BYTES_MAX {
            return Err(PathError::Long);
        }
        let mut depth = 0_usize;
        for name in bytes.split(|byte| *byte == b'/') {
            depth += 1;
            match name {
                b"" => return Err(PathError::Empty),
                b"." | b".." => return Err(PathError::Climbs),
                _ if name.contains(&0) => return Err(PathError::Zero),
                _ if name.len() > PATH_NAME_BYTES_MAX => return Err(PathError::Long),
                _ => {}
            }
        }
        if depth > PATH_DEPTH_MAX { Err(PathError::Deep) } else { Ok(Self { bytes: bytes.to_vec() }) }
    }

    /// The bytes of a file system.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its names, from the top.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| *byte == b'/')
    }

    /// Whether this is the other path, or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        self.bytes.strip_prefix(folder.bytes.as_slice()).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }
}

/// Name by name from the top, bytes by value: the order in which a folder is walked, where all that is below a folder
/// follows it at once.
impl Ord for RelativePath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.names().cmp(other.names())
    }
}

impl PartialOrd for RelativePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.bytes.utf8_chunks() {
            for character in piece.valid().chars() {
                if is_shown(character) {
                    out.write_char(character)?;
                } else {
                    let mut buffer = [0; 4];
                    escape(character.encode_utf8(&mut buffer).as_bytes(), out)?;
                }
            }
            escape(piece.invalid(), out)?;
        }
        Ok(())
    }
}

fn escape(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "%{byte:02X}"))
}

/// Attack: a name with marks of direction reads as another one (`gpj.exe` as `exe.jpg`).
fn is_shown(character: char) -> bool {
    let turns = matches!(character, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    character != '%' && !character.is_control() && !turns
}

impl FromStr for RelativePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        // Three characters stand for one byte at most.
        if text.len() > 3 * PATH_BYTES_MAX {
            return Err(PathError::Long);
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes().iter().copied();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(PathError::Spelling);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).map_err(|_| PathError::Spelling)?);
        }
        let path = Self::from_bytes(&bytes)?;
        // Attack: two spellings of one path would be two files to one reader and one to another.
        if path.to_string() == text { Ok(path) } else { Err(PathError::Spelling) }
    }
}

impl Serialize for RelativePath {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RelativePath {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a path was refused. Never shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, a slash at an end, or two in a row.
    #[error("a path is relative and has no empty name in it")]
    Empty,
    /// `.` or `..`.
    #[error("a path does not climb")]
    Climbs,
    /// A zero byte.
    #[error("a name holds no zero byte")]
    Zero,
    /// Beyond the bounds.
    #[error("a path has at most {PATH_BYTES_MAX} bytes, and each name in it {PATH_NAME_BYTES_MAX}")]
    Long,
    /// Too many folders.
    #[error("a path is at most {PATH_DEPTH_MAX} names deep")]
    Deep,
    /// Not the one text of this path.
    #[error(
        "a path is written in one way: `%` and two upper-case digits for what cannot be shown, itself for all else"
    )]
    Spelling,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_climbs_is_absolute_or_has_no_name_is_refused() {
        for bad in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/."] {
            assert!(RelativePath::from_bytes(bad.as_bytes()).is_err(), "{bad}");
            assert!(bad.parse::<RelativePath>().is_err(), "{bad}");
        }
        assert_eq!(RelativePath::from_bytes(b"a\0b"), Err(PathError::Zero));
        assert_eq!("%2E%2E/a".parse::<RelativePath>(), Err(PathError::Climbs));
        let deep = ["a"; PATH_DEPTH_MAX + 1].join("/");
        assert_eq!(deep.parse::<RelativePath>(), Err(PathError::Deep));
        assert_eq!("x".repeat(PATH_NAME_BYTES_MAX + 1).parse::<RelativePath>(), Err(PathError::Long));
    }

    #[test]
    fn a_path_has_one_text_and_hides_nothing() {
        let shown = |bytes: &[u8]| RelativePath::from_bytes(bytes).unwrap().to_string();
        assert_eq!(shown("DCIM/Žiga 1.jpg".as_bytes()), "DCIM/Žiga 1.jpg");
        assert_eq!(shown(b"100%\n\xff"), "100%25%0A%FF");
        assert_eq!(shown("a\u{202e}gpj.exe".as_bytes()), "a%E2%80%AEgpj.exe");
        for other in ["%41", "a%2fb", "100%", "%0a", "a\u{202e}"] {
            assert_eq!(other.parse::<RelativePath>(), Err(PathError::Spelling), "{other}");
        }
    }

    #[test]
    fn all_that_is_below_a_folder_follows_it_at_once() {
        let path = |text: &str| text.parse::<RelativePath>().unwrap();
        let mut paths = ["a.b", "a/b", "a", "a-", "b", "a/a/z"].map(path);
        paths.sort();
        assert_eq!(paths, ["a", "a/a/z", "a/b", "a-", "a.b", "b"].map(path));
        assert!(path("a/b").is_within(&path("a")) && path("a").is_within(&path("a")));
        assert!(!path("ab").is_within(&path("a")) && !path("a").is_within(&path("a/b")));
    }

    proptest! {
        #[test]
        fn every_path_reads_back_from_its_text(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(path) = RelativePath::from_bytes(&bytes) {
                prop_assert_eq!(path.to_string().parse::<RelativePath>(), Ok(path));
            }
        }

        #[test]
        fn no_text_reads_as_another_path(text in "[a-c/.%0-9A-F]{0,12}") {
            if let Ok(path) = text.parse::<RelativePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
