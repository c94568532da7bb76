//! Strangers judge the log: Go's own `sumdb/note` and `sumdb/tlog` check what this program wrote, without any of its code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rogatory::crypto::digest::sha256;
use rogatory::custody::checkpoint::SignedCheckpoint;

use crate::common::*;

const PACKAGES: &str = "the judge needs the Debian packages golang-go and golang-golang-x-mod-dev: \
    apt-get install -y golang-go golang-golang-x-mod-dev";

pub(crate) fn judge(custody: &Path, old_checkpoint: Option<&Path>, proofs: &[&Path]) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/tlog.go");
    assert!(Path::new("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog").exists(), "{PACKAGES}");
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new("go");
    command.arg("run").arg(program).arg(custody);
    command.arg(old_checkpoint.unwrap_or(Path::new("-"))).args(proofs);
    command.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    if std::env::var_os("HOME").is_none() {
        command.env("GOCACHE", cache.path());
    }
    command.output().expect(PACKAGES)
}

#[test]
fn a_foreign_verifier_accepts_note_root_inclusion_and_consistency_and_notices_a_flipped_tile_byte() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 300);
    ledger.close();
    let old = dir.path().join("old-checkpoint");
    fs::copy(dir.path().join("checkpoint"), &old).unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 777);
    let proofs: Vec<_> = [0_u64, 255, 256, 776]
        .into_iter()
        .map(|index| {
            let path = dir.path().join(format!("{index}.tlog-proof"));
            fs::write(&path, ledger.reader().prove(index).unwrap()).unwrap();
            path
        })
        .collect();
    ledger.close();
    let proofs: Vec<&Path> = proofs.iter().map(AsRef::as_ref).collect();
    let verdict = judge(dir.path(), Some(&old), &proofs);
    let said = String::from_utf8_lossy(&verdict.stdout).into_owned();
    assert!(verdict.status.success(), "{said}{}", String::from_utf8_lossy(&verdict.stderr));
    assert!(said.contains("size 777") && said.contains("consistent with 300"), "{said}");
    assert!(said.contains("entries 777") && said.contains("proofs 4"), "{said}");
    let tile = dir.path().join("tile/0/001");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[99] ^= 1;
    fs::write(&tile, bytes).unwrap();
    assert!(!judge(dir.path(), None, &[]).status.success());
}

#[test]
fn a_foreign_verifier_rejects_a_forked_checkpoint_an_altered_one_an_altered_proof_and_an_altered_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 300);
    ledger.close();
    let old = dir.path().join("old-checkpoint");
    fs::copy(dir.path().join("checkpoint"), &old).unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 700);
    let proof = dir.path().join("299.tlog-proof");
    fs::write(&proof, ledger.reader().prove(299).unwrap()).unwrap();
    ledger.close();
    assert!(judge(dir.path(), Some(&old), &[&proof]).status.success());
    let refused = |old: &Path, what: &str| {
        let verdict = judge(dir.path(), Some(old), &[&proof]);
        let said = String::from_utf8_lossy(&verdict.stderr).into_owned();
        assert!(!verdict.status.success() && said.contains(what), "{what}: {said}");
    };
    // Signed by the same key, over another beginning.
    let fork = dir.path().join("fork");
    let signed = SignedCheckpoint::sign(&origin(), 300, sha256(b"another history"), &key());
    fs::write(&fork, signed.to_bytes()).unwrap();
    refused(&fork, "consistency");
    let mut bytes = fs::read(&old).unwrap();
    bytes[40] ^= 1;
    fs::write(&fork, bytes).unwrap();
    refused(&fork, "note");
    let good = fs::read_to_string(&proof).unwrap();
    let line = good.lines().nth(3).unwrap().to_owned();
    let other = if line.starts_with('A') { line.replacen('A', "B", 1) } else { format!("A{}", &line[1..]) };
    fs::write(&proof, good.replacen(&line, &other, 1)).unwrap();
    refused(&old, "299.tlog-proof");
    fs::write(&proof, good).unwrap();
    let bundle = dir.path().join("tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[7] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    refused(&old, "entry");
}
