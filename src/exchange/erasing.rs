//! Which records an erasure may take, and what stands in the log of it. Refuses to take the log's own history, half a
//! message, and what is not finished.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::digest::sha256;
use crate::exchange::act::{Act, Scene};
use crate::exchange::docket::GONE_DIGEST;
use crate::exchange::hold::{Hold, hold};
use crate::exchange::rows::{MessageRow, MessageState, RequestRow, RequestState};
use crate::model::event::{Actor, CustodyRecord, Event, NamedDigest, Subject};
use crate::model::ident::{Digest, Id};
use crate::model::limits::{ERASED_RECORDS_MAX, LINE_BYTES_MAX};
use crate::model::message::MessageKind;

/// The words that officers give for an erasure or a destruction. They stand in the log for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    reason: String,
    legal_basis: String,
}

impl Grounds {
    /// Both are written, in one line each, at most 1,024 bytes.
    ///
    /// # Errors
    /// [`Rule::Grounds`].
    pub fn new(reason: &str, legal_basis: &str) -> Result<Self, Rule> {
        let good =
            |text: &str| !text.trim().is_empty() && text.len() <= LINE_BYTES_MAX && !text.chars().any(char::is_control);
        if !good(reason) || !good(legal_basis) {
            return Err(Rule::Grounds);
        }
        Ok(Self { reason: reason.trim().to_owned(), legal_basis: legal_basis.trim().to_owned() })
    }

    fn told(&self) -> String {
        format!("{} (legal basis: {})", self.reason, self.legal_basis)
    }
}

/// A record that is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// Its place.
    pub index: u64,
    /// What it says.
    pub record: CustodyRecord,
}

/// What the rules must know of the rest of the node.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The messages that the records are about.
    pub messages: BTreeMap<Id, MessageRow>,
    /// Their requests.
    pub requests: BTreeMap<Id, RequestRow>,
    /// Every record of these requests that stands in the log, with its event and message.
    pub threads: BTreeMap<Id, Vec<(u64, Event, Option<Id>)>>,
    /// Envelopes of which something waits in the outbox.
    pub waiting: BTreeSet<Id>,
    /// Envelopes whose files are under way.
    pub arriving: BTreeSet<Id>,
    /// Packages of which the vault holds files.
    pub held: BTreeSet<Id>,
}

/// Whether these records may go now.
///
/// # Errors
/// The first [`Rule`] that stands against it.
pub fn judge(doomed: &[Doomed], around: &Surroundings) -> Result<(), Rule> {
    if doomed.is_empty() {
        return Err(Rule::Nothing);
    }
    if doomed.len() >= ERASED_RECORDS_MAX {
        return Err(Rule::TooMany);
    }
    let named: BTreeSet<u64> = doomed.iter().map(|one| one.index).collect();
    for one in doomed {
        match hold(one.record.event) {
            Hold::Kept => return Err(Rule::Kept { index: one.index, event: one.record.event }),
            Hold::Free => {}
            Hold::WithItsMessage => with_its_message(one, &named, around)?,
        }
    }
    Ok(())
}

/// Whether a second officer takes no message that the first one did not know of when asking. Attack: what a peer sends in
/// between would be erased though nobody decided on it. What was only looked at in between goes along.
///
/// # Errors
/// [`Rule::Grown`].
pub fn as_asked(doomed: &[Doomed], asked: &[u64]) -> Result<(), Rule> {
    let fresh = |one: &&Doomed| hold(one.record.event) == Hold::WithItsMessage && !asked.contains(&one.index);
    doomed.iter().find(fresh).map_or(Ok(()), |one| Err(Rule::Grown { index: one.index }))
}

fn with_its_message(one: &Doomed, named: &BTreeSet<u64>, around: &Surroundings) -> Result<(), Rule> {
    let subject = &one.record.subject;
    let request = subject.request_id.and_then(|id| around.requests.get(&id));
    let thread = subject.request_id.and_then(|id| around.threads.get(&id)).map(Vec::as_slice).unwrap_or_default();
    // Answers rest on their request: it goes only with the whole thread.
    let opens = one.record.message_kind.is_some_and(MessageKind::opens);
    let bound = |(_, event, message): &&(u64, Event, Option<Id>)| {
        hold(*event) == Hold::WithItsMessage && (opens || *message == subject.message_id)
    };
    let missing: Vec<u64> =
        thread.iter().filter(bound).map(|(index, ..)| *index).filter(|index| !named.contains(index)).collect();
    if !missing.is_empty() {
        return Err(Rule::WholeMessage { index: one.index, missing });
    }
    if let Some(row) = subject.message_id.and_then(|id| around.messages.get(&id)) {
        finished(row, around)?;
    }
    match request.map(|request| request.state) {
        Some(
            RequestState::Sent
            | RequestState::Delivered
            | RequestState::Acknowledged
            | RequestState::InExecution
            | RequestState::FiledElsewhere,
        ) => Err(Rule::RequestOpen),
        _ => Ok(()),
    }
}

fn finished(row: &MessageRow, around: &Surroundings) -> Result<(), Rule> {
    let message = row.message_id;
    closed(row, around)?;
    match row.package_id {
        Some(package) if around.held.contains(&package) => Err(Rule::ContentHeld { package, message }),
        _ => Ok(()),
    }
}

/// Whether nothing of a message is still to be decided, handed over or fetched.
///
/// # Errors
/// The [`Rule`] that says what is.
pub fn closed(row: &MessageRow, around: &Surroundings) -> Result<(), Rule> {
    let message = row.message_id;
    match row.state {
        MessageState::Drafted | MessageState::Approved => return Err(Rule::Undecided { message }),
        MessageState::Queued | MessageState::Relayed => return Err(Rule::Undelivered { message }),
        MessageState::Arriving => return Err(Rule::UnderWay { message }),
        _ => {}
    }
    if row.envelope_id.is_some_and(|id| around.waiting.contains(&id)) {
        return Err(Rule::InTheOutbox { message });
    }
    if row.envelope_id.is_some_and(|id| around.arriving.contains(&id)) {
        return Err(Rule::UnderWay { message });
    }
    Ok(())
}

impl Scene {
    /// One officer asks for an erasure. `subject` names what is to go, unless single records are meant.
    pub fn erasure_requested(&self, subject: Subject, indexes: &[u64], grounds: &Grounds) -> Act {
        let mut record = self.record(Event::ErasureRequested);
        record.subject = subject;
        record.links = indexes.to_vec();
        record.reason = grounds.told();
        Act { record, enclosures: Vec::new() }
    }

    /// The tombstone: a second officer (the actor of this scene) confirmed what the first had asked for in record `asked`.
    /// It says which places are empty from now on, and by which identifiers nothing new is taken; nothing of what stood there.
    pub fn erased(&self, asked: u64, request: &CustodyRecord, doomed: &[Doomed]) -> Act {
        let mut record = self.confirmed(Event::RecordErased, asked, request);
        record.links.extend(doomed.iter().map(|one| one.index));
        let gone: BTreeSet<Digest> = doomed.iter().flat_map(identifiers).map(|id| sha256(id.as_bytes())).collect();
        record.digests = gone.into_iter().map(|digest| NamedDigest::new(GONE_DIGEST, digest)).collect();
        Act { record, enclosures: Vec::new() }
    }

    /// One officer asks for the destruction of a package.
    pub fn destruction_requested(&self, row: &MessageRow, grounds: &Grounds) -> Act {
        self.handled(Event::DestructionRequested, row, &grounds.told(), Vec::new())
    }

    /// Key and files of a package are gone: `of` are the records whose enclosures held its key.
    pub fn destroyed(&self, asked: u64, request: &CustodyRecord, of: &[u64], digests: Vec<NamedDigest>) -> Act {
        let mut record = self.confirmed(Event::PackageDestroyed, asked, request);
        record.counterpart.clone_from(&request.counterpart);
        record.message_kind = request.message_kind;
        record.links.extend(of);
        record.digests = digests;
        Act { record, enclosures: Vec::new() }
    }

    /// The first officer is the actor, the second one who confirms; the reason is what the first one wrote.
    fn confirmed(&self, event: Event, asked: u64, request: &CustodyRecord) -> CustodyRecord {
        let mut record = self.record(event);
        record.actor = request.actor.clone();
        record.second = Some(self.actor.clone());
        record.subject = request.subject;
        record.reason.clone_from(&request.reason);
        record.links = vec![asked];
        record
    }
}

/// What must never be taken for new once its records are erased.
fn identifiers(one: &Doomed) -> Vec<Id> {
    let subject = &one.record.subject;
    match one.record.event {
        Event::MessageReceived | Event::MessageDrafted => {
            let request = subject.request_id.filter(|_| one.record.message_kind.is_some_and(MessageKind::opens));
            [subject.message_id, subject.envelope_id, subject.package_id, request].into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a second officer may confirm what the first asked for.
///
/// # Errors
/// [`Rule::FourEyes`] for the same person, [`Rule::NotAsked`] when the record asks for nothing of that kind.
pub fn may_confirm(request: &CustodyRecord, event: Event, actor: &Actor) -> Result<(), Rule> {
    if request.event != event {
        return Err(Rule::NotAsked);
    }
    if request.actor.officer() == actor.officer() { Err(Rule::FourEyes) } else { Ok(()) }
}

/// What stands against an erasure or a destruction. The name is the one in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Nothing to erase.
    #[error("no record of it is left that could be erased")]
    Nothing,
    /// Too much for one tombstone.
    #[error("more than {ERASED_RECORDS_MAX} records; erase them in several acts, with --record")]
    TooMany,
    /// The words are missing.
    #[error("write the reason and the legal basis, each in one line of at most {LINE_BYTES_MAX} bytes")]
    Grounds,
    /// The log's own history.
    #[error("rule log-history: record {index} ({}) is the log's own history and is never erased", event.name())]
    Kept {
        /// The record.
        index: u64,
        /// Its event.
        event: Event,
    },
    /// Half a message.
    #[error(
        "rule whole-message: record {index} goes only together with the records {} of its message or thread",
        missing.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    )]
    WholeMessage {
        /// The record.
        index: u64,
        /// What is not named.
        missing: Vec<u64>,
    },
    /// A draft.
    #[error("rule undecided: message {message} is drafted and neither sent nor discarded; send or discard it first")]
    Undecided {
        /// The message.
        message: Id,
    },
    /// Not handed over.
    #[error("rule undelivered: message {message} was not delivered yet and has not expired")]
    Undelivered {
        /// The message.
        message: Id,
    },
    /// A receipt waits.
    #[error("rule in-the-outbox: a receipt for message {message} still waits for the peer")]
    InTheOutbox {
        /// The message.
        message: Id,
    },
    /// Files are coming.
    #[error("rule content-under-way: files of message {message} are still on their way")]
    UnderWay {
        /// The message.
        message: Id,
    },
    /// Files are here.
    #[error(
        "rule content-held: the vault holds the files of message {message}; first two officers run `rogatory package destroy {package}`"
    )]
    ContentHeld {
        /// Their package.
        package: Id,
        /// The message.
        message: Id,
    },
    /// A duty.
    #[error(
        "rule request-open: the request is neither executed, refused nor withdrawn; somebody still owes an answer to it"
    )]
    RequestOpen,
    /// One person.
    #[error("rule four-eyes: whoever asked for it cannot confirm it; another approver must run this")]
    FourEyes,
    /// The record asks for nothing.
    #[error("that record asks for nothing of this kind; see `rogatory custody log` for the one that does")]
    NotAsked,
    /// Done before.
    #[error("it was done before, by record {0}")]
    Done(u64),
    /// A message came after it was asked for.
    #[error("record {index} came after the erasure was asked for, so nobody decided on it; ask for it anew")]
    Grown {
        /// The record.
        index: u64,
    },
    /// Something came in between.
    #[error("something was logged about it at this very moment; run the command again")]
    Changed,
}

impl Rule {
    /// The word in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing-to-erase",
            Self::TooMany => "too-many-records",
            Self::Grounds => "grounds-missing",
            Self::Kept { .. } => "log-history",
            Self::WholeMessage { .. } => "whole-message",
            Self::Undecided { .. } => "undecided",
            Self::Undelivered { .. } => "undelivered",
            Self::InTheOutbox { .. } => "in-the-outbox",
            Self::UnderWay { .. } => "content-under-way",
            Self::ContentHeld { .. } => "content-held",
            Self::RequestOpen => "request-open",
            Self::FourEyes => "four-eyes",
            Self::NotAsked => "not-asked",
            Self::Done(_) => "done-before",
            Self::Grown { .. } => "grown-meanwhile",
            Self::Changed => "changed-meanwhile",
        }
    }
}

#[cfg(test)]
mod tests;
