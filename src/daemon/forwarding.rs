//! Evidence on its way onward: files that came from one authority, sent to another. Refuses without the consent of the
//! authority that gave them, and never leaves their conditions behind.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::daemon::clock;
use crate::daemon::desk::{self, DeskError};
use crate::daemon::drafting::{self, Draft};
use crate::daemon::evidence::{self, CUSTODY, EvidenceError};
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::packing::{self, FileFacts, PackingError};
use crate::daemon::terms::{self, TermsError};
use crate::daemon::uses::{self, NewUse};
use crate::exchange::rows::{Direction, MessageRow, PackageRow, from_bytes, tree};
use crate::law::conditions::asked::{Act, Asked, Recipient, RecipientKind};
use crate::law::conditions::{inherited, onward};
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::{Digest, Id};
use crate::model::message::{Body, MessageKind};
use crate::model::package::{ItemForm, ItemRole};
use crate::model::request::{Completeness, EvidenceTransmittal};
use crate::store::index::Direction as Order;

/// What an officer says about files that go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewForward {
    /// The request of the other authority that they answer.
    pub request_id: Id,
    /// The numbers of the files; empty: all.
    #[serde(default)]
    pub objects: Vec<u32>,
    /// What for, in the officer's words.
    pub purpose: String,
    /// The own reference.
    #[serde(default)]
    pub reference: String,
    /// What the package holds.
    #[serde(default)]
    pub description: String,
}

/// Opens the files under the gate, seals them anew for the other authority with every condition they stand under, and
/// drafts the package; a second officer sends it like any other.
///
/// # Errors
/// What stands against it, with its article and who can lift it; the attempt is recorded.
pub fn forward(node: &Node, officer: &Admitted, package_id: Id, new: &NewForward) -> Result<MessageRow, PackingError> {
    let package = node.package(package_id).map_err(DeskError::from)?;
    let request = node.request(new.request_id).map_err(DeskError::from)?;
    drafting::may_transmit(node, officer, new.request_id)?;
    let recipient = Recipient {
        name: request.counterpart.to_string(),
        kind: RecipientKind::of(&request.counterpart, node.us(), &package.counterpart),
    };
    let asked = Asked {
        objects: new.objects.clone(),
        proceeding: Some(request.reference.clone()),
        recipient: Some(recipient),
        ..Asked::plain(Act::Forward)
    };
    let (package, row) = evidence::admitted_for(node, officer, package_id, &asked)?;
    let conditions = carried(node, officer, &package, &row, &asked)?;
    let message = desk::read_message(node, &row)?;
    let items = message.consignment.as_ref().map(|found| found.items.clone()).unwrap_or_default();
    if let Some(wrong) = new.objects.iter().find(|number| !items.iter().any(|item| item.object_id == **number)) {
        return Err(EvidenceError::NoItem { package_id, object_id: *wrong }.into());
    }
    if items.iter().any(|item| item.form != ItemForm::File) {
        return Err(EvidenceError::FolderOnward(package_id).into());
    }
    let sealed = packing::begin(node, officer)?;
    let mut digests = Vec::new();
    for item in items.iter().filter(|item| new.objects.is_empty() || new.objects.contains(&item.object_id)) {
        let why = format!("to send it on to {}: {}", request.counterpart, new.purpose);
        let opened = NewUse { asked: Asked { act: Act::Open, recipient: None, ..asked.clone() }, purpose: why };
        let (item, mut plaintext) = evidence::open_for(node, officer, package_id, item.object_id, &opened)?;
        let facts = FileFacts {
            name: item.name.clone(),
            media_type: item.media_type.clone(),
            description: item.description.clone(),
            role: ItemRole::Evidence,
            also: Vec::new(),
            expected: item.further.clone(),
        };
        packing::add(node, officer, sealed, facts, &mut plaintext)?;
        digests.push(NamedDigest::new(&format!("object/{}", item.object_id), item.sha256));
    }
    let body = Body::Evidence(EvidenceTransmittal {
        reference: new.reference.clone(),
        description: new.description.clone(),
        completeness: Completeness::Partial,
    });
    let mut draft = Draft::in_thread(&request, None, body);
    draft.conditions = conditions;
    draft.conditions.extend(terms::accepted_offers(node, new.request_id)?);
    draft.files = Some(packing::finish(node, officer, sealed)?);
    let actor = officer.acting_as(CUSTODY).map_err(DeskError::from)?;
    let drafted = drafting::draft(node, officer, draft)?;
    packing::close(node, sealed);
    let used = NewUse { asked, purpose: format!("as package {sealed}: {}", new.purpose) };
    node.commit(uses::entry(node, actor, Event::PackageForwarded, &row, &used, digests)).map_err(DeskError::from)?;
    Ok(drafted)
}

/// The conditions that go along, after the consent that the law asks for.
fn carried(
    node: &Node,
    officer: &Admitted,
    package: &PackageRow,
    row: &MessageRow,
    asked: &Asked,
) -> Result<Vec<crate::model::package::Condition>, DeskError> {
    if package.direction == Direction::Outgoing {
        return Ok(Vec::new());
    }
    let (book, now) = (terms::book()?, clock::now());
    let thread = terms::thread(node, package.request_id)?;
    let facts = thread.facts(node, package, book, now);
    if let Some(hold) = onward(book, &package.counterpart, asked, &facts) {
        return Err(terms::held(node, officer, row, Act::Forward, &[hold]));
    }
    Ok(inherited(package.package_id, &thread.terms(package.package_id, now), &asked.objects))
}

/// Files that came from another authority are not sealed by hand for a third one: that would leave their conditions behind.
///
/// # Errors
/// [`TermsError::OutOfPlace`] names the command to use.
pub(super) fn refuse_received(node: &Node, draft: &Draft) -> Result<(), DeskError> {
    let Some((consignment, _)) = &draft.files else { return Ok(()) };
    if draft.body.kind() != MessageKind::EvidenceTransmit {
        return Ok(());
    }
    let sealed: BTreeSet<Digest> = consignment.items.iter().map(|item| item.sha256).collect();
    let rows = node.index.scan_prefix(tree::PACKAGE, &[], None, usize::MAX, Order::Forward);
    for (_, bytes) in rows.map_err(LookupError::from)? {
        let package: PackageRow = from_bytes(&bytes).map_err(LookupError::from)?;
        if package.direction != Direction::Incoming || package.counterpart == draft.to {
            continue;
        }
        let message = match desk::read_message(node, &node.message(package.message_id)?) {
            Ok(message) => message,
            Err(DeskError::Lookup(LookupError::Erased { .. })) => continue,
            Err(error) => return Err(error),
        };
        let items = message.consignment.as_ref().map(|found| found.items.as_slice()).unwrap_or_default();
        // Anybody may have an empty file.
        if items.iter().any(|item| item.plaintext_bytes > 0 && sealed.contains(&item.sha256)) {
            return Err(TermsError::Received { package_id: package.package_id, from: package.counterpart }.into());
        }
    }
    Ok(())
}
