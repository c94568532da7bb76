//! X.509 certificates: their facts, and whether one speaks for an authority. Refuses a certificate that was not issued
//! directly by a CA of the directory, was not valid, is revoked, whose revocation is unknown, or is meant for another use.
//!
//! A path is exactly two certificates: the end entity and an issuer that the directory lists for the authority. Certificates
//! that a peer sends along are never part of a path.

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix;

use crate::crypto::revocation::{RevocationList, RevocationListError, timestamp};
use crate::model::time::Timestamp;

/// The signature algorithms of certificates, revocation lists and legal acts. RSA of national PKIs is accepted.
pub(super) static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::ring::ECDSA_P256_SHA256,
    webpki::ring::ECDSA_P256_SHA384,
    webpki::ring::ECDSA_P384_SHA256,
    webpki::ring::ECDSA_P384_SHA384,
    webpki::ring::RSA_PKCS1_2048_8192_SHA256,
    webpki::ring::RSA_PKCS1_2048_8192_SHA384,
    webpki::ring::RSA_PKCS1_2048_8192_SHA512,
    webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    webpki::ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    webpki::ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// What people and records want to know about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject (RFC 4514). May name an officer: not for logs.
    pub subject: String,
    /// The issuer (RFC 4514).
    pub issuer: String,
    /// The serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
    /// First instant of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
}

impl CertificateFacts {
    /// Reads the facts of a DER certificate. Says nothing about trust.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        parse(der).map(|certificate| Self::of(&certificate))
    }

    fn of(certificate: &Certificate) -> Self {
        let body = certificate.tbs_certificate();
        Self {
            subject: body.subject().to_string(),
            issuer: body.issuer().to_string(),
            serial: body.serial_number().as_bytes().to_vec(),
            not_before: timestamp(body.validity().not_before),
            not_after: timestamp(body.validity().not_after),
        }
    }

    /// Whether `at` lies in the validity; the whole last second does.
    pub fn valid_at(&self, at: Timestamp) -> bool {
        self.not_before <= at && at.as_secs() <= self.not_after.as_secs()
    }
}

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Legal acts: EKU documentSigning, KU digitalSignature or nonRepudiation.
    Seal,
    /// A node that listens: EKU serverAuth, KU digitalSignature.
    NodeServer,
    /// A node that dials: EKU clientAuth, KU digitalSignature.
    NodeClient,
}

/// At which instants a certificate is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// The certificate must have been valid then.
    pub used_at: Timestamp,
    /// The revocation list must not be stale then. A signer's clock is only a claim, so for signatures this is the
    /// verifier's own time: whoever holds a revoked key cannot sign himself back to before the revocation.
    pub checked_at: Timestamp,
}

impl Instants {
    /// Both at `now`, as for a connection.
    pub fn now(now: Timestamp) -> Self {
        Self { used_at: now, checked_at: now }
    }
}

/// A certificate that was found to speak for the authority whose issuers were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedCertificate {
    facts: CertificateFacts,
    issuer_der: Vec<u8>,
}

impl TrustedCertificate {
    /// The facts of the end entity.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The CA of the directory that issued it.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer_der
    }
}

/// Judges an end-entity certificate by the issuers and revocation lists of one authority. A serial number on the list
/// is revoked, whatever its date.
pub fn verify_chain(
    end_entity: &[u8],
    issuers: &[Vec<u8>],
    revocation_lists: &[Vec<u8>],
    at: Instants,
    usage: Usage,
) -> Result<TrustedCertificate, CertificateError> {
    Issuers::read(issuers, revocation_lists)?.verify(end_entity, at, usage)
}

/// The issuing CAs of one authority, each with the revocation list that counts for it: read once, asked often. A peer
/// that nobody knows yet cannot make a node read a long revocation list at each connection.
#[derive(Debug)]
pub struct Issuers(Vec<Issuer>);

#[derive(Debug)]
struct Issuer {
    der: Vec<u8>,
    certificate: Certificate,
    anchor: TrustAnchor<'static>,
    list: Option<(RevocationList, CertRevocationList<'static>)>,
}

impl Issuers {
    /// From the DER of the certificates and lists. A CA without a list is kept, but nothing that it issued passes.
    pub fn read(certificates: &[Vec<u8>], revocation_lists: &[Vec<u8>]) -> Result<Self, CertificateError> {
        certificates.iter().map(|der| Issuer::read(der, revocation_lists)).collect::<Result<_, _>>().map(Self)
    }

    /// Judges an end-entity certificate, as [`verify_chain`] does.
    pub fn verify(
        &self,
        end_entity: &[u8],
        at: Instants,
        usage: Usage,
    ) -> Result<TrustedCertificate, CertificateError> {
        let certificate = parse(end_entity)?;
        let mut refused = CertificateError::UnknownIssuer;
        let name = certificate.tbs_certificate().issuer();
        for issuer in self.0.iter().filter(|issuer| issuer.certificate.tbs_certificate().subject() == name) {
            match issuer.verify(end_entity, at, usage) {
                Ok(()) => {
                    check_key_usage(&certificate, usage)?;
                    let facts = CertificateFacts::of(&certificate);
                    return Ok(TrustedCertificate { facts, issuer_der: issuer.der.clone() });
                }
                // After a key roll-over two issuers bear one name; the other may have signed it.
                Err(CertificateError::UnknownIssuer) => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl Issuer {
    fn read(der: &[u8], revocation_lists: &[Vec<u8>]) -> Result<Self, CertificateError> {
        // A fault of the directory, never of the one who signed.
        let certificate = parse(der).map_err(|_| CertificateError::UnfitIssuer)?;
        let anchor = CertificateDer::from(der);
        let anchor = webpki::anchor_from_trusted_cert(&anchor).map_err(|_| CertificateError::UnfitIssuer)?.to_owned();
        let list = RevocationList::newest_of(&certificate, revocation_lists)?
            .map(|list| match OwnedCertRevocationList::from_der(list.der()) {
                Ok(read) => Ok((list, CertRevocationList::from(read))),
                Err(_) => Err(RevocationListError::Malformed),
            })
            .transpose()?;
        Ok(Self { der: der.to_vec(), certificate, anchor, list })
    }

    fn verify(&self, end_entity: &[u8], at: Instants, usage: Usage) -> Result<(), CertificateError> {
        let time = |instant: Timestamp| UnixTime::since_unix_epoch(std::time::Duration::from_secs(instant.as_secs()));
        let crls: Vec<&CertRevocationList<'_>> = self.list.iter().map(|(_, list)| list).collect();
        // Without a list the path is judged first, so that a stranger's certificate is not reported as a missing list.
        let revocation = RevocationOptionsBuilder::new(&crls)
            .ok()
            .map(|options| options.with_expiration_policy(ExpirationPolicy::Ignore).build());
        let end_entity = CertificateDer::from(end_entity);
        let end_entity = EndEntityCert::try_from(&end_entity).map_err(refusal)?;
        let since = || {
            let serial = end_entity.serial();
            let serial = serial.strip_prefix(&[0]).unwrap_or(serial);
            self.list.as_ref().and_then(|(list, _)| list.revoked_since(serial))
        };
        end_entity
            .verify_for_usage(
                ALGORITHMS,
                std::slice::from_ref(&self.anchor),
                &[],
                time(at.used_at),
                KeyUsage::required(usage.extended_key_usage()),
                revocation,
                None,
            )
            .map_err(|error| match error {
                webpki::Error::CertRevoked => CertificateError::Revoked { since: since().unwrap_or_default() },
                other => refusal(other),
            })?;
        check_issuer(&self.certificate, at.used_at)?;
        let (list, _) = self.list.as_ref().ok_or(CertificateError::NoRevocationList)?;
        if list.next_update() <= at.checked_at {
            return Err(CertificateError::StaleRevocationList { due: list.next_update() });
        }
        Ok(())
    }
}

/// webpki takes a trust anchor as it is; here it is a certificate from the directory and must itself be a valid CA.
pub(super) fn check_issuer(issuer: &Certificate, used_at: Timestamp) -> Result<(), CertificateError> {
    let body = issuer.tbs_certificate();
    let is_ca = body
        .get_extension::<pkix::BasicConstraints>()
        .is_ok_and(|found| found.is_some_and(|(_, constraints)| constraints.ca));
    let signs_certificates =
        body.get_extension::<pkix::KeyUsage>().is_ok_and(|found| found.is_some_and(|(_, usage)| usage.key_cert_sign()));
    if !is_ca || !signs_certificates {
        return Err(CertificateError::UnfitIssuer);
    }
    if !CertificateFacts::of(issuer).valid_at(used_at) {
        return Err(CertificateError::IssuerNotValid);
    }
    Ok(())
}

/// webpki does not look at the key usage bits.
fn check_key_usage(certificate: &Certificate, usage: Usage) -> Result<(), CertificateError> {
    let (_, bits) = certificate
        .tbs_certificate()
        .get_extension::<pkix::KeyUsage>()
        .map_err(|_| CertificateError::Malformed)?
        .ok_or(CertificateError::WrongUsage)?;
    let good = match usage {
        Usage::Seal => bits.digital_signature() || bits.non_repudiation(),
        Usage::NodeServer | Usage::NodeClient => bits.digital_signature(),
    };
    if good { Ok(()) } else { Err(CertificateError::WrongUsage) }
}

pub(super) fn parse(der: &[u8]) -> Result<Certificate, CertificateError> {
    Certificate::from_der(der).map_err(|_| CertificateError::Malformed)
}

impl Usage {
    /// The value bytes of the extended key usage OID, 1.3.6.1.5.5.7.3.x.
    const fn extended_key_usage(self) -> &'static [u8] {
        match self {
            Self::Seal => &[0x2b, 6, 1, 5, 5, 7, 3, 36],
            Self::NodeServer => &[0x2b, 6, 1, 5, 5, 7, 3, 1],
            Self::NodeClient => &[0x2b, 6, 1, 5, 5, 7, 3, 2],
        }
    }
}

pub(super) fn refusal(error: webpki::Error) -> CertificateError {
    use webpki::Error as E;
    let instant = |time: UnixTime| Timestamp::from_millis(time.as_secs().saturating_mul(1_000));
    match error {
        E::CertExpired { not_after, .. } => CertificateError::Expired { not_after: instant(not_after) },
        E::CertNotValidYet { not_before, .. } => CertificateError::NotYetValid { not_before: instant(not_before) },
        E::UnknownIssuer | E::InvalidSignatureForPublicKey => CertificateError::UnknownIssuer,
        E::UnknownRevocationStatus => CertificateError::NoRevocationList,
        E::InvalidCrlSignatureForPublicKey => CertificateError::ForgedRevocationList,
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension | E::CaUsedAsEndEntity => CertificateError::WrongUsage,
        E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => CertificateError::UnsupportedAlgorithm,
        _ => CertificateError::Malformed,
    }
}

/// Why a certificate does not speak for the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate that this node can read.
    #[error("the certificate is malformed or has a critical part that this node does not know")]
    Malformed,
    /// No issuer of the authority signed it.
    #[error("the certificate was not issued by a CA that the directory lists for this authority")]
    UnknownIssuer,
    /// It was used after its end.
    #[error("the certificate expired at {not_after}; its owner needs a new one")]
    Expired {
        /// Its last second.
        not_after: Timestamp,
    },
    /// It was used before its beginning.
    #[error("the certificate is not valid before {not_before}; check both clocks")]
    NotYetValid {
        /// Its first second.
        not_before: Timestamp,
    },
    /// Its issuer took it back.
    #[error("the certificate is revoked since {since}; its owner needs a new one")]
    Revoked {
        /// The date on the list.
        since: Timestamp,
    },
    /// Its usage bits say something else.
    #[error("the certificate is not meant for this use; see certs/ for the profiles")]
    WrongUsage,
    /// The issuer was itself not valid then.
    #[error("the issuing CA was not valid at that time; import a newer directory")]
    IssuerNotValid,
    /// What the directory lists is no CA certificate.
    #[error("the directory lists a certificate as an issuer that is no CA; tell its keeper")]
    UnfitIssuer,
    /// There is no revocation list of the issuer.
    #[error("there is no revocation list of the issuing CA; import a newer directory")]
    NoRevocationList,
    /// The newest revocation list is too old.
    #[error("the revocation list was due for renewal at {due}; import a newer directory")]
    StaleRevocationList {
        /// When the next one was due.
        due: Timestamp,
    },
    /// The revocation list was not signed by the issuer.
    #[error("the revocation list was not signed by the issuing CA; tell the directory's keeper")]
    ForgedRevocationList,
    /// The revocation list cannot be used.
    #[error(transparent)]
    RevocationList(#[from] RevocationListError),
    /// An algorithm outside the list.
    #[error("the signature algorithm is not accepted; use ECDSA P-256 or RSA of 2048 bits or more")]
    UnsupportedAlgorithm,
}
