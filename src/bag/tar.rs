//! Headers of a tar archive (POSIX.1-2017 pax, its ustar part), written and read. Refuses a header whose checksum does not
//! hold; what a header may make a reader do is decided where it is read.
//!
//! ```text
//!   0 name[100]  100 mode[8]  108 uid[8]  116 gid[8]  124 size[12]  136 mtime[12]  148 checksum[8]  156 type
//! 157 linkname[100]  257 "ustar\0" "00"  265 uname[32]  297 gname[32]  329 devmajor[8]  337 devminor[8]  345 prefix[155]
//! ```

/// Bytes of a block: headers are one, contents are padded to it.
pub const BLOCK_BYTES: usize = 512;
/// Largest size that fits the eleven octal digits of a header: 8 GiB less one. Above it a pax record states the size.
pub const OCTAL_SIZE_MAX: u64 = 0o77_777_777_777;

const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A hard or symbolic link.
    Link,
    /// A pax header of the next member.
    Pax,
    /// A file with holes, in one of the GNU forms.
    Sparse,
    /// A name that another header carries (GNU), or a header for all that follow (pax): both rename members.
    Rename,
    /// A device, a pipe, or a type that nobody knows.
    Special,
}

/// One header as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The path, with its prefix; what is no UTF-8 is replaced.
    pub path: String,
    /// Bytes of its content.
    pub bytes: u64,
    /// What it is.
    pub kind: Kind,
}

/// The blocks before a file's content, always the same for the same path and size: owner 0, mode 0600, time 0.
///
/// # Errors
/// [`TarError::Path`] when the path does not fit a header.
pub fn file(path: &str, bytes: u64) -> Result<Vec<u8>, TarError> {
    if bytes <= OCTAL_SIZE_MAX {
        return header(path, bytes, b'0');
    }
    let record = pax_record("size", &bytes.to_string());
    let mut blocks = header("pax-header", u64::try_from(record.len()).unwrap_or(u64::MAX), b'x')?;
    blocks.extend_from_slice(record.as_bytes());
    blocks.resize(blocks.len().next_multiple_of(BLOCK_BYTES), 0);
    blocks.extend(header(path, 0, b'0')?);
    Ok(blocks)
}

/// The zeros that follow a content of that length.
pub fn padding(bytes: u64) -> usize {
    let block = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
    usize::try_from(bytes.next_multiple_of(block).saturating_sub(bytes)).unwrap_or(0)
}

/// Reads a header; `None` for a block of zeros.
///
/// # Errors
/// [`TarError`] when it is none.
pub fn read(block: &[u8; BLOCK_BYTES]) -> Result<Option<Header>, TarError> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let stated = octal(field(block, 148, 8)).ok_or(TarError::Header)?;
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(place, byte)| if (148..156).contains(&place) { 32 } else { u64::from(*byte) })
        .sum();
    if stated != sum {
        return Err(TarError::Checksum);
    }
    let (magic, name) = (field(block, 257, 6), text(field(block, 0, NAME_BYTES)));
    let path = match magic {
        b"ustar\0" => match text(field(block, 345, PREFIX_BYTES)) {
            prefix if prefix.is_empty() => name,
            prefix => format!("{prefix}/{name}"),
        },
        b"ustar " => name,
        _ => return Err(TarError::Header),
    };
    let bytes = size(field(block, 124, 12)).ok_or(TarError::Header)?;
    let kind = match block.get(156) {
        Some(b'0' | 0) => Kind::File,
        Some(b'5') => Kind::Folder,
        Some(b'1' | b'2') => Kind::Link,
        Some(b'x') => Kind::Pax,
        Some(b'S') => Kind::Sparse,
        Some(b'g' | b'L' | b'K') => Kind::Rename,
        _ => Kind::Special,
    };
    Ok(Some(Header { path, bytes, kind }))
}

/// The records of a pax header: `<length> <key>=<value>\n`, the length counting itself.
///
/// # Errors
/// [`TarError::Pax`] when they are not of that form.
pub fn pax_records(bytes: &[u8]) -> Result<Vec<(String, String)>, TarError> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or(TarError::Pax)?;
        let digits = rest.get(..space).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or(TarError::Pax)?;
        let length: usize = digits.parse().map_err(|_| TarError::Pax)?;
        let (record, after) = rest.split_at_checked(length).ok_or(TarError::Pax)?;
        let body = record.get(space + 1..).and_then(|body| body.strip_suffix(b"\n")).ok_or(TarError::Pax)?;
        let body = String::from_utf8_lossy(body);
        let (key, value) = body.split_once('=').ok_or(TarError::Pax)?;
        records.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
    Ok(records)
}

fn pax_record(key: &str, value: &str) -> String {
    let body = key.len() + value.len() + 3;
    let mut length = body + body.to_string().len();
    if length.to_string().len() != body.to_string().len() {
        length += 1;
    }
    format!("{length} {key}={value}\n")
}

fn header(path: &str, bytes: u64, kind: u8) -> Result<Vec<u8>, TarError> {
    let (prefix, name) = split(path).ok_or(TarError::Path)?;
    let mut block = vec![0_u8; BLOCK_BYTES];
    let mut put = |place: usize, value: &[u8]| {
        block.iter_mut().skip(place).zip(value).for_each(|(byte, new)| *byte = *new);
    };
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{bytes:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    put(345, prefix.as_bytes());
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").as_bytes()).for_each(|(byte, new)| *byte = *new);
    Ok(block)
}

/// Splits a path at a slash so that both parts fit.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME_BYTES {
        return Some(("", path));
    }
    path.match_indices('/')
        .filter_map(|(place, _)| Some((path.get(..place)?, path.get(place + 1..)?)))
        .find(|(prefix, name)| prefix.len() <= PREFIX_BYTES && name.len() <= NAME_BYTES && !name.is_empty())
}

fn field(block: &[u8; BLOCK_BYTES], start: usize, bytes: usize) -> &[u8] {
    block.get(start..start + bytes).unwrap_or_default()
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    let digits = text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if text.is_empty() || !digits { None } else { u64::from_str_radix(text, 8).ok() }
}

/// Octal, or the big-endian number that GNU tar writes for large files.
fn size(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => {
            let (high, low) = rest.split_last_chunk::<8>()?;
            high.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(*low))
        }
        _ => octal(field),
    }
}

/// Why a header is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// Too long.
    #[error("the path is too long for a tar archive")]
    Path,
    /// Of another format, or damaged.
    #[error("it is no tar header (ustar, pax or GNU)")]
    Header,
    /// Altered.
    #[error("the checksum of a tar header does not hold")]
    Checksum,
    /// Records of another form.
    #[error("a pax header does not read")]
    Pax,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(blocks: &[u8]) -> Header {
        read(blocks.first_chunk().unwrap()).unwrap().unwrap()
    }

    #[test]
    fn a_header_reads_back_and_any_flipped_bit_in_it_is_found() {
        let path = format!("bag/data/0001/{}", "x".repeat(100));
        let block = file(&path, 70_000).unwrap();
        assert_eq!(one(&block), Header { path, bytes: 70_000, kind: Kind::File });
        for place in 0..BLOCK_BYTES {
            let mut block: [u8; BLOCK_BYTES] = block.clone().try_into().unwrap();
            block[place] ^= 4;
            assert_ne!(
                read(&block),
                read(&file(&format!("bag/data/0001/{}", "x".repeat(100)), 70_000).unwrap().try_into().unwrap()),
                "{place}"
            );
        }
    }

    #[test]
    fn a_size_that_needs_more_than_octal_digits_stands_in_a_pax_record() {
        let bytes = OCTAL_SIZE_MAX + 1;
        let blocks = file("bag/data/0001/disk.img", bytes).unwrap();
        assert_eq!(blocks.len(), 3 * BLOCK_BYTES);
        let pax = one(&blocks);
        assert_eq!(pax.kind, Kind::Pax);
        let records = &blocks[BLOCK_BYTES..BLOCK_BYTES + usize::try_from(pax.bytes).unwrap()];
        assert_eq!(pax_records(records).unwrap(), [("size".to_owned(), bytes.to_string())]);
        assert_eq!(one(&blocks[2 * BLOCK_BYTES..]).bytes, 0);
    }

    #[test]
    fn a_path_that_fits_no_header_is_refused() {
        assert_eq!(file(&"x".repeat(101), 1), Err(TarError::Path));
        assert_eq!(file(&format!("{}/x", "y".repeat(156)), 1), Err(TarError::Path));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_blocks_and_records_never_panics(block in prop::collection::vec(any::<u8>(), 512), records in any::<Vec<u8>>()) {
            let _ = read(block.as_slice().try_into().unwrap());
            let _ = pax_records(&records);
        }

        #[test]
        fn a_pax_record_counts_itself(value in "[a-z]{0,200}") {
            let records = pax_record("size", &value);
            prop_assert_eq!(pax_records(records.as_bytes()).unwrap(), [("size".to_owned(), value)]);
        }
    }
}
