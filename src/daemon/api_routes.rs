//! The routes of the officers' socket: each reads its arguments, does one act of the desk, and answers with JSON.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::bag::dossier::Dossier;
use crate::daemon::api::{Refusal, Shared};
use crate::daemon::api_replies::newest_of_other_side;
use crate::daemon::basis_view::NewBasis;
use crate::daemon::desk::{self, DeskError};
use crate::daemon::drafting::{self, Draft};
use crate::daemon::node::Node;
use crate::daemon::officer::{Admitted, READ};
use crate::daemon::receive::blocking;
use crate::daemon::traces::step;
use crate::daemon::{
    acceptance, api_basis, api_content, api_custody, api_doctor, api_erasing, api_operate, api_packing, api_replies,
    api_stream, api_terms, api_time, dossier, forwarding, packing, terms, views,
};
use crate::exchange::rows::MessageRow;
use crate::model::asking::Asking;
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::{Body, MessageKind, ReplyBy, Ties, Urgency};
use crate::model::package::Condition;
use crate::model::request::{Completeness, EvidenceTransmittal, RequestBody};
use crate::model::time::Timestamp;

pub(super) type Answer<T> = Result<Json<T>, Refusal>;

/// Every route.
pub fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/reload", post(reload))
        .route("/v1/requests", get(requests).post(new_request))
        .route("/v1/requests/{id}", get(request))
        .merge(api_replies::routes())
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
        .merge(api_basis::routes())
        .merge(api_content::routes())
        .merge(api_custody::routes())
        .merge(api_packing::routes())
        .merge(api_doctor::routes())
        .merge(api_time::routes())
        .merge(api_erasing::routes())
        .merge(api_terms::routes())
        .merge(api_operate::routes())
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
    /// What its legal basis is looked up by.
    #[serde(default)]
    pub basis: NewBasis,
    /// Undertakings.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The package of its attachments.
    #[serde(default)]
    pub package_id: Option<Id>,
    /// In which form it is asked; absent: an ordinary request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageKind>,
    /// An earlier request in the same matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Id>,
    /// Until when the formal request follows the short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_by: Option<Timestamp>,
    /// The thread of the short form that this formal request confirms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirms: Option<Id>,
    /// What is asked for.
    pub request: RequestBody,
}

impl NewRequest {
    /// A request to that authority in which nothing is written yet.
    pub fn blank(to: AuthorityId) -> Self {
        Self {
            to,
            language: english(),
            urgency: Urgency::default(),
            urgency_reason: String::new(),
            reply_by: None,
            reply_by_reason: String::new(),
            legal_bases: Vec::new(),
            basis: NewBasis::default(),
            conditions: Vec::new(),
            package_id: None,
            kind: None,
            parent: None,
            confirm_by: None,
            confirms: None,
            request: RequestBody::default(),
        }
    }

    /// The body, in the form that was chosen.
    pub(super) fn body(request: RequestBody, kind: Option<MessageKind>) -> Result<Body, Refusal> {
        let request = Box::new(request);
        match kind {
            None | Some(MessageKind::RequestSubmit) => Ok(Body::Request(request)),
            Some(kind) => match Asking::of(kind) {
                Some(asking) => Ok(Body::Asking(asking, request)),
                None => {
                    let why = format!("{} carries no content of a request", kind.name());
                    Err(Refusal::new(StatusCode::BAD_REQUEST, why))
                }
            },
        }
    }
}

fn english() -> String {
    "en".to_owned()
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
    let span = step!("officer.act");
    let done = blocking(&shared.node, step).instrument(span.clone()).await;
    span.record("failed", done.is_err());
    done.map(Json).map_err(Into::into)
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
    let affected = shared.reloader.reload().await.map_err(|error| Refusal::new(StatusCode::CONFLICT, error))?;
    let count = affected.len();
    // Which requests there are is for those who work on them; an operator learns how many are affected.
    let affected = if officer.acting_as(READ).is_ok() { affected } else { Vec::new() };
    let mut answer = shared.with_waiting(status(State(shared.clone()), officer).await?.0);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("legal_basis_changed_requests".to_owned(), json!(count));
        fields.insert("legal_basis_changed".to_owned(), json!(affected));
    }
    Ok(Json(answer))
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
        let answered = match new.confirms {
            Some(id) => {
                let request = node.request(id).map_err(DeskError::from)?;
                drafting::in_turn(&request, MessageKind::RequestConfirm)?;
                newest_of_other_side(node, &request)?
            }
            None => None,
        };
        let draft = Draft {
            to: new.to,
            request_id: new.confirms,
            in_reply_to: answered,
            language: new.language,
            urgency: new.urgency,
            urgency_reason: new.urgency_reason,
            reply_by: new.reply_by.map(|at| ReplyBy { at, reason: new.reply_by_reason }),
            legal_bases: new.legal_bases,
            basis: new.basis.wish(),
            conditions: new.conditions,
            files,
            ties: Ties { parent: new.parent, confirm_by: new.confirm_by },
            body: NewRequest::body(new.request, new.kind)?,
        };
        let row = drafting::draft(node, &officer, draft)?;
        if let Some(id) = new.package_id {
            packing::close(node, id);
        }
        Ok(row)
    })
    .await
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
    act(&shared, move |node| {
        packing::begin_for(node, &officer, &purpose, Value::Null).map(|id| json!({ "package_id": id }))
    })
    .await
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
        draft.conditions.extend(terms::accepted_offers(node, new.request_id)?);
        let _turn = node.turnstile.enter([id]);
        draft.files = Some(packing::finish(node, &officer, id)?);
        forwarding::refuse_received(node, &draft)?;
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
    act(&shared, move |node| dossier::export_for(node, &officer, id, &wanted.new_use(), part)).await
}
