//! Destruction of a package: first its key, then its files, then the record of it. Once decided it is carried out, whatever
//! is killed in between. Refuses a package of which something is still to be decided, handed over or fetched.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::daemon::desk::{self, APPROVE, acting};
use crate::daemon::erasing::{ErasingError, answered, refuse, surroundings, timeline};
use crate::daemon::evidence::CUSTODY;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, crash, views};
use crate::exchange::act::Scene;
use crate::exchange::erasing::{Grounds, Rule, closed, may_confirm};
use crate::exchange::rows::{MessageRow, tree};
use crate::model::event::{Actor, Event, NamedDigest, Role, Subject};
use crate::model::ident::{Digest, Id};
use crate::store::files::{replace_durably, sync_dir};
use crate::store::ledger::AppendError;

const PLAN: &str = "destroying-";

/// A destruction that two officers decided: a file beside the log until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    package_id: Id,
    /// The record in which the first officer asked for it.
    asked: u64,
    /// The second officer.
    name: String,
    role: Role,
    authentication: String,
}

/// The first officer asks. Nothing is destroyed.
///
/// # Errors
/// [`ErasingError::Rule`] names what stands against it.
pub fn request(node: &Node, officer: &Admitted, package_id: Id, grounds: &Grounds) -> Result<Value, ErasingError> {
    let row = carrier(node, package_id)?;
    let actor = acting(node, officer, CUSTODY, &row)?;
    may_go(node, officer, &row)?;
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    let asked = node.commit(scene.destruction_requested(&row, grounds))?;
    Ok(json!({ "record": asked.index, "package_id": package_id }))
}

/// A second officer confirms what stands in record `asked`: when this returns, key and files are gone and that stands in
/// the log.
///
/// # Errors
/// [`ErasingError`]. What was decided before an error is carried out as soon as that can be done.
pub fn confirm(node: &Node, officer: &Admitted, package_id: Id, asked: u64) -> Result<Value, ErasingError> {
    let (request, _) = node.record(asked)?;
    let row = carrier(node, package_id)?;
    let actor = acting(node, officer, APPROVE, &row)?;
    let subject = subject_of(&row);
    if request.subject.package_id != Some(package_id) {
        return Err(refuse(node, officer, subject, Rule::NotAsked));
    }
    may_confirm(&request, Event::DestructionRequested, &actor).map_err(|rule| refuse(node, officer, subject, rule))?;
    let _turn = node.turnstile.enter([package_id, row.message_id]);
    if let Some(by) = answered(node, asked)? {
        return Err(refuse(node, officer, subject, Rule::Done(by)));
    }
    may_go(node, officer, &carrier(node, package_id)?)?;
    let _alone = node.alone()?;
    if node.holds.stops(Event::PackageDestroyed) {
        return Err(AppendError::Frozen.into());
    }
    let Actor::Officer { name, role, authentication } = actor else { return Err(Rule::FourEyes.into()) };
    let plan = Plan { package_id, asked, name: name.as_str().to_owned(), role, authentication };
    let bytes = serde_json::to_vec(&plan).map_err(std::io::Error::from).map_err(plan_fault)?;
    replace_durably(&path(node, package_id), &bytes).map_err(plan_fault)?;
    crash::point("destroy: decided, nothing gone");
    carry_out(node, &plan)?;
    certificate(node, package_id)
}

/// Carries out what was decided and not done: at a start, and again while the node runs. What cannot be done now stops
/// nothing else; health says so, and it is tried again.
pub(super) fn finish(node: &Node) {
    for path in pending(node).unwrap_or_default() {
        match fs::read(&path).map_err(plan_fault).and_then(|bytes| again(node, &bytes)) {
            Ok(()) => tracing::warn!("the destruction of a package was cut short; it is carried out now"),
            Err(error) => tracing::error!(%error, "a decided destruction cannot be carried out yet; it is tried again"),
        }
    }
}

fn again(node: &Node, bytes: &[u8]) -> Result<(), ErasingError> {
    let plan: Plan = serde_json::from_slice(bytes).map_err(std::io::Error::from).map_err(plan_fault)?;
    let _turn = node.turnstile.enter([plan.package_id, carrier(node, plan.package_id)?.message_id]);
    // Whoever confirmed it may have ended it meanwhile.
    if path(node, plan.package_id).exists() { carry_out(node, &plan) } else { Ok(()) }
}

/// The files of destructions that were decided and are not done.
///
/// # Errors
/// What the system said.
pub(super) fn pending(node: &Node) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(node.home().root())? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PLAN) && !name.ends_with(".tmp")) {
            found.push(node.home().root().join(name));
        }
    }
    Ok(found)
}

/// Key, files, record, in this order; every step may be done again.
fn carry_out(node: &Node, plan: &Plan) -> Result<(), ErasingError> {
    let package_id = plan.package_id;
    if destroyed(node, package_id)?.is_none() {
        let row = carrier(node, package_id)?;
        let keys = key_enclosures(node, &row)?;
        let wanted: Vec<(u64, Vec<Digest>)> =
            keys.iter().map(|(index, digest)| (*index, vec![digest.sha256])).collect();
        node.ledger.erase_enclosures(&wanted, crash::point)?;
        crash::point("destroy: key gone, files there");
        node.vault.remove(package_id).map_err(ErasingError::Vault)?;
        crash::point("destroy: files gone, not logged");
        let (request, _) = node.record(plan.asked)?;
        let name = plan.name.parse().map_err(|_| ErasingError::from(Rule::NotAsked))?;
        let actor = Actor::Officer { name, role: plan.role, authentication: plan.authentication.clone() };
        let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
        let of: Vec<u64> = keys.iter().map(|(index, _)| *index).collect();
        let mut digests = digests(node, &row)?;
        digests.extend(keys.into_iter().map(|(_, digest)| digest));
        node.commit(scene.destroyed(plan.asked, &request, &of, digests))?;
        crash::point("destroy: logged, not answered");
    }
    match fs::remove_file(path(node, package_id)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(plan_fault(error)),
        _ => sync_dir(node.home().root()).map_err(plan_fault),
    }
}

/// The enclosures in which the package key lies wrapped, by record and digest.
fn key_enclosures(node: &Node, row: &MessageRow) -> Result<Vec<(u64, NamedDigest)>, ErasingError> {
    let mut found = Vec::new();
    for (index, name) in [(Some(row.bytes_index), "archive-stanza"), (row.envelope_index, "signed-envelope")] {
        let Some(index) = index else { continue };
        let (record, _) = node.record(index)?;
        found.extend(record.digests.into_iter().filter(|digest| digest.name == name).map(|digest| (index, digest)));
    }
    Ok(found)
}

/// What was in the package: the SHA-256 of each file, and the root over its ciphertext.
fn digests(node: &Node, row: &MessageRow) -> Result<Vec<NamedDigest>, ErasingError> {
    let message = desk::read_message(node, row)?;
    let items = message.consignment.as_ref().map(|consignment| consignment.items.as_slice()).unwrap_or_default();
    let named = items.iter().flat_map(|item| {
        let name = |what: &str| format!("{what}/{}", item.object_id);
        [NamedDigest::new(&name("object"), item.sha256), NamedDigest::new(&name("sealed"), item.ciphertext_root)]
    });
    Ok(named.collect())
}

/// The record by which a package was destroyed here.
///
/// # Errors
/// [`LookupError`] when the index cannot be read.
pub(super) fn destroyed(node: &Node, package_id: Id) -> Result<Option<u64>, LookupError> {
    let found = node.read(tree::DESTROYED, package_id.as_bytes())?;
    Ok(found.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes))
}

/// Says of a destroyed package by whom, when and why; `None` if it was not.
///
/// # Errors
/// [`LookupError`] when the index or the log cannot be read.
pub(super) fn told(node: &Node, package_id: Id) -> Result<Option<String>, LookupError> {
    let Some(index) = destroyed(node, package_id)? else { return Ok(None) };
    let (record, _) = node.record(index)?;
    let name = |actor: &Actor| actor.officer().map_or_else(|| "the node".to_owned(), |name| name.as_str().to_owned());
    let second = record.second.as_ref().map(name).unwrap_or_default();
    Ok(Some(format!("on {} by {} and {second}: {} (record {index})", record.at, name(&record.actor), record.reason)))
}

/// What a certificate of destruction says: the record, and where copies remain as far as this node knows.
///
/// # Errors
/// [`ErasingError`] when the package was not destroyed.
pub fn certificate(node: &Node, package_id: Id) -> Result<Value, ErasingError> {
    let index = destroyed(node, package_id)?.ok_or(Rule::NotAsked)?;
    let (record, _) = node.record(index)?;
    let mut released = Vec::new();
    for at in record.subject.request_id.map(|id| timeline(node, id)).transpose()?.unwrap_or_default() {
        match node.record(at) {
            Ok((found, _)) if found.subject.package_id == Some(package_id) => {
                if matches!(found.event, Event::PackageOpened | Event::PackageExported) {
                    released.push(views::record_view(at, &found));
                }
            }
            Ok(_) | Err(LookupError::Erased { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let second = record.second.as_ref().and_then(Actor::officer).map(|name| name.as_str().to_owned());
    Ok(json!({
        "package_id": package_id,
        "authority": node.us(),
        "record": index,
        "destroyed": views::record_view(index, &record),
        "confirmed_by": second,
        "remains": { "counterpart": record.counterpart, "released": released },
    }))
}

fn carrier(node: &Node, package_id: Id) -> Result<MessageRow, ErasingError> {
    Ok(node.message(node.package(package_id)?.message_id)?)
}

fn may_go(node: &Node, officer: &Admitted, row: &MessageRow) -> Result<(), ErasingError> {
    let refused = |rule| refuse(node, officer, subject_of(row), rule);
    if let Some(package_id) = row.package_id
        && let Some(by) = destroyed(node, package_id)?
    {
        return Err(refused(Rule::Done(by)));
    }
    closed(row, &surroundings(node)?).map_err(refused)
}

fn subject_of(row: &MessageRow) -> Subject {
    Subject {
        request_id: Some(row.request_id),
        message_id: Some(row.message_id),
        envelope_id: row.envelope_id,
        package_id: row.package_id,
    }
}

fn path(node: &Node, package_id: Id) -> PathBuf {
    node.home().root().join(format!("{PLAN}{package_id}"))
}

fn plan_fault(source: std::io::Error) -> ErasingError {
    ErasingError::Plan(source)
}
