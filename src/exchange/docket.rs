//! The docket: the state of requests, messages, packages and queues as a fold over custody records. Decides nothing.
//!
//! ```text
//!  custody log ──record by record──► fold ──► changes ──► index (sled, may be thrown away)
//! ```
//! The same function runs when a record is committed and when the index is rebuilt, so both give the same answers.

use crate::exchange::rows::{
    BasisRow, Direction, EnvelopeRow, MessageRow, MessageState, RowError, from_bytes, timeline_key, to_bytes, tree,
};
use crate::model::event::{CustodyRecord, Event, Transfer};
use crate::model::ident::{Digest, Id};
use crate::model::message::Message;
use crate::wire::decode::DecodeError;
use crate::wire::message;

mod incoming;
mod outgoing;
mod stamps;
mod thread;

/// One change of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which tree.
    pub tree: &'static str,
    /// Which key.
    pub key: Vec<u8>,
    /// The new value; `None` removes the key.
    pub value: Option<Vec<u8>>,
}

/// A committed record as the fold needs it.
#[derive(Debug, Clone, Copy)]
pub struct Committed<'a> {
    /// Its place in the log.
    pub index: u64,
    /// What it says.
    pub record: &'a CustodyRecord,
    /// The enclosures, each found by its digest in the record.
    pub enclosures: &'a [Vec<u8>],
}

/// The name, in a tombstone, of the SHA-256 of an identifier whose records were erased.
pub const GONE_DIGEST: &str = "gone";

/// Reads one value of the index as it was before the record.
pub type Read<'a, E> = dyn Fn(&'static str, &[u8]) -> Result<Option<Vec<u8>>, E> + 'a;

/// Folds one record: what the index must change so that it speaks of this record too.
///
/// # Errors
/// [`FoldError`] when the record or the index is not what the log's rules allow.
pub fn fold<E>(
    committed: Committed<'_>,
    read: &Read<'_, E>,
    sha256: fn(&[u8]) -> Digest,
) -> Result<Vec<Change>, FoldError<E>> {
    let mut desk = Desk { committed, read, sha256, changes: Vec::new() };
    match desk.work() {
        // What it speaks of was erased: it stands on the time-line only.
        Err(FoldError::Turn) if desk.erased_before()? => desk.changes.clear(),
        worked => worked?,
    }
    if let Some(request_id) = committed.record.subject.request_id {
        desk.put_bytes(tree::TIMELINE, timeline_key(request_id, committed.index), Some(Vec::new()));
    }
    Ok(desk.changes)
}

/// Folds a place in the log whose record was erased: the fold knows from then on that records may be missing.
pub fn fold_erased() -> Vec<Change> {
    vec![Change { tree: tree::ERASED, key: Vec::new(), value: Some(Vec::new()) }]
}

/// The desk on which one record is worked: reads see the changes already made for it.
struct Desk<'a, E> {
    committed: Committed<'a>,
    read: &'a Read<'a, E>,
    sha256: fn(&[u8]) -> Digest,
    changes: Vec<Change>,
}

impl<E> Desk<'_, E> {
    fn work(&mut self) -> Result<(), FoldError<E>> {
        match self.committed.record.event {
            Event::MessageDrafted => self.drafted(),
            Event::MessageApproved => self.outgoing(|row, _| row.state = MessageState::Approved),
            Event::MessageDiscarded => self.outgoing(|row, _| row.state = MessageState::Discarded),
            Event::MessageQueued => self.queued(),
            Event::RequestFiledElsewhere => self.filed_elsewhere(),
            Event::MessageDelivered => self.delivered(),
            Event::MessageRefused | Event::MessageExpired => self.undelivered(),
            Event::MessageReceived => self.received(),
            Event::ContentReceived => self.content_received(),
            Event::ContentAbandoned => self.content_abandoned(),
            Event::PackageHandedOver => self.handed_over(),
            Event::ReceiptDelivered => self.receipt_delivered(),
            Event::DutyOverdue => {
                let key = self.digest("duty")?.0.to_vec();
                let index = self.committed.index.to_be_bytes().to_vec();
                self.put_bytes(tree::OVERDUE, key, Some(index));
                Ok(())
            }
            Event::RecordErased => self.erased(),
            Event::PackageDestroyed => self.destroyed(),
            Event::UseCleared => self.answered(),
            Event::BasisCompared | Event::BasisChanged => self.basis_reviewed(),
            Event::TimeStamped | Event::TimeStampMissed => {
                self.time_stamp();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn erased_before(&self) -> Result<bool, FoldError<E>> {
        Ok((self.read)(tree::ERASED, &[]).map_err(FoldError::Read)?.is_some())
    }

    /// Its identifiers are never taken for new ones again.
    fn erased(&mut self) -> Result<(), FoldError<E>> {
        for digest in self.committed.record.digests.iter().filter(|digest| digest.name == GONE_DIGEST) {
            self.changes.push(Change { tree: tree::GONE, key: digest.sha256.0.to_vec(), value: Some(Vec::new()) });
        }
        self.answered()
    }

    fn destroyed(&mut self) -> Result<(), FoldError<E>> {
        let package_id = self.committed.record.subject.package_id.ok_or(FoldError::Turn)?;
        let index = self.committed.index.to_be_bytes().to_vec();
        self.put_bytes(tree::DESTROYED, package_id.as_bytes().to_vec(), Some(index));
        self.answered()
    }

    fn basis_reviewed(&mut self) -> Result<(), FoldError<E>> {
        let request_id = self.message_row()?.request_id;
        let row = BasisRow { index: self.committed.index, at: self.committed.record.at };
        self.put(tree::BASIS, request_id.as_bytes(), &row);
        Ok(())
    }

    /// The first link of an act of two persons is what the first of them asked for.
    fn answered(&mut self) -> Result<(), FoldError<E>> {
        let asked = self.committed.record.links.first().ok_or(FoldError::Turn)?.to_be_bytes().to_vec();
        let index = self.committed.index.to_be_bytes().to_vec();
        self.put_bytes(tree::ANSWERED, asked, Some(index));
        Ok(())
    }

    fn put_envelope(&mut self, row: &MessageRow, envelope_id: Id, digest: Digest, direction: Direction) {
        let envelope = EnvelopeRow {
            message_id: row.message_id,
            digest,
            direction,
            counterpart: row.counterpart.clone(),
            index: self.committed.index,
        };
        self.put(tree::ENVELOPE, envelope_id.as_bytes(), &envelope);
    }

    fn message_row(&self) -> Result<MessageRow, FoldError<E>> {
        let id = self.committed.record.subject.message_id.ok_or(FoldError::Turn)?;
        self.get(tree::MESSAGE, id.as_bytes())?.ok_or(FoldError::Turn)
    }

    fn envelope_id(&self) -> Result<Id, FoldError<E>> {
        self.committed.record.subject.envelope_id.ok_or(FoldError::Turn)
    }

    fn transfer(&self) -> Result<&Transfer, FoldError<E>> {
        self.committed.record.transfer.as_ref().ok_or(FoldError::Turn)
    }

    fn officer(&self) -> Option<String> {
        self.committed.record.actor.officer().map(|name| name.as_str().to_owned())
    }

    fn digest(&self, name: &str) -> Result<Digest, FoldError<E>> {
        let digests = &self.committed.record.digests;
        digests.iter().find(|digest| digest.name == name).map(|digest| digest.sha256).ok_or(FoldError::Enclosure)
    }

    fn enclosure(&self, name: &str) -> Result<Vec<u8>, FoldError<E>> {
        let wanted = self.digest(name)?;
        let found = self.committed.enclosures.iter().find(|bytes| (self.sha256)(bytes) == wanted);
        found.cloned().ok_or(FoldError::Enclosure)
    }

    fn message(&self, bytes: &[u8]) -> Result<Message, FoldError<E>> {
        Ok(message::decode(bytes)?)
    }

    fn get<R: serde::de::DeserializeOwned>(&self, tree: &'static str, key: &[u8]) -> Result<Option<R>, FoldError<E>> {
        let changed = self.changes.iter().rev().find(|change| change.tree == tree && change.key == key);
        let value = match changed {
            Some(change) => change.value.clone(),
            None => (self.read)(tree, key).map_err(FoldError::Read)?,
        };
        value.map(|bytes| from_bytes(&bytes)).transpose().map_err(FoldError::Row)
    }

    fn put<R: serde::Serialize>(&mut self, tree: &'static str, key: &[u8], row: &R) {
        self.put_bytes(tree, key.to_vec(), Some(to_bytes(row)));
    }

    fn put_bytes(&mut self, tree: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.changes.push(Change { tree, key, value });
    }
}

/// Why a record could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError<E> {
    /// The index could not be read.
    #[error("the index cannot be read")]
    Read(E),
    /// A row of the index does not decode.
    #[error(transparent)]
    Row(RowError),
    /// A record speaks of something that no earlier record brought.
    #[error("a custody record speaks of something that no earlier record brought")]
    Turn,
    /// An enclosure that a record names is not beside it.
    #[error("an enclosure that the custody record names is not beside it")]
    Enclosure,
    /// An enclosure does not decode.
    #[error("an enclosure does not decode: {0}")]
    Decode(#[from] DecodeError),
}

#[cfg(test)]
mod erased_tests;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
