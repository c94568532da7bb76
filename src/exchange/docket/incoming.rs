//! What the messages of a peer do to the docket: received, whole, opened, and the receipts that are owed for it. Refuses
//! a record that speaks of a message that never came.

use crate::exchange::docket::{Desk, FoldError};
use crate::exchange::rows::{
    Direction, IntakeRow, MessageRow, MessageState, OutboxRow, PackageRow, Waiting, outbox_key, tree,
};
use crate::model::event::Stage;
use crate::wire::envelope;

impl<E> Desk<'_, E> {
    pub(super) fn received(&mut self) -> Result<(), FoldError<E>> {
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
            let bytes = transfer.blobs.iter().map(|blob| blob.ciphertext_bytes).fold(0, u64::saturating_add);
            let intake = IntakeRow { peer: row.counterpart.clone(), package_id, urgency: row.urgency, bytes, index };
            self.put(tree::INTAKE, envelope_id.as_bytes(), &intake);
        }
        self.open_package(&message, Direction::Incoming)?;
        self.touch_request(&message, Direction::Incoming)?;
        self.speak(&message, row.digest, Direction::Incoming)?;
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        self.put_bytes(tree::DIGEST, row.digest.0.to_vec(), Some(row.message_id.as_bytes().to_vec()));
        Ok(())
    }

    pub(super) fn content_received(&mut self) -> Result<(), FoldError<E>> {
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

    pub(super) fn content_abandoned(&mut self) -> Result<(), FoldError<E>> {
        let mut row = self.message_row()?;
        row.state = MessageState::Abandoned;
        row.updated_at = self.committed.record.at;
        let envelope_id = self.envelope_id()?;
        self.put_bytes(tree::INTAKE, envelope_id.as_bytes().to_vec(), None);
        self.put(tree::MESSAGE, row.message_id.as_bytes(), &row);
        Ok(())
    }

    pub(super) fn handed_over(&mut self) -> Result<(), FoldError<E>> {
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

    pub(super) fn receipt_delivered(&mut self) -> Result<(), FoldError<E>> {
        let row = self.message_row()?;
        let index = *self.committed.record.links.first().ok_or(FoldError::Turn)?;
        self.put_bytes(tree::OUTBOX, outbox_key(&row.counterpart, row.urgency, index), None);
        Ok(())
    }
}
