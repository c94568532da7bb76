//! The routes of the officers' socket about what a request holds: its check, its printed forms, its bundle for another
//! way.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;

use crate::daemon::api::Shared;
use crate::daemon::api_routes::{Answer, NewRequest, act, look};
use crate::daemon::content;
use crate::daemon::filing::{self, Filed};
use crate::daemon::letters::{self, Printed};
use crate::daemon::officer::Admitted;
use crate::model::ident::Id;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    language: Option<String>,
}

/// The routes.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/content", post(of_file))
        .route("/v1/requests/{id}/content", get(of_request))
        .route("/v1/messages/{id}/letter", get(letter))
        .route("/v1/messages/{id}/filing", get(bundle))
}

async fn of_file(State(shared): State<Shared>, officer: Admitted, Json(new): Json<NewRequest>) -> Answer<Value> {
    look(&shared, &officer, move |node| Ok(content::told(&content::of_file(Some(node), &new)))).await
}

async fn of_request(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    look(&shared, &officer, move |node| content::of_request(node, id)).await
}

async fn letter(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Query(wanted): Query<Wanted>,
) -> Answer<Printed> {
    act(&shared, move |node| letters::print(node, &officer, id, wanted.language.as_deref())).await
}

async fn bundle(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Filed> {
    act(&shared, move |node| filing::bundle(node, &officer, id)).await
}
