//! Floor 3: the transparency log as arithmetic: trees, tiles, notes, checkpoints, proofs. No files.
