//! Composes a node: opens the data, binds the sockets, starts the courier, and ends in order. Decides nothing itself.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::daemon::api::{self, ApiError, Shared};
use crate::daemon::basis::Affected;
use crate::daemon::clocks;
use crate::daemon::courier::Courier;
use crate::daemon::health::{self, Grade};
use crate::daemon::node::{Node, Opening, StartError};
use crate::daemon::receive::blocking;
use crate::daemon::registrar::Wake;
use crate::daemon::reload::{self, ReloadError, Reloader};
use crate::daemon::trust::{self, TransportError};
use crate::daemon::web::{self, Web, WebError};
use crate::daemon::{admin, clock, config, destroying, submit, time};
use crate::net::endpoint::{BindError, Endpoint, Greeting};
use crate::net::limits::Limits;
use crate::wire::frame::{Hello, PROTOCOL_VERSION};

/// How long open streams get to end when the node stops.
const GRACE: Duration = Duration::from_secs(5);

/// A node that runs. Dropping it without [`Running::stop`] tells it to stop and waits for nothing: as after a crash,
/// nothing acknowledged is lost.
pub struct Running {
    node: Arc<Node>,
    endpoint: Arc<Endpoint>,
    reloader: Arc<Reloader>,
    stop: DropGuard,
    tasks: Vec<JoinHandle<()>>,
    web: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

/// Starts the node whose data lie in `data`. Called inside a tokio runtime.
///
/// # Errors
/// [`RunError`] says what is wrong and what to do.
pub async fn start(data: &Path) -> Result<Running, RunError> {
    let (wake, wakes) = mpsc::unbounded_channel();
    let (path, for_node) = (data.to_owned(), wake.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let node = Node::open(&path, for_node, Opening::ToServe)?;
        if let Some(directory) = node.any_directory() {
            node.record_directory(&directory)?;
        }
        Ok::<_, StartError>(node)
    });
    let node = match opened.await {
        Ok(node) => Arc::new(node?),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let listen = node.config().listen;
    let endpoint = Arc::new(Endpoint::bind(listen, trust::tls(&node)?, greeting(&node), Limits::default())?);
    let token = CancellationToken::new();
    let stop = token.clone().drop_guard();
    let web = bind_web(&node, node.config().web.as_ref()).await?;
    let admin = bind_web(&node, node.config().admin.as_ref()).await?;
    let socket = api::bind(&node.home().socket())?;
    let shown = |bound: &Option<(Web, SocketAddr)>| bound.as_ref().map(|(web, _)| web.certificate());
    let reloader = Arc::new(Reloader::new(&node, wake.clone(), shown(&web), shown(&admin)));
    let (node_of_officers, endpoint_of_officers) = (Arc::clone(&node), Arc::clone(&endpoint));
    let shared = Shared { node: node_of_officers, endpoint: endpoint_of_officers, reloader: Arc::clone(&reloader) };
    let courier = Courier::new(Arc::clone(&node), Arc::clone(&endpoint));
    let mut tasks = vec![
        tokio::spawn(courier.run(wakes, token.clone())),
        tokio::spawn(api::serve(socket, shared, token.clone())),
        tokio::spawn(watch_health(Arc::clone(&node), token.clone())),
        tokio::spawn(submit::keep_submitting(Arc::clone(&node), token.clone())),
        tokio::spawn(watch_index(Arc::clone(&node), token.clone())),
        tokio::spawn(clocks::run(Arc::clone(&node), token.clone())),
        tokio::spawn(look_again(wake.clone(), token.clone())),
        tokio::spawn(time::run(Arc::clone(&node), token.clone())),
        tokio::spawn(review_legal_bases(Arc::clone(&node))),
        tokio::spawn(Arc::clone(&reloader).watch(token.clone())),
    ];
    let web_address = web.as_ref().map(|(_, address)| *address);
    if let Some((web, address)) = web {
        tracing::info!(%address, "the custody log is served to the web");
        tasks.push(tokio::spawn(web.serve(web::routes(&node), token.clone())));
    }
    let admin_address = admin.as_ref().map(|(_, address)| *address);
    if let Some((admin, address)) = admin {
        tracing::info!(%address, "health and metrics are served to the operator");
        tasks.push(tokio::spawn(admin.serve(admin::routes(&node), token.clone())));
    }
    let address = endpoint.local_address()?;
    tracing::info!(authority = %node.us(), %address, records = node.ledger.reader().size(), "node ready");
    Ok(Running { node, endpoint, reloader, stop, tasks, web: web_address, admin: admin_address })
}

async fn bind_web(node: &Node, settings: Option<&config::Web>) -> Result<Option<(Web, SocketAddr)>, WebError> {
    let Some(settings) = settings else { return Ok(None) };
    let web = Web::bind(node.home(), settings).await?;
    let address = web.local_address().map_err(|source| WebError::Bind { listen: settings.listen, source })?;
    Ok(Some((web, address)))
}

impl Running {
    /// The node.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`BindError`] when the system does not say.
    pub fn address(&self) -> Result<SocketAddr, BindError> {
        self.endpoint.local_address()
    }

    /// Where the operator's listener listens, if the settings name one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Where the web listener listens, if the settings name one.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.web
    }

    /// Reads settings, certificates and directory again, for all that begins from now on.
    ///
    /// # Errors
    /// [`ReloadError`]; the old ones stay in force.
    pub async fn reload(&self) -> Result<Vec<Affected>, ReloadError> {
        self.reloader.reload().await
    }

    /// Ends in order: no new work, links closed, log closed with its tiles published.
    pub async fn stop(self) {
        drop(self.stop);
        for task in self.tasks {
            let _ = tokio::time::timeout(GRACE, task).await;
        }
        let _ = tokio::time::timeout(GRACE, self.endpoint.close()).await;
        tracing::info!(authority = %self.node.us(), "node stopped");
        // The last holder of the node closes the log.
        let node = self.node;
        let _ = tokio::task::spawn_blocking(move || drop(node)).await;
    }
}

fn greeting(node: &Arc<Node>) -> Greeting {
    let node = Arc::downgrade(node);
    let us = node.upgrade().map(|node| node.us().clone());
    Arc::new(move || {
        let node = node.upgrade();
        Hello {
            protocol_version: PROTOCOL_VERSION,
            authority: us.clone().expect("the node was alive when its greeting was made"),
            directory_version: node.as_ref().and_then(|node| node.any_directory()).map_or(0, |known| known.version()),
            clock: clock::now(),
            software: concat!("rogatory ", env!("CARGO_PKG_VERSION")).to_owned(),
            checkpoint: node.and_then(|node| {
                let checkpoint = node.ledger.reader().checkpoint()?;
                (checkpoint.checkpoint().size() > 0).then(|| checkpoint.note().to_string())
            }),
        }
    })
}

/// What a registry that came while the node was stopped answers otherwise; beside the start, which does not wait for it.
async fn review_legal_bases(node: Arc<Node>) {
    blocking(&node, reload::review).await;
}

/// Asks the directory in force again about every open link: a certificate, a revocation list or the directory itself may
/// have expired under a link that never closed.
async fn look_again(wake: mpsc::UnboundedSender<Wake>, stop: CancellationToken) {
    const HOUR: Duration = Duration::from_secs(3_600);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HOUR) => {}
        }
        // The courier ends only with the node.
        let _ = wake.send(Wake::Reloaded);
    }
}

/// Says once a day what health finds that somebody should look at, and tries again what was decided and could not be done.
async fn watch_health(node: Arc<Node>, stop: CancellationToken) {
    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY_HOURS: u32 = 24;
    for hour in (0..DAY_HOURS).cycle() {
        let findings = blocking(&node, move |node| {
            if hour > 0 {
                destroying::finish(node);
            }
            if hour == 0 { health::examine(node, clock::now()) } else { Vec::new() }
        });
        for found in findings.await.into_iter().filter(|found| found.grade != Grade::Good) {
            tracing::warn!(check = found.check, seen = found.seen, next = found.next, "somebody should look at this");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HOUR) => {}
        }
    }
}

/// Mends an index that fell behind, as soon as its cause (a full disk) is gone: nobody has to restart a node for it.
async fn watch_index(node: Arc<Node>, stop: CancellationToken) {
    const PAUSE: Duration = Duration::from_secs(1);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        if let Err(error) = blocking(&node, Node::mend_index).await {
            tracing::warn!(%error, "the index does not follow the custody log yet");
        }
    }
}

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its data.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its key or certificate.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Its UDP socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its officers' socket.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Its web listener.
    #[error(transparent)]
    Web(#[from] WebError),
}
