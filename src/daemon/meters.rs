//! What a node counts while it works, and the Prometheus text of it. Never a name: no peer, no officer, no case is a label.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::daemon::health::{self, Finding, Grade};
use crate::daemon::health_witness::Standing;
use crate::daemon::keys;
use crate::daemon::node::Node;
use crate::model::event::Event;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;

/// Upper bounds of the histogram of durable appends, in seconds.
const APPEND_SECONDS: [f64; 11] = [0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/// The counters of a node. They begin at zero with each start, as Prometheus expects.
#[derive(Debug)]
pub struct Meters {
    refusals: Family<CodeLabel, Counter>,
    records: Family<EventLabel, Counter>,
    bytes_fetched: Counter,
    bytes_served: Counter,
    links: Gauge<i64, AtomicI64>,
    appends: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabel {
    event: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabel {
    check: &'static str,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            refusals: Family::default(),
            records: Family::default(),
            bytes_fetched: Counter::default(),
            bytes_served: Counter::default(),
            links: Gauge::default(),
            appends: Histogram::new(APPEND_SECONDS),
        }
    }
}

impl Meters {
    /// A peer's input was refused with that code.
    pub fn refused(&self, code: RefusalCode) {
        self.refusals.get_or_create(&CodeLabel { code: code.name() }).inc();
    }

    /// A record of that event became durable.
    pub fn recorded(&self, event: Event) {
        self.records.get_or_create(&EventLabel { event: event.name() }).inc();
    }

    /// Ciphertext that came.
    pub fn fetched(&self, bytes: u64) {
        self.bytes_fetched.inc_by(bytes);
    }

    /// Ciphertext that went.
    pub fn served(&self, bytes: u64) {
        self.bytes_served.inc_by(bytes);
    }

    /// A link is open.
    pub fn linked(&self) {
        self.links.inc();
    }

    /// A link is closed.
    pub fn unlinked(&self) {
        self.links.dec();
    }

    /// An entry became durable after that time.
    pub fn appended(&self, took: Duration) {
        self.appends.observe(took.as_secs_f64());
    }

    /// How many links are open.
    pub fn links(&self) -> i64 {
        self.links.get()
    }
}

/// The text that Prometheus scrapes (OpenMetrics 1.0). Blocks for some milliseconds.
///
/// # Errors
/// [`std::fmt::Error`] never, in practice: the text grows in memory.
pub fn text(node: &Node, now: Timestamp) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("rogatory");
    let meters = &node.meters;
    registry.register("refusals", "Inputs of peers that were refused, by code", meters.refusals.clone());
    registry.register("records", "Custody records that became durable, by event", meters.records.clone());
    let bytes = |registry: &mut Registry, name: &str, help: &str, counter: &Counter| {
        registry.register_with_unit(name, help, Unit::Bytes, counter.clone());
    };
    bytes(&mut registry, "fetched", "Ciphertext that came from peers", &meters.bytes_fetched);
    bytes(&mut registry, "served", "Ciphertext that went to peers", &meters.bytes_served);
    registry.register("links", "Open connections to peers", meters.links.clone());
    let help = "From handing an entry to the custody log until it is durable and signed";
    registry.register_with_unit("append", help, Unit::Seconds, meters.appends.clone());
    state(&mut registry, node, now);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// What is true at the moment of the scrape.
fn state(registry: &mut Registry, node: &Node, now: Timestamp) {
    let reader = node.ledger.reader();
    let gauge = |registry: &mut Registry, name: &str, help: &str, value: u64| {
        let gauge = Gauge::<u64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    gauge(registry, "log_entries", "Entries of the custody log that are acknowledged", reader.size());
    gauge(registry, "log_published_entries", "Entries that the published tiles cover", reader.published_size());
    gauge(registry, "disk_free_bytes", "Free room below vault/", node.vault.room_beside(0).unwrap_or(0));
    if let Ok(queue) = health::queue(node) {
        gauge(registry, "outbox_waiting", "Letters and receipts that wait for peers", queue.waiting);
        let age = queue.oldest.map_or(0, |oldest| now.millis_since(oldest) / 1_000);
        gauge(registry, "outbox_oldest_seconds", "Age of the oldest of them", age);
    }
    watched(registry, node, now);
    if let Some(directory) = node.any_directory() {
        let version = directory.version();
        gauge(registry, "directory_version", "Version of the directory in force", version);
        let end = directory.expires_at().as_secs();
        gauge(registry, "directory_expires_timestamp_seconds", "When the directory runs out", end);
    }
    if let Some((_, end)) = keys::expiries(node.home()).ok().and_then(|ends| ends.into_iter().next()) {
        let help = "When the first of the node's certificates or revocation lists runs out";
        gauge(registry, "certificates_expire_timestamp_seconds", help, end.as_secs());
    }
    let checks = Family::<CheckLabel, Gauge<u64, AtomicU64>>::default();
    for Finding { check, grade, .. } in health::examine(node, now) {
        let value = match grade {
            Grade::Good => 0,
            Grade::Warning => 1,
            Grade::Bad => 2,
        };
        checks.get_or_create(&CheckLabel { check }).set(value);
    }
    registry.register("check", "What the node finds: 0 good, 1 warning, 2 bad", checks);
}

fn watched(registry: &mut Registry, node: &Node, now: Timestamp) {
    let Ok(standing) = Standing::of(node) else { return };
    let gauge = |registry: &mut Registry, name: &str, help: &str, value: u64| {
        let gauge = Gauge::<u64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    gauge(registry, "log_cosigned_entries", "Entries of the custody log that a witness cosigned", standing.cosigned);
    if let Some(age) = standing.age_seconds(now) {
        gauge(registry, "log_cosigned_age_seconds", "Age of the newest cosignature on it", age);
    }
    let gaps = standing.gaps.map_or(0, |(count, _)| count);
    gauge(registry, "witness_gaps", "Witnesses of the policy that do not answer", gaps as u64);
    gauge(registry, "evidence", "Pieces of evidence against logs of others", standing.evidence as u64);
    gauge(registry, "evidence_own", "Pieces of evidence that this log was put back", standing.own_evidence as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_code() {
        let meters = Meters::default();
        meters.refused(RefusalCode::Busy);
        meters.refused(RefusalCode::Busy);
        meters.refused(RefusalCode::Malformed);
        let label = |code: RefusalCode| CodeLabel { code: code.name() };
        assert_eq!(meters.refusals.get_or_create(&label(RefusalCode::Busy)).get(), 2);
        assert_eq!(meters.refusals.get_or_create(&label(RefusalCode::Malformed)).get(), 1);
        meters.linked();
        meters.linked();
        meters.unlinked();
        assert_eq!(meters.links(), 1);
    }
}
