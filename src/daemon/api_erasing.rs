//! The calls by which officers erase records and destroy packages, two of them for each. Decides nothing itself.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::api_routes::{Answer, act};
use crate::daemon::erasing::{ErasingError, Scope, Told};
use crate::daemon::officer::{Admitted, READ};
use crate::daemon::{destroying, erasing};
use crate::exchange::erasing::Grounds;
use crate::model::ident::Id;

/// The routes.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/erasures", post(ask))
        .route("/v1/erasures/{asked}/confirm", post(confirm))
        .route("/v1/packages/{id}/destruction", get(certificate).post(ask_destruction))
        .route("/v1/packages/{id}/destruction/{asked}/confirm", post(confirm_destruction))
}

/// What a first officer asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// What is to be erased.
    #[serde(default)]
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// By which law.
    pub legal_basis: String,
}

async fn ask(State(shared): State<Shared>, officer: Admitted, Json(new): Json<NewErasure>) -> Answer<Told> {
    act(&shared, move |node| -> Result<Told, ErasingError> {
        let grounds = Grounds::new(&new.reason, &new.legal_basis)?;
        erasing::request(node, &officer, &new.scope, &grounds)
    })
    .await
}

async fn confirm(State(shared): State<Shared>, officer: Admitted, Path(asked): Path<u64>) -> Answer<Told> {
    act(&shared, move |node| erasing::confirm(node, &officer, asked)).await
}

async fn ask_destruction(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewErasure>,
) -> Answer<Value> {
    act(&shared, move |node| -> Result<Value, ErasingError> {
        let grounds = Grounds::new(&new.reason, &new.legal_basis)?;
        destroying::request(node, &officer, id, &grounds)
    })
    .await
}

async fn confirm_destruction(
    State(shared): State<Shared>,
    officer: Admitted,
    Path((id, asked)): Path<(Id, u64)>,
) -> Answer<Value> {
    act(&shared, move |node| destroying::confirm(node, &officer, id, asked)).await
}

async fn certificate(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    officer.acting_as(READ).map_err(Refusal::from)?;
    act(&shared, move |node| destroying::certificate(node, id)).await
}
