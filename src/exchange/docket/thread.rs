//! What a message means for its request and its package, whichever way it goes. Refuses an answer to no request.

use crate::exchange::docket::{Desk, FoldError};
use crate::exchange::lives::our_side;
use crate::exchange::rows::{ConditionRow, Direction, PackageRow, RequestRow, RequestState, tree};
use crate::law::life::note::Note;
use crate::model::ident::{Digest, Id};
use crate::model::message::{Body, Message};
use crate::model::request::ExecutionStatus;

impl<E> Desk<'_, E> {
    pub(super) fn open_package(&mut self, message: &Message, direction: Direction) -> Result<(), FoldError<E>> {
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

    pub(super) fn touch_request(&mut self, message: &Message, way: Direction) -> Result<(), FoldError<E>> {
        let at = self.committed.record.at;
        let key = *message.request_id.as_bytes();
        let found = self.get::<RequestRow>(tree::REQUEST, &key)?;
        let mut row = match (found, &message.body) {
            (Some(row), _) => row,
            (None, body) if body.kind().opens() => RequestRow {
                request_id: message.request_id,
                direction: way,
                counterpart: match way {
                    Direction::Outgoing => message.recipient.clone(),
                    Direction::Incoming => message.sender.authority.clone(),
                },
                reference: titles(body).0.to_owned(),
                subject: titles(body).1.to_owned(),
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
    pub(super) fn speak(&mut self, message: &Message, digest: Digest, way: Direction) -> Result<(), FoldError<E>> {
        let request = self.get::<RequestRow>(tree::REQUEST, message.request_id.as_bytes())?.ok_or(FoldError::Turn)?;
        let ours = our_side(&request);
        let side = if way == Direction::Outgoing { ours } else { ours.other() };
        self.put(tree::LIFE, message.message_id.as_bytes(), &Note::of(message, digest, side));
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
            body if body.kind().opens() && way == Direction::Outgoing => RequestState::Sent,
            body if body.kind().opens() => RequestState::Delivered,
            Body::Acknowledgement(_) => RequestState::Acknowledged,
            Body::Report(report) => match report.status {
                ExecutionStatus::InExecution | ExecutionStatus::Partial => RequestState::InExecution,
                ExecutionStatus::Executed | ExecutionStatus::Impossible => RequestState::Executed,
            },
            Body::Refusal(_) => RequestState::Refused,
            Body::Withdrawal(_) => RequestState::Withdrawn,
            Body::Evidence(_) => RequestState::InExecution,
            Body::Acceptance(_) | Body::Request(_) | Body::Asking(..) | Body::Notice(_) => return Ok(()),
        };
        self.request_state(message.request_id, |request| {
            let ended = matches!(request.state, RequestState::Refused | RequestState::Withdrawn);
            let later = matches!(request.state, RequestState::Executed) && state != RequestState::Withdrawn;
            if !ended && !later {
                request.state = state;
            }
        })
    }

    pub(super) fn request_state(
        &mut self,
        request_id: Id,
        change: impl Fn(&mut RequestRow),
    ) -> Result<(), FoldError<E>> {
        let Some(mut row) = self.get::<RequestRow>(tree::REQUEST, request_id.as_bytes())? else {
            return Err(FoldError::Turn);
        };
        change(&mut row);
        row.updated_at = self.committed.record.at;
        self.put(tree::REQUEST, request_id.as_bytes(), &row);
        Ok(())
    }
}

/// The reference and the subject of what opens a thread.
fn titles(body: &Body) -> (&str, &str) {
    match body {
        Body::Notice(notice) => (&notice.reference, &notice.subject),
        other => other.request().map_or(("", ""), |request| (&request.reference, &request.subject)),
    }
}
