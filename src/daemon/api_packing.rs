//! The calls with which an officer fills a package: begins it, sends a folder, goes on after a break, gives it up; and those
//! with which a folder is listed and opened again.

use std::sync::Arc;

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
use crate::daemon::api_stream::{incoming, outgoing, pushed, role_of, why};
use crate::daemon::evidence::Arrived;
use crate::daemon::officer::{Admitted, READ};
use crate::daemon::packing::{self, Purpose};
use crate::daemon::packing_state::Mark;
use crate::daemon::receive::blocking;
use crate::daemon::unpacking::{self, Here, Selection};
use crate::daemon::{packing_resume, packing_tree};
use crate::daemon::uses::NewUse;
use crate::law::conditions::asked::{Act, Asked, PurposeKind, Route};
use crate::model::ident::Id;
use crate::model::path::PathError;
use crate::wire::file_list;

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
        .route("/v1/packages/{id}/list", get(list))
        .route("/v1/packages/{id}/tree", get(open))
}

async fn all(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, |node| Ok(json!({ "packings": packing_resume::all(node) }))).await
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenQuery {
    purpose: String,
    /// Paths, each on a line; all without.
    #[serde(default)]
    paths: String,
    /// `whole`, or `in-part` for what is here by now.
    #[serde(default)]
    arrived: String,
    proceeding: Option<String>,
    purpose_kind: Option<PurposeKind>,
    #[serde(default)]
    route: Route,
}

/// The entries of a folder, a JSON line each, with `"here":false` where bytes are still to come.
async fn list(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Result<Response, Refusal> {
    officer.acting_as(READ)?;
    // Asked first for what stands against it: a body that has begun can only break off.
    blocking(&shared.node, move |node| unpacking::list(node, id, &mut |_, _| false)).await?;
    let node = Arc::clone(&shared.node);
    let body = pushed(move |give| {
        unpacking::list(&node, id, &mut |entry, here| {
            let mut line = file_list::encode(entry);
            if here == Here::Arriving {
                // Before the closing brace and the line end.
                line.truncate(line.len().saturating_sub(2));
                line.extend_from_slice(b",\"here\":false}\n");
            }
            give(line)
        })
    });
    Ok(body.into_response())
}

async fn open(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Query(query): Query<OpenQuery>,
) -> Result<Response, Refusal> {
    why(&query.purpose)?;
    let wrong = |error| Refusal::new(StatusCode::BAD_REQUEST, error);
    let paths = query.paths.split('\n').filter(|path| !path.is_empty()).map(str::parse);
    let selection = Selection { paths: paths.collect::<Result<_, PathError>>().map_err(wrong)? };
    let arrived = if query.arrived == "in-part" { Arrived::InPart } else { Arrived::Whole };
    let OpenQuery { purpose, proceeding, purpose_kind, route, .. } = query;
    let asked = Asked { proceeding, purpose: purpose_kind, route, ..Asked::plain(Act::Open) };
    let new = NewUse { asked, purpose };
    let opened = blocking(&shared.node, move |node| unpacking::open(node, &officer, id, selection, &new, arrived));
    let (opened, node) = (opened.await?, Arc::clone(&shared.node));
    Ok(pushed(move |give| opened.give_all(&node, give)).into_response())
}

async fn discard(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    act(&shared, move |node| packing::discard(node, &officer, id).map(|()| json!({ "given_up": id }))).await
}
