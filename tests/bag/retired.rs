//! Bags and receipts of a log that went over to another key: what the retired key signed up to its end counts, what it signed
//! behind it does not, where the evidence is at hand; and nobody ends a key with a rotation of his own.

use rogatory::bag::dossier::Bytes;
use rogatory::bag::verdict::{Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::note::VerifierKey;
use rogatory::exchange::act::Scene;
use rogatory::exchange::rotation::{Rotation, digests};
use rogatory::model::event::{CustodyRecord, Event};

use crate::case::memory_log::Log;
use crate::case::{Case, NOW, at};
use crate::target::{Target, failures};

fn node_record(case: &Case, event: Event) -> CustodyRecord {
    Scene::node(&case.asking.authority.id, at("2026-06-02T13:00:00Z")).record(event)
}

/// The log of the asking side goes over to a key of another seed: the record of it is its last entry now.
fn go_over(case: &mut Case) -> Vec<u8> {
    let old: VerifierKey = case.asking.log.vkey().parse().unwrap();
    let new = VerifierKey::new(case.asking.log.origin.clone(), SigningKey::from_seed(&[88; 32]).public_key());
    let mut record = node_record(case, Event::KeyRotated);
    record.digests = digests(std::slice::from_ref(&old), std::slice::from_ref(&new));
    let index = case.asking.log.append(&record);
    let receipt = case.asking.log.receipt(index);
    Rotation { old: vec![old], new: vec![new], receipt }.to_text().into_bytes()
}

/// Everything of the log anew, under what its first key signs now.
fn refresh(case: &mut Case) {
    let log = &case.asking.log;
    case.dossier.records = (0..log.tree.len()).map(|index| log.part(index)).collect();
    case.dossier.checkpoint = Bytes(log.checkpoint().to_bytes());
    case.dossier.cosigned = vec![log.linked(2)];
}

fn judged(case: &Case) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    verify(&case.export(folder.path()), &given, at(NOW), &mut |_| {}).unwrap()
}

#[test]
fn in_a_bag_a_retired_key_counts_up_to_its_end_and_not_behind_it() {
    let mut case = Case::new();
    let rotation = go_over(&mut case);
    refresh(&mut case);
    case.dossier.rotations = vec![Bytes(rotation.clone())];
    let verdict = judged(&case);
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", failures(&verdict));
    let passed = |check: &&rogatory::bag::verdict::Check| check.what.starts_with("Each rotation of the log's key");
    assert_eq!(verdict.checks.iter().filter(passed).count(), 1);
    let record = node_record(&case, Event::NodeStarted);
    case.asking.log.append(&record);
    refresh(&mut case);
    let verdict = judged(&case);
    assert_eq!(verdict.verdict, Word::Failed);
    let behind = failures(&verdict).iter().filter(|check| check.contains("retired key behind the end")).count();
    assert!(behind > 3, "{verdict:#?}");
    // Without the evidence nobody can tell; the bag of before says so by what it holds.
    case.dossier.rotations.clear();
    assert_eq!(judged(&case).verdict, Word::Verified);
}

#[test]
fn a_rotation_that_no_key_of_the_directory_leads_to_ends_nothing_and_is_named() {
    let mut case = Case::new();
    refresh(&mut case);
    let key: VerifierKey = case.asking.log.vkey().parse().unwrap();
    let mut evil = Log::new(&case.asking.authority.id, 66);
    let old = [evil.vkey().parse().unwrap(), key.clone()];
    let mut record = node_record(&case, Event::KeyRotated);
    record.digests = digests(&old, std::slice::from_ref(&key));
    evil.append(&record);
    let forged = Rotation { old: old.to_vec(), new: vec![key], receipt: evil.receipt(0) };
    let target = Target::of(case);
    let path = "rogatory/logs/xa-moj.rogatory_custody/rotations/1";
    for bytes in [forged.to_text().into_bytes(), b"nothing".to_vec()] {
        target.write(path, &bytes);
        let verdict = target.verify();
        assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
        let open = verdict.checks.iter().filter(|check| check.file.as_deref() == Some(path));
        assert!(open.map(|check| format!("{check:?}")).all(|check| check.contains("it counts for nothing")));
    }
}

#[test]
fn a_lone_receipt_of_a_retired_key_behind_its_end_fails_where_the_rotation_lies_beside_it() {
    let mut case = Case::new();
    let rotation = go_over(&mut case);
    let end = case.asking.log.tree.len();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.receipt");
    let given = Given { log_keys: vec![case.asking.log.vkey().parse().unwrap()], ..Given::default() };
    let word = || verify(&path, &given, at(NOW), &mut |_| {}).unwrap().verdict;
    std::fs::create_dir(folder.path().join("rotations")).unwrap();
    std::fs::write(folder.path().join(format!("rotations/{end}")), rotation).unwrap();
    std::fs::write(&path, case.asking.log.receipt(0)).unwrap();
    assert_eq!(word(), Word::Verified);
    let record = node_record(&case, Event::NodeStarted);
    case.asking.log.append(&record);
    std::fs::write(&path, case.asking.log.receipt(0)).unwrap();
    assert_eq!(word(), Word::Failed);
}
