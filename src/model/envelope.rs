//! The sealed envelope as the wire carries it: who, to whom, until when, and for which keys. Knows no content.

use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::message::Urgency;
use crate::model::time::Timestamp;

/// The sealing suite of this version: HPKE with MLKEM768-X25519, HKDF-SHA256 and AES-256-GCM over C2SP chunks.
pub const SUITE: &str = "rogatory-seal-1";

/// A sealed envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Names this delivery: the idempotency key.
    pub envelope_id: Id,
    /// Who sends.
    pub sender: AuthorityId,
    /// Who shall receive.
    pub recipient: AuthorityId,
    /// When it was sealed.
    pub created_at: Timestamp,
    /// After this instant it counts as not delivered.
    pub expires_at: Timestamp,
    /// Urgent envelopes overtake.
    pub urgency: Urgency,
    /// Names the key scope.
    pub seal_id: Id,
    /// The package key, wrapped to each recipient key.
    pub stanzas: Vec<Stanza>,
    /// Object 0: the sealed signed message.
    pub head: Vec<u8>,
    /// The further objects, which are fetched by parts.
    pub blobs: Vec<Blob>,
}

/// The package key wrapped to one recipient key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    /// Whose key.
    pub recipient: AuthorityId,
    /// SHA-256 of the public key.
    pub key_id: Digest,
    /// HPKE encapsulation and ciphertext, 1168 bytes.
    pub wrapped: Vec<u8>,
}

/// One sealed object that is fetched by parts of 1 MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Number of the object, from 1.
    pub object_id: u32,
    /// Length of the ciphertext.
    pub ciphertext_bytes: u64,
    /// RFC 6962 root over the parts.
    pub root: Digest,
    /// Key commitment of the sealed object.
    pub commitment: Digest,
}
