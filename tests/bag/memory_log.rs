//! A custody log in memory with real salts, leaves, checkpoints and proofs.

use rogatory::bag::dossier::{Bytes, CheckpointPart, LinkPart, RecordPart};
use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::leaf::commitment;
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::{consistency_proof, leaf_hash, root};
use rogatory::model::event::CustodyRecord;
use rogatory::model::ident::AuthorityId;
use rogatory::wire::receipt::ReceiptParts;
use rogatory::wire::{receipt, record};

/// A custody log in memory.
pub struct Log {
    pub origin: KeyName,
    key: SigningKey,
    salts: u8,
    pub entries: Vec<(Vec<u8>, [u8; 32])>,
    pub tree: MerkleTree,
}

impl Log {
    pub fn new(id: &AuthorityId, seed: u8) -> Self {
        let key = SigningKey::from_seed(&[seed; 32]);
        Self {
            origin: id.log_origin().parse().unwrap(),
            key,
            salts: seed,
            entries: Vec::new(),
            tree: MerkleTree::new(),
        }
    }

    pub fn vkey(&self) -> String {
        VerifierKey::new(self.origin.clone(), self.key.public_key()).to_string()
    }

    pub fn append(&mut self, record: &CustodyRecord) -> u64 {
        let bytes = record::encode(record);
        self.salts = self.salts.wrapping_add(17);
        let salt = [self.salts; 32];
        self.tree.push(leaf_hash(&commitment(&salt, &bytes).0));
        self.entries.push((bytes, salt));
        self.tree.len() - 1
    }

    pub fn checkpoint(&self) -> SignedCheckpoint {
        SignedCheckpoint::sign(&self.origin, self.tree.len(), self.tree.root(), &self.key)
    }

    /// The checkpoint as it was at that size, led to the newest one.
    pub fn linked(&self, size: u64) -> CheckpointPart {
        let node = |level, index| self.tree.node(level, index);
        let old = SignedCheckpoint::sign(&self.origin, size, root(size, node).unwrap(), &self.key);
        let hashes = consistency_proof(size, self.tree.len(), node).unwrap();
        let hashes = hashes.iter().map(|hash| Bytes(hash.0.to_vec())).collect();
        let link = Some(LinkPart { new_size: self.tree.len(), hashes });
        CheckpointPart { note: Bytes(old.to_bytes()), link }
    }

    pub fn proof(&self, index: u64) -> String {
        TlogProof::new(index, self.tree.prove(index).unwrap(), &self.checkpoint()).to_string()
    }

    pub fn part(&self, index: u64) -> RecordPart {
        let (record, salt) = &self.entries[usize::try_from(index).unwrap()];
        let (record, salt) = (Bytes(record.clone()), Bytes(salt.to_vec()));
        RecordPart { index, record, salt, proof: self.proof(index) }
    }

    pub fn receipt(&self, index: u64) -> Vec<u8> {
        let (record, salt) = self.entries[usize::try_from(index).unwrap()].clone();
        receipt::encode(&ReceiptParts { record, salt, proof: self.proof(index) })
    }
}
