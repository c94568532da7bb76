//! What the custody logs prove: each record in the bag is led through its proof to a checkpoint that the right log signed,
//! and what the records name is compared with what lies in the bag. A record that proves nothing is used for nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::acts::Acts;
use crate::bag::folder::Folder;
use crate::bag::history::{self, History};
use crate::bag::layout::{self, RECEIPTS, RECORDS};
use crate::bag::rotations::Logs;
use crate::bag::verdict::Findings;
use crate::crypto::digest::sha256;
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::custody::leaf::{SALT_BYTES, commitment};
use crate::custody::proof::TlogProof;
use crate::custody::tree::leaf_hash;
use crate::exchange::roster::Roster;
use crate::model::event::CustodyRecord;
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::limits::{RECEIPT_BYTES_MAX, RECORD_BYTES_MAX, TLOG_PROOF_BYTES_MAX};
use crate::model::message::Message;
use crate::wire::envelope::encode_signed_message;
use crate::wire::receipt::{self, ReceiptParts};
use crate::wire::record;

/// A record that a log was shown to hold.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Its place in the log.
    pub index: u64,
    /// What it says.
    pub record: CustodyRecord,
    /// The checkpoint that it is under.
    pub checkpoint: Checkpoint,
    /// The same with its signatures.
    pub signed: SignedCheckpoint,
    /// The leaf.
    pub leaf: Digest,
}

/// Proves every record and receipt of the bag and compares them with the acts.
pub fn check(
    folder: &Folder,
    (roster, logs): (Option<&Roster>, &Logs),
    acts: &Acts,
    findings: &mut Findings,
) -> (Vec<Proven>, History) {
    let mut proven = Vec::new();
    let mut checkpoints = Vec::new();
    for (file, place, parts) in read_all(folder, findings) {
        let what = "The custody log holds this record: salt, proof and signed checkpoint agree";
        if roster.is_none() {
            findings.not_checked(what, Some(&file), "there is no directory that says which key is the log's");
            continue;
        }
        let checked = parts.and_then(|parts| prove_own(&parts, logs)).and_then(|one| placed(one, &place));
        let told = match &checked {
            Ok(one) => format!(
                "The custody log of {} holds record {}: {}",
                one.record.authority,
                one.index,
                one.record.event.told()
            ),
            Err(_) => what.to_owned(),
        };
        if let Some(one) = findings.judge(told, Some(&file), checked) {
            checkpoints.push((file.clone(), one.checkpoint.clone()));
            let same_case = one.record.subject.request_id.is_none_or(|id| id == acts.main.message.request_id);
            if !same_case {
                findings.failed("The record belongs to this case", Some(&file), "it names another request");
            }
            proven.push(one);
        }
    }
    let history = history::check(folder, (roster, logs), &checkpoints, &proven, findings);
    same_envelopes(acts, &proven, findings);
    same_messages(acts, &proven, findings);
    (proven, history)
}

/// Leads a disclosed record to a checkpoint of the log of the authority that it names.
fn prove_own(parts: &ReceiptParts, logs: &Logs) -> Result<Proven, String> {
    let record = record::decode(&parts.record).map_err(|error| error.to_string())?;
    prove(parts, |note| logs.open(&record.authority, note))
}

/// Leads a disclosed record to a checkpoint, which `open` checks.
///
/// # Errors
/// Says which link of the chain does not hold.
pub fn prove(
    parts: &ReceiptParts,
    open: impl FnOnce(&[u8]) -> Result<SignedCheckpoint, String>,
) -> Result<Proven, String> {
    let record = record::decode(&parts.record).map_err(|error| error.to_string())?;
    let leaf = leaf_hash(&commitment(&parts.salt, &parts.record).0);
    let proof = TlogProof::parse(parts.proof.as_bytes()).map_err(|error| error.to_string())?;
    let signed = open(proof.checkpoint().as_bytes())?;
    let included = proof.verify_under(&leaf, signed).map_err(|error| error.to_string())?;
    let signed = included.checkpoint().clone();
    Ok(Proven { index: included.index(), record, checkpoint: signed.checkpoint().clone(), signed, leaf })
}

/// Where a file says that its record stands: folder of the log, index.
type Place = (String, u64);

fn placed(one: Proven, (slug, index): &Place) -> Result<Proven, String> {
    let good = one.index == *index && layout::log_slug(one.checkpoint.origin()) == *slug;
    if good { Ok(one) } else { Err("it stands under the name of another record or log".to_owned()) }
}

/// Records with their companions, then receipts; what is not named as one of them is left for the report on unknown files.
fn read_all(folder: &Folder, findings: &mut Findings) -> Vec<(String, Place, Result<ReceiptParts, String>)> {
    let mut all = Vec::new();
    for path in folder.below(RECORDS) {
        let Some((stem, place)) = place_of(path, RECORDS, ".record") else { continue };
        let (salt, proof) = (format!("{stem}.salt"), format!("{stem}.tlog-proof"));
        [path, &salt, &proof].into_iter().for_each(|file| findings.saw(file));
        all.push((path.to_owned(), place, read_parts(folder, path, &salt, &proof)));
    }
    for path in folder.below(RECEIPTS) {
        let Some((_, place)) = place_of(path, RECEIPTS, ".receipt") else { continue };
        findings.saw(path);
        let read = folder.read(path, RECEIPT_BYTES_MAX).map_err(|error| error.to_string());
        all.push((path.to_owned(), place, read.and_then(|bytes| receipt::decode(&bytes).map_err(|e| e.to_string()))));
    }
    all
}

fn place_of<'a>(path: &'a str, folder: &str, extension: &str) -> Option<(&'a str, Place)> {
    let stem = path.strip_suffix(extension)?;
    let (slug, number) = stem.strip_prefix(folder)?.split_once('/')?;
    let index: u64 = number.parse().ok()?;
    (index.to_string() == number).then(|| (stem, (slug.to_owned(), index)))
}

fn read_parts(folder: &Folder, record: &str, salt: &str, proof: &str) -> Result<ReceiptParts, String> {
    let read = |path: &str, bytes_max| folder.read(path, bytes_max).map_err(|error| format!("{path}: {error}"));
    Ok(ReceiptParts {
        record: read(record, RECORD_BYTES_MAX)?,
        salt: read(salt, SALT_BYTES)?.try_into().map_err(|_| "the salt is not 32 bytes long")?,
        proof: String::from_utf8(read(proof, TLOG_PROOF_BYTES_MAX)?).map_err(|_| "the proof is no text")?,
    })
}

fn same_envelopes(acts: &Acts, proven: &[Proven], findings: &mut Findings) {
    let mut named: BTreeMap<Id, Vec<(&AuthorityId, Digest)>> = BTreeMap::new();
    for one in proven {
        if let (Some(id), Some(digest)) = (one.record.subject.envelope_id, digest_named(&one.record, "signed-envelope"))
        {
            named.entry(id).or_default().push((&one.record.authority, digest));
        }
    }
    if let Some((envelope, digest)) = &acts.envelope {
        let what = "A custody log names exactly the envelope in this bag";
        let file = Some(layout::SIGNED_ENVELOPE);
        match named.get(&envelope.envelope_id) {
            None => findings.not_checked(what, file, "no proven record in the bag is about it"),
            Some(all) if all.iter().all(|(_, named)| named == digest) => findings.passed(what, file),
            Some(_) => findings.failed(what, file, "a log names another envelope under this identifier"),
        }
    }
    for (id, all) in &named {
        let authorities: BTreeSet<_> = all.iter().map(|(authority, _)| *authority).collect();
        let digests: BTreeSet<_> = all.iter().map(|(_, digest)| *digest).collect();
        if authorities.len() > 1 || digests.len() > 1 {
            let result = if digests.len() == 1 { Ok(()) } else { Err("they name different envelopes") };
            findings.judge(format!("The logs of both authorities name the same envelope {id}"), None, result);
        }
    }
}

fn same_messages(acts: &Acts, proven: &[Proven], findings: &mut Findings) {
    for act in acts.all() {
        let file = format!("{}.pb", act.stem);
        let signed = || sha256(&encode_signed_message(&act.signed));
        let expected = [
            ("message", sha256(&act.signed.content)),
            ("message-signature", sha256(&act.signed.cms)),
            ("signed-message", signed()),
        ];
        let about = proven.iter().filter(|one| one.record.subject.message_id == Some(act.message.message_id));
        let mut compared = BTreeMap::new();
        for (one, (name, digest)) in about.clone().flat_map(|one| expected.iter().map(move |row| (one, row))) {
            if let Some(named) = digest_named(&one.record, name) {
                *compared.entry(*name).or_insert(true) &= named == *digest;
            }
        }
        let what = "A custody log names exactly this message";
        match compared.get("message") {
            None => findings.not_checked(what, Some(&file), "no proven record in the bag is about it"),
            Some(true) => findings.passed(what, Some(&file)),
            Some(false) => findings.failed(what, Some(&file), "a log names another message under this identifier"),
        }
        let signature: Vec<bool> =
            ["message-signature", "signed-message"].iter().filter_map(|name| compared.get(name).copied()).collect();
        if !signature.is_empty() {
            let result = if signature.iter().all(|same| *same) { Ok(()) } else { Err("a log names another signature") };
            findings.judge("A custody log names exactly this signature", Some(&format!("{file}.p7s")), result);
        }
        for one in about {
            same_objects(&act.message, one, findings);
        }
    }
}

fn same_objects(message: &Message, one: &Proven, findings: &mut Findings) {
    let items = message.consignment.iter().flat_map(|consignment| &consignment.items);
    let named: BTreeMap<u32, Digest> = items.map(|item| (item.object_id, item.sha256)).collect();
    for digest in &one.record.digests {
        let object = digest.name.strip_prefix("object/").and_then(|number| number.parse::<u32>().ok());
        let Some(object_id) = object else { continue };
        if named.get(&object_id) != Some(&digest.sha256) {
            let what = format!("The logs and the message name the same file {object_id}");
            findings.failed(what, None, format!("record {} of {} names another one", one.index, one.record.authority));
        }
    }
}

fn digest_named(record: &CustodyRecord, name: &str) -> Option<Digest> {
    record.digests.iter().find(|digest| digest.name == name).map(|digest| digest.sha256)
}
