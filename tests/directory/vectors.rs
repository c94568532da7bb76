//! The frozen files under `tests/vectors/directory`: one that is accepted, and one for each reason to refuse.

use std::path::Path;

use rogatory::exchange::directory::{Accepted, DirectoryError, accept, verify};
use rogatory::exchange::listing::ListingError;
use rogatory::exchange::reading::ReadError;
use rogatory::exchange::repository::Files;
use serde_json::Value;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/directory")
}

fn files(name: &str) -> Files {
    let path = folder().join(name).with_extension("rogatory-directory");
    Files::from_single_file(&std::fs::read(path).unwrap()).unwrap()
}

/// The words of `index.json`.
fn word(result: &Result<Accepted, DirectoryError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(DirectoryError::UntrustedRoot(_)) => "untrusted-root",
        Err(DirectoryError::Threshold { .. }) => "threshold",
        Err(DirectoryError::BadSignature { .. }) => "bad-signature",
        Err(DirectoryError::RolledBack { .. }) => "rolled-back",
        Err(DirectoryError::Altered { .. }) => "altered",
        Err(DirectoryError::Expired { .. }) => "expired",
        Err(DirectoryError::Read(ReadError::Missing(_))) => "missing-file",
        Err(DirectoryError::Read(ReadError::Malformed { .. })) => "malformed-metadata",
        Err(DirectoryError::Read(ReadError::Version { .. })) => "mixed-versions",
        Err(DirectoryError::Read(ReadError::Digest)) => "list-digest",
        Err(DirectoryError::Read(ReadError::Registry)) => "registry-digest",
        Err(DirectoryError::Read(ReadError::Listing(ListingError::Json(_)))) => "malformed-list",
        Err(DirectoryError::Read(ReadError::Listing(ListingError::Twice(_)))) => "authority-twice",
        Err(DirectoryError::Read(ReadError::Listing(ListingError::Shared(..)))) => "shared-key",
        Err(DirectoryError::Read(ReadError::Listing(_))) => "other",
    }
}

#[test]
fn every_frozen_directory_gets_the_verdict_that_the_index_says() {
    let index: Value = serde_json::from_slice(&std::fs::read(folder().join("index.json")).unwrap()).unwrap();
    let trusted = index["trusted_root"].as_str().unwrap().parse().unwrap();
    let now = index["now"].as_str().unwrap().parse().unwrap();
    let vectors = index["vectors"].as_array().unwrap();
    assert_eq!(vectors.len() + 1, std::fs::read_dir(folder()).unwrap().count(), "an index and its vectors");
    let mut words = std::collections::BTreeSet::new();
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let held = vector["held"].as_str().map(|name| verify(trusted, &files(name)).unwrap());
        let result = accept(held.as_ref(), trusted, &files(name), now);
        assert_eq!(word(&result), vector["verdict"].as_str().unwrap(), "{name}: {result:?}");
        words.insert(word(&result));
    }
    assert_eq!(words.len(), 14, "one vector for each verdict: {words:?}");
}
