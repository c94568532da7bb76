//! The text of a consistency proof in a bag: which checkpoint is the beginning of which. Refuses any other spelling; proves
//! nothing until it is checked against the roots of both.
//!
//! ```text
//! old <size>\n
//! new <size>\n
//! <hash, base64>\n …        RFC 6962, 2.1.2
//! ```

use std::fmt;

use crate::custody::checkpoint::Checkpoint;
use crate::custody::tree::{ProofError, verify_consistency};
use crate::model::base64;
use crate::model::ident::Digest;
use crate::model::limits::{LINK_BYTES_MAX, PROOF_HASHES_MAX};

/// A way from a checkpoint to a later one of the same log. Read, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The size of the earlier checkpoint.
    pub old: u64,
    /// The size of the later one.
    pub new: u64,
    /// The hashes.
    pub hashes: Vec<Digest>,
}

impl Link {
    /// Reads the text. Bounded and total.
    ///
    /// # Errors
    /// [`LinkError`] when it is longer than any proof, or spelled otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, LinkError> {
        let bad = LinkError::Malformed;
        if bytes.len() > LINK_BYTES_MAX {
            return Err(LinkError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n')).ok_or(bad)?;
        let mut lines = text.split('\n');
        let mut size = |label: &str| {
            let number = lines.next().and_then(|line| line.strip_prefix(label))?;
            number.parse::<u64>().ok().filter(|size| size.to_string() == number)
        };
        let (old, new) = (size("old ").ok_or(bad)?, size("new ").ok_or(bad)?);
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() > PROOF_HASHES_MAX {
                return Err(LinkError::TooLarge);
            }
            let hash = base64::decode(line).map_err(|_| bad)?;
            hashes.push(Digest::try_from(hash.as_slice()).map_err(|_| bad)?);
        }
        Ok(Self { old, new, hashes })
    }

    /// Checks that `old` is the beginning of `new`: the same log, the sizes of this proof, and the hashes.
    ///
    /// # Errors
    /// [`LinkError`] says which of them does not hold.
    pub fn check(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), LinkError> {
        if old.origin() != new.origin() || old.size() != self.old || new.size() != self.new {
            return Err(LinkError::Other);
        }
        verify_consistency(self.old, &old.root(), self.new, &new.root(), &self.hashes)?;
        Ok(())
    }
}

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "old {}\nnew {}", self.old, self.new)?;
        self.hashes.iter().try_for_each(|hash| writeln!(out, "{}", base64::encode(&hash.0)))
    }
}

/// Why a link was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// More than any proof has.
    #[error("the consistency proof is larger than any")]
    TooLarge,
    /// Not the text.
    #[error("it is no consistency proof: `old` and `new` with a size each, then hashes in base64")]
    Malformed,
    /// Of other checkpoints.
    #[error("the consistency proof is about other checkpoints")]
    Other,
    /// The hashes do not lead from the one root to the other.
    #[error("the smaller log is not shown to be the beginning of the larger one")]
    NotConsistent,
}

impl From<ProofError> for LinkError {
    fn from(_: ProofError) -> Self {
        Self::NotConsistent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::custody::parts::MerkleTree;
    use crate::custody::tree::leaf_hash;

    fn tree(size: u64) -> MerkleTree {
        MerkleTree::of((0..size).map(|number| leaf_hash(&number.to_be_bytes())))
    }

    fn at(size: u64) -> Checkpoint {
        Checkpoint::new(&"xa-moj.rogatory/custody".parse().unwrap(), size, tree(size).root())
    }

    fn link(old: u64, new: u64) -> Link {
        let whole = tree(new);
        let node = |level, index| whole.node(level, index);
        Link { old, new, hashes: crate::custody::tree::consistency_proof(old, new, node).unwrap() }
    }

    #[test]
    fn a_link_holds_between_its_two_checkpoints_and_between_no_others() {
        assert_eq!(link(3, 7).check(&at(3), &at(7)), Ok(()));
        assert_eq!(link(3, 7).check(&at(4), &at(7)), Err(LinkError::Other));
        let other = Checkpoint::new(&"xa-moj.rogatory/custody".parse().unwrap(), 3, tree(4).root());
        assert_eq!(link(3, 7).check(&other, &at(7)), Err(LinkError::NotConsistent));
        let foreign = Checkpoint::new(&"xb-moj.rogatory/custody".parse().unwrap(), 3, tree(3).root());
        assert_eq!(link(3, 7).check(&foreign, &at(7)), Err(LinkError::Other));
    }

    #[test]
    fn another_spelling_is_refused() {
        let good = link(3, 7).to_string();
        assert_eq!(Link::parse(good.as_bytes()), Ok(link(3, 7)));
        for bad in [
            "",
            "old 3\n",
            "old 03\nnew 7\n",
            "new 7\nold 3\n",
            "old 3\nnew 7",
            "old 3\nnew 7\n\n",
            "old 3\nnew 7\nAAAA\n",
        ] {
            assert_eq!(Link::parse(bad.as_bytes()), Err(LinkError::Malformed), "{bad:?}");
        }
        let long = format!("old 3\nnew 7\n{}", format!("{}\n", base64::encode(&[0; 32])).repeat(80));
        assert_eq!(Link::parse(long.as_bytes()), Err(LinkError::TooLarge));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_text_never_panics_and_what_is_read_is_canonical(text in "(old [0-9]{0,3}\n)?(new [0-9]{0,3}\n)?([A-Za-z0-9+/=]{44}\n){0,3}") {
            if let Ok(link) = Link::parse(text.as_bytes()) {
                prop_assert_eq!(link.to_string(), text);
            }
        }
    }
}
