//! Requests to a witness that another implementation made, each with its verdict, and what no request may do.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::custody::cosignature::log_line;
use crate::custody::parts::MerkleTree;
use crate::custody::tree::leaf_hash;

const VECTORS: &str = include_str!("../../../tests/vectors/custody/add-checkpoint.json");

fn stored(row: &Value) -> Option<Checkpoint> {
    let stored = row["stored"].as_object()?;
    let text = format!("xa-moj.rogatory/custody\n{}\n{}\n", stored["size"], stored["root"].as_str().unwrap());
    Some(Checkpoint::parse(&text).unwrap())
}

fn verdict(row: &Value, keys: &[VerifierKey]) -> Result<SignedCheckpoint, Refusal> {
    let request = AddCheckpoint::parse(row["request"].as_str().unwrap().as_bytes())?;
    let known = request.origin() == "xa-moj.rogatory/custody";
    judge(&request, known.then_some(keys), stored(row).as_ref())
}

fn word(verdict: &Result<SignedCheckpoint, Refusal>) -> (&'static str, u16) {
    match verdict {
        Ok(_) => ("cosigned", 200),
        Err(refusal) => {
            let word = match refusal {
                Refusal::Malformed => "malformed",
                Refusal::UnknownLog => "unknown-log",
                Refusal::NotSigned | Refusal::UnknownKey => "not-signed",
                Refusal::OldSizeBeyond => "old-beyond",
                Refusal::Conflict { .. } => "conflict",
                Refusal::Fork => "fork",
                Refusal::BadProof => "bad-proof",
            };
            (word, refusal.status())
        }
    }
}

#[test]
fn every_request_of_the_vectors_gets_its_verdict() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let keys = [vectors["log_key"].as_str().unwrap().parse().unwrap()];
    let rows = vectors["requests"].as_array().unwrap();
    assert_eq!(rows.len(), 27);
    for row in rows {
        let judged = verdict(row, &keys);
        assert_eq!(word(&judged).0, row["verdict"], "{}", row["name"]);
        if let Err(Refusal::Conflict { stored_size }) = judged {
            assert_eq!(stored_size, stored(row).map_or(0, |stored| stored.size()));
        }
        let text = row["request"].as_str().unwrap();
        if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
            assert_eq!(request.to_string(), text, "{}", row["name"]);
        }
    }
}

#[test]
fn a_refusal_has_the_status_of_the_specification() {
    let refusals = [
        (Refusal::Malformed, 400),
        (Refusal::UnknownLog, 404),
        (Refusal::NotSigned, 403),
        (Refusal::UnknownKey, 403),
        (Refusal::OldSizeBeyond, 400),
        (Refusal::Conflict { stored_size: 7 }, 409),
        (Refusal::Fork, 422),
        (Refusal::BadProof, 422),
    ];
    assert!(refusals.iter().all(|(refusal, status)| refusal.status() == *status));
    assert_eq!(conflict_body(20_852_163), "20852163\n");
    assert_eq!(parse_conflict_body(b"20852163\n"), Some(20_852_163));
    for bad in [&b"20852163"[..], b"+1\n", b"01\n", b"\n", b"1\n\n", b"18446744073709551616\n", b"\xff\n"] {
        assert_eq!(parse_conflict_body(bad), None);
    }
}

#[test]
fn what_is_to_be_stored_has_no_line_that_the_witness_cannot_check() {
    let name = "xa-moj.rogatory/custody".parse().unwrap();
    let (key, lasting) = (SigningKey::from_seed(&[1; 32]), crate::crypto::mldsa::SigningKey::from_seed(&[1; 32]));
    let signed = SignedCheckpoint::sign(&name, 9, Digest([9; 32]), &key);
    let second = log_line(&lasting, &signed).unwrap();
    let twice = signed.note().signatures()[0].clone();
    let both = signed.clone().with_lines([second, twice]);
    let request = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: both.note().clone() };
    let classic = VerifierKey::new(name.clone(), key.public_key());
    let known = [classic.clone()];
    assert_eq!(judge(&request, Some(&known), None).unwrap().note(), signed.note());
    let known = [classic, VerifierKey::ml_dsa_44(name, lasting.public_key().clone())];
    assert_eq!(judge(&request, Some(&known), None).unwrap().note().signatures().len(), 2);
    let other = Checkpoint::new(&"xb-moj.rogatory/custody".parse().unwrap(), 0, crate::custody::tree::empty_root());
    assert_eq!(judge(&request, Some(&known), Some(&other)), Err(Refusal::UnknownLog));
}

#[test]
fn the_example_of_the_specification_reads_back() {
    let example = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    let request = AddCheckpoint::parse(example.as_bytes()).unwrap();
    let read = (request.old_size, request.proof.len(), request.origin());
    assert_eq!(read, (20_852_014, 4, "example.com/behind-the-sofa"));
    assert_eq!(request.to_string(), example);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_log_that_only_grows_is_always_cosigned_and_never_from_another_tree(old in 0_u64..40, more in 0_u64..40, fork in 0_u64..40) {
        let key = SigningKey::from_seed(&[1; 32]);
        let name = "xa-moj.rogatory/custody".parse().unwrap();
        let new = old + more;
        let tree = MerkleTree::of((0..new).map(|leaf| leaf_hash(&leaf.to_be_bytes())));
        let older = MerkleTree::of((0..old).map(|leaf| leaf_hash(&leaf.to_be_bytes())));
        let signed = SignedCheckpoint::sign(&name, new, tree.root(), &key);
        let proof = crate::custody::tree::consistency_proof(old, new, |level, index| tree.node(level, index)).unwrap();
        let keys = [VerifierKey::new(name.clone(), key.public_key())];
        let request = AddCheckpoint { old_size: old, proof, checkpoint: signed.note().clone() };
        let stored = Checkpoint::new(&name, old, older.root());
        prop_assert_eq!(judge(&request, Some(&keys), Some(&stored)).unwrap(), signed);
        if fork < old {
            let leaves = (0..old).map(|leaf| leaf_hash(&if leaf == fork { u64::MAX } else { leaf }.to_be_bytes()));
            let forked = Checkpoint::new(&name, old, MerkleTree::of(leaves).root());
            prop_assert!(judge(&request, Some(&keys), Some(&forked)).is_err());
        }
    }

    #[test]
    fn reading_arbitrary_bytes_never_panics_and_what_is_read_is_canonical(head in "(old [0-9]{1,3}\n)?([A-Za-z0-9+/=]{0,44}\n){0,3}", raw in any::<Vec<u8>>()) {
        let _ = AddCheckpoint::parse(&raw);
        let text = format!("{head}\na\n\n\u{2014} n AAAAAAA=\n");
        if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
            prop_assert_eq!(request.to_string(), text);
        }
    }
}
