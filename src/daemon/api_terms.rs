//! The calls about terms and uses: what stands on files, what was done with them, who cleared it, what goes onward. Decides
//! nothing itself.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::daemon::api::Shared;
use crate::daemon::api_routes::{Answer, act, look};
use crate::daemon::api_stream::why;
use crate::daemon::forwarding::NewForward;
use crate::daemon::officer::Admitted;
use crate::daemon::uses::NewUse;
use crate::daemon::{evidence, forwarding, terms_view, uses};
use crate::exchange::rows::MessageRow;
use crate::law::conditions::asked::Asked;
use crate::model::ident::Id;

/// The routes.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/terms/{id}", get(conditions))
        .route("/v1/packages/{id}/uses", get(register).post(record))
        .route("/v1/packages/{id}/gate", post(gate))
        .route("/v1/packages/{id}/clearances", post(ask))
        .route("/v1/packages/{id}/clearances/{index}", post(clear))
        .route("/v1/packages/{id}/forward", post(forward))
}

async fn conditions(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    look(&shared, &officer, move |node| terms_view::conditions(node, id)).await
}

async fn register(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    look(&shared, &officer, move |node| uses::register(node, id)).await
}

async fn record(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewUse>,
) -> Answer<Value> {
    why(&new.purpose)?;
    act(&shared, move |node| uses::record(node, &officer, id, &new)).await
}

/// Asks before anything is taken out: what is not allowed must not be opened on the way to being refused.
async fn gate(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(asked): Json<Asked>,
) -> Answer<Value> {
    act(&shared, move |node| {
        evidence::admitted_for(node, &officer, id, &asked).map(|_| json!({ "package_id": id, "allowed": true }))
    })
    .await
}

async fn ask(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewUse>,
) -> Answer<Value> {
    why(&new.purpose)?;
    act(&shared, move |node| uses::ask(node, &officer, id, &new)).await
}

async fn clear(State(shared): State<Shared>, officer: Admitted, Path((id, index)): Path<(Id, u64)>) -> Answer<Value> {
    act(&shared, move |node| uses::clear(node, &officer, id, index)).await
}

async fn forward(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewForward>,
) -> Answer<MessageRow> {
    why(&new.purpose)?;
    act(&shared, move |node| forwarding::forward(node, &officer, id, &new)).await
}
