//! Takes changed settings, certificates and directory into a running node, on demand or when their files change. Refuses all of
//! it when a part cannot be read; what is under way is not touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use crate::daemon::basis::{self, Affected};
use crate::daemon::config::{self, Config, ConfigError};
use crate::daemon::node::{Node, StartError};
use crate::daemon::receive::blocking;
use crate::daemon::registrar::Wake;
use crate::daemon::telemetry::{self, TelemetryError};
use crate::daemon::trust::{self, TransportError};
use crate::daemon::web::{self, Certificate, WebError};
use crate::model::limits::WATCH_FILES_MS;
use crate::net::web_tls::WebTls;

/// What follows a reload.
pub struct Reloader {
    node: Arc<Node>,
    wake: mpsc::UnboundedSender<Wake>,
    /// The settings that the sockets were bound with.
    begun: Arc<Config>,
    web: Option<Certificate>,
    admin: Option<Certificate>,
    /// The files as they were when they were read last. One reload at a time: two would record one directory twice.
    loaded: Mutex<BTreeMap<PathBuf, Stamp>>,
}

/// What a reload puts in place, read and checked before anything changes.
struct Prepared {
    web: Option<WebTls>,
    admin: Option<WebTls>,
    config: Config,
}

impl Reloader {
    /// For a node that was just started; `web` and `admin` are what its listeners show.
    pub fn new(
        node: &Arc<Node>,
        wake: mpsc::UnboundedSender<Wake>,
        web: Option<Certificate>,
        admin: Option<Certificate>,
    ) -> Self {
        Self { node: Arc::clone(node), wake, begun: node.config(), web, admin, loaded: Mutex::new(stamps(node)) }
    }

    /// Reads settings, certificates and directory again, for all that begins from now on. Returns the open requests whose
    /// legal basis is another one by the directory's registry.
    ///
    /// # Errors
    /// [`ReloadError`] says what is wrong; then the old ones stay in force, all of them.
    pub async fn reload(&self) -> Result<Vec<Affected>, ReloadError> {
        let mut loaded = self.loaded.lock().await;
        // Also after a mistake: it is told once, not every two seconds.
        *loaded = blocking(&self.node, stamps).await;
        let prepared = blocking(&self.node, prepare).await?;
        blocking(&self.node, Node::reload).await?;
        for (shown, certificate) in [(&self.web, prepared.web), (&self.admin, prepared.admin)] {
            if let Some(shown) = shown {
                shown.store(certificate.map(Arc::new));
            }
        }
        telemetry::set_level(&prepared.config.log)?;
        let waiting = self.waiting();
        if !waiting.is_empty() {
            let settings = waiting.join(", ");
            tracing::warn!(settings, "these settings changed and are followed at the next start of the node");
        }
        // The courier ends only with the node.
        let _ = self.wake.send(Wake::Reloaded);
        Ok(blocking(&self.node, review).await)
    }

    /// Which of the settings in force wait for the next start.
    pub fn waiting(&self) -> Vec<&'static str> {
        let (now, begun) = (self.node.config(), &self.begun);
        let address = |web: &Option<config::Web>| web.as_ref().map(|web| web.listen);
        let changed = [
            ("listen", now.listen != begun.listen),
            ("log.format", now.log.format != begun.log.format),
            ("web", address(&now.web) != address(&begun.web)),
            ("admin", address(&now.admin) != address(&begun.admin)),
            ("traces", now.traces != begun.traces),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }

    /// Reloads when a file changed and then stayed as it was: whoever is still writing is waited for.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut before = self.look().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(WATCH_FILES_MS)) => {}
            }
            let found = self.look().await;
            if found == before && found != *self.loaded.lock().await {
                match self.reload().await {
                    Ok(_) => tracing::info!("files changed; settings, certificates and directory were read again"),
                    Err(error) => tracing::error!(%error, "files changed; nothing was reloaded, the old ones stay"),
                }
            }
            before = found;
        }
    }

    async fn look(&self) -> BTreeMap<PathBuf, Stamp> {
        blocking(&self.node, stamps).await
    }
}

/// Looks the legal bases of open requests up again; an answer that cannot be had now is had at the next reload or start.
pub(super) fn review(node: &Node) -> Vec<Affected> {
    basis::review(node).unwrap_or_else(|error| {
        tracing::warn!(%error, "the legal bases of open requests were not looked up again; the next start does it");
        Vec::new()
    })
}

fn prepare(node: &Node) -> Result<Prepared, ReloadError> {
    let config = Config::read(&node.home().config())?;
    telemetry::check(&config.log)?;
    let tls = |settings: &Option<config::Web>| match settings {
        Some(settings) => web::tls(node.home(), settings),
        None => Ok(None),
    };
    let (web, admin) = (tls(&config.web)?, tls(&config.admin)?);
    // The courier makes it again, of the new directory; what is wrong with our own key is told here.
    trust::tls(node)?;
    Ok(Prepared { web, admin, config })
}

/// Inode, length, seconds and nanoseconds of the last change; `None`: there is no such file.
type Stamp = Option<(u64, u64, i64, i64)>;

/// Everything that a reload reads.
fn stamps(node: &Node) -> BTreeMap<PathBuf, Stamp> {
    let (home, config) = (node.home(), node.config());
    let mut paths = vec![home.config()];
    for folder in [home.key(""), home.root().join("directory")] {
        paths.extend(fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    let listeners = config.web.iter().chain(&config.admin);
    let files = listeners.flat_map(|web| web.certificate.iter().chain(&web.key)).chain(&config.witness.ca_file);
    paths.extend(files.map(|path| home.root().join(path)));
    let stamp = |path: PathBuf| {
        let facts = fs::metadata(&path).ok();
        (path, facts.map(|facts| (facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec())))
    };
    paths.into_iter().map(stamp).collect()
}

/// Why nothing was reloaded.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log level.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The certificate of a listener.
    #[error(transparent)]
    Web(#[from] WebError),
    /// The node's own key or certificate.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Settings or directory.
    #[error(transparent)]
    Start(#[from] StartError),
}
