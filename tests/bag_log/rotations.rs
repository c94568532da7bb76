//! Rotations beside a log: the log's own lead from its first key to the one of today, and none that somebody made up makes an
//! honest log fail or is told as its own.

use rogatory::bag::verdict::{Verdict, Word};
use rogatory::custody::leaf::commitment;
use rogatory::custody::note::VerifierKey;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::inclusion_proof;
use rogatory::exchange::act::Scene;
use rogatory::exchange::rotation::{Rotation, digests};
use rogatory::model::event::Event;
use rogatory::model::time::Timestamp;
use rogatory::wire::receipt::{ReceiptParts, encode};

use crate::attacks::{Log, is_open, judged, limits, write};

const ORIGIN: &str = "xa-moj.rogatory/custody";

fn keys(seed: u8) -> Vec<VerifierKey> {
    Log::of(ORIGIN, seed, 0).keys()
}

/// A log under the key `seed`; its entry `at` is the record that it goes over from the keys `old` to the keys `new`.
fn rotated(seed: u8, size: u64, at: usize, old: &[VerifierKey], new: &[VerifierKey]) -> (Log, Rotation) {
    let mut record = Scene::node(&"XA-MOJ".parse().unwrap(), Timestamp::from_millis(1)).record(Event::KeyRotated);
    record.digests = digests(old, new);
    let (record, salt) = (rogatory::wire::record::encode(&record), [3; 32]);
    let mut log = Log::of(ORIGIN, seed, size);
    log.entries[at] = commitment(&salt, &record);
    let tree = log.tree(at + 1);
    let hashes = inclusion_proof(at as u64, at as u64 + 1, |level, index| tree.node(level, index)).unwrap();
    let proof = TlogProof::new(at as u64, hashes, &log.checkpoint(at + 1)).to_string();
    let receipt = encode(&ReceiptParts { record, salt, proof });
    (log, Rotation { old: old.to_vec(), new: new.to_vec(), receipt })
}

/// An honest log of ten entries that went over from the keys 1 to the keys 2 with its fourth, published by the latter.
fn honest(folder: &std::path::Path) -> Rotation {
    let (log, rotation) = rotated(1, 10, 3, &keys(1), &keys(2));
    let log = Log { ed25519: 2, ..log };
    log.publish(folder, 10);
    write(folder, "rotations/4", rotation.to_text().as_bytes());
    rotation
}

fn tells(verdict: &Verdict, words: &str) -> bool {
    verdict.story.iter().any(|line| line.contains(words))
}

#[test]
fn a_log_that_went_over_to_another_key_verifies_from_either() {
    let folder = tempfile::tempdir().unwrap();
    honest(folder.path());
    for seed in [1, 2] {
        let verdict = judged(folder.path(), keys(seed), None);
        assert_eq!(verdict.verdict, Word::Verified, "{seed} {verdict:#?}");
        assert!(tells(&verdict, "went on over 1 rotation of its key."), "{verdict:#?}");
        assert!(tells(&verdict, "Ed25519 key and its ML-DSA-44 key"), "{verdict:#?}");
        assert_eq!(tells(&verdict, "went over from the one given"), seed == 1);
    }
}

#[test]
fn a_made_up_rotation_ends_no_key_and_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    honest(folder.path());
    let evil = keys(66);
    let listed = [&evil[..1], &keys(2)].concat();
    for (what, old, new) in [("ends", &listed, &keys(67)), ("leads to", &evil, &keys(2)), ("both", &listed, &keys(1))] {
        let (_, forged) = rotated(66, 6, 5, old, new);
        write(folder.path(), "rotations/6", forged.to_text().as_bytes());
        for seed in [1, 2] {
            let verdict = judged(folder.path(), keys(seed), None);
            assert_eq!(verdict.verdict, Word::Verified, "{what} {seed} {verdict:#?}");
            assert!(tells(&verdict, "over 1 rotation of") && limits(&verdict, "leads to 1 of 2"), "{verdict:#?}");
        }
        // Nor does the key of whoever made it up become one of the log.
        assert_eq!(judged(folder.path(), evil.clone(), None).verdict, Word::Failed, "{what}");
    }
    write(folder.path(), "rotations/6", b"nothing");
    let verdict = judged(folder.path(), keys(1), None);
    assert!(verdict.verdict == Word::VerifiedInPart && is_open(&verdict, "counts for nothing"), "{verdict:#?}");
}

#[test]
fn who_hides_a_key_that_a_rotation_began_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let rotation = honest(folder.path());
    let plain = std::fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    let lines: Vec<&str> = plain.split_inclusive('\n').collect();
    write(folder.path(), "checkpoint", lines[..lines.len() - 1].concat().as_bytes());
    let verdict = judged(folder.path(), keys(1), None);
    assert!(verdict.verdict == Word::VerifiedInPart && is_open(&verdict, "rests on Ed25519 alone"), "{verdict:#?}");
    let shorter = Rotation { new: rotation.new[..1].to_vec(), ..rotation };
    write(folder.path(), "rotations/4", shorter.to_text().as_bytes());
    assert_eq!(judged(folder.path(), keys(1), None).verdict, Word::Failed);
}

#[test]
fn a_retired_key_signs_up_to_its_end_and_a_trusted_one_signs_one_history() {
    let folder = tempfile::tempdir().unwrap();
    let rotation = honest(folder.path());
    let (log, _) = rotated(1, 10, 3, &keys(1), &keys(2));
    for (size, expected) in [(4, Word::Verified), (10, Word::Failed)] {
        log.publish(folder.path(), size);
        assert_eq!(judged(folder.path(), keys(1), None).verdict, expected, "{size}");
    }
    // What the first key signed last is not in the history of the second.
    let mut other = Log::of(ORIGIN, 2, 10);
    other.entries[0] = rogatory::crypto::digest::sha256(b"another");
    other.publish(folder.path(), 10);
    write(folder.path(), "rotations/4", rotation.to_text().as_bytes());
    let verdict = judged(folder.path(), keys(1), None);
    assert!(format!("{verdict:?}").contains("signed another history"), "{verdict:#?}");
    assert_eq!(verdict.verdict, Word::Failed);
}
