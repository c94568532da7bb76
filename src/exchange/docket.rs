//! The docket: the state of requests, messages, packages and queues as a fold over custody records. Decides nothing.
//!
//! ```text
//!  custody log ──record by record──► fold ──► changes ──► index (sled, may be thrown away)
//! ```
//! The same function runs when a record is committed and when the index is rebuilt, so both give the same answers.

use crate::exchange::rows::{
    ConditionRow, Direction, EnvelopeRow, IntakeRow, MessageRow, MessageState, OutboxRow, PackageRow, RequestRow,
    RequestState, RowError, Waiting, from_bytes, outbox_key, timeline_key, to_bytes, tree,
};
use crate::model::event::{CustodyRecord, Event, Outcome, Stage, Transfer};
use crate::model::ident::{Digest, Id};
use crate::model::message::{Body, Message};
use crate::model::request::ExecutionStatus;
use crate::wire::decode::DecodeError;
use crate::wire::{envelope, message};

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
    match committed.record.event {
        Event::MessageDrafted => desk.drafted()?,
        Event::MessageApproved => desk.outgoing(|row, _| row.state = MessageState::Approved)?,
        Event::MessageDiscarded => desk.outgoing(|row, _| row.state = MessageState::Discarded)?,
        Event::MessageQueued => desk.queued()?,
        Event::MessageDelivered => desk.delivered()?,
        Event::MessageRefused | Event::MessageExpired => desk.undelivered()?,
        Event::MessageReceived => desk.received()?,
        Event::ContentReceived => desk.content_received()?,
        Event::PackageHandedOver => desk.handed_over()?,
        Event::ReceiptDelivered => desk.receipt_delivered()?,
        _ => {}
    }
    if let Some(request_id) = committed.record.subject.request_id {
        desk.put_bytes(tree::TIMELINE, timeline_key(request_id, committed.index), Some(Vec::new()));
    }
    Ok(desk.changes)
}

/// The desk on which one record is worked: reads see the changes already made for it.
struct Desk<'a, E> {
    committed: Committed<'a>,
    read: &'a Read<'a, E>,
    sha256: fn(&[u8]) -> Digest,
    changes: Vec<Change>,
}

impl<E> Desk<'_, E> {
    fn drafted(&mut self) -> Result<(), FoldError<E>> {
        let message = self.message(&self.enclosure("message")?)?;
        let digest = self.digest("message")?;
        let index = self.committed.index;
        let row = MessageRow {
            message_id: message.message_id,
            request_id: message.request_id,
            kind: message.kind(),
            direction: Direction::Outgoing,
            counterpart: message.recipient.clone(),
            state: MessageState::Drafted,
            urgency: message.urgency,
            digest,
            drafted_by: self.officer(),
            approved_by: None,
            envelope_id: None,
            envelope_digest: None,
            package_id: message.consignment.as_ref().map(|consignment| consignment.seal_id),
            bytes_index: index,
            envelope_index: None,
            receipts: Vec::new(),
            updated_at: self.committed.record.at,
        };
        self.open_package(&message, Direction::Outgoing)?;
        self.touch_request(&message, Direction::Outgoing)?;
        self.put(tree::MESSAGE, message.message_id.as_bytes(), &row);
        self.put_bytes(tree::DIGEST, digest.0.to_vec(), Some(message.message_id.as_bytes().to_vec()));
        Ok(())
    }

    fn outgoing(&mut self, change: impl Fn(&mut MessageRow, Option<String>)) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        let officer = self.officer();
        if self.committed.record.event == Event::MessageApproved {
            row.approved_by.clone_from(&officer);
        }
        change(&mut row, officer);
        row.updated_at = self.committed.record.at;
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    fn queued(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        let index = self.committed.index;
        let transfer = self.transfer()?;
        let envelope_id = self.envelope_id()?;
        let digest = self.digest("signed-envelope")?;
        row.state = MessageState::Queued;
        row.envelope_id = Some(envelope_id);
        row.envelope_digest = Some(digest);
        row.envelope_index = Some(index);
        row.updated_at = self.committed.record.at;
        let outbox = OutboxRow {
            envelope_id,
            peer: row.counterpart.clone(),
            urgency: transfer.urgency,
            expires_at: Some(transfer.expires_at),
            waiting: Waiting::Envelope,
            index,
        };
        self.put(tree::OUTBOX, &outbox_key(&row.counterpart, transfer.urgency, index), &outbox);
        self.put_envelope(&row, envelope_id, digest, Direction::Outgoing);
        let bytes = self.enclosure("message")?;
        let message = self.message(&bytes)?;
        self.speak(&message, Direction::Outgoing)?;
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    fn delivered(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        let stage = self.transfer()?.stage;
        row.receipts.push((stage, self.committed.index));
        row.updated_at = self.committed.record.at;
        let envelope_index = row.envelope_index.ok_or(FoldError::Turn)?;
        let key = outbox_key(&row.counterpart, row.urgency, envelope_index);
        match stage {
            Stage::RelayAcceptance if row.state == MessageState::Queued => {
                row.state = MessageState::Relayed;
                if let Some(mut outbox) = self.get::<OutboxRow>(tree::OUTBOX, &key)? {
                    outbox.waiting = Waiting::Content;
                    self.put(tree::OUTBOX, &key, &outbox);
                }
            }
            Stage::ContentConsignment => {
                row.state = MessageState::Delivered;
                self.put_bytes(tree::OUTBOX, key, None);
                self.request_state(row.request_id, |request| {
                    if request.state == RequestState::Sent {
                        request.state = RequestState::Delivered;
                    }
                })?;
            }
            _ => {}
        }
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    fn undelivered(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        row.state = match &self.committed.record.outcome {
            Outcome::Refused(code) => MessageState::Refused(code.name().to_owned()),
            _ => MessageState::Expired,
        };
        row.updated_at = self.committed.record.at;
        let envelope_index = row.envelope_index.ok_or(FoldError::Turn)?;
        self.put_bytes(tree::OUTBOX, outbox_key(&row.counterpart, row.urgency, envelope_index), None);
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    fn received(&mut self) -> Result<(), FoldError<E>> {
        let signed = envelope::decode_signed_message(&self.enclosure("signed-message")?)?;
        let message = self.message(&signed.content)?;
        let envelope_id = self.envelope_id()?;
        let envelope_digest = self.digest("signed-envelope")?;
        let transfer = self.transfer()?.clone();
        let index = self.committed.index;
        let whole = transfer.blobs.is_empty();
        let row = MessageRow {
            message_id: message.message_id,
            request_id: message.request_id,
            kind: message.kind(),
            direction: Direction::Incoming,
            counterpart: message.sender.authority.clone(),
            state: if whole { MessageState::Received } else { MessageState::Arriving },
            urgency: message.urgency,
            digest: (self.sha256)(&signed.content),
            drafted_by: None,
            approved_by: None,
            envelope_id: Some(envelope_id),
            envelope_digest: Some(envelope_digest),
            package_id: message.consignment.as_ref().map(|consignment| consignment.seal_id),
            bytes_index: index,
            envelope_index: Some(index),
            receipts: vec![(transfer.stage, index)],
            updated_at: self.committed.record.at,
        };
        self.put_envelope(&row, envelope_id, envelope_digest, Direction::Incoming);
        if let (false, Some(package_id)) = (whole, row.package_id) {
            let intake = IntakeRow { peer: row.counterpart.clone(), package_id, urgency: row.urgency, index };
            self.put(tree::INTAKE, envelope_id.as_bytes(), &intake);
        }
        self.open_package(&message, Direction::Incoming)?;
        self.touch_request(&message, Direction::Incoming)?;
        self.speak(&message, Direction::Incoming)?;
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        self.put_bytes(tree::DIGEST, row.digest.0.to_vec(), Some(row.message_id.as_bytes().to_vec()));
        Ok(())
    }

    fn content_received(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        row.state = MessageState::Received;
        let envelope_id = self.envelope_id()?;
        self.put_bytes(tree::INTAKE, envelope_id.as_bytes().to_vec(), None);
        if let Some(package_id) = row.package_id
            && let Some(mut package) = self.get::<PackageRow>(tree::PACKAGE, package_id.as_bytes())?
        {
            package.complete_index = Some(self.committed.index);
            self.put(tree::PACKAGE, package_id.as_bytes(), &package);
        }
        self.owe_receipt(&mut row, Stage::ContentConsignment)
    }

    fn handed_over(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        let Some(package_id) = row.package_id else { return Err(FoldError::Turn) };
        let Some(mut package) = self.get::<PackageRow>(tree::PACKAGE, package_id.as_bytes())? else {
            return Err(FoldError::Turn);
        };
        if package.opened_index.is_none() {
            package.opened_index = Some(self.committed.index);
            self.put(tree::PACKAGE, package_id.as_bytes(), &package);
            if row.direction == Direction::Incoming {
                return self.owe_receipt(&mut row, Stage::ContentHandover);
            }
        }
        Ok(())
    }

    /// The sender of a message learns of its later stages by a receipt that waits in the outbox.
    fn owe_receipt(&mut self, row: &mut MessageRow, stage: Stage) -> Result<(), FoldError<E>> {
        let index = self.committed.index;
        row.receipts.push((stage, index));
        row.updated_at = self.committed.record.at;
        let envelope_id = row.envelope_id.ok_or(FoldError::Turn)?;
        let outbox = OutboxRow {
            envelope_id,
            peer: row.counterpart.clone(),
            urgency: row.urgency,
            expires_at: None,
            waiting: Waiting::Receipt(stage),
            index,
        };
        self.put(tree::OUTBOX, &outbox_key(&row.counterpart, row.urgency, index), &outbox);
        self.put(tree::MESSAGE, row.message_id.as_bytes(), row);
        Ok(())
    }

    fn receipt_delivered(&mut self) -> Result<(), FoldError<E>> {
        let row = self.message_row()?;
        let index = *self.committed.record.links.first().ok_or(FoldError::Turn)?;
        self.put_bytes(tree::OUTBOX, outbox_key(&row.counterpart, row.urgency, index), None);
        Ok(())
    }

    fn open_package(&mut self, message: &Message, direction: Direction) -> Result<(), FoldError<E>> {
        let Some(consignment) = &message.consignment else { return Ok(()) };
        let counterpart = match direction {
            Direction::Outgoing => message.recipient.clone(),
            Direction::Incoming => message.sender.authority.clone(),
        };
        let row = PackageRow {
            package_id: consignment.seal_id,
            message_id: message.message_id,
            request_id: message.request_id,
            direction,
            counterpart,
            items: u32::try_from(consignment.items.len()).map_err(|_| FoldError::Turn)?,
            plaintext_bytes: consignment.items.iter().map(|item| item.plaintext_bytes).sum(),
            conditions: message
                .conditions
                .iter()
                .map(|condition| ConditionRow {
                    id: condition.id.clone(),
                    code: condition.code.clone(),
                    needs_acceptance: condition.origin.needs_acceptance(),
                    accepted_index: None,
                })
                .collect(),
            complete_index: None,
            opened_index: None,
        };
        self.put(tree::PACKAGE, consignment.seal_id.as_bytes(), &row);
        Ok(())
    }

    fn touch_request(&mut self, message: &Message, way: Direction) -> Result<(), FoldError<E>> {
        let at = self.committed.record.at;
        let key = *message.request_id.as_bytes();
        let found = self.get::<RequestRow>(tree::REQUEST, &key)?;
        let mut row = match (found, &message.body) {
            (Some(row), _) => row,
            (None, Body::Request(request)) => RequestRow {
                request_id: message.request_id,
                direction: way,
                counterpart: match way {
                    Direction::Outgoing => message.recipient.clone(),
                    Direction::Incoming => message.sender.authority.clone(),
                },
                reference: request.reference.clone(),
                subject: request.subject.clone(),
                urgency: message.urgency,
                reply_by: message.reply_by.as_ref().map(|reply_by| reply_by.at),
                state: match way {
                    Direction::Outgoing => RequestState::Draft,
                    Direction::Incoming => RequestState::Delivered,
                },
                messages: Vec::new(),
                opened_at: at,
                updated_at: at,
            },
            (None, _) => return Err(FoldError::Turn),
        };
        row.messages.push(message.message_id);
        row.updated_at = at;
        self.put(tree::REQUEST, &key, &row);
        Ok(())
    }

    /// What a sent or received message means for its request and for the conditions it accepts.
    fn speak(&mut self, message: &Message, way: Direction) -> Result<(), FoldError<E>> {
        if let Body::Acceptance(acceptance) = &message.body
            && let Some(mut package) = self.get::<PackageRow>(tree::PACKAGE, acceptance.package_id.as_bytes())?
            && package.request_id == message.request_id
            && package.direction != way
        {
            for condition in &mut package.conditions {
                if acceptance.condition_ids.contains(&condition.id) && condition.accepted_index.is_none() {
                    condition.accepted_index = Some(self.committed.index);
                }
            }
            self.put(tree::PACKAGE, acceptance.package_id.as_bytes(), &package);
        }
        let state = match &message.body {
            Body::Request(_) if way == Direction::Outgoing => RequestState::Sent,
            Body::Request(_) => RequestState::Delivered,
            Body::Acknowledgement(_) => RequestState::Acknowledged,
            Body::Report(report) => match report.status {
                ExecutionStatus::InExecution | ExecutionStatus::Partial => RequestState::InExecution,
                ExecutionStatus::Executed | ExecutionStatus::Impossible => RequestState::Executed,
            },
            Body::Refusal(_) => RequestState::Refused,
            Body::Withdrawal(_) => RequestState::Withdrawn,
            Body::Evidence(_) => RequestState::InExecution,
            Body::Acceptance(_) => return Ok(()),
        };
        self.request_state(message.request_id, |request| {
            let ended = matches!(request.state, RequestState::Refused | RequestState::Withdrawn);
            let later = matches!(request.state, RequestState::Executed) && state != RequestState::Withdrawn;
            if !ended && !later {
                request.state = state;
            }
        })
    }

    fn request_state(&mut self, request_id: Id, change: impl Fn(&mut RequestRow)) -> Result<(), FoldError<E>> {
        let Some(mut row) = self.get::<RequestRow>(tree::REQUEST, request_id.as_bytes())? else {
            return Err(FoldError::Turn);
        };
        change(&mut row);
        row.updated_at = self.committed.record.at;
        self.put(tree::REQUEST, request_id.as_bytes(), &row);
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
