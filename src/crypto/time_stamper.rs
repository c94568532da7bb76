//! Whose certificate may sign time-stamps (RFC 3161, 2.3). Refuses one with another purpose beside time-stamping, one that
//! no given CA vouches for, and any path that was not valid at the time asked about.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;
use x509_cert::ext::pkix;

use crate::crypto::certificate::{ALGORITHMS, CertificateError, CertificateFacts, check_issuer, parse, refusal};
use crate::crypto::digest::sha256;
use crate::model::ident::Digest;
use crate::model::limits::{CERTIFICATE_BYTES_MAX, TIME_STAMP_CERTIFICATES_MAX};
use crate::model::time::Timestamp;

/// The value bytes of `id-kp-timeStamping`, 1.3.6.1.5.5.7.3.8.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
const ID_TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// Judges the certificate of a time-stamp authority as of `at`, with the certificates that came along as possible steps
/// between it and one of `anchors` (CA certificates, DER). Returns the SHA-256 of the anchor. Asks for no revocation list.
///
/// # Errors
/// [`CertificateError`].
pub fn verify_time_stamper(
    certificate: &[u8],
    others: &[Vec<u8>],
    anchors: &[Vec<u8>],
    at: Timestamp,
) -> Result<Digest, CertificateError> {
    check_purpose(&parse(certificate)?)?;
    if others.len() > TIME_STAMP_CERTIFICATES_MAX {
        return Err(CertificateError::Malformed);
    }
    let end_entity = CertificateDer::from(certificate);
    let end_entity = EndEntityCert::try_from(&end_entity).map_err(refusal)?;
    let others: Vec<CertificateDer<'_>> = others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let mut refused = CertificateError::UnknownIssuer;
    for anchor in anchors {
        match verify_below(&end_entity, &others, anchor, at) {
            Ok(()) => return Ok(sha256(anchor)),
            // Another one may vouch for it.
            Err(CertificateError::UnknownIssuer) => {}
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A CA certificate that may vouch for time-stamp authorities: checked when it is taken into the settings.
///
/// # Errors
/// [`CertificateError`].
pub fn check_anchor(der: &[u8]) -> Result<CertificateFacts, CertificateError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(CertificateError::Malformed);
    }
    let facts = CertificateFacts::read(der)?;
    let anchor = CertificateDer::from(der);
    webpki::anchor_from_trusted_cert(&anchor).map_err(|_| CertificateError::UnfitIssuer)?;
    check_issuer(&parse(der)?, facts.not_before)?;
    Ok(facts)
}

fn verify_below(
    end_entity: &EndEntityCert<'_>,
    others: &[CertificateDer<'_>],
    anchor: &[u8],
    at: Timestamp,
) -> Result<(), CertificateError> {
    let certificate = parse(anchor).map_err(|_| CertificateError::UnfitIssuer)?;
    let anchor = CertificateDer::from(anchor);
    let anchor = webpki::anchor_from_trusted_cert(&anchor).map_err(|_| CertificateError::UnfitIssuer)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at.as_secs()));
    end_entity
        .verify_for_usage(
            ALGORITHMS,
            std::slice::from_ref(&anchor),
            others,
            time,
            // The signer was judged above; a CA in between is bound only if it names purposes.
            KeyUsage::required_if_present(TIME_STAMPING),
            None,
            None,
        )
        .map_err(refusal)?;
    check_issuer(&certificate, at)
}

/// The extended key usage must be there once, critical, and hold nothing but time-stamping.
fn check_purpose(certificate: &Certificate) -> Result<(), CertificateError> {
    let body = certificate.tbs_certificate();
    let (critical, purposes) = body
        .get_extension::<pkix::ExtendedKeyUsage>()
        .map_err(|_| CertificateError::Malformed)?
        .ok_or(CertificateError::WrongUsage)?;
    let [purpose] = purposes.0.as_slice() else { return Err(CertificateError::WrongUsage) };
    if !critical || purpose.to_string() != ID_TIME_STAMPING {
        return Err(CertificateError::WrongUsage);
    }
    match body.get_extension::<pkix::KeyUsage>().map_err(|_| CertificateError::Malformed)? {
        Some((_, usage)) if !usage.digital_signature() && !usage.non_repudiation() => Err(CertificateError::WrongUsage),
        _ => Ok(()),
    }
}
