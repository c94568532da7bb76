//! Gathers what a bag is made of: the exact bytes that this node holds about one package, with their proofs.

use crate::bag::dossier::{Bytes, DirectoryPart, Dossier, RecordPart, SignedPart};
use crate::daemon::desk::DeskError;
use crate::daemon::evidence::{self, EvidenceError};
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, crash};
use crate::exchange::act::Scene;
use crate::exchange::rows::{Direction, MessageRow, tree};
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::Id;
use crate::model::message::MessageKind;
use crate::store::directory::{DirectoryFileError, NodeDirectory};
use crate::store::index::Direction as Order;

/// Records the export, then gathers the dossier: the record of the export is in it.
///
/// # Errors
/// [`DossierError`] names the rule, or what cannot be read.
pub fn export(node: &Node, officer: &Admitted, package_id: Id, purpose: &str) -> Result<Dossier, DossierError> {
    let (package, row) = evidence::admitted(node, officer, package_id)?;
    let actor = officer.acting_as(evidence::CUSTODY).map_err(DeskError::from)?;
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    // A draft is refused before anything is logged: the log says "exported" only of what can be.
    let envelope_index = row.envelope_index.ok_or(DossierError::NotSent)?;
    let message = signed(node, &row)?.ok_or(DossierError::NotSent)?;
    let signed_envelope = Bytes(node.enclosure(envelope_index, "signed-envelope")?);
    let digests = vec![NamedDigest::new("message", row.digest)];
    node.commit(scene.handled(Event::PackageExported, &row, purpose, digests)).map_err(DeskError::from)?;
    crash::point("export: logged, not given");
    let request = node.request(package.request_id)?;
    let mut request_part = None;
    let mut acceptances = Vec::new();
    for id in &request.messages {
        let other = node.message(*id)?;
        match other.kind {
            MessageKind::RequestSubmit if other.message_id != row.message_id => request_part = signed(node, &other)?,
            MessageKind::ConditionsAccept => acceptances.extend(signed(node, &other)?),
            _ => {}
        }
    }
    let files = NodeDirectory::of(node.home().root()).current_files()?;
    let directory = files.map(|files| files.iter().map(|(name, bytes)| part(&name.to_string(), bytes)).collect());
    Ok(Dossier {
        exporter: node.us().clone(),
        message,
        signed_envelope,
        request: request_part,
        acceptances,
        records: records(node, package.request_id)?,
        receipts: receipts(node, &request.messages)?,
        checkpoint: Bytes(node.ledger.reader().checkpoint().map(|signed| signed.to_bytes()).unwrap_or_default()),
        directory: directory.unwrap_or_default(),
    })
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
        let reader = node.ledger.reader();
        // An erased record leaves its place in the log; there is nothing of it to disclose.
        let Some(content) = reader.read(index).map_err(LookupError::from)?.content else { continue };
        parts.push(RecordPart {
            index,
            record: Bytes(content.record),
            salt: Bytes(content.salt.to_vec()),
            proof: reader.prove(index).map_err(LookupError::from)?,
        });
    }
    Ok(parts)
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

fn part(name: &str, bytes: &[u8]) -> DirectoryPart {
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
    /// A draft has no signature and no envelope.
    #[error("the package was not sent yet; only what was sent or received is exported")]
    NotSent,
}
