//! The certificate checks of rustls, answered by our own `Trust`. Refuses every name that rustls would compare.
//!
//! A peer is dialled by an address of the directory and known by the URI in its certificate, so a host name says
//! nothing here. What replaces it is stronger: the chain is built from the CAs of the one authority that the
//! certificate names, and when we dialled, that must be the authority we meant (`crypto/node.rs`).

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::crypto::node::{NodeError, Role};
use crate::model::ident::AuthorityId;
use crate::model::time::Timestamp;
use crate::net::trust::Trust;

/// Checks whom we dialled. Keeps its reason, because TLS alerts are too few to tell an operator.
#[derive(Debug)]
pub(crate) struct DialledVerifier {
    pub(crate) trust: Arc<Trust>,
    pub(crate) expected: AuthorityId,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
    pub(crate) reason: Arc<OnceLock<NodeError>>,
}

impl ServerCertVerifier for DialledVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.trust
            .check_expected(end_entity, &self.expected, Role::Dialled, instant(now))
            .map(|_| ServerCertVerified::assertion())
            .map_err(|error| {
                // One verifier serves one dial, so the first reason is the only one.
                let _ = self.reason.set(error);
                Error::InvalidCertificate(alert(error))
            })
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls13RequiredForQuic.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Checks who dialled us.
#[derive(Debug)]
pub(crate) struct DiallerVerifier {
    pub(crate) trust: Arc<Trust>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for DiallerVerifier {
    // No hints: a stranger must not be told which authorities this node knows.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust
            .check(end_entity, Role::Dialler, instant(now))
            .map(|_| ClientCertVerified::assertion())
            .map_err(|error| Error::InvalidCertificate(alert(error)))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls13RequiredForQuic.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn instant(now: UnixTime) -> Timestamp {
    Timestamp::from_millis(now.as_secs().saturating_mul(1_000))
}

/// The TLS alert for our reason; its text goes to the peer, so it says no more than the alert itself.
fn alert(error: NodeError) -> CertificateError {
    match error {
        NodeError::Certificate(_) => CertificateError::BadEncoding,
        NodeError::UnknownAuthority | NodeError::UnknownIssuer => CertificateError::UnknownIssuer,
        NodeError::NotYetValid => CertificateError::NotValidYet,
        NodeError::Expired | NodeError::IssuerExpired => CertificateError::Expired,
        NodeError::Revoked => CertificateError::Revoked,
        NodeError::ListExpired => CertificateError::ExpiredRevocationList,
        NodeError::RevocationUnknown => CertificateError::UnknownRevocationStatus,
        NodeError::Purpose => CertificateError::InvalidPurpose,
        NodeError::OtherAuthority | NodeError::Invalid => CertificateError::ApplicationVerificationFailure,
    }
}
