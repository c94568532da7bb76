//! Whether a certificate may speak for the authority that it names on a connection. Refuses one that was not
//! issued directly by a CA which the directory lists for that very authority, or whose revocation is not known.
//!
//! Path building here starts from the CAs of *one* authority and takes no certificate from the peer but its own.
//! So the CA of one authority can never speak for another, whatever names it writes into a certificate and
//! whatever the path builder thinks of name constraints (RUSTSEC-2026-0098), and a CA below a listed CA is nobody.

use std::sync::Arc;
use std::time::Duration;

use der::Decode;
use ring::digest::{SHA256, digest};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};
use x509_cert::Certificate;

use crate::crypto::san::{SanError, authority_of};
use crate::model::ident::{AuthorityId, Digest};
use crate::model::time::Timestamp;

/// The role in which a certificate was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// By the side that was dialled: extended key usage serverAuth.
    Dialled,
    /// By the side that dialled: extended key usage clientAuth.
    Dialler,
}

/// What was read from a certificate that may speak for its authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCertificate {
    /// Whom it speaks for.
    pub authority: AuthorityId,
    /// Its serial number, as its issuer wrote it.
    pub serial: Vec<u8>,
    /// SHA-256 of the certificate of the CA that issued it.
    pub issuer: Digest,
    /// The last instant at which it is valid.
    pub not_after: Timestamp,
}

/// The issuing CAs of one authority, each with its revocation list.
#[derive(Debug)]
pub struct Issuers(Vec<Issuer>);

impl Issuers {
    /// From the DER certificates of the CAs and their DER revocation lists, found by the name of the CA. A CA
    /// without a list is kept, but nothing that it issued passes [`Issuers::check`].
    pub fn new(certificates: &[Vec<u8>], lists: &[Vec<u8>]) -> Result<Self, IssuerError> {
        let lists: Vec<Arc<CertRevocationList<'static>>> = lists
            .iter()
            .map(|der| OwnedCertRevocationList::from_der(der).map(|list| Arc::new(list.into())))
            .collect::<Result<_, _>>()
            .map_err(|_| IssuerError::List)?;
        certificates
            .iter()
            .enumerate()
            .map(|(place, der)| Issuer::new(der, place, &lists))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether this end-entity certificate may speak for `authority` at `now`.
    pub fn check(
        &self,
        certificate_der: &[u8],
        authority: &AuthorityId,
        role: Role,
        now: Timestamp,
    ) -> Result<NodeCertificate, NodeError> {
        let named = authority_of(certificate_der)?;
        if named != *authority {
            return Err(NodeError::OtherAuthority);
        }
        let mut answer = NodeError::UnknownIssuer;
        for issuer in &self.0 {
            match issuer.check(certificate_der, role, now) {
                Ok(()) => return describe(certificate_der, named, issuer.digest),
                // Another CA of the same authority may have issued it; the most telling answer is kept.
                Err(NodeError::UnknownIssuer) => {}
                Err(error) => answer = error,
            }
        }
        Err(answer)
    }
}

#[derive(Debug)]
struct Issuer {
    anchor: TrustAnchor<'static>,
    digest: Digest,
    not_before: Timestamp,
    not_after: Timestamp,
    list: Option<Arc<CertRevocationList<'static>>>,
}

impl Issuer {
    fn new(der: &[u8], place: usize, lists: &[Arc<CertRevocationList<'static>>]) -> Result<Self, IssuerError> {
        let certificate = Certificate::from_der(der).map_err(|_| IssuerError::Certificate)?;
        let validity = certificate.tbs_certificate().validity();
        let anchor =
            anchor_from_trusted_cert(&CertificateDer::from(der)).map_err(|_| IssuerError::Certificate)?.to_owned();
        // After a change of its key a CA has two certificates and two lists under one name, in one order. Path
        // building would take the first list of that name, so each CA is given exactly its own.
        let own = |list: &&Arc<CertRevocationList>| list.issuer() == anchor.subject.as_ref();
        let mut same_name = lists.iter().filter(own);
        let list = match (same_name.next(), same_name.next()) {
            (Some(_), Some(_)) => lists.get(place).filter(own),
            (only, _) => only,
        };
        Ok(Self {
            digest: sha256(der),
            not_before: instant(validity.not_before.to_unix_duration()),
            not_after: instant(validity.not_after.to_unix_duration()),
            list: list.cloned(),
            anchor,
        })
    }

    fn check(&self, certificate_der: &[u8], role: Role, now: Timestamp) -> Result<(), NodeError> {
        let certificate = CertificateDer::from(certificate_der);
        let end_entity =
            EndEntityCert::try_from(&certificate).map_err(|_| NodeError::Certificate(SanError::Certificate))?;
        let lists: Vec<&CertRevocationList> = self.list.iter().map(AsRef::as_ref).collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::EndEntity)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        end_entity
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                std::slice::from_ref(&self.anchor),
                &[],
                UnixTime::since_unix_epoch(Duration::from_millis(now.as_millis())),
                // Required, not only "if present": a certificate for signing documents opens no connection.
                KeyUsage::required(match role {
                    Role::Dialled => EKU_SERVER_AUTH,
                    Role::Dialler => EKU_CLIENT_AUTH,
                }),
                revocation,
                None,
            )
            .map_err(NodeError::from)?;
        // Without a list, path building silently checks no revocation at all.
        if self.list.is_none() {
            return Err(NodeError::RevocationUnknown);
        }
        // Path building does not look at the validity of a trust anchor; ours are certificates that end.
        if now < self.not_before || self.not_after < now {
            return Err(NodeError::IssuerExpired);
        }
        Ok(())
    }
}

/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1 (RFC 5280, 4.2.1.12).
const EKU_SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const EKU_CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

fn describe(certificate_der: &[u8], authority: AuthorityId, issuer: Digest) -> Result<NodeCertificate, NodeError> {
    let certificate =
        Certificate::from_der(certificate_der).map_err(|_| NodeError::Certificate(SanError::Certificate))?;
    let certificate = certificate.tbs_certificate();
    Ok(NodeCertificate {
        authority,
        serial: certificate.serial_number().as_bytes().to_vec(),
        issuer,
        not_after: instant(certificate.validity().not_after.to_unix_duration()),
    })
}

fn instant(since_epoch: Duration) -> Timestamp {
    Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

fn sha256(bytes: &[u8]) -> Digest {
    let digest = digest(&SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    Digest(out)
}

/// Why the CAs of an authority cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not a CA certificate.
    #[error("an issuer in the directory is no readable certificate; ask the directory's keeper")]
    Certificate,
    /// Not a revocation list.
    #[error("a revocation list in the directory cannot be read; ask the directory's keeper")]
    List,
}

/// Why a certificate may not speak for the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// It names no authority.
    #[error(transparent)]
    Certificate(#[from] SanError),
    /// It names another authority than the one expected.
    #[error("the peer's certificate is of another authority; check the endpoint in the directory")]
    OtherAuthority,
    /// The directory does not know the authority.
    #[error("the peer's authority is not in the directory; import a newer directory")]
    UnknownAuthority,
    /// No CA that the directory lists for the authority issued it.
    #[error("no CA that the directory lists for the peer issued its certificate")]
    UnknownIssuer,
    /// It is not valid yet.
    #[error("the peer's certificate is not valid yet; compare the clocks")]
    NotYetValid,
    /// It is over.
    #[error("the peer's certificate has expired; the peer must renew it")]
    Expired,
    /// The CA's own certificate is over, or not valid yet.
    #[error("the certificate of the peer's CA is not valid now; ask the directory's keeper")]
    IssuerExpired,
    /// Its issuer revoked it.
    #[error("the peer's certificate was revoked; the peer must use its new one")]
    Revoked,
    /// The revocation list is out of date.
    #[error("the revocation list of the peer's CA is out of date; import a newer directory")]
    ListExpired,
    /// The list does not speak about this certificate, or its signature does not hold.
    #[error("the revocation list of the peer's CA does not speak for its certificate")]
    RevocationUnknown,
    /// Not for this use.
    #[error("the peer's certificate is not for connections; the peer must use its node certificate")]
    Purpose,
    /// Anything else that path building refuses.
    #[error("the peer's certificate does not hold; the peer must renew it")]
    Invalid,
}

impl From<webpki::Error> for NodeError {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error;
        match error {
            Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => Self::UnknownIssuer,
            Error::CertNotValidYet { .. } => Self::NotYetValid,
            Error::CertExpired { .. } => Self::Expired,
            Error::CertRevoked => Self::Revoked,
            Error::CrlExpired { .. } => Self::ListExpired,
            Error::UnknownRevocationStatus | Error::InvalidCrlSignatureForPublicKey | Error::IssuerNotCrlSigner => {
                Self::RevocationUnknown
            }
            Error::RequiredEkuNotFoundContext(_) | Error::CaUsedAsEndEntity => Self::Purpose,
            _ => Self::Invalid,
        }
    }
}
