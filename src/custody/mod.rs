//! Floor 3: the transparency log as arithmetic: trees, tiles, notes, checkpoints, proofs. No files.

pub mod edge;
pub mod leaf;
pub mod parts;
pub mod tree;
