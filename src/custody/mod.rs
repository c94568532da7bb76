//! Floor 3: the transparency log as arithmetic: trees, tiles, notes, checkpoints, proofs. No files.

pub mod checkpoint;
pub mod edge;
pub mod frontier;
pub mod leaf;
pub mod note;
pub mod parts;
pub mod proof;
pub mod tile;
pub mod tree;
