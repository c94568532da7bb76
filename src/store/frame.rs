//! One frame of the journal: an entry, what is left of an erased one, or the checkpoint that closes a batch. Refuses what its CRC does not cover.

use crate::custody::leaf::{SALT_BYTES, commitment};
use crate::model::ident::Digest;
use crate::model::limits::{ENCLOSURE_BYTES_MAX, ENCLOSURES_MAX, NOTE_BYTES_MAX, RECORD_BYTES_MAX};

/// Bytes before the body of a frame.
pub const FRAME_HEADER_BYTES: usize = 20;
/// Most bytes of a frame's body.
pub const FRAME_BODY_BYTES_MAX: usize =
    SALT_BYTES + 4 + RECORD_BYTES_MAX + 1 + ENCLOSURES_MAX * 4 + ENCLOSURE_BYTES_MAX;

const KIND_ENTRY: u8 = 1;
const KIND_CHECKPOINT: u8 = 2;
const FLAG_ERASED: u8 = 1;
const FLAG_PARTLY_ERASED: u8 = 2;
/// In the length of an enclosure: its bytes were erased. No enclosure is as long as that.
const ENCLOSURE_ERASED: u32 = 1 << 31;

/// A frame, as it stands in the journal. All integers big-endian.
///
/// ```text
/// 0        4        8                16     17      18     20
/// | body   | crc32  | number         | kind | flags | zero | body …
/// | bytes  |        |                |      |       |      |
///          covers: body bytes, and everything from 8 to the end of the body
///
/// kind 1, entry         number = index;  body = salt[32] | u32 record bytes | record
///                                               | u8 enclosures | (u32 bytes | enclosure) …
/// kind 1, flag 1: erased  number = index;  body = commitment[32] | zeros up to the length it had
/// kind 1, flag 2: some enclosures erased; as an entry, but the length of each erased enclosure has its top bit set,
///                                         and zeros stand in the place of its bytes
/// kind 2, checkpoint    number = size of the tree;  body = the signed note; closes a batch
/// body bytes = 0: nothing was written from here on
/// ```
///
/// Erasing a record keeps the frame's length and number and the 32 bytes of its commitment, so that the tree, and
/// every proof, stays as it was. Erasing enclosures alone (a wrapped key) keeps salt and record: the commitment is still
/// made anew from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A record with its salt and what is enclosed.
    Entry {
        /// Its place in the log.
        index: u64,
        /// The salt of its commitment.
        salt: &'a [u8; SALT_BYTES],
        /// The exact bytes of the record.
        record: &'a [u8],
        /// The enclosures, still in their lengths; [`enclosures`] parts them. Some may be erased.
        enclosures: &'a [u8],
    },
    /// An entry whose salt and record were erased.
    Erased {
        /// Its place in the log.
        index: u64,
        /// The commitment that stands in the tree.
        commitment: Digest,
    },
    /// The checkpoint that makes the entries before it acknowledged.
    Checkpoint {
        /// Entries of the tree.
        size: u64,
        /// The signed note.
        note: &'a [u8],
    },
}

impl Frame<'_> {
    /// What the tree holds of this frame: the commitment of an entry; `None` for a checkpoint.
    pub fn commitment(&self) -> Option<Digest> {
        match self {
            Frame::Entry { salt, record, .. } => Some(commitment(salt, record)),
            Frame::Erased { commitment, .. } => Some(*commitment),
            Frame::Checkpoint { .. } => None,
        }
    }
}

/// Appends the frame of an entry to `out`.
pub fn encode_entry(out: &mut Vec<u8>, index: u64, salt: &[u8; SALT_BYTES], record: &[u8], enclosures: &[Vec<u8>]) {
    encode(out, index, KIND_ENTRY, 0, |out| {
        out.extend_from_slice(salt);
        push_sized(out, record);
        out.push(u8::try_from(enclosures.len()).expect("invariant: limits bound the enclosures"));
        for enclosure in enclosures {
            push_sized(out, enclosure);
        }
    });
}

/// Appends the frame of a checkpoint to `out`.
pub fn encode_checkpoint(out: &mut Vec<u8>, size: u64, note: &[u8]) {
    encode(out, size, KIND_CHECKPOINT, 0, |out| out.extend_from_slice(note));
}

/// What an erased entry of `body_bytes` becomes, in the same length.
pub fn encode_erased(out: &mut Vec<u8>, index: u64, commitment: &Digest, body_bytes: usize) {
    encode(out, index, KIND_ENTRY, FLAG_ERASED, |out| {
        let end = out.len() + body_bytes.max(32);
        out.extend_from_slice(&commitment.0);
        out.resize(end, 0);
    });
}

/// The frame in `frame` (its header and its body), with those enclosures erased whose bit is set in `mask`. The same
/// for a frame as it was, as it will be, and torn anywhere between the two.
pub fn encode_without_enclosures(frame: &[u8], index: u64, mask: u8) -> Result<Vec<u8>, BadFrame> {
    let body = frame.get(FRAME_HEADER_BYTES..).ok_or(BadFrame)?;
    let (salt, rest) = body.split_first_chunk::<SALT_BYTES>().ok_or(BadFrame)?;
    let (record, rest) = split_sized(rest).ok_or(BadFrame)?;
    let (count, mut rest) = rest.split_first().ok_or(BadFrame)?;
    let mut enclosed = vec![*count];
    for number in 0..*count {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(BadFrame)?;
        let length = u32::from_be_bytes(*length) & !ENCLOSURE_ERASED;
        let (bytes, after) = after.split_at_checked(usize::try_from(length).map_err(|_| BadFrame)?).ok_or(BadFrame)?;
        rest = after;
        if mask.checked_shr(u32::from(number)).unwrap_or(0) & 1 == 1 {
            enclosed.extend_from_slice(&(length | ENCLOSURE_ERASED).to_be_bytes());
            enclosed.resize(enclosed.len() + bytes.len(), 0);
        } else {
            push_sized(&mut enclosed, bytes);
        }
    }
    if !rest.is_empty() {
        return Err(BadFrame);
    }
    let mut out = Vec::with_capacity(frame.len());
    encode(&mut out, index, KIND_ENTRY, FLAG_PARTLY_ERASED, |out| {
        out.extend_from_slice(salt);
        push_sized(out, record);
        out.extend_from_slice(&enclosed);
    });
    Ok(out)
}

/// The length of the body that a header announces.
///
/// `Ok(None)`: nothing was written here. `Err`: no frame begins like this.
pub fn body_bytes(header: &[u8; FRAME_HEADER_BYTES]) -> Result<Option<usize>, BadFrame> {
    let [a, b, c, d, ..] = *header;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| BadFrame)?;
    match length {
        0 => Ok(None),
        1..=FRAME_BODY_BYTES_MAX => Ok(Some(length)),
        _ => Err(BadFrame),
    }
}

/// Reads the frame whose header and body these are.
pub fn decode<'a>(header: &[u8; FRAME_HEADER_BYTES], body: &'a [u8]) -> Result<Frame<'a>, BadFrame> {
    let (length, rest) = header.split_first_chunk::<4>().ok_or(BadFrame)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(BadFrame)?;
    if crc32(length, rest, body) != u32::from_be_bytes(*crc) {
        return Err(BadFrame);
    }
    let (number, rest) = rest.split_first_chunk::<8>().ok_or(BadFrame)?;
    let number = u64::from_be_bytes(*number);
    match rest {
        [KIND_ENTRY, flags @ (0 | FLAG_PARTLY_ERASED), 0, 0] => {
            let (salt, rest) = body.split_first_chunk::<SALT_BYTES>().ok_or(BadFrame)?;
            let (record, enclosed) = split_sized(rest).ok_or(BadFrame)?;
            let erased = enclosures(enclosed)?.iter().any(Option::is_none);
            if erased != (*flags == FLAG_PARTLY_ERASED) {
                return Err(BadFrame);
            }
            Ok(Frame::Entry { index: number, salt, record, enclosures: enclosed })
        }
        [KIND_ENTRY, FLAG_ERASED, 0, 0] => {
            let (commitment, rest) = body.split_first_chunk::<32>().ok_or(BadFrame)?;
            if rest.iter().any(|byte| *byte != 0) {
                return Err(BadFrame);
            }
            Ok(Frame::Erased { index: number, commitment: Digest(*commitment) })
        }
        [KIND_CHECKPOINT, 0, 0, 0] if body.len() <= NOTE_BYTES_MAX => {
            Ok(Frame::Checkpoint { size: number, note: body })
        }
        _ => Err(BadFrame),
    }
}

/// Whether a frame that begins like this could be a checkpoint: cheap, for the search behind a damaged place.
pub fn may_be_checkpoint(header: &[u8; FRAME_HEADER_BYTES]) -> bool {
    matches!(header.as_slice(), [.., KIND_CHECKPOINT, 0, 0, 0])
        && matches!(body_bytes(header), Ok(Some(1..=NOTE_BYTES_MAX)))
}

/// Parts the enclosures of an entry; `None` stands for an erased one.
pub fn enclosures(bytes: &[u8]) -> Result<Vec<Option<&[u8]>>, BadFrame> {
    let (count, mut rest) = bytes.split_first().ok_or(BadFrame)?;
    if usize::from(*count) > ENCLOSURES_MAX {
        return Err(BadFrame);
    }
    let mut parts = Vec::with_capacity(usize::from(*count));
    for _ in 0..*count {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(BadFrame)?;
        let length = u32::from_be_bytes(*length);
        let bytes = usize::try_from(length & !ENCLOSURE_ERASED).map_err(|_| BadFrame)?;
        let (part, after) = after.split_at_checked(bytes).ok_or(BadFrame)?;
        if length & ENCLOSURE_ERASED == 0 {
            parts.push(Some(part));
        } else if part.iter().all(|byte| *byte == 0) {
            parts.push(None);
        } else {
            return Err(BadFrame);
        }
        rest = after;
    }
    if rest.is_empty() { Ok(parts) } else { Err(BadFrame) }
}

fn encode(out: &mut Vec<u8>, number: u64, kind: u8, flags: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&[kind, flags, 0, 0]);
    body(out);
    let frame = out.get_mut(start..).expect("invariant: it begins where it was begun");
    let (head, rest) = frame.split_at_mut_checked(8).expect("invariant: eight bytes were put there");
    let length = u32::try_from(rest.len() + 8 - FRAME_HEADER_BYTES)
        .expect("invariant: limits bound a frame below 4 GiB")
        .to_be_bytes();
    let (length_place, crc_place) = head.split_at_mut_checked(4).expect("invariant: the head has eight bytes");
    length_place.copy_from_slice(&length);
    crc_place.copy_from_slice(&crc32(&length, rest, &[]).to_be_bytes());
}

fn crc32(length: &[u8; 4], head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

fn push_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("invariant: limits bound it below 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

fn split_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Bytes that are no frame: torn, damaged, or of a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no intact frame of the journal")]
pub struct BadFrame;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode_whole(bytes: &[u8]) -> Result<Frame<'_>, BadFrame> {
        let (header, body) = bytes.split_first_chunk().ok_or(BadFrame)?;
        match body_bytes(header)? {
            Some(length) if length == body.len() => decode(header, body),
            _ => Err(BadFrame),
        }
    }

    #[test]
    fn an_entry_stands_in_the_journal_as_drawn() {
        let mut bytes = Vec::new();
        encode_entry(&mut bytes, 7, &[0xaa; 32], b"rec", &[b"e".to_vec()]);
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        let expected = [
            "0000002d",
            "CRC_PLACE",
            "0000000000000007",
            "01",
            "00",
            "0000",
            &"aa".repeat(32),
            "00000003",
            "726563",
            "01",
            "00000001",
            "65",
        ];
        let crc = crc32fast::hash(&[&bytes[..4], &bytes[8..]].concat());
        assert_eq!(hex, expected.concat().replace("CRC_PLACE", &format!("{crc:08x}")));
        let Ok(Frame::Entry { index: 7, record: b"rec", enclosures: enclosed, .. }) = decode_whole(&bytes) else {
            panic!("{bytes:?}")
        };
        assert_eq!(enclosures(enclosed).unwrap(), [Some(&b"e"[..])]);
    }

    #[test]
    fn an_erased_entry_keeps_its_length_and_its_commitment() {
        let (mut kept, mut erased) = (Vec::new(), Vec::new());
        encode_entry(&mut kept, 7, &[1; 32], b"a person's name", &[]);
        let was = decode_whole(&kept).unwrap().commitment().unwrap();
        encode_erased(&mut erased, 7, &was, kept.len() - FRAME_HEADER_BYTES);
        assert_eq!(erased.len(), kept.len());
        let frame = decode_whole(&erased).unwrap();
        assert_eq!(frame, Frame::Erased { index: 7, commitment: was });
        assert_eq!(frame.commitment(), Some(was));
    }

    #[test]
    fn an_entry_without_some_enclosures_keeps_its_length_its_record_and_the_others() {
        let mut kept = Vec::new();
        encode_entry(&mut kept, 7, &[1; 32], b"record", &[b"a wrapped key".to_vec(), b"a letter".to_vec()]);
        let was = decode_whole(&kept).unwrap().commitment();
        let stripped = encode_without_enclosures(&kept, 7, 0b01).unwrap();
        assert_eq!(stripped.len(), kept.len());
        let frame = decode_whole(&stripped).unwrap();
        assert_eq!(frame.commitment(), was);
        let Frame::Entry { record: b"record", enclosures: enclosed, .. } = frame else { panic!("{frame:?}") };
        assert_eq!(enclosures(enclosed).unwrap(), [None, Some(&b"a letter"[..])]);
        assert!(!stripped.windows(7).any(|window| window == b"wrapped"));
        for torn in 0..=kept.len() {
            let mixed = [&stripped[..torn], &kept[torn..]].concat();
            assert_eq!(encode_without_enclosures(&mixed, 7, 0b01).unwrap(), stripped, "torn at {torn}");
        }
        // What was erased stays erased when another goes, and the flag without an erased enclosure is no frame.
        let both = encode_without_enclosures(&stripped, 7, 0b11).unwrap();
        assert!(!both.windows(6).any(|window| window == b"letter"));
        assert_eq!(decode_whole(&encode_without_enclosures(&kept, 7, 0).unwrap()), Err(BadFrame));
    }

    #[test]
    fn a_frame_with_any_flipped_bit_or_missing_byte_is_refused() {
        let mut bytes = Vec::new();
        encode_entry(&mut bytes, 7, &[1; 32], b"record", &[b"one".to_vec(), Vec::new()]);
        for at in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert_eq!(decode_whole(&bad), Err(BadFrame), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert_eq!(decode_whole(&bytes[..length]), Err(BadFrame));
        }
    }

    #[test]
    fn an_unknown_kind_or_flag_is_refused_though_its_crc_is_right() {
        for (kind, flags) in [(0, 0), (3, 0), (1, 2), (1, 3), (1, 4), (2, 1)] {
            let mut bytes = Vec::new();
            encode(&mut bytes, 1, kind, flags, |out| out.extend_from_slice(&[0; 64]));
            assert_eq!(decode_whole(&bytes), Err(BadFrame), "{kind} {flags}");
        }
    }

    proptest! {
        #[test]
        fn reading_arbitrary_bytes_never_panics(bytes in any::<Vec<u8>>()) {
            let _ = decode_whole(&bytes);
            let _ = enclosures(&bytes);
            let _ = encode_without_enclosures(&bytes, 0, 1);
        }

        #[test]
        fn a_checkpoint_reads_back(size in any::<u64>(), note in proptest::collection::vec(any::<u8>(), 1..300)) {
            let mut bytes = Vec::new();
            encode_checkpoint(&mut bytes, size, &note);
            prop_assert!(may_be_checkpoint(bytes.first_chunk().unwrap()));
            prop_assert_eq!(decode_whole(&bytes), Ok(Frame::Checkpoint { size, note: &note }));
        }
    }
}
