//! The life of requests at this node: whether an officer's message may go now, what is owed by whom until when, and the
//! record that something was not done in time. Refuses what the table of the life of a request puts out of turn.

use crate::crypto::digest::sha256;
use crate::daemon::clock;
use crate::daemon::desk::DeskError;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::exchange::act::{Act, Scene};
use crate::exchange::lives::{self, our_side};
use crate::exchange::rows::{RequestRow, RequestState, from_bytes, tree};
use crate::law::life::fold::{fold, overdue};
use crate::law::life::guard::{side_name, well_made};
use crate::law::life::note::Note;
use crate::law::life::state::{Duty, Life};
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::{Digest, Id};
use crate::model::message::{Body, Message};
use crate::model::request::RequestBody;
use crate::model::time::Timestamp;
use crate::store::index::Direction as Order;

/// Whether a message may be drafted now.
///
/// # Errors
/// [`DeskError::Life`] says why not; [`DeskError::Past`] for a next date that is past.
pub fn in_turn(node: &Node, message: &Message, digest: Digest, now: Timestamp) -> Result<(), DeskError> {
    let due = match &message.body {
        Body::Notice(notice) => notice.due,
        _ => message.ties.confirm_by,
    };
    if let Some(due) = due.filter(|due| *due < now) {
        return Err(DeskError::Past { due });
    }
    still_in_turn(node, message, digest)
}

/// Whether a drafted message may go now: what came meanwhile may have put it out of turn.
///
/// # Errors
/// [`DeskError::Life`] says why not.
pub fn still_in_turn(node: &Node, message: &Message, digest: Digest) -> Result<(), DeskError> {
    let Some(request) = node.row::<RequestRow>(tree::REQUEST, message.request_id.as_bytes())? else { return Ok(()) };
    let notes = lives::notes(&request, |tree, key| node.read(tree, key))?;
    if message.kind().opens() && notes.is_empty() {
        return Ok(());
    }
    Ok(well_made(&fold(&notes), &Note::of(message, digest, our_side(&request)))?)
}

/// Whether a request says what its form must say.
///
/// # Errors
/// [`DeskError::Incomplete`] names what is missing.
pub fn complete(body: &Body) -> Result<(), DeskError> {
    let mut missing = body.request().map(RequestBody::missing).unwrap_or_default();
    if let Body::Asking(asking, _) = body {
        missing.retain(|field| asking.needs(field));
    }
    if missing.is_empty() { Ok(()) } else { Err(DeskError::Incomplete { missing }) }
}

/// The life of a request.
///
/// # Errors
/// [`LookupError`] when the index cannot be read.
pub fn life_of(node: &Node, request: &RequestRow) -> Result<Life, LookupError> {
    lives::life(request, |tree, key| node.read(tree, key))
}

/// The state of a request in one word: its life, and before the other side has spoken, how far the hand-over is.
pub fn state(request: &RequestRow, life: &Life) -> String {
    let told = life.state();
    let handed = match request.state {
        RequestState::Draft => Some("draft"),
        RequestState::NotDelivered => Some("not-delivered"),
        RequestState::FiledElsewhere => Some("filed-elsewhere"),
        RequestState::Delivered if told == "sent" => Some("delivered"),
        _ => None,
    };
    handed.unwrap_or(told).to_owned()
}

/// Records each thing that was not done in time, once, whoever owed it: both sides of a request have the same clocks.
/// Blocks.
///
/// # Errors
/// [`DeskError`] when the index cannot be read or the log takes nothing.
pub fn record_overdue(node: &Node) -> Result<usize, DeskError> {
    let now = clock::now();
    let mut recorded = 0;
    let mut from: Option<Vec<u8>> = None;
    loop {
        let page = node
            .index
            .scan_prefix(tree::REQUEST, &[], from.as_deref(), 256, Order::Forward)
            .map_err(LookupError::from)?;
        let Some((last, _)) = page.last() else { return Ok(recorded) };
        from = Some(last.iter().copied().chain([0]).collect());
        for (_, bytes) in &page {
            let request: RequestRow = from_bytes(bytes).map_err(LookupError::from)?;
            if matches!(request.state, RequestState::Draft | RequestState::NotDelivered) {
                continue;
            }
            for duty in life_of(node, &request)?.duties.iter().filter(|duty| overdue(duty, now)) {
                recorded += usize::from(record(node, &request, duty)?);
            }
        }
    }
}

/// Records one; whether it was not recorded before.
fn record(node: &Node, request: &RequestRow, duty: &Duty) -> Result<bool, DeskError> {
    let _turn = node.turnstile.enter([request.request_id]);
    let name = name_of(request.request_id, duty);
    if node.read(tree::OVERDUE, &name.0)?.is_some() {
        return Ok(false);
    }
    let mut record = Scene::node(node.us(), clock::now()).record(Event::DutyOverdue);
    record.subject.request_id = Some(request.request_id);
    record.subject.message_id = Some(duty.cause);
    record.subject.package_id = duty.package_id;
    record.counterpart = Some(request.counterpart.clone());
    record.digests = vec![NamedDigest::new("duty", name)];
    record.reason = format!("{}, owed by the {} side, due {}", duty.key, side_name(duty.owner), duty.due);
    node.commit(Act { record, enclosures: Vec::new() })?;
    tracing::warn!(duty = duty.key, "what was owed in a request was not done in time; see `rogatory duties`");
    Ok(true)
}

fn name_of(request_id: Id, duty: &Duty) -> Digest {
    let package = duty.package_id.map(|id| id.to_string()).unwrap_or_default();
    let side = side_name(duty.owner);
    sha256(format!("{request_id} {} {side} {} {package} {}", duty.key, duty.cause, duty.due.as_millis()).as_bytes())
}

/// Whether this node is the one who owes it.
pub fn is_ours(request: &RequestRow, duty: &Duty) -> bool {
    duty.owner == our_side(request)
}
