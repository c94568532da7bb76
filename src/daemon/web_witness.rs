//! This node as a witness over the web (C2SP tlog-witness): `POST /witness/add-checkpoint` cosigns, `GET
//! /witness/<hex SHA-256 of origin>/checkpoint` shows what is held. Only logs of the directory; never our own.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use data_encoding::HEXLOWER;
use tokio::sync::Semaphore;

use crate::crypto::digest::sha256;
use crate::custody::witness::{AddCheckpoint, Refusal, conflict_body};
use crate::daemon::clock;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::daemon::witness::{NotCosigned, Offers, held, offered};
use crate::model::authority::Authority;
use crate::model::limits::WEB_CHECKPOINTS_AT_ONCE_MAX;

const TEXT: &str = "text/plain; charset=utf-8";

/// The node and the places of those who submit.
#[derive(Clone)]
struct Shared {
    node: Arc<Node>,
    places: Arc<Semaphore>,
}

/// The routes of the witness.
pub fn routes(node: &Arc<Node>) -> Router {
    let places = Arc::new(Semaphore::new(WEB_CHECKPOINTS_AT_ONCE_MAX));
    Router::new()
        .route("/witness/add-checkpoint", post(add_checkpoint))
        .route("/witness/{log}/checkpoint", get(checkpoint))
        .with_state(Shared { node: Arc::clone(node), places })
}

async fn add_checkpoint(State(shared): State<Shared>, body: Bytes) -> Response<Body> {
    // Attack: anybody may submit, and judging costs signatures and an fsync. Peers have lanes of their own and wait for nobody here.
    let Ok(_place) = shared.places.try_acquire() else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "busy; try again\n".to_owned());
    };
    blocking(&shared.node, move |node| answer(node, &body)).await
}

fn answer(node: &Node, body: &[u8]) -> Response<Body> {
    let refused = |refusal: Refusal| {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        text(status, format!("{refusal}\n"))
    };
    let request = match AddCheckpoint::parse(body) {
        Ok(request) => request,
        Err(refusal) => return refused(refusal),
    };
    let Some(owner) = owner(node, |row| row.log_origin() == request.origin()) else {
        return refused(Refusal::UnknownLog);
    };
    match offered(node, &owner, Offers::Anybody, &request) {
        Ok(lines) => text(StatusCode::OK, lines),
        Err(NotCosigned::Held(held)) => conflict(held.checkpoint().size()),
        Err(NotCosigned::Judged(Refusal::Conflict { stored_size })) => conflict(stored_size),
        Err(NotCosigned::Judged(refusal)) => refused(refusal),
        Err(NotCosigned::CannotStore) => text(StatusCode::INTERNAL_SERVER_ERROR, "cannot store it now\n".to_owned()),
    }
}

async fn checkpoint(State(shared): State<Shared>, Path(log): Path<String>) -> Response<Body> {
    blocking(&shared.node, move |node| shown(node, &log)).await
}

fn shown(node: &Node, log: &str) -> Response<Body> {
    let wanted = |row: &Authority| HEXLOWER.encode(&sha256(row.log_origin().as_bytes()).0) == log;
    let owner = owner(node, wanted).filter(|_| node.config().witness.gossip);
    let held = owner.and_then(|owner| held(&owner, &node.witness.files.log(&owner.log_origin())).ok().flatten());
    match held {
        Some(held) => text(StatusCode::OK, held.note().to_string()),
        None => text(StatusCode::NOT_FOUND, "not found\n".to_owned()),
    }
}

/// The authority of the directory in force whose log is meant, unless it is this one.
fn owner(node: &Node, wanted: impl Fn(&Authority) -> bool) -> Option<Authority> {
    let directory = node.directory(clock::now()).ok()?;
    directory.roster().authorities().find(|row| row.id != *node.us() && wanted(row)).cloned()
}

fn conflict(size: u64) -> Response<Body> {
    (StatusCode::CONFLICT, [(CONTENT_TYPE, "text/x.tlog.size")], conflict_body(size)).into_response()
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let head = [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, head, body).into_response()
}
