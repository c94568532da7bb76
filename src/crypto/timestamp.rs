//! RFC 3161 time-stamps: the request, and the judgement of the answer. Refuses an answer without a token, one over other
//! bytes or with another nonce, and a token whose signer was not, at that time, a time-stamp authority below a given CA.
//!
//! The certificate is judged at the time in the token: a token stays good after its certificate has ended. Revocation of
//! the authority's certificate is not looked at: nobody carries its lists along for decades. What answers a stolen key is a
//! second authority, and a newer token over a later checkpoint of the same log.

use cms::content_info::ContentInfo;
use der::asn1::{Any, ObjectIdentifier as Oid, OctetStringRef};
use der::{Decode, Encode, Sequence};
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use x509_cert::attr::Attributes;

use crate::crypto::certificate::{self, CertificateError};
use crate::crypto::cms::{
    CONTENT_TYPE, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2, SignedData, SigningCertificateV2,
};
use crate::crypto::signature::{self, SignatureError, one};
use crate::crypto::time_stamper::verify_time_stamper;
use crate::crypto::tsp::{Imprint, TST_INFO, TimeStampReq, TimeStampResp, TstInfo};
use crate::model::ident::Digest;
use crate::model::limits::TIME_STAMP_BYTES_MAX;
use crate::model::time::Timestamp;

/// The media type of a request.
pub const QUERY_TYPE: &str = "application/timestamp-query";
/// The media type of an answer.
pub const REPLY_TYPE: &str = "application/timestamp-reply";

const SIGNING_CERTIFICATE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.12");

/// `SigningCertificate` (RFC 2634, 5.4): the older attribute, by SHA-1.
#[derive(Debug, Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateId>,
    policies: Option<Any>,
}

/// `ESSCertID` (RFC 2634, 5.4.1).
#[derive(Debug, Sequence)]
struct CertificateId {
    hash: der::asn1::OctetString,
    issuer_serial: Option<Any>,
}

/// A request for a time-stamp over bytes of that SHA-256, DER of `TimeStampReq`. Asks for the authority's certificate, so
/// that the token can be checked by itself. `nonce` is drawn anew for each request.
pub fn request(sha256: Digest, nonce: u64) -> Vec<u8> {
    let imprint = Imprint::sha256(sha256).expect("invariant: 32 bytes and a fixed algorithm are always encodable");
    let request = TimeStampReq { version: 1, imprint, nonce, certificate_wanted: true };
    request.to_der().expect("invariant: a request of fixed fields is always encodable")
}

/// An answer with a token, read and not yet believed.
#[derive(Debug)]
pub struct TimeStamp {
    signed: SignedData,
    content: Vec<u8>,
    info: TstInfo,
}

/// What a token says after every check held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The time in the token.
    pub time: Timestamp,
    /// By how much it may be off, in milliseconds, if the authority says.
    pub accuracy_ms: Option<u64>,
    /// The subject of the authority's certificate (RFC 4514).
    pub authority: String,
    /// The serial number of the token, big-endian.
    pub serial: Vec<u8>,
    /// The policy under which it was given, an object identifier.
    pub policy: String,
    /// SHA-256 of the CA certificate that vouches for the authority.
    pub anchor: Digest,
}

impl TimeStamp {
    /// Reads an answer, DER of `TimeStampResp` with a token.
    ///
    /// # Errors
    /// [`StampError`]; `Denied` says why the authority gave no token.
    pub fn read(answer: &[u8]) -> Result<Self, StampError> {
        if answer.len() > TIME_STAMP_BYTES_MAX {
            return Err(StampError::TooLarge);
        }
        let response = TimeStampResp::from_der(answer).map_err(|_| StampError::Malformed("it is no TimeStampResp"))?;
        // granted, grantedWithMods
        if response.status.status > 1 {
            return Err(StampError::Denied(response.status.told()));
        }
        let token = response.token.ok_or(StampError::Malformed("it grants and holds no token"))?;
        let info: ContentInfo = token.decode_as().map_err(|_| StampError::Malformed("its token is no CMS message"))?;
        if info.content_type != SIGNED_DATA {
            return Err(StampError::Malformed("its token is no SignedData"));
        }
        let signed: SignedData =
            info.content.decode_as().map_err(|_| StampError::Malformed("its SignedData cannot be read"))?;
        if signed.content.econtent_type != TST_INFO {
            return Err(StampError::Malformed("its token signs something else than a time"));
        }
        let content = signed
            .content
            .econtent
            .as_ref()
            .and_then(|any| any.decode_as::<&OctetStringRef>().ok())
            .map(|octets| octets.as_bytes().to_vec())
            .ok_or(StampError::Malformed("its token holds no time"))?;
        let info = TstInfo::from_der(&content).map_err(|_| StampError::Malformed("its TSTInfo cannot be read"))?;
        if info.version != 1 || info.extensions.iter().flatten().any(|extension| extension.critical) {
            return Err(StampError::Malformed("its TSTInfo has a version or a critical part that is not known"));
        }
        Ok(Self { signed, content, info })
    }

    /// The time that the token claims. Nobody has looked at its signature yet.
    pub fn claimed_time(&self) -> Timestamp {
        self.info.time.0
    }

    /// Whether the token is over bytes of that SHA-256. Looks at no signature.
    pub fn is_over(&self, sha256: Digest) -> bool {
        Imprint::sha256(sha256).is_ok_and(|imprint| {
            imprint.algorithm.oid == self.info.imprint.algorithm.oid && imprint.digest == self.info.imprint.digest
        })
    }

    /// Judges the token: over `content`, signed by a time-stamp authority that one of `anchors` (CA certificates, DER)
    /// vouches for. `nonce` is that of our own request; without one it is not compared, as for a stored token.
    ///
    /// # Errors
    /// [`StampError`].
    pub fn check(&self, content: &[u8], nonce: Option<u64>, anchors: &[Vec<u8>]) -> Result<Stamped, StampError> {
        let algorithm = signature::digest_algorithm(self.info.imprint.algorithm.oid)?;
        if digest::digest(algorithm, content).as_ref() != self.info.imprint.digest.as_bytes() {
            return Err(StampError::OtherBytes);
        }
        if nonce.is_some_and(|nonce| !self.info.answers(nonce)) {
            return Err(StampError::OtherNonce);
        }
        let [signer] = self.signed.signers.as_slice() else {
            return Err(StampError::Malformed("it has not exactly one signer"));
        };
        let embedded = signature::embedded_certificates(&self.signed)?;
        let (certificate, others) = signature::split_signer(embedded, &signer.sid)?;
        let attributes = signer.signed_attrs.as_ref().ok_or(StampError::Malformed("it has no signed attributes"))?;
        if one(attributes, CONTENT_TYPE)?.decode_as::<Oid>() != Ok(TST_INFO) {
            return Err(StampError::Malformed("it signs another type of content"));
        }
        let algorithm = signature::digest_algorithm(signer.digest_alg.oid)?;
        let claimed = one(attributes, MESSAGE_DIGEST)?.decode_as::<&OctetStringRef>();
        if claimed.ok().map(OctetStringRef::as_bytes) != Some(digest::digest(algorithm, &self.content).as_ref()) {
            return Err(StampError::Signature);
        }
        check_named(attributes, &certificate)?;
        signature::check_signature(signer, attributes, &certificate)?;
        let time = self.info.time.0;
        let anchor = verify_time_stamper(&certificate, &others, anchors, time)?;
        let facts = certificate::CertificateFacts::read(&certificate)?;
        Ok(Stamped {
            time,
            accuracy_ms: self.info.accuracy.map(super::tsp::Accuracy::as_millis),
            authority: facts.subject,
            serial: self.info.serial.as_bytes().to_vec(),
            policy: self.info.policy.to_string(),
            anchor,
        })
    }
}

/// The certificate that is used must be the one named inside, by whichever attribute stands there (RFC 5816): otherwise
/// another certificate for the same key could be put in its place.
fn check_named(attributes: &Attributes, certificate: &[u8]) -> Result<(), StampError> {
    let unreadable = |_| StampError::Malformed("its signing-certificate attribute cannot be read");
    let nameless = StampError::Malformed("it names no certificate inside");
    let has = |oid: Oid| attributes.iter().any(|attribute| attribute.oid == oid);
    if !has(SIGNING_CERTIFICATE) && !has(SIGNING_CERTIFICATE_V2) {
        return Err(nameless);
    }
    if has(SIGNING_CERTIFICATE) {
        let named: SigningCertificate = one(attributes, SIGNING_CERTIFICATE)?.decode_as().map_err(unreadable)?;
        let first = named.certificates.first().ok_or(StampError::Malformed("it names no certificate inside"))?;
        if first.hash.as_bytes() != digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref() {
            return Err(StampError::OtherCertificate);
        }
    }
    if has(SIGNING_CERTIFICATE_V2) {
        let named: SigningCertificateV2 = one(attributes, SIGNING_CERTIFICATE_V2)?.decode_as().map_err(unreadable)?;
        let first = named.certificates.first().ok_or(nameless)?;
        let algorithm = match &first.algorithm {
            Some(algorithm) => signature::digest_algorithm(algorithm.oid)?,
            None => &digest::SHA256,
        };
        if first.hash.as_bytes() != digest::digest(algorithm, certificate).as_ref() {
            return Err(StampError::OtherCertificate);
        }
    }
    Ok(())
}

impl From<SignatureError> for StampError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Malformed(why) => Self::Malformed(why),
            SignatureError::Certificate(error) => Self::from(error),
            _ => Self::Signature,
        }
    }
}

impl From<CertificateError> for StampError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::NoAnchor,
            CertificateError::UnsupportedAlgorithm => Self::Algorithm,
            CertificateError::WrongUsage => Self::WrongUsage,
            CertificateError::Expired { .. }
            | CertificateError::NotYetValid { .. }
            | CertificateError::IssuerNotValid => Self::NotValidThen,
            _ => Self::Malformed("a certificate in it, or one that is trusted, cannot be used"),
        }
    }
}

/// Why there is no time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Larger than any token.
    #[error("the time-stamp is larger than {TIME_STAMP_BYTES_MAX} bytes")]
    TooLarge,
    /// Not an answer of the protocol.
    #[error("this is no time-stamp (RFC 3161): {0}")]
    Malformed(&'static str),
    /// The authority refused; in its words.
    #[error("the time-stamp authority refused: {0}")]
    Denied(String),
    /// The imprint is another one.
    #[error("the time-stamp is over other bytes")]
    OtherBytes,
    /// The nonce is another one, or missing: an old answer played again.
    #[error("the time-stamp does not answer this request: its nonce is another one")]
    OtherNonce,
    /// The mathematics fail.
    #[error("the signature of the time-stamp does not hold; it was changed or forged")]
    Signature,
    /// The certificate named inside is another one.
    #[error("the time-stamp names another certificate than it carries")]
    OtherCertificate,
    /// Nobody who is trusted vouches for the signer.
    #[error("no CA that is trusted for time-stamps vouches for its signer")]
    NoAnchor,
    /// The certificate, or a CA above it, was not valid at the time in the token.
    #[error("the authority's certificate, or a CA above it, was not valid at the time that the time-stamp states")]
    NotValidThen,
    /// Not a certificate of a time-stamp authority (RFC 3161, 2.3).
    #[error("its signer's certificate is not one for time-stamping and nothing else")]
    WrongUsage,
    /// An algorithm outside the list.
    #[error(
        "it uses an algorithm that is not accepted; accepted are SHA-256 to SHA-512 with ECDSA P-256 or P-384 or RSA of \
         2048 bits or more"
    )]
    Algorithm,
}
