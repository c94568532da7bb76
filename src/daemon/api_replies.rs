//! The routes of replies and notices: every step in the life of a request that brings no evidence. One way for all kinds:
//! drafted, approved by a second person where that is due, signed, sealed, queued. Refuses what is out of turn.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::api_routes::{Answer, act, look};
use crate::daemon::desk::{self, DeskError};
use crate::daemon::drafting::{self, Draft};
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{lives, packing, views};
use crate::exchange::rows::{Direction, MessageRow, RequestRow};
use crate::law::life::guard::OutOfTurn;
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::message::{Body, Urgency};
use crate::model::notice::Notice;
use crate::model::package::Condition;
use crate::model::request::{Acknowledgement, ExecutionReport, ExecutionStatus, Refusal as RefusalBody, Withdrawal};
use crate::model::time::Timestamp;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/requests/{id}/replies", post(reply))
        .route("/v1/requests/{id}/notices", post(step))
        .route("/v1/notices", post(open))
        .route("/v1/duties", get(duties))
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
        /// The measures that are refused; empty: all.
        #[serde(default)]
        measures: Vec<u32>,
        /// Why no consultation was appropriate.
        #[serde(default)]
        without_consultation: String,
    },
    /// The requesting side withdraws.
    Withdraw {
        /// Why.
        reason: String,
        /// The measures that are withdrawn; empty: all.
        #[serde(default)]
        measures: Vec<u32>,
    },
}

/// A notice as an officer writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNotice {
    /// What it says.
    pub notice: Notice,
    /// To whom; only where it opens a thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<AuthorityId>,
    /// Language of its texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Why it is urgent; absent: as urgent as its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent: Option<String>,
    /// Conditions on what is offered or handed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The package of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_id: Option<Id>,
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
            Body::Acknowledgement(Acknowledgement { reference, contact, note, next_contact, basis: None })
        }
        NewReply::Report { status, text } => Body::Report(ExecutionReport { status, text }),
        NewReply::Refuse { grounds, reasons, measures, without_consultation } => {
            Body::Refusal(RefusalBody { grounds, reasons, measures, without_consultation })
        }
        NewReply::Withdraw { reason, measures } => Body::Withdrawal(Withdrawal { reason, measures }),
    }
}

/// The message that an answer answers: the newest that came from the other side.
pub(super) fn newest_of_other_side(node: &Node, request: &RequestRow) -> Result<Option<Digest>, DeskError> {
    for id in request.messages.iter().rev() {
        let row = node.message(*id)?;
        if row.direction == Direction::Incoming {
            return Ok(Some(row.digest));
        }
    }
    Ok(None)
}

/// What is owed. Who looks makes the node look: what was not done in time is recorded first.
async fn duties(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    look(&shared, &officer, |node| lives::record_overdue(node).and_then(|_| views::duties(node))).await
}

async fn open(State(shared): State<Shared>, officer: Admitted, Json(new): Json<NewNotice>) -> Answer<MessageRow> {
    act(&shared, move |node| -> Result<MessageRow, Refusal> {
        let kind = new.notice.kind;
        let to = new.to.clone().ok_or(DeskError::NoAddressee { kind })?;
        if !kind.opens() {
            return Err(DeskError::from(OutOfTurn::NoThread { kind }).into());
        }
        let draft = Draft::opening(to, Body::Notice(Box::new(new.notice.clone())));
        write(node, &officer, new, draft)
    })
    .await
}

async fn step(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Json(new): Json<NewNotice>,
) -> Answer<MessageRow> {
    act(&shared, move |node| -> Result<MessageRow, Refusal> {
        let request = node.request(id).map_err(DeskError::from)?;
        drafting::in_turn(&request, new.notice.kind)?;
        let answered = newest_of_other_side(node, &request)?;
        let draft = Draft::in_thread(&request, answered, Body::Notice(Box::new(new.notice.clone())));
        write(node, &officer, new, draft)
    })
    .await
}

fn write(node: &Node, officer: &Admitted, new: NewNotice, mut draft: Draft) -> Result<MessageRow, Refusal> {
    let turn = node.turnstile.enter(new.package_id);
    draft.conditions = new.conditions;
    if let Some(language) = new.language {
        draft.language = language;
    }
    if let Some(reason) = new.urgent {
        draft.urgency = Urgency::Urgent;
        draft.urgency_reason = reason;
    }
    draft.files = new.package_id.map(|id| packing::finish(node, officer, id)).transpose()?;
    let row = drafting::draft(node, officer, draft)?;
    if let Some(id) = new.package_id {
        packing::close(node, id);
    }
    drop(turn);
    Ok(desk::send_if_alone_may(node, officer, row)?)
}
