//! A dossier as the tag files of a bag. Refuses a dossier whose parts do not belong together: no bag is begun that its
//! own verifier would refuse for what the exporter knew.

use std::collections::BTreeMap;

use crate::bag::dossier::{Bytes, Dossier, RecordPart, SignedPart};
use crate::bag::extract::Extract;
use crate::bag::layout::{self, SIGNED_ENVELOPE};
use crate::bag::link::Link;
use crate::bag::notes::{Notes, bag_info_text};
use crate::bag::people;
use crate::crypto::pem::{Label, encode};
use crate::custody::checkpoint::{Checkpoint, CheckpointError};
use crate::custody::note::Note;
use crate::custody::proof::{TlogProof, TlogProofError};
use crate::exchange::reading::{ReadError, Reading};
use crate::exchange::repository::{Files, RepositoryError};
use crate::exchange::rotation::Rotation;
use crate::exchange::verified::{VerifyError, check_agreement};
use crate::model::authority::Authority;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::listed::ListTotals;
use crate::model::message::{Body, Message};
use crate::model::package::Item;
use crate::model::time::Timestamp;
use crate::wire::decode::DecodeError;
use crate::wire::{envelope, message, receipt, record};

/// What a bag will hold, but for the payload.
#[derive(Debug)]
pub struct Assembly {
    /// Every tag file but the manifests and `bagit.txt`, by path.
    pub tags: BTreeMap<String, Vec<u8>>,
    /// The files that must come.
    pub items: Vec<Item>,
}

impl Assembly {
    /// Checks a dossier and lays its parts out.
    ///
    /// # Errors
    /// [`AssemblyError`] names the part that does not belong.
    pub fn of(dossier: &Dossier, exported_at: Timestamp) -> Result<Self, AssemblyError> {
        Self::of_folder(dossier, exported_at, None)
    }

    /// The same of a package that is a folder with so many files.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_folder(
        dossier: &Dossier,
        exported_at: Timestamp,
        listed: Option<ListTotals>,
    ) -> Result<Self, AssemblyError> {
        let exported_at = Timestamp::from_millis(exported_at.as_secs().saturating_mul(1_000));
        let message = message::decode(&dossier.message.content.0)?;
        let items = items(dossier, &message)?;
        let signed = envelope::decode_signed(&dossier.signed_envelope.0)?;
        check_agreement(&envelope::decode(&signed.content)?, &message)?;
        let request = dossier.request.as_ref().map(|part| message::decode(&part.content.0)).transpose()?;
        if request.as_ref().is_some_and(|request| !is_request_of(request, &message)) {
            return Err(AssemblyError::Foreign("request"));
        }
        let (accepted, acceptances) = acceptances(dossier, &message)?;

        let mut tags = BTreeMap::new();
        put_signed(&mut tags, layout::MESSAGE, &dossier.message);
        tags.insert(SIGNED_ENVELOPE.to_owned(), dossier.signed_envelope.0.clone());
        put_signed(&mut tags, layout::ENVELOPE, &SignedPart::from(signed));
        if let Some(part) = &dossier.request {
            put_signed(&mut tags, layout::REQUEST, part);
        }
        for (number, part) in (1..).zip(accepted) {
            put_signed(&mut tags, &layout::acceptance(number), part);
        }
        let origin = origin_of(&dossier.checkpoint.0)?;
        if !dossier.exporter.owns_log(&origin) {
            return Err(AssemblyError::Foreign("checkpoint"));
        }
        for part in &dossier.records {
            put_record(&mut tags, &origin, part)?;
        }
        for bytes in &dossier.receipts {
            let parts = receipt::decode(&bytes.0)?;
            let proof = TlogProof::parse(parts.proof.as_bytes())?;
            let (index, log) = (proof.index(), origin_of(proof.checkpoint().as_bytes())?);
            tags.insert(layout::receipt(&log, index), bytes.0.clone());
            // In its parts as well, so that the records of both sides stand alike.
            let (record, salt) = (Bytes(parts.record), Bytes(parts.salt.to_vec()));
            put_record(&mut tags, &log, &RecordPart { index, record, salt, proof: parts.proof })?;
        }
        tags.insert(layout::checkpoint(&origin), dossier.checkpoint.0.clone());
        put_rotations(&mut tags, dossier, &origin)?;
        let parties = [&message.sender.authority, &message.recipient];
        put_checkpoints(&mut tags, dossier, (parties, &origin))?;
        put_directory(&mut tags, dossier, parties)?;

        let notes = Notes {
            exporter: &dossier.exporter,
            exported_at,
            message: (&dossier.message.content.0, &message),
            request: request.as_ref(),
            acceptances: &acceptances,
            extract: dossier.extract.as_ref(),
            listed,
        };
        if let Some(extract) = &dossier.extract {
            tags.insert(layout::EXTRACT.to_owned(), extract.text(&message).into_bytes());
        }
        let texts = people::texts(notes, &tags);
        tags.extend(texts.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)));
        tags.insert(layout::BAG_INFO.to_owned(), bag_info_text(&notes.bag_info()).into_bytes());
        Ok(Self { tags, items })
    }
}

fn items(dossier: &Dossier, message: &Message) -> Result<Vec<Item>, AssemblyError> {
    let all = &message.consignment.as_ref().ok_or(AssemblyError::NoFiles)?.items;
    let Some(extract) = &dossier.extract else { return Ok(all.clone()) };
    // What is written must be read again by the same rule.
    if Extract::read(&extract.text(message), message).as_ref() != Some(extract) {
        return Err(AssemblyError::Foreign("extract"));
    }
    Ok(extract.items(message))
}

/// Whether this is the request that the message belongs to, between the same two authorities.
pub fn is_request_of(request: &Message, message: &Message) -> bool {
    let parties = [&request.sender.authority, &request.recipient];
    request.kind().opens()
        && request.request_id == message.request_id
        && parties.contains(&&message.sender.authority)
        && parties.contains(&&message.recipient)
}

/// Whether this is the recipient's acceptance of conditions that the message sets.
pub fn is_acceptance_of(acceptance: &Message, message: &Message) -> bool {
    let Body::Acceptance(body) = &acceptance.body else { return false };
    message.consignment.as_ref().is_some_and(|consignment| consignment.seal_id == body.package_id)
        && acceptance.sender.authority == message.recipient
        && acceptance.request_id == message.request_id
        && body.condition_ids.iter().all(|id| message.conditions.iter().any(|condition| condition.id == *id))
}

/// The PEM file of an authority's issuing certificates.
pub fn certificates(authority: &Authority) -> String {
    authority.issuers.iter().map(|der| encode(Label::Certificate, der).to_string()).collect()
}

/// The PEM file of the CAs that it trusts for time-stamps over its log.
pub fn time_stamp_issuers(authority: &Authority) -> String {
    authority.time_stamp_issuers.iter().map(|der| encode(Label::Certificate, der).to_string()).collect()
}

/// The PEM file of its revocation lists.
pub fn revocation_lists(authority: &Authority) -> String {
    authority.revocation_lists.iter().map(|der| encode(Label::RevocationList, der).to_string()).collect()
}

/// The verifier keys of its log, one a line.
pub fn log_keys(authority: &Authority) -> String {
    authority.log_keys.iter().map(|key| format!("{key}\n")).collect()
}

/// The acceptances of this package. Those of other packages of the same request stay out of the bag.
fn acceptances<'a>(
    dossier: &'a Dossier,
    message: &Message,
) -> Result<(Vec<&'a SignedPart>, Vec<Message>), AssemblyError> {
    let package = message.consignment.as_ref().map(|consignment| consignment.seal_id);
    let (mut parts, mut decoded) = (Vec::new(), Vec::new());
    for part in &dossier.acceptances {
        let acceptance = message::decode(&part.content.0)?;
        let other_package = match &acceptance.body {
            Body::Acceptance(body) => Some(body.package_id) != package && acceptance.request_id == message.request_id,
            _ => false,
        };
        if other_package {
            continue;
        }
        if !is_acceptance_of(&acceptance, message) {
            return Err(AssemblyError::Foreign("acceptance"));
        }
        parts.push(part);
        decoded.push(acceptance);
    }
    Ok((parts, decoded))
}

fn put_signed(tags: &mut BTreeMap<String, Vec<u8>>, stem: &str, part: &SignedPart) {
    tags.insert(format!("{stem}.pb"), part.content.0.clone());
    tags.insert(format!("{stem}.pb.p7s"), part.cms.0.clone());
}

fn put_record(tags: &mut BTreeMap<String, Vec<u8>>, origin: &str, part: &RecordPart) -> Result<(), AssemblyError> {
    let good = part.salt.0.len() == crate::custody::leaf::SALT_BYTES
        && TlogProof::parse(part.proof.as_bytes())?.index() == part.index
        && record::decode(&part.record.0)?.authority.owns_log(origin);
    if !good {
        return Err(AssemblyError::Foreign("record"));
    }
    let stem = layout::record(origin, part.index);
    tags.insert(format!("{stem}.record"), part.record.0.clone());
    tags.insert(format!("{stem}.salt"), part.salt.0.clone());
    tags.insert(format!("{stem}.tlog-proof"), part.proof.clone().into_bytes());
    Ok(())
}

fn put_rotations(tags: &mut BTreeMap<String, Vec<u8>>, dossier: &Dossier, origin: &str) -> Result<(), AssemblyError> {
    for bytes in &dossier.rotations {
        let text = std::str::from_utf8(&bytes.0).map_err(|_| AssemblyError::Foreign("rotation"))?;
        let rotation = Rotation::read(text).map_err(|_| AssemblyError::Foreign("rotation"))?;
        if rotation.old.name() != origin {
            return Err(AssemblyError::Foreign("rotation"));
        }
        tags.insert(format!("{}{}", layout::rotations(origin), rotation.end), bytes.0.clone());
    }
    Ok(())
}

/// The log that a checkpoint is of.
fn origin_of(note: &[u8]) -> Result<String, AssemblyError> {
    let note = Note::parse(note).map_err(CheckpointError::from)?;
    Ok(Checkpoint::parse(note.text())?.origin().to_owned())
}

/// The further checkpoints of both logs, merged by what they say, their links, and the time-stamps.
fn put_checkpoints(
    tags: &mut BTreeMap<String, Vec<u8>>,
    dossier: &Dossier,
    (parties, own): ([&AuthorityId; 2], &str),
) -> Result<(), AssemblyError> {
    for part in dossier.cosigned.iter().chain(&dossier.peer_links) {
        let note = Note::parse(&part.note.0).map_err(CheckpointError::from)?;
        let said = Checkpoint::parse(note.text())?;
        if !parties.iter().any(|party| party.owns_log(said.origin())) {
            return Err(AssemblyError::Foreign("checkpoint"));
        }
        let path = put_note(tags, note, &said);
        if let Some(link) = &part.link {
            let hashes = link.hashes.iter().map(|hash| Digest::try_from(hash.0.as_slice()));
            let hashes = hashes.collect::<Result<_, _>>().map_err(|_| AssemblyError::Foreign("consistency proof"))?;
            let link = Link { old: said.size(), new: link.new_size, hashes };
            tags.insert(format!("{path}.consistency"), link.to_string().into_bytes());
        }
    }
    for part in &dossier.time_stamps {
        let said = Checkpoint::parse(Note::parse(&part.note.0).map_err(CheckpointError::from)?.text())?;
        if said.origin() != own {
            return Err(AssemblyError::Foreign("time-stamp"));
        }
        let stem = (1..)
            .map(|number| layout::checkpoint_at(said.origin(), said.size(), number))
            .find(|stem| !tags.contains_key(&format!("{stem}.tsr")));
        let stem = stem.unwrap_or_default();
        tags.insert(format!("{stem}.note"), part.note.0.clone());
        tags.insert(format!("{stem}.tsr"), part.token.0.clone());
    }
    Ok(())
}

/// Puts a note where its like stands, or under a name of its own: two notes of one size that say different things are
/// evidence, and none of them may hide the other.
fn put_note(tags: &mut BTreeMap<String, Vec<u8>>, note: Note, said: &Checkpoint) -> String {
    for number in 1.. {
        let path = layout::checkpoint_at(said.origin(), said.size(), number);
        let held = tags.get(&path).map(|bytes| Note::parse(bytes));
        let whole = match held {
            None => note,
            Some(Ok(mut held)) if held.text() == note.text() => {
                note.signatures()
                    .iter()
                    .filter(|line| !held.signatures().contains(line))
                    .cloned()
                    .collect::<Vec<_>>()
                    .into_iter()
                    .for_each(|line| held.push(line));
                held
            }
            Some(_) => continue,
        };
        tags.insert(path.clone(), whole.to_string().into_bytes());
        return path;
    }
    String::new()
}

fn put_directory(
    tags: &mut BTreeMap<String, Vec<u8>>,
    dossier: &Dossier,
    parties: [&AuthorityId; 2],
) -> Result<(), AssemblyError> {
    let mut files = Files::new();
    for part in &dossier.directory {
        let name = part.name.parse()?;
        files.put(name, part.bytes.0.clone())?;
        tags.insert(format!("{}{name}", layout::DIRECTORY), part.bytes.0.clone());
    }
    let roster = Reading::of(&files)?.listing().roster();
    for id in parties {
        let authority = roster.authority(id).ok_or(AssemblyError::UnknownAuthority)?;
        tags.insert(layout::certificates(id), certificates(authority).into_bytes());
        tags.insert(layout::revocation_lists(id), revocation_lists(authority).into_bytes());
        tags.insert(layout::log_keys(&authority.log_origin()), log_keys(authority).into_bytes());
        if !authority.time_stamp_issuers.is_empty() {
            tags.insert(layout::time_stamp_issuers(id), time_stamp_issuers(authority).into_bytes());
        }
    }
    Ok(())
}

/// Why a dossier makes no bag.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// Nothing to put into it.
    #[error("the message carries no file; there is nothing to export")]
    NoFiles,
    /// A part of another case.
    #[error("a part of the dossier ({0}) does not belong to this package; export it again")]
    Foreign(&'static str),
    /// An authority that the directory does not know.
    #[error("the directory does not list both authorities; import the directory that does and export again")]
    UnknownAuthority,
    /// Bytes that do not decode.
    #[error("a part of the dossier does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// The envelope is not the message's.
    #[error("the envelope is not the one of this message: {0}")]
    Envelope(#[from] VerifyError),
    /// A checkpoint that does not read.
    #[error("a checkpoint of the dossier does not read: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A proof that does not read.
    #[error("a custody proof does not read: {0}")]
    Proof(#[from] TlogProofError),
    /// A file that is none of the directory's.
    #[error("the directory does not read: {0}")]
    Repository(#[from] RepositoryError),
    /// A directory that does not fit itself.
    #[error("the directory does not read: {0}")]
    Directory(#[from] ReadError),
}
