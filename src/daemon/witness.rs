//! This node as a witness of other logs: takes and cosigns their checkpoints, keeps evidence against them. Cosigns nothing
//! that is not proven to continue what it cosigned before, and answers only when that is durable.
//!
//! ```text
//!  offered ── known log? ── signed by it? ── old size = what is held? ── proof holds? ── cosign ── durable ── answer
//!              not-found     bad-signature     HaveCheckpoint             evidence, inconsistent
//! ```
//! The order is that of C2SP tlog-witness. Evidence lies in files first (`store/witness_files.rs`), then in the log: a crash
//! in between is made up for at the next round.

use std::collections::BTreeMap;
use std::io;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use crate::crypto::digest::sha256;
use crate::crypto::random;
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::custody::cosignature::Cosigner;
use crate::custody::note::{Note, VerifierKey};
use crate::custody::witness::{AddCheckpoint, Refusal, judge};
use crate::daemon::home::Home;
use crate::daemon::lane::Line;
use crate::daemon::node::Node;
use crate::daemon::receive::Refused;
use crate::daemon::{clock, crash, log_keys};
use crate::exchange::act::Act;
use crate::exchange::receipt;
use crate::exchange::watch::{Evidence, Fault, Link, Seen, compare, is_new};
use crate::model::authority::Authority;
use crate::model::event::{Event, NamedDigest, Outcome};
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::{EVIDENCE_RECORDS_PER_HOUR_MAX, WATCHED_NOTE_BYTES_MAX};
use crate::model::refusal::RefusalCode;
use crate::store::cosigned::CosignedFiles;
use crate::store::witness_files::{Kept, Source, WatchedLog, WitnessFiles};

/// What the node holds as a witness, and what witnesses gave it.
#[derive(Debug)]
pub struct Witness {
    /// Of other logs.
    pub files: WitnessFiles,
    /// Of our own.
    pub cosigned: CosignedFiles,
    /// `None` only where the keys are not made yet: in a data directory that is only read.
    cosigner: Mutex<Option<Cosigner>>,
    /// How many records about evidence against one log were made in the running hour.
    recorded: Mutex<BTreeMap<String, (u64, u32)>>,
}

impl Witness {
    /// Opens the files and keys; makes nothing.
    pub fn open(home: &Home, us: &AuthorityId) -> Self {
        Self {
            files: WitnessFiles::of(home.root()),
            cosigned: CosignedFiles::of(&home.custody()),
            cosigner: Mutex::new(log_keys::cosigner(home, us).ok()),
            recorded: Mutex::default(),
        }
    }

    /// Takes up other keys after a rotation.
    pub(super) fn reread(&self, home: &Home, us: &AuthorityId) {
        let cosigner = log_keys::cosigner(home, us).ok();
        *self.cosigner.lock().unwrap_or_else(PoisonError::into_inner) = cosigner;
    }

    fn may_record(&self, origin: &str) -> bool {
        let hour = clock::now().as_secs() / 3_600;
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = recorded.entry(origin.to_owned()).or_insert((hour, 0));
        if *since != hour {
            (*since, *count) = (hour, 0);
        }
        *count += 1;
        *count <= EVIDENCE_RECORDS_PER_HOUR_MAX
    }
}

/// Who hands a checkpoint over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offers {
    /// The log's own authority, over its link: the proof is its word.
    Owner,
    /// Anybody, over the web. Attack: a stranger who takes a good checkpoint from the web and adds a bad proof would have an
    /// honest log accused.
    Anybody,
}

/// Judges a checkpoint of `owner`'s log and, if it continues what is held, cosigns it: our lines. Blocks; one at a time for
/// each log.
///
/// # Errors
/// [`NotCosigned`] says why, and what is held instead.
pub fn offered(node: &Node, owner: &Authority, offers: Offers, request: &AddCheckpoint) -> Result<String, NotCosigned> {
    let keys = receipt::log_keys(owner).map_err(|_| NotCosigned::Judged(Refusal::UnknownLog))?;
    let log = node.witness.files.log(&owner.log_origin());
    let turn = log.enter();
    let held = held(owner, &log).map_err(|error| {
        // Anybody may ask, as often as he likes.
        if let Line::Said { unsaid } = node.lanes.of(&owner.id).says(clock::now()) {
            let log = log.origin();
            tracing::error!(log, %error, more_since_last = unsaid, "cannot read what is held of a log; cosigning none of it");
        }
        NotCosigned::CannotStore
    })?;
    if request.checkpoint.only_of(&keys).to_string().len() > WATCHED_NOTE_BYTES_MAX {
        return Err(NotCosigned::Judged(Refusal::Malformed));
    }
    match judge(request, Some(&keys), held.as_ref().map(SignedCheckpoint::checkpoint)) {
        Ok(new) => {
            let grown = held.as_ref().filter(|held| compare(held, &new) == Seen::Unlinked);
            let link = grown.and_then(|held| Link::check(held, &new, request.proof.clone()).ok());
            take(node, &log, held.as_ref(), &new, link.as_ref())
        }
        Err(refusal) => {
            drop(turn);
            let note = request.checkpoint.to_string();
            if let (Some(held), Ok(new)) = (&held, SignedCheckpoint::open(note.as_bytes(), &keys)) {
                let proof = (refusal == Refusal::BadProof && offers == Offers::Owner).then(|| request.proof.clone());
                let source = if offers == Offers::Owner { Source::Talk } else { Source::Web };
                unexpected(node, owner, (&log, source), held, &new.only_of(&keys), proof);
            }
            match (refusal, held) {
                (Refusal::Conflict { .. }, Some(held)) => Err(NotCosigned::Held(Box::new(held))),
                _ => Err(NotCosigned::Judged(refusal)),
            }
        }
    }
}

/// Why a witness gives no line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCosigned {
    /// The request, by C2SP tlog-witness.
    Judged(Refusal),
    /// Another size is held: this one.
    Held(Box<SignedCheckpoint>),
    /// Nothing can be stored or signed now.
    CannotStore,
}

/// A signed checkpoint that was not cosigned may be late, or of another branch: the log is asked about it in the next round.
/// Only two roots for one size, and a bad proof from the log itself, need no question.
fn unexpected(
    node: &Node,
    owner: &Authority,
    (log, source): (&WatchedLog, Source),
    held: &SignedCheckpoint,
    new: &SignedCheckpoint,
    proof: Option<Vec<Digest>>,
) {
    match (compare(held, new), proof) {
        (Seen::Known, _) => {}
        (Seen::Fork(evidence), _) => accuse(node, &owner.id, &evidence),
        (Seen::Unlinked, Some(proof)) => {
            if let Err(evidence) = Link::check(held, new, proof) {
                accuse(node, &owner.id, &evidence);
            }
        }
        (Seen::Unlinked, None) => {
            if let Err(error) = log.see(source, new) {
                tracing::warn!(log = log.origin(), %error, "cannot keep a checkpoint that was seen");
            }
        }
    }
}

/// Cosigns a checkpoint that is proven and makes it what is held. The caller holds the turn of the log.
fn take(
    node: &Node,
    log: &WatchedLog,
    held: Option<&SignedCheckpoint>,
    new: &SignedCheckpoint,
    link: Option<&Link>,
) -> Result<String, NotCosigned> {
    let lines = random::bytes::<32>().ok().and_then(|random| {
        let cosigner = node.witness.cosigner.lock().unwrap_or_else(PoisonError::into_inner);
        cosigner.as_ref()?.cosign(new, clock::now(), &random).ok()
    });
    let Some(lines) = lines else {
        tracing::error!(log = log.origin(), "this node has no witness keys or no randomness; it cosigns nothing");
        return Err(NotCosigned::CannotStore);
    };
    let note = new.clone().with_lines(lines.iter().cloned());
    let stored = link.map_or(Ok(()), |link| log.keep_link(link)).and_then(|()| log.take(&note.to_bytes()));
    if let Err(error) = stored {
        tracing::error!(log = log.origin(), %error, "a checkpoint cannot be stored; not cosigning it");
        return Err(NotCosigned::CannotStore);
    }
    crash::point("witness: checkpoint kept, not answered");
    if held.is_none() {
        tracing::info!(log = log.origin(), size = new.checkpoint().size(), "first checkpoint of a log");
    }
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// The newest checkpoint that is held of an authority's log.
///
/// # Errors
/// What the system said, or that the stored note is no checkpoint of the log's keys any more: then nothing is cosigned,
/// because it cannot be compared.
pub(super) fn held(owner: &Authority, log: &WatchedLog) -> io::Result<Option<SignedCheckpoint>> {
    let Some(bytes) = log.latest()? else { return Ok(None) };
    let keys = receipt::log_keys(owner).map_err(io::Error::other)?;
    SignedCheckpoint::open(&bytes, &keys).map(Some).map_err(io::Error::other)
}

/// A checkpoint that was seen somewhere and is proven to continue what is held takes its place.
///
/// # Errors
/// What the system said.
pub(super) fn advance(node: &Node, owner: &Authority, link: &Link) -> io::Result<()> {
    let log = node.witness.files.log(link.later().checkpoint().origin());
    let _turn = log.enter();
    log.keep_link(link)?;
    // Another push may have come since the question was asked.
    if held(owner, &log)?.as_ref().map(|held| held.checkpoint().clone()) == Some(link.earlier().checkpoint().clone()) {
        cosign_quietly(node, owner, &log, Some(link.earlier()), link.later());
    }
    Ok(())
}

/// The first checkpoint that is seen of a log is where watching begins.
///
/// # Errors
/// What the system said.
pub(super) fn begin(node: &Node, owner: &Authority, seen: &SignedCheckpoint) -> io::Result<()> {
    let log = node.witness.files.log(seen.checkpoint().origin());
    let _turn = log.enter();
    if is_new(held(owner, &log)?.as_ref()) {
        cosign_quietly(node, owner, &log, None, seen);
    }
    Ok(())
}

/// What could not be stored was told in the log lines; the next round tries again.
fn cosign_quietly(
    node: &Node,
    owner: &Authority,
    log: &WatchedLog,
    held: Option<&SignedCheckpoint>,
    new: &SignedCheckpoint,
) {
    let keys = receipt::log_keys(owner).unwrap_or_default();
    let _ = take(node, log, held, &new.only_of(&keys), None);
}

/// Keeps evidence against a log, then records it.
pub(super) fn accuse(node: &Node, owner: &AuthorityId, evidence: &Evidence) {
    let log = node.witness.files.log(evidence.earlier().checkpoint().origin());
    match log.keep_evidence(evidence, clock::now()) {
        Ok(Kept::New) => {
            let (old, new) = (evidence.earlier().checkpoint().size(), evidence.later().checkpoint().size());
            let fault = evidence.fault().name();
            tracing::error!(%owner, fault, old, new, "the custody log of an authority contradicts itself; evidence kept");
        }
        Ok(Kept::Known) => {}
        Ok(Kept::Full) => {
            if let Line::Said { unsaid } = node.lanes.of(owner).says(clock::now()) {
                tracing::warn!(%owner, more_since_last = unsaid, "more evidence against a log than is kept");
            }
        }
        Err(error) => tracing::error!(%owner, %error, "evidence against a log cannot be kept"),
    }
    record_evidence(node, owner, &log);
}

/// Puts evidence that no record names yet into the log: a few in an hour, the rest later.
pub(super) fn record_evidence(node: &Node, owner: &AuthorityId, log: &WatchedLog) {
    let Ok(all) = log.evidence() else { return };
    for evidence in all.into_iter().filter(|evidence| !evidence.recorded) {
        if !node.witness.may_record(log.origin()) {
            return;
        }
        let event = if owner == node.us() { Event::LogShrunk } else { Event::LogInconsistent };
        let mut record = node.scene().record(event);
        record.counterpart = (owner != node.us()).then(|| owner.clone());
        record.digests = vec![
            NamedDigest::new("earlier-checkpoint", sha256(&evidence.earlier)),
            NamedDigest::new("later-checkpoint", sha256(&evidence.later)),
        ];
        record.reason = said(evidence.fault, &evidence.earlier, &evidence.later);
        record.outcome = Outcome::Failed(evidence.fault.name().to_owned());
        let enclosures = vec![evidence.earlier.clone(), evidence.later.clone()];
        let done = node.commit(Act { record, enclosures }).map_err(io::Error::other);
        if let Err(error) = done.and_then(|_| log.mark_recorded(&evidence)) {
            tracing::warn!(%owner, %error, "evidence against a log could not be recorded; it lies in its file");
            return;
        }
    }
}

fn said(fault: Fault, earlier: &[u8], later: &[u8]) -> String {
    let size = |note: &[u8]| {
        let note = Note::parse(note).ok()?;
        Some(Checkpoint::parse(note.text()).ok()?.size())
    };
    match (fault, size(earlier), size(later)) {
        (Fault::Fork, Some(size), _) => format!("two roots for {size} entries"),
        (Fault::Unproven, Some(old), Some(new)) => format!("no proof from {old} to {new} entries"),
        (Fault::Shrunk, Some(old), Some(new)) => {
            format!("checkpoints of {old} and {new} entries, and fewer than {new} now")
        }
        _ => String::new(),
    }
}

/// A peer offers a checkpoint of its own log. Blocks.
///
/// # Errors
/// [`Refused`]: the code for the peer.
pub fn add(node: &Node, peer: &AuthorityId, old_size: u64, proof: Vec<Digest>, note: &str) -> Result<Added, Refused> {
    let refused = |code, reason: &dyn std::fmt::Display| Refused::because(node, peer, code, reason);
    let directory = node.directory(clock::now()).map_err(|code| refused(code, &"no directory is in force"))?;
    let row = directory.roster().authority(peer);
    let row = row.ok_or_else(|| refused(RefusalCode::UnknownAuthority, &"the peer is not in the directory"))?;
    let checkpoint = Note::parse(note.as_bytes());
    let checkpoint = checkpoint.map_err(|error| refused(RefusalCode::Malformed, &error))?;
    let request = AddCheckpoint { old_size, proof, checkpoint };
    if request.origin() != row.log_origin() {
        return Err(refused(RefusalCode::NotFound, &"the checkpoint is of another log than the peer's"));
    }
    match offered(node, row, Offers::Owner, &request) {
        Ok(lines) => Ok(Added::Cosigned(lines)),
        Err(NotCosigned::Held(held)) => Ok(Added::Have(held.note().to_string())),
        Err(NotCosigned::CannotStore) => Err(Refused { code: RefusalCode::CannotStore }),
        Err(NotCosigned::Judged(refusal)) => {
            let code = code_of(refusal);
            if code == RefusalCode::BadSignature {
                node.record_refused_input(peer, code, note.as_bytes());
            }
            Err(refused(code, &refusal))
        }
    }
}

const fn code_of(refusal: Refusal) -> RefusalCode {
    match refusal {
        Refusal::Malformed => RefusalCode::Malformed,
        Refusal::UnknownLog | Refusal::Conflict { .. } => RefusalCode::NotFound,
        // A directory that lists the key may be on its way; until then nobody is accused of anything.
        Refusal::UnknownKey => RefusalCode::UnknownAuthority,
        Refusal::NotSigned => RefusalCode::BadSignature,
        Refusal::OldSizeBeyond => RefusalCode::BadRange,
        Refusal::Fork | Refusal::BadProof => RefusalCode::Inconsistent,
    }
}

/// The answer to a checkpoint that was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// Our cosignature lines.
    Cosigned(String),
    /// What is held instead.
    Have(String),
}

/// What is held of a log, for a peer that compares. Of its own log it is always told; of others only where this node
/// takes part in gossip.
pub fn latest_of(node: &Node, peer: &AuthorityId, origin: &str) -> Option<String> {
    let directory = node.directory(clock::now()).ok()?;
    directory.roster().authority(peer)?;
    let owner = directory.roster().authorities().find(|row| row.log_origins().iter().any(|name| name == origin))?;
    if owner.id != *peer && !node.config().witness.gossip {
        return None;
    }
    let log = node.witness.files.log(origin);
    let held = held(owner, &log).ok()??;
    Some(held.note().to_string())
}

/// The keys with which an authority cosigns, as the directory gives them.
pub(super) fn witness_keys(authority: &Authority) -> Vec<VerifierKey> {
    authority.witness_keys.iter().filter_map(|text| VerifierKey::from_str(text).ok()).collect()
}
