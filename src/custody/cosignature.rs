//! Cosignatures (C2SP tlog-cosignature): a witness's word, with its time, that a checkpoint fits all it saw of that log. Makes
//! and checks both kinds; refuses a time beyond 2^63 - 1 and names that the format cannot hold.
//!
//! ```text
//! line      — <name> base64(key id[4] || time[8] || signature)
//! Ed25519   signs  "cosignature/v1\n" "time <seconds>\n" <the whole text of the checkpoint>
//! ML-DSA-44 signs  "subtree/v1\n\0" || len[1] name || time[8] || len[1] origin || start[8] = 0 || end[8] = size || root[32]
//! ```
//! The Ed25519 message does not hold the cosigner's name: whoever lists another's key under a name of its own would seem
//! to have cosigned too. So the directory refuses a key that stands under two names.

use crate::crypto::ed25519;
use crate::crypto::mldsa;
use crate::custody::algorithm::Algorithm;
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::custody::note::{KeyName, Note, NoteError, SignatureLine, VerifierKey};
use crate::model::time::Timestamp;

/// The latest time that a cosignature may carry, in seconds since the Unix epoch.
pub const TIME_SECS_MAX: u64 = i64::MAX.unsigned_abs();
/// The label of what ML-DSA-44 signs; with its newline and zero it begins no other message.
const SUBTREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// The keys of one witness, under one name.
#[derive(Debug)]
pub struct Cosigner {
    ed25519: (VerifierKey, ed25519::SigningKey),
    ml_dsa_44: (VerifierKey, mldsa::SigningKey),
}

impl Cosigner {
    /// The witness of that name. Neither key may be used for anything else, and neither under another name.
    pub fn new(name: &KeyName, ed25519: ed25519::SigningKey, ml_dsa_44: mldsa::SigningKey) -> Self {
        let classic = VerifierKey::ed25519_cosigner(name.clone(), ed25519.public_key());
        let lasting = VerifierKey::ml_dsa_44(name.clone(), ml_dsa_44.public_key().clone());
        Self { ed25519: (classic, ed25519), ml_dsa_44: (lasting, ml_dsa_44) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.ed25519.0.name()
    }

    /// Its public keys, Ed25519 first.
    pub fn verifier_keys(&self) -> [VerifierKey; 2] {
        [self.ed25519.0.clone(), self.ml_dsa_44.0.clone()]
    }

    /// One line of each algorithm over a checkpoint, at `now`. Whoever calls it has checked that the checkpoint is consistent
    /// with the newest one seen of that log, and stored it durably. `random` is fresh for each call.
    ///
    /// # Errors
    /// [`CosignError`] when the format cannot hold the time or a name; then neither line is made.
    pub fn cosign(
        &self,
        checkpoint: &SignedCheckpoint,
        now: Timestamp,
        random: &[u8; 32],
    ) -> Result<[SignatureLine; 2], CosignError> {
        let (time, text) = (now.as_secs(), checkpoint.note().text());
        if time > TIME_SECS_MAX {
            return Err(CosignError);
        }
        let (key, secret) = &self.ml_dsa_44;
        let message = ml_dsa_44_message(key.name(), time, text).ok_or(CosignError)?;
        let lasting = key.line(stamped(time, &secret.sign_hedged(&message, random)));
        let (key, secret) = &self.ed25519;
        let classic = key.line(stamped(time, &secret.sign(&ed25519_message(time, text))));
        Ok([classic, lasting])
    }
}

/// The ML-DSA-44 line of the log itself (C2SP tlog-checkpoint): its time is zero, no statement, and the signature is the
/// deterministic one, so that one checkpoint has one text for ever.
///
/// # Errors
/// [`CosignError`] when the origin is longer than 255 bytes.
pub fn log_line(key: &mldsa::SigningKey, checkpoint: &SignedCheckpoint) -> Result<SignatureLine, CosignError> {
    let name: KeyName = checkpoint.checkpoint().origin().parse().map_err(|_| CosignError)?;
    let message = ml_dsa_44_message(name.as_str(), 0, checkpoint.note().text()).ok_or(CosignError)?;
    let verifier = VerifierKey::ml_dsa_44(name, key.public_key().clone());
    Ok(verifier.line(stamped(0, &key.sign(&message))))
}

/// One cosignature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub key_id: [u8; 4],
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// When, by the witness's clock; `None` where it made no statement on the time.
    pub at: Option<Timestamp>,
}

/// The cosignatures of `keys` on a note, in the order of its lines, each line once. Keys that do not cosign are passed over.
///
/// # Errors
/// [`NoteError::BadSignature`] when a line in the name of one of the keys does not hold.
pub fn cosignatures(note: &Note, keys: &[VerifierKey]) -> Result<Vec<Cosigned>, NoteError> {
    let checked = note.signatures().iter().filter_map(|line| checked(note.text(), line, keys).transpose());
    checked.collect()
}

/// Moves the lines of those witnesses to the note and tells what they say. Lines of other keys are left behind (C2SP
/// tlog-witness): an answer cannot fill a note with what nobody can check.
///
/// # Errors
/// [`NoteError::BadSignature`] when one does not hold, [`NoteError::TooLarge`] when the note could not be read again; nothing
/// is added then.
pub fn add(note: &mut Note, lines: &[SignatureLine], keys: &[VerifierKey]) -> Result<Vec<Cosigned>, NoteError> {
    let mut more = note.clone();
    let mut added = Vec::new();
    for line in lines {
        if let Some(cosigned) = checked(note.text(), line, keys)? {
            added.push(cosigned);
            more.push(line.clone());
        }
    }
    note.merge(&more)?;
    Ok(added)
}

/// As [`add`], but of each key only the first line ever stays, and a note that is full stays as it is: a log that rests is
/// cosigned again and again, each time with another time. Tells what the lines say, kept or not.
///
/// # Errors
/// [`NoteError::BadSignature`] when one does not hold; nothing is added then.
pub fn add_first(note: &mut Note, lines: &[SignatureLine], keys: &[VerifierKey]) -> Result<Vec<Cosigned>, NoteError> {
    let mut scratch = note.only_of(&[]);
    let mut said = Vec::new();
    for line in lines {
        if let Some(cosigned) = checked(note.text(), line, keys)? {
            said.push(cosigned);
            let same = |kept: &SignatureLine| kept.name() == line.name() && kept.key_id() == line.key_id();
            if !note.signatures().iter().chain(scratch.signatures()).any(same) {
                scratch.push(line.clone());
            }
        }
    }
    // Too large: those who came first stay.
    let _ = note.merge(&scratch);
    Ok(said)
}

fn checked(text: &str, line: &SignatureLine, keys: &[VerifierKey]) -> Result<Option<Cosigned>, NoteError> {
    let Some(key) = keys.iter().find(|key| key.is_of(line) && key.algorithm().cosigns()) else { return Ok(None) };
    let secs = key.check(text, line)?.unwrap_or(0);
    let at = (secs > 0).then(|| Timestamp::from_millis(secs.saturating_mul(1_000)));
    Ok(Some(Cosigned { name: key.name().to_owned(), key_id: key.id(), algorithm: key.algorithm(), at }))
}

/// The time and the signature of a cosignature's payload; `None` when it is too short or its time too late.
pub(crate) fn split(payload: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = payload.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (time <= TIME_SECS_MAX).then_some((time, signature))
}

/// What an Ed25519 cosigner signs.
pub(crate) fn ed25519_message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// What an ML-DSA-44 cosigner, or log, signs. `None` when the text is no checkpoint or a name has not 1 to 255 bytes.
pub(crate) fn ml_dsa_44_message(cosigner: &str, time: u64, text: &str) -> Option<Vec<u8>> {
    let checkpoint = Checkpoint::parse(text).ok()?;
    let origin = checkpoint.origin();
    let lengths = [u8::try_from(cosigner.len()).ok()?, u8::try_from(origin.len()).ok()?];
    let [cosigner_bytes, origin_bytes] = lengths.map(|length| [length]);
    if lengths.contains(&0) {
        return None;
    }
    let (time, start, end) = (time.to_be_bytes(), [0; 8], checkpoint.size().to_be_bytes());
    let root = checkpoint.root().0;
    let parts: [&[u8]; 9] = [
        SUBTREE_LABEL,
        &cosigner_bytes,
        cosigner.as_bytes(),
        &time,
        &origin_bytes,
        origin.as_bytes(),
        &start,
        &end,
        &root,
    ];
    Some(parts.concat())
}

fn stamped(time: u64, signature: &[u8]) -> Vec<u8> {
    [&time.to_be_bytes(), signature].concat()
}

/// A statement that the format cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the names of log and cosigner have 1 to 255 bytes and the time ends with the year 292,277,026,596")]
pub struct CosignError;

#[cfg(test)]
mod tests;
