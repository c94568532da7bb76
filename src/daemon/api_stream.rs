//! Files in and out over the officers' socket, as streams: no file is ever held in memory whole.

use std::io::{self, Read};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::daemon::api::{Refusal, Shared};
use crate::daemon::evidence;
use crate::daemon::officer::Admitted;
use crate::daemon::packing::{self, FileFacts};
use crate::daemon::receive::blocking;
use crate::daemon::uses::NewUse;
use crate::law::conditions::asked::{Act, Asked, PurposeKind, Route};
use crate::model::ident::Id;
use crate::model::limits::PART_BYTES;
use crate::model::package::{Item, ItemRole};

/// What goes with a file that is added.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// `attachment` or `evidence`.
    pub role: String,
    /// Its length, so that a body that breaks off is noticed.
    pub bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Purpose {
    purpose: String,
    proceeding: Option<String>,
    purpose_kind: Option<PurposeKind>,
    route: Route,
}

pub(super) async fn add_file(
    State(shared): State<Shared>,
    officer: Admitted,
    Path(id): Path<Id>,
    Query(query): Query<FileQuery>,
    body: Body,
) -> Result<Json<Item>, Refusal> {
    let role = match query.role.as_str() {
        "attachment" => ItemRole::Attachment,
        "evidence" => ItemRole::Evidence,
        _ => return Err(Refusal::new(StatusCode::BAD_REQUEST, "role is `attachment` or `evidence`")),
    };
    let facts = FileFacts { name: query.name, media_type: query.media_type, description: query.description, role };
    let (give, take) = mpsc::channel(4);
    let expected_bytes = query.bytes;
    let feeding = tokio::spawn(feed(body, give, expected_bytes));
    let sealed = blocking(&shared.node, move |node| {
        let mut incoming = Incoming { take, rest: Bytes::new(), over: false };
        packing::add(node, &officer, id, facts, &mut incoming)
    })
    .await;
    feeding.abort();
    Ok(Json(sealed?))
}

pub(super) async fn open_file(
    State(shared): State<Shared>,
    officer: Admitted,
    Path((id, object)): Path<(Id, u32)>,
    Query(purpose): Query<Purpose>,
) -> Result<Response, Refusal> {
    why(&purpose.purpose)?;
    let Purpose { purpose, proceeding, purpose_kind, route } = purpose;
    let asked = Asked { proceeding, purpose: purpose_kind, route, ..Asked::plain(Act::Open) };
    let new = NewUse { asked, purpose };
    let opened = blocking(&shared.node, move |node| evidence::open_for(node, &officer, id, object, &new)).await;
    let (item, mut plaintext) = opened?;
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(4);
    let (give, mut take) = mpsc::channel::<io::Result<Bytes>>(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut block = vec![0; PART_BYTES];
            let block = plaintext.read(&mut block).map(|read| {
                block.truncate(read);
                Bytes::from(block)
            });
            let last = !matches!(&block, Ok(bytes) if !bytes.is_empty());
            if give.blocking_send(block).is_err() || last {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(block) = take.recv().await {
            match block {
                Ok(bytes) if bytes.is_empty() => return,
                Ok(bytes) => {
                    if sender.send_data(bytes).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a file could not be given out to its end");
                    sender.abort(error);
                    return;
                }
            }
        }
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(item.plaintext_bytes));
    Ok((headers, Body::new(body)).into_response())
}

/// Who takes evidence out says what for: it stands in the log.
pub(super) fn why(purpose: &str) -> Result<(), Refusal> {
    if purpose.trim().is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "say what for: the purpose stands in the custody log"));
    }
    Ok(())
}

/// Hands the body on; says at its end whether it was whole.
async fn feed(mut body: Body, give: mpsc::Sender<io::Result<Bytes>>, expected_bytes: Option<u64>) {
    let mut seen_bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        let given = match frame.map(|frame| frame.into_data()) {
            Ok(Ok(bytes)) => {
                seen_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                give.send(Ok(bytes)).await
            }
            Ok(Err(_)) => continue,
            Err(_) => give.send(Err(io::ErrorKind::UnexpectedEof.into())).await,
        };
        if given.is_err() {
            return;
        }
    }
    let whole = expected_bytes.is_none_or(|expected| expected == seen_bytes);
    let end = if whole { Ok(Bytes::new()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
    // The sealer may have given up already; then nobody waits for the end.
    let _ = give.send(end).await;
}

/// The body as the sealer reads it. Without its end mark it is cut, never short.
struct Incoming {
    take: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
    over: bool,
}

impl Read for Incoming {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.over {
            match self.take.blocking_recv() {
                Some(Ok(bytes)) if bytes.is_empty() => self.over = true,
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Err(error),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = self.rest.len().min(out.len());
        let taken = self.rest.split_to(count);
        if let Some(to) = out.get_mut(..count) {
            to.copy_from_slice(&taken);
        }
        Ok(count)
    }
}
