//! The operator's listener: is it alive, is it ready, what does it count. Private: it shows no case content, and still belongs
//! on loopback or a management network. Takes nothing.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::daemon::clock;
use crate::daemon::health::{self, Finding, Grade};
use crate::daemon::meters;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;

const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes.
pub fn routes(node: &Arc<Node>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found; there are /livez, /readyz and /metrics\n") })
        .with_state(Arc::clone(node))
}

/// 200 if the node can do its work, 503 otherwise; a line for each thing that was looked at.
async fn ready(State(node): State<Arc<Node>>, headers: HeaderMap) -> Response {
    let findings = blocking(&node, |node| health::examine(node, clock::now())).await;
    let status = match health::worst(&findings) {
        Grade::Bad => StatusCode::SERVICE_UNAVAILABLE,
        Grade::Good | Grade::Warning => StatusCode::OK,
    };
    let wants_json = headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    if wants_json {
        let ready = status == StatusCode::OK;
        return (status, [(CACHE_CONTROL, "no-store")], axum::Json(json!({ "ready": ready, "findings": findings })))
            .into_response();
    }
    let text: String = findings.iter().map(line).collect();
    (status, [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// One finding as a line for people.
pub fn line(finding: &Finding) -> String {
    let word = match finding.grade {
        Grade::Good => "ok",
        Grade::Warning => "WARN",
        Grade::Bad => "BAD",
    };
    let next = if finding.next.is_empty() { String::new() } else { format!("; next: {}", finding.next) };
    format!("{word:<5}{:<16}{}{next}\n", finding.check, finding.seen)
}

async fn metrics(State(node): State<Arc<Node>>) -> Response {
    match blocking(&node, |node| meters::text(node, clock::now())).await {
        Ok(text) => ([(CONTENT_TYPE, METRICS), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_it_is_and_what_to_do_next() {
        assert_eq!(line(&Finding::good("disk", "9 MiB free")), "ok   disk            9 MiB free\n");
        let bad = Finding::bad("disk", "0 MiB free", "free space");
        assert_eq!(line(&bad), "BAD  disk            0 MiB free; next: free space\n");
    }
}
