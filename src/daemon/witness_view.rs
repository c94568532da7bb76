//! What officers are shown of watching: who cosigned what and when, what is held of whom, evidence, gaps. As JSON. Reads
//! only; looks at each piece of evidence again instead of believing its name.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::custody::cosignature::{self, Cosigned};
use crate::custody::note::{Note, VerifierKey};
use crate::daemon::desk::DeskError;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::witness::witness_keys;
use crate::exchange::receipt;
use crate::exchange::watch::{Evidence, Fault, Weight};
use crate::model::authority::Authority;
use crate::store::witness_files::{Source, StoredEvidence, WatchedLog};

/// How many of our cosigned checkpoints are looked at for the last word of each witness.
const LOOKED_AT: usize = 64;

/// Everything that is known of watching.
///
/// # Errors
/// [`DeskError`] when a file cannot be read.
pub fn witness(node: &Node) -> Result<Value, DeskError> {
    view(node).map_err(fault)
}

/// The newest checkpoint of our log that somebody cosigned, or the newest published one: a whole signed note.
///
/// # Errors
/// [`DeskError`] when a file cannot be read.
pub fn checkpoint(node: &Node) -> Result<Value, DeskError> {
    let newest = node.witness.cosigned.newest().map_err(fault)?;
    let published = node.ledger.reader().published().map(|signed| signed.note().to_string());
    let cosigned = newest.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let by = cosigned.as_deref().map(|note| cosigners(note, &keys(node))).unwrap_or_default();
    let size = cosigned.as_deref().or(published.as_deref()).and_then(said).map(|said| said.size());
    Ok(json!({
        "authority": node.us(),
        "size": size,
        "log_size": node.ledger.reader().size(),
        "cosigned_by": by.iter().map(told).collect::<Vec<_>>(),
        "checkpoint": cosigned.or(published),
    }))
}

fn view(node: &Node) -> io::Result<Value> {
    let rows: Vec<Authority> =
        node.any_directory().map(|directory| directory.roster().authorities().cloned().collect()).unwrap_or_default();
    let mut held = Vec::new();
    let mut own = Vec::new();
    for origin in node.witness.files.origins()? {
        let log = node.witness.files.log(&origin);
        let owner = rows.iter().find(|row| row.id.owns_log(&origin));
        if node.us().owns_log(&origin) {
            own = evidence(owner, &log)?;
        } else {
            held.push(log_view(owner, &log)?);
        }
    }
    Ok(json!({
        "authority": node.us(),
        "log": node.origin(),
        "size": node.ledger.reader().size(),
        "witnesses": witnesses(node)?,
        "own_evidence": own,
        "held": held,
        "gaps": node.gaps.view(),
    }))
}

/// The last word of each witness about our log.
fn witnesses(node: &Node) -> io::Result<Vec<Value>> {
    let (files, keys) = (&node.witness.cosigned, keys(node));
    let mut last: BTreeMap<(String, String), Value> = BTreeMap::new();
    for size in files.sizes()?.into_iter().rev().take(LOOKED_AT) {
        let Some(note) = files.at(size)? else { continue };
        for cosigned in cosigners(&String::from_utf8_lossy(&note), &keys) {
            let key = (cosigned.name.clone(), cosigned.algorithm.to_string());
            last.entry(key).or_insert_with(|| {
                let mut told = told(&cosigned);
                if let Some(object) = told.as_object_mut() {
                    object.insert("size".to_owned(), json!(size));
                }
                told
            });
        }
    }
    Ok(last.into_values().collect())
}

fn log_view(owner: Option<&Authority>, log: &WatchedLog) -> io::Result<Value> {
    let latest = log.latest()?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let seen = log.seen()?;
    let of = |wanted: Source| seen.iter().filter(|(source, _)| *source == wanted).count();
    Ok(json!({
        "log": log.origin(),
        "authority": owner.map(|row| &row.id),
        "size": latest.as_deref().and_then(said).map(|said| said.size()),
        "links": log.link_count()?,
        "unlinked_receipts": of(Source::Receipt),
        "unlinked_talk": of(Source::Talk),
        "unlinked_web": of(Source::Web),
        "evidence": evidence(owner, log)?,
    }))
}

fn evidence(owner: Option<&Authority>, log: &WatchedLog) -> io::Result<Vec<Value>> {
    let keys = owner.and_then(|owner| receipt::log_keys(owner).ok()).unwrap_or_default();
    let told = |found: StoredEvidence| {
        let weight = match weigh(&found, &keys) {
            Some(Weight::Proof) => "proof",
            Some(Weight::Suspicion) => "suspicion",
            Some(Weight::Nothing) | None => "not checkable now",
        };
        json!({
            "fault": found.fault.name(),
            "earlier": size_of(&found.earlier),
            "later": size_of(&found.later),
            "found_at": found.found_at,
            "weight": weight,
            "recorded": found.recorded,
            "at": found.path,
        })
    };
    Ok(log.evidence()?.into_iter().map(told).collect())
}

/// Both signatures are checked again, then what the two say of each other.
fn weigh(found: &StoredEvidence, keys: &[VerifierKey]) -> Option<Weight> {
    let earlier = SignedCheckpoint::open(&found.earlier, keys).ok()?;
    let later = SignedCheckpoint::open(&found.later, keys).ok()?;
    let evidence = Evidence::of(found.fault, &earlier, &later);
    // Two sizes go together or not; only the kept proof that does not hold, or the refusal, speaks against the log.
    Some(if found.fault == Fault::Fork { evidence.weight() } else { Weight::Suspicion })
}

fn cosigners(note: &str, keys: &[VerifierKey]) -> Vec<Cosigned> {
    let note = Note::parse(note.as_bytes()).ok();
    note.and_then(|note| cosignature::cosignatures(&note, keys).ok()).unwrap_or_default()
}

/// The keys of every witness that the directory or the policy names.
pub(super) fn keys(node: &Node) -> Vec<VerifierKey> {
    let directory = node.any_directory();
    let rows = directory.iter().flat_map(|directory| directory.roster().authorities());
    let mut keys: Vec<VerifierKey> = rows.flat_map(witness_keys).collect();
    keys.extend(node.gaps.witness_keys());
    keys
}

fn told(cosigned: &Cosigned) -> Value {
    json!({
        "witness": cosigned.name,
        "algorithm": cosigned.algorithm.to_string(),
        "at": cosigned.at.map(|at| at.to_string()),
    })
}

fn said(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note.as_bytes()).ok()?.text()).ok()
}

fn size_of(note: &[u8]) -> Option<u64> {
    said(&String::from_utf8_lossy(note)).map(|said| said.size())
}

fn fault(error: io::Error) -> DeskError {
    DeskError::from(LookupError::Files(error))
}
