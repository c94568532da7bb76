//! What our own messages do to the docket: drafted, decided, queued, and how their hand-over ended. Refuses a record that
//! speaks of a message nobody drafted.

use crate::exchange::docket::{Desk, FoldError};
use crate::exchange::rows::{Direction, MessageRow, MessageState, OutboxRow, RequestState, Waiting, outbox_key, tree};
use crate::model::event::{Event, Outcome, Stage};

impl<E> Desk<'_, E> {
    pub(super) fn drafted(&mut self) -> Result<(), FoldError<E>> {
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

    pub(super) fn outgoing(&mut self, change: impl Fn(&mut MessageRow, Option<String>)) -> Result<(), FoldError<E>> {
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

    pub(super) fn queued(&mut self) -> Result<(), FoldError<E>> {
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
        self.speak(&message, row.digest, Direction::Outgoing)?;
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    pub(super) fn filed_elsewhere(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        let reason = &self.committed.record.reason;
        let way = reason.split_once(": ").map_or(reason.as_str(), |(way, _)| way);
        row.state = MessageState::FiledElsewhere(way.to_owned());
        row.envelope_index = Some(self.committed.index);
        row.updated_at = self.committed.record.at;
        self.request_state(row.request_id, |request| request.state = RequestState::FiledElsewhere)?;
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    pub(super) fn delivered(&mut self) -> Result<(), FoldError<E>> {
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
                    if matches!(request.state, RequestState::Sent | RequestState::NotDelivered) {
                        request.state = RequestState::Delivered;
                    }
                })?;
            }
            _ => {}
        }
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    pub(super) fn undelivered(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        row.state = match &self.committed.record.outcome {
            Outcome::Refused(code) => MessageState::Refused(code.name().to_owned()),
            _ => MessageState::Expired,
        };
        row.updated_at = self.committed.record.at;
        let envelope_index = row.envelope_index.ok_or(FoldError::Turn)?;
        self.put_bytes(tree::OUTBOX, outbox_key(&row.counterpart, row.urgency, envelope_index), None);
        if row.kind.opens() {
            self.request_state(row.request_id, |request| request.state = RequestState::NotDelivered)?;
        }
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }
}
