//! A Merkle tree held in memory with all its nodes: the ciphertext's parts, or the hashes of one tile. Not for a whole log.

use crate::custody::tree::{self, MissingNode, leaf_hash, node_hash};
use crate::model::ident::Digest;

/// A tree in memory: 64 bytes a leaf. For an object of 1 TiB in parts of 1 MiB that is 64 MiB; larger ones keep their
/// nodes in a file and call [`tree::inclusion_proof`] with it.
#[derive(Debug, Clone, Default)]
pub struct MerkleTree {
    /// `rows[k][i]` is the hash of the complete subtree over the leaves `i << k .. (i + 1) << k`.
    rows: Vec<Vec<Digest>>,
}

impl MerkleTree {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree over leaf hashes that are already made.
    pub fn of(leaves: impl IntoIterator<Item = Digest>) -> Self {
        let mut tree = Self::new();
        for leaf in leaves {
            tree.push(leaf);
        }
        tree
    }

    /// Appends the leaf over the bytes of a part.
    pub fn push_part(&mut self, part: &[u8]) {
        self.push(leaf_hash(part));
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        let mut level = 0;
        loop {
            let row = match self.rows.get_mut(level) {
                Some(row) => row,
                None => {
                    self.rows.push(Vec::new());
                    self.rows.last_mut().expect("invariant: a row was just pushed")
                }
            };
            row.push(hash);
            match row.as_slice() {
                [.., left, right] if row.len() % 2 == 0 => hash = node_hash(left, right),
                _ => return,
            }
            level += 1;
        }
    }

    /// How many leaves there are.
    pub fn len(&self) -> u64 {
        self.leaves().len() as u64
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.leaves().is_empty()
    }

    /// The leaf hashes, in order.
    pub fn leaves(&self) -> &[Digest] {
        self.rows.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The hash of the complete subtree `index` on `level`.
    pub fn node(&self, level: u8, index: u64) -> Option<Digest> {
        let index = usize::try_from(index).ok()?;
        self.rows.get(usize::from(level))?.get(index).copied()
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        tree::root(self.len(), |level, index| self.node(level, index))
            .expect("invariant: the tree holds every complete subtree")
    }

    /// The inclusion proof of leaf `index` against [`Self::root`].
    pub fn prove(&self, index: u64) -> Result<Vec<Digest>, MissingNode> {
        tree::inclusion_proof(index, self.len(), |level, index| self.node(level, index))
    }

    /// The proof that the tree of the first `old` leaves is the beginning of this one.
    pub fn prove_consistency(&self, old: u64) -> Result<Vec<Digest>, MissingNode> {
        tree::consistency_proof(old, self.len(), |level, index| self.node(level, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::tree::verify_inclusion;

    #[test]
    fn a_part_proves_its_place_under_the_root_of_all_parts() {
        let mut tree = MerkleTree::new();
        for part in [b"first".as_slice(), b"second", b"third"] {
            tree.push_part(part);
        }
        let proof = tree.prove(2).unwrap();
        let (third, root) = (leaf_hash(b"third"), tree.root());
        assert_eq!(verify_inclusion(&third, 2, 3, &proof, &root), Ok(()));
        assert!(verify_inclusion(&leaf_hash(b"Third"), 2, 3, &proof, &root).is_err());
        assert!(tree.prove(3).is_err());
    }

    #[test]
    fn a_tree_of_leaves_is_the_tree_of_its_pushes() {
        let mut tree = MerkleTree::new();
        tree.push(leaf_hash(b"a"));
        tree.push(leaf_hash(b"b"));
        assert_eq!(MerkleTree::of(tree.leaves().to_vec()).root(), tree.root());
        assert!(!tree.is_empty());
    }
}
