//! One UDP socket that dials and is dialled. Refuses more handshakes and connections than its limits allow, and
//! under load makes a stranger prove its address first (RFC 9000, 8.1.2).

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use quinn::{ClientConfig, IdleTimeout, Incoming, ServerConfig, TokioRuntime, TransportConfig, VarInt};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::crypto::node::{NodeError, Role};
use crate::model::ident::AuthorityId;
use crate::model::limits::{CONNECTION_WINDOW_BYTES, KEEP_ALIVE_MS, STREAM_WINDOW_BYTES};
use crate::net::complaints::Complaints;
use crate::net::connection::{ConnectError, Connection, Ours, establish};
use crate::net::limits::Limits;
use crate::net::loss::{Loss, error_code};
use crate::net::origins::Origins;
use crate::net::registry::Registry;
use crate::net::tls::{NO_NAME, Tls};
use crate::net::trust::Trust;
use crate::wire::frame::Hello;

/// Makes the Hello of this moment.
pub type Greeting = Arc<dyn Fn() -> Hello + Send + Sync>;

/// A bound socket. Dropping it ends the accepting; the connections that were made go on.
pub struct Endpoint {
    socket: quinn::Endpoint,
    shared: Arc<Shared>,
    ready: Mutex<mpsc::Receiver<Connection>>,
    acceptor: JoinHandle<()>,
}

impl Endpoint {
    /// Binds to `address` and begins to accept. Called inside a tokio runtime.
    pub fn bind(address: SocketAddr, tls: Tls, greeting: Greeting, limits: Limits) -> Result<Self, BindError> {
        let transport = Arc::new(transport(&limits)?);
        let server = server_config(&tls, &transport, &limits);
        let socket = UdpSocket::bind(address)
            .and_then(|socket| {
                quinn::Endpoint::new(tls.resets().endpoint(), Some(server), socket, Arc::new(TokioRuntime))
            })
            .map_err(|error| BindError::Socket(address, error.kind()))?;
        let shared =
            Arc::new(Shared { tls: ArcSwap::from_pointee(tls), greeting, limits, registry: Arc::default(), transport });
        let (done, ready) = mpsc::channel(READY_MAX);
        let acceptor = tokio::spawn(accept_all(socket.clone(), Arc::clone(&shared), done));
        Ok(Self { socket, shared, ready: Mutex::new(ready), acceptor })
    }

    /// Dials `authority` at `address`. Whoever answers there must be that authority.
    pub async fn dial(&self, authority: &AuthorityId, address: SocketAddr) -> Result<Connection, ConnectError> {
        let shared = &self.shared;
        if shared.registry.len() >= shared.limits.connections_max {
            return Err(ConnectError::Full);
        }
        let deadline = tokio::time::Instant::now() + shared.limits.handshake();
        let tls = shared.tls.load_full();
        let reason = Arc::new(OnceLock::new());
        let mut config = ClientConfig::new(tls.client(authority, &reason)?);
        config.transport_config(Arc::clone(&shared.transport));
        let connecting = self.socket.connect_with(config, address, NO_NAME).map_err(|error| match error {
            quinn::ConnectError::EndpointStopping => ConnectError::Lost(Loss::Here),
            _ => ConnectError::Address,
        })?;
        let connected = timeout_at(deadline, connecting).await.map_err(|_| ConnectError::TooSlow)?;
        let quinn = connected.map_err(|error| match reason.get() {
            Some(reason) => ConnectError::Identity(*reason),
            None => ConnectError::Lost(error.into()),
        })?;
        let connection = shared.establish(quinn, Role::Dialled, deadline).await?;
        // The verifier saw to this; it is said again where the connection is handed out.
        if connection.peer().authority != *authority {
            return Err(ConnectError::Identity(NodeError::OtherAuthority));
        }
        Ok(connection)
    }

    /// The next connection that a peer made, ready for streams; `None` once the endpoint is closed.
    pub async fn accept(&self) -> Option<Connection> {
        self.ready.lock().await.recv().await
    }

    /// Takes another key, trust or policy for every connection that is made from now on.
    pub fn reload(&self, tls: Tls) {
        let server = server_config(&tls, &self.shared.transport, &self.shared.limits);
        self.shared.tls.store(Arc::new(tls));
        self.socket.set_server_config(Some(server));
    }

    /// Closes every live connection whose certificate `trust` does not believe now: revoked, expired, or of an
    /// authority that left. Says which, and why.
    pub fn close_revoked(&self, trust: &Trust) -> Vec<(AuthorityId, NodeError)> {
        let now = self.shared.tls.load().clock().now();
        self.shared.registry.sweep(trust, now)
    }

    /// The address that the socket is bound to.
    pub fn local_address(&self) -> Result<SocketAddr, BindError> {
        self.socket.local_addr().map_err(|error| BindError::Address(error.kind()))
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.shared.registry.len()
    }

    /// Closes every connection and the accepting, and waits until the peers can know it.
    pub async fn close(&self) {
        self.acceptor.abort();
        self.socket.close(error_code(None), b"");
        self.socket.wait_idle().await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Connections that are ready but not yet taken by `accept`.
const READY_MAX: usize = 16;

struct Shared {
    tls: ArcSwap<Tls>,
    greeting: Greeting,
    limits: Limits,
    registry: Arc<Registry>,
    transport: Arc<TransportConfig>,
}

impl Shared {
    async fn establish(
        &self,
        quinn: quinn::Connection,
        peer_role: Role,
        deadline: Instant,
    ) -> Result<Connection, ConnectError> {
        // Loaded after the TLS handshake: a reload in between counts.
        let tls = self.tls.load_full();
        let ours = Ours { tls: &tls, hello: (self.greeting)(), limits: &self.limits, registry: &self.registry };
        let connection = establish(quinn, peer_role, deadline, ours).await?;
        // So does a reload during the Hello, whose `close_revoked` came before this connection was in the table.
        let newest = self.tls.load_full();
        if !Arc::ptr_eq(&tls, &newest) {
            connection.check_again(&newest, peer_role)?;
        }
        Ok(connection)
    }
}

async fn accept_all(socket: quinn::Endpoint, shared: Arc<Shared>, ready: mpsc::Sender<Connection>) {
    // Each handshake runs by itself, so that a slow peer holds up nobody else.
    let mut handshakes = JoinSet::new();
    let mut origins = Origins::default();
    let mut complaints = Complaints::default();
    loop {
        tokio::select! {
            incoming = socket.accept() => {
                let Some(incoming) = incoming else { return };
                if let Some(incoming) = triage(incoming, handshakes.len(), &origins, &shared) {
                    origins.begun(incoming.remote_address());
                    handshakes.spawn(welcome(incoming, Arc::clone(&shared), ready.clone()));
                }
            }
            Some(ended) = handshakes.join_next() => {
                let Ok((remote, ended)) = ended else { continue };
                origins.ended(remote);
                if let Err(error) = ended {
                    complaints.failed(remote, error);
                }
            }
        }
    }
}

/// Spends nothing on a stranger that there is no room for, and little on one whose address may be forged.
fn triage(incoming: Incoming, handshakes: usize, origins: &Origins, shared: &Shared) -> Option<Incoming> {
    let limits = &shared.limits;
    // Attack: one stranger begins handshakes and ends none. Its network gets half of the places, and so many are
    // counted only against addresses that were proven: a forged one cannot use up somebody else's half.
    let share = (limits.handshakes_max / 2).max(1);
    let greedy = origins.ongoing(incoming.remote_address()) >= share;
    if greedy || handshakes >= limits.handshakes_max || shared.registry.len() >= limits.connections_max {
        incoming.refuse();
        return None;
    }
    if handshakes >= limits.handshakes_max / 4 && incoming.may_retry() {
        // Fails only where a retry is not possible, which was just asked.
        let _ = incoming.retry();
        return None;
    }
    Some(incoming)
}

async fn welcome(
    incoming: Incoming,
    shared: Arc<Shared>,
    ready: mpsc::Sender<Connection>,
) -> (SocketAddr, Result<(), ConnectError>) {
    let remote = incoming.remote_address();
    match shake_hands(incoming, &shared).await {
        Ok(connection) => {
            // Fails only when the endpoint is gone, and then so may the connection be.
            let _ = ready.send(connection).await;
            (remote, Ok(()))
        }
        Err(error) => (remote, Err(error)),
    }
}

async fn shake_hands(incoming: Incoming, shared: &Shared) -> Result<Connection, ConnectError> {
    let deadline = tokio::time::Instant::now() + shared.limits.handshake();
    let connecting = incoming.accept().map_err(Loss::from)?;
    let quinn = timeout_at(deadline, connecting).await.map_err(|_| ConnectError::TooSlow)?.map_err(Loss::from)?;
    shared.establish(quinn, Role::Dialler, deadline).await
}

fn server_config(tls: &Tls, transport: &Arc<TransportConfig>, limits: &Limits) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(tls.server());
    config.transport_config(Arc::clone(transport)).max_incoming(limits.handshakes_max);
    config
}

fn transport(limits: &Limits) -> Result<TransportConfig, BindError> {
    let idle = Duration::from_millis(limits.idle_ms_max);
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::try_from(idle).map_err(|_| BindError::Limits)?))
        // Often, because it is by this packet that a side with nothing to send learns that the other was restarted.
        .keep_alive_interval(Some(Duration::from_millis(KEEP_ALIVE_MS).min(idle / 3)))
        .max_concurrent_bidi_streams(VarInt::from_u32(limits.streams_per_peer_max))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(u64::from(CONNECTION_WINDOW_BYTES));
    Ok(transport)
}

/// Why an endpoint could not be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The socket could not be opened.
    #[error("cannot listen on UDP {0}: {1}; is the address of this machine and the port free?")]
    Socket(SocketAddr, std::io::ErrorKind),
    /// The socket does not know its address.
    #[error("the socket does not tell its address: {0}")]
    Address(std::io::ErrorKind),
    /// The idle time cannot be expressed.
    #[error("the idle time limit is too large")]
    Limits,
}
