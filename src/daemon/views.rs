//! What officers are shown: lists, threads, time-lines, as JSON. Reads only; decides nothing.

use serde_json::{Value, json};

use crate::daemon::basis_view;
use crate::daemon::desk::{DeskError, read_message, state_name};
use crate::daemon::destroying;
use crate::daemon::letters;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::packing_resume;
use crate::daemon::stamps;
use crate::daemon::{clock, lives_view};
use crate::exchange::rows::{MessageRow, PackageRow, RequestRow, RequestState, from_bytes, timeline_key, tree};
use crate::model::event::{Actor, CustodyRecord, Outcome};
use crate::model::ident::Id;
use crate::model::message::{Body, Message};
use crate::store::index::Direction as Order;

/// Most rows of one list.
const ROWS_MAX: usize = 10_000;

/// All requests, both ways, with their states: the overdue first, then by their next date.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn requests(node: &Node) -> Result<Value, DeskError> {
    let (rows, more): (Vec<RequestRow>, bool) = newest(node, tree::REQUEST)?;
    let now = clock::now();
    let lines = rows.iter().map(|row| lives_view::line(node, row, now)).collect::<Result<Vec<_>, _>>()?;
    let mut placed: Vec<_> = lines.into_iter().map(|line| (lives_view::place(&line), line)).collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    let lines: Vec<Value> = placed.into_iter().map(|(_, line)| line).collect();
    Ok(json!({ "authority": node.us(), "requests": lines, "more": more }))
}

/// What is owed in all requests, by both sides: the overdue first, then by date.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn duties(node: &Node) -> Result<Value, DeskError> {
    let (rows, more): (Vec<RequestRow>, bool) = newest(node, tree::REQUEST)?;
    let now = clock::now();
    let mut duties = Vec::new();
    for row in rows.iter().filter(|row| row.state != RequestState::Draft && row.state != RequestState::NotDelivered) {
        duties.extend(lives_view::duties(node, row, now)?);
    }
    duties.sort_by_key(|duty| duty.get("due_ms").and_then(Value::as_u64).unwrap_or(u64::MAX));
    Ok(json!({ "authority": node.us(), "duties": duties, "more": more }))
}

/// One request with its whole thread.
///
/// # Errors
/// [`DeskError`] when there is none of that identifier.
pub fn request(node: &Node, id: Id) -> Result<Value, DeskError> {
    let row = node.request(id)?;
    let mut messages = Vec::new();
    for message_id in &row.messages {
        let message = node.message(*message_id)?;
        messages.push(message_view(&message, &read_message(node, &message)?));
    }
    let basis = basis_view::beside(node, &row)?;
    let line = lives_view::line(node, &row, clock::now())?;
    let life = lives_view::life(node, &row, clock::now())?;
    Ok(json!({ "request": line, "life": life, "basis": basis, "messages": messages }))
}

/// All packages.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn packages(node: &Node) -> Result<Value, DeskError> {
    let (rows, more): (Vec<PackageRow>, bool) = newest(node, tree::PACKAGE)?;
    let mut shown = Vec::new();
    for row in rows {
        let message = node.message(row.message_id)?;
        let state = package_state(node, &row, &message)?;
        let transfer = node.transfers.of(row.package_id);
        shown.push(json!({ "package": row, "kind": message.kind, "state": state, "transfer": transfer }));
    }
    let sealing = packing_resume::all(node);
    Ok(json!({ "authority": node.us(), "packages": shown, "more": more, "packings": sealing }))
}

/// One package with its items and the texts of its conditions.
///
/// # Errors
/// [`DeskError`] when there is none of that identifier.
pub fn package(node: &Node, id: Id) -> Result<Value, DeskError> {
    let row = node.package(id)?;
    let message = node.message(row.message_id)?;
    let content = read_message(node, &message)?;
    let items = content.consignment.as_ref().map(|consignment| &consignment.items);
    Ok(json!({
        "package": row,
        "kind": message.kind,
        "state": package_state(node, &row, &message)?,
        "items": items,
        "conditions": content.conditions,
    }))
}

fn package_state(node: &Node, package: &PackageRow, carrier: &MessageRow) -> Result<String, DeskError> {
    let destroyed = destroying::told(node, package.package_id)?;
    Ok(destroyed.map_or_else(|| state_name(&carrier.state), |told| format!("destroyed {told}")))
}

/// Entries of the custody log, from `from` on; of one request if it is named.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub fn custody(node: &Node, request: Option<Id>, from: u64, limit: usize) -> Result<Value, DeskError> {
    let size = node.ledger.reader().size();
    let limit = limit.min(ROWS_MAX);
    let mut indexes: Vec<u64> = match request {
        None => (from..size).take(limit + 1).collect(),
        Some(id) => node
            .index
            .scan_prefix(tree::TIMELINE, id.as_bytes(), Some(&timeline_key(id, from)), limit + 1, Order::Forward)
            .map_err(LookupError::from)?
            .iter()
            .filter_map(|(key, _)| key.last_chunk::<8>().copied().map(u64::from_be_bytes))
            .collect(),
    };
    // Where the next page begins: nothing is left out silently.
    let next = indexes.get(limit).copied();
    indexes.truncate(limit);
    let mut entries = Vec::new();
    for index in indexes {
        entries.push(match node.record(index) {
            Ok((record, _)) => record_view(index, &record),
            Err(LookupError::Erased { .. }) => json!({ "index": index, "erased": true }),
            Err(error) => return Err(error.into()),
        });
    }
    Ok(json!({ "authority": node.us(), "size": size, "entries": entries, "next": next }))
}

/// One entry in full.
///
/// # Errors
/// [`DeskError`] when there is none, or it was erased.
pub fn custody_entry(node: &Node, index: u64) -> Result<Value, DeskError> {
    let (record, content) = node.record(index)?;
    let mut view = record_view(index, &record);
    if let Value::Object(fields) = &mut view {
        fields.insert("links".to_owned(), json!(record.links));
        fields.insert("enclosures".to_owned(), json!(content.enclosures.iter().map(Vec::len).collect::<Vec<_>>()));
        fields.insert("commitment".to_owned(), json!(crate::custody::leaf::commitment(&content.salt, &content.record)));
    }
    Ok(view)
}

/// How the node is.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn status(node: &Node) -> Result<Value, DeskError> {
    let reader = node.ledger.reader();
    Ok(json!({
        "authority": node.us(),
        "records": reader.size(),
        "published": reader.published_size(),
        "outbox": count(node, tree::OUTBOX)?,
        "intake": count(node, tree::INTAKE)?,
        "time_stamps": stamps::authorities(node)?,
        "directory_version": node.any_directory().map(|directory| directory.version()),
        "directory_expires_at": node.any_directory().map(|directory| directory.expires_at()),
    }))
}

/// One message: what the index says of it and what it says itself.
pub fn message_view(row: &MessageRow, message: &Message) -> Value {
    let body = match &message.body {
        Body::Request(body) | Body::Asking(_, body) => json!(body),
        Body::Notice(body) => json!(body),
        Body::Acknowledgement(body) => json!(body),
        Body::Report(body) => json!(body),
        Body::Refusal(body) => json!(body),
        Body::Evidence(body) => json!(body),
        Body::Acceptance(body) => json!(body),
        Body::Withdrawal(body) => json!(body),
    };
    json!({
        "message_id": row.message_id,
        "kind": row.kind,
        "direction": row.direction,
        "state": state_name(&row.state),
        "digest": row.digest,
        "envelope_id": row.envelope_id,
        "envelope_digest": row.envelope_digest,
        "package_id": row.package_id,
        "receipts": row.receipts,
        "written_by": message.sender.officer.as_str(),
        "approved_by": row.approved_by,
        "written_at": message.created_at,
        "updated_at": row.updated_at,
        "language": message.language,
        "urgency": message.urgency,
        "urgency_reason": message.urgency_reason,
        "reply_by": message.reply_by.as_ref().map(|reply_by| reply_by.at),
        "parent": message.ties.parent,
        "confirm_by": message.ties.confirm_by,
        "legal_bases": message.legal_bases,
        "conditions": message.conditions,
        "renditions": letters::told(message),
        "items": message.consignment.as_ref().map(|consignment| &consignment.items),
        "body": body,
        "step": lives_view::step(message),
    })
}

/// One custody record.
pub fn record_view(index: u64, record: &CustodyRecord) -> Value {
    let actor = |actor: &Actor| match actor {
        Actor::Node => json!("node"),
        Actor::Officer { name, role, authentication } => {
            json!({ "name": name.as_str(), "role": role, "authentication": authentication })
        }
    };
    json!({
        "index": index,
        "at": record.at,
        "event": record.event.name(),
        "told": record.event.told(),
        "actor": actor(&record.actor),
        "second": record.second.as_ref().map(actor),
        "message_kind": record.message_kind,
        "counterpart": record.counterpart,
        "request_id": record.subject.request_id,
        "message_id": record.subject.message_id,
        "envelope_id": record.subject.envelope_id,
        "package_id": record.subject.package_id,
        "stage": record.transfer.as_ref().map(|transfer| transfer.stage),
        "outcome": match &record.outcome {
            Outcome::Success => "success".to_owned(),
            Outcome::Refused(code) => format!("refused: {code}"),
            Outcome::Failed(how) => format!("failed: {how}"),
        },
        "reason": record.reason,
        "digests": record.digests.iter().map(|digest| json!({ "name": digest.name, "sha256": digest.sha256 }))
            .collect::<Vec<_>>(),
    })
}

/// The newest rows of a tree whose keys begin with a time, the oldest of them first; and whether there are older ones.
fn newest<R: serde::de::DeserializeOwned>(node: &Node, tree: &'static str) -> Result<(Vec<R>, bool), DeskError> {
    let mut pairs =
        node.index.scan_prefix(tree, &[], None, ROWS_MAX + 1, Order::Backward).map_err(LookupError::from)?;
    let more = pairs.len() > ROWS_MAX;
    pairs.truncate(ROWS_MAX);
    let rows = pairs.iter().rev().map(|(_, value)| from_bytes(value)).collect::<Result<_, _>>();
    Ok((rows.map_err(LookupError::from)?, more))
}

/// How many rows a tree has, however many.
fn count(node: &Node, tree: &'static str) -> Result<usize, DeskError> {
    let (mut total, mut from) = (0, None::<Vec<u8>>);
    loop {
        let page = node.index.scan_prefix(tree, &[], from.as_deref(), ROWS_MAX, Order::Forward);
        let page = page.map_err(LookupError::from)?;
        let Some((last, _)) = page.last() else { return Ok(total) };
        total += page.len();
        from = Some(last.iter().copied().chain([0]).collect());
    }
}
