//! Whom HTTPS trusts: the certificates of a PEM file, or the system's bundle. Refuses a file without any certificate, and
//! says plainly when there is no bundle; it never trusts everybody instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::model::limits::WEB_ROOTS_BYTES_MAX;
use crate::net::tls::Clock;

/// Where systems keep the bundle of the CAs that they trust; the first that exists counts.
const BUNDLES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Where the trusted CAs are read from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Roots {
    /// The system's bundle.
    #[default]
    System,
    /// This PEM file and nothing else.
    File(PathBuf),
}

impl Roots {
    /// The TLS settings of a client that trusts them: TLS 1.3, server name sent, no client certificate, no resumption.
    pub(crate) fn tls(&self, clock: &Clock) -> Result<Arc<ClientConfig>, RootsError> {
        let path = match self {
            Self::File(path) => path.as_path(),
            Self::System => BUNDLES.iter().map(Path::new).find(|path| path.exists()).ok_or(RootsError::NoBundle)?,
        };
        let mut store = RootCertStore::empty();
        for der in certificates(path)? {
            // Bundles hold old certificates that webpki does not take; the others serve.
            let _ = store.add(der);
        }
        if store.is_empty() {
            return Err(RootsError::Empty { path: path.to_owned() });
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(clock.clone()))
            .with_protocol_versions(&[&TLS13])
            .map_err(|_| RootsError::Suites)?
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let unreadable = |why: String| RootsError::Unreadable { path: path.to_owned(), why };
    let bytes = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if bytes > WEB_ROOTS_BYTES_MAX {
        return Err(unreadable(format!("it is larger than {WEB_ROOTS_BYTES_MAX} bytes")));
    }
    let text = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|error| unreadable(error.to_string()))
}

/// Why there is nobody to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// The system has no bundle where it is looked for.
    #[error(
        "this system has no bundle of trusted CAs (looked for: {}); install the package ca-certificates, or name a file",
        BUNDLES.join(", ")
    )]
    NoBundle,
    /// The file cannot be read.
    #[error("cannot read the trusted CAs from {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No certificate in it.
    #[error("{path} holds no CA certificate that can be used; it must hold PEM blocks `-----BEGIN CERTIFICATE-----`")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The cryptography provider lacks TLS 1.3.
    #[error("the cryptography provider lacks TLS 1.3; this is a fault of the build")]
    Suites,
}
