//! The right edge of a growing tree: the roots of its complete subtrees, enough to append and to know the root. Gives no proofs.

use crate::custody::tree::{MissingNode, empty_root, node_hash};
use crate::model::ident::Digest;

/// A tree of any size in at most 64 hashes. Cheap to clone: the writer extends a copy and keeps it only when the
/// batch is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    /// Roots of the complete subtrees, the widest first: one for each 1 in the binary `size`.
    peaks: Vec<Digest>,
}

impl Edge {
    /// The edge of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a tree of `size` leaves whose complete subtrees `node(level, index)` knows.
    pub fn of<F>(size: u64, node: F) -> Result<Self, MissingNode>
    where
        F: Fn(u8, u64) -> Option<Digest>,
    {
        let mut peaks = Vec::new();
        let mut start = 0_u64;
        for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
            let index = start >> level;
            peaks.push(node(level, index).ok_or(MissingNode { level, index })?);
            start += 1 << level;
        }
        Ok(Self { size, peaks })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("invariant: a peak for each 1 in the size");
            hash = node_hash(&left, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev().copied();
        match peaks.next() {
            None => empty_root(),
            Some(last) => peaks.fold(last, |right, left| node_hash(&left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::parts::MerkleTree;
    use crate::custody::tree::leaf_hash;

    #[test]
    fn the_edge_has_the_root_of_the_whole_tree_at_every_size() {
        let (mut edge, mut tree) = (Edge::new(), MerkleTree::new());
        for number in 0..700_u64 {
            assert_eq!(edge.root(), tree.root());
            assert_eq!(Edge::of(number, |level, index| tree.node(level, index)), Ok(edge.clone()));
            edge.push(leaf_hash(&number.to_be_bytes()));
            tree.push(leaf_hash(&number.to_be_bytes()));
        }
        assert_eq!(edge.size(), 700);
        assert!(Edge::of(700, |_, _| None).is_err());
    }
}
