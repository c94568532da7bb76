//! A QUIC client that keeps no rule of ours: for peers that are faulty or hostile.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connecting, Endpoint};
use rogatory::net::loss::Loss;
use rogatory::net::tls::NodeKey;
use rogatory::wire::frame::{Frame, encode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::version::TLS13;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

/// Classical key exchange only; resumption and 0-RTT wherever the server allows them.
pub(crate) fn config(key: Option<&NodeKey>, alpn: &[u8]) -> ClientConfig {
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
