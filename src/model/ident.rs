//! Names of things: authorities, officers, and the 16-byte identifiers. A malformed name never becomes a value.

use std::fmt;
use std::str::FromStr;

use crate::model::limits::{AUTHORITY_SLUG_CHARS_MAX, OFFICER_NAME_CHARS_MAX};
use crate::model::time::Timestamp;

/// Hexadecimal digits that tell the logs of one authority apart.
pub const LOG_MARK_CHARS: usize = 16;

/// A central authority: `<ISO 3166-1 alpha-2 or INT>-<SLUG>`, e.g. `XA-MOJ`, `INT-ICC`. The slug is 1 to 32 of
/// `A-Z`, `0-9` and inner `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityId(String);

impl AuthorityId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The State (two letters) or `INT`.
    pub fn state(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The C2SP origin and key name of the authority's custody log, e.g. `xa-moj.rogatory/custody`.
    pub fn log_origin(&self) -> String {
        format!("{}.rogatory/custody", self.0.to_ascii_lowercase())
    }

    /// Whether a log of that name is the authority's: its first one, or one that it began after it had lost the end of the
    /// one before (`xa-moj.rogatory/custody/3f2a9c0151d2e077`).
    pub fn owns_log(&self, origin: &str) -> bool {
        let first = self.log_origin();
        origin.strip_prefix(&first).is_some_and(|rest| {
            let is_mark = |mark: &str| {
                mark.len() == LOG_MARK_CHARS && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            };
            rest.is_empty() || rest.strip_prefix('/').is_some_and(is_mark)
        })
    }

    /// The name of a log that the authority begins anew; `mark` is what no other log of it has.
    pub fn next_log_origin(&self, mark: [u8; LOG_MARK_CHARS / 2]) -> String {
        let mark: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}/{mark}", self.log_origin())
    }

    /// The key name of the authority as a witness of other logs, e.g. `xa-moj.rogatory/witness`.
    pub fn witness_name(&self) -> String {
        format!("{}.rogatory/witness", self.0.to_ascii_lowercase())
    }
}

impl FromStr for AuthorityId {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let bad = || IdentError::Authority(clip(text));
        let (state, slug) = text.split_once('-').ok_or_else(bad)?;
        let state_good = state == "INT" || (state.len() == 2 && state.bytes().all(|byte| byte.is_ascii_uppercase()));
        let slug_good = !slug.is_empty()
            && slug.len() <= AUTHORITY_SLUG_CHARS_MAX
            && !slug.starts_with('-')
            && !slug.ends_with('-')
            && slug.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        if state_good && slug_good { Ok(Self(text.to_owned())) } else { Err(bad()) }
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for AuthorityId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The name of an officer as the authority writes it: 1 to 100 characters, none of them a control character.
/// Personal data: never in a log line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficerName(String);

impl OfficerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OfficerName {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let good = !text.trim().is_empty()
            && text.trim() == text
            && text.chars().count() <= OFFICER_NAME_CHARS_MAX
            && !text.chars().any(char::is_control);
        if good { Ok(Self(text.to_owned())) } else { Err(IdentError::Officer) }
    }
}

impl fmt::Debug for OfficerName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OfficerName(..)")
    }
}

/// A UUID version 7 (RFC 9562): 48 bits of milliseconds, then randomness. Sorts by time of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// A new identifier from the time and ten fresh random bytes.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(*uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).as_uuid().as_bytes())
    }

    /// From its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Id {
    type Error = IdentError;

    fn try_from(bytes: &[u8]) -> Result<Self, IdentError> {
        bytes.try_into().map(Self).map_err(|_| IdentError::Length { expected: 16, found: bytes.len() })
    }
}

impl FromStr for Id {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        uuid::Uuid::try_parse(text).map(|uuid| Self(*uuid.as_bytes())).map_err(|_| IdentError::Id(clip(text)))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(out)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A SHA-256 digest (FIPS 180-4), 32 bytes; shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl TryFrom<&[u8]> for Digest {
    type Error = IdentError;

    fn try_from(bytes: &[u8]) -> Result<Self, IdentError> {
        bytes.try_into().map(Self).map_err(|_| IdentError::Length { expected: 32, found: bytes.len() })
    }
}

impl FromStr for Digest {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let mut bytes = [0_u8; 32];
        let bad = || IdentError::Digest(clip(text));
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

macro_rules! written_as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

written_as_text!(AuthorityId, Id, Digest, Timestamp);

fn clip(text: &str) -> String {
    text.chars().take(48).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// Not an authority identifier.
    #[error("`{0}` is no authority identifier; write e.g. XA-MOJ: a country code or INT, a dash, capitals and digits")]
    Authority(String),
    /// Not an officer's name.
    #[error("an officer's name has 1 to {OFFICER_NAME_CHARS_MAX} printable characters and no space at its ends")]
    Officer,
    /// Not a UUID.
    #[error("`{0}` is no identifier; write it as 8-4-4-4-12 hexadecimal digits")]
    Id(String),
    /// Not a SHA-256 digest in hex.
    #[error("`{0}` is no SHA-256 digest; write 64 hexadecimal digits")]
    Digest(String),
    /// A binary identifier of the wrong length.
    #[error("an identifier of {found} bytes where {expected} are due")]
    Length {
        /// Bytes that belong there.
        expected: usize,
        /// Bytes that were found.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_identifier_is_a_state_and_a_slug() {
        for good in ["XA-MOJ", "INT-ICC", "XB-PG-2", "DE-A"] {
            assert_eq!(good.parse::<AuthorityId>().unwrap().as_str(), good);
        }
        for bad in ["", "XA", "XA-", "xa-moj", "XAB-MOJ", "XA-moj", "XA--A", "XA-A-", "XA-M J", "XA-../x"] {
            assert!(bad.parse::<AuthorityId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_authority_owns_its_first_log_and_those_that_it_began_anew_and_no_other() {
        let id: AuthorityId = "XA-MOJ".parse().unwrap();
        let next = id.next_log_origin([0x3f, 0x2a, 0x9c, 0x01, 0x51, 0xd2, 0xe0, 0x77]);
        assert_eq!(next, "xa-moj.rogatory/custody/3f2a9c0151d2e077");
        assert!(id.owns_log(&id.log_origin()) && id.owns_log(&next));
        for foreign in
            ["xb-moj.rogatory/custody", "xa-moj.rogatory/custody/", "xa-moj.rogatory/custody/3F2A9C0151D2E077"]
        {
            assert!(!id.owns_log(foreign), "{foreign}");
        }
        assert!(!id.owns_log(&format!("{next}0")) && !id.owns_log(&id.witness_name()));
    }

    #[test]
    fn identifiers_sort_by_time_and_read_back_from_their_text() {
        let early = Id::new(Timestamp::from_millis(1_000), [0xff; 10]);
        let late = Id::new(Timestamp::from_millis(1_001), [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<Id>().unwrap(), early);
    }

    #[test]
    fn a_digest_reads_back_from_its_hex() {
        let digest = Digest(std::array::from_fn(|i| u8::try_from(i * 7).unwrap()));
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!("zz".repeat(32).parse::<Digest>().is_err());
        assert!("+1".repeat(32).parse::<Digest>().is_err());
    }

    #[test]
    fn a_debug_line_never_shows_an_officers_name() {
        let name: OfficerName = "Ana Novak".parse().unwrap();
        assert!(!format!("{name:?}").contains("Novak"));
    }
}
