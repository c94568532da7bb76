//! The certificate recipes: an authority's issuing CA, its node and seal certificates, its revocation list. Refuses a CA
//! whose name or key it cannot sign under. Time is an argument; keys are drawn by ring inside the certificate library.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Encode, Tag, Tagged};
use zeroize::Zeroizing;

use crate::crypto::certificate;
use crate::crypto::san::uri_of;
use crate::model::ident::AuthorityId;
use crate::model::time::Timestamp;

/// A certificate and its private key.
#[derive(Clone)]
pub struct Identity {
    /// The DER certificate.
    pub certificate: Vec<u8>,
    /// The PKCS#8 DER private key (P-256).
    pub key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identity(..)")
    }
}

/// From when to when a certificate is valid, by whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: Timestamp,
    /// Last second.
    pub not_after: Timestamp,
}

/// One entry of a revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The serial number, big-endian.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub at: Timestamp,
}

/// The issuing CA of one authority: path length 0, signs certificates and revocation lists. `name` is the authority's
/// name for people.
pub fn authority_ca(authority: &AuthorityId, name: &str, validity: Validity) -> Result<Identity, IssueError> {
    let mut params = profile(authority, name, &format!("{authority} issuing CA"), validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok(identity(&certificate, &key))
}

/// The TLS certificate of a node: it dials and listens under this name.
pub fn node_certificate(
    ca: &Identity,
    authority: &AuthorityId,
    name: &str,
    node_name: &str,
    validity: Validity,
) -> Result<Identity, IssueError> {
    let mut params = profile(authority, name, node_name, validity)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names =
        vec![SanType::URI(uri_of(authority).try_into()?), SanType::DnsName(node_name.try_into()?)];
    issue(ca, params)
}

/// The certificate that legal acts are signed with: an authority's seal, or an officer's under a personal name.
/// Both usages stand in it because `openssl cms -verify` asks for emailProtection by default.
pub fn seal_certificate(
    ca: &Identity,
    authority: &AuthorityId,
    name: &str,
    common_name: &str,
    validity: Validity,
) -> Result<Identity, IssueError> {
    let mut params = profile(authority, name, common_name, validity)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]),
        ExtendedKeyUsagePurpose::EmailProtection,
    ];
    params.subject_alt_names = vec![SanType::URI(uri_of(authority).try_into()?)];
    issue(ca, params)
}

/// The revocation list of a CA, perhaps empty. `number` grows with every list.
pub fn revocation_list(
    ca: &Identity,
    revoked: &[Revocation],
    this_update: Timestamp,
    next_update: Timestamp,
    number: u64,
) -> Result<Vec<u8>, IssueError> {
    let revoked_certs = revoked
        .iter()
        .map(|entry| {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&entry.serial),
                revocation_time: date(entry.at)?,
                reason_code: Some(RevocationReason::Unspecified),
                invalidity_date: None,
            })
        })
        .collect::<Result<_, IssueError>>()?;
    let list = CertificateRevocationListParams {
        this_update: date(this_update)?,
        next_update: date(next_update)?,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(&issuer(ca)?)?;
    Ok(list.der().to_vec())
}

fn profile(
    authority: &AuthorityId,
    organisation: &str,
    common_name: &str,
    validity: Validity,
) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.not_before = date(validity.not_before)?;
    params.not_after = date(validity.not_after)?;
    params.use_authority_key_identifier_extension = true;
    params.is_ca = IsCa::ExplicitNoCa;
    params.distinguished_name = DistinguishedName::new();
    // X.520 knows two letters only; an international body has no country.
    if authority.state().len() == 2 {
        let country = DnValue::PrintableString(authority.state().try_into()?);
        params.distinguished_name.push(DnType::CountryName, country);
    }
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

fn issue(ca: &Identity, params: CertificateParams) -> Result<Identity, IssueError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, &issuer(ca)?)?;
    Ok(identity(&certificate, &key))
}

/// The CA as an issuer, its name taken over part by part so that it is the same byte for byte: a path is built by
/// comparing bytes.
fn issuer(ca: &Identity) -> Result<Issuer<'static, KeyPair>, IssueError> {
    let certificate = certificate::parse(&ca.certificate).map_err(|_| IssueError::ForeignCa)?;
    let body = certificate.tbs_certificate();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for attribute in body.subject().iter() {
        let arcs = attribute.oid.arcs().map(u64::from).collect::<Vec<_>>();
        let value = match attribute.value.tag() {
            Tag::Utf8String => Utf8StringRef::try_from(&attribute.value)
                .map(|text| DnValue::Utf8String(text.as_str().to_owned()))
                .map_err(|_| IssueError::ForeignCa)?,
            Tag::PrintableString => PrintableStringRef::try_from(&attribute.value)
                .map_err(|_| IssueError::ForeignCa)
                .and_then(|text| Ok(DnValue::PrintableString(text.as_str().try_into()?)))?,
            _ => return Err(IssueError::ForeignCa),
        };
        params.distinguished_name.push(DnType::from_oid(&arcs), value);
    }
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::try_from(ca.key.as_slice())?;
    let public_key = body.subject_public_key_info().to_der().map_err(|_| IssueError::ForeignCa)?;
    if rcgen::PublicKeyData::subject_public_key_info(&key) != public_key {
        return Err(IssueError::WrongKey);
    }
    Ok(Issuer::new(params, key))
}

fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
    Identity { certificate: certificate.der().to_vec(), key: Zeroizing::new(key.serialize_der()) }
}

fn date(instant: Timestamp) -> Result<OffsetDateTime, IssueError> {
    i64::try_from(instant.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(IssueError::Date)
}

/// Why nothing was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A date outside X.509.
    #[error("a date of the certificate lies after the year 9999; choose an earlier one")]
    Date,
    /// The CA was not made by this recipe.
    #[error("the CA certificate has a name or form that this recipe cannot issue under; use its own tools")]
    ForeignCa,
    /// Certificate and key of the CA do not match.
    #[error("the key is not that of the CA certificate; check the files of the CA")]
    WrongKey,
    /// The certificate library refused a name or the key.
    #[error("the certificate cannot be made: {0}")]
    Library(#[from] rcgen::Error),
}
