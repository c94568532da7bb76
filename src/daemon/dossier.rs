//! Gathers what a bag is made of: the exact bytes that this node holds about one package, with their proofs.

use std::collections::{BTreeMap, BTreeSet};
use std::num::ParseIntError;
use std::time::Duration;

use serde::Deserialize;

use crate::bag::dossier::{Bytes, CheckpointPart, DirectoryPart, Dossier, LinkPart, RecordPart, SignedPart};
use crate::bag::extract::{Extract, Scope};
use crate::custody::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::custody::note::Note;
use crate::custody::proof::TlogProof;
use crate::daemon::desk::{self, DeskError};
use crate::daemon::evidence::{self, EvidenceError};
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::uses::{self, NewUse};
use crate::daemon::{clock, crash, dossier_time, dossier_witness, rounds};
use crate::exchange::act::Scene;
use crate::exchange::rows::{Direction, MessageRow, tree};
use crate::law::conditions::asked::{Act, Asked, PurposeKind, Recipient, RecipientKind, Route};
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::Id;
use crate::model::limits::{LINE_BYTES_MAX, PUBLISH_MS};
use crate::model::message::{Body, MessageKind};
use crate::store::directory::{DirectoryFileError, NodeDirectory};
use crate::store::index::Direction as Order;
use crate::store::reader::Reader;
use crate::store::rotations;
use crate::wire::{message, record};

/// What is wanted of a package, if it is not the whole.
#[derive(Debug, Clone)]
pub struct Part {
    /// The numbers of the files; all without.
    pub objects: Option<Vec<u32>>,
    /// For whom; may be empty.
    pub recipient: String,
}

/// The same as it is asked for over the officers' socket.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// What for.
    pub reason: String,
    /// Numbers of files, with commas between them; all files without.
    items: Option<String>,
    /// For whom an extract is made.
    recipient: Option<String>,
    /// In which proceedings; those of the request without.
    proceeding: Option<String>,
    /// What kind of purpose.
    purpose_kind: Option<PurposeKind>,
    /// What the recipient is.
    kind: Option<RecipientKind>,
    /// By which way round conditions.
    route: Option<Route>,
}

impl Wanted {
    /// What is asked for, in the words of the conditions.
    pub fn new_use(&self) -> NewUse {
        let name = self.recipient.clone().unwrap_or_default();
        let asked = Asked {
            proceeding: self.proceeding.clone(),
            purpose: self.purpose_kind,
            recipient: self.kind.map(|kind| Recipient { name, kind }),
            route: self.route.unwrap_or_default(),
            ..Asked::plain(Act::Export)
        };
        NewUse { asked, purpose: self.reason.clone() }
    }

    /// The part; none for the whole package.
    ///
    /// # Errors
    /// When a number is none.
    pub fn part(&self) -> Result<Option<Part>, ParseIntError> {
        let objects = self.items.as_deref().map(|items| items.split(',').map(str::parse).collect());
        let objects: Option<Vec<u32>> = objects.transpose()?;
        let is_part = objects.is_some() || self.recipient.is_some();
        Ok(is_part.then(|| Part { objects, recipient: self.recipient.clone().unwrap_or_default() }))
    }
}

/// Records the export, then gathers the dossier: the record of the export is in it.
///
/// # Errors
/// [`DossierError`] names the rule, or what cannot be read.
pub fn export(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    purpose: &str,
    part: Option<Part>,
) -> Result<Dossier, DossierError> {
    let new = NewUse { asked: Asked::plain(Act::Export), purpose: purpose.to_owned() };
    export_for(node, officer, package_id, &new, part)
}

/// The same for proceedings, a recipient or a way that the officer names.
///
/// # Errors
/// As [`export`].
pub fn export_for(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    new: &NewUse,
    part: Option<Part>,
) -> Result<Dossier, DossierError> {
    let (asked, purpose) = (asked(&new.asked, part.as_ref()), new.purpose.as_str());
    let (package, row) = evidence::admitted_for(node, officer, package_id, &asked)?;
    let actor = officer.acting_as(evidence::CUSTODY).map_err(DeskError::from)?;
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    // A draft is refused before anything is logged: the log says "exported" only of what can be.
    let envelope_index = row.envelope_index.ok_or(DossierError::NotSent)?;
    let main = signed(node, &row)?.ok_or(DossierError::NotSent)?;
    let signed_envelope = Bytes(node.enclosure(envelope_index, "signed-envelope")?);
    let mut digests = vec![NamedDigest::new("message", row.digest)];
    let extract = part.map(|part| wanted(node, &row, part, &mut digests)).transpose()?;
    let reason = Extract::reason(extract.as_ref().map_or("", |extract| &extract.recipient), purpose);
    let mut act = scene.handled(Event::PackageExported, &row, &reason, digests);
    uses::enclose(&mut act, &Asked { objects: Vec::new(), ..asked });
    let exported = node.commit(act).map_err(DeskError::from)?;
    crash::point("export: logged, not given");
    let published = published(node);
    rounds::await_cosignature(node, exported.index + 1);
    let scope = Scope { package_id, messages: BTreeSet::from([row.message_id]), reason };
    let extent = if extract.is_some() { Extent::Extract } else { Extent::Whole };
    let mut thread = thread(node, package.request_id, scope, extent)?;
    let stamps = dossier_time::gather(node, &thread.records)?;
    thread.records.extend(stamps.records.iter().cloned());
    let files = NodeDirectory::of(node.home().root()).current_files()?;
    let directory = files.map(|files| files.iter().map(|(name, bytes)| file(&name.to_string(), bytes)).collect());
    let reader = node.ledger.reader();
    let newest = reader.checkpoint();
    let mut cosigned = Vec::new();
    if let Some(newest) = &newest {
        cosigned = own_links(reader, published, &thread.records, newest)?;
        cosigned.extend(stamps.links(reader, newest.checkpoint().size())?);
        let entries = thread.records.iter().map(|record| record.index + 1).max().unwrap_or_default();
        cosigned.extend(dossier_witness::cosigned(node, entries, newest)?);
    }
    let peer_links = dossier_witness::peer_links(node, &row.counterpart, &thread.receipts)?;
    Ok(Dossier {
        exporter: node.us().clone(),
        message: main,
        signed_envelope,
        request: thread.request,
        acceptances: thread.acceptances,
        records: thread.records,
        receipts: thread.receipts,
        checkpoint: Bytes(newest.map(|signed| signed.to_bytes()).unwrap_or_default()),
        cosigned,
        rotations: gone_over(node)?,
        time_stamps: stamps.parts,
        peer_links,
        extract,
        directory: directory.unwrap_or_default(),
    })
}

/// What an export is, in the words of the conditions: a part is an extract of those files, for that recipient.
fn asked(asked: &Asked, part: Option<&Part>) -> Asked {
    let Some(part) = part else { return Asked { act: Act::Export, ..asked.clone() } };
    let name = part.recipient.trim().to_owned();
    let named = (!name.is_empty()).then_some(Recipient { name, kind: RecipientKind::Unknown });
    Asked {
        act: Act::Extract,
        objects: part.objects.clone().unwrap_or_default(),
        recipient: asked.recipient.clone().or(named),
        ..asked.clone()
    }
}

/// What goes with a package from the thread of its request.
struct Thread {
    request: Option<SignedPart>,
    acceptances: Vec<SignedPart>,
    records: Vec<RecordPart>,
    receipts: Vec<Bytes>,
}

fn thread(node: &Node, request_id: Id, mut scope: Scope, extent: Extent) -> Result<Thread, DossierError> {
    let row = node.request(request_id)?;
    let (mut request, mut acceptances) = (None, Vec::new());
    for id in &row.messages {
        let other = node.message(*id)?;
        match other.kind {
            kind if kind.opens() && !scope.messages.contains(id) => {
                scope.messages.insert(*id);
                request = signed(node, &other)?;
            }
            MessageKind::ConditionsAccept => {
                let Some(part) = signed(node, &other)? else { continue };
                if accepted_package(&part) == Some(scope.package_id) {
                    scope.messages.insert(*id);
                }
                acceptances.push(part);
            }
            _ => {}
        }
    }
    let (mut messages, mut records) = (row.messages, records(node, request_id)?);
    if extent == Extent::Extract {
        messages.retain(|id| scope.messages.contains(id));
        records.retain(|part| record::decode(&part.record.0).is_ok_and(|record| scope.keeps(&record)));
        acceptances.retain(|part| accepted_package(part) == Some(scope.package_id));
        // The request tells of the whole case; the message holds its digest.
        request = None;
    }
    Ok(Thread { request, acceptances, records, receipts: receipts(node, &messages)? })
}

/// How much of a thread is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Extract,
}

/// Checks what is wanted against what the message names, and names it in the record of the export.
fn wanted(node: &Node, row: &MessageRow, part: Part, digests: &mut Vec<NamedDigest>) -> Result<Extract, DossierError> {
    let recipient = part.recipient.trim().to_owned();
    if recipient.len() > LINE_BYTES_MAX || !Extract::may_name(&recipient) {
        return Err(DossierError::Recipient);
    }
    let message = desk::read_message(node, row)?;
    let items = message.consignment.as_ref().map(|consignment| consignment.items.as_slice()).unwrap_or_default();
    let mut objects = part.objects.unwrap_or_else(|| items.iter().map(|item| item.object_id).collect());
    objects.sort_unstable();
    objects.dedup();
    for object_id in &objects {
        let item = items.iter().find(|item| item.object_id == *object_id).ok_or(DossierError::NoItem(*object_id))?;
        digests.push(NamedDigest::new(&format!("object/{object_id}"), item.sha256));
    }
    Ok(Extract { objects, recipient })
}

fn accepted_package(part: &SignedPart) -> Option<Id> {
    match &message::decode(&part.content.0).ok()?.body {
        Body::Acceptance(body) => Some(body.package_id),
        _ => None,
    }
}

fn signed(node: &Node, row: &MessageRow) -> Result<Option<SignedPart>, LookupError> {
    let (content, cms) = node.message_bytes(row)?;
    Ok(cms.map(|cms| SignedPart { content: Bytes(content), cms: Bytes(cms) }))
}

/// Every record of the request, each with its proof under one checkpoint.
fn records(node: &Node, request_id: Id) -> Result<Vec<RecordPart>, DossierError> {
    let mut parts = Vec::new();
    let entries = node
        .index
        .scan_prefix(tree::TIMELINE, request_id.as_bytes(), None, usize::MAX, Order::Forward)
        .map_err(LookupError::from)?;
    for (key, _) in entries {
        let Some(index) = key.last_chunk::<8>().copied().map(u64::from_be_bytes) else { continue };
        parts.extend(record_part(node, index)?);
    }
    Ok(parts)
}

/// One record with its proof. An erased one leaves its place in the log; there is nothing of it to disclose.
pub(super) fn record_part(node: &Node, index: u64) -> Result<Option<RecordPart>, DossierError> {
    let reader = node.ledger.reader();
    let Some(content) = reader.read(index).map_err(LookupError::from)?.content else { return Ok(None) };
    let proof = reader.prove(index).map_err(LookupError::from)?;
    let (record, salt) = (Bytes(content.record), Bytes(content.salt.to_vec()));
    Ok(Some(RecordPart { index, record, salt, proof }))
}

/// The published checkpoint, which both keys of the log signed. It follows the journal within moments; what the export has
/// logged should be under it, and an export is no hurry.
fn published(node: &Node) -> Option<Vec<u8>> {
    let reader = node.ledger.reader();
    let wanted = reader.size();
    for _ in 0..PUBLISH_ROUNDS_MAX {
        if reader.published_size() >= wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(PUBLISH_MS / 5));
    }
    std::fs::read(node.home().custody().join("checkpoint")).ok()
}

/// How often the export looks whether its record is published: for two seconds.
const PUBLISH_ROUNDS_MAX: u32 = 40;

/// The published checkpoint and those that the records are proven under, each led to the newest: the log may have grown
/// between two proofs.
fn own_links(
    reader: &Reader,
    published: Option<Vec<u8>>,
    records: &[RecordPart],
    newest: &SignedCheckpoint,
) -> Result<Vec<CheckpointPart>, DossierError> {
    let new_size = newest.checkpoint().size();
    let mut parts = BTreeMap::new();
    let proofs = records.iter().filter_map(|record| TlogProof::parse(record.proof.as_bytes()).ok());
    let under = proofs.map(|proof| proof.checkpoint().as_bytes().to_vec());
    for bytes in published.into_iter().chain(under) {
        let said = Note::parse(&bytes).map_err(CheckpointError::from).and_then(|note| Checkpoint::parse(note.text()));
        // The newest goes into the bag by itself; only with the lines of both keys does it stand here once more.
        let Ok(size) = said.map(|said| said.size()) else { continue };
        if parts.contains_key(&size) || size > new_size || size == new_size && !parts.is_empty() {
            continue;
        }
        let hashes = reader.consistency(size, new_size).map_err(LookupError::from)?;
        let hashes = hashes.iter().map(|hash| Bytes(hash.0.to_vec())).collect();
        let link = (size < new_size).then_some(LinkPart { new_size, hashes });
        parts.insert(size, CheckpointPart { note: Bytes(bytes), link });
    }
    Ok(parts.into_values().collect())
}

/// The receipts that the other authority gave for messages of ours in this thread.
fn receipts(node: &Node, messages: &[Id]) -> Result<Vec<Bytes>, DossierError> {
    let mut found = Vec::new();
    for id in messages {
        let row = node.message(*id)?;
        if row.direction == Direction::Outgoing {
            for (_, index) in &row.receipts {
                found.push(Bytes(node.enclosure(*index, "receipt")?));
            }
        }
    }
    Ok(found)
}

/// How our log went over from key to key: whoever has an old directory is led on, and no retired key counts behind its end.
fn gone_over(node: &Node) -> Result<Vec<Bytes>, LookupError> {
    let all = rotations::all(&node.home().custody()).map_err(LookupError::Files)?;
    Ok(all.iter().map(|one| Bytes(one.rotation.to_text().into_bytes())).collect())
}

fn file(name: &str, bytes: &[u8]) -> DirectoryPart {
    DirectoryPart { name: name.to_owned(), bytes: Bytes(bytes.to_vec()) }
}

/// Why there is no dossier.
#[derive(Debug, thiserror::Error)]
pub enum DossierError {
    /// A rule.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule or a lookup.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Something cannot be read.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The directory cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryFileError),
    /// A recipient that cannot stand in one line.
    #[error("name the recipient of the extract in one line of text, without a colon and a space")]
    Recipient,
    /// No such file.
    #[error("the package has no file {0}")]
    NoItem(u32),
    /// A draft has no signature and no envelope.
    #[error("the package was not sent yet; only what was sent or received is exported")]
    NotSent,
}
