//! A receipt is the peer's own custody record of the hand-over, disclosed with its salt and the proof that it is in the
//! peer's log. Nothing but [`check`] makes a [`CheckedReceipt`], and only that settles an outbox row.
//!
//! ```text
//!  record ──salted commitment──► entry ──leaf hash──► inclusion proof ──► checkpoint ──Ed25519──► key in the directory
//! ```
//! So one receipt says: that authority's log, which it cannot rewrite unnoticed, holds that it has exactly these bytes.

use std::str::FromStr;

use crate::crypto::digest::sha256;
use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::leaf::commitment;
use crate::custody::note::{NoteError, VerifierKey};
use crate::custody::proof::{TlogProof, TlogProofError};
use crate::custody::tree::leaf_hash;
use crate::model::authority::Authority;
use crate::model::envelope::Blob;
use crate::model::event::{CustodyRecord, Event, Outcome, Stage};
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::refusal::RefusalCode;
use crate::wire::decode::DecodeError;
use crate::wire::{receipt, record};

/// What the receipt must be about.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who sent the envelope: us.
    pub sender: &'a AuthorityId,
    /// Who gives the receipt, as the directory describes it.
    pub receiver: &'a Authority,
    /// The envelope.
    pub envelope_id: Id,
    /// SHA-256 of the signed envelope as we sent it.
    pub envelope_digest: Digest,
    /// Its sealed objects.
    pub blobs: &'a [Blob],
}

/// A receipt that proves what it should.
#[derive(Debug, Clone)]
pub struct CheckedReceipt {
    bytes: Vec<u8>,
    record: CustodyRecord,
    stage: Stage,
    index: u64,
    checkpoint: SignedCheckpoint,
}

impl CheckedReceipt {
    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their SHA-256.
    pub fn digest(&self) -> Digest {
        sha256(&self.bytes)
    }

    /// The peer's record.
    pub fn record(&self) -> &CustodyRecord {
        &self.record
    }

    /// The stage that it proves.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The place of the record in the peer's log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The peer's checkpoint that covers it.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Checks a receipt against what was sent.
///
/// # Errors
/// [`ReceiptError`] says which link of the chain does not hold.
pub fn check(bytes: &[u8], expected: &Expected<'_>) -> Result<CheckedReceipt, ReceiptError> {
    let parts = receipt::decode(bytes)?;
    let record = record::decode(&parts.record)?;
    let stage = check_record(&record, expected)?;
    let keys = log_keys(expected.receiver)?;
    let leaf = leaf_hash(&commitment(&parts.salt, &parts.record).0);
    let included = TlogProof::parse(parts.proof.as_bytes())?.verify(&leaf, &keys)?;
    Ok(CheckedReceipt {
        bytes: bytes.to_vec(),
        record,
        stage,
        index: included.index(),
        checkpoint: included.checkpoint().clone(),
    })
}

/// The verifier keys of an authority's log, as the directory gives them.
///
/// # Errors
/// [`ReceiptError::LogKey`] when one is malformed, or there is none.
pub fn log_keys(authority: &Authority) -> Result<Vec<VerifierKey>, ReceiptError> {
    let keys: Result<Vec<_>, _> = authority.log_keys.iter().map(|text| VerifierKey::from_str(text)).collect();
    match keys {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        _ => Err(ReceiptError::LogKey),
    }
}

fn check_record(record: &CustodyRecord, expected: &Expected<'_>) -> Result<Stage, ReceiptError> {
    let transfer = record.transfer.as_ref().ok_or(ReceiptError::Field("transfer"))?;
    let event = match transfer.stage {
        Stage::SubmissionAcceptance => return Err(ReceiptError::Field("stage")),
        // What came whole has no files to wait for or to open: a receipt that says so would keep its row open for ever.
        Stage::RelayAcceptance | Stage::ContentHandover if expected.blobs.is_empty() => {
            return Err(ReceiptError::Field("stage"));
        }
        Stage::RelayAcceptance => Event::MessageReceived,
        Stage::ContentConsignment if expected.blobs.is_empty() => Event::MessageReceived,
        Stage::ContentConsignment => Event::ContentReceived,
        Stage::ContentHandover => Event::PackageHandedOver,
    };
    let envelope = record.digests.iter().find(|digest| digest.name == "signed-envelope");
    let checks = [
        ("event", record.event == event),
        ("outcome", record.outcome == Outcome::Success),
        ("authority", record.authority == expected.receiver.id),
        ("counterpart", record.counterpart.as_ref() == Some(expected.sender)),
        ("envelope_id", record.subject.envelope_id == Some(expected.envelope_id)),
        ("signed-envelope", envelope.map(|digest| digest.sha256) == Some(expected.envelope_digest)),
        ("blobs", transfer.blobs == expected.blobs),
    ];
    match checks.iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(ReceiptError::Field(field)),
        None => Ok(transfer.stage),
    }
}

/// Why a receipt proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It does not decode.
    #[error("the receipt was refused: {0}")]
    Decode(#[from] DecodeError),
    /// The record in it is about something else.
    #[error("the receipt's record differs from what was sent in `{0}`")]
    Field(&'static str),
    /// The directory gives no usable log key for the peer.
    #[error("the directory gives no usable log key for the authority; import a newer directory")]
    LogKey,
    /// The proof does not lead to a signed checkpoint of the peer's log.
    #[error("the receipt's proof does not hold: {0}")]
    Proof(#[from] TlogProofError),
}

impl ReceiptError {
    /// What the peer is told. Its log key may be newer than our directory: then the same receipt may hold later.
    pub const fn code(&self) -> RefusalCode {
        use crate::custody::checkpoint::CheckpointError::Note;
        match self {
            Self::LogKey | Self::Proof(TlogProofError::Checkpoint(Note(NoteError::NoTrustedSignature))) => {
                RefusalCode::UnknownAuthority
            }
            Self::Decode(_) | Self::Field(_) | Self::Proof(_) => RefusalCode::BadReceipt,
        }
    }
}
