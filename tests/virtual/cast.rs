//! The two authorities of the tests with their keys, certificates and directory rows. Made once for a whole run.

use std::sync::LazyLock;

use rogatory::crypto::cms::Signer;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::hybrid::{HybridPublicKey, HybridSecretKey};
use rogatory::crypto::issue::{Identity, Validity, authority_ca, revocation_list, seal_certificate};
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::exchange::keyring::Keyring;
use rogatory::exchange::roster::Roster;
use rogatory::exchange::sealed::RecipientKey;
use rogatory::model::authority::{Authority, Provenance, ReceivingKey};
use rogatory::model::ident::AuthorityId;
use rogatory::model::time::Timestamp;

pub const HOUR_MS: u64 = 3_600_000;
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// When every story begins.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_795_305_600_000);

pub fn at(ms: u64) -> Timestamp {
    BEGIN.plus_millis(ms)
}

fn before(ms: u64) -> Timestamp {
    Timestamp::from_millis(BEGIN.as_millis() - ms)
}

/// One authority with everything that is secret about it.
pub struct Member {
    pub id: AuthorityId,
    pub ca: Identity,
    pub signer: Signer,
    pub keys: Keyring,
    pub receiving: HybridPublicKey,
    pub archive: HybridPublicKey,
    pub log_key: SigningKey,
    pub log_name: KeyName,
    pub authority: Authority,
}

impl Member {
    fn new(name: &str, number: u8) -> Self {
        let id: AuthorityId = name.parse().unwrap();
        let validity = Validity { not_before: before(DAY_MS), not_after: at(300 * DAY_MS) };
        let ca = authority_ca(&id, "Ministry of Justice", validity).unwrap();
        let crl = revocation_list(&ca, &[], before(DAY_MS), at(200 * DAY_MS), 1).unwrap();
        let seal = seal_certificate(&ca, &id, "Ministry of Justice", "Seal", validity).unwrap();
        let signer = Signer::new(&seal.key, seal.certificate, vec![]).unwrap();
        let receiving = HybridSecretKey::from_seed(&[number; 32]);
        let archive = HybridSecretKey::from_seed(&[number + 1; 32]);
        let log_key = SigningKey::from_seed(&[number + 2; 32]);
        let log_name: KeyName = id.log_origin().parse().unwrap();
        let authority = Authority {
            id: id.clone(),
            name: "Ministry of Justice".to_owned(),
            endpoints: vec![],
            issuers: vec![ca.certificate.clone()],
            revocation_lists: vec![crl],
            log_keys: vec![VerifierKey::new(log_name.clone(), log_key.public_key()).to_string()],
            witness_keys: Vec::new(),
            time_stamp_issuers: Vec::new(),
            receiving_keys: vec![ReceivingKey {
                id: receiving.public().id(),
                public_key: receiving.public().as_bytes().to_vec(),
                not_before: before(DAY_MS),
                not_after: at(300 * DAY_MS),
            }],
            languages: vec!["en".to_owned()],
            requirements: Vec::new(),
            provenance: Provenance::Depositary,
        };
        Self {
            id,
            ca,
            signer,
            receiving: receiving.public().clone(),
            archive: archive.public().clone(),
            keys: Keyring::new([receiving, archive]),
            log_key,
            log_name,
            authority,
        }
    }

    /// Whom an envelope to `self` from `sender` is sealed to: the recipient, and the sender's archive.
    pub fn recipients(&self, sender: &Self) -> [RecipientKey; 2] {
        [
            RecipientKey { authority: self.id.clone(), key: self.receiving.clone() },
            RecipientKey { authority: sender.id.clone(), key: sender.archive.clone() },
        ]
    }
}

/// XA-MOJ, XB-MOJ and the directory that both hold.
pub struct Cast {
    pub members: [Member; 2],
    pub roster: Roster,
}

pub static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let members = [Member::new("XA-MOJ", 10), Member::new("XB-MOJ", 20)];
    let roster = Roster::new(members.iter().map(|member| member.authority.clone()));
    Cast { members, roster }
});
