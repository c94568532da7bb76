//! Custody logs as folders, lone proofs and lone receipts, verified offline; and the command line over all of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "a test may panic")]

#[allow(dead_code, reason = "each test target uses a part of the case")]
#[path = "bag/case.rs"]
mod case;

#[path = "bag_log/attacks.rs"]
mod attacks;
#[path = "bag_log/rotations.rs"]
mod rotations;

use std::path::Path;

use attacks::is_open;
use case::{Case, NOW, at};
use rogatory::bag::verdict::{Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::cli::verify::{VerifyArgs, run};
use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::tile::{Kind, encode_entries, encode_hashes, tiles_between};
use rogatory::custody::tree::leaf_hash;
use rogatory::model::ident::Digest;

fn name() -> KeyName {
    "xa-moj.rogatory/custody".parse().unwrap()
}

fn key() -> VerifierKey {
    VerifierKey::new(name(), SigningKey::from_seed(&[3; 32]).public_key())
}

fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A log of that many entries, as a foreign log of tiles would publish it.
fn log(folder: &Path, size: u64) {
    let entries: Vec<Digest> = (0..size).map(|number| sha256(&number.to_be_bytes())).collect();
    let tree = MerkleTree::of(entries.iter().map(|entry| leaf_hash(&entry.0)));
    for tile in tiles_between(0, size) {
        let range = tile.index() * 256..tile.index() * 256 + u64::from(tile.width());
        let bytes = match tile.kind() {
            Kind::Entries => {
                encode_entries(&entries[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()])
            }
            Kind::Hashes { level } => {
                encode_hashes(&range.map(|index| tree.node(level * 8, index).unwrap()).collect::<Vec<_>>())
            }
        };
        write(folder, &tile.path(), &bytes);
    }
    let checkpoint = SignedCheckpoint::sign(&name(), size, tree.root(), &SigningKey::from_seed(&[3; 32]));
    write(folder, "checkpoint", &checkpoint.to_bytes());
    write(folder, "log.vkey", format!("{}\n", key()).as_bytes());
}

fn with_key(path: &Path) -> Verdict {
    let given = Given { log_keys: vec![key()], ..Given::default() };
    verify(path, &given, at(NOW), &mut |_| {}).unwrap()
}

#[test]
fn a_log_of_any_size_is_verified_from_its_entries_up() {
    for size in [0, 1, 255, 256, 257, 700, 65_536 + 300] {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), size);
        let verdict = with_key(folder.path());
        assert_eq!(verdict.verdict, Word::Verified, "{size}: {verdict:#?}");
    }
}

#[test]
fn a_key_from_the_same_folder_verifies_in_part_only() {
    let folder = tempfile::tempdir().unwrap();
    log(&folder.path().join("custody"), 300);
    let verdict = verify(folder.path(), &Given::default(), at(NOW), &mut |_| {}).unwrap();
    assert_eq!(verdict.verdict, Word::VerifiedInPart);
    assert!(is_open(&verdict, "only as good as its source"));
    std::fs::remove_file(folder.path().join("custody/log.vkey")).unwrap();
    let verdict = verify(folder.path(), &Given::default(), at(NOW), &mut |_| {}).unwrap();
    assert!(is_open(&verdict, "--log-key"));
}

#[test]
fn any_change_in_a_tile_a_bundle_or_the_checkpoint_fails() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), 700);
    let paths = tiles_between(0, 700).map(|tile| tile.path()).chain(["checkpoint".to_owned()]);
    for path in paths {
        let whole = std::fs::read(folder.path().join(&path)).unwrap();
        for position in [0, 1, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[position] ^= 4;
            write(folder.path(), &path, &changed);
            assert_eq!(with_key(folder.path()).verdict, Word::Failed, "{path} at {position}");
        }
        std::fs::remove_file(folder.path().join(&path)).unwrap();
        let missing = verify(folder.path(), &Given { log_keys: vec![key()], ..Given::default() }, at(NOW), &mut |_| {});
        assert!(missing.is_err() || missing.unwrap().verdict == Word::Failed, "{path} missing");
        write(folder.path(), &path, &whole);
    }
    assert_eq!(with_key(folder.path()).verdict, Word::Verified);
}

#[test]
fn a_log_signed_by_another_key_fails_and_a_claimed_size_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), 5);
    let other = VerifierKey::new(name(), SigningKey::from_seed(&[4; 32]).public_key());
    let given = Given { log_keys: vec![other], ..Given::default() };
    assert_eq!(verify(folder.path(), &given, at(NOW), &mut |_| {}).unwrap().verdict, Word::Failed);
    let huge = SignedCheckpoint::sign(&name(), u64::MAX, Digest([1; 32]), &SigningKey::from_seed(&[3; 32]));
    write(folder.path(), "checkpoint", &huge.to_bytes());
    assert_eq!(with_key(folder.path()).verdict, Word::Failed);
}

/// A record with its companions, and a receipt, in a folder of their own.
fn lone(case: &Case, folder: &Path) {
    let part = case.asking.log.part(1);
    write(folder, "1.record", &part.record.0);
    write(folder, "1.salt", &part.salt.0);
    write(folder, "1.tlog-proof", part.proof.as_bytes());
    write(folder, "0.receipt", &case.asking.log.receipt(0));
}

#[test]
fn a_lone_proof_or_receipt_is_verified_by_a_given_key_and_by_no_other() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    lone(&case, folder.path());
    let keys = |side: &case::Side| vec![side.log.vkey().parse().unwrap()];
    for file in ["1.tlog-proof", "0.receipt"] {
        let path = folder.path().join(file);
        let judged = |log_keys| verify(&path, &Given { log_keys, ..Given::default() }, at(NOW), &mut |_| {}).unwrap();
        let verdict = judged(keys(&case.asking));
        assert_eq!(verdict.verdict, Word::Verified, "{verdict:#?}");
        assert!(verdict.story.iter().any(|line| line.contains("signed-envelope: SHA-256")));
        assert_eq!(judged(keys(&case.asked)).verdict, Word::Failed);
        let verdict = judged(Vec::new());
        assert!(is_open(&verdict, "--log-key") && verdict.story.is_empty());
    }
}

#[test]
fn a_lone_proof_with_another_salt_or_record_fails_and_without_one_says_what_to_give() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    lone(&case, folder.path());
    let other = case.asking.log.part(0);
    write(folder.path(), "other.record", &other.record.0);
    write(folder.path(), "other.salt", &other.salt.0);
    let path = folder.path().join("1.tlog-proof");
    let judged = |record: Option<&str>, salt: Option<&str>| {
        let given = Given {
            log_keys: vec![case.asking.log.vkey().parse().unwrap()],
            record: record.map(|name| folder.path().join(name)),
            salt: salt.map(|name| folder.path().join(name)),
            ..Given::default()
        };
        verify(&path, &given, at(NOW), &mut |_| {}).unwrap()
    };
    assert_eq!(judged(None, None).verdict, Word::Verified);
    assert_eq!(judged(Some("1.record"), Some("1.salt")).verdict, Word::Verified);
    assert_eq!(judged(Some("other.record"), None).verdict, Word::Failed);
    assert_eq!(judged(None, Some("other.salt")).verdict, Word::Failed);
    let verdict = judged(Some("nowhere"), None);
    assert_eq!(verdict.verdict, Word::Failed);
    assert!(format!("{verdict:?}").contains("--record and --salt"));
}

fn printed(path: &Path, trust_root: Option<String>, json: bool) -> String {
    let args = VerifyArgs {
        path: path.to_owned(),
        other: None,
        trust_root: trust_root.map(|hex| hex.parse().unwrap()),
        log_key: Vec::new(),
        record: None,
        salt: None,
        tsa_ca: Vec::new(),
        policy: None,
        checkpoint: None,
        json,
    };
    let mut out = Vec::new();
    run(&args, at(NOW), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_command_line_ends_with_the_word_and_its_json_holds_every_check() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let root = Some(case.root.to_string());
    assert!(printed(&bag, root.clone(), false).ends_with("\nVERIFIED\n"));
    assert!(printed(&bag, None, false).ends_with("\nVERIFIED IN PART\n"));
    let json: serde_json::Value = serde_json::from_str(&printed(&bag, root.clone(), true)).unwrap();
    assert_eq!(json["verdict"], "verified");
    assert!(json["checks"].as_array().unwrap().iter().all(|check| check["outcome"] == "passed"));
    write(&bag, "data/0001/Kontoauszug_M_rz.csv", b"other");
    let text = printed(&bag, root, false);
    assert!(text.ends_with("\nFAILED\n") && text.contains("it was altered"), "{text}");
    let words = [Word::Verified, Word::VerifiedInPart, Word::Failed].map(Word::exit_code);
    assert_eq!(words, [0, 3, 1]);
}
