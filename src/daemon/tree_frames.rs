//! A folder as a stream over the officers' socket: announcements and bytes, in order. Refuses frames beyond their bounds and a
//! stream that ends without its end mark.
//!
//! ```text
//! | kind (1) | length (4, big-endian) | that many bytes |
//! A  a file is announced: JSON          D  its next bytes        E  it was read to its end
//! L  a line of the list of files        X  it could not be read: why, in words        Z  the folder is over
//! ```

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::model::limits::{LIST_LINE_BYTES_MAX, PART_BYTES};
use crate::model::listed::{FurtherAlgorithm, FurtherDigest};
use crate::model::path::RelativePath;

/// A file that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Its place.
    pub path: RelativePath,
    /// Its length, holes included.
    pub bytes: u64,
    /// When it was changed last, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
    /// Further digests to be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<FurtherAlgorithm>,
    /// Further digests that it must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<FurtherDigest>,
    /// Its runs of data, `[at, bytes]`; between them are holes.
    pub runs: Vec<(u64, u64)>,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeFrame {
    /// A file begins.
    Announced(Box<Announced>),
    /// Its next bytes.
    Data(Vec<u8>),
    /// It was read to its end.
    End,
    /// A line of the list: on the way in what is no file, on the way out every entry, before its bytes.
    Line(Vec<u8>),
    /// It could not be read.
    Broken(String),
    /// The folder is over.
    Over,
}

impl TreeFrame {
    /// Appends the frame to `out`.
    pub fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Announced(file) => {
                let json = serde_json::to_vec(file).expect("invariant: an announcement is made of text and numbers");
                put(b'A', &json, out);
            }
            Self::Data(bytes) => put(b'D', bytes, out),
            Self::End => put(b'E', &[], out),
            Self::Line(line) => put(b'L', line, out),
            Self::Broken(why) => put(b'X', why.as_bytes(), out),
            Self::Over => put(b'Z', &[], out),
        }
    }

    /// Reads the next frame.
    ///
    /// # Errors
    /// [`TreeFrameError`] when there is none whole, or none of ours.
    pub fn read(input: &mut dyn Read) -> Result<Self, TreeFrameError> {
        let mut head = [0; 5];
        input.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| TreeFrameError::Long)?;
        let bound = match kind {
            b'D' => PART_BYTES,
            b'A' | b'L' => LIST_LINE_BYTES_MAX,
            b'X' => 1_024,
            b'E' | b'Z' => 0,
            _ => return Err(TreeFrameError::Kind),
        };
        if length > bound {
            return Err(TreeFrameError::Long);
        }
        let mut bytes = vec![0; length];
        input.read_exact(&mut bytes)?;
        Ok(match kind {
            b'A' => Self::Announced(serde_json::from_slice(&bytes).map_err(|_| TreeFrameError::Kind)?),
            b'D' => Self::Data(bytes),
            b'E' => Self::End,
            b'L' => Self::Line(bytes),
            b'X' => Self::Broken(String::from_utf8_lossy(&bytes).into_owned()),
            _ => Self::Over,
        })
    }
}

/// Appends the frame of some bytes to `out` without making a [`TreeFrame`] of them first.
pub fn put_data(bytes: &[u8], out: &mut Vec<u8>) {
    put(b'D', bytes, out);
}

fn put(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    let length = u32::try_from(bytes.len()).expect("invariant: a frame is made of at most one part or one line");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Why a stream was not read on.
#[derive(Debug, thiserror::Error)]
pub enum TreeFrameError {
    /// The stream.
    #[error("the stream of the folder broke off: {0}")]
    Read(#[from] io::Error),
    /// None of ours.
    #[error("the stream of the folder holds a frame that this program does not know")]
    Kind,
    /// Too long.
    #[error("the stream of the folder holds a frame beyond its bound")]
    Long,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back_in_order_and_a_cut_or_foreign_stream_is_refused() {
        let frames = [
            TreeFrame::Announced(Box::new(Announced {
                path: "a/b".parse().unwrap(),
                bytes: 7,
                modified_ms: Some(-1),
                also: vec![FurtherAlgorithm::Blake3],
                expected: vec!["md5=900150983cd24fb0d6963f7d28e17f72".parse().unwrap()],
                runs: vec![(0, 3), (5, 2)],
            })),
            TreeFrame::Data(b"abcde".to_vec()),
            TreeFrame::End,
            TreeFrame::Line(b"{}".to_vec()),
            TreeFrame::Broken("gone".to_owned()),
            TreeFrame::Over,
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.encode_to(&mut bytes));
        let mut input = bytes.as_slice();
        for frame in &frames {
            assert_eq!(TreeFrame::read(&mut input).unwrap(), *frame);
        }
        assert!(matches!(TreeFrame::read(&mut input), Err(TreeFrameError::Read(_))));
        assert!(matches!(TreeFrame::read(&mut &bytes[..9]), Err(TreeFrameError::Read(_))));
        assert!(matches!(TreeFrame::read(&mut &b"Q\0\0\0\0"[..]), Err(TreeFrameError::Kind)));
        assert!(matches!(TreeFrame::read(&mut &b"D\xff\0\0\0"[..]), Err(TreeFrameError::Long)));
        assert!(matches!(TreeFrame::read(&mut &b"Z\0\0\0\x01x"[..]), Err(TreeFrameError::Long)));
    }
}
