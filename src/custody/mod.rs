//! Floor 3: the transparency log as arithmetic: trees, tiles, notes, checkpoints, proofs. No files.

pub mod algorithm;
pub mod checkpoint;
pub mod cosignature;
pub mod edge;
pub mod frontier;
pub mod history;
pub mod leaf;
pub mod note;
pub mod parts;
pub mod policy;
pub mod proof;
pub mod quorum;
pub mod tile;
pub mod tree;
pub mod witness;
