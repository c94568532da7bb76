//! The routes of the officers' socket: each reads its arguments, does one act of the desk, and answers with JSON.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bag::dossier::Dossier;
use crate::daemon::api::{Refusal, Shared};
use crate::daemon::desk::{self, DeskError};
use crate::daemon::drafting::{self, Draft};
use crate::daemon::node::Node;
use crate::daemon::officer::{Admitted, READ};
use crate::daemon::receive::blocking;
use crate::daemon::registrar::Wake;
use crate::daemon::{acceptance, api_custody, api_doctor, api_erasing, api_packing, api_stream, api_time, dossier, packing, views};
use crate::exchange::rows::{Direction, MessageRow, RequestRow};
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::{Body, MessageKind, ReplyBy, Urgency};
use crate::model::package::Condition;
use crate::model::request::{
    Acknowledgement, Completeness, EvidenceTransmittal, ExecutionReport, ExecutionStatus, Refusal as RefusalBody,
    RequestBody, Withdrawal,
};
use crate::model::time::Timestamp;

pub(super) type Answer<T> = Result<Json<T>, Refusal>;

/// Every route.
pub fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/reload", post(reload))
        .route("/v1/requests", get(requests).post(new_request))
        .route("/v1/requests/{id}", get(request))
        .route("/v1/requests/{id}/replies", post(reply))
        .route("/v1/messages/{id}/approve", post(approve))
        .route("/v1/messages/{id}/send", post(send))
        .route("/v1/messages/{id}/discard", post(discard))
        .route("/v1/packages", get(packages).post(begin_package))
        .route("/v1/packages/{id}", get(package))
        .route("/v1/packages/{id}/files", put(api_stream::add_file))
        .route("/v1/packages/{id}/files/{object}", get(api_stream::open_file))
        .route("/v1/packages/{id}/transmittal", post(transmittal))
        .route("/v1/packages/{id}/send", post(send_package))
        .route("/v1/packages/{id}/acceptance", post(accept))
        .route("/v1/packages/{id}/dossier", post(export))
        .merge(api_custody::routes())
        .merge(api_packing::routes())
        .merge(api_doctor::routes())
        .merge(api_time::routes())
        .merge(api_erasing::routes())
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, "no such call") })
        .with_state(shared)
}

/// A request as an officer writes it, in TOML or JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// The requested authority.
    pub to: AuthorityId,
    /// Language of its texts.
    #[serde(default = "english")]
    pub language: String,
    /// How soon.
    #[serde(default)]
    pub urgency: Urgency,
    /// Why it is urgent.
    #[serde(default)]
    pub urgency_reason: String,
    /// A wished time limit.
    #[serde(default)]
    pub reply_by: Option<Timestamp>,
    /// Why there is a time limit.
    #[serde(default)]
    pub reply_by_reason: String,
    /// The treaties it rests on.
    #[serde(default)]
    pub legal_bases: Vec<String>,
    /// Undertakings.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The package of its attachments.
    #[serde(default)]
    pub package_id: Option<Id>,
    /// What is asked for.
    pub request: RequestBody,
}

fn english() -> String {
    "en".to_owned()
}

/// A reply as an officer writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NewReply {
    /// The legal acknowledgement.
    Ack {
        /// The own file reference.
        #[serde(default)]
        reference: String,
        /// Whom to ask.
        #[serde(default)]
        contact: String,
        /// Anything else.
        #[serde(default)]
        note: String,
        /// When the next message will come.
        #[serde(default)]
        next_contact: Option<Timestamp>,
    },
    /// How the execution goes.
    Report {
        /// How far.
        status: ExecutionStatus,
        /// What was done.
        text: String,
    },
    /// A refusal.
    Refuse {
        /// Grounds.
        #[serde(default)]
        grounds: Vec<String>,
        /// Reasons.
        reasons: String,
    },
    /// The requesting side withdraws.
    Withdraw {
        /// Why.
        reason: String,
    },
}

/// The words that go with a package of evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTransmittal {
    /// The request that it answers.
    pub request_id: Id,
    /// The own reference.
    #[serde(default)]
    pub reference: String,
    /// What it holds.
    #[serde(default)]
    pub description: String,
    /// Whether more will follow.
    pub completeness: Completeness,
    /// The conditions on it.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Why {
    reason: String,
}

pub(super) async fn act<T, E>(shared: &Shared, step: impl FnOnce(&Node) -> Result<T, E> + Send + 'static) -> Answer<T>
where
    T: Serialize + Send + 'static,
    E: Into<Refusal> + Send + 'static,
{
    blocking(&shared.node, step).await.map(Json).map_err(Into::into)
}

/// Lists and the log show subjects, names and reasons: they are for those who work on cases or audit them.
pub(super) async fn look(
    shared: &Shared,
    officer: &Admitted,
    view: impl FnOnce(&Node) -> Result<Value, DeskError> + Send + 'static,
) -> Answer<Value> {
    officer.acting_as(READ)?;
    act(shared, view).await
}

async fn status(State(shared): State<Shared>, _officer: Admitted) -> Answer<Value> {
    act(&shared, views::status).await
}

async fn reload(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    let node = Arc::clone(&shared.node);
    let done = blocking(&node, Node::reload).await;
    done.map_err(|error| Refusal::new(StatusCode::CONFLICT, error))?;
    // The courier ends only with the node.
    let _ = shared.wake.send(Wake::Reloaded);
    Ok(Json(shared.with_waiting(status(State(shared.clone()), officer).await?.0)))
}

async fn requests(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, views::requests).await
}

async fn request(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    act(&shared, move |node| desk::read(node, &officer, id).and_then(|()| views::request(node, id))).await
}

async fn new_request(
    State(shared): State<Shared>,
    officer: Admitted,
    Json(new): Json<NewRequest>,
) -> Answer<MessageRow> {
    act(&shared, move |node| -> Result<MessageRow, Refusal> {
        let _turn = node.turnstile.enter(new.package_id);
        let files = new.package_id.map(|id| packing::finish(node, &officer, id)).transpose()?;
        let draft = Draft {
            to: new.to,
            request_id: None,
            in_reply_to: None,
            language: new.language,
            urgency: new.urgency,
            urgency_reason: new.urgency_reason,
            reply_by: new.reply_by.map(|at| ReplyBy { at, reason: new.reply_by_reason }),
            legal_bases: new.legal_bases,
            conditions: new.conditions,
            files,
            body: Body::Request(Box::new(new.request)),
        };
        let row = drafting::draft(node, &officer, draft)?;
        if let Some(id) = new.package_id {
            packing::close(node, id);
        }
        Ok(row)
    })
    .await
}

async fn reply(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewReply>,
) -> Answer<MessageRow> {
    act(&shared, move |node| {
        let request = node.request(id)?;
        let body = body_of(new);
        drafting::in_turn(&request, body.kind())?;
        let answered = newest_of_other_side(node, &request)?;
        let drafted = drafting::draft(node, &officer, Draft::in_thread(&request, answered, body))?;
        desk::send_if_alone_may(node, &officer, drafted)
    })
    .await
}

fn body_of(new: NewReply) -> Body {
    match new {
        NewReply::Ack { reference, contact, note, next_contact } => {
            Body::Acknowledgement(Acknowledgement { reference, contact, note, next_contact })
        }
        NewReply::Report { status, text } => Body::Report(ExecutionReport { status, text }),
        NewReply::Refuse { grounds, reasons } => Body::Refusal(RefusalBody { grounds, reasons }),
        NewReply::Withdraw { reason } => Body::Withdrawal(Withdrawal { reason }),
    }
}

/// The message that an answer answers: the newest that came from the other side.
fn newest_of_other_side(node: &Node, request: &RequestRow) -> Result<Option<crate::model::ident::Digest>, DeskError> {
    for id in request.messages.iter().rev() {
        let row = node.message(*id)?;
        if row.direction == Direction::Incoming {
            return Ok(Some(row.digest));
        }
    }
    Ok(None)
}

async fn approve(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<MessageRow> {
    act(&shared, move |node| desk::approve(node, &officer, desk::message_of(node, id)?)).await
}

async fn send(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<MessageRow> {
    act(&shared, move |node| desk::send(node, &officer, desk::message_of(node, id)?)).await
}

async fn discard(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Query(why): Query<Why>,
) -> Answer<MessageRow> {
    act(&shared, move |node| desk::discard(node, &officer, desk::message_of(node, id)?, &why.reason)).await
}

async fn packages(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, views::packages).await
}

async fn begin_package(
    State(shared): State<Shared>,
    officer: Admitted,
    Json(purpose): Json<packing::Purpose>,
) -> Answer<Value> {
    act(&shared, move |node| packing::begin_for(node, &officer, &purpose, Value::Null).map(|id| json!({ "package_id": id }))).await
}

async fn package(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<Value> {
    look(&shared, &officer, move |node| views::package(node, id)).await
}

async fn transmittal(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewTransmittal>,
) -> Answer<MessageRow> {
    act(&shared, move |node| -> Result<MessageRow, Refusal> {
        let request = node.request(new.request_id).map_err(DeskError::from)?;
        drafting::in_turn(&request, MessageKind::EvidenceTransmit)?;
        let answered = newest_of_other_side(node, &request)?;
        let body = Body::Evidence(EvidenceTransmittal {
            reference: new.reference,
            description: new.description,
            completeness: new.completeness,
        });
        let mut draft = Draft::in_thread(&request, answered, body);
        draft.conditions = new.conditions;
        let _turn = node.turnstile.enter([id]);
        draft.files = Some(packing::finish(node, &officer, id)?);
        let row = drafting::draft(node, &officer, draft)?;
        packing::close(node, id);
        Ok(row)
    })
    .await
}

/// A package is sent by somebody else than the one who sealed it: the act approves and sends in one.
async fn send_package(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<MessageRow> {
    act(&shared, move |node| -> Result<MessageRow, DeskError> {
        let message_id = node.package(id)?.message_id;
        desk::approve_and_send(node, &officer, message_id)
    })
    .await
}

async fn accept(State(shared): State<Shared>, officer: Admitted, Path(id): Path<Id>) -> Answer<MessageRow> {
    act(&shared, move |node| acceptance::accept_conditions(node, &officer, id)).await
}

async fn export(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Query(wanted): Query<dossier::Wanted>,
) -> Answer<Dossier> {
    api_stream::why(&wanted.reason)?;
    let part = wanted.part().map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error))?;
    act(&shared, move |node| dossier::export(node, &officer, id, &wanted.reason, part)).await
}
