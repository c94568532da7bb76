//! The routes of the officers' socket about the legal basis. They look up and show; they record nothing.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::Value;

use crate::daemon::api::Shared;
use crate::daemon::api_routes::{Answer, NewRequest, look};
use crate::daemon::basis_view;
use crate::daemon::officer::Admitted;
use crate::model::ident::Id;

/// The routes.
pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/basis", post(of_file)).route("/v1/requests/{id}/basis", get(of_request))
}

async fn of_file(State(shared): State<Shared>, officer: Admitted, Json(new): Json<NewRequest>) -> Answer<Value> {
    look(&shared, &officer, move |node| basis_view::of_file(node, &new)).await
}

async fn of_request(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    look(&shared, &officer, move |node| basis_view::of_request(node, id)).await
}
