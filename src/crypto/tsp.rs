//! The structures of the Time-Stamp Protocol (RFC 3161, 2.4), as they lie in DER. Says nothing about trust.
//!
//! ```text
//! TimeStampReq  { 1, messageImprint, reqPolicy?, nonce?, certReq }
//! TimeStampResp { PKIStatusInfo { status, statusString?, failInfo? }, ContentInfo? }
//! TSTInfo       { 1, policy, messageImprint, serialNumber, genTime, accuracy?, ordering, nonce?, tsa [0]?, extensions [1]? }
//! ```

use der::asn1::{Any, BitString, Int, Null, ObjectIdentifier as Oid, OctetString, Utf8StringRef};
use der::{DateTime, Decode, Encode, Sequence, Tag};
use x509_cert::ext::Extension;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::crypto::cms::ID_SHA256;
use crate::model::ident::Digest;
use crate::model::time::Timestamp;

/// `id-ct-TSTInfo`.
pub(super) const TST_INFO: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// `MessageImprint`: what is stamped, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Imprint {
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) digest: OctetString,
}

impl Imprint {
    /// SHA-256, with the NULL that older authorities insist on.
    pub(super) fn sha256(digest: Digest) -> Result<Self, der::Error> {
        let algorithm = AlgorithmIdentifierOwned { oid: ID_SHA256, parameters: Some(Any::encode_from(&Null)?) };
        Ok(Self { algorithm, digest: OctetString::new(digest.0)? })
    }
}

/// `TimeStampReq` without policy and extensions: any policy of the authority will do.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct TimeStampReq {
    pub(super) version: u8,
    pub(super) imprint: Imprint,
    pub(super) nonce: u64,
    pub(super) certificate_wanted: bool,
}

/// `TimeStampResp`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct TimeStampResp {
    pub(super) status: StatusInfo,
    pub(super) token: Option<Any>,
}

/// `PKIStatusInfo` (RFC 4210).
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct StatusInfo {
    pub(super) status: u8,
    pub(super) text: Option<Vec<Any>>,
    pub(super) failure: Option<BitString>,
}

impl StatusInfo {
    /// Why the authority gave no token, in its words and by the bits of `PKIFailureInfo`.
    pub(super) fn told(&self) -> String {
        const BITS: &[(usize, &str)] = &[
            (0, "the algorithm is not supported"),
            (2, "the request is not permitted"),
            (5, "the format of the request is wrong"),
            (14, "its time source is not available"),
            (15, "the policy is not supported"),
            (16, "an extension is not supported"),
            (17, "what was asked for is not available"),
            (25, "a fault of its own"),
        ];
        let set = |bit: &usize| {
            let byte = self.failure.as_ref().and_then(|bits| bits.raw_bytes().get(bit / 8).copied());
            byte.is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
        };
        let mut told: Vec<String> =
            BITS.iter().filter(|(bit, _)| set(bit)).map(|(_, words)| (*words).to_owned()).collect();
        for text in self.text.iter().flatten().filter_map(|any| any.decode_as::<Utf8StringRef<'_>>().ok()) {
            let words = text.as_str().chars().filter(|c| !c.is_control()).take(200).collect::<String>();
            told.push(format!("{words:?}"));
        }
        if told.is_empty() { format!("status {}", self.status) } else { told.join(", ") }
    }
}

/// `TSTInfo`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct TstInfo {
    pub(super) version: u8,
    pub(super) policy: Oid,
    pub(super) imprint: Imprint,
    pub(super) serial: Int,
    pub(super) time: GenTime,
    pub(super) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub(super) ordering: bool,
    pub(super) nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) extensions: Option<Vec<Extension>>,
}

impl TstInfo {
    /// Whether the nonce is the one that was asked with.
    pub(super) fn answers(&self, nonce: u64) -> bool {
        let wanted = nonce.to_der().and_then(|der| Int::from_der(&der));
        wanted.is_ok_and(|wanted| self.nonce.as_ref() == Some(&wanted))
    }
}

/// `Accuracy`: the time may be off by so much, to both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub(super) struct Accuracy {
    pub(super) seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) micros: Option<u16>,
}

impl Accuracy {
    /// In milliseconds, rounded up.
    pub(super) fn as_millis(self) -> u64 {
        let millis = u64::from(self.millis.unwrap_or(0)) + u64::from(self.micros.unwrap_or(0).div_ceil(1_000));
        self.seconds.unwrap_or(0).saturating_mul(1_000).saturating_add(millis)
    }
}

/// `GeneralizedTime` in UTC with an optional fraction of a second (RFC 3161, 2.4.2), which plain X.509 does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GenTime(pub(super) Timestamp);

impl GenTime {
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.strip_suffix('Z')?.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text.strip_suffix('Z')?, None),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 14 || !digits(whole) {
            return None;
        }
        let number = |from: usize, to: usize| whole.get(from..to)?.parse::<u16>().ok();
        let byte = |from: usize| number(from, from + 2).and_then(|value| u8::try_from(value).ok());
        let date = DateTime::new(number(0, 4)?, byte(4)?, byte(6)?, byte(8)?, byte(10)?, byte(12)?).ok()?;
        let millis = match fraction {
            None => 0,
            Some(fraction) if (1..=9).contains(&fraction.len()) && digits(fraction) => {
                format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok()?
            }
            Some(_) => return None,
        };
        let seconds = date.unix_duration().as_secs();
        Some(Self(Timestamp::from_millis(seconds.checked_mul(1_000)?.checked_add(millis)?)))
    }
}

impl der::FixedTag for GenTime {
    const TAG: Tag = Tag::GeneralizedTime;
}

impl<'a> der::DecodeValue<'a> for GenTime {
    type Error = der::Error;

    fn decode_value<R: der::Reader<'a>>(reader: &mut R, header: der::Header) -> der::Result<Self> {
        let bytes = reader.read_vec(header.length())?;
        let text = std::str::from_utf8(&bytes).ok();
        text.and_then(Self::parse).ok_or_else(|| Tag::GeneralizedTime.value_error().into())
    }
}

impl der::EncodeValue for GenTime {
    fn value_len(&self) -> der::Result<der::Length> {
        self.text()?.len().try_into()
    }

    fn encode_value(&self, writer: &mut impl der::Writer) -> der::Result<()> {
        writer.write(self.text()?.as_bytes())
    }
}

impl GenTime {
    /// The form of DER: no zeros behind the last digit of the fraction.
    fn text(self) -> der::Result<String> {
        let date = DateTime::from_unix_duration(std::time::Duration::from_secs(self.0.as_secs()))?;
        let fraction = format!(".{:03}", self.0.as_millis() % 1_000);
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        Ok(format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{fraction}Z",
            date.year(),
            date.month(),
            date.day(),
            date.hour(),
            date.minutes(),
            date.seconds()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_and_without_a_fraction_is_read_and_a_loose_one_is_not() {
        let millis = |text: &str| GenTime::parse(text).map(|time| time.0.as_millis());
        assert_eq!(millis("20261122000000Z"), Some(1_795_305_600_000));
        assert_eq!(millis("20261122000000.5Z"), Some(1_795_305_600_500));
        assert_eq!(millis("20261122000000.123456789Z"), Some(1_795_305_600_123));
        for wrong in [
            "20261122000000",
            "20261122000000+0100",
            "20261122000000.Z",
            "20261122000000.1234567890Z",
            "202611220000Z",
            "20261322000000Z",
            "2026112200000aZ",
            "20261122000000.5\u{e9}Z",
            "",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
        for text in ["20261122000000Z", "20261122000000.5Z"] {
            assert_eq!(GenTime::parse(text).unwrap().text().unwrap(), text);
        }
    }

    #[test]
    fn an_accuracy_is_rounded_up_to_a_millisecond() {
        let accuracy = Accuracy { seconds: Some(1), millis: Some(500), micros: Some(100) };
        assert_eq!(accuracy.as_millis(), 1_501);
        assert_eq!(Accuracy::from_der(&accuracy.to_der().unwrap()), Ok(accuracy));
    }
}
