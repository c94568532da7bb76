//! Who witnessed a checkpoint, when, and whether that is enough. Refuses a note in which a line of a known key does not hold:
//! what is false is not merely missing.

use std::collections::BTreeMap;

use crate::custody::algorithm::Algorithm;
use crate::custody::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::custody::cosignature::{Cosigned, cosignatures};
use crate::custody::note::{NoteError, VerifierKey};
use crate::custody::policy::Policy;
use crate::custody::proof::{Included, TlogProof, TlogProofError};
use crate::model::ident::Digest;
use crate::model::time::Timestamp;

/// One witness's word for one checkpoint, over all its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The name of the witness.
    pub name: String,
    /// The algorithms of its lines, each once.
    pub algorithms: Vec<Algorithm>,
    /// The earliest time that it stated: the checkpoint existed then. `None` where it stated none.
    pub first: Option<Timestamp>,
    /// The latest: it knew of no larger tree then.
    pub last: Option<Timestamp>,
}

/// The cosignatures of one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// Every line that holds.
    pub lines: Vec<Cosigned>,
    /// The same by witness, in the order of their names.
    pub witnesses: Vec<Witnessed>,
}

impl Quorum {
    /// Checks a checkpoint's cosignatures under the keys of those witnesses.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when a line of one of them does not hold.
    pub fn of(checkpoint: &SignedCheckpoint, witness_keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let lines = cosignatures(checkpoint.note(), witness_keys)?;
        let mut by_name: BTreeMap<&str, Witnessed> = BTreeMap::new();
        for line in &lines {
            let empty = || Witnessed { name: line.name.clone(), algorithms: Vec::new(), first: None, last: None };
            let one = by_name.entry(&line.name).or_insert_with(empty);
            if !one.algorithms.contains(&line.algorithm) {
                one.algorithms.push(line.algorithm);
            }
            one.first = one.first.into_iter().chain(line.at).min();
            one.last = one.last.max(line.at);
        }
        let witnesses = by_name.into_values().collect();
        Ok(Self { lines, witnesses })
    }

    /// Those who stated a time in the future of `now`, by more than `skew_ms`: their clock, or their word, is wrong.
    pub fn ahead_of(&self, now: Timestamp, skew_ms: u64) -> impl Iterator<Item = &Witnessed> {
        let limit = now.plus_millis(skew_ms);
        self.witnesses.iter().filter(move |witness| witness.last.is_some_and(|at| at > limit))
    }
}

/// Checks a checkpoint under a policy: a log of the policy signed it, and the quorum cosigned it.
///
/// # Errors
/// [`QuorumError`] says what is missing or false.
pub fn open(note: &[u8], policy: &Policy) -> Result<(SignedCheckpoint, Quorum), QuorumError> {
    let checkpoint = SignedCheckpoint::open(note, &policy.log_keys())?;
    let quorum = met(&checkpoint, policy)?;
    Ok((checkpoint, quorum))
}

/// Checks a proof under a policy: the entry with that leaf hash is in a log of the policy, under a checkpoint that the quorum
/// cosigned.
///
/// # Errors
/// [`QuorumError`] says what is missing or false.
pub fn prove(proof: &TlogProof, leaf: &Digest, policy: &Policy) -> Result<(Included, Quorum), QuorumError> {
    let included = proof.verify(leaf, &policy.log_keys())?;
    let quorum = met(included.checkpoint(), policy)?;
    Ok((included, quorum))
}

fn met(checkpoint: &SignedCheckpoint, policy: &Policy) -> Result<Quorum, QuorumError> {
    let quorum = Quorum::of(checkpoint, &policy.witness_keys())?;
    if policy.satisfied_by(&quorum.lines) { Ok(quorum) } else { Err(QuorumError::TooFew) }
}

/// Why a checkpoint or a proof does not meet a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// The log's own signature.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A cosignature that does not hold.
    #[error(transparent)]
    Cosignature(#[from] NoteError),
    /// The proof.
    #[error(transparent)]
    Proof(#[from] TlogProofError),
    /// Not enough of the witnesses.
    #[error("too few of the policy's witnesses cosigned the checkpoint")]
    TooFew,
}

#[cfg(test)]
mod tests;
