//! The judgement of a detached CAdES-B signature (`cms.rs` draws it). A `SignerFacts` exists only for a signature that holds
//! over the exact bytes, by a certificate that the authority's own CA issued for sealing and has not revoked.

use cms::content_info::ContentInfo;
use cms::signed_data::{SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier as Oid, OctetStringRef, Utf8StringRef};
use der::{Decode, Encode};
use ring::digest;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;
use x509_cert::Certificate;
use x509_cert::attr::Attributes;
use x509_cert::time::Time;

use crate::crypto::certificate::{ALGORITHMS, CertificateError, Instants, TrustedCertificate, Usage, verify_chain};
use crate::crypto::cms::{
    CONTENT_TYPE, DATA, ID_SHA256, MESSAGE_DIGEST, MIME_TYPE, SIGNED_DATA, SIGNING_CERTIFICATE_V2, SIGNING_TIME,
    SignedData, SigningCertificateV2,
};
use crate::crypto::revocation::timestamp;
use crate::model::limits::{CLOCK_SKEW_MS_MAX, CMS_BYTES_MAX};
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;

const ID_SHA384: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.2");
const ID_SHA512: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA_ENCRYPTION: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");

/// Who signed, and when he says he did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerFacts {
    certificate_der: Vec<u8>,
    others: Vec<Vec<u8>>,
    certificate: TrustedCertificate,
    signing_time: Timestamp,
    mime_type: Option<String>,
}

impl SignerFacts {
    /// The signing certificate, exact bytes.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// The other certificates that came with the signature. They were not used.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.others
    }

    /// What the certificate says, and who issued it.
    pub fn certificate(&self) -> &TrustedCertificate {
        &self.certificate
    }

    /// When the signer says that it signed, by whole seconds. A claim, until a log or a time-stamp bounds it.
    pub fn signing_time(&self) -> Timestamp {
        self.signing_time
    }

    /// What the signer says that the content is.
    pub fn mime_type(&self) -> Option<&str> {
        self.mime_type.as_deref()
    }
}

/// Verifies a detached signature over `content` by an authority with those issuers and revocation lists. The certificate
/// must have been valid at the signing time; revocation is judged at `checked_at`, which is when the signature came
/// under the verifier's eyes (on arrival: now; in an archive: the time that its custody log proves).
pub fn verify(
    signature: &[u8],
    content: &[u8],
    issuers: &[Vec<u8>],
    revocation_lists: &[Vec<u8>],
    checked_at: Timestamp,
) -> Result<SignerFacts, SignatureError> {
    let signed = read(signature)?;
    let [signer] = signed.signers.as_slice() else {
        return Err(match signed.signers.is_empty() {
            true => SignatureError::Missing,
            false => SignatureError::Malformed("it has more than one signer"),
        });
    };
    let embedded = embedded_certificates(&signed)?;
    let (certificate_der, others) = split_signer(embedded, &signer.sid)?;
    let attributes = signer.signed_attrs.as_ref().ok_or(SignatureError::Malformed("it has no signed attributes"))?;

    check_content(signer, attributes, content)?;
    check_named_certificate(attributes, &certificate_der)?;
    check_signature(signer, attributes, &certificate_der)?;

    let signing_time = one(attributes, SIGNING_TIME)?
        .decode_as::<Time>()
        .map(timestamp)
        .map_err(|_| SignatureError::Malformed("its signing time cannot be read"))?;
    if signing_time > checked_at.plus_millis(CLOCK_SKEW_MS_MAX) {
        return Err(SignatureError::InTheFuture { signing_time });
    }
    let instants = Instants { used_at: signing_time, checked_at };
    let certificate = verify_chain(&certificate_der, issuers, revocation_lists, instants, Usage::Seal)?;
    Ok(SignerFacts { certificate_der, others, certificate, signing_time, mime_type: mime_type(attributes)? })
}

fn read(signature: &[u8]) -> Result<SignedData, SignatureError> {
    if signature.is_empty() {
        return Err(SignatureError::Missing);
    }
    if signature.len() > CMS_BYTES_MAX {
        return Err(SignatureError::TooLarge);
    }
    let info =
        ContentInfo::from_der(signature).map_err(|_| SignatureError::Malformed("it is no DER of a CMS message"))?;
    if info.content_type != SIGNED_DATA {
        return Err(SignatureError::Malformed("it is no SignedData"));
    }
    let signed: SignedData =
        info.content.decode_as().map_err(|_| SignatureError::Malformed("its SignedData cannot be read"))?;
    if signed.content.econtent_type != DATA || signed.content.econtent.is_some() {
        return Err(SignatureError::Malformed("it is not detached from plain data"));
    }
    Ok(signed)
}

pub(super) fn embedded_certificates(signed: &SignedData) -> Result<Vec<Vec<u8>>, SignatureError> {
    signed
        .certificates
        .iter()
        .flat_map(|set| set.iter())
        .map(|certificate| certificate.to_der())
        .collect::<Result<_, _>>()
        .map_err(|_| SignatureError::Malformed("its certificates cannot be read"))
}

/// Takes the signer's certificate out of the embedded ones, by issuer and serial number.
pub(super) fn split_signer(
    mut embedded: Vec<Vec<u8>>,
    signer: &SignerIdentifier,
) -> Result<(Vec<u8>, Vec<Vec<u8>>), SignatureError> {
    let SignerIdentifier::IssuerAndSerialNumber(wanted) = signer else {
        return Err(SignatureError::Malformed("it names its signer not by issuer and serial number"));
    };
    let position = embedded.iter().position(|der| {
        Certificate::from_der(der).is_ok_and(|certificate| {
            let body = certificate.tbs_certificate();
            *body.issuer() == wanted.issuer && *body.serial_number() == wanted.serial_number
        })
    });
    let position = position.ok_or(SignatureError::Malformed("it does not carry the certificate of its signer"))?;
    let certificate = embedded.swap_remove(position);
    Ok((certificate, embedded))
}

fn check_content(signer: &SignerInfo, attributes: &Attributes, content: &[u8]) -> Result<(), SignatureError> {
    let content_type = one(attributes, CONTENT_TYPE)?.decode_as::<Oid>();
    if content_type != Ok(DATA) {
        return Err(SignatureError::Malformed("it signs another type of content"));
    }
    let algorithm = digest_algorithm(signer.digest_alg.oid)?;
    let claimed = one(attributes, MESSAGE_DIGEST)?
        .decode_as::<&OctetStringRef>()
        .map_err(|_| SignatureError::Malformed("its message digest cannot be read"))?;
    if claimed.as_bytes() == digest::digest(algorithm, content).as_ref() {
        Ok(())
    } else {
        Err(SignatureError::ContentMismatch)
    }
}

/// The certificate named inside the signature must be the one that is used: otherwise another certificate for the same
/// key could be put in its place (RFC 5035, 2).
fn check_named_certificate(attributes: &Attributes, certificate_der: &[u8]) -> Result<(), SignatureError> {
    let named: SigningCertificateV2 = one(attributes, SIGNING_CERTIFICATE_V2)?
        .decode_as()
        .map_err(|_| SignatureError::Malformed("its signing-certificate-v2 cannot be read"))?;
    let first = named.certificates.first().ok_or(SignatureError::Malformed("it names no certificate inside"))?;
    let algorithm = match &first.algorithm {
        Some(algorithm) => digest_algorithm(algorithm.oid)?,
        None => &digest::SHA256,
    };
    let same = first.hash.as_bytes() == digest::digest(algorithm, certificate_der).as_ref();
    if same { Ok(()) } else { Err(SignatureError::OtherCertificate) }
}

pub(super) fn check_signature(
    signer: &SignerInfo,
    attributes: &Attributes,
    certificate_der: &[u8],
) -> Result<(), SignatureError> {
    let unreadable = SignatureError::Malformed("its attributes or certificate cannot be read");
    let signed = attributes.to_der().map_err(|_| unreadable)?;
    let certificate = CertificateDer::from(certificate_der);
    let certificate = EndEntityCert::try_from(&certificate).map_err(|_| unreadable)?;
    // webpki compares the inside of the AlgorithmIdentifier SEQUENCE.
    let wanted = signature_algorithm(signer)
        .and_then(|algorithm| algorithm.to_der().ok())
        .and_then(|der| Any::from_der(&der).ok())
        .ok_or(CertificateError::UnsupportedAlgorithm)?;
    let mut refused = CertificateError::UnsupportedAlgorithm.into();
    for algorithm in ALGORITHMS {
        if algorithm.signature_alg_id().as_ref() != wanted.value() {
            continue;
        }
        match certificate.verify_signature(*algorithm, &signed, signer.signature.as_bytes()) {
            Ok(()) => return Ok(()),
            // ECDSA on another curve has the same identifier.
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => refused = SignatureError::Invalid,
        }
    }
    Err(refused)
}

pub(super) fn digest_algorithm(oid: Oid) -> Result<&'static digest::Algorithm, SignatureError> {
    match oid {
        ID_SHA256 => Ok(&digest::SHA256),
        ID_SHA384 => Ok(&digest::SHA384),
        ID_SHA512 => Ok(&digest::SHA512),
        _ => Err(CertificateError::UnsupportedAlgorithm.into()),
    }
}

/// CMS may say plain rsaEncryption and leave the digest to the other field (RFC 3370, 3.2).
fn signature_algorithm(signer: &SignerInfo) -> Option<x509_cert::spki::AlgorithmIdentifierOwned> {
    let mut algorithm = signer.signature_algorithm.clone();
    if algorithm.oid == RSA_ENCRYPTION {
        algorithm.oid = match signer.digest_alg.oid {
            ID_SHA256 => Oid::new_unwrap("1.2.840.113549.1.1.11"),
            ID_SHA384 => Oid::new_unwrap("1.2.840.113549.1.1.12"),
            ID_SHA512 => Oid::new_unwrap("1.2.840.113549.1.1.13"),
            _ => return None,
        };
    }
    Some(algorithm)
}

fn mime_type(attributes: &Attributes) -> Result<Option<String>, SignatureError> {
    if !attributes.iter().any(|attribute| attribute.oid == MIME_TYPE) {
        return Ok(None);
    }
    one(attributes, MIME_TYPE)?
        .decode_as::<Utf8StringRef<'_>>()
        .map(|text| Some(text.as_str().to_owned()))
        .map_err(|_| SignatureError::Malformed("its mime-type cannot be read"))
}

/// The one value of an attribute that must stand there once (RFC 5652, 11).
pub(super) fn one(attributes: &Attributes, oid: Oid) -> Result<&Any, SignatureError> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let (Some(attribute), None) = (found.next(), found.next()) else {
        return Err(SignatureError::Malformed("a CAdES attribute is missing or stands there twice"));
    };
    match attribute.values.as_slice() {
        [value] => Ok(value),
        _ => Err(SignatureError::Malformed("a CAdES attribute has not exactly one value")),
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("there is no signature; the sender must sign")]
    Missing,
    /// Larger than any signature of this protocol.
    #[error("the signature is larger than {CMS_BYTES_MAX} bytes; the sender must embed fewer certificates")]
    TooLarge,
    /// Not a CAdES-B signature.
    #[error("the signature is no CAdES-B signature: {0}; the sender must sign again")]
    Malformed(&'static str),
    /// It is over other bytes.
    #[error("the signature is over other content; the content or the signature was exchanged")]
    ContentMismatch,
    /// It names another certificate inside.
    #[error("the signature names another certificate than it carries; the sender must sign again")]
    OtherCertificate,
    /// The mathematics fail.
    #[error("the signature does not verify with its certificate; it was changed or forged")]
    Invalid,
    /// Made later than now.
    #[error("the signature says it was made at {signing_time}, which is still to come; check both clocks")]
    InTheFuture {
        /// The claimed time.
        signing_time: Timestamp,
    },
    /// The signer's certificate does not speak for the authority.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl SignatureError {
    /// What the peer is told.
    pub fn code(&self) -> RefusalCode {
        use CertificateError as C;
        match self {
            Self::TooLarge => RefusalCode::TooLarge,
            Self::InTheFuture { .. } => RefusalCode::ClockSkew,
            Self::Certificate(C::Expired { .. } | C::NotYetValid { .. } | C::IssuerNotValid) => {
                RefusalCode::CertificateExpired
            }
            Self::Certificate(C::Revoked { .. }) => RefusalCode::CertificateRevoked,
            // A newer directory may bring what is missing here: the CA's successor, a fresh list.
            Self::Certificate(C::UnknownIssuer) => RefusalCode::UnknownAuthority,
            Self::Certificate(
                C::NoRevocationList
                | C::StaleRevocationList { .. }
                | C::ForgedRevocationList
                | C::RevocationList(_)
                | C::UnfitIssuer,
            ) => RefusalCode::DirectoryExpired,
            Self::Missing
            | Self::Malformed(_)
            | Self::ContentMismatch
            | Self::OtherCertificate
            | Self::Invalid
            | Self::Certificate(C::Malformed | C::WrongUsage | C::UnsupportedAlgorithm) => RefusalCode::BadSignature,
        }
    }
}
