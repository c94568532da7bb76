//! A central authority as the signed directory describes it. Holds public facts only, never a private key.

use crate::model::ident::{AuthorityId, Digest};
use crate::model::requirement::Requirement;
use crate::model::time::Timestamp;

/// One row of the directory: who an authority is, where it listens, what it signs and opens with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its identifier, e.g. `XA-MOJ`.
    pub id: AuthorityId,
    /// Its name, for people.
    pub name: String,
    /// Where its node listens: `host:port`, UDP. May be empty: it only dials out.
    pub endpoints: Vec<String>,
    /// The DER certificates of the issuing CAs that speak for it (its own, path length 0).
    pub issuers: Vec<Vec<u8>>,
    /// One DER certificate revocation list for each issuer.
    pub revocation_lists: Vec<Vec<u8>>,
    /// The C2SP verifier keys (vkey text) of its custody log, types 1 (Ed25519) and 6 (ML-DSA-44); the current ones first,
    /// retired ones after them.
    pub log_keys: Vec<String>,
    /// The C2SP verifier keys (vkey text) with which it cosigns the checkpoints of other logs, types 4 (Ed25519) and 6
    /// (ML-DSA-44). May be empty: it is no witness.
    pub witness_keys: Vec<String>,
    /// The DER certificates of time-stamp authorities, or of their CAs, that it vouches for. May be empty.
    pub time_stamp_issuers: Vec<Vec<u8>>,
    /// The hybrid public keys that evidence is sealed to.
    pub receiving_keys: Vec<ReceivingKey>,
    /// Languages it accepts, BCP 47, in its order of preference.
    pub languages: Vec<String>,
    /// What its law asks of every request. May be empty: nobody told.
    pub requirements: Vec<Requirement>,
    /// Where this row comes from.
    pub provenance: Provenance,
}

impl Authority {
    /// The name of its custody log: that of the first key listed, which is the current one.
    pub fn log_origin(&self) -> String {
        let listed = self.log_keys.first().and_then(|key| key.split('+').next());
        listed.filter(|name| self.id.owns_log(name)).map_or_else(|| self.id.log_origin(), str::to_owned)
    }

    /// The names of all logs whose keys are listed, the current one first.
    pub fn log_origins(&self) -> Vec<String> {
        let mut names = vec![self.log_origin()];
        for name in self.log_keys.iter().filter_map(|key| key.split('+').next()) {
            if self.id.owns_log(name) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// The receiving key to seal to at `now`: the valid one that stays valid longest.
    pub fn receiving_key_at(&self, now: Timestamp) -> Option<&ReceivingKey> {
        self.receiving_keys
            .iter()
            .filter(|key| key.not_before <= now && now < key.not_after)
            .max_by_key(|key| key.not_after)
    }
}

/// A public key of suite `rogatory-seal-1` (MLKEM768-X25519, 1216 bytes) and when it may be sealed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivingKey {
    /// SHA-256 of the public key.
    pub id: Digest,
    /// The public key.
    pub public_key: Vec<u8>,
    /// First instant at which to seal to it.
    pub not_before: Timestamp,
    /// First instant at which no longer to seal to it.
    pub not_after: Timestamp,
}

/// Who stands behind a row of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Notified to the depositary of the treaty.
    Depositary,
    /// Notified by the authority to its peers.
    PeerNotice,
    /// Held by the State that gives interim support.
    InterimSupport,
    /// Believed by this authority alone.
    LocalBelief,
}
