//! Whether a certificate may speak for the authority that it names on a connection. Refuses one that was not
//! issued directly by a CA which the directory lists for that very authority, or whose revocation is not known.
//!
//! The path is judged by `certificate.rs`, which starts from the CAs of *one* authority and takes no certificate from
//! the peer but its own. So the CA of one authority can never speak for another, whatever names it writes into a
//! certificate and whatever the path builder thinks of name constraints (RUSTSEC-2026-0098), and a CA below a listed
//! CA is nobody.

use crate::crypto::certificate::{self, CertificateError, Instants, Usage};
use crate::crypto::digest::sha256;
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
pub struct Issuers(certificate::Issuers);

impl Issuers {
    /// From the DER certificates of the CAs and their DER revocation lists, found by the name and key of the CA. A CA
    /// without a list is kept, but nothing that it issued passes [`Issuers::check`].
    pub fn new(certificates: &[Vec<u8>], lists: &[Vec<u8>]) -> Result<Self, IssuerError> {
        certificate::Issuers::read(certificates, lists).map(Self).map_err(|error| match error {
            CertificateError::RevocationList(_) => IssuerError::List,
            _ => IssuerError::Certificate,
        })
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
        let usage = match role {
            Role::Dialled => Usage::NodeServer,
            Role::Dialler => Usage::NodeClient,
        };
        let trusted = self.0.verify(certificate_der, Instants::now(now), usage)?;
        Ok(NodeCertificate {
            authority: named,
            serial: trusted.facts().serial.clone(),
            issuer: sha256(trusted.issuer_der()),
            not_after: trusted.facts().not_after,
        })
    }
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

impl From<CertificateError> for NodeError {
    fn from(error: CertificateError) -> Self {
        use CertificateError as E;
        match error {
            // An issuer that is no CA issues nothing.
            E::UnknownIssuer | E::UnfitIssuer => Self::UnknownIssuer,
            E::NotYetValid { .. } => Self::NotYetValid,
            E::Expired { .. } => Self::Expired,
            E::Revoked { .. } => Self::Revoked,
            E::WrongUsage => Self::Purpose,
            E::IssuerNotValid => Self::IssuerExpired,
            E::StaleRevocationList { .. } => Self::ListExpired,
            E::NoRevocationList | E::ForgedRevocationList | E::RevocationList(_) => Self::RevocationUnknown,
            E::Malformed | E::UnsupportedAlgorithm => Self::Invalid,
        }
    }
}
