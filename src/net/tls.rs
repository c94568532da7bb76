//! TLS as this node speaks it: version 1.3 only, both sides with certificates, hybrid key exchange. Refuses
//! resumption, tickets and 0-RTT, because they would carry a peer past a revocation (and 0-RTT can be replayed).

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use zeroize::Zeroizing;

use crate::crypto::node::{NodeError, Role};
use crate::crypto::san::{SanError, authority_of};
use crate::model::ident::{AuthorityId, Digest};
use crate::model::time::Timestamp;
use crate::net::kx::{KeyExchange, group_name};
use crate::net::reset::Resets;
use crate::net::trust::Trust;
use crate::net::verifier::{DialledVerifier, DiallerVerifier};

/// The application protocol of TLS.
pub const ALPN: &[u8] = b"rogatory/1";

/// The name that is given to TLS when dialling. It is never sent and never compared: whom we dial is nobody's
/// business on the way, and whom we reached is in the certificate.
pub(crate) const NO_NAME: &str = "rogatory.invalid";

/// Reads the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// From what reads it.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_millis(self.now().as_millis());
        Some(UnixTime::since_unix_epoch(now))
    }
}

/// This node's certificate (DER) and its private key (PKCS#8).
pub struct NodeKey {
    /// The certificate, issued by a CA of the authority.
    pub certificate: Vec<u8>,
    /// The private key.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// Everything that a new connection is made with; swapped as a whole on reload.
pub struct Tls {
    authority: AuthorityId,
    trust: Arc<Trust>,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    key: Arc<SingleCertAndKey>,
    server: Arc<QuicServerConfig>,
    resets: Resets,
}

impl Tls {
    /// From this node's key, whom it trusts, which key exchanges it takes and its clock.
    pub fn new(node: &NodeKey, trust: Arc<Trust>, key_exchange: KeyExchange, clock: Clock) -> Result<Self, TlsError> {
        let authority = authority_of(&node.certificate)?;
        let provider =
            Arc::new(CryptoProvider { kx_groups: key_exchange.groups(), ..rustls::crypto::ring::default_provider() });
        let certified = CertifiedKey::from_der(
            vec![CertificateDer::from(node.certificate.clone())],
            PrivatePkcs8KeyDer::from(node.pkcs8.as_slice()).clone_key().into(),
            &provider,
        )
        .map_err(|_| TlsError::Key)?;
        let key = Arc::new(SingleCertAndKey::from(certified));
        let server = server_config(&provider, &trust, &key, &clock)?;
        Ok(Self { authority, trust, clock, provider, key, server, resets: Resets::of(node) })
    }

    /// The authority that this node speaks for.
    pub fn authority(&self) -> &AuthorityId {
        &self.authority
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn resets(&self) -> &Resets {
        &self.resets
    }

    pub(crate) fn server(&self) -> Arc<QuicServerConfig> {
        Arc::clone(&self.server)
    }

    /// For one dial to `expected`. Why its certificate was refused stands in `reason` afterwards.
    pub(crate) fn client(
        &self,
        expected: &AuthorityId,
        reason: &Arc<OnceLock<NodeError>>,
    ) -> Result<Arc<QuicClientConfig>, TlsError> {
        let verifier = Arc::new(DialledVerifier {
            trust: Arc::clone(&self.trust),
            expected: expected.clone(),
            algorithms: self.provider.signature_verification_algorithms,
            reason: Arc::clone(reason),
        });
        let mut config =
            rustls::ClientConfig::builder_with_details(Arc::clone(&self.provider), Arc::new(self.clock.clone()))
                .with_protocol_versions(&[&TLS13])
                .map_err(|_| TlsError::Suites)?
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_client_cert_resolver(Arc::clone(&self.key) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        QuicClientConfig::try_from(config).map(Arc::new).map_err(|_| TlsError::Suites)
    }

    /// Who is at the other end of an established connection, by the trust of this moment: a handshake that began
    /// under an older one gains nothing.
    pub(crate) fn identify(
        &self,
        connection: &quinn::Connection,
        role: Role,
    ) -> Result<(PeerIdentity, Vec<u8>), NodeError> {
        let certificate = connection
            .peer_identity()
            .and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok())
            .and_then(|chain| chain.first().map(|der| der.to_vec()))
            .ok_or(NodeError::Certificate(SanError::Certificate))?;
        let group = connection
            .handshake_data()
            .and_then(|any| any.downcast::<HandshakeData>().ok())
            .filter(|data| data.protocol.as_deref() == Some(ALPN))
            .map(|data| group_name(data.negotiated_key_exchange_group))
            .ok_or(NodeError::Invalid)?;
        let node = self.trust.check(&certificate, role, self.clock.now())?;
        let peer = PeerIdentity {
            authority: node.authority,
            serial: node.serial,
            issuer: node.issuer,
            not_after: node.not_after,
            group_name: group,
        };
        Ok((peer, certificate))
    }
}

/// Who is at the other end of a connection. Exists only after every check held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The authority.
    pub authority: AuthorityId,
    /// The serial number of its certificate.
    pub serial: Vec<u8>,
    /// SHA-256 of the certificate of the CA that issued it.
    pub issuer: Digest,
    /// The last instant at which its certificate is valid.
    pub not_after: Timestamp,
    /// The key exchange, e.g. `X25519MLKEM768`.
    pub group_name: &'static str,
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    trust: &Arc<Trust>,
    key: &Arc<SingleCertAndKey>,
    clock: &Clock,
) -> Result<Arc<QuicServerConfig>, TlsError> {
    let verifier =
        Arc::new(DiallerVerifier { trust: Arc::clone(trust), algorithms: provider.signature_verification_algorithms });
    let mut config = rustls::ServerConfig::builder_with_details(Arc::clone(provider), Arc::new(clock.clone()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| TlsError::Suites)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(key) as _);
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // None by ourselves, none when the client asks for them (RFC 9149).
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    QuicServerConfig::try_from(config).map(Arc::new).map_err(|_| TlsError::Suites)
}

/// Why this node cannot speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The node's certificate names no authority.
    #[error("this node's certificate: {0}")]
    Certificate(#[from] SanError),
    /// The private key cannot be used, or is not the one of the certificate.
    #[error("this node's private key does not fit its certificate; issue a new certificate for it")]
    Key,
    /// The cryptography provider lacks what TLS 1.3 over QUIC needs.
    #[error("the cryptography provider lacks TLS 1.3; this is a fault of the build")]
    Suites,
}
