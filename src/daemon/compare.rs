//! What peers hold of this node's log and of the exchange with it, held against what is here: what a log that came from a backup
//! lacks, and whether it may go on. Signs nothing; lets a log go on only when every peer was heard and none holds more.

use std::sync::Arc;

use serde::Serialize;

use crate::custody::checkpoint::SignedCheckpoint;
use crate::daemon::courier;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::{Node, StartError};
use crate::daemon::officer::Admitted;
use crate::daemon::receive::{blocking, receive};
use crate::daemon::rotate::ANY_ROLE;
use crate::daemon::{clock, trust};
use crate::exchange::act::{Act, Scene};
use crate::exchange::receipt;
use crate::exchange::rows::{EnvelopeRow, tree};
use crate::exchange::watch::{Mirror, mirror};
use crate::model::authority::Authority;
use crate::model::event::{Event, Stage};
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::refusal::RefusalCode;
use crate::net::connection::Connection;
use crate::net::endpoint::Endpoint;
use crate::net::stream::StreamError;
use crate::store::ledger::AppendError;
use crate::wire::frame::Frame;
use crate::wire::frame::held::{HeldEnvelope, Way};

/// One peer's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The peer.
    pub peer: AuthorityId,
    /// Why it was not heard; then nothing below counts.
    pub unheard: Option<String>,
    /// Entries of our log in the newest checkpoint that it holds.
    pub log_size: Option<u64>,
    /// Whether that is a beginning of the log that is here.
    pub continues: bool,
    /// Envelopes that this node acknowledged or sent, and does not hold.
    pub missing: Vec<Missing>,
}

/// An envelope that is not here any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The envelope.
    pub envelope_id: Id,
    /// SHA-256 of the signed envelope.
    pub sha256: Digest,
    /// Whether this node sent it.
    pub sent_by_us: bool,
    /// The stage that this node acknowledged, if the peer holds a receipt.
    pub receipt: Option<Stage>,
    /// Where that receipt stands in our log.
    pub index: Option<u64>,
}

impl Side {
    /// Whether the peer holds nothing that is not here.
    pub fn agrees(&self) -> bool {
        self.unheard.is_none() && self.continues && self.missing.is_empty()
    }
}

/// Asks every peer of the directory. Takes up to a minute for each that does not answer.
///
/// # Errors
/// The code: no directory is in force.
pub async fn compare(node: &Arc<Node>, endpoint: &Endpoint) -> Result<Vec<Side>, RefusalCode> {
    let directory = node.directory(clock::now())?;
    // The link is made with what is believed now.
    if let Ok(tls) = trust::tls(node) {
        endpoint.reload(tls);
    }
    let mut sides = Vec::new();
    for row in directory.roster().authorities().filter(|row| row.id != *node.us()) {
        let side = match courier::dial(endpoint, &row.id, &row.endpoints).await {
            None => Err("it does not answer".to_owned()),
            Some(connection) => ask(node, &connection).await.map_err(|error| error.to_string()),
        };
        sides.push(side.unwrap_or_else(|why| Side {
            peer: row.id.clone(),
            unheard: Some(why),
            log_size: None,
            continues: false,
            missing: Vec::new(),
        }));
    }
    Ok(sides)
}

async fn ask(node: &Arc<Node>, connection: &Connection) -> Result<Side, AskError> {
    let peer = connection.peer().authority.clone();
    let answer = talk(connection, Frame::LatestOf { origin: node.origin().to_owned() }).await?;
    let (log_size, continues) = match answer {
        Frame::HaveCheckpoint { checkpoint } => blocking(node, move |node| reflected(node, &checkpoint)).await?,
        Frame::Refused { code, .. } if code.number() == RefusalCode::NotFound.number() => (None, true),
        Frame::Refused { code, .. } => return Err(AskError::Refused(code.to_string())),
        _ => return Err(AskError::Answer),
    };
    let mut missing = Vec::new();
    let mut after = Some(Id::from_bytes([0; 16]));
    while let Some(from) = after {
        match talk(connection, Frame::AskHeld { after: from }).await? {
            Frame::Held { envelopes, after: next } if next.is_none_or(|next| next > from) => {
                missing.extend(blocking(node, move |node| lacking(node, &envelopes)).await?);
                after = next;
            }
            Frame::Refused { code, .. } => return Err(AskError::Refused(code.to_string())),
            _ => return Err(AskError::Answer),
        }
    }
    Ok(Side { peer, unheard: None, log_size, continues, missing })
}

/// What a checkpoint of our own log says about what is here.
fn reflected(node: &Node, note: &str) -> Result<(Option<u64>, bool), AskError> {
    let directory = node.any_directory().ok_or(AskError::Answer)?;
    let ours = directory.roster().authority(node.us()).map(Authority::clone).ok_or(AskError::Answer)?;
    let keys = receipt::log_keys(&ours).map_err(|_| AskError::Answer)?;
    let theirs = SignedCheckpoint::open(note.as_bytes(), &keys).map_err(|_| AskError::Answer)?;
    let reader = node.ledger.reader();
    let found = mirror(&theirs, reader.size(), |size| reader.root_at(size).ok());
    Ok((Some(theirs.checkpoint().size()), found == Some(Mirror::Prefix)))
}

fn lacking(node: &Node, envelopes: &[HeldEnvelope]) -> Result<Vec<Missing>, LookupError> {
    let mut missing = Vec::new();
    for one in envelopes {
        let row: Option<EnvelopeRow> = node.row(tree::ENVELOPE, one.envelope_id.as_bytes())?;
        let (receipt, index) = match one.way {
            Way::Receipted { stage, index } => (Some(stage), Some(index)),
            Way::FromYou | Way::ToYou => (None, None),
        };
        // What was never acknowledged is on its way still: the peer hands it over by itself.
        let owed = one.way != Way::ToYou;
        let here = row.is_some_and(|row| row.digest == one.digest);
        let later = index.is_some_and(|index| index >= node.ledger.reader().size());
        if owed && (!here || later) {
            let sent_by_us = one.way == Way::FromYou;
            let (envelope_id, sha256) = (one.envelope_id, one.digest);
            missing.push(Missing { envelope_id, sha256, sent_by_us, receipt, index });
        }
    }
    Ok(missing)
}

/// Lets the log of a node that came from a backup go on where it ends: every peer but those that the officer vouches for was
/// heard, and none holds more.
///
/// # Errors
/// [`GoOnError`] says who holds more, or was not heard.
pub fn go_on(node: &Node, officer: &Admitted, sides: &[Side], vouched: &[AuthorityId]) -> Result<u64, GoOnError> {
    let actor = officer.acting_as(ANY_ROLE).map_err(|error| GoOnError::Officer(error.to_string()))?;
    if !node.ledger.is_put_back() {
        return Err(GoOnError::NotPutBack);
    }
    let names = |list: Vec<&Side>| list.iter().map(|side| side.peer.to_string()).collect::<Vec<_>>().join(", ");
    let more: Vec<&Side> = sides.iter().filter(|side| side.unheard.is_none() && !side.agrees()).collect();
    if !more.is_empty() {
        return Err(GoOnError::HoldMore(names(more)));
    }
    let unheard = sides.iter().filter(|side| side.unheard.is_some() && !vouched.contains(&side.peer)).collect();
    let unheard = names(unheard);
    if !unheard.is_empty() {
        return Err(GoOnError::Unheard(unheard));
    }
    node.ledger.go_on().map_err(GoOnError::File)?;
    let mut record = Scene { us: node.us().clone(), now: clock::now(), actor }.record(Event::LogResumed);
    let vouched: Vec<String> = vouched.iter().map(ToString::to_string).collect();
    record.reason = if vouched.is_empty() { String::new() } else { format!("not heard: {}", vouched.join(", ")) };
    Ok(node.commit(Act { record, enclosures: Vec::new() })?.index)
}

/// Asks a peer for its envelopes that are not here any more, and takes each like a letter that comes in: verified, logged,
/// receipted. Returns those that are here again, and why others are not.
///
/// # Errors
/// [`AskError`] when the peer cannot be asked.
pub async fn take_again(
    node: &Arc<Node>,
    endpoint: &Endpoint,
    peer: &Authority,
) -> Result<Vec<(Id, Option<RefusalCode>)>, AskError> {
    let connection = courier::dial(endpoint, &peer.id, &peer.endpoints).await.ok_or(AskError::Silent)?;
    let side = ask(node, &connection).await?;
    let mut taken = Vec::new();
    for one in side.missing.into_iter().filter(|one| !one.sent_by_us) {
        let envelope_id = one.envelope_id;
        if let Frame::Deliver { signed_envelope } = talk(&connection, Frame::SendAgain { envelope_id }).await? {
            let from = peer.id.clone();
            let done = blocking(node, move |node| receive(node, &from, signed_envelope)).await;
            taken.push((envelope_id, done.err().map(|refused| refused.code)));
        } else {
            taken.push((envelope_id, Some(RefusalCode::NotFound)));
        }
    }
    Ok(taken)
}

async fn talk(connection: &Connection, frame: Frame) -> Result<Frame, AskError> {
    let mut stream = connection.open().await.map_err(|loss| AskError::Refused(loss.to_string()))?;
    stream.send(&frame).await?;
    stream.finish();
    Ok(stream.receive().await?)
}

/// Why a peer was not heard.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error("it does not answer")]
    Silent,
    /// The stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// It said no.
    #[error("it answered: {0}")]
    Refused(String),
    /// It answered something else; an older node may not know the question.
    #[error("its answer does not fit the question; its node may be older")]
    Answer,
    /// Our own data.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// Why the log does not go on.
#[derive(Debug, thiserror::Error)]
pub enum GoOnError {
    /// The officer.
    #[error("{0}")]
    Officer(String),
    /// Nothing to decide.
    #[error("this log did not come from a backup, or how it goes on was decided")]
    NotPutBack,
    /// Somebody saw more than is here.
    #[error(
        "{0} hold more of this log than is here: going on would sign a second history; `restore accept-loss` begins it anew"
    )]
    HoldMore(String),
    /// Somebody was not asked.
    #[error("{0} could not be asked what they hold; try again, or vouch for them with --unheard")]
    Unheard(String),
    /// The mark.
    #[error("the mark of the backup cannot be taken away: {0}")]
    File(std::io::Error),
    /// The log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The node.
    #[error(transparent)]
    Start(#[from] Box<StartError>),
}
