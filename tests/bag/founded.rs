//! The directory of the case: founded and signed by one keeper, and as the parts of a dossier.

use rogatory::bag::dossier::{Bytes, DirectoryPart};
use rogatory::crypto::ed25519::SigningKey;
use rogatory::exchange::entry::Entry;
use rogatory::exchange::keeper::{Fingerprint, KeeperKey};
use rogatory::exchange::keeping::{Change, Expiries, Keepers, change, found, sign};
use rogatory::exchange::reading::Reading;
use rogatory::exchange::repository::{FileName, Files};
use rogatory::model::authority::Authority;
use rogatory::model::ident::Digest;

use super::at;

pub fn parts(files: &Files) -> Vec<DirectoryPart> {
    let part =
        |(name, bytes): (FileName, &[u8])| DirectoryPart { name: name.to_string(), bytes: Bytes(bytes.to_vec()) };
    files.iter().map(part).collect()
}

/// A directory of those authorities, signed by its one keeper: its files, the fingerprint of its root, its digest.
pub fn directory(authorities: &[&Authority], keeper: u8) -> (Files, Fingerprint, Digest) {
    let keeper = SigningKey::from_seed(&[keeper; 32]);
    let keepers = Keepers::new([KeeperKey::of(&keeper)], 1).unwrap();
    let expires = at("2027-01-01");
    let files = found(&keepers, Expiries { root: expires, list: expires }).unwrap();
    let rows = authorities.iter().map(|authority| Entry::new(authority, "").unwrap()).collect();
    let files = change(&files, Change::Put(rows), expires).unwrap().files;
    let (files, _) = sign(&files, &keeper).unwrap();
    let reading = Reading::of(&files).unwrap();
    let root = Fingerprint::from(reading.roots().next().unwrap().digest());
    let digest = reading.listing_digest();
    (files, root, digest)
}
