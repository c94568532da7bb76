//! A legal act's signature: detached CAdES-B (ETSI EN 319 122-1) over exact bytes, one signer. Refuses anything that is not
//! whole: every signed attribute once, the certificate named inside, its chain and revocation judged at two instants.
//!
//! ```text
//! ContentInfo { id-signedData, SignedData v1 {
//!     digestAlgorithms { SHA-256 }, id-data without content, certificates { signer, chain }, one SignerInfo v1 {
//!         issuerAndSerialNumber, SHA-256, signedAttrs, ecdsa-with-SHA256, signature } } }
//! signedAttrs: content-type, message-digest, signing-time, signing-certificate-v2, mime-type
//! ```
//!
//! What is signed is the DER of the attributes as a SET (RFC 5652, 5.4). One use is told from another by the schema string
//! inside the content, which the caller checks, and by the mime-type.

use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier as Oid, OctetString, SetOfVec, Utf8StringRef};
use der::{Decode, Encode, Sequence};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use x509_cert::Certificate;
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use crate::crypto::certificate;
use crate::model::time::Timestamp;

pub(super) const DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.1");
pub(super) const SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
pub(super) const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
pub(super) const SIGNING_TIME: Oid = Oid::new_unwrap("1.2.840.113549.1.9.5");
pub(super) const SIGNING_CERTIFICATE_V2: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.47");
pub(super) const MIME_TYPE: Oid = Oid::new_unwrap("0.4.0.1733.2.1");
pub(super) const ID_SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
const ECDSA_WITH_SHA256: Oid = Oid::new_unwrap("1.2.840.10045.4.3.2");

/// `SignedData` (RFC 5652, 5.1) with the certificates as the bytes they came in: a national CA's certificate that is not
/// perfect DER must not change by being read.
#[derive(Debug, Sequence)]
pub(super) struct SignedData {
    pub(super) version: CmsVersion,
    pub(super) digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    pub(super) content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) certificates: Option<SetOfVec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) revocation_lists: Option<SetOfVec<Any>>,
    pub(super) signers: SetOfVec<SignerInfo>,
}

/// `SigningCertificateV2` (RFC 5035, 3).
#[derive(Debug, Sequence)]
pub(super) struct SigningCertificateV2 {
    pub(super) certificates: Vec<CertificateId>,
    pub(super) policies: Option<Any>,
}

/// `ESSCertIDv2` (RFC 5035, 4); SHA-256 where no algorithm stands.
#[derive(Debug, Sequence)]
pub(super) struct CertificateId {
    pub(super) algorithm: Option<AlgorithmIdentifierOwned>,
    pub(super) hash: OctetString,
    pub(super) issuer_serial: Option<Any>,
}

/// A key with its certificate: signs legal acts.
pub struct Signer {
    key: EcdsaKeyPair,
    certificate_der: Vec<u8>,
    certificate: Certificate,
    chain: Vec<Vec<u8>>,
}

impl Signer {
    /// From a PKCS#8 P-256 key, its certificate and the certificates above it (embedded for foreign verifiers).
    pub fn new(key_pkcs8: &[u8], certificate_der: Vec<u8>, chain: Vec<Vec<u8>>) -> Result<Self, SignerError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key_pkcs8, &SystemRandom::new())
            .map_err(|_| SignerError::Key)?;
        let certificate = certificate::parse(&certificate_der).map_err(|_| SignerError::Certificate)?;
        let certified = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        if certified != key.public_key().as_ref() {
            return Err(SignerError::Mismatch);
        }
        Ok(Self { key, certificate_der, certificate, chain })
    }

    /// The certificate that signatures will name.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// Signs `content` and returns the detached signature. The nonce of ECDSA comes from the operating system, so two
    /// signatures over the same content differ.
    pub fn sign(&self, content: &[u8], mime_type: &str, signed_at: Timestamp) -> Result<Vec<u8>, SignError> {
        let attributes = self.attributes(content, mime_type, signed_at)?;
        let signature = self.key.sign(&SystemRandom::new(), &attributes.to_der()?).map_err(|_| SignError::Key)?;
        let body = self.certificate.tbs_certificate();
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: body.issuer().clone(),
                serial_number: body.serial_number().clone(),
            }),
            digest_alg: algorithm(ID_SHA256),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(ECDSA_WITH_SHA256),
            signature: OctetString::new(signature.as_ref())?,
            unsigned_attrs: None,
        };
        let certificates = std::iter::once(&self.certificate_der)
            .chain(&self.chain)
            .map(|der| Any::from_der(der))
            .collect::<Result<Vec<_>, _>>()?;
        let signed = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![algorithm(ID_SHA256)])?,
            content: EncapsulatedContentInfo { econtent_type: DATA, econtent: None },
            certificates: Some(SetOfVec::try_from(certificates)?),
            revocation_lists: None,
            signers: SetOfVec::try_from(vec![signer])?,
        };
        let info = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&signed)? };
        Ok(info.to_der()?)
    }

    fn attributes(&self, content: &[u8], mime_type: &str, signed_at: Timestamp) -> Result<Attributes, SignError> {
        let sha256 = |bytes: &[u8]| OctetString::new(digest(&SHA256, bytes).as_ref());
        let named = SigningCertificateV2 {
            certificates: vec![CertificateId {
                algorithm: None,
                hash: sha256(&self.certificate_der)?,
                issuer_serial: None,
            }],
            policies: None,
        };
        let seconds = std::time::Duration::from_secs(signed_at.as_secs());
        let time = Time::from(der::DateTime::from_unix_duration(seconds)?);
        let values = [
            (CONTENT_TYPE, Any::encode_from(&DATA)?),
            (MESSAGE_DIGEST, Any::encode_from(&sha256(content)?)?),
            (SIGNING_TIME, Any::encode_from(&time)?),
            (SIGNING_CERTIFICATE_V2, Any::encode_from(&named)?),
            (MIME_TYPE, Any::encode_from(&Utf8StringRef::new(mime_type)?)?),
        ];
        let attributes = values
            .into_iter()
            .map(|(oid, value)| {
                let values = SetOfVec::try_from(vec![value])?;
                Ok(Attribute { oid, values })
            })
            .collect::<Result<Vec<_>, der::Error>>()?;
        Ok(SetOfVec::try_from(attributes)?)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Signer(..)")
    }
}

fn algorithm(oid: Oid) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

/// Why key and certificate make no signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Not a P-256 key in PKCS#8.
    #[error("the signing key is no P-256 key in PKCS#8; make one with `rogatory init`")]
    Key,
    /// Not a certificate.
    #[error("the signing certificate is malformed; ask the CA for it again")]
    Certificate,
    /// The certificate is about another key.
    #[error("the signing certificate belongs to another key; check which files the configuration names")]
    Mismatch,
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// ring refused, for want of randomness.
    #[error("the signing key refused; check that getrandom(2) is permitted to this process")]
    Key,
    /// A value that DER cannot hold, e.g. a date after 9999.
    #[error("the signature cannot be encoded: {0}; check the clock and the certificate files")]
    Encoding(#[from] der::Error),
}
