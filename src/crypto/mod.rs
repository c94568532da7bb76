//! Floor 2: the primitives, over ring and the hybrid KEM: digests, sealing, signatures, certificates. Keys come in as arguments.

pub mod mlkem;
pub mod node;
pub mod san;
