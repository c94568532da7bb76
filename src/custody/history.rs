//! The keys of one log in the order in which they signed. Refuses a checkpoint of a retired key behind its end.

use crate::custody::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::custody::note::VerifierKey;

/// The key that signs now, and those that signed before, each with the size of the last checkpoint that was its to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeys {
    current: VerifierKey,
    retired: Vec<Retired>,
}

/// A key that signs no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The key.
    pub key: VerifierKey,
    /// The size of its last checkpoint: the record of the rotation is its last entry.
    pub end: u64,
}

impl LogKeys {
    /// A log that has had no other key.
    pub fn new(current: VerifierKey) -> Self {
        Self { current, retired: Vec::new() }
    }

    /// The same log, with a key that it had before.
    #[must_use]
    pub fn after(mut self, retired: Retired) -> Self {
        self.retired.push(retired);
        self
    }

    /// The key that signs now.
    pub fn current(&self) -> &VerifierKey {
        &self.current
    }

    /// Those that signed before, the newest first.
    pub fn retired(&self) -> &[Retired] {
        &self.retired
    }

    /// Checks a note: the current key signed it, or a former one did not later than at its end.
    ///
    /// # Errors
    /// [`CheckpointError`], also for a note of a retired key behind its end: whoever still has that key writes no history.
    pub fn open(&self, note: &[u8]) -> Result<SignedCheckpoint, CheckpointError> {
        let judged = SignedCheckpoint::open(note, std::slice::from_ref(&self.current));
        let Err(error) = judged else { return judged };
        for Retired { key, end } in &self.retired {
            if let Ok(signed) = SignedCheckpoint::open(note, std::slice::from_ref(key))
                && signed.checkpoint().size() <= *end
            {
                return Ok(signed);
            }
        }
        Err(error)
    }
}

impl From<&VerifierKey> for LogKeys {
    fn from(current: &VerifierKey) -> Self {
        Self::new(current.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;
    use crate::custody::note::KeyName;
    use crate::model::ident::Digest;

    #[test]
    fn a_retired_key_counts_up_to_its_end_and_not_behind_it() {
        let origin: KeyName = "xa-moj.rogatory/custody".parse().unwrap();
        let keys = [1, 2, 3].map(|seed| SigningKey::from_seed(&[seed; 32]));
        let public = |key: &SigningKey| VerifierKey::new(origin.clone(), key.public_key());
        let note = |key: &SigningKey, size| SignedCheckpoint::sign(&origin, size, Digest([7; 32]), key).to_bytes();
        let [old, new, foreign] = &keys;
        let log = LogKeys::new(public(new)).after(Retired { key: public(old), end: 5 });
        for (key, size, good) in
            [(new, 5, true), (new, 6, true), (old, 4, true), (old, 5, true), (old, 6, false), (foreign, 4, false)]
        {
            assert_eq!(log.open(&note(key, size)).is_ok(), good, "{size}");
        }
        assert!(log.open(b"no note").is_err());
    }
}
