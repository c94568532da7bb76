//! A QUIC client that keeps no rule of ours: for peers that are faulty or hostile.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connecting, Endpoint};
use rogatory::net::loss::Loss;
use rogatory::net::tls::NodeKey;
use rogatory::wire::frame::{Frame, encode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::ring;
use rustls::version::TLS13;
use rustls::{DigitallySignedStruct, Error, NamedGroup, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

/// Classical key exchange only.
pub(crate) fn config(key: Option<&NodeKey>, alpn: &[u8]) -> ClientConfig {
    config_keeping(key, alpn, Arc::default())
}

/// As `config`, and keeps every ticket for resumption and 0-RTT that the server gives.
pub(crate) fn config_keeping(key: Option<&NodeKey>, alpn: &[u8], tickets: Arc<Tickets>) -> ClientConfig {
    let builder = rustls::ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone));
    let mut config = match key {
        Some(key) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from(key.certificate.clone())],
                PrivatePkcs8KeyDer::from(key.pkcs8.to_vec()).into(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_early_data = true;
    config.resumption = Resumption::store(tickets);
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap()))
}

pub(crate) fn socket() -> Endpoint {
    Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

pub(crate) fn dial(socket: &Endpoint, config: &ClientConfig, address: SocketAddr) -> Connecting {
    socket.connect_with(config.clone(), address, "node.example").unwrap()
}

/// Dials and waits for the end that must come.
pub(crate) async fn loss(config: &ClientConfig, address: SocketAddr) -> Loss {
    let socket = socket();
    match dial(&socket, config, address).await {
        Ok(connection) => connection.closed().await.into(),
        Err(error) => error.into(),
    }
}

/// Says this as the first frame of a connection and reads what comes back, to the end of the stream.
pub(crate) async fn say(connection: &quinn::Connection, frame: &Frame) -> Vec<u8> {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let body = encode(frame);
    let length = u32::try_from(body.len()).unwrap();
    send.write_all(&length.to_be_bytes()).await.unwrap();
    send.write_all(&body).await.unwrap();
    receive.read_to_end(1 << 20).await.unwrap()
}

/// Counts tickets.
#[derive(Debug, Default)]
pub(crate) struct Tickets(pub(crate) AtomicUsize);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
