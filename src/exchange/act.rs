//! The custody record of each act, one constructor each: so that every act of a kind leaves the same trace.

use crate::crypto::digest::sha256;
use crate::exchange::receipt::CheckedReceipt;
use crate::exchange::rows::MessageRow;
use crate::exchange::sealed::Sealed;
use crate::exchange::verified::Verified;
use crate::model::basis::BasisReview;
use crate::model::envelope::Blob;
use crate::model::event::{Actor, CustodyRecord, Event, NamedDigest, Outcome, Stage, Subject, Transfer};
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::message::Message;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::wire::envelope::{SignedBytes, encode_signed_message};
use crate::wire::{basis, record};

/// The name of the digest of a checkpoint that was time-stamped, as exact bytes.
pub const STAMPED_NOTE: &str = "checkpoint";
/// The name of the digest of a time-stamp: DER of a TimeStampResp (RFC 3161), as the authority answered.
pub const TIME_STAMP: &str = "time-stamp";

/// The name of the digest of what a node found when it looked a legal basis up again.
pub const BASIS_REVIEW: &str = "basis-review";

/// A record that is ready for the log, and the byte strings that go beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The record.
    pub record: CustodyRecord,
    /// Each is named by its digest in the record.
    pub enclosures: Vec<Vec<u8>>,
}

impl Act {
    /// The bytes that the log commits to.
    pub fn record_bytes(&self) -> Vec<u8> {
        record::encode(&self.record)
    }
}

/// Where and when an act happens, and by whom.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Whose log.
    pub us: AuthorityId,
    /// Now.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
}

impl Scene {
    /// An act of the node itself.
    pub fn node(us: &AuthorityId, now: Timestamp) -> Self {
        Self { us: us.clone(), now, actor: Actor::Node }
    }

    /// A bare record of that event.
    pub fn record(&self, event: Event) -> CustodyRecord {
        CustodyRecord {
            event,
            at: self.now,
            authority: self.us.clone(),
            actor: self.actor.clone(),
            second: None,
            subject: Subject::default(),
            counterpart: None,
            digests: Vec::new(),
            reason: String::new(),
            outcome: Outcome::Success,
            links: Vec::new(),
            message_kind: None,
            transfer: None,
        }
    }

    /// An officer wrote a message. With files: their blobs, and the package key wrapped to our archive key.
    pub fn drafted(&self, message: &Message, bytes: Vec<u8>, files: Option<DraftFiles>) -> Act {
        let mut record = self.about(Event::MessageDrafted, message);
        record.digests = vec![NamedDigest::new("message", sha256(&bytes))];
        let mut enclosures = vec![bytes];
        if let (Some(files), Some(consignment)) = (files, &message.consignment) {
            for item in &consignment.items {
                record.digests.push(NamedDigest::new(&format!("object/{}", item.object_id), item.sha256));
            }
            record.digests.push(NamedDigest::new("archive-stanza", sha256(&files.archive_stanza)));
            enclosures.push(files.archive_stanza);
            record.transfer = Some(Transfer {
                stage: Stage::SubmissionAcceptance,
                urgency: message.urgency,
                expires_at: Timestamp::default(),
                blobs: files.blobs,
                attempts: 0,
            });
        }
        Act { record, enclosures }
    }

    /// A second person approved exactly the drafted bytes, or somebody threw them away.
    pub fn decided(&self, event: Event, row: &MessageRow, reason: &str) -> Act {
        let mut record = self.of(event, row);
        record.digests = vec![NamedDigest::new("message", row.digest)];
        record.links = vec![row.bytes_index];
        reason.clone_into(&mut record.reason);
        Act { record, enclosures: Vec::new() }
    }

    /// The message was signed, sealed and put into the outbox.
    pub fn queued(&self, row: &MessageRow, message: SignedBytes, sealed: Sealed) -> Act {
        let mut record = self.of(Event::MessageQueued, row);
        record.subject.envelope_id = Some(sealed.envelope.envelope_id);
        record.digests = vec![
            NamedDigest::new("signed-envelope", sha256(&sealed.bytes)),
            NamedDigest::new("message", sha256(&message.content)),
            NamedDigest::new("message-signature", sha256(&message.cms)),
        ];
        record.links = vec![row.bytes_index];
        record.transfer = Some(Transfer {
            stage: Stage::SubmissionAcceptance,
            urgency: sealed.envelope.urgency,
            expires_at: sealed.envelope.expires_at,
            blobs: sealed.envelope.blobs,
            attempts: 0,
        });
        Act { record, enclosures: vec![sealed.bytes, message.content, message.cms] }
    }

    /// The request was signed, and travels another way than the electronic one: nothing is queued.
    pub fn filed_elsewhere(&self, row: &MessageRow, message: SignedBytes, way: &str, why: &str) -> Act {
        let mut record = self.of(Event::RequestFiledElsewhere, row);
        record.digests = vec![
            NamedDigest::new("message", sha256(&message.content)),
            NamedDigest::new("message-signature", sha256(&message.cms)),
        ];
        record.links = vec![row.bytes_index];
        record.reason = format!("{way}: {why}");
        Act { record, enclosures: vec![message.content, message.cms] }
    }

    /// A receipt came and was checked.
    pub fn delivered(&self, row: &MessageRow, receipt: &CheckedReceipt, attempts: u64) -> Act {
        let mut record = self.of(Event::MessageDelivered, row);
        record.digests = vec![NamedDigest::new("receipt", receipt.digest())];
        record.digests.extend(row.envelope_digest.map(|digest| NamedDigest::new("signed-envelope", digest)));
        record.links = row.envelope_index.into_iter().collect();
        record.transfer = receipt.record().transfer.clone().map(|transfer| Transfer { attempts, ..transfer });
        Act { record, enclosures: vec![receipt.bytes().to_vec()] }
    }

    /// The peer's node refused the envelope for good.
    pub fn refused(&self, row: &MessageRow, code: RefusalCode) -> Act {
        let mut record = self.of(Event::MessageRefused, row);
        record.outcome = Outcome::Refused(code);
        record.links = row.envelope_index.into_iter().collect();
        Act { record, enclosures: Vec::new() }
    }

    /// The envelope's time ran out.
    pub fn expired(&self, row: &MessageRow, attempts: u64) -> Act {
        let mut record = self.of(Event::MessageExpired, row);
        record.outcome = Outcome::Failed("not-delivered-in-time".to_owned());
        record.reason = format!("tried {attempts} times");
        record.links = row.envelope_index.into_iter().collect();
        Act { record, enclosures: Vec::new() }
    }

    /// An envelope came in and was verified. This record is what the receipt discloses: it holds only what the sender
    /// knows already.
    pub fn received(&self, verified: &Verified, bytes: Vec<u8>) -> Act {
        let envelope = verified.envelope();
        let mut record = self.about(Event::MessageReceived, verified.message());
        record.actor = Actor::Node;
        record.counterpart = Some(envelope.sender.clone());
        record.subject.envelope_id = Some(envelope.envelope_id);
        let signed_message = encode_signed_message(verified.signed_message());
        record.digests = vec![
            NamedDigest::new("signed-envelope", verified.envelope_digest()),
            NamedDigest::new("signed-message", sha256(&signed_message)),
            NamedDigest::new("message", verified.message_digest()),
        ];
        let whole = envelope.blobs.is_empty();
        record.transfer = Some(Transfer {
            stage: if whole { Stage::ContentConsignment } else { Stage::RelayAcceptance },
            urgency: envelope.urgency,
            expires_at: envelope.expires_at,
            blobs: envelope.blobs.clone(),
            attempts: 0,
        });
        Act { record, enclosures: vec![bytes, signed_message] }
    }

    /// All files of an envelope are here, each checked against its root.
    pub fn content_received(&self, row: &MessageRow, envelope: EnvelopeFacts) -> Act {
        self.later_stage(Event::ContentReceived, Stage::ContentConsignment, row, envelope)
    }

    /// The files of an envelope did not come in time; they are asked for no more.
    pub fn content_abandoned(&self, row: &MessageRow) -> Act {
        let mut record = self.of(Event::ContentAbandoned, row);
        record.outcome = Outcome::Failed("not-served-in-time".to_owned());
        record.links = row.envelope_index.into_iter().collect();
        Act { record, enclosures: Vec::new() }
    }

    /// Somebody opened the package for the first time: the hand-over, told without a name.
    pub fn handed_over(&self, row: &MessageRow, envelope: EnvelopeFacts) -> Act {
        self.later_stage(Event::PackageHandedOver, Stage::ContentHandover, row, envelope)
    }

    /// A receipt of a later stage was taken by the sender of the message, or refused by its node for good: either way it
    /// is not handed over again.
    pub fn receipt_delivered(&self, row: &MessageRow, stage: Stage, index: u64, outcome: Outcome) -> Act {
        let mut record = self.of(Event::ReceiptDelivered, row);
        record.outcome = outcome;
        record.links = vec![index];
        stage.name().clone_into(&mut record.reason);
        Act { record, enclosures: Vec::new() }
    }

    /// An officer's act on a message or its files: read, opened, exported; or one that was refused.
    pub fn handled(&self, event: Event, row: &MessageRow, reason: &str, digests: Vec<NamedDigest>) -> Act {
        let mut record = self.of(event, row);
        record.digests = digests;
        record.links = vec![row.bytes_index];
        reason.clone_into(&mut record.reason);
        Act { record, enclosures: Vec::new() }
    }

    /// The legal basis of a request was looked up again here: on its receipt, or because the registry changed.
    pub fn looked_up(&self, event: Event, row: &MessageRow, review: &BasisReview) -> Act {
        let bytes = basis::encode_review(review);
        let mut record = self.of(event, row);
        record.digests = vec![NamedDigest::new("message", row.digest), NamedDigest::new(BASIS_REVIEW, sha256(&bytes))];
        record.links = vec![row.bytes_index];
        let told = &review.comparison;
        record.reason = match told.differences.is_empty() {
            true => told.agreement.word().to_owned(),
            false => format!("{}: {}", told.agreement.word(), told.differences.join("; ")),
        };
        Act { record, enclosures: vec![bytes] }
    }

    fn later_stage(&self, event: Event, stage: Stage, row: &MessageRow, envelope: EnvelopeFacts) -> Act {
        let mut record = self.of(event, row);
        // The peer will read this record: it learns that it happened, not which officer did it.
        record.actor = Actor::Node;
        record.digests = vec![NamedDigest::new("signed-envelope", envelope.digest)];
        record.links = row.envelope_index.into_iter().collect();
        record.transfer = Some(Transfer {
            stage,
            urgency: row.urgency,
            expires_at: envelope.expires_at,
            blobs: envelope.blobs,
            attempts: 0,
        });
        Act { record, enclosures: Vec::new() }
    }

    fn about(&self, event: Event, message: &Message) -> CustodyRecord {
        let mut record = self.record(event);
        record.subject = Subject {
            request_id: Some(message.request_id),
            message_id: Some(message.message_id),
            envelope_id: None,
            package_id: message.consignment.as_ref().map(|consignment| consignment.seal_id),
        };
        record.counterpart = Some(message.recipient.clone());
        record.message_kind = Some(message.kind());
        record
    }

    fn of(&self, event: Event, row: &MessageRow) -> CustodyRecord {
        let mut record = self.record(event);
        record.subject = Subject {
            request_id: Some(row.request_id),
            message_id: Some(row.message_id),
            envelope_id: row.envelope_id,
            package_id: row.package_id,
        };
        record.counterpart = Some(row.counterpart.clone());
        record.message_kind = Some(row.kind);
        record
    }
}

/// What belongs to the files of a draft.
#[derive(Debug, Clone)]
pub struct DraftFiles {
    /// The sealed objects.
    pub blobs: Vec<Blob>,
    /// The package key, wrapped to our own archive key.
    pub archive_stanza: Vec<u8>,
}

/// What a later receipt repeats of the envelope it is about.
#[derive(Debug, Clone)]
pub struct EnvelopeFacts {
    /// SHA-256 of the signed envelope as it came.
    pub digest: Digest,
    /// Its expiry.
    pub expires_at: Timestamp,
    /// Its sealed objects.
    pub blobs: Vec<Blob>,
}

/// The archive stanza's place: who it is bound to. Sender and recipient are the same authority.
pub const fn archive_scope(us: &AuthorityId, seal_id: Id) -> crate::crypto::stanza::WrapScope<'_> {
    crate::crypto::stanza::WrapScope { seal_id, sender: us, recipient: us }
}

mod stamps;
#[cfg(test)]
mod tests;
