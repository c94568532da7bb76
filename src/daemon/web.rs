//! The public web listener: HTTP/1.1, or HTTPS with the operator's certificate. Serves only what strangers may read, holds
//! no connection for long, and closes what is beyond its bounds.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::daemon::config;
use crate::daemon::home::Home;
use crate::daemon::node::Node;
use crate::daemon::{web_log, web_witness};
use crate::model::limits::{
    WEB_BODY_BYTES_MAX, WEB_CONNECTION_MS_MAX, WEB_CONNECTIONS_MAX, WEB_CONNECTIONS_PER_NETWORK_MAX, WEB_GRACE_MS,
    WEB_HEAD_BYTES_MAX, WEB_HEAD_MS_MAX,
};
use crate::net::origins::Origins;
use crate::net::web_tls::{WebTls, WebTlsError};

/// After a failed accept (no file handles left), so that the loop does not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Everything that is served: each part of the node that has something public makes a [`Router`] of its own in a file of
/// its own, and is merged here under a path of its own.
pub fn routes(node: &Arc<Node>) -> Router {
    Router::new()
        .merge(web_log::routes(&node.home().custody()))
        .merge(web_witness::routes(node))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
        .layer(DefaultBodyLimit::max(WEB_BODY_BYTES_MAX))
}

/// A bound listener.
pub struct Web {
    listener: TcpListener,
    tls: Certificate,
    patience: Patience,
}

/// The certificate that a listener shows; `None` inside: HTTP. Its clones share it, so a reload reaches the listener.
pub type Certificate = Arc<ArcSwapOption<WebTls>>;

/// How long a connection may take for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    head: Duration,
    life: Duration,
    grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_millis(WEB_HEAD_MS_MAX),
            life: Duration::from_millis(WEB_CONNECTION_MS_MAX),
            grace: Duration::from_millis(WEB_GRACE_MS),
        }
    }
}

impl Web {
    /// Binds what the settings name.
    ///
    /// # Errors
    /// [`WebError`] names the address or the file.
    pub async fn bind(home: &Home, settings: &config::Web) -> Result<Self, WebError> {
        let tls = Arc::new(ArcSwapOption::from(tls(home, settings)?.map(Arc::new)));
        let fault = |source| WebError::Bind { listen: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(fault)?;
        Ok(Self { listener, tls, patience: Patience::default() })
    }

    /// What it shows; another may be put into it at any time.
    pub fn certificate(&self) -> Certificate {
        Arc::clone(&self.tls)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop`; then what is being answered may end.
    pub async fn serve(self, routes: Router, stop: CancellationToken) {
        let gate = Arc::new(Gate::default());
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, remote)) => {
                    // Beyond the bounds the stream is dropped here, which closes it.
                    if let Some(pass) = gate.enter(remote) {
                        let talk = Talk { routes: routes.clone(), stop: stop.clone(), patience: self.patience };
                        let tls = self.tls.load_full();
                        connections.spawn(async move {
                            let _pass = pass;
                            talk.answer(stream, tls).await;
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the web listener takes no connection at the moment");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// The certificate that the settings name, if they name one.
///
/// # Errors
/// [`WebError`] names the file.
pub fn tls(home: &Home, settings: &config::Web) -> Result<Option<WebTls>, WebError> {
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => {
            Ok(Some(WebTls::new(&read(home.root(), certificate)?, &read(home.root(), key)?)?))
        }
        _ => Ok(None),
    }
}

fn read(data: &Path, path: &Path) -> Result<Vec<u8>, WebError> {
    let path = data.join(path);
    std::fs::read(&path).map_err(|source| WebError::File { path, source })
}

/// What one connection is answered with.
struct Talk {
    routes: Router,
    stop: CancellationToken,
    patience: Patience,
}

impl Talk {
    async fn answer(self, stream: TcpStream, tls: Option<Arc<WebTls>>) {
        // Answers are small; waiting for more to send would only cost time.
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.converse(stream).await,
            Some(tls) => {
                // Whoever does not finish the handshake gets no answer and leaves no trace.
                if let Ok(Ok(stream)) = timeout(self.patience.head, tls.accept(stream)).await {
                    self.converse(stream).await;
                }
            }
        }
    }

    /// Requests and answers. At the end of the connection's life, or of the node's, what is being answered may end; a
    /// reader that does not even take that is cut off.
    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin) {
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(self.patience.head).max_buf_size(WEB_HEAD_BYTES_MAX);
        let service = TowerToHyperService::new(self.routes);
        let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // How it ended is the other side's business.
            _ = connection.as_mut() => return,
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(self.patience.life) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(self.patience.grace, connection).await;
    }
}

/// How many connections there are, in all and from each network.
#[derive(Debug, Default)]
struct Gate(Mutex<(usize, Origins)>);

impl Gate {
    fn enter(self: &Arc<Self>, remote: SocketAddr) -> Option<Pass> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, origins) = &mut *held;
        // A reverse proxy of the house calls from loopback for everybody.
        let crowded =
            !remote.ip().to_canonical().is_loopback() && origins.ongoing(remote) >= WEB_CONNECTIONS_PER_NETWORK_MAX;
        if *all >= WEB_CONNECTIONS_MAX || crowded {
            return None;
        }
        *all += 1;
        origins.begun(remote);
        Some(Pass { gate: Arc::clone(self), remote })
    }
}

/// The place of one connection.
#[derive(Debug)]
struct Pass {
    gate: Arc<Gate>,
    remote: SocketAddr,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut held = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 = held.0.saturating_sub(1);
        held.1.ended(self.remote);
    }
}

/// Why the web listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address.
    #[error("cannot listen on {listen} (`listen` of [web] or [admin]): {source}")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the settings.
    #[error("cannot read {} ([web] or [admin]): {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate and key.
    #[error(transparent)]
    Tls(#[from] WebTlsError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A listener with little patience over an answer that no socket buffer holds.
    async fn impatient(grace_ms: u64) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let [head, life, grace] = [150, 600, grace_ms].map(Duration::from_millis);
        let web = Web { listener, tls: Certificate::default(), patience: Patience { head, life, grace } };
        let large = axum::routing::get(|| async { vec![7_u8; 64 << 20] });
        let small = axum::routing::get(|| async { "small" });
        let routes = Router::new().route("/large", large).route("/small", small);
        let stop = CancellationToken::new();
        (address, stop.clone(), tokio::spawn(web.serve(routes, stop)))
    }

    async fn rest(stream: &mut TcpStream) -> Vec<u8> {
        let mut all = Vec::new();
        // A cut connection may also end in a reset.
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.unwrap();
        all
    }

    #[tokio::test]
    async fn who_sends_no_head_or_reads_no_answer_or_stays_too_long_is_cut_off() {
        let (address, _stop, _served) = impatient(150).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(b"GET /small HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        assert!(rest(&mut silent).await.is_empty());

        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert!(rest(&mut slow).await.len() < 64 << 20);

        let mut long = TcpStream::connect(address).await.unwrap();
        let mut answers = 0;
        while long.write_all(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {
            let mut answer = [0; 512];
            match long.read(&mut answer).await {
                Ok(read) if read > 0 => answers += 1,
                _ => break,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!((3..30).contains(&answers), "{answers}");
    }

    #[tokio::test]
    async fn at_the_end_what_is_being_answered_is_answered_and_nothing_new_is_taken() {
        let (address, stop, served) = impatient(20_000).await;
        let mut reader = TcpStream::connect(address).await.unwrap();
        reader.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 1_024];
        reader.read_exact(&mut first).await.unwrap();
        stop.cancel();
        assert!(first.len() + rest(&mut reader).await.len() > 64 << 20);
        timeout(Duration::from_secs(20), served).await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[test]
    fn one_network_takes_its_share_and_all_together_no_more_than_all() {
        let gate = Arc::new(Gate::default());
        let one: SocketAddr = "192.0.2.7:1".parse().unwrap();
        let mut held: Vec<Pass> = (0..WEB_CONNECTIONS_PER_NETWORK_MAX).map(|_| gate.enter(one).unwrap()).collect();
        assert!(gate.enter(one).is_none());
        let near: SocketAddr = "127.0.0.1:1".parse().unwrap();
        while let Some(pass) = gate.enter(near) {
            held.push(pass);
        }
        assert_eq!(held.len(), WEB_CONNECTIONS_MAX);
        held.remove(0);
        assert!(gate.enter(one).is_some());
    }
}
