//! Erasure of records: one officer asks, a second one confirms, the journal forgets, the index is made again. Refuses by
//! the rules of `exchange/erasing.rs`, and records that it refused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::daemon::backup::NotAlone;
use crate::daemon::desk::{APPROVE, DeskError};
use crate::daemon::evidence::CUSTODY;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::{Node, StartError};
use crate::daemon::officer::Admitted;
use crate::daemon::registrar::RegistrarError;
use crate::daemon::{clock, crash};
use crate::exchange::act::{Act, Scene};
use crate::exchange::erasing::{Doomed, Grounds, Rule, Surroundings, as_asked, judge, may_confirm};
use crate::exchange::hold::{Hold, hold};
use crate::exchange::rows::{MessageRow, OutboxRow, RequestRow, from_bytes, tree};
use crate::model::event::{Actor, Event, Outcome, Role, Subject};
use crate::model::ident::Id;
use crate::store::erasure::{EraseError, Left};
use crate::store::index::Direction as Order;
use crate::store::ledger::{AppendError, Entry, Ledger};
use crate::wire::record;

/// What is to be erased: everything of a request, everything of a package, or single records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// The request.
    pub request: Option<Id>,
    /// The package.
    pub package: Option<Id>,
    /// The records, by index.
    pub records: Vec<u64>,
}

/// What one officer asked for, or a second one did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The record of it.
    pub record: u64,
    /// The records that are, or are to be, erased.
    pub erased: Vec<u64>,
}

/// The first officer asks. Nothing is erased.
///
/// # Errors
/// [`ErasingError::Rule`] names what stands against it.
pub fn request(node: &Node, officer: &Admitted, scope: &Scope, grounds: &Grounds) -> Result<Told, ErasingError> {
    let subject = subject_of(node, scope)?;
    let actor = acting(node, officer, CUSTODY, subject)?;
    let (doomed, around) = gather(node, subject, &scope.records)?;
    judge(&doomed, &around).map_err(|rule| refuse(node, officer, subject, rule))?;
    let erased: Vec<u64> = doomed.iter().map(|one| one.index).collect();
    let asked = node.commit(scene(node, actor).erasure_requested(subject, &erased, grounds))?;
    Ok(Told { record: asked.index, erased })
}

/// A second officer confirms what stands in record `asked`: when this returns, the records are gone from the journal, the
/// index is made again without them, and the tombstone stands in the log.
///
/// # Errors
/// [`ErasingError`]; after [`ErasingError::Index`] the records are gone, and the next start makes the index again.
pub fn confirm(node: &Node, officer: &Admitted, asked: u64) -> Result<Told, ErasingError> {
    let (request, _) = node.record(asked)?;
    let subject = request.subject;
    let actor = acting(node, officer, APPROVE, subject)?;
    let refused = |rule| refuse(node, officer, subject, rule);
    may_confirm(&request, Event::ErasureRequested, &actor).map_err(refused)?;
    let named = |doomed: &[Doomed]| things(subject, doomed);
    let (before, _) = gather(node, subject, &request.links)?;
    let _turn = node.turnstile.enter(named(&before));
    answered(node, asked).and_then(|done| done.map_or(Ok(()), |by| Err(refused(Rule::Done(by)))))?;
    let (doomed, around) = gather(node, subject, &request.links)?;
    if named(&doomed) != named(&before) {
        return Err(Rule::Changed.into());
    }
    as_asked(&doomed, &request.links).and_then(|()| judge(&doomed, &around)).map_err(refused)?;
    let _alone = node.alone()?;
    if node.holds.stops(Event::RecordErased) {
        return Err(AppendError::Frozen.into());
    }
    let tombstone = scene(node, actor).erased(asked, &request, &doomed);
    let erased: Vec<u64> = doomed.iter().map(|one| one.index).collect();
    let entry = Entry { record: tombstone.record_bytes(), enclosures: tombstone.enclosures };
    let logged = node.ledger.erase(&erased, entry, crash::point)?;
    make_index_again(node)?;
    Ok(Told { record: logged.index, erased })
}

/// Makes the index again without what was erased, and ends the erasure.
fn make_index_again(node: &Node) -> Result<(), ErasingError> {
    tracing::info!("records were erased; the index is made again, and officers and peers are asked to wait for it");
    let records = node.registrar.make_again(node.ledger.reader())?;
    crash::point("erase: index made again, not settled");
    node.ledger.settle_erasure()?;
    tracing::info!(records, "the index was made again after an erasure");
    Ok(())
}

/// At a start, before the index is opened: removes one that may hold what was erased.
///
/// # Errors
/// [`StartError`] when the files cannot be removed.
pub(super) fn forget_derived(index: &std::path::Path, ledger: &Ledger) -> Result<(), StartError> {
    if ledger.erasure_left() == Left::DerivedThings {
        tracing::warn!("an erasure was cut short; the index is made again without what was erased");
        crate::store::index_dir::remove(index)
            .map_err(|source| crate::store::index::IndexError::Io { path: index.to_owned(), source })?;
    }
    Ok(())
}

/// At a start, when the index was made again: ends the erasure.
///
/// # Errors
/// [`StartError`] when that cannot be written down; the next start does it again.
pub(super) fn settle(node: &Node) -> Result<(), StartError> {
    if node.ledger.erasure_left() == Left::DerivedThings {
        node.index.flush()?;
        node.ledger.settle_erasure()?;
    }
    Ok(())
}

fn subject_of(node: &Node, scope: &Scope) -> Result<Subject, ErasingError> {
    let none = Subject::default();
    match (scope.request, scope.package, scope.records.as_slice()) {
        (Some(id), None, []) => Ok(Subject { request_id: Some(id), ..none }),
        (None, Some(id), []) => {
            let request_id = Some(node.package(id)?.request_id);
            Ok(Subject { request_id, package_id: Some(id), ..none })
        }
        (None, None, [_, ..]) => Ok(none),
        _ => Err(ErasingError::Scope),
    }
}

/// The records that are meant, as they stand in the log now, and what the rules must know beside them. What is erased
/// already is passed over; of a request or package, the log's own history too.
fn gather(node: &Node, subject: Subject, single: &[u64]) -> Result<(Vec<Doomed>, Surroundings), ErasingError> {
    let mut doomed = Vec::new();
    let indexes = match subject.request_id {
        Some(request_id) => timeline(node, request_id)?,
        None => single.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
    };
    for index in indexes {
        let Some(found) = stands(node, index)? else { continue };
        let of_it = subject.package_id.is_none() || found.subject.package_id == subject.package_id;
        if subject.request_id.is_none() || (of_it && hold(found.event) != Hold::Kept) {
            doomed.push(Doomed { index, record: found });
        }
    }
    let mut around = surroundings(node)?;
    for one in &doomed {
        let Subject { request_id, message_id, .. } = one.record.subject;
        if let Some(id) = message_id
            && let Some(row) = node.row::<MessageRow>(tree::MESSAGE, id.as_bytes())?
        {
            around.messages.insert(id, row);
        }
        let Some(id) = request_id.filter(|id| !around.threads.contains_key(id)) else { continue };
        if let Some(row) = node.row::<RequestRow>(tree::REQUEST, id.as_bytes())? {
            around.requests.insert(id, row);
        }
        let mut thread = Vec::new();
        for index in timeline(node, id)? {
            if let Some(found) = stands(node, index)? {
                thread.push((index, found.event, found.subject.message_id));
            }
        }
        around.threads.insert(id, thread);
    }
    Ok((doomed, around))
}

/// What waits, what comes, and what lies in the vault.
///
/// # Errors
/// [`ErasingError`] when the index or the vault cannot be read.
pub(super) fn surroundings(node: &Node) -> Result<Surroundings, ErasingError> {
    let held = node.vault.packages().map_err(ErasingError::Vault)?.into_iter().collect();
    let mut around = Surroundings { held, ..Surroundings::default() };
    let all = |name, prefix: &[u8]| node.index.scan_prefix(name, prefix, None, usize::MAX, Order::Forward);
    for (_, value) in all(tree::OUTBOX, &[]).map_err(LookupError::from)? {
        around.waiting.insert(from_bytes::<OutboxRow>(&value).map_err(LookupError::from)?.envelope_id);
    }
    for (key, _) in all(tree::INTAKE, &[]).map_err(LookupError::from)? {
        around.arriving.extend(Id::try_from(key.as_slice()).ok());
    }
    Ok(around)
}

/// The records of a request, in order.
///
/// # Errors
/// [`LookupError`] when the index cannot be read.
pub(super) fn timeline(node: &Node, request_id: Id) -> Result<Vec<u64>, LookupError> {
    let entries = node.index.scan_prefix(tree::TIMELINE, request_id.as_bytes(), None, usize::MAX, Order::Forward)?;
    Ok(entries.iter().filter_map(|(key, _)| key.last_chunk::<8>().copied().map(u64::from_be_bytes)).collect())
}

/// A record that was not erased.
fn stands(node: &Node, index: u64) -> Result<Option<crate::model::event::CustodyRecord>, LookupError> {
    let Some(content) = node.ledger.reader().read(index)?.content else { return Ok(None) };
    Ok(Some(record::decode(&content.record)?))
}

/// By which record a second officer did what was asked for in record `asked`.
///
/// # Errors
/// [`ErasingError`] when the index cannot be read.
pub(super) fn answered(node: &Node, asked: u64) -> Result<Option<u64>, ErasingError> {
    let found = node.read(tree::ANSWERED, &asked.to_be_bytes())?;
    Ok(found.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes))
}

fn things(subject: Subject, doomed: &[Doomed]) -> BTreeSet<Id> {
    let subjects = doomed.iter().map(|one| one.record.subject).chain([subject]);
    let ids = subjects.flat_map(|of| [of.request_id, of.message_id, of.envelope_id, of.package_id]);
    ids.flatten().collect()
}

fn scene(node: &Node, actor: Actor) -> Scene {
    Scene { us: node.us().clone(), now: clock::now(), actor }
}

fn acting(node: &Node, officer: &Admitted, roles: &'static [Role], subject: Subject) -> Result<Actor, ErasingError> {
    officer.acting_as(roles).map_err(|error| {
        record_refusal(node, officer, subject, "role")
            .map_or_else(ErasingError::from, |()| DeskError::from(error).into())
    })
}

/// Records that a rule forbade an act, then gives the rule back.
pub(super) fn refuse(node: &Node, officer: &Admitted, subject: Subject, rule: Rule) -> ErasingError {
    record_refusal(node, officer, subject, rule.name()).map_or_else(ErasingError::from, |()| rule.into())
}

fn record_refusal(node: &Node, officer: &Admitted, subject: Subject, rule: &str) -> Result<(), AppendError> {
    let actor = officer.acting_as(&Role::ALL).unwrap_or(Actor::Node);
    let mut record = scene(node, actor).record(Event::ActRefused);
    record.subject = subject;
    rule.clone_into(&mut record.reason);
    record.outcome = Outcome::Failed(rule.to_owned());
    node.commit(Act { record, enclosures: Vec::new() }).map(drop)
}

/// Why nothing was erased, or not all is done. The officer sees the text.
#[derive(Debug, thiserror::Error)]
pub enum ErasingError {
    /// A rule.
    #[error(transparent)]
    Rule(#[from] Rule),
    /// A role.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Nothing of that identifier, or the index or log cannot be read.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The log takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The journal.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// The vault.
    #[error(transparent)]
    Vault(crate::store::vault::VaultError),
    /// The records are gone, the index is not made again yet.
    #[error(
        "the records are erased, but the index could not be made again ({0}); restart the node: it does that first"
    )]
    Index(#[from] RegistrarError),
    /// The file that says what was decided.
    #[error("the plan of a destruction cannot be used: {0}")]
    Plan(std::io::Error),
    /// A backup reads what would be erased.
    #[error(transparent)]
    NotAlone(#[from] NotAlone),
    /// Not one thing.
    #[error("name one request, or one package, or single records")]
    Scope,
}
