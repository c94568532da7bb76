//! Floor 2: the primitives, over ring and the hybrid KEM: digests, sealing, signatures, certificates. Keys come in as arguments.

pub mod certificate;
pub mod chunk;
pub mod cms;
pub mod digest;
pub mod ed25519;
pub mod further;
pub mod hybrid;
pub mod issue;
pub mod locked;
pub mod mac;
pub mod mldsa;
pub mod mlkem;
pub mod node;
pub mod package_key;
pub mod payload;
pub mod pem;
pub mod random;
pub mod revocation;
pub mod san;
pub mod sha512;
pub mod signature;
pub mod stanza;
pub mod time_stamper;
pub mod timestamp;
pub(crate) mod tsp;
