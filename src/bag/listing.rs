//! BagIt manifests (RFC 8493, 2.1.3) as text: `<lower-case hex><two spaces><path>`. Refuses any other spelling, a path
//! that climbs, and a path that stands twice.

use std::collections::BTreeMap;

use crate::bag::layout::{Algorithm, is_plain_path};

/// The text of a manifest. Two spaces, also for tag files: with one, `sha256sum -c` refuses the file.
pub fn write<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    rows.into_iter().map(|(path, hex)| format!("{hex}  {path}\n")).collect()
}

/// The digests of a manifest, by path.
///
/// # Errors
/// [`ListingError`] names the first line that is wrong.
pub fn parse(bytes: &[u8], algorithm: Algorithm) -> Result<BTreeMap<String, String>, ListingError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ListingError::Text)?;
    let mut rows = BTreeMap::new();
    if text.is_empty() {
        return Ok(rows);
    }
    let lines = text.strip_suffix('\n').ok_or(ListingError::Text)?;
    for (number, line) in (1..).zip(lines.split('\n')) {
        let (hex, path) = line.split_once("  ").ok_or(ListingError::Line(number))?;
        let hex_good = hex.len() == algorithm.hex_digits()
            && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !hex_good {
            return Err(ListingError::Line(number));
        }
        if !is_plain_path(path) {
            return Err(ListingError::Path(number));
        }
        if rows.insert(path.to_owned(), hex.to_owned()).is_some() {
            return Err(ListingError::Twice(number));
        }
    }
    Ok(rows)
}

/// Why a manifest was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Not lines of text.
    #[error("it is no text of whole lines")]
    Text,
    /// A line of another form.
    #[error("line {0} is not a digest in lower-case hex, two spaces and a path")]
    Line(usize),
    /// A path that leads elsewhere.
    #[error("line {0} names a path that leads out of the bag or is not plain")]
    Path(usize),
    /// A path twice.
    #[error("line {0} names a file that another line names already")]
    Twice(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex() -> String {
        "0123456789abcdef".repeat(4)
    }

    #[test]
    fn a_path_that_climbs_or_stands_twice_is_refused() {
        let parse = |text: &str| parse(text.as_bytes(), Algorithm::Sha256);
        let hex = hex();
        assert_eq!(parse(&format!("{hex}  ../x\n")), Err(ListingError::Path(1)));
        assert_eq!(parse(&format!("{hex}  /etc/x\n")), Err(ListingError::Path(1)));
        assert_eq!(parse(&format!("{hex}  a\n{hex}  a\n")), Err(ListingError::Twice(2)));
        assert_eq!(parse(&format!("{hex} a\n")), Err(ListingError::Line(1)));
        assert_eq!(parse(&format!("{}  a\n", hex.to_uppercase())), Err(ListingError::Line(1)));
        assert_eq!(parse(&format!("{hex}  a")), Err(ListingError::Text));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_bytes_never_panics_and_what_is_read_is_canonical(lines in prop::collection::btree_map("[a-z]{1,9}", Just(()), 0..9), noise in any::<Vec<u8>>()) {
            let text = write(lines.keys().map(|path| (path.as_str(), hex())));
            let rows = parse(text.as_bytes(), Algorithm::Sha256).unwrap();
            prop_assert_eq!(write(rows.iter().map(|(path, hex)| (path.as_str(), hex.clone()))), text);
            let _ = parse(&noise, Algorithm::Sha512);
        }
    }
}
