//! A small web client: one request, one answer, over HTTP/1.1 with or without TLS 1.3. Refuses answers that are too large
//! or too slow, as a whole, and certificates for another name; it never follows a redirect and keeps no connection.
//!
//! TLS 1.3 only, as everywhere in this program. A service that has nothing newer than TLS 1.2 is reached by plain HTTP or
//! not at all: what is fetched here (time-stamp tokens, checkpoints, cosignatures) is signed and checked by its signature.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::model::limits::{WEB_ANSWER_BYTES_MAX, WEB_HEADER_BYTES_MAX, WEB_HEADERS_MAX, WEB_MS_MAX};
use crate::net::tls::Clock;
use crate::net::web_address::{Address, Scheme};
use crate::net::web_roots::{Roots, RootsError};

/// A client of web services.
#[derive(Clone)]
pub struct WebClient {
    tls: Result<TlsConnector, RootsError>,
}

/// What one exchange may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebLimits {
    /// Looking up the name, connecting, asking and the whole answer, together, in milliseconds.
    pub total_ms_max: u64,
    /// The body of the answer.
    pub answer_bytes_max: usize,
}

impl Default for WebLimits {
    fn default() -> Self {
        Self { total_ms_max: WEB_MS_MAX, answer_bytes_max: WEB_ANSWER_BYTES_MAX }
    }
}

/// An answer, whatever its status: redirects too. The caller judges status and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAnswer {
    /// The status, 200 to 999.
    pub status: u16,
    /// The media type, in lower case and without parameters; empty if the server names none.
    pub content_type: String,
    /// The whole body.
    pub body: Vec<u8>,
}

impl WebClient {
    /// A client that trusts `roots` for HTTPS. Missing roots are an error of each HTTPS request, not of this call: plain
    /// HTTP works without any.
    pub fn new(roots: &Roots, clock: &Clock) -> Self {
        Self { tls: roots.tls(clock).map(TlsConnector::from) }
    }

    /// Reads.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn get(&self, address: &Address, accept: &str, limits: WebLimits) -> Result<WebAnswer, WebError> {
        self.ask(Method::GET, address, None, Bytes::new(), accept, limits).await
    }

    /// Hands `body` over.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn post(
        &self,
        address: &Address,
        content_type: &str,
        body: Vec<u8>,
        accept: &str,
        limits: WebLimits,
    ) -> Result<WebAnswer, WebError> {
        self.ask(Method::POST, address, Some(content_type), body.into(), accept, limits).await
    }

    async fn ask(
        &self,
        method: Method,
        address: &Address,
        content_type: Option<&str>,
        body: Bytes,
        accept: &str,
        limits: WebLimits,
    ) -> Result<WebAnswer, WebError> {
        let mut request = Request::builder()
            .method(method)
            .uri(address.path())
            .header(HOST, address.authority())
            .header(USER_AGENT, "rogatory")
            .header(CONNECTION, "close")
            .header(ACCEPT, accept);
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request.body(Full::new(body)).map_err(|_| WebError::Request)?;
        let whole = async {
            let stream = TcpStream::connect((address.host(), address.port())).await.map_err(WebError::Unreachable)?;
            match address.scheme() {
                Scheme::Http => exchange(stream, request, limits).await,
                Scheme::Https => {
                    let tls = self.tls.as_ref().map_err(Clone::clone)?;
                    let name = address.server_name().ok_or(WebError::Request)?;
                    let stream = tls.connect(name, stream).await.map_err(|error| WebError::Tls(error.to_string()))?;
                    exchange(stream, request, limits).await
                }
            }
        };
        // Dropping the future drops the connection with it: nothing goes on behind the caller's back.
        let patience = Duration::from_millis(limits.total_ms_max);
        tokio::time::timeout(patience, whole).await.unwrap_or(Err(WebError::TooSlow { ms_max: limits.total_ms_max }))
    }
}

impl std::fmt::Debug for WebClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("WebClient")
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    limits: WebLimits,
) -> Result<WebAnswer, WebError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(WEB_HEADER_BYTES_MAX)
        .max_headers(WEB_HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(protocol)?;
    // A set of tasks ends them when it is dropped.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(protocol)?;
    let status = answer.status().as_u16();
    let content_type = media_type(&answer);
    let body = bounded(answer.into_body(), limits.answer_bytes_max).await?;
    Ok(WebAnswer { status, content_type, body })
}

async fn bounded(mut body: Incoming, bytes_max: usize) -> Result<Vec<u8>, WebError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(protocol)?.into_data() else { continue };
        if data.len() > bytes_max.saturating_sub(bytes.len()) {
            return Err(WebError::TooLarge { bytes_max });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn media_type(answer: &Response<Incoming>) -> String {
    let header = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn protocol(error: hyper::Error) -> WebError {
    use std::error::Error;
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    WebError::Protocol(format!("{error}{cause}"))
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The request cannot be written down: a header with a line end, for example.
    #[error("the request cannot be made; check the address in the settings")]
    Request,
    /// No such name, or nobody listens.
    #[error("cannot be reached: {0}")]
    Unreachable(std::io::Error),
    /// There is nobody to trust.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// TLS: another name, an unknown CA, a server without TLS 1.3.
    #[error("TLS 1.3 cannot be spoken with it: {0}")]
    Tls(String),
    /// Not HTTP/1.1, or broken off.
    #[error("does not speak HTTP/1.1 as it should: {0}")]
    Protocol(String),
    /// Longer than the caller takes.
    #[error("its answer is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// Not whole in time.
    #[error("its answer was not whole within {ms_max} ms")]
    TooSlow {
        /// The bound.
        ms_max: u64,
    },
}
