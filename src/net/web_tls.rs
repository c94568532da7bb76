//! HTTPS for the web listener: TLS 1.3 with the certificate that the operator's settings name. Refuses older versions and
//! a key that does not fit; asks no client for a certificate, because what is served there is public.

use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::net::kx::KeyExchange;

/// Accepts TLS on connections.
#[derive(Clone)]
pub struct WebTls(TlsAcceptor);

impl WebTls {
    /// From the certificates (PEM, the server's own first) and the private key of the first (PEM: PKCS#8, SEC 1 or PKCS#1).
    ///
    /// # Errors
    /// [`WebTlsError`] says which of the two cannot be used.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Self, WebTlsError> {
        let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(WebTlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| WebTlsError::Key)?;
        let groups = KeyExchange::HybridPreferred.groups();
        let provider = Arc::new(CryptoProvider { kx_groups: groups, ..rustls::crypto::ring::default_provider() });
        let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|_| WebTlsError::Fit)?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|_| WebTlsError::Suites)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands. The caller bounds the time.
    ///
    /// # Errors
    /// When the other side speaks no TLS 1.3, or goes away.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.accept(stream).await
    }
}

/// Why HTTPS cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebTlsError {
    /// No certificate in the file.
    #[error("the file of `web.certificate` holds no PEM certificate")]
    Certificate,
    /// No key in the file.
    #[error("the file of `web.key` holds no PEM private key")]
    Key,
    /// They do not belong together, or the algorithm is not supported.
    #[error("the key of `web.key` is not the one of `web.certificate`, or of a kind that TLS 1.3 does not sign with")]
    Fit,
    /// The provider lacks TLS 1.3.
    #[error("the cryptography provider lacks TLS 1.3; this is a fault of the build")]
    Suites,
}
