//! From the directory in force to what the transport believes. An authority whose row is unusable is left out, said aloud.

use std::sync::Arc;

use crate::daemon::clock;
use crate::daemon::config::KeyExchange;
use crate::daemon::keys::{self, KeysError};
use crate::daemon::node::Node;
use crate::net::endpoint::Endpoint;
use crate::net::kx;
use crate::net::tls::{Clock, Tls, TlsError};
use crate::net::trust::Trust;

/// Whom the transport believes now: every authority of a directory that is fresh, but us. Nobody, if there is none.
pub fn trust(node: &Node) -> Trust {
    let mut trust = Trust::new();
    let directory = match node.directory(clock::now()) {
        Ok(directory) => directory,
        Err(code) => {
            tracing::warn!(%code, "no directory is in force; import one with `rogatory directory import`");
            return trust;
        }
    };
    for authority in directory.roster().authorities().filter(|row| row.id != *node.us()) {
        if let Err(error) = trust.add(authority.id.clone(), &authority.issuers, &authority.revocation_lists) {
            tracing::warn!(peer = %authority.id, %error, "the directory's row cannot be used; no link to the peer");
        }
    }
    trust
}

/// What new connections are made with.
///
/// # Errors
/// [`TransportError`] when the node's own key or certificate cannot be used.
pub fn tls(node: &Node) -> Result<Tls, TransportError> {
    let key_exchange = match node.config().transport.key_exchange {
        KeyExchange::HybridPreferred => kx::KeyExchange::HybridPreferred,
        KeyExchange::HybridOnly => kx::KeyExchange::HybridOnly,
    };
    let key = keys::node_key(node.home())?;
    Ok(Tls::new(&key, Arc::new(trust(node)), key_exchange, Clock::new(clock::now))?)
}

/// Takes a new directory or certificate for all connections from now on, and closes those that it no longer believes.
pub fn reload(node: &Node, endpoint: &Endpoint) {
    match tls(node) {
        Ok(tls) => endpoint.reload(tls),
        Err(error) => {
            tracing::error!(%error, "the transport was not reloaded; the old certificates stay in use");
            return;
        }
    }
    for (peer, reason) in endpoint.close_revoked(&trust(node)) {
        tracing::warn!(%peer, %reason, "link closed: its certificate is no longer believed");
    }
}

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The key files.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
}
