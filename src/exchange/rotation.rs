//! The evidence that a log went over from one key to the next: the record of it, which is the last entry that the old key
//! signed, and both keys. Refuses one in which record, proof and keys do not say the same.

use std::fmt::Write as _;

use crate::crypto::digest::sha256;
use crate::custody::history::{LogKeys, Retired};
use crate::custody::leaf::commitment;
use crate::custody::note::VerifierKey;
use crate::custody::proof::TlogProof;
use crate::custody::tree::leaf_hash;
use crate::model::base64;
use crate::model::event::{Event, NamedDigest};
use crate::model::limits::{LOG_KEYS_MAX, RECEIPT_BYTES_MAX};
use crate::wire::receipt;
use crate::wire::record;

const HEAD: &str = "rogatory-rotation-1";

/// A rotation of a log's keys, as a file of text.
///
/// ```text
/// rogatory-rotation-1
/// old <vkey>          the Ed25519 key first; a line for each key that ends
/// new <vkey>          the Ed25519 key first; a line for each key that begins
/// receipt <base64>    the record `key.rotated`, its salt, and the tlog-proof under the old key's last checkpoint
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The keys that end, Ed25519 first.
    pub old: Vec<VerifierKey>,
    /// The keys that begin, Ed25519 first.
    pub new: Vec<VerifierKey>,
    /// The receipt.
    pub receipt: Vec<u8>,
}

impl Rotation {
    /// The file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for (word, keys) in [("old", &self.old), ("new", &self.new)] {
            for key in keys {
                // Writing into a String cannot fail.
                let _ = writeln!(text, "{word} {key}");
            }
        }
        let _ = writeln!(text, "receipt {}", base64::encode(&self.receipt));
        text
    }

    /// Reads the file and checks it: the old key signed a checkpoint whose last entry is a record of the rotation that
    /// names all these keys.
    ///
    /// # Errors
    /// [`RotationError`].
    pub fn read(text: &str) -> Result<Checked, RotationError> {
        let parsed = Self::parse(text).ok_or(RotationError::Malformed)?;
        parsed.check()
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() > 2 * RECEIPT_BYTES_MAX {
            return None;
        }
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next() != Some(HEAD) {
            return None;
        }
        let (mut old, mut new) = (Vec::new(), Vec::new());
        let mut receipt = None;
        for line in lines {
            let (word, rest) = line.split_once(' ')?;
            match word {
                "old" if new.is_empty() && receipt.is_none() && old.len() < LOG_KEYS_MAX => {
                    old.push(rest.parse().ok()?)
                }
                "new" if receipt.is_none() && new.len() < LOG_KEYS_MAX => new.push(rest.parse().ok()?),
                "receipt" if receipt.is_none() => receipt = Some(base64::decode(rest).ok()?),
                _ => return None,
            }
        }
        Some(Self { old, new, receipt: receipt? })
    }

    fn check(self) -> Result<Checked, RotationError> {
        let (Some(old), Some(new)) = (self.old.first().cloned(), self.new.first().cloned()) else {
            return Err(RotationError::Malformed);
        };
        let parts = receipt::decode(&self.receipt).map_err(|_| RotationError::Malformed)?;
        let proof = TlogProof::parse(parts.proof.as_bytes()).map_err(|_| RotationError::Malformed)?;
        let leaf = leaf_hash(&commitment(&parts.salt, &parts.record).0);
        let included = proof.verify(&leaf, std::slice::from_ref(&old)).map_err(|_| RotationError::Proof)?;
        let end = included.checkpoint().checkpoint().size();
        if included.index() + 1 != end {
            return Err(RotationError::NotLast);
        }
        let record = record::decode(&parts.record).map_err(|_| RotationError::Record)?;
        let digests = digests(&self.old, &self.new);
        // All of its keys and no fewer: who leaves the line of one out hides that the log has it.
        let of_key = |name: &str| name.starts_with("old-key/") || name.starts_with("new-key/");
        let named = digests.iter().all(|digest| record.digests.contains(digest))
            && record.digests.iter().filter(|digest| of_key(&digest.name)).count() == digests.len();
        let one_log = self.old.iter().chain(&self.new).all(|key| key.name() == old.name());
        let own = one_log && record.authority.owns_log(old.name());
        if record.event != Event::KeyRotated || !named || !own {
            return Err(RotationError::Record);
        }
        let root = included.checkpoint().checkpoint().root();
        Ok(Checked { old, new, end, root, leaf, rotation: self })
    }
}

/// What the record of a rotation says of the keys: the SHA-256 of each key's text.
pub fn digests(old: &[VerifierKey], new: &[VerifierKey]) -> Vec<NamedDigest> {
    let named = |word: &str, keys: &[VerifierKey]| -> Vec<NamedDigest> {
        let texts = (1..).zip(keys.iter().map(ToString::to_string));
        texts.map(|(number, text)| NamedDigest::new(&format!("{word}-key/{number}"), sha256(text.as_bytes()))).collect()
    };
    [named("old", old), named("new", new)].concat()
}

/// A rotation whose evidence holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The Ed25519 key that ended.
    pub old: VerifierKey,
    /// The Ed25519 key that began.
    pub new: VerifierKey,
    /// The size of the old key's last checkpoint.
    pub end: u64,
    /// Its root.
    pub root: crate::model::ident::Digest,
    /// The leaf of the record, the last one under that root.
    pub leaf: crate::model::ident::Digest,
    /// All of it.
    pub rotation: Rotation,
}

/// The rotations by which a log came to its current key, back from it, the newest first.
pub fn back<'a>(current: &VerifierKey, rotations: &'a [Checked]) -> Vec<&'a Checked> {
    let mut found: Vec<&Checked> = Vec::new();
    let (mut newest, mut before) = (current, u64::MAX);
    while let Some(one) = rotations.iter().find(|one| one.new == *newest && one.end < before) {
        found.push(one);
        (newest, before) = (&one.old, one.end);
    }
    found
}

/// The keys of a log whose current key is `current`: back from it over the rotations, as far as they lead.
pub fn history(current: &VerifierKey, rotations: &[Checked]) -> LogKeys {
    let retired = back(current, rotations).into_iter().map(|one| Retired { key: one.old.clone(), end: one.end });
    retired.fold(LogKeys::new(current.clone()), LogKeys::after)
}

/// The rotations that trusted keys lead to, each signed by a key that is trusted or that one before it began. A key goes over
/// once: what it signed later, or in the name of another key, leads nowhere.
pub fn led<'a>(trusted: &[VerifierKey], rotations: &'a [Checked]) -> Vec<&'a Checked> {
    let mut found: Vec<&Checked> = Vec::new();
    for key in trusted {
        let (mut newest, mut after) = (key, 0);
        let next = |newest: &VerifierKey, after: u64| {
            rotations.iter().filter(|one| one.old == *newest && one.end > after).min_by_key(|one| one.end)
        };
        // Each step ends later than the one before: made-up rotations in a circle end.
        while let Some(one) = next(newest, after).filter(|one| !found.contains(one)) {
            found.push(one);
            (newest, after) = (&one.new, one.end);
        }
    }
    found
}

/// Why a rotation proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// No file of this kind.
    #[error("this is no record of a rotation")]
    Malformed,
    /// The old key did not sign it.
    #[error("the old key did not sign the record of the rotation")]
    Proof,
    /// The old key signed more behind it.
    #[error("the record of the rotation is not the last one that the old key signed")]
    NotLast,
    /// It says something else.
    #[error("the record does not speak of these keys")]
    Record,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;
    use crate::custody::checkpoint::SignedCheckpoint;
    use crate::custody::note::KeyName;
    use crate::custody::parts::MerkleTree;
    use crate::custody::tree::inclusion_proof;
    use crate::exchange::act::Scene;
    use crate::model::event::CustodyRecord;
    use crate::model::ident::Digest;
    use crate::model::time::Timestamp;
    use crate::wire::receipt::ReceiptParts;

    fn origin() -> KeyName {
        "xa-moj.rogatory/custody".parse().unwrap()
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32])
    }

    fn public(seed: u8) -> VerifierKey {
        VerifierKey::new(origin(), key(seed).public_key())
    }

    /// A rotation from one key to another; the record stands at `index` of a log of `size` entries that `signer` signed.
    fn rotation(from: u8, to: u8, (index, size): (u64, u64), signer: u8, event: Event) -> Rotation {
        let mut record: CustodyRecord =
            Scene::node(&"XA-MOJ".parse().unwrap(), Timestamp::from_millis(1)).record(event);
        record.digests = digests(&[public(from)], &[public(to)]);
        let (record, salt) = (crate::wire::record::encode(&record), [3; 32]);
        let mut leaves: Vec<Digest> = (0..size).map(|n| Digest([u8::try_from(n).unwrap(); 32])).collect();
        leaves[usize::try_from(index).unwrap()] = leaf_hash(&commitment(&salt, &record).0);
        let tree = MerkleTree::of(leaves);
        let checkpoint = SignedCheckpoint::sign(&origin(), size, tree.root(), &key(signer));
        let node = |level: u8, index: u64| tree.node(level, index);
        let hashes = inclusion_proof(index, size, node).unwrap();
        let proof = TlogProof::new(index, hashes, &checkpoint).to_string();
        let receipt = receipt::encode(&ReceiptParts { record, salt, proof });
        Rotation { old: vec![public(from)], new: vec![public(to)], receipt }
    }

    #[test]
    fn a_chain_of_rotations_leads_back_and_forth_between_the_first_key_and_the_current_one() {
        let rotated = Event::KeyRotated;
        let read = |one: Rotation| Rotation::read(&one.to_text()).unwrap();
        let all = [read(rotation(2, 3, (6, 7), 2, rotated)), read(rotation(1, 2, (3, 4), 1, rotated))];
        let keys = history(&public(3), &all);
        let ends: Vec<_> = keys.retired().iter().map(|one| (one.key.clone(), one.end)).collect();
        assert_eq!(ends, [(public(2), 7), (public(1), 4)]);
        let ends = |key| led(&[key], &all).iter().map(|one| one.end).collect::<Vec<_>>();
        assert_eq!(
            (ends(public(1)), ends(public(2)), ends(public(3)), ends(public(9))),
            (vec![4, 7], vec![7], vec![], vec![])
        );
        assert_eq!(history(&public(9), &all).retired(), []);
    }

    #[test]
    fn a_rotation_that_the_old_key_did_not_sign_last_or_that_names_other_keys_is_refused() {
        let rotated = Event::KeyRotated;
        let read = |one: &Rotation| Rotation::read(&one.to_text()).map(drop);
        let good = rotation(1, 2, (3, 4), 1, rotated);
        assert_eq!(read(&good), Ok(()));
        assert_eq!(read(&rotation(1, 2, (3, 4), 2, rotated)), Err(RotationError::Proof));
        assert_eq!(read(&rotation(1, 2, (2, 4), 1, rotated)), Err(RotationError::NotLast));
        assert_eq!(read(&rotation(1, 2, (3, 4), 1, Event::NodeStarted)), Err(RotationError::Record));
        assert_eq!(read(&Rotation { new: vec![public(3)], ..good.clone() }), Err(RotationError::Record));
        assert_eq!(read(&Rotation { new: Vec::new(), ..good.clone() }), Err(RotationError::Malformed));
        let text = good.to_text();
        for cut in 0..text.len() {
            assert!(Rotation::read(&text[..cut]).is_err(), "{cut}");
        }
    }
}
