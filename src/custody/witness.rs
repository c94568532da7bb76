//! What a witness is asked (C2SP tlog-witness, `add-checkpoint`) and how it judges it: in the order of the specification, from
//! what it stored of that log. Refuses, in a closed table, everything that it must not cosign.
//!
//! ```text
//! old <size>\n
//! <hash, base64>\n …            0 to 63: that the tree of that size is the beginning of this one
//! \n
//! <checkpoint: a signed note>
//! ```
//! The judgement is a value, not an act: who asks it holds the lock on what is stored, stores the checkpoint durably, and only
//! then cosigns. Otherwise two requests at once could roll the witness back.

use std::fmt;

use crate::custody::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::custody::note::{Note, NoteError, VerifierKey};
use crate::custody::tree::verify_consistency;
use crate::model::base64;
use crate::model::ident::Digest;
use crate::model::limits::{ADD_CHECKPOINT_BYTES_MAX, PROOF_HASHES_MAX};

/// A request to cosign. Read, not yet judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint that the witness is thought to hold; zero for none.
    pub old_size: u64,
    /// The consistency proof from that size on.
    pub proof: Vec<Digest>,
    /// The signed note.
    pub checkpoint: Note,
}

impl AddCheckpoint {
    /// Reads a request. Bounded and total; checks its form, not its signatures.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let bad = Refusal::Malformed;
        if bytes.len() > ADD_CHECKPOINT_BYTES_MAX {
            return Err(bad);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| bad)?;
        let (head, note) = text.split_once("\n\n").ok_or(bad)?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(size).ok_or(bad)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_HASHES_MAX {
                return Err(bad);
            }
            let hash = base64::decode(line).map_err(|_| bad)?;
            proof.push(Digest::try_from(hash.as_slice()).map_err(|_| bad)?);
        }
        let checkpoint = Note::parse(note.as_bytes()).map_err(|_| bad)?;
        Ok(Self { old_size, proof, checkpoint })
    }

    /// The origin that the checkpoint claims: whose keys and stored checkpoint [`judge`] is to be given. Nothing is checked.
    pub fn origin(&self) -> &str {
        self.checkpoint.text().split('\n').next().unwrap_or_default()
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(out, "{}", base64::encode(&hash.0)))?;
        write!(out, "\n{}", self.checkpoint)
    }
}

/// Judges a request. `log_keys` are the keys that the witness trusts for [`AddCheckpoint::origin`], `None` where it does not
/// know that log; `stored` is what it last cosigned of it. The checkpoint that it may store and cosign has only the lines of
/// those keys: what nobody can check would fill the witness's disk.
///
/// # Errors
/// [`Refusal`]: the witness does not cosign.
pub fn judge(
    request: &AddCheckpoint,
    log_keys: Option<&[VerifierKey]>,
    stored: Option<&Checkpoint>,
) -> Result<SignedCheckpoint, Refusal> {
    let keys = log_keys.ok_or(Refusal::UnknownLog)?;
    let signed =
        SignedCheckpoint::open(request.checkpoint.to_string().as_bytes(), keys).map_err(|error| match error {
            CheckpointError::Note(NoteError::NoTrustedSignature) => Refusal::UnknownKey,
            CheckpointError::Note(_) | CheckpointError::Origin => Refusal::NotSigned,
            CheckpointError::Malformed => Refusal::Malformed,
            CheckpointError::EmptyRoot => Refusal::BadProof,
        })?;
    let new = signed.checkpoint();
    if stored.is_some_and(|stored| stored.origin() != new.origin()) {
        return Err(Refusal::UnknownLog);
    }
    if request.old_size > new.size() {
        return Err(Refusal::OldSizeBeyond);
    }
    let stored_size = stored.map_or(0, Checkpoint::size);
    if request.old_size != stored_size {
        return Err(Refusal::Conflict { stored_size });
    }
    match stored {
        Some(stored) if stored.size() == new.size() && stored.root() != new.root() => return Err(Refusal::Fork),
        Some(stored) => {
            verify_consistency(stored.size(), &stored.root(), new.size(), &new.root(), &request.proof)
                .map_err(|_| Refusal::BadProof)?;
        }
        None if request.proof.is_empty() => {}
        None => return Err(Refusal::BadProof),
    }
    Ok(signed.only_of(keys))
}

/// The body of the answer to [`Refusal::Conflict`], of type `text/x.tlog.size`.
pub fn conflict_body(stored_size: u64) -> String {
    format!("{stored_size}\n")
}

/// Reads that body: the size that the witness holds.
pub fn parse_conflict_body(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.strip_suffix('\n').and_then(size)
}

/// One number has one spelling: no sign, no leading zero.
fn size(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Why a witness does not cosign, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a request, or not a checkpoint.
    #[error("not an add-checkpoint request")]
    Malformed,
    /// The witness does not know that log.
    #[error("the witness does not know a log of that origin")]
    UnknownLog,
    /// No key of that log that the witness knows signed. The log may have gone over to another one.
    #[error("no key that the witness trusts for that log signed the checkpoint")]
    UnknownKey,
    /// A line bears the name of a key of that log, and its signature does not hold.
    #[error("a signature in the name of a key of that log does not hold")]
    NotSigned,
    /// The old size is larger than the checkpoint.
    #[error("the old size is larger than the checkpoint's")]
    OldSizeBeyond,
    /// The witness holds another size than the old one. A log that is asked from behind its own back sees its own signature
    /// over a size that it does not have: it was rolled back.
    #[error("the witness holds a checkpoint of {stored_size} entries; prove from there")]
    Conflict {
        /// What it holds; zero for nothing.
        stored_size: u64,
    },
    /// The log signed two roots for one size. The two notes are evidence that needs no witness.
    #[error("the log signed another root for the same size: it shows two histories")]
    Fork,
    /// The proof does not lead from the old checkpoint to the new one.
    #[error("the consistency proof does not hold")]
    BadProof,
}

impl Refusal {
    /// The status code of the answer over HTTP. The specification of 2026 gives 422 to a fork; an older text gave 409.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::OldSizeBeyond => 400,
            Self::UnknownLog => 404,
            Self::UnknownKey | Self::NotSigned => 403,
            Self::Conflict { .. } => 409,
            Self::Fork | Self::BadProof => 422,
        }
    }
}

#[cfg(test)]
mod tests;
