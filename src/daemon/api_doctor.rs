//! The routes of `rogatory doctor`: what the node finds at itself and on the way to a peer. No case content passes here.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};

use crate::daemon::api::Shared;
use crate::daemon::health::{self, Finding};
use crate::daemon::officer::Admitted;
use crate::daemon::receive::blocking;
use crate::daemon::{clock, doctor};
use crate::model::ident::AuthorityId;

/// The routes.
pub fn routes() -> Router<Shared> {
    Router::new().route("/v1/doctor", get(node)).route("/v1/doctor/{peer}", get(peer))
}

async fn node(State(shared): State<Shared>, _officer: Admitted) -> Json<Vec<Finding>> {
    Json(blocking(&shared.node, |node| health::examine(node, clock::now())).await)
}

async fn peer(State(shared): State<Shared>, _officer: Admitted, Path(peer): Path<AuthorityId>) -> Json<Vec<Finding>> {
    Json(doctor::examine(&shared.node, &shared.endpoint, &peer).await)
}
