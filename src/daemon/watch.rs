//! Rounds of watching with one peer: our log is shown to it for a cosignature, its log is asked to prove that it only grew,
//! and what both hold of other logs is compared. On each new link, soon after our log has
//! grown, and on a timer. Stops no other work, whatever comes out.
//!
//! ```text
//!  show      AddCheckpoint ──►  Cosigned: kept.  HaveCheckpoint: our own signature tells whether we were put back
//!  ask       what was seen of its log, against what is held: ProveConsistency ──► linked, or evidence
//!  compare   LatestOf(others) ──► the same size with another root is a fork; other sizes are put to the log's owner
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::cosignature;
use crate::custody::note::{Note, NoteError, VerifierKey};
use crate::daemon::clock;
use crate::daemon::lane::Line;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::daemon::witness::{accuse, advance, begin, held, record_evidence, witness_keys};
use crate::daemon::{rounds, scan};
use crate::exchange::receipt;
use crate::exchange::watch::{Answer, Evidence, Fault, Finding, Mirror, Question, Seen, compare, mirror};
use crate::model::authority::Authority;
use crate::model::ident::AuthorityId;
use crate::model::limits::{GOSSIP_PER_ROUND_MAX, QUESTIONS_PER_ROUND_MAX};
use crate::model::refusal::RefusalCode;
use crate::net::connection::Connection;
use crate::net::loss::Loss;
use crate::net::stream::StreamError;
use crate::store::witness_files::Source;
use crate::wire::frame::{Frame, Told};

/// A peer that reconnects all the time gets no more rounds than this.
const PAUSE: Duration = Duration::from_secs(1);
/// The first checkpoint of a node that has just started is published a moment after its start.
const PUBLISHED_WAIT: Duration = Duration::from_millis(100);

/// Rounds with the peer of that link, until it is no more.
pub async fn watch(node: Arc<Node>, connection: Connection) {
    let peer = connection.peer().authority.clone();
    let linked = node.rounds.link();
    loop {
        let turn = node.rounds.of(&peer);
        let covered;
        {
            let mut shown = turn.lock().await;
            if connection.loss().is_some() {
                return;
            }
            covered = node.ledger.reader().published_size();
            let held = node.refuses(&peer).is_some();
            match if held { Ok(()) } else { round(&node, &connection, &mut shown).await } {
                Ok(()) => node.rounds.ended(covered),
                Err(error) => tracing::debug!(%peer, %error, "a round of watching broke off; the next one follows"),
            }
            linked.answered(covered);
            tokio::time::sleep(PAUSE).await;
        }
        drop(turn);
        if rounds::next(&node, &connection, covered).await.is_none() {
            return;
        }
    }
}

async fn round(node: &Arc<Node>, connection: &Connection, shown: &mut u64) -> Result<(), WatchError> {
    let peer = &connection.peer().authority;
    let owner = row(node, peer)?;
    show(node, connection, &owner, shown).await?;
    let (hello, from) = (connection.hello().checkpoint.clone(), owner.clone());
    let questions = blocking(node, move |node| {
        scan::receipts(node)?;
        see_hello(node, &from, hello)?;
        record_evidence(node, &from.id, &node.witness.files.log(&from.log_origin()));
        questions(node, &from)
    });
    for (source, seen) in questions.await? {
        ask(node, connection, &owner, source, seen).await?;
    }
    if node.config().witness.gossip {
        gossip(node, connection).await?;
    }
    Ok(())
}

fn row(node: &Node, id: &AuthorityId) -> Result<Authority, WatchError> {
    let directory = node.directory(clock::now()).map_err(WatchError::Directory)?;
    directory.roster().authority(id).cloned().ok_or(WatchError::Directory(RefusalCode::UnknownAuthority))
}

/// Shows our newest published checkpoint to the peer and keeps its cosignatures.
async fn show(
    node: &Arc<Node>,
    connection: &Connection,
    witness: &Authority,
    shown: &mut u64,
) -> Result<(), WatchError> {
    let ours = row(node, node.us())?;
    let keys = receipt::log_keys(&ours).map_err(|_| WatchError::Directory(RefusalCode::UnknownAuthority))?;
    // Twice: the first attempt may only tell us what the witness holds.
    for _ in 0..3 {
        let Some(checkpoint) = published(node).await else { return Ok(()) };
        let size = checkpoint.checkpoint().size();
        let old_size = (*shown).min(size);
        let proof = node.ledger.reader().consistency(old_size, size).map_err(io::Error::other)?;
        let frame = Frame::AddCheckpoint { old_size, proof, checkpoint: checkpoint.note().to_string() };
        match talk(connection, frame).await? {
            Frame::Cosigned { lines } => {
                *shown = size;
                let keys = witness_keys(witness);
                return blocking(node, move |node| keep_lines(node, &keys, &checkpoint, &lines)).await;
            }
            Frame::HaveCheckpoint { checkpoint: note } => {
                let Some(theirs) = believed(node, &witness.id, &note, &keys) else { return Ok(()) };
                *shown = theirs.checkpoint().size();
                let peer = witness.id.clone();
                let found = blocking(node, move |node| reflect(node, &peer, &theirs)).await?;
                if found != Mirror::Prefix || *shown > size {
                    return Ok(());
                }
            }
            Frame::Refused { code: Told::Known(RefusalCode::NotFound), .. } if old_size > 0 => *shown = 0,
            Frame::Refused { code: Told::Known(RefusalCode::Inconsistent), .. } => {
                return contradicted(node, connection, witness, &keys).await;
            }
            Frame::Refused { .. } => return Ok(()),
            _ => return Err(WatchError::Answer),
        }
    }
    Ok(())
}

/// What goes to witnesses.
async fn published(node: &Node) -> Option<Arc<SignedCheckpoint>> {
    for _ in 0..20 {
        match node.ledger.reader().published().filter(|signed| signed.checkpoint().size() > 0) {
            Some(published) => return Some(published),
            None => tokio::time::sleep(PUBLISHED_WAIT).await,
        }
    }
    None
}

/// Keeps a witness's lines beside our checkpoint. Lines that do not hold, or of other keys than that witness's, are not
/// kept.
pub(super) fn keep_lines(
    node: &Node,
    keys: &[VerifierKey],
    ours: &SignedCheckpoint,
    lines: &str,
) -> Result<(), WatchError> {
    let lines = Note::parse_lines(lines.as_bytes()).map_err(|_| WatchError::Answer)?;
    node.witness.cosigned.change(ours.checkpoint().size(), |old| {
        let kept = old.and_then(|bytes| Note::parse(&bytes).ok()).filter(|note| note.text() == ours.note().text());
        let mut note = kept.unwrap_or_else(|| ours.note().clone());
        let fresh = cosignature::add_first(&mut note, &lines, keys).map_err(|_| WatchError::Cosignature)?;
        if fresh.is_empty() { Err(WatchError::Cosignature) } else { Ok(note.to_string().into_bytes()) }
    })
}

/// A note of our own log from somebody else, if we did sign it.
fn believed(node: &Node, peer: &AuthorityId, note: &str, keys: &[VerifierKey]) -> Option<SignedCheckpoint> {
    let opened = SignedCheckpoint::open(note.as_bytes(), keys).ok();
    let signed = opened.filter(|signed| signed.checkpoint().origin() == node.origin());
    if signed.is_none()
        && let Line::Said { unsaid } = node.lanes.of(peer).says(clock::now())
    {
        tracing::warn!(%peer, more_since_last = unsaid, "the peer shows a checkpoint of our log that we did not sign");
    }
    signed
}

/// Holds what a witness has of our log against our log.
fn reflect(node: &Node, witness: &AuthorityId, theirs: &SignedCheckpoint) -> Result<Mirror, WatchError> {
    let reader = node.ledger.reader();
    let found = mirror(theirs, reader.size(), |size| reader.root_at(size).ok());
    let found = found.ok_or_else(|| io::Error::other("the tiles of our own log cannot be read"))?;
    let fault = match found {
        Mirror::Prefix => return Ok(found),
        Mirror::Shrunk => Fault::Shrunk,
        Mirror::Forked => Fault::Unproven,
    };
    let log = node.witness.files.log(node.origin());
    let text = theirs.note().text().as_bytes();
    let known = log.evidence()?.iter().any(|old| old.later.starts_with(text) || old.earlier.starts_with(text));
    if let (false, Some(ours)) = (known, reader.checkpoint()) {
        let (held, here) = (theirs.checkpoint().size(), reader.size());
        tracing::error!(%witness, held, here, "a witness holds what this log signed and does not have: this node was put back to an older state. It goes on; see SECURITY.md");
        accuse(node, node.us(), &Evidence::of(fault, theirs, &ours));
    }
    Ok(found)
}

/// A witness says that our log contradicts itself: what it holds tells whether that is so.
async fn contradicted(
    node: &Arc<Node>,
    connection: &Connection,
    witness: &Authority,
    keys: &[VerifierKey],
) -> Result<(), WatchError> {
    let answer = talk(connection, Frame::LatestOf { origin: node.origin().to_owned() }).await?;
    let Frame::HaveCheckpoint { checkpoint } = answer else { return Ok(()) };
    let Some(theirs) = believed(node, &witness.id, &checkpoint, keys) else { return Ok(()) };
    let peer = witness.id.clone();
    let found = blocking(node, move |node| reflect(node, &peer, &theirs)).await?;
    if found == Mirror::Prefix
        && let Line::Said { unsaid } = node.lanes.of(&witness.id).says(clock::now())
    {
        tracing::warn!(peer = %witness.id, more_since_last = unsaid, "the peer calls our log inconsistent and holds nothing that shows it");
    }
    Ok(())
}

/// The Hello of the peer names its newest checkpoint; it is put to the question like any other.
fn see_hello(node: &Node, owner: &Authority, hello: Option<String>) -> Result<(), WatchError> {
    let Some(note) = hello else { return Ok(()) };
    match opened(owner, note.as_bytes()) {
        Some(seen) if seen.checkpoint().origin() == owner.log_origin() => {
            node.witness.files.log(seen.checkpoint().origin()).see(Source::Talk, &seen)?;
        }
        _ => {
            if let Line::Said { unsaid } = node.lanes.of(&owner.id).says(clock::now()) {
                let peer = &owner.id;
                tracing::warn!(%peer, more_since_last = unsaid, "no key that the directory lists for its log signed the checkpoint in the peer's Hello");
            }
        }
    }
    Ok(())
}

/// A checkpoint of an authority's log, with the lines of its keys alone. Attack: what nobody can check would be kept, for
/// each of thousands of checkpoints.
fn opened(owner: &Authority, note: &[u8]) -> Option<SignedCheckpoint> {
    let keys = receipt::log_keys(owner).ok()?;
    Some(SignedCheckpoint::open(note, &keys).ok()?.only_of(&keys))
}

/// What was seen of a log and is not linked, the largest first: the others are then linked to it.
fn questions(node: &Node, owner: &Authority) -> Result<Vec<(Source, SignedCheckpoint)>, WatchError> {
    let log = node.witness.files.log(&owner.log_origin());
    let Ok(keys) = receipt::log_keys(owner) else { return Ok(Vec::new()) };
    let opened = |(source, bytes): (Source, Vec<u8>)| Some((source, SignedCheckpoint::open(&bytes, &keys).ok()?));
    let mut seen: Vec<_> = log.seen()?.into_iter().filter_map(opened).collect();
    seen.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.checkpoint().size()));
    if let Some((_, newest)) = seen.first() {
        begin(node, owner, newest)?;
    }
    seen.truncate(QUESTIONS_PER_ROUND_MAX);
    Ok(seen)
}

/// Links one checkpoint of the peer's log, or finds that it cannot be.
async fn ask(
    node: &Arc<Node>,
    connection: &Connection,
    owner: &Authority,
    source: Source,
    seen: SignedCheckpoint,
) -> Result<(), WatchError> {
    let log = node.witness.files.log(&owner.log_origin());
    let Some(latest) = held(owner, &log)? else { return Ok(()) };
    let finding = match (compare(&latest, &seen), Question::about(&latest, &seen)) {
        (Seen::Fork(evidence), _) => Finding::Evidence(*evidence),
        (Seen::Unlinked, Some(question)) => {
            let (old_size, new_size) = (question.old_size(), question.new_size());
            let mut stream = connection.open().await?;
            stream.send(&Frame::ProveConsistency { old_size, new_size }).await?;
            stream.finish();
            let finding = question.answered(match stream.receive().await? {
                Frame::ConsistencyProof { hashes } => Answer::Proof(hashes),
                Frame::Refused { code: Told::Known(code), .. } => Answer::Refused(code),
                _ => Answer::None,
            });
            if matches!(finding, Finding::Evidence(_)) {
                stream.reset(RefusalCode::Inconsistent);
            }
            finding
        }
        _ => return Ok(log.forget(source, &seen)?),
    };
    let owner = owner.clone();
    blocking(node, move |node| settle(node, &owner, source, &seen, finding)).await
}

fn settle(
    node: &Node,
    owner: &Authority,
    source: Source,
    seen: &SignedCheckpoint,
    finding: Finding,
) -> Result<(), WatchError> {
    let log = node.witness.files.log(&owner.log_origin());
    match finding {
        Finding::Linked(link) if link.later() == seen => advance(node, owner, &link)?,
        Finding::Linked(link) => log.keep_link(&link)?,
        Finding::Evidence(evidence) => accuse(node, &owner.id, &evidence),
        Finding::Open => return Ok(()),
    }
    Ok(log.forget(source, seen)?)
}

/// Compares what the peer holds of other logs with what is held here.
async fn gossip(node: &Arc<Node>, connection: &Connection) -> Result<(), WatchError> {
    let peer = connection.peer().authority.clone();
    let directory = node.directory(clock::now()).map_err(WatchError::Directory)?;
    let held_of = blocking(node, |node| node.witness.files.origins()).await?;
    let others = directory.roster().authorities().filter(|row| row.id != peer && row.id != *node.us());
    let others: Vec<Authority> = others.filter(|row| held_of.contains(&row.log_origin())).cloned().collect();
    for owner in others.into_iter().take(GOSSIP_PER_ROUND_MAX) {
        let origin = owner.log_origin();
        let Frame::HaveCheckpoint { checkpoint } = talk(connection, Frame::LatestOf { origin }).await? else {
            continue;
        };
        let peer = peer.clone();
        blocking(node, move |node| heard(node, &peer, &owner, &checkpoint)).await?;
    }
    Ok(())
}

/// Whether no key that the directory lists for that log signed the note, and no line says that one did.
fn is_of_unknown_key(owner: &Authority, note: &str) -> bool {
    let keys = receipt::log_keys(owner).unwrap_or_default();
    let verified = Note::parse(note.as_bytes()).map(|note| note.verify(&keys).map(drop));
    verified == Ok(Err(NoteError::NoTrustedSignature))
}

/// What a peer holds of a third log. Only the log's own signature counts: a peer cannot accuse anybody by its word.
fn heard(node: &Node, peer: &AuthorityId, owner: &Authority, note: &str) -> Result<(), WatchError> {
    let origin = owner.log_origin();
    let log = node.witness.files.log(&origin);
    let Some(seen) = opened(owner, note.as_bytes()).filter(|seen| seen.checkpoint().origin() == origin) else {
        // A third log may have gone over to a key that only the peer's directory lists: that is no lie.
        if !is_of_unknown_key(owner, note) {
            node.record_refused_input(peer, RefusalCode::BadSignature, note.as_bytes());
        }
        return Ok(());
    };
    let Some(latest) = held(owner, &log)? else { return Ok(()) };
    match compare(&latest, &seen) {
        Seen::Known => {}
        Seen::Fork(evidence) => accuse(node, &owner.id, &evidence),
        Seen::Unlinked => {
            log.see(Source::Talk, &seen)?;
        }
    }
    Ok(())
}

/// One question, one answer.
async fn talk(connection: &Connection, frame: Frame) -> Result<Frame, WatchError> {
    let mut stream = connection.open().await?;
    stream.send(&frame).await?;
    stream.finish();
    Ok(stream.receive().await?)
}

/// Why a round broke off. The next one begins anew.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The link.
    #[error(transparent)]
    Lost(#[from] Loss),
    /// Our own files.
    #[error("what is held of other logs cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// No directory, or one of the two is not in it.
    #[error("no directory to watch by: {0}")]
    Directory(RefusalCode),
    /// The peer answered with another frame than the protocol says.
    #[error("the peer answered with a frame that does not belong there")]
    Answer,
    /// The cosignature does not hold, or is of no key that the witness is known by.
    #[error("the cosignature does not hold, or is of a key that the witness is not known by")]
    Cosignature,
}
