//! Cosignatures on the checkpoints of a bag: what they cover is told, and nothing counts that was not checked.

use rogatory::bag::dossier::{Bytes, CheckpointPart};
use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::cosignature::Cosigner;

use crate::case::{Case, NOW, at};
use crate::target::failures;

const COSIGNED_AT: &str = "2026-06-02T12:30:00Z";

fn judged(case: &Case, given: &[&Cosigner]) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let log_keys = given.iter().flat_map(|cosigner| cosigner.verifier_keys()).collect();
    let given = Given { trusted_root: Some(case.root), log_keys, ..Given::default() };
    verify(&case.export(folder.path()), &given, at(NOW), &mut |_| {}).unwrap()
}

/// Puts the cosigner's two lines under a checkpoint of the asking side's log.
fn cosign(case: &Case, part: &CheckpointPart, cosigner: &Cosigner, when: &str) -> CheckpointPart {
    let signed = SignedCheckpoint::open(&part.note.0, &[case.asking.log.vkey().parse().unwrap()]).unwrap();
    let mut note = signed.note().clone();
    cosigner.cosign(&signed, at(when), &[5; 32]).unwrap().into_iter().for_each(|line| note.push(line));
    CheckpointPart { note: Bytes(note.to_string().into_bytes()), link: part.link.clone() }
}

fn told(verdict: &Verdict) -> Vec<&String> {
    verdict.story.iter().filter(|line| line.contains("cosigned the log")).collect()
}

fn open(verdict: &Verdict) -> bool {
    verdict.limits.iter().any(|line| line.contains("under no checkpoint that somebody else cosigned"))
}

#[test]
fn a_cosignature_of_the_other_authority_is_told_with_its_time_and_what_it_covers() {
    let mut case = Case::new();
    let whole = case.asking.log.linked(case.asking.log.tree.len());
    case.dossier.cosigned = vec![cosign(&case, &whole, &case.asked.cosigner, COSIGNED_AT)];
    let verdict = judged(&case, &[]);
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", failures(&verdict));
    let told = told(&verdict);
    assert_eq!(told.len(), 1, "{told:#?}");
    for words in
        ["xb-moj.rogatory/witness", "at 5 entries on 2026-06-02T12:30:00", "Ed25519 and ML-DSA-44", "covers 5 of"]
    {
        assert!(told[0].contains(words), "{words}: {told:#?}");
    }
}

#[test]
fn an_older_cosigned_checkpoint_covers_only_what_it_held() {
    let mut case = Case::new();
    case.dossier.cosigned = vec![cosign(&case, &case.asking.log.linked(2), &case.asked.cosigner, COSIGNED_AT)];
    let verdict = judged(&case, &[]);
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", failures(&verdict));
    assert!(told(&verdict)[0].contains("at 2 entries") && told(&verdict)[0].contains("covers 2 of"));
    assert!(open(&verdict));
}

#[test]
fn a_cosigned_checkpoint_that_is_linked_to_nothing_covers_nothing() {
    let mut case = Case::new();
    let mut part = cosign(&case, &case.asking.log.linked(2), &case.asked.cosigner, COSIGNED_AT);
    part.link = None;
    case.dossier.cosigned = vec![part];
    let verdict = judged(&case, &[]);
    assert!(told(&verdict)[0].contains("covers 0 of"), "{:#?}", told(&verdict));
    assert!(open(&verdict));
}

#[test]
fn a_log_that_cosigns_itself_or_a_key_that_nobody_names_counts_for_nothing() {
    let mut case = Case::new();
    let whole = case.asking.log.linked(case.asking.log.tree.len());
    let stranger = Case::new().asked.cosigner;
    case.dossier.cosigned = vec![cosign(&case, &whole, &case.asking.cosigner, COSIGNED_AT)];
    let verdict = judged(&case, &[]);
    assert_eq!((verdict.verdict, told(&verdict).len(), open(&verdict)), (Word::Verified, 0, true));

    let name = "witness.example".parse().unwrap();
    let seeds = [[1; 32], [2; 32]];
    let independent = Cosigner::new(
        &name,
        rogatory::crypto::ed25519::SigningKey::from_seed(&seeds[0]),
        rogatory::crypto::mldsa::SigningKey::from_seed(&seeds[1]),
    );
    assert_ne!(stranger.name(), independent.name());
    case.dossier.cosigned = vec![cosign(&case, &whole, &independent, COSIGNED_AT)];
    let verdict = judged(&case, &[]);
    assert_eq!((verdict.verdict, told(&verdict).len()), (Word::Verified, 0));
    assert!(verdict.limits.iter().any(|line| line.contains("2 further signature lines are by keys that neither")));
    let verdict = judged(&case, &[&independent]);
    assert_eq!((verdict.verdict, told(&verdict).len()), (Word::Verified, 1), "a key that the user gives counts");
}

#[test]
fn a_cosignature_that_does_not_hold_fails_by_name() {
    let mut case = Case::new();
    let whole = case.asking.log.linked(case.asking.log.tree.len());
    let other = cosign(&case, &case.asking.log.linked(2), &case.asked.cosigner, COSIGNED_AT);
    let text = String::from_utf8(other.note.0).unwrap();
    let line = text.lines().find(|line| line.contains("/witness")).unwrap();
    let mixed = [whole.note.0.clone(), format!("{line}\n").into_bytes()].concat();
    case.dossier.cosigned = vec![CheckpointPart { note: Bytes(mixed), link: whole.link.clone() }];
    let verdict = judged(&case, &[]);
    let failures = failures(&verdict);
    assert_eq!(verdict.verdict, Word::Failed);
    assert!(
        failures.iter().any(|check| check.contains("Every cosignature") && check.contains("checkpoints/5")),
        "{failures:#?}"
    );
}

#[test]
fn a_witness_that_states_a_time_before_the_records_under_it_is_not_passed_over() {
    let mut case = Case::new();
    let whole = case.asking.log.linked(case.asking.log.tree.len());
    case.dossier.cosigned = vec![cosign(&case, &whole, &case.asked.cosigner, "2026-05-01T00:00:00Z")];
    let verdict = judged(&case, &[]);
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
    let open = |check: &&rogatory::bag::verdict::Check| matches!(check.outcome, Outcome::NotChecked { .. });
    assert!(
        verdict
            .checks
            .iter()
            .filter(open)
            .any(|check| check.what.contains("The time that xb-moj.rogatory/witness states"))
    );
}
