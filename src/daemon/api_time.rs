//! The routes of the officers' socket that are about time-stamps: the list, and the act of asking now.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::officer::Admitted;
use crate::daemon::receive::blocking;
use crate::daemon::stamping::stamp;
use crate::daemon::stamps;
use crate::model::event::Role;

/// Who may ask for time-stamps: those who keep the node, and those who audit it. It touches no case.
const RENEW: &[Role] = &[Role::Operator, Role::Auditor];

/// The routes.
pub fn routes() -> Router<Shared> {
    Router::new().route("/v1/time-stamps", get(list).post(renew))
}

/// Says nothing of any case: every officer may see it.
async fn list(State(shared): State<Shared>, _officer: Admitted) -> Result<Json<Value>, Refusal> {
    Ok(Json(blocking(&shared.node, stamps::view).await?))
}

/// Asks all authorities of the settings at once.
async fn renew(State(shared): State<Shared>, officer: Admitted) -> Result<Json<Value>, Refusal> {
    let actor = officer.acting_as(RENEW)?;
    let settings = shared.node.config().time_stamp.clone();
    if settings.is_empty() {
        let why = "no time-stamp authority is in the settings; add [[time_stamp]] to config.toml and reload";
        return Err(Refusal::new(StatusCode::CONFLICT, why));
    }
    let mut asked = JoinSet::new();
    for (place, one) in settings.into_iter().enumerate() {
        let (node, actor) = (Arc::clone(&shared.node), actor.clone());
        asked.spawn(async move {
            let told = match stamp(&node, &one, actor).await {
                Ok(obtained) => stamps::obtained_view(&one.name, &obtained),
                Err(error) => json!({ "authority": one.name, "error": error.to_string() }),
            };
            (place, told)
        });
    }
    let mut told = Vec::new();
    while let Some(done) = asked.join_next().await {
        match done {
            Ok(one) => told.push(one),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    told.sort_by_key(|(place, _)| *place);
    let told: Vec<Value> = told.into_iter().map(|(_, told)| told).collect();
    Ok(Json(json!({ "time_stamps": told })))
}
