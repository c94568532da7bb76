//! The Merkle tree of RFC 6962: its hashes, roots, inclusion and consistency proofs. Refuses a proof that is one hash too long or short.

use crate::crypto::digest::{sha256, sha256_of_parts};
use crate::model::ident::Digest;

/// The hash of a leaf: `SHA-256(0x00 || entry)` (RFC 6962, 2.1).
pub fn leaf_hash(entry: &[u8]) -> Digest {
    sha256_of_parts(&[&[0], entry])
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`. The other prefix keeps a node from passing for a leaf.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    sha256(&bytes)
}

/// The root of the tree without leaves: `SHA-256("")`.
pub fn empty_root() -> Digest {
    sha256(b"")
}

/// The root of the first `size` leaves. `node(level, index)` gives the stored hash of the complete subtree over the
/// leaves `index << level .. (index + 1) << level`.
///
/// ```text
///                 root(7)                 level
///               /        \
///         (2,0)           +                 2      stored: every complete subtree, (level, index)
///        /     \         /  \
///    (1,0)   (1,1)   (1,2)  |               1      computed: what hangs on the incomplete right edge (+)
///    /  \    /  \    /  \   |
///   0    1  2    3  4    5  6               0
/// ```
pub fn root<F>(size: u64, node: F) -> Result<Digest, MissingNode>
where
    F: Fn(u8, u64) -> Option<Digest>,
{
    if size == 0 {
        return Ok(empty_root());
    }
    range_root(0, size, &node)
}

/// The hashes that prove that leaf `index` is in the tree of `size` leaves (RFC 6962, 2.1.1), from the leaf's
/// sibling to the child of the root.
pub fn inclusion_proof<F>(index: u64, size: u64, node: F) -> Result<Vec<Digest>, MissingNode>
where
    F: Fn(u8, u64) -> Option<Digest>,
{
    if index >= size {
        return Err(MissingNode { level: 0, index });
    }
    let mut path = Vec::new();
    let (mut start, mut width) = (0, size);
    while width > 1 {
        let split = split_point(width);
        if index - start < split {
            path.push(range_root(start + split, width - split, &node)?);
            width = split;
        } else {
            path.push(range_root(start, split, &node)?);
            start += split;
            width -= split;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that prove that the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 6962, 2.1.2).
pub fn consistency_proof<F>(old: u64, new: u64, node: F) -> Result<Vec<Digest>, MissingNode>
where
    F: Fn(u8, u64) -> Option<Digest>,
{
    if old > new {
        let index = old;
        return Err(MissingNode { level: 0, index });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut path = Vec::new();
    let (mut start, mut width, mut rest) = (0, new, old);
    while rest != width {
        let split = split_point(width);
        if rest <= split {
            path.push(range_root(start + split, width - split, &node)?);
            width = split;
        } else {
            path.push(range_root(start, split, &node)?);
            start += split;
            width -= split;
            rest -= split;
        }
    }
    if start != 0 {
        path.push(range_root(start, width, &node)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks an inclusion proof (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfTree { index, size });
    }
    let (mut number, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if number & 1 == 1 || number == last {
            hash = node_hash(sibling, &hash);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `old` leaves with `old_root` is the beginning of the one of `new` leaves with `new_root`
/// (RFC 9162, 2.1.4.2).
pub fn verify_consistency(
    old: u64,
    old_root: &Digest,
    new: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::OutOfTree { index: old, size: new });
    }
    if old == new || old == 0 {
        let same = if old == new { old_root == new_root } else { *old_root == empty_root() };
        return match (proof.is_empty(), same) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // A complete old tree is itself the first hash of the proof and is left out of it.
    let mut hashes = proof.iter();
    let first = if old.is_power_of_two() { old_root } else { hashes.next().ok_or(ProofError::Length)? };
    let (mut number, mut last) = (old - 1, new - 1);
    while number & 1 == 1 {
        number >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if number & 1 == 1 || number == last {
            from_old = node_hash(hash, &from_old);
            from_new = node_hash(hash, &from_new);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, hash);
        }
        number >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if from_old == *old_root && from_new == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

/// The root of `width` leaves from `start` on; `start` is a multiple of the smallest power of two >= `width`.
fn range_root<F>(start: u64, width: u64, node: &F) -> Result<Digest, MissingNode>
where
    F: Fn(u8, u64) -> Option<Digest>,
{
    if width.is_power_of_two() {
        let level = width.trailing_zeros();
        let index = start >> level;
        let level = u8::try_from(level).expect("invariant: a u64 has fewer than 256 bits");
        return node(level, index).ok_or(MissingNode { level, index });
    }
    let split = split_point(width);
    let left = range_root(start, split, node)?;
    let right = range_root(start + split, width - split, node)?;
    Ok(node_hash(&left, &right))
}

/// The largest power of two below `width`, for `width` >= 2.
fn split_point(width: u64) -> u64 {
    1 << (u64::BITS - 1 - (width - 1).leading_zeros())
}

/// A hash that the proof needs and the source does not have: the derived files are damaged, or the leaf is not in the tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tree has no node {index} on level {level}; `custody fsck` rebuilds the tiles from the journal")]
pub struct MissingNode {
    /// Height of the subtree above the leaves.
    pub level: u8,
    /// Its number on that level.
    pub index: u64,
}

/// Why a proof was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf, or the older tree, lies outside the tree.
    #[error("number {index} lies outside a tree of {size} leaves")]
    OutOfTree {
        /// What was to be proven.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// Too many hashes, or too few.
    #[error("the proof has the wrong number of hashes for its tree")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root: the leaf or the tree is not the one that was signed")]
    Root,
}

#[cfg(test)]
mod tests;
