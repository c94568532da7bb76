//! Carries things between the schedule and the links: dials, hands over, fetches, and tells the schedule how it went.
//!
//! One task owns the schedule (`exchange/sender.rs`) and the table of live links; everything else reports to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::crypto::random;
use crate::daemon::abandon::give_up_silent;
use crate::daemon::deliver::{Handed, expire, hand_over};
use crate::daemon::fetch::{FetchError, fetch};
use crate::daemon::lane::Line;
use crate::daemon::node::Node;
use crate::daemon::registrar::Wake;
use crate::daemon::serve::serve;
use crate::daemon::traces::step;
use crate::daemon::watch::watch;
use crate::daemon::{clock, trust};
use crate::exchange::rows::OutboxRow;
use crate::exchange::sender::{Sender, Step};
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::{CLOCK_SKEW_MS_MAX, FETCHES_PER_PEER_MAX, RETRY_MS_MAX, RETRY_MS_MIN};
use crate::model::message::Urgency;
use crate::model::time::Timestamp;
use crate::net::connection::Connection;
use crate::net::endpoint::Endpoint;

/// What the courier's tasks report.
enum News {
    Linked(Connection),
    Unlinked(AuthorityId, u64),
    DialFailed(AuthorityId),
    Handed(OutboxRow, Handed),
    Expired(OutboxRow, Handed),
    Fetched(AuthorityId, Id, Result<(), FetchError>),
}

/// The courier of one node.
pub struct Courier {
    node: Arc<Node>,
    endpoint: Arc<Endpoint>,
    schedule: Sender,
    links: BTreeMap<AuthorityId, Vec<(u64, Connection)>>,
    links_made: u64,
    /// Envelopes whose files are to be fetched: since when not to ask again, and how often it failed.
    intake: BTreeMap<Id, Fetching>,
    tell: mpsc::UnboundedSender<News>,
    news: mpsc::UnboundedReceiver<News>,
}

struct Fetching {
    peer: AuthorityId,
    urgency: Urgency,
    running: bool,
    failures: u32,
    not_before: Timestamp,
}

impl Courier {
    /// A courier for that node over that endpoint.
    pub fn new(node: Arc<Node>, endpoint: Arc<Endpoint>) -> Self {
        let (tell, news) = mpsc::unbounded_channel();
        Self {
            node,
            endpoint,
            schedule: Sender::default(),
            links: BTreeMap::new(),
            links_made: 0,
            intake: BTreeMap::new(),
            tell,
            news,
        }
    }

    /// Works until `stop`.
    pub async fn run(mut self, mut wakes: mpsc::UnboundedReceiver<Wake>, stop: CancellationToken) {
        self.keep_links();
        let accepting = tokio::spawn(accept(Arc::clone(&self.node), Arc::clone(&self.endpoint), self.tell.clone()));
        loop {
            self.act();
            let sleep = self.sleeps_for();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(wake) = wakes.recv() => {
                    self.woken(wake);
                    // Many commits wake together; look at the schedule once for all of them.
                    while let Ok(wake) = wakes.try_recv() {
                        self.woken(wake);
                    }
                }
                Some(news) = self.news.recv() => self.heard(news),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        accepting.abort();
    }

    fn woken(&mut self, wake: Wake) {
        match wake {
            Wake::Outbox(row) => self.schedule.put(row),
            Wake::Settled(peer, urgency, index) => self.schedule.settled(&peer, urgency, index),
            Wake::IntakeOpened(peer, urgency, id) => {
                self.schedule.intake_opened(&peer, id);
                let fresh = Fetching { peer, urgency, running: false, failures: 0, not_before: Timestamp::default() };
                self.intake.entry(id).or_insert(fresh);
            }
            Wake::IntakeClosed(id) => {
                self.schedule.intake_closed(id);
                self.intake.remove(&id);
            }
            Wake::Reloaded => {
                trust::reload(&self.node, &self.endpoint);
                self.schedule.directory_changed();
                self.keep_links();
                // What an operator stopped may go on.
                for peer in self.links.keys() {
                    self.schedule.connected(peer);
                }
                self.intake.values_mut().for_each(|fetching| fetching.not_before = Timestamp::default());
            }
        }
    }

    /// A node that nobody can dial keeps a link to everybody whom it can dial: what waits for it there comes no other way.
    fn keep_links(&mut self) {
        let mut kept = BTreeSet::new();
        if let (true, Ok(directory)) = (self.node.config().advertise.is_empty(), self.node.directory(clock::now())) {
            let others = directory.roster().authorities().filter(|row| row.id != *self.node.us());
            kept.extend(others.filter(|row| !row.endpoints.is_empty()).map(|row| row.id.clone()));
        }
        self.schedule.keep_links(&kept);
    }

    fn heard(&mut self, news: News) {
        let now = clock::now();
        match news {
            News::Linked(connection) => self.linked(connection),
            News::Unlinked(peer, number) => {
                let left = self.links.get_mut(&peer).map_or(0, |links| {
                    links.retain(|(other, _)| *other != number);
                    links.len()
                });
                self.node.meters.unlinked();
                if left == 0 {
                    self.links.remove(&peer);
                    self.schedule.disconnected(&peer, now, draw());
                }
            }
            News::DialFailed(peer) => {
                self.schedule.dial_failed(&peer, now, draw());
                self.give_up_silent(&peer);
            }
            News::Handed(_, Handed::Logged) | News::Expired(_, Handed::Logged) => {}
            News::Expired(row, Handed::Later { .. }) => self.schedule.expire_later(&row, now, draw()),
            News::Handed(row, Handed::Later { retry_after_ms }) => {
                self.schedule.try_later(&row, now, retry_after_ms, draw());
            }
            News::Fetched(peer, id, Ok(())) => {
                tracing::debug!(%peer, "all files of an envelope are here, or given up");
                self.intake.remove(&id);
            }
            News::Fetched(peer, id, Err(error)) => {
                if let Line::Said { unsaid } = self.node.lanes.of(&peer).says(clock::now()) {
                    tracing::warn!(%peer, %error, more_since_last = unsaid, "fetching files broke off; what arrived is kept");
                }
                if let Some(code) = error.blames_sender() {
                    let node = Arc::clone(&self.node);
                    tokio::task::spawn_blocking(move || node.record_refused_input(&peer, code, id.as_bytes()));
                }
                if let Some(fetching) = self.intake.get_mut(&id) {
                    let wait_ms = RETRY_MS_MIN.saturating_mul(1 << fetching.failures.min(16)).min(RETRY_MS_MAX);
                    fetching.running = false;
                    fetching.failures += 1;
                    fetching.not_before = now.plus_millis(wait_ms / 2 + draw() % (wait_ms / 2 + 1));
                }
            }
        }
    }

    fn linked(&mut self, connection: Connection) {
        let peer = connection.peer().authority.clone();
        self.links_made += 1;
        self.node.meters.linked();
        let number = self.links_made;
        tokio::spawn(serve(Arc::clone(&self.node), connection.clone()));
        tokio::spawn(watch(Arc::clone(&self.node), connection.clone()));
        let (tell, watched, name) = (self.tell.clone(), connection.clone(), peer.clone());
        // Attack: a peer that links and leaves without end would fill the log lines.
        let lane = self.node.lanes.of(&peer);
        if let Line::Said { unsaid } = lane.says(clock::now()) {
            let key_exchange = connection.peer().group_name;
            tracing::info!(%peer, %key_exchange, more_since_last = unsaid, "link open");
        }
        tokio::spawn(async move {
            let loss = watched.closed().await;
            if let Line::Said { unsaid } = lane.says(clock::now()) {
                tracing::info!(peer = %name, reason = %loss, more_since_last = unsaid, "link closed");
            }
            // The courier ends only with the node.
            let _ = tell.send(News::Unlinked(name, number));
        });
        self.compare(&peer, &connection);
        self.links.entry(peer.clone()).or_default().push((number, connection));
        self.schedule.connected(&peer);
        for fetching in self.intake.values_mut().filter(|fetching| fetching.peer == peer) {
            fetching.not_before = Timestamp::default();
        }
    }

    /// Says what the two nodes see differently; acts on nothing, because the peer's word is all there is.
    fn compare(&self, peer: &AuthorityId, connection: &Connection) {
        let (hello, now) = (connection.hello(), clock::now());
        let apart_ms = now.millis_since(hello.clock).max(hello.clock.millis_since(now));
        if apart_ms > CLOCK_SKEW_MS_MAX {
            tracing::warn!(%peer, apart_ms, "the peer's clock and ours are far apart; check both");
        }
        let ours = self.node.any_directory().map_or(0, |directory| directory.version());
        if hello.directory_version > ours {
            let theirs = hello.directory_version;
            tracing::warn!(%peer, ours, theirs, "the peer holds a newer directory; ask the keepers for it");
        }
    }

    fn act(&mut self) {
        let now = clock::now();
        for step in self.schedule.due(now) {
            match step {
                Step::Dial(peer) => self.dial(peer),
                Step::HandOver(row) => self.start_hand_over(row),
                Step::Expire(row) => {
                    let (node, over) = (Arc::clone(&self.node), row.clone());
                    let attempts = self.schedule.failures(&row);
                    let fallen = News::Expired(row, Handed::Later { retry_after_ms: 0 });
                    self.report(fallen, async move {
                        let handed = expire(&node, over.clone(), attempts).await;
                        News::Expired(over, handed)
                    });
                }
            }
        }
        let ready: Vec<_> = self
            .intake
            .iter()
            .filter(|(_, fetching)| !fetching.running && fetching.not_before <= now)
            .map(|(id, fetching)| (*id, fetching.peer.clone()))
            .collect();
        for (id, peer) in ready {
            if self.has_room_to_fetch(id) {
                self.start_fetch(id, peer);
            }
        }
    }

    fn start_hand_over(&mut self, row: OutboxRow) {
        let attempts = self.schedule.failures(&row);
        let link = self.link(&row.peer).filter(|_| self.node.refuses(&row.peer).is_none());
        let Some(connection) = link else {
            let now = clock::now();
            self.schedule.try_later(&row, now, 0, draw());
            return;
        };
        let (node, out) = (Arc::clone(&self.node), row.clone());
        self.report(News::Handed(row, Handed::Later { retry_after_ms: 0 }), async move {
            let step = step!("letter.hand-over");
            let handed = hand_over(&node, &connection, out.clone(), attempts).instrument(step.clone()).await;
            step.record("failed", handed != Handed::Logged);
            News::Handed(out, handed)
        });
    }

    fn start_fetch(&mut self, id: Id, peer: AuthorityId) {
        let Some(connection) = self.link(&peer) else { return };
        if self.node.refuses(&peer).is_some() {
            self.heard(News::Fetched(peer, id, Err(FetchError::Held)));
            return;
        }
        if let Some(fetching) = self.intake.get_mut(&id) {
            fetching.running = true;
        }
        let (node, from) = (Arc::clone(&self.node), peer.clone());
        self.report(News::Fetched(peer, id, Err(FetchError::Fallen)), async move {
            let step = step!("files.fetch");
            let outcome = fetch(&node, &connection, id).instrument(step.clone()).await;
            step.record("failed", outcome.is_err());
            News::Fetched(from, id, outcome)
        });
    }

    /// Nobody answers: what waits for files of that peer since long does not wait for ever.
    fn give_up_silent(&self, peer: &AuthorityId) {
        let waits = |(_, fetching): &(&Id, &Fetching)| fetching.peer == *peer && !fetching.running;
        let waiting: Vec<Id> = self.intake.iter().filter(waits).map(|(id, _)| *id).collect();
        if !waiting.is_empty() {
            let node = Arc::clone(&self.node);
            tokio::task::spawn_blocking(move || give_up_silent(&node, &waiting));
        }
    }

    /// Runs a task that ends in news; one that panics ends in `fallen`, so that what it held in flight is tried again.
    fn report(&self, fallen: News, task: impl Future<Output = News> + Send + 'static) {
        let (tell, running) = (self.tell.clone(), tokio::spawn(task));
        tokio::spawn(async move {
            // The courier ends only with the node.
            let _ = tell.send(running.await.unwrap_or(fallen));
        });
    }

    /// Attack: a peer that announces a thousand packages and serves each byte by byte would hold a part of each in our
    /// memory. Only a few of one peer are fetched at once; urgent ones have places of their own.
    fn has_room_to_fetch(&self, id: Id) -> bool {
        let Some(wanted) = self.intake.get(&id) else { return false };
        let same = |other: &&Fetching| other.running && other.peer == wanted.peer && other.urgency == wanted.urgency;
        self.intake.values().filter(same).count() < FETCHES_PER_PEER_MAX
    }

    /// The newest link to that peer that is open.
    fn link(&self, peer: &AuthorityId) -> Option<Connection> {
        let links = self.links.get(peer)?;
        links.iter().rev().find(|(_, link)| link.loss().is_none()).map(|(_, link)| link.clone())
    }

    fn dial(&self, peer: AuthorityId) {
        let endpoints = self
            .node
            .directory(clock::now())
            .ok()
            .and_then(|directory| directory.roster().authority(&peer).map(|row| row.endpoints.clone()))
            .unwrap_or_default();
        let endpoint = Arc::clone(&self.endpoint);
        self.report(News::DialFailed(peer.clone()), async move {
            match dial(&endpoint, &peer, &endpoints).await {
                Some(connection) => News::Linked(connection),
                None => News::DialFailed(peer),
            }
        });
    }

    fn sleeps_for(&self) -> Duration {
        // What has no room falls due by itself only when a fetch ends: a driver that were woken for it would spin.
        let waits = |(id, fetching): &(&Id, &Fetching)| {
            !fetching.running && self.links.contains_key(&fetching.peer) && self.has_room_to_fetch(**id)
        };
        let fetches = self.intake.iter().filter(waits).map(|(_, fetching)| fetching);
        let wakes_at = fetches.map(|fetching| fetching.not_before).chain(self.schedule.wakes_at()).min();
        wakes_at.map_or(Duration::from_secs(3_600), |at| clock::until(at).max(Duration::from_millis(1)))
    }
}

async fn accept(node: Arc<Node>, endpoint: Arc<Endpoint>, tell: mpsc::UnboundedSender<News>) {
    while let Some(connection) = endpoint.accept().await {
        node.lanes.of(&connection.peer().authority).called(clock::now());
        if tell.send(News::Linked(connection)).is_err() {
            return;
        }
    }
}

/// Dials every address of every endpoint in turn.
pub(super) async fn dial(endpoint: &Endpoint, peer: &AuthorityId, endpoints: &[String]) -> Option<Connection> {
    if endpoints.is_empty() {
        tracing::info!(%peer, "the directory gives no address of the peer; waiting for it to dial");
    }
    let mut tried = BTreeSet::new();
    for name in endpoints {
        let addresses: Vec<SocketAddr> = match tokio::net::lookup_host(name).await {
            Ok(found) => found.collect(),
            Err(error) => {
                tracing::warn!(%peer, %error, "an address of the peer does not resolve");
                continue;
            }
        };
        for address in addresses {
            if !tried.insert(address) {
                continue;
            }
            match endpoint.dial(peer, address).await {
                Ok(connection) => return Some(connection),
                Err(error) => tracing::info!(%peer, %address, %error, "the peer does not answer"),
            }
        }
    }
    None
}

/// Randomness for back-off. Without any, everybody waits the same time: slower, not wrong.
fn draw() -> u64 {
    random::bytes::<8>().map_or(0, u64::from_le_bytes)
}
