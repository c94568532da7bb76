//! The proof that an entry is in a log, as one text (C2SP tlog-proof). A check of it yields [`Included`]; nothing else does.

use std::fmt;

use crate::custody::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::custody::note::VerifierKey;
use crate::custody::tree::{ProofError, verify_inclusion};
use crate::model::base64;
use crate::model::ident::Digest;
use crate::model::limits::{PROOF_HASHES_MAX, TLOG_PROOF_BYTES_MAX};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An inclusion proof with the checkpoint it leads to. Read, not yet checked.
///
/// ```text
/// c2sp.org/tlog-proof@v1\n
/// [extra <base64>\n]            not covered by any signature
/// index <n>\n
/// <hash, base64>\n …            from the leaf's sibling to the child of the root
/// \n
/// <checkpoint: a signed note>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Digest>,
    checkpoint: String,
}

impl TlogProof {
    /// The proof that leaf `index` is under `checkpoint`.
    pub fn new(index: u64, hashes: Vec<Digest>, checkpoint: &SignedCheckpoint) -> Self {
        Self { extra: None, index, hashes, checkpoint: checkpoint.note().to_string() }
    }

    /// Reads a proof. Bounded and total; checks its form, not what it proves.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        let bad = TlogProofError::Malformed;
        if bytes.len() > TLOG_PROOF_BYTES_MAX {
            return Err(TlogProofError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| bad)?;
        // The first empty line ends the proof; the note behind it has its own.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(bad)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(bad);
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra.and_then(|line| line.strip_prefix("extra "));
        let extra = extra.map(base64::decode).transpose().map_err(|_| bad)?;
        let number = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(bad)?;
        let index: u64 = number.parse().map_err(|_| bad)?;
        if index.to_string() != number {
            return Err(bad);
        }
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == PROOF_HASHES_MAX {
                return Err(TlogProofError::TooLarge);
            }
            let hash = base64::decode(line).map_err(|_| bad)?;
            hashes.push(Digest::try_from(hash.as_slice()).map_err(|_| bad)?);
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that the entry with this leaf hash is in the log of `log_keys`: the checkpoint's signature and origin,
    /// then the path to its root.
    pub fn verify(&self, leaf: &Digest, log_keys: &[VerifierKey]) -> Result<Included, TlogProofError> {
        let checkpoint = SignedCheckpoint::open(self.checkpoint.as_bytes(), log_keys)?;
        self.verify_under(leaf, checkpoint)
    }

    /// The same under a checkpoint that was checked before and must be the one of this proof.
    pub fn verify_under(&self, leaf: &Digest, checkpoint: SignedCheckpoint) -> Result<Included, TlogProofError> {
        if checkpoint.note().to_string() != self.checkpoint {
            return Err(TlogProofError::OtherCheckpoint);
        }
        let said = checkpoint.checkpoint();
        verify_inclusion(leaf, self.index, said.size(), &self.hashes, &said.root())?;
        Ok(Included { index: self.index, leaf: *leaf, checkpoint })
    }

    /// The index that it claims.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The signed note it leads to, not yet checked.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The `extra` bytes, which nothing authenticates.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(out, "extra {}", base64::encode(extra))?;
        }
        writeln!(out, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(out, "{}", base64::encode(&hash.0))?;
        }
        write!(out, "\n{}", self.checkpoint)
    }
}

/// The knowledge that an entry is in a log, under a checkpoint whose signature holds. Only a check makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    index: u64,
    leaf: Digest,
    checkpoint: SignedCheckpoint,
}

impl Included {
    /// The index of the entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The leaf hash that is included.
    pub fn leaf(&self) -> &Digest {
        &self.leaf
    }

    /// The checkpoint it is included under.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// More bytes or hashes than the limits allow.
    #[error("the proof is larger than this program reads")]
    TooLarge,
    /// Not a tlog-proof.
    #[error("not a c2sp.org/tlog-proof@v1 text")]
    Malformed,
    /// The checkpoint inside.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It carries another checkpoint than the one it was to be checked under.
    #[error("the proof carries another checkpoint")]
    OtherCheckpoint,
    /// The path does not lead to the checkpoint's root.
    #[error("the entry is not proven to be in the log")]
    NotIncluded,
}

impl From<ProofError> for TlogProofError {
    fn from(_: ProofError) -> Self {
        Self::NotIncluded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;
    use crate::custody::note::KeyName;
    use crate::custody::parts::MerkleTree;
    use crate::custody::tree::leaf_hash;
    use proptest::prelude::*;

    fn keys() -> (KeyName, SigningKey, Vec<VerifierKey>) {
        let name: KeyName = "xa-moj.rogatory/custody".parse().unwrap();
        let key = SigningKey::from_seed(&[5; 32]);
        let verifier = VerifierKey::new(name.clone(), key.public_key());
        (name, key, vec![verifier])
    }

    fn proof_of(index: u64, size: u64) -> (TlogProof, Digest) {
        let (name, key, _) = keys();
        let tree = MerkleTree::of((0..size).map(|i| leaf_hash(&i.to_be_bytes())));
        let checkpoint = SignedCheckpoint::sign(&name, size, tree.root(), &key);
        let proof = TlogProof::new(index, tree.prove(index).unwrap(), &checkpoint);
        (proof, leaf_hash(&index.to_be_bytes()))
    }

    #[test]
    fn a_proof_reads_back_and_yields_the_inclusion() {
        let (_, _, trusted) = keys();
        for (index, size) in [(0, 1), (4, 5), (255, 256), (256, 300)] {
            let (proof, leaf) = proof_of(index, size);
            let again = TlogProof::parse(proof.to_string().as_bytes()).unwrap();
            assert_eq!(again, proof);
            let included = again.verify(&leaf, &trusted).unwrap();
            assert_eq!((included.index(), included.leaf()), (index, &leaf));
            assert_eq!(included.checkpoint().checkpoint().size(), size);
        }
    }

    #[test]
    fn a_proof_of_another_entry_index_or_key_is_refused() {
        let (_, _, trusted) = keys();
        let (proof, leaf) = proof_of(4, 9);
        let other = leaf_hash(b"other");
        assert_eq!(proof.verify(&other, &trusted), Err(TlogProofError::NotIncluded));
        let moved = proof.to_string().replace("index 4", "index 5");
        let moved = TlogProof::parse(moved.as_bytes()).unwrap();
        assert_eq!(moved.verify(&leaf, &trusted), Err(TlogProofError::NotIncluded));
        assert!(matches!(proof.verify(&leaf, &[]), Err(TlogProofError::Checkpoint(_))));
        let (newer, _) = proof_of(4, 10);
        let checkpoint = newer.verify(&leaf, &trusted).unwrap().checkpoint().clone();
        assert_eq!(proof.verify_under(&leaf, checkpoint), Err(TlogProofError::OtherCheckpoint));
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let good = proof_of(4, 9).0.to_string();
        for bad in [
            good.replace("@v1", "@v2"),
            good.replace("index 4", "index 04"),
            good.replace("index 4", "index -4"),
            good.replace("index 4\n", ""),
            good.replace("index 4", "extra AA=\nindex 4"),
            good.replace("index 4", "index 4\nAAAA"),
            good.replace("\n\n", "\n"),
            String::new(),
        ] {
            assert_eq!(TlogProof::parse(bad.as_bytes()), Err(TlogProofError::Malformed), "{bad}");
        }
        let hash = format!("index 4\n{}", format!("{}\n", base64::encode(&[1; 32])).repeat(64));
        let many = good.replace("index 4\n", &hash);
        assert_eq!(TlogProof::parse(many.as_bytes()), Err(TlogProofError::TooLarge));
        let long = vec![b'a'; TLOG_PROOF_BYTES_MAX + 1];
        assert_eq!(TlogProof::parse(&long), Err(TlogProofError::TooLarge));
        let extra = good.replace("index 4", "extra AQI=\nindex 4");
        let extra = TlogProof::parse(extra.as_bytes()).unwrap();
        assert_eq!(extra.extra(), Some([1, 2].as_slice()));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_bytes_never_panics(tail in ".*", raw in any::<Vec<u8>>()) {
            let _ = TlogProof::parse(&raw);
            let text = format!("{HEADER}\nindex 1\n{tail}");
            if let Ok(proof) = TlogProof::parse(text.as_bytes()) {
                prop_assert_eq!(proof.to_string(), text);
            }
        }
    }
}
