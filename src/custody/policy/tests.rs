//! Policies: the file of vectors line by line, the example of the specification, and what a quorum of random groups means.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::crypto::mldsa;
use crate::custody::note::KeyName;
use crate::model::time::Timestamp;

const VECTORS: &str = include_str!("../../../tests/vectors/custody/policies.json");

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

/// The placeholders of the vectors: `{L}` an Ed25519 log, `{M}` an ML-DSA-44 key, `{0}` to `{9}` Ed25519 witnesses.
fn filled(text: &str) -> String {
    let log = VerifierKey::new(name("log"), SigningKey::from_seed(&[100; 32]).public_key());
    let lasting = mldsa::SigningKey::from_seed(&[101; 32]).public_key().clone();
    let text = text.replace("{L}", &log.to_string());
    let text = text.replace("{M}", &VerifierKey::ml_dsa_44(name("lasting"), lasting).to_string());
    (0..10_u8).fold(text, |text, number| text.replace(&format!("{{{number}}}"), &witness(number).to_string()))
}

fn witness(number: u8) -> VerifierKey {
    VerifierKey::ed25519_cosigner(name(&format!("witness/{number}")), SigningKey::from_seed(&[number; 32]).public_key())
}

fn by(numbers: impl IntoIterator<Item = u8>) -> Vec<Cosigned> {
    let cosigned = numbers.into_iter().map(witness).map(|key| Cosigned {
        name: key.name().to_owned(),
        key_id: key.id(),
        algorithm: key.algorithm(),
        at: Some(Timestamp::from_millis(1_000)),
    });
    cosigned.collect()
}

#[test]
fn every_policy_of_the_vectors_is_read_or_refused_at_its_line() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let good = vectors["good"].as_array().unwrap();
    for row in good {
        let policy = Policy::parse(filled(row["text"].as_str().unwrap()).as_bytes()).unwrap();
        let numbers =
            |set: &Value| set.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as u8).collect::<Vec<_>>();
        for (field, expected) in [("enough", true), ("too_few", false)] {
            for set in row[field].as_array().unwrap() {
                assert_eq!(policy.satisfied_by(&by(numbers(set))), expected, "{} {set}", row["name"]);
            }
        }
    }
    let bad = vectors["bad"].as_array().unwrap();
    for row in bad {
        let refused =
            Policy::parse(filled(row["text"].as_str().unwrap()).as_bytes()).expect_err(row["name"].as_str().unwrap());
        assert_eq!((refused.line as u64, row["name"].as_str()), (row["line"].as_u64().unwrap(), row["name"].as_str()));
        assert!(refused.to_string().contains(row["says"].as_str().unwrap()), "{}: {refused}", row["name"]);
    }
    assert_eq!((good.len(), bad.len()), (7, 27));
}

#[test]
fn names_are_octets_and_keys_and_urls_are_kept() {
    let text = filled("log {L} https://log.example/\nwitness W\u{e9} {1} https://w.example/\nquorum W\u{e9}\n");
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let policy = Policy::parse(&latin1).unwrap();
    assert!(policy.satisfied_by(&by([1])) && !policy.satisfied_by(&by([2])));
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://w.example/"));
    assert_eq!((policy.log_keys().len(), policy.witness_keys()), (1, vec![witness(1)]));
}

#[test]
fn a_cosignature_of_the_same_name_and_another_key_does_not_count() {
    let policy = Policy::parse(filled("witness a {1}\nquorum a\n").as_bytes()).unwrap();
    let mut forged = by([1]);
    forged[0].key_id[0] ^= 1;
    assert!(!policy.satisfied_by(&forged));
    let mut renamed = by([1]);
    renamed[0].name.push('x');
    assert!(!policy.satisfied_by(&renamed));
}

#[test]
fn a_policy_beyond_the_limits_is_refused() {
    let long = vec![b'#'; POLICY_BYTES_MAX + 1];
    assert_eq!(Policy::parse(&long).unwrap_err().fault, PolicyFault::TooLarge);
    let groups: String = (0..=POLICY_NAMES_MAX)
        .map(|n| format!("group g{} any {}\n", n + 1, if n == 0 { "a".to_owned() } else { format!("g{n}") }))
        .collect();
    let text = filled("witness a {1}\n") + &groups;
    let refused = Policy::parse(text.as_bytes()).unwrap_err();
    assert_eq!((refused.line, refused.fault), (POLICY_NAMES_MAX + 1, PolicyFault::TooLarge));
}

proptest! {
    #[test]
    fn a_group_is_met_when_enough_of_its_members_are(members in 1_usize..10, least in 1_usize..10, signed in any::<[bool; 10]>()) {
        let lines: String = (0..members).map(|n| format!("witness w{n} {{{n}}}\n")).collect();
        let names: String = (0..members).map(|n| format!(" w{n}")).collect();
        let text = filled(&format!("{lines}group g {least}{names}\nquorum g\n"));
        let policy = Policy::parse(text.as_bytes());
        if least > members {
            prop_assert_eq!(policy.unwrap_err().fault, PolicyFault::Threshold);
        } else {
            let signers: Vec<u8> = (0..members as u8).filter(|n| signed[usize::from(*n)]).collect();
            let enough = signers.len() >= least;
            prop_assert_eq!(policy.unwrap().satisfied_by(&by(signers)), enough);
        }
    }

    #[test]
    fn one_more_cosignature_never_breaks_a_quorum(signed in any::<[bool; 6]>(), more in 0_u8..6) {
        let text = filled("witness a {0}\nwitness b {1}\nwitness c {2}\ngroup x 2 a b c\nwitness d {3}\nwitness e {4}\n\
            witness f {5}\ngroup y any d e f\ngroup z all x y\nquorum z\n");
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let signers: Vec<u8> = (0..6).filter(|n| signed[usize::from(*n)]).collect();
        let before = policy.satisfied_by(&by(signers.clone()));
        let after = policy.satisfied_by(&by(signers.into_iter().chain([more])));
        prop_assert!(after || !before);
    }

    #[test]
    fn reading_arbitrary_bytes_never_panics(raw in any::<Vec<u8>>(), text in "((log|witness|group|quorum|#|none|all|any|[0-9]|a|b|[ \t])*\n){0,6}") {
        let _ = Policy::parse(&raw);
        let _ = Policy::parse(text.as_bytes());
    }
}
