//! A foreign TUF client (python-tuf) takes our directories and refuses what we refuse.

use std::path::{Path, PathBuf};
use std::process::Command;

use rogatory::crypto::digest::sha256;
use rogatory::exchange::keeping;
use rogatory::exchange::repository::{FileName, Files};
use rogatory::store::directory::write;
use serde_json::json;

use crate::support::{
    LIST_METADATA, complete, edited, expiries, forged, keepers, pin, put, signed, unsigned, with, with_from,
};

/// A mirror to fetch from, and the client's memory.
struct Client {
    dir: tempfile::TempDir,
}

impl Client {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Offers the files; what the client says, if it accepts.
    fn offer(&self, files: &Files) -> Result<String, String> {
        let mirror = self.dir.path().join("mirror");
        if mirror.exists() {
            std::fs::remove_dir_all(&mirror).unwrap();
        }
        write(&mirror, files).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/tuf_check.py");
        let output =
            Command::new(python()).arg(script).arg(&mirror).arg(self.dir.path().join("cache")).output().expect(
                "the judge python-tuf is missing: run tests/judges/install.sh (it installs tuf and securesystemslib)",
            );
        let said = String::from_utf8(output.stdout).unwrap();
        match output.status.code() {
            Some(0) => Ok(said),
            Some(1) if said.contains("refused: ") => Err(said),
            other => panic!(
                "the judge python-tuf did not run ({other:?}): run tests/judges/install.sh\n{said}{}",
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

fn python() -> PathBuf {
    let venv = std::env::var_os("ROGATORY_JUDGES_VENV")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges-venv"), PathBuf::from);
    venv.join("bin/python")
}

fn listing_digest(files: &Files) -> String {
    sha256(files.file(FileName::Listing).unwrap()).to_string()
}

#[test]
fn a_foreign_client_takes_our_directory_and_gives_its_root_the_same_fingerprint() {
    let said = Client::new().offer(&complete()).unwrap();
    assert!(said.contains(&format!("fingerprint {}", pin(&complete()))), "{said}");
    assert!(said.contains(&format!("list {}", listing_digest(&complete()))), "{said}");
}

#[test]
fn a_foreign_client_follows_new_versions_and_new_keepers_and_never_goes_back() {
    let client = Client::new();
    client.offer(&complete()).unwrap();
    let second = signed(&put(&complete(), &["XC-MOJ"]), &[2, 3]);
    assert!(client.offer(&second).unwrap().contains(&listing_digest(&second)));
    let proposed = keeping::hand_over(&second, &keepers(&[4, 5], 2), expiries()).unwrap();
    for too_few in [vec![4, 5], vec![1, 4, 5], vec![1, 2, 4]] {
        assert!(Client::new().offer(&signed(&proposed, &too_few)).is_err(), "{too_few:?}");
    }
    let third = signed(&proposed, &[1, 2, 4, 5]);
    let said = client.offer(&third).unwrap();
    assert!(said.contains("root 2") && said.contains(&listing_digest(&third)), "{said}");
    let back = client.offer(&with_from(&second, FileName::Root(2), &third)).unwrap_err();
    assert!(back.contains("refused"), "{back}");
}

#[test]
fn a_foreign_client_refuses_what_we_refuse() {
    let one = signed(&unsigned(), &[1]);
    for name in LIST_METADATA.into_iter().chain([FileName::Root(1)]) {
        let refused = Client::new().offer(&with_from(&complete(), name, &one));
        assert!(refused.is_err_and(|said| said.contains("UnsignedMetadataError")), "{name}: one signature");
        let tampered = edited(&complete(), name, |file| file["signed"]["expires"] = json!("2044-01-01T00:00:00Z"));
        assert!(Client::new().offer(&tampered).is_err(), "{name}: tampered");
        let expired = forged(&complete(), name, |signed| signed["expires"] = json!("2020-01-01T00:00:00Z"));
        let refused = Client::new().offer(&expired);
        assert!(refused.is_err_and(|said| said.contains("ExpiredMetadataError")), "{name}: expired");
    }
    let mut list = complete().file(FileName::Listing).unwrap().to_vec();
    list[100] ^= 1;
    let refused = Client::new().offer(&with(&complete(), FileName::Listing, list));
    assert!(refused.is_err_and(|said| said.contains("LengthOrHashMismatchError")), "tampered list");
}
