//! The routes for operators: backups, what a put-back log lacks, keys, holds. No case content passes here but sealed.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::channel::Channel;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::api_routes::Answer;
use crate::daemon::backup::{self, Last};
use crate::daemon::compare::{self, Side};
use crate::daemon::emergency;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::receive::blocking;
use crate::daemon::rotate::{ANY_ROLE, Kind, Rotated};
use crate::daemon::rotate_live;
use crate::model::ident::{AuthorityId, Digest, Id};

/// The routes.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/backup", get(make))
        .route("/v1/put-back", get(compared))
        .route("/v1/put-back/resume", post(resume))
        .route("/v1/put-back/take-again/{peer}", post(take_again))
        .route("/v1/keys/{kind}/rotation", post(rotation))
        .route("/v1/keys/{kind}", get(reach))
        .route("/v1/holds", get(holds))
        .route("/v1/holds/peers/{peer}", post(suspend).delete(resume_peer))
        .route("/v1/holds/node", post(freeze).delete(thaw))
}

/// The last volume of the chain that is to be continued: all three, or none.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Chain {
    chain: Option<Id>,
    number: Option<u32>,
    head: Option<Digest>,
}

/// Blocks of a volume on their way to the caller.
struct Outgoing(mpsc::Sender<io::Result<Bytes>>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn make(
    State(shared): State<Shared>,
    officer: Admitted,
    Query(chain): Query<Chain>,
) -> Result<Response, Refusal> {
    officer.acting_as(ANY_ROLE)?;
    let last = match (chain.chain, chain.number, chain.head) {
        (Some(chain), Some(number), Some(head)) => Some(Last { chain, number, head }),
        (None, None, None) => None,
        _ => return Err(Refusal::new(StatusCode::BAD_REQUEST, "chain, number and head go together")),
    };
    let (give, mut take) = mpsc::channel::<io::Result<Bytes>>(8);
    let node = shared.node.clone();
    let working = tokio::task::spawn_blocking(move || {
        let mut out = Outgoing(give);
        let made = backup::of_running(&node, &officer, last, &mut out);
        if let Err(error) = &made {
            let _ = out.0.blocking_send(Err(io::Error::other(error.to_string())));
        }
        made.map_err(|error| error.to_string())
    });
    // What is wrong before the first byte is said as such.
    let first = match take.recv().await {
        Some(Ok(first)) => first,
        _ => {
            let why = working.await.ok().and_then(Result::err).unwrap_or_default();
            return Err(Refusal::new(StatusCode::CONFLICT, why));
        }
    };
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(4);
    tokio::spawn(async move {
        let mut next = Some(Ok(first));
        while let Some(block) = next {
            match block {
                Ok(bytes) => {
                    if sender.send_data(bytes).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a backup was not made to its end");
                    sender.abort(error);
                    return;
                }
            }
            next = take.recv().await;
        }
    });
    Ok(Body::new(body).into_response())
}

async fn compared(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    officer.acting_as(ANY_ROLE)?;
    let sides = sides(&shared).await?;
    let reader = shared.node.ledger.reader();
    Ok(Json(json!({
        "put_back": shared.node.ledger.is_put_back(),
        "log": shared.node.origin(),
        "size": reader.size(),
        "peers": sides,
    })))
}

async fn sides(shared: &Shared) -> Result<Vec<Side>, Refusal> {
    let asked = compare::compare(&shared.node, &shared.endpoint).await;
    asked.map_err(|code| Refusal::new(StatusCode::CONFLICT, format!("no peer can be asked: {code}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Vouched {
    unheard: Vec<AuthorityId>,
}

async fn resume(State(shared): State<Shared>, officer: Admitted, Json(vouched): Json<Vouched>) -> Answer<Value> {
    let sides = sides(&shared).await?;
    let done = blocking(&shared.node, move |node| compare::go_on(node, &officer, &sides, &vouched.unheard)).await;
    let record = done.map_err(|error| Refusal::new(StatusCode::CONFLICT, error))?;
    shared.node.wake_courier();
    Ok(Json(json!({ "record": record })))
}

async fn take_again(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(peer): Path<AuthorityId>,
) -> Answer<Vec<Value>> {
    officer.acting_as(ANY_ROLE)?;
    let row = shared.node.any_directory().and_then(|known| known.roster().authority(&peer).cloned());
    let row = row.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "the directory does not list that authority"))?;
    let taken = compare::take_again(&shared.node, &shared.endpoint, &row).await;
    let taken = taken.map_err(|error| Refusal::new(StatusCode::CONFLICT, error))?;
    let told = |(id, code): (Id, Option<crate::model::refusal::RefusalCode>)| json!({ "envelope_id": id, "refused": code.map(|code| code.name()) });
    Ok(Json(taken.into_iter().map(told).collect()))
}

async fn rotation(State(shared): State<Shared>, officer: Admitted, Path(kind): Path<Kind>) -> Answer<Rotated> {
    let done = blocking(&shared.node, move |node| rotate_live::rotate(node, &officer, kind)).await;
    let done = done.map_err(|error| Refusal::new(StatusCode::CONFLICT, error))?;
    // New links are made with the new key; the old ones stay until they end.
    shared.node.wake_courier();
    Ok(Json(done))
}

async fn reach(State(shared): State<Shared>, officer: Admitted, Path(kind): Path<Kind>) -> Answer<Value> {
    officer.acting_as(ANY_ROLE)?;
    let found = blocking(&shared.node, move |node| emergency::reach(node, kind)).await;
    found.map(Json).map_err(|error| Refusal::new(StatusCode::CONFLICT, error))
}

async fn holds(State(shared): State<Shared>, _officer: Admitted) -> Json<Value> {
    Json(emergency::holds(&shared.node))
}

/// Why something is stopped, or goes on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Why {
    reason: String,
}

async fn suspend(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(peer): Path<AuthorityId>,
    Json(why): Json<Why>,
) -> Answer<Value> {
    held(&shared, move |node| emergency::suspend(node, &officer, &peer, &why.reason)).await
}

async fn resume_peer(State(shared): State<Shared>, officer: Admitted, Path(peer): Path<AuthorityId>) -> Answer<Value> {
    held(&shared, move |node| emergency::resume(node, &officer, &peer)).await
}

async fn freeze(State(shared): State<Shared>, officer: Admitted, Json(why): Json<Why>) -> Answer<Value> {
    held(&shared, move |node| emergency::freeze(node, &officer, &why.reason)).await
}

async fn thaw(State(shared): State<Shared>, officer: Admitted) -> Answer<Value> {
    held(&shared, move |node| emergency::thaw(node, &officer)).await
}

async fn held(
    shared: &Shared,
    act: impl FnOnce(&Node) -> Result<u64, emergency::EmergencyError> + Send + 'static,
) -> Answer<Value> {
    let record = blocking(&shared.node, act).await.map_err(|error| Refusal::new(StatusCode::CONFLICT, error))?;
    // What waited goes on, or stops, at once.
    shared.node.wake_courier();
    Ok(Json(json!({ "record": record, "holds": emergency::holds(&shared.node) })))
}
