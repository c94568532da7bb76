//! A connection to a peer that is known: certificate checked, Hello exchanged. Refuses a peer that says it is
//! another than its certificate names, or speaks another version.
//!
//! ```text
//!  dialler                                   dialled
//!  QUIC + TLS 1.3, both certificates  <───>
//!  first stream: Hello                ────>  version? authority = certificate?
//!                                     <────  Hello
//!  version? authority = certificate?
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::crypto::node::{NodeError, Role};
use crate::model::refusal::RefusalCode;
use crate::net::limits::Limits;
use crate::net::loss::{Loss, error_code};
use crate::net::registry::{self, Registry, Row};
use crate::net::stream::{Stream, StreamError};
use crate::net::tls::{PeerIdentity, Tls, TlsError};
use crate::wire::frame::{Frame, FrameError, Hello, PROTOCOL_VERSION};

/// A connection. Clones share it; it closes when the last clone and the last of its streams are dropped.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

impl Connection {
    /// Who is at the other end.
    pub fn peer(&self) -> &PeerIdentity {
        &self.0.peer
    }

    /// What the peer said first.
    pub fn hello(&self) -> &Hello {
        &self.0.hello
    }

    /// Opens a stream; waits while the peer allows no more of them, and gives up in the end. Attack: a peer that never
    /// allows one would keep what is to be handed over to it in flight for ever.
    pub async fn open(&self) -> Result<Stream, Loss> {
        let pair = timeout(self.0.frame_limit, self.0.quinn.open_bi()).await.map_err(|_| Loss::NoStream)??;
        Ok(self.stream(pair))
    }

    /// The next stream that the peer opens.
    pub async fn accept(&self) -> Result<Stream, Loss> {
        let pair = self.0.quinn.accept_bi().await?;
        Ok(self.stream(pair))
    }

    /// Closes the connection at once, saying why; `None` says that nothing is wrong. What was not yet taken by the
    /// peer is lost.
    pub fn close(&self, code: Option<RefusalCode>) {
        self.0.quinn.close(error_code(code), b"");
    }

    /// Waits until the connection is no more, and says why.
    pub async fn closed(&self) -> Loss {
        self.0.quinn.closed().await.into()
    }

    /// Why the connection is no more; `None` while it is open.
    pub fn loss(&self) -> Option<Loss> {
        self.0.quinn.close_reason().map(Loss::from)
    }

    /// The time a packet takes there and back, as last estimated.
    pub fn rtt(&self) -> Duration {
        self.0.quinn.rtt()
    }

    /// The largest UDP payload that went through so far, in bytes: 1,200 at first, more when larger ones were answered.
    pub fn path_bytes(&self) -> u16 {
        self.0.quinn.stats().path.current_mtu
    }

    /// The peer's address.
    pub fn remote_address(&self) -> SocketAddr {
        self.0.quinn.remote_address()
    }

    /// Checks the peer again, by a trust that came while the handshake went on.
    pub(crate) fn check_again(&self, tls: &Tls, peer_role: Role) -> Result<(), ConnectError> {
        tls.identify(&self.0.quinn, peer_role).map(drop).map_err(|error| {
            let error = ConnectError::Identity(error);
            self.close(error.code());
            error
        })
    }

    fn stream(&self, pair: (quinn::SendStream, quinn::RecvStream)) -> Stream {
        Stream::new(pair, self.0.frame_limit, Arc::clone(&self.0.frame_buffer), Arc::clone(&self.0) as _)
    }
}

struct Inner {
    quinn: quinn::Connection,
    peer: PeerIdentity,
    hello: Hello,
    frame_limit: Duration,
    frame_buffer: Arc<Semaphore>,
    registry: Arc<Registry>,
    number: u64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The table holds a handle too, so QUIC would not close by itself.
        self.quinn.close(error_code(None), b"");
        self.registry.remove(self.number);
    }
}

/// What this side brings to a handshake.
pub(crate) struct Ours<'a> {
    pub(crate) tls: &'a Tls,
    pub(crate) hello: Hello,
    pub(crate) limits: &'a Limits,
    pub(crate) registry: &'a Arc<Registry>,
}

/// Makes a connection of an established QUIC connection, or closes it with the code that says why not.
pub(crate) async fn establish(
    quinn: quinn::Connection,
    peer_role: Role,
    deadline: Instant,
    ours: Ours<'_>,
) -> Result<Connection, ConnectError> {
    let made = timeout_at(deadline, admit(&quinn, peer_role, ours)).await.unwrap_or(Err(ConnectError::TooSlow));
    if let Err(error) = &made {
        quinn.close(error_code(error.code()), b"");
    }
    made
}

async fn admit(quinn: &quinn::Connection, peer_role: Role, ours: Ours<'_>) -> Result<Connection, ConnectError> {
    let (peer, certificate) = ours.tls.identify(quinn, peer_role)?;
    let frame_buffer = Arc::new(Semaphore::new(ours.limits.frame_buffer_bytes_max));
    let stream = |pair| {
        // The deadline of the whole handshake is the one that counts here.
        let (limit, alive) = (ours.limits.handshake(), Arc::new(quinn.clone()));
        Stream::new(pair, limit, Arc::clone(&frame_buffer), alive)
    };
    let hello = match peer_role {
        Role::Dialled => {
            let mut stream = stream(quinn.open_bi().await.map_err(Loss::from)?);
            stream.send(&Frame::Hello(ours.hello)).await?;
            stream.finish();
            believed(stream.receive().await?, &peer)?
        }
        Role::Dialler => {
            let _place = ours.registry.silent(&peer.authority, ours.limits).ok_or(ConnectError::Full)?;
            let mut stream = stream(quinn.accept_bi().await.map_err(Loss::from)?);
            let hello = believed(stream.receive().await?, &peer)?;
            stream.send(&Frame::Hello(ours.hello)).await?;
            stream.finish();
            hello
        }
    };
    let row = Row { quinn: quinn.clone(), certificate, authority: peer.authority.clone(), peer_role };
    let number = ours.registry.admit(row, ours.limits).ok_or(ConnectError::Full)?;
    forget_when_closed(quinn.clone(), Arc::clone(ours.registry), number);
    Ok(Connection(Arc::new(Inner {
        quinn: quinn.clone(),
        peer,
        hello,
        frame_limit: ours.limits.frame(),
        frame_buffer,
        registry: Arc::clone(ours.registry),
        number,
    })))
}

/// A connection that ended frees its place, even while somebody still holds it.
fn forget_when_closed(quinn: quinn::Connection, registry: Arc<Registry>, number: u64) {
    tokio::spawn(async move {
        quinn.closed().await;
        registry.remove(number);
    });
}

fn believed(frame: Frame, peer: &PeerIdentity) -> Result<Hello, ConnectError> {
    let Frame::Hello(hello) = frame else {
        return Err(ConnectError::Hello(FrameError::Malformed));
    };
    if hello.protocol_version != PROTOCOL_VERSION {
        return Err(ConnectError::Version(hello.protocol_version));
    }
    if hello.authority != peer.authority {
        return Err(ConnectError::OtherName);
    }
    Ok(hello)
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The peer's certificate is not believed.
    #[error(transparent)]
    Identity(#[from] NodeError),
    /// It speaks another version of the protocol.
    #[error("the peer speaks protocol version {0}, this node {PROTOCOL_VERSION}; update the older")]
    Version(u32),
    /// Its Hello names another authority than its certificate.
    #[error("the peer's Hello names another authority than its certificate")]
    OtherName,
    /// It did not say Hello.
    #[error("the peer's first frame is no Hello: {0}")]
    Hello(FrameError),
    /// The handshake took too long.
    #[error("the handshake took too long; check the line, then try again")]
    TooSlow,
    /// This node has too many connections.
    #[error("this node has too many connections; try again later")]
    Full,
    /// The address cannot be dialled from this socket.
    #[error("the address cannot be dialled from the socket of this node; compare IPv4 and IPv6")]
    Address,
    /// This node's TLS is not ready.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The connection ended first.
    #[error(transparent)]
    Lost(#[from] Loss),
}

impl ConnectError {
    /// What to tell the peer.
    pub fn code(self) -> Option<RefusalCode> {
        match self {
            Self::Identity(error) => Some(registry::code(error)),
            Self::Version(_) => Some(RefusalCode::UnsupportedVersion),
            Self::OtherName => Some(RefusalCode::SenderMismatch),
            Self::Hello(error) => Some(error.code()),
            Self::TooSlow => Some(RefusalCode::TooSlow),
            Self::Full => Some(RefusalCode::Busy),
            Self::Address | Self::Tls(_) | Self::Lost(_) => None,
        }
    }
}

impl From<StreamError> for ConnectError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Frame(error) => Self::Hello(error),
            StreamError::TooSlow => Self::TooSlow,
            StreamError::Busy => Self::Full,
            StreamError::Lost(loss) => Self::Lost(loss),
            StreamError::Cut | StreamError::Ended | StreamError::Reset(_) | StreamError::Over => {
                Self::Hello(FrameError::Malformed)
            }
        }
    }
}
