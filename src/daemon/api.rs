//! The officers' socket: HTTP and JSON over a Unix socket. The system says which Unix user calls; the settings say which
//! officers work under it. No caller is admitted otherwise, and nothing listens on the network.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::daemon::api_routes::routes;
use crate::daemon::desk::DeskError;
use crate::daemon::dossier::DossierError;
use crate::daemon::erasing::ErasingError;
use crate::daemon::evidence::EvidenceError;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::{AdmissionError, Admitted};
use crate::daemon::packing::PackingError;
use crate::daemon::reload::Reloader;
use crate::net::endpoint::Endpoint;

/// The header in which a caller names the officer who acts, percent-encoded.
pub const OFFICER_HEADER: &str = "rogatory-officer";

/// What every handler works with.
#[derive(Clone)]
pub struct Shared {
    /// The node.
    pub node: Arc<Node>,
    /// The socket that links are made with.
    pub endpoint: Arc<Endpoint>,
    /// What takes changed settings into the node.
    pub reloader: Arc<Reloader>,
}

impl Shared {
    /// The status after a reload, and which of the new settings wait for the next start.
    pub fn with_waiting(&self, mut status: Value) -> Value {
        let waiting = self.reloader.waiting();
        if let Some(status) = status.as_object_mut().filter(|_| !waiting.is_empty()) {
            status.insert("waits_for_restart".to_owned(), json!(waiting));
        }
        status
    }
}

/// Binds the officers' socket. A socket file that an earlier process left is replaced: the lock of the data directory
/// says that no other process uses it.
///
/// # Errors
/// [`ApiError`] names the socket.
pub fn bind(path: &Path) -> Result<UnixListener, ApiError> {
    let fault = |source| ApiError { path: path.to_owned(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(fault)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(fault)?;
    Ok(listener)
}

/// Answers officers until `stop`.
pub async fn serve(listener: UnixListener, shared: Shared, stop: CancellationToken) {
    let service = routes(shared).into_make_service_with_connect_info::<Caller>();
    let served = axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the officers' socket is closed");
    }
}

/// The Unix user at the other end of the socket.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self { uid: stream.io().peer_cred().ok().map(|credentials| credentials.uid()) }
    }
}

impl FromRequestParts<Shared> for Admitted {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let uid = parts.extensions.get::<ConnectInfo<Caller>>().and_then(|ConnectInfo(caller)| caller.uid);
        let uid = uid.ok_or_else(|| Refusal::new(StatusCode::FORBIDDEN, "the system does not say which user calls"))?;
        let name = match parts.headers.get(OFFICER_HEADER) {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .and_then(percent_decoded)
                    .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "the officer's name is malformed"))?,
            ),
        };
        Self::admit(&shared.node.config(), uid, name.as_deref()).map_err(Refusal::from)
    }
}

/// Percent-encodes a name for the header (RFC 3986, every byte but unreserved ones).
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Decodes what [`percent_encoded`] wrote.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next()?, bytes.next()?];
            let pair = std::str::from_utf8(&pair).ok()?;
            out.push(u8::from_str_radix(pair, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// An answer that says why nothing was done.
#[derive(Debug, Serialize)]
pub struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    error: String,
}

impl Refusal {
    /// A refusal with that text.
    pub fn new(status: StatusCode, error: impl ToString) -> Self {
        Self { status, error: error.to_string() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

impl From<AdmissionError> for Refusal {
    fn from(error: AdmissionError) -> Self {
        Self::new(StatusCode::FORBIDDEN, error)
    }
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        let status = match &error {
            DeskError::Admission(_) => StatusCode::FORBIDDEN,
            DeskError::Lookup(LookupError::Unknown { .. }) => StatusCode::NOT_FOUND,
            DeskError::Lookup(LookupError::Erased { .. }) => StatusCode::GONE,
            DeskError::Lookup(_) | DeskError::Append(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        };
        Self::new(status, error)
    }
}

impl From<EvidenceError> for Refusal {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Desk(error) => error.into(),
            other => Self::new(StatusCode::CONFLICT, other),
        }
    }
}

impl From<ErasingError> for Refusal {
    fn from(error: ErasingError) -> Self {
        match error {
            ErasingError::Desk(error) => error.into(),
            ErasingError::Lookup(error) => DeskError::from(error).into(),
            other => Self::new(StatusCode::CONFLICT, other),
        }
    }
}

impl From<PackingError> for Refusal {
    fn from(error: PackingError) -> Self {
        match error {
            PackingError::Desk(error) => error.into(),
            PackingError::Evidence(error) => error.into(),
            other => Self::new(StatusCode::CONFLICT, other),
        }
    }
}

impl From<DossierError> for Refusal {
    fn from(error: DossierError) -> Self {
        match error {
            DossierError::Evidence(error) => error.into(),
            DossierError::Desk(error) => error.into(),
            other => Self::new(StatusCode::CONFLICT, other),
        }
    }
}

/// The officers' socket cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}: {source}; its path may have at most 107 bytes", path.display())]
pub struct ApiError {
    path: PathBuf,
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officers_name_survives_the_header() {
        for name in ["Ana Novak", "Žiga Šuštar", "100% 'x'", "石川"] {
            assert_eq!(percent_decoded(&percent_encoded(name)).as_deref(), Some(name));
            assert!(percent_encoded(name).is_ascii());
        }
        assert_eq!(percent_decoded("%4"), None);
        assert_eq!(percent_decoded("%zz"), None);
    }
}
