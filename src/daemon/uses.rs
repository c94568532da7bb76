//! The use register: what was done with files that came from another authority, for which proceedings and whom, each a
//! custody record; and the second officer who clears a use that needs one. Refuses to clear what the same officer asked for.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::crypto::digest::sha256;
use crate::daemon::desk::{self, APPROVE, DeskError, acting};
use crate::daemon::erasing::{answered, timeline};
use crate::daemon::evidence::{self, CUSTODY, EvidenceError};
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, terms, views};
use crate::exchange::act::{Act as Entry, Scene};
use crate::exchange::rows::{MessageRow, PackageRow};
use crate::law::conditions::asked::{Act, Asked};
use crate::model::event::{Actor, CustodyRecord, Event, NamedDigest, Outcome};
use crate::model::ident::Id;
use crate::model::limits::{CLEARANCE_MS, USES_SHOWN_MAX};
use crate::model::time::Timestamp;

/// The name of the digest under which a record encloses what was asked for.
pub const USE: &str = "use";

/// What an officer says about a use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUse {
    /// What is done, with what, for whom.
    pub asked: Asked,
    /// In the officer's words: what for.
    pub purpose: String,
}

/// Records a use that happens with files that are out already, or puts them to proceedings. The gate comes first.
///
/// # Errors
/// A condition that stands against it, with its article and who can lift it.
pub fn record(node: &Node, officer: &Admitted, package_id: Id, new: &NewUse) -> Result<Value, EvidenceError> {
    let event = match new.asked.act {
        Act::Link => Event::PackageLinked,
        Act::Copy => Event::PackageCopied,
        Act::Exhibit => Event::PackageExhibited,
        Act::Disclose => Event::PackageDisclosed,
        act => return Err(EvidenceError::OtherWay { act }),
    };
    let (_, row) = evidence::admitted_for(node, officer, package_id, &new.asked)?;
    let actor = officer.acting_as(CUSTODY).map_err(DeskError::from)?;
    let entry = entry(node, actor, event, &row, new, digests(node, &row, &new.asked)?);
    let committed = node.commit(entry).map_err(DeskError::from)?;
    Ok(json!({ "record": committed.index, "package_id": package_id, "event": event.name() }))
}

/// The digests of the files that an act concerns.
fn digests(node: &Node, row: &MessageRow, asked: &Asked) -> Result<Vec<NamedDigest>, EvidenceError> {
    let message = desk::read_message(node, row)?;
    let items = message.consignment.as_ref().map(|found| found.items.as_slice()).unwrap_or_default();
    if let Some(wrong) = asked.objects.iter().find(|number| !items.iter().any(|item| item.object_id == **number)) {
        return Err(EvidenceError::NoItem { package_id: row.package_id.unwrap_or(row.message_id), object_id: *wrong });
    }
    let wanted = items.iter().filter(|item| asked.objects.is_empty() || asked.objects.contains(&item.object_id));
    Ok(wanted.map(|item| NamedDigest::new(&format!("object/{}", item.object_id), item.sha256)).collect())
}

/// A record that encloses what was asked for.
pub(super) fn entry(
    node: &Node,
    actor: Actor,
    event: Event,
    row: &MessageRow,
    new: &NewUse,
    digests: Vec<NamedDigest>,
) -> Entry {
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    let mut entry = scene.handled(event, row, &new.purpose, digests);
    write(&mut entry, &new.asked);
    entry
}

/// Puts what was asked for beside a record, unless it is plain: the ordinary opening and export say it by their names.
pub(super) fn enclose(entry: &mut Entry, asked: &Asked) {
    if (Asked { objects: Vec::new(), ..asked.clone() }) != Asked::plain(asked.act) {
        write(entry, asked);
    }
}

fn write(entry: &mut Entry, asked: &Asked) {
    let bytes = serde_json::to_vec(asked).expect("what is asked for is made of types that JSON always writes");
    entry.record.digests.push(NamedDigest::new(USE, sha256(&bytes)));
    entry.enclosures.push(bytes);
}

/// An officer asks a second one to clear a use.
///
/// # Errors
/// [`EvidenceError`] when the officer may not.
pub fn ask(node: &Node, officer: &Admitted, package_id: Id, new: &NewUse) -> Result<Value, EvidenceError> {
    let row = carrier(node, package_id)?;
    let actor = acting(node, officer, CUSTODY, &row)?;
    let digests = digests(node, &row, &new.asked)?;
    let committed = node.commit(entry(node, actor, Event::UseAsked, &row, new, digests)).map_err(DeskError::from)?;
    Ok(json!({ "record": committed.index, "package_id": package_id }))
}

/// A second officer clears what stands in record `index`.
///
/// # Errors
/// [`EvidenceError::Clearance`] when it is not there to be cleared, or by the same officer.
pub fn clear(node: &Node, officer: &Admitted, package_id: Id, index: u64) -> Result<Value, EvidenceError> {
    let row = carrier(node, package_id)?;
    let actor = acting(node, officer, APPROVE, &row)?;
    let _turn = node.turnstile.enter([package_id]);
    let (asked, _) = node.record(index).map_err(DeskError::from)?;
    if asked.event != Event::UseAsked || asked.subject.package_id != Some(package_id) {
        return Err(EvidenceError::Clearance("that record asks for no use of this package"));
    }
    if asked.actor.officer() == actor.officer() {
        let why = DeskError::FourEyes { kind: row.kind };
        let _ = desk::refuse(node, officer, &row, "four-eyes", why);
        return Err(EvidenceError::Clearance("whoever asked for it cannot clear it; another approver must do so"));
    }
    if answered(node, index).map_err(|_| EvidenceError::Clearance("the index cannot be read"))?.is_some() {
        return Err(EvidenceError::Clearance("it was cleared already"));
    }
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    let mut entry = scene.handled(Event::UseCleared, &row, &asked.reason, Vec::new());
    entry.record.digests = asked.digests.iter().filter(|digest| digest.name == USE).cloned().collect();
    entry.enclosures = vec![node.enclosure(index, USE).map_err(DeskError::from)?];
    // The first link of an act of two persons is what the first of them asked for.
    entry.record.links = vec![index];
    let committed = node.commit(entry).map_err(DeskError::from)?;
    Ok(json!({ "record": committed.index, "package_id": package_id, "asked": index }))
}

/// Whether a second officer cleared exactly this, at most a day ago.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub(super) fn cleared(node: &Node, package: &PackageRow, asked: &Asked, now: Timestamp) -> Result<bool, DeskError> {
    for (index, record) in of_package(node, package)? {
        if record.event != Event::UseCleared || now.millis_since(record.at) > CLEARANCE_MS {
            continue;
        }
        let Some(given) = enclosed(node, index)? else { continue };
        let objects = given.objects.is_empty()
            || !asked.objects.is_empty() && asked.objects.iter().all(|object| given.objects.contains(object));
        let given = Asked { objects: asked.objects.clone(), ..given };
        if objects && given == *asked {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was done with a package: opened, exported, put to proceedings, copied, shown, sent on; and what was refused.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub fn register(node: &Node, package_id: Id) -> Result<Value, DeskError> {
    let package = node.package(package_id)?;
    let mut found = Vec::new();
    for (index, record) in of_package(node, &package)? {
        let refused = record.event == Event::ActRefused
            && matches!(&record.outcome, Outcome::Failed(rule) if rule.starts_with("condition-"));
        if !refused && !is_use(record.event) {
            continue;
        }
        let mut view = views::record_view(index, &record);
        if let (Some(asked), Some(fields)) = (enclosed(node, index)?, view.as_object_mut()) {
            fields.insert("use".to_owned(), json!(asked));
        }
        found.push(view);
    }
    let skipped = found.len().saturating_sub(USES_SHOWN_MAX);
    let thread = terms::thread(node, package.request_id)?;
    let standing: Vec<Value> = thread
        .terms(package_id, clock::now())
        .iter()
        .map(|term| json!({ "id": term.condition.id, "code": term.condition.code, "standing": term.standing }))
        .collect();
    Ok(json!({
        "package_id": package_id,
        "from": package.counterpart,
        "conditions": standing,
        "uses": found.split_off(skipped),
        "more": skipped > 0,
    }))
}

const fn is_use(event: Event) -> bool {
    matches!(event, Event::PackageOpened | Event::PackageExported | Event::PackageLinked | Event::PackageCopied)
        || matches!(event, Event::PackageExhibited | Event::PackageDisclosed | Event::PackageForwarded)
        || matches!(event, Event::UseAsked | Event::UseCleared)
}

/// What a record encloses of a use, if it does.
fn enclosed(node: &Node, index: u64) -> Result<Option<Asked>, DeskError> {
    match node.enclosure(index, USE) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(LookupError::Enclosure { .. } | LookupError::Erased { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The records about a package that were not erased, in the order of the log.
fn of_package(node: &Node, package: &PackageRow) -> Result<Vec<(u64, CustodyRecord)>, DeskError> {
    let mut found = Vec::new();
    for index in timeline(node, package.request_id)? {
        match node.record(index) {
            Ok((record, _)) if record.subject.package_id == Some(package.package_id) => found.push((index, record)),
            Ok(_) | Err(LookupError::Erased { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn carrier(node: &Node, package_id: Id) -> Result<MessageRow, DeskError> {
    Ok(node.message(node.package(package_id)?.message_id)?)
}
