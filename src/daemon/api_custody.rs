//! The routes of the custody log: its time-line, one entry, its proof, its disclosure. Reads only.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::api_routes::{Answer, look};
use crate::daemon::officer::{Admitted, READ};
use crate::daemon::receive::blocking;
use crate::daemon::{views, witness_view};
use crate::model::ident::Id;

/// The routes.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/custody", get(custody))
        .route("/v1/custody/checkpoint", get(newest_checkpoint))
        .route("/v1/custody/witness", get(watching))
        .route("/v1/custody/{index}", get(custody_entry))
        .route("/v1/custody/{index}/proof", get(proof))
        .route("/v1/custody/{index}/receipt", get(receipt))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Window {
    request: Option<Id>,
    from: u64,
    limit: Option<usize>,
}

async fn custody(State(shared): State<Shared>, officer: Admitted, Query(window): Query<Window>) -> Answer<Value> {
    let limit = window.limit.unwrap_or(1_000);
    look(&shared, &officer, move |node| views::custody(node, window.request, window.from, limit)).await
}

async fn custody_entry(State(shared): State<Shared>, officer: Admitted, Path(index): Path<u64>) -> Answer<Value> {
    look(&shared, &officer, move |node| views::custody_entry(node, index)).await
}

async fn newest_checkpoint(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, witness_view::checkpoint).await
}

async fn watching(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, witness_view::witness).await
}

async fn proof(State(shared): State<Shared>, officer: Admitted, Path(index): Path<u64>) -> Result<Response, Refusal> {
    officer.acting_as(READ)?;
    let proof = blocking(&shared.node, move |node| node.ledger.reader().prove(index)).await;
    proof.map(axum::response::IntoResponse::into_response).map_err(|error| Refusal::new(StatusCode::NOT_FOUND, error))
}

/// The record with its salt and proof, in the form in which a peer gets one.
async fn receipt(State(shared): State<Shared>, officer: Admitted, Path(index): Path<u64>) -> Result<Vec<u8>, Refusal> {
    officer.acting_as(READ)?;
    let receipt = blocking(&shared.node, move |node| node.receipt(index)).await;
    receipt.map_err(|error| Refusal::new(StatusCode::NOT_FOUND, error))
}
