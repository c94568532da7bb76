//! The file that says what an erasure is about to overwrite, so that a start can finish it. Holds nothing of what is erased.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::crypto::digest::sha256;
use crate::model::ident::Digest;
use crate::model::limits::{ENCLOSURES_MAX, ERASED_RECORDS_MAX};
use crate::store::files::{read_if_there, replace_durably, sync_dir};
use crate::store::frame::FRAME_BODY_BYTES_MAX;
use crate::store::journal::Place;

const HEAD: &str = "rogatory-erasure-1";
const NAME: &str = "erasing";

/// What is about to be erased.
///
/// ```text
/// custody/erasing
/// rogatory-erasure-1
/// state asked                                            asked | begun
/// tombstone <index> <SHA-256 of the record>              only while it is asked
/// whole <index> <segment> <offset> <body bytes> <commitment>
/// enclosures <index> <segment> <offset> <body bytes> <SHA-256 of the frame to be> <mask>
/// end <SHA-256 of all lines before>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// How far it is.
    pub state: State,
    /// What is overwritten.
    pub targets: Vec<Target>,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing was overwritten. It is to be done only if this record stands in the log: the tombstone.
    Asked {
        /// Where it would stand.
        index: u64,
        /// The SHA-256 of its bytes.
        record: Digest,
    },
    /// The overwriting may have begun, and is to be finished whatever the journal looks like.
    Begun,
}

/// One frame that is overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The entry.
    pub index: u64,
    /// Where its frame stands.
    pub place: Place,
    /// Bytes of its body, before and after.
    pub body_bytes: usize,
    /// What of it goes.
    pub form: Form,
}

/// What of an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Salt, record and enclosures.
    Whole {
        /// What stays.
        commitment: Digest,
    },
    /// Some enclosures.
    Enclosures {
        /// Their bits.
        mask: u8,
        /// The SHA-256 of the frame as it will be: what is torn is put together again only to exactly this.
        frame: Digest,
    },
}

impl Intent {
    /// Where it lies.
    pub fn path(custody_dir: &Path) -> PathBuf {
        custody_dir.join(NAME)
    }

    /// Whether there is one.
    pub fn is_there(custody_dir: &Path) -> bool {
        Self::path(custody_dir).exists()
    }

    /// Reads it; `None` if nothing is being erased.
    pub fn read(custody_dir: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = read_if_there(&Self::path(custody_dir))? else { return Ok(None) };
        let parsed = String::from_utf8(bytes).ok().and_then(|text| Self::parse(&text));
        parsed.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is damaged"))
    }

    /// Writes it; durable when this returns.
    pub fn write(&self, custody_dir: &Path) -> io::Result<()> {
        replace_durably(&Self::path(custody_dir), self.to_text().as_bytes())
    }

    /// Takes it away, durably: the erasure is done.
    pub fn remove(custody_dir: &Path) -> io::Result<()> {
        match std::fs::remove_file(Self::path(custody_dir)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_dir(custody_dir),
        }
    }

    /// Whether records go as a whole, so that what was derived from them must go too.
    pub fn takes_records(&self) -> bool {
        self.targets.iter().any(|target| matches!(target.form, Form::Whole { .. }))
    }

    fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        // Writing into a String cannot fail.
        let _ = match self.state {
            State::Asked { index, record } => writeln!(text, "state asked\ntombstone {index} {record}"),
            State::Begun => writeln!(text, "state begun"),
        };
        for Target { index, place, body_bytes, form } in &self.targets {
            let Place { segment, offset } = place;
            let _ = match form {
                Form::Whole { commitment } => {
                    writeln!(text, "whole {index} {segment} {offset} {body_bytes} {commitment}")
                }
                Form::Enclosures { mask, frame } => {
                    writeln!(text, "enclosures {index} {segment} {offset} {body_bytes} {frame} {mask}")
                }
            };
        }
        let digest = sha256(text.as_bytes());
        let _ = writeln!(text, "end {digest}");
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (before, end) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let signed = text.get(..before.len() + 1)?;
        if end.strip_prefix("end ")?.parse::<Digest>().ok()? != sha256(signed.as_bytes()) {
            return None;
        }
        let mut lines = before.lines();
        if lines.next() != Some(HEAD) {
            return None;
        }
        let state = match lines.next()? {
            "state begun" => State::Begun,
            "state asked" => {
                let (index, record) = lines.next()?.strip_prefix("tombstone ")?.split_once(' ')?;
                State::Asked { index: index.parse().ok()?, record: record.parse().ok()? }
            }
            _ => return None,
        };
        let mut targets = Vec::new();
        for line in lines {
            if targets.len() >= ERASED_RECORDS_MAX {
                return None;
            }
            targets.push(target(line)?);
        }
        Some(Self { state, targets })
    }
}

fn target(line: &str) -> Option<Target> {
    let words: Vec<&str> = line.split(' ').collect();
    let [kind, index, segment, offset, body_bytes, digest, rest @ ..] = words.as_slice() else { return None };
    let digest: Digest = digest.parse().ok()?;
    let form = match (*kind, rest) {
        ("whole", []) => Form::Whole { commitment: digest },
        ("enclosures", [mask]) => {
            let mask = mask.parse().ok()?;
            if u32::from(mask) >> ENCLOSURES_MAX != 0 {
                return None;
            }
            Form::Enclosures { mask, frame: digest }
        }
        _ => return None,
    };
    let body_bytes = body_bytes.parse().ok().filter(|bytes| (1..=FRAME_BODY_BYTES_MAX).contains(bytes))?;
    let place = Place { segment: segment.parse().ok()?, offset: offset.parse().ok()? };
    Some(Target { index: index.parse().ok()?, place, body_bytes, form })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intent(state: State) -> Intent {
        let place = Place { segment: 4, offset: 64 };
        let whole = Form::Whole { commitment: Digest([1; 32]) };
        let enclosures = Form::Enclosures { mask: 5, frame: Digest([2; 32]) };
        let target = |form| Target { index: 5, place, body_bytes: 100, form };
        Intent { state, targets: vec![target(whole), target(enclosures)] }
    }

    #[test]
    fn an_intent_reads_back_and_any_flipped_bit_makes_it_none() {
        for state in [State::Begun, State::Asked { index: 9, record: Digest([3; 32]) }] {
            let intent = intent(state);
            let text = intent.to_text();
            assert_eq!(Intent::parse(&text).as_ref(), Some(&intent));
            for bit in 0..text.len() * 8 {
                let mut bad = text.clone().into_bytes();
                bad[bit / 8] ^= 1 << (bit % 8);
                let read = String::from_utf8(bad).ok().and_then(|bad| Intent::parse(&bad));
                // Hexadecimal digits have two cases; nothing else has two spellings.
                assert!(read.is_none_or(|read| read == intent), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_none_is_nothing_to_do() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Intent::read(dir.path()).unwrap(), None);
        intent(State::Begun).write(dir.path()).unwrap();
        assert_eq!(Intent::read(dir.path()).unwrap(), Some(intent(State::Begun)));
        std::fs::write(Intent::path(dir.path()), "rogatory-erasure-1\n").unwrap();
        assert!(Intent::read(dir.path()).is_err());
        Intent::remove(dir.path()).unwrap();
        Intent::remove(dir.path()).unwrap();
        assert!(!Intent::is_there(dir.path()));
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(text in "(whole|enclosures|state|end|[0-9a-f]{64}| |\n|[0-9]{1,20}){0,12}") {
            let _ = Intent::parse(&text);
            let _ = target(&text);
        }
    }
}
