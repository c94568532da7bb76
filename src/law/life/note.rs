//! What the fold needs to know of one message that was exchanged: no text, no name of a person. Refuses nothing.

use serde::{Deserialize, Serialize};

use crate::model::ident::{Digest, Id};
use crate::model::message::{Body, Message, MessageKind};
use crate::model::request::Completeness;
use crate::model::side::Side;
use crate::model::time::Timestamp;

/// One message in the life of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The message.
    pub message_id: Id,
    /// SHA-256 of its bytes: what answers name.
    pub digest: Digest,
    /// Its kind.
    pub kind: MessageKind,
    /// Which side of the thread spoke.
    pub side: Side,
    /// When it was written, by the clock of its sender.
    pub created_at: Timestamp,
    /// Digest of the message that it answers.
    pub in_reply_to: Option<Digest>,
    /// The word that tells its rows apart: a verdict, a status; may be empty.
    pub word: String,
    /// The measures it is about; empty: all.
    pub measures: Vec<u32>,
    /// How many measures it asks for.
    pub asked: u32,
    /// The package it brings or is about.
    pub package_id: Option<Id>,
    /// The objects it is about; empty: all of the package.
    pub objects: Vec<u32>,
    /// How many objects it brings.
    pub brought: u32,
    /// Whether conditions that bind on acceptance come with them.
    pub conditions: Conditions,
    /// The next date that it sets.
    pub due: Option<Timestamp>,
    /// When what it tells of happened; with the short form: until when the formal request follows.
    pub at: Option<Timestamp>,
    /// Whether a refusal says why no consultation was appropriate.
    pub consultation: Consultation,
}

/// Whether conditions wait for acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conditions {
    /// None.
    None,
    /// At least one.
    Wait,
}

/// What a refusal says of consultation (the messages of the thread may show one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consultation {
    /// Nothing.
    Silent,
    /// Why none was appropriate.
    NotAppropriate,
}

impl Note {
    /// Reads a message that was sent or received by that side of its thread.
    pub fn of(message: &Message, digest: Digest, side: Side) -> Self {
        let conditions = message.conditions.iter().any(|condition| condition.origin.needs_acceptance());
        let brought = match (&message.consignment, message.kind().hands_over()) {
            (Some(consignment), true) => u32::try_from(consignment.items.len()).unwrap_or(u32::MAX),
            _ => 0,
        };
        let mut note = Self {
            message_id: message.message_id,
            digest,
            kind: message.kind(),
            side,
            created_at: message.created_at,
            in_reply_to: message.in_reply_to,
            word: String::new(),
            measures: Vec::new(),
            asked: 0,
            package_id: message.consignment.as_ref().filter(|_| brought > 0).map(|consignment| consignment.seal_id),
            objects: Vec::new(),
            brought,
            conditions: if conditions && brought > 0 { Conditions::Wait } else { Conditions::None },
            due: None,
            at: None,
            consultation: Consultation::Silent,
        };
        note.read(message);
        note
    }

    fn read(&mut self, message: &Message) {
        match &message.body {
            Body::Request(_) | Body::Asking(..) => {
                let asked = message.body.request().map_or(0, |request| request.measures.len());
                self.asked = u32::try_from(asked).unwrap_or(u32::MAX);
                self.due = message.reply_by.as_ref().map(|reply_by| reply_by.at);
                self.at = message.ties.confirm_by;
            }
            Body::Acknowledgement(ack) => self.due = ack.next_contact,
            Body::Report(report) => report.status.name().clone_into(&mut self.word),
            Body::Refusal(refusal) => {
                self.measures.clone_from(&refusal.measures);
                if !refusal.without_consultation.trim().is_empty() {
                    self.consultation = Consultation::NotAppropriate;
                }
            }
            Body::Evidence(evidence) => {
                let word = if evidence.completeness == Completeness::Final { "final" } else { "partial" };
                word.clone_into(&mut self.word);
            }
            Body::Acceptance(acceptance) => self.package_id = Some(acceptance.package_id),
            Body::Withdrawal(withdrawal) => self.measures.clone_from(&withdrawal.measures),
            Body::Notice(notice) => {
                notice.verdict.map_or("", |verdict| verdict.name()).clone_into(&mut self.word);
                self.measures.clone_from(&notice.measures);
                self.objects.clone_from(&notice.objects);
                self.package_id = self.package_id.or(notice.package_id);
                self.due = notice.due;
                self.at = notice.at;
            }
        }
    }
}
