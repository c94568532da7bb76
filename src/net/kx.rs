//! The TLS 1.3 group X25519MLKEM768 over ring and ML-KEM. Refuses key shares of a wrong size or form.
//!
//! ```text
//!  client share   ML-KEM-768 key [1184]        │ X25519 [32]
//!  server share   ML-KEM-768 ciphertext [1088] │ X25519 [32]
//!  secret         ML-KEM-768 [32]              │ X25519 [32]
//! ```
//!
//! Traffic that is recorded today stays closed to whoever breaks only one of the two. ring has no ML-KEM in a
//! release and rustls offers this group only over another provider, so the two halves are joined here.

use ring::rand::{SecureRandom, SystemRandom};
use rustls::crypto::ring::kx_group::{SECP256R1, X25519};
use rustls::crypto::{ActiveKeyExchange, CompletedKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use zeroize::Zeroizing;

use crate::crypto::mlkem::{CIPHERTEXT_BYTES, Decapsulator, KEY_BYTES, encapsulate};

/// Which key exchanges a node takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyExchange {
    /// The hybrid group first; X25519 and P-256 with a peer that cannot.
    #[default]
    HybridPreferred,
    /// The hybrid group or no connection.
    HybridOnly,
}

impl KeyExchange {
    pub(crate) fn groups(self) -> Vec<&'static dyn SupportedKxGroup> {
        match self {
            Self::HybridPreferred => vec![HYBRID, X25519, SECP256R1],
            Self::HybridOnly => vec![HYBRID],
        }
    }
}

/// The name of a group, as PeerIdentity and logs give it.
pub(crate) fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::X25519 => "X25519",
        NamedGroup::secp256r1 => "P-256",
        _ => "another group",
    }
}

const HYBRID: &dyn SupportedKxGroup = &X25519MlKem768;
const BAD_SHARE: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
const X25519_BYTES: usize = 32;

#[derive(Debug)]
struct X25519MlKem768;

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let post_quantum = Decapsulator::new(&random()?);
        let classical = X25519.start()?;
        let share = [&post_quantum.key(), classical.pub_key()].concat();
        Ok(Box::new(Started { post_quantum, classical, share }))
    }

    fn start_and_complete(&self, client_share: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (key, point) = split(client_share, KEY_BYTES)?;
        let (ciphertext, secret) = encapsulate(key, &random()?).map_err(|_| BAD_SHARE)?;
        let classical = X25519.start_and_complete(point)?;
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [&ciphertext, classical.pub_key.as_slice()].concat(),
            secret: joined(secret.as_slice(), &classical.secret),
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

struct Started {
    post_quantum: Decapsulator,
    classical: Box<dyn ActiveKeyExchange>,
    share: Vec<u8>,
}

impl ActiveKeyExchange for Started {
    fn complete(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        let (ciphertext, point) = split(server_share, CIPHERTEXT_BYTES)?;
        let secret = self.post_quantum.open(ciphertext).map_err(|_| BAD_SHARE)?;
        let classical = self.classical.complete(point)?;
        Ok(joined(secret.as_slice(), &classical))
    }

    // The X25519 half doubles as a share of its own, so that a classical peer needs no second round.
    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.classical.group(), self.classical.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        self.classical.complete(server_share)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

fn split(share: &[u8], post_quantum_bytes: usize) -> Result<(&[u8], &[u8]), Error> {
    share.split_at_checked(post_quantum_bytes).filter(|(_, point)| point.len() == X25519_BYTES).ok_or(BAD_SHARE)
}

fn joined(post_quantum: &[u8], classical: &SharedSecret) -> SharedSecret {
    SharedSecret::from([post_quantum, classical.secret_bytes()].concat())
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(bytes.as_mut()).map_err(|_| Error::FailedToGetRandomBytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_bad_share<T>(result: Result<T, Error>) -> bool {
        matches!(result, Err(error) if error == BAD_SHARE)
    }

    #[test]
    fn both_sides_hold_the_same_secret_of_both_halves() {
        let client = HYBRID.start().unwrap();
        let server = HYBRID.start_and_complete(client.pub_key()).unwrap();
        assert_eq!(server.group, NamedGroup::X25519MLKEM768);
        assert_eq!(server.pub_key.len(), 1088 + 32);
        let secret = client.complete(&server.pub_key).unwrap();
        assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
        assert_eq!(secret.secret_bytes().len(), 64);
    }

    #[test]
    fn shares_of_a_wrong_size_are_refused() {
        let client = HYBRID.start().unwrap();
        let share = client.pub_key().to_vec();
        let longer = [&share[..], &[0]].concat();
        for bad in [&[][..], &share[..1184], &share[..1215], &longer] {
            assert!(is_bad_share(HYBRID.start_and_complete(bad)));
        }
        let answer = HYBRID.start_and_complete(&share).unwrap().pub_key;
        let longer = [&answer[..], &[0]].concat();
        for bad in [&[][..], &answer[..1088], &answer[..1119], &longer] {
            assert!(is_bad_share(HYBRID.start().unwrap().complete(bad)));
        }
    }

    #[test]
    fn a_share_whose_key_is_not_reduced_is_refused() {
        assert!(is_bad_share(HYBRID.start_and_complete(&[0xff; 1216])));
    }

    #[test]
    fn a_share_whose_point_gives_an_all_zero_secret_is_refused() {
        let mut share = HYBRID.start().unwrap().pub_key().to_vec();
        share[1184..].fill(0);
        assert!(HYBRID.start_and_complete(&share).is_err());
        let mut answer = HYBRID.start_and_complete(HYBRID.start().unwrap().pub_key()).unwrap().pub_key;
        answer[1088..].fill(0);
        assert!(HYBRID.start().unwrap().complete(&answer).is_err());
    }

    #[test]
    fn the_classical_half_stands_alone_for_a_classical_server() {
        let client = HYBRID.start().unwrap();
        let (group, share) = client.hybrid_component().unwrap();
        assert_eq!(group, NamedGroup::X25519);
        let server = X25519.start_and_complete(share).unwrap();
        let secret = client.complete_hybrid_component(&server.pub_key).unwrap();
        assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
    }

    #[test]
    fn the_policy_hybrid_only_offers_nothing_else() {
        let names: Vec<_> = KeyExchange::HybridOnly.groups().iter().map(|group| group_name(group.name())).collect();
        assert_eq!(names, ["X25519MLKEM768"]);
    }
}
