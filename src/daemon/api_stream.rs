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
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::packing::{self, FileFacts};
use crate::daemon::receive::blocking;
use crate::daemon::uses::NewUse;
use crate::law::conditions::asked::{Act, Asked, PurposeKind, Route};
use crate::model::ident::Id;
use crate::model::limits::PART_BYTES;
use crate::model::listed::{FurtherAlgorithm, FurtherDigest};
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
    /// Further digests: words for those to be made, `word=hex` for those that it must have; spaces between.
    #[serde(default)]
    pub also: String,
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
    let role = role_of(&query.role)?;
    let (also, expected) = further(&query.also)?;
    let (name, media_type, description) = (query.name, query.media_type, query.description);
    let facts = FileFacts { name, media_type, description, role, also, expected };
    let sealed =
        incoming(&shared, body, query.bytes, move |node, content| packing::add(node, &officer, id, facts, content));
    Ok(Json(sealed.await?))
}

/// Does an act on a body that is read while it comes.
pub(super) async fn incoming<T: Send + 'static>(
    shared: &Shared,
    body: Body,
    expected_bytes: Option<u64>,
    act: impl FnOnce(&Node, &mut dyn Read) -> T + Send + 'static,
) -> T {
    let (give, take) = mpsc::channel(4);
    let feeding = tokio::spawn(feed(body, give, expected_bytes));
    let done = blocking(&shared.node, move |node| act(node, &mut Incoming { take, rest: Bytes::new(), over: false }));
    let done = done.await;
    feeding.abort();
    done
}

/// Why a file travels, by its word.
pub(super) fn role_of(word: &str) -> Result<ItemRole, Refusal> {
    match word {
        "attachment" => Ok(ItemRole::Attachment),
        "evidence" => Ok(ItemRole::Evidence),
        _ => Err(Refusal::new(StatusCode::BAD_REQUEST, "role is `attachment` or `evidence`")),
    }
}

fn further(text: &str) -> Result<(Vec<FurtherAlgorithm>, Vec<FurtherDigest>), Refusal> {
    let (mut also, mut expected) = (Vec::new(), Vec::new());
    let wrong = |error| Refusal::new(StatusCode::BAD_REQUEST, error);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if word.contains('=') {
            expected.push(word.parse().map_err(wrong)?);
        } else {
            also.push(word.parse().map_err(wrong)?);
        }
    }
    Ok((also, expected))
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
    let body = outgoing(move |block| plaintext.read(block));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(item.plaintext_bytes));
    Ok((headers, body).into_response())
}

/// A body of what is given piece by piece, in a thread of its own. If it ends in an error, the body breaks off.
pub(super) fn pushed<E: std::fmt::Display>(
    push: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), E> + Send + 'static,
) -> Body {
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(4);
    let (give, mut take) = mpsc::channel::<io::Result<Bytes>>(4);
    tokio::task::spawn_blocking(move || {
        let done = push(&mut |piece| piece.is_empty() || give.blocking_send(Ok(Bytes::from(piece))).is_ok());
        let end = done.map(|()| Bytes::new()).map_err(|error| io::Error::other(error.to_string()));
        // Whoever reads may be gone; then nobody waits for the end.
        let _ = give.blocking_send(end);
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
    Body::new(body)
}

/// A body of what a reader gives, read in a thread of its own.
pub(super) fn outgoing(mut read: impl FnMut(&mut [u8]) -> io::Result<usize> + Send + 'static) -> Body {
    pushed(move |give| {
        loop {
            let mut block = vec![0; PART_BYTES];
            let count = read(&mut block)?;
            block.truncate(count);
            if count == 0 || !give(block) {
                return Ok::<(), io::Error>(());
            }
        }
    })
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
