//! The calls with which an officer fills a package: begins it, sends a folder, goes on after a break, gives it up.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::api_routes::{Answer, act, look};
use crate::daemon::api_stream::{incoming, outgoing, role_of};
use crate::daemon::officer::Admitted;
use crate::daemon::packing::{self, Purpose};
use crate::daemon::packing_state::Mark;
use crate::daemon::receive::blocking;
use crate::daemon::{packing_resume, packing_tree};
use crate::model::ident::Id;

/// A package to be begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPacking {
    /// What it is for.
    pub purpose: Purpose,
    /// What the one who begins it wants to know when it is resumed.
    #[serde(default)]
    pub plan: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeQuery {
    role: String,
}

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/packings", get(all).post(begin))
        .route("/v1/packings/{id}", get(resume))
        .route("/v1/packings/{id}/list", get(listed))
        .route("/v1/packings/{id}/tree", put(tree))
        .route("/v1/packings/{id}/discard", post(discard))
}

async fn all(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, |node| Ok(packing_resume::all(node))).await
}

async fn begin(State(shared): State<Shared>, officer: Admitted, Json(new): Json<NewPacking>) -> Answer<Value> {
    let begun = act(&shared, move |node| packing::begin_for(node, &officer, &new.purpose, new.plan));
    Ok(Json(json!({ "package_id": begun.await?.0 })))
}

async fn resume(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    act(&shared, move |node| packing_resume::resume_point(node, &officer, id)).await
}

async fn listed(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Result<Response, Refusal> {
    let (mut list, _) = blocking(&shared.node, move |node| packing_resume::listed(node, &officer, id)).await?;
    Ok((StatusCode::OK, outgoing(move |block| list.read(block))).into_response())
}

async fn tree(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Query(query): Query<TreeQuery>,
    body: Body,
) -> Answer<Mark> {
    let role = role_of(&query.role)?;
    let sealed =
        incoming(&shared, body, None, move |node, content| packing_tree::add_tree(node, &officer, id, role, content));
    Ok(Json(sealed.await?))
}

async fn discard(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    act(&shared, move |node| packing::discard(node, &officer, id).map(|()| json!({ "given_up": id }))).await
}
