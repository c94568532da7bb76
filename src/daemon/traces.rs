//! Traces for a collector: how long the steps of the node took and whether they failed (OTLP over HTTP, JSON). A span has the name of
//! its step and nothing else: no authority, no officer, no case, no size. Off unless `[traces]` is set.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::crypto::random;
use crate::daemon::clock;
use crate::model::limits::{TRACE_BATCH_MAX, TRACE_SPANS_WAITING_MAX};
use crate::model::time::Timestamp;
use crate::net::tls::Clock;
use crate::net::web::{WebClient, WebLimits};
use crate::net::web_address::Address;
use crate::net::web_roots::Roots;

/// The target of spans that are steps; log lines leave them out.
pub const STEPS: &str = "rogatory::steps";

/// Makes the span of a step. Its one field says whether it failed.
macro_rules! step {
    ($name:literal) => {
        tracing::info_span!(target: $crate::daemon::traces::STEPS, $name, failed = tracing::field::Empty)
    };
}
pub(crate) use step;

/// Where traces go: `[traces]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSettings {
    /// Where a collector takes OTLP as JSON, e.g. `http://127.0.0.1:4318/v1/traces`.
    pub url: String,
    /// Whom HTTPS trusts, PEM; a relative path begins at the data directory. Absent: the system's bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl TraceSettings {
    /// Where the collector is.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn address(&self) -> Result<Address, String> {
        self.url.parse().map_err(|error: crate::net::web_address::AddressError| format!("traces.url: {error}"))
    }
}

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    name: &'static str,
    ids: Ids,
    parent: Option<[u8; 8]>,
    begun: Timestamp,
    took: Duration,
    failed: Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    trace: [u8; 16],
    span: [u8; 8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    No,
    Yes,
}

struct Open {
    ids: Ids,
    parent: Option<[u8; 8]>,
    begun: Timestamp,
    since: Instant,
    failed: Failed,
}

/// Hands steps that ended to the exporter; what it cannot take is dropped and counted, so a slow collector holds up nobody.
pub struct Steps {
    ended: mpsc::Sender<Ended>,
    dropped: Arc<AtomicU64>,
}

/// Sends what [`Steps`] hands over.
pub struct Exporter {
    ended: mpsc::Receiver<Ended>,
    dropped: Arc<AtomicU64>,
    address: Address,
    client: WebClient,
}

/// Both ends, for a node in `data`.
///
/// # Errors
/// What is wrong with the settings.
pub fn pair(data: &Path, settings: &TraceSettings) -> Result<(Steps, Exporter), String> {
    let (send, receive) = mpsc::channel(TRACE_SPANS_WAITING_MAX);
    let roots = settings.ca_file.as_ref().map_or(Roots::System, |file| Roots::File(data.join(file)));
    let (address, dropped) = (settings.address()?, Arc::<AtomicU64>::default());
    let client = WebClient::new(&roots, &Clock::new(clock::now));
    let steps = Steps { ended: send, dropped: Arc::clone(&dropped) };
    Ok((steps, Exporter { ended: receive, dropped, address, client }))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Steps {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let (Some(span), Ok(own)) = (context.span(id), random::bytes::<8>()) else { return };
        let above = span.parent().and_then(|parent| parent.extensions().get::<Open>().map(|open| open.ids));
        let trace = above.map_or_else(random::bytes::<16>, |above| Ok(above.trace));
        let Ok(trace) = trace else { return };
        let ids = Ids { trace, span: own };
        let (begun, since) = (clock::now(), clock::ticks());
        let parent = above.map(|above| above.span);
        span.extensions_mut().insert(Open { ids, parent, begun, since, failed: Failed::No });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut seen = Seen(Failed::No);
        values.record(&mut seen);
        if let (Some(span), Failed::Yes) = (context.span(id), seen.0)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            open.failed = Failed::Yes;
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(Open { ids, parent, begun, since, failed }) = span.extensions_mut().remove::<Open>() else { return };
        let ended = Ended { name: span.name(), ids, parent, begun, took: since.elapsed(), failed };
        if self.ended.try_send(ended).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Seen(Failed);

impl Visit for Seen {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "failed" && value {
            self.0 = Failed::Yes;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Exporter {
    /// Sends what came, at most once in a few seconds, until the process ends. A collector that does not answer loses spans,
    /// never the node's work; it is told about once an hour.
    pub async fn run(mut self) {
        const PAUSE: Duration = Duration::from_secs(2);
        const HOUR: Duration = Duration::from_secs(3_600);
        let (mut batch, mut told) = (Vec::new(), None::<Instant>);
        while self.ended.recv_many(&mut batch, TRACE_BATCH_MAX).await > 0 {
            let body = document(&batch).to_string().into_bytes();
            let json = "application/json";
            let sent = self.client.post(&self.address, json, body, json, WebLimits::default()).await;
            let why = match sent {
                Ok(answer) if (200..300).contains(&answer.status) => None,
                Ok(answer) => Some(format!("it answered with status {}", answer.status)),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = why {
                self.dropped.fetch_add(u64::try_from(batch.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
                if told.is_none_or(|told| told.elapsed() > HOUR) {
                    let dropped = self.dropped.swap(0, Ordering::Relaxed);
                    tracing::warn!(why, dropped, "the collector of [traces] takes no spans");
                    told = Some(clock::ticks());
                }
            }
            batch.clear();
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// `ExportTraceServiceRequest` in the JSON of OTLP 1: identifiers in hexadecimal, times in nanoseconds as text.
fn document(batch: &[Ended]) -> Value {
    let spans: Vec<Value> = batch.iter().map(span).collect();
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let about = [text("service.name", "rogatory"), text("service.version", env!("CARGO_PKG_VERSION"))];
    let scope = json!({ "name": "rogatory" });
    json!({ "resourceSpans": [{
        "resource": { "attributes": about },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] })
}

fn span(ended: &Ended) -> Value {
    let begun = u128::from(ended.begun.as_millis()) * 1_000_000;
    let mut span = json!({
        "traceId": HEXLOWER.encode(&ended.ids.trace),
        "spanId": HEXLOWER.encode(&ended.ids.span),
        "name": ended.name,
        "kind": 1,
        "startTimeUnixNano": begun.to_string(),
        "endTimeUnixNano": (begun + ended.took.as_nanos()).to_string(),
    });
    if let Some(fields) = span.as_object_mut() {
        if let Some(parent) = ended.parent {
            fields.insert("parentSpanId".to_owned(), HEXLOWER.encode(&parent).into());
        }
        if ended.failed == Failed::Yes {
            fields.insert("status".to_owned(), json!({ "code": 2 }));
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn steps_in_steps_are_one_trace_and_say_their_names_and_failures_only() {
        let (send, mut receive) = mpsc::channel(2);
        let steps = Steps { ended: send, dropped: Arc::default() };
        let dropped = Arc::clone(&steps.dropped);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(steps), || {
            let outer = step!("outer");
            outer.in_scope(|| {
                let inner = step!("inner");
                inner.record("failed", true);
            });
            drop(outer);
            drop(step!("too many"));
        });
        let (inner, outer) = (receive.try_recv().unwrap(), receive.try_recv().unwrap());
        assert_eq!((inner.name, inner.failed, inner.parent), ("inner", Failed::Yes, Some(outer.ids.span)));
        assert_eq!((outer.name, outer.failed, outer.parent), ("outer", Failed::No, None));
        assert_eq!(inner.ids.trace, outer.ids.trace);
        assert_eq!(dropped.load(Ordering::Relaxed), 1, "a full queue holds up nobody");
        let told = document(&[inner]);
        let span = &told["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let names: Vec<&String> = span.as_object().unwrap().keys().collect();
        let wanted =
            ["endTimeUnixNano", "kind", "name", "parentSpanId", "spanId", "startTimeUnixNano", "status", "traceId"];
        assert_eq!(names, wanted);
        assert_eq!(span["traceId"].as_str().unwrap().len(), 32);
    }
}
