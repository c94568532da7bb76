//! What an operator does when something is wrong: stop a peer, stop everything, and see what a stolen key could have touched. Every
//! such act is a record; nothing is lost by any of them.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::daemon::clock;
use crate::daemon::health::Finding;
use crate::daemon::holds::{Hold, HoldsError};
use crate::daemon::node::Node;
use crate::daemon::officer::{AdmissionError, Admitted};
use crate::daemon::rotate::{ANY_ROLE, Kind};
use crate::exchange::act::{Act, Scene};
use crate::model::event::{Actor, CustodyRecord, Event};
use crate::model::ident::AuthorityId;
use crate::model::limits::REACH_LISTED_MAX;
use crate::model::time::Timestamp;
use crate::store::ledger::AppendError;
use crate::store::reader::ReadError;
use crate::wire::record;

/// Serves that peer nothing any more: it is refused with a code, and what waits for it or there, waits.
///
/// # Errors
/// [`EmergencyError`]; the peer is served as before.
pub fn suspend(node: &Node, officer: &Admitted, peer: &AuthorityId, reason: &str) -> Result<u64, EmergencyError> {
    let known = node.any_directory().is_some_and(|known| known.roster().authority(peer).is_some());
    if !known || peer == node.us() {
        return Err(EmergencyError::UnknownPeer(peer.clone()));
    }
    let (actor, hold) = begin(officer, reason)?;
    // First it stops, then it is told: an emergency does not wait for a disk.
    node.holds.suspend(peer, Some(hold))?;
    tell(node, actor, Event::PeerSuspended, Some(peer), reason)
}

/// Serves a suspended peer again.
///
/// # Errors
/// [`EmergencyError`] when it is not suspended.
pub fn resume(node: &Node, officer: &Admitted, peer: &AuthorityId) -> Result<u64, EmergencyError> {
    let actor = officer.acting_as(ANY_ROLE)?;
    if !node.holds.suspended().contains_key(peer) {
        return Err(EmergencyError::NotHeld);
    }
    let record = tell(node, actor, Event::PeerResumed, Some(peer), "")?;
    node.holds.suspend(peer, None)?;
    Ok(record)
}

/// Takes no new act and hands nothing over, until [`thaw`]. Reading goes on.
///
/// # Errors
/// [`EmergencyError`]; the node works as before.
pub fn freeze(node: &Node, officer: &Admitted, reason: &str) -> Result<u64, EmergencyError> {
    let (actor, hold) = begin(officer, reason)?;
    node.holds.freeze(Some(hold))?;
    tell(node, actor, Event::NodeFrozen, None, reason)
}

/// Works again.
///
/// # Errors
/// [`EmergencyError`] when it is not frozen.
pub fn thaw(node: &Node, officer: &Admitted) -> Result<u64, EmergencyError> {
    let actor = officer.acting_as(ANY_ROLE)?;
    if node.holds.frozen().is_none() {
        return Err(EmergencyError::NotHeld);
    }
    let record = tell(node, actor, Event::NodeThawed, None, "")?;
    node.holds.freeze(None)?;
    Ok(record)
}

/// What is held at the moment.
pub fn holds(node: &Node) -> Value {
    let suspended: Vec<Value> = node
        .holds
        .suspended()
        .iter()
        .map(|(peer, hold)| json!({ "peer": peer, "since": hold.since, "by": hold.by, "reason": hold.reason }))
        .collect();
    json!({ "frozen": node.holds.frozen(), "suspended": suspended, "put_back": node.ledger.is_put_back() })
}

/// What the health of the node says of it, without a name.
pub(super) fn findings(node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    if node.ledger.is_put_back() {
        let next = "run `rogatory restore compare`, then `restore resume` or `restore accept-loss`";
        findings.push(Finding::bad("backup", "the log came from a backup and takes nothing", next));
    }
    if let Some(hold) = node.holds.frozen() {
        let seen = format!("the node is frozen since {}: it takes nothing and hands nothing over", hold.since);
        findings.push(Finding::warning("holds", seen, "`rogatory thaw` when the cause is gone"));
    }
    let suspended = node.holds.suspended().len();
    if suspended > 0 {
        let next = "`rogatory peer list` names them; `rogatory peer resume` when the cause is gone";
        findings.push(Finding::warning("holds", format!("{suspended} peers are suspended"), next));
    }
    findings
}

/// What somebody who has the key of that kind could have touched since it came into use: from the log alone.
///
/// # Errors
/// [`ReadError`] when the log cannot be read.
pub fn reach(node: &Node, kind: Kind) -> Result<Value, ReadError> {
    let mut since: Option<(u64, Timestamp)> = None;
    let mut counts: std::collections::BTreeMap<&'static str, u64> = std::collections::BTreeMap::new();
    let mut peers = std::collections::BTreeSet::new();
    let mut touched: Vec<Value> = Vec::new();
    let mut total = 0_u64;
    node.ledger.reader().scan(0, |stored| {
        let Some(content) = &stored.content else { return ControlFlow::Continue(()) };
        let Ok(found) = record::decode(&content.record) else { return ControlFlow::Continue(()) };
        if begins(kind, &found) {
            // A key that ended keeps what it did; asked is what the present one can do.
            since = Some((stored.index, found.at));
            if kind != Kind::Sealing {
                (total, counts, peers) = Default::default();
                touched.clear();
            }
        }
        if touches(kind, found.event) {
            total += 1;
            *counts.entry(found.event.name()).or_default() += 1;
            peers.extend(found.counterpart.iter().map(ToString::to_string));
            if touched.len() < REACH_LISTED_MAX {
                touched.push(json!({
                    "index": stored.index, "at": found.at, "event": found.event.name(), "peer": found.counterpart,
                    "request_id": found.subject.request_id, "message_id": found.subject.message_id,
                    "envelope_id": found.subject.envelope_id, "package_id": found.subject.package_id,
                }));
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(json!({
        "key": kind.name(),
        "in_use_since": since.map(|(index, at)| json!({ "record": index, "at": at })),
        "means": means(kind),
        "do": remedy(kind),
        "peers": peers,
        "counts": counts,
        "records": total,
        "listed": touched,
    }))
}

/// The record with which the present key of that kind came into use.
fn begins(kind: Kind, record: &CustodyRecord) -> bool {
    match record.event {
        Event::NodeInitialised => true,
        Event::KeyRotated => record.reason == kind.name(),
        Event::LogRestarted => kind == Kind::Log,
        _ => false,
    }
}

/// What the holder of the key could have forged, read or changed of records of that event.
const fn touches(kind: Kind, event: Event) -> bool {
    match kind {
        // Peers believe letters under it, and it also signs replies.
        Kind::Signing => matches!(event, Event::MessageQueued),
        // It opens whatever was sealed to us; retired halves lie beside it.
        Kind::Sealing => matches!(event, Event::MessageReceived | Event::ContentReceived),
        // It answers as us: it could take letters, and see who talks to whom.
        Kind::Tls => matches!(event, Event::MessageDelivered | Event::MessageReceived | Event::ReceiptDelivered),
        // It signs checkpoints: every receipt that peers hold rests on it.
        Kind::Log => matches!(event, Event::MessageReceived | Event::ContentReceived | Event::PackageHandedOver),
        Kind::Witness => matches!(event, Event::LogInconsistent),
    }
}

const fn means(kind: Kind) -> &'static str {
    match kind {
        Kind::Signing => {
            "letters in our name can be forged; what was queued under the key is listed, and peers hold more if they hold others"
        }
        Kind::Sealing => "everything listed can be read by whoever has also recorded the traffic or taken the vault",
        Kind::Tls => "somebody on the path can answer as this node and take letters; they stay sealed",
        Kind::Log => "a second history of this log can be signed; what peers cosigned and hold receipts for is listed",
        Kind::Witness => "another log's second history can be cosigned in our name",
    }
}

const fn remedy(kind: Kind) -> &'static str {
    match kind {
        Kind::Signing | Kind::Tls => {
            "freeze the node, revoke the certificate (a new list in the row, through the keepers), rotate the key, tell the peers, compare the list with theirs"
        }
        Kind::Sealing => {
            "rotate the key, remove receiving-retired-… when nothing sealed to it may open any more, tell the peers"
        }
        Kind::Log => {
            "rotate the key; compare `custody witness` and the peers' checkpoints with this log before and after"
        }
        Kind::Witness => "rotate the key, tell the keepers and whoever names this node in a policy",
    }
}

fn begin(officer: &Admitted, reason: &str) -> Result<(Actor, Hold), EmergencyError> {
    let actor = officer.acting_as(ANY_ROLE)?;
    if reason.trim().is_empty() || reason.len() > 1_024 || reason.chars().any(char::is_control) {
        return Err(EmergencyError::Reason);
    }
    let hold = Hold { since: clock::now(), by: officer.name().as_str().to_owned(), reason: reason.to_owned() };
    Ok((actor, hold))
}

fn tell(
    node: &Node,
    actor: Actor,
    event: Event,
    peer: Option<&AuthorityId>,
    reason: &str,
) -> Result<u64, EmergencyError> {
    let mut record = Scene { us: node.us().clone(), now: clock::now(), actor }.record(event);
    record.counterpart = peer.cloned();
    record.reason = reason.to_owned();
    Ok(node.commit(Act { record, enclosures: Vec::new() })?.index)
}

/// Why nothing was stopped, or nothing goes on.
#[derive(Debug, thiserror::Error)]
pub enum EmergencyError {
    /// The officer.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// No such peer.
    #[error("the directory lists no peer {0}")]
    UnknownPeer(AuthorityId),
    /// It works.
    #[error("nothing of that is stopped; `rogatory doctor` lists what is")]
    NotHeld,
    /// No reason.
    #[error("say why, in one line of at most 1,024 bytes: it stands in the custody log")]
    Reason,
    /// The file.
    #[error(transparent)]
    Holds(#[from] HoldsError),
    /// The log. What was to be stopped is stopped.
    #[error("it is in force, but the log could not say so: {0}")]
    Append(#[from] AppendError),
}
