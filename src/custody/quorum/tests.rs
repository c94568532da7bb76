//! Quorums over real signatures: enough, too few, false ones, and witnesses whose clock is wrong.

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::crypto::mldsa;
use crate::custody::cosignature::Cosigner;
use crate::custody::note::KeyName;
use crate::custody::parts::MerkleTree;
use crate::custody::tree::leaf_hash;

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn cosigner(number: u8) -> Cosigner {
    let lasting = mldsa::SigningKey::from_seed(&[number; 32]);
    Cosigner::new(&name(&format!("w{number}")), SigningKey::from_seed(&[number; 32]), lasting)
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1_000)
}

fn log() -> (KeyName, SigningKey, VerifierKey) {
    let (name, key) = (name("log"), SigningKey::from_seed(&[9; 32]));
    let verifier = VerifierKey::new(name.clone(), key.public_key());
    (name, key, verifier)
}

fn tree() -> MerkleTree {
    MerkleTree::of((0..9_u8).map(|leaf| leaf_hash(&[leaf])))
}

fn signed() -> SignedCheckpoint {
    let (name, key, _) = log();
    SignedCheckpoint::sign(&name, tree().len(), tree().root(), &key)
}

fn cosigned(by: &[(u8, u64)]) -> SignedCheckpoint {
    let lines = |(number, secs): &(u8, u64)| cosigner(*number).cosign(&signed(), at(*secs), &[0; 32]).unwrap();
    signed().with_lines(by.iter().flat_map(lines))
}

/// Two of three witnesses, each by either of its keys.
fn policy() -> Policy {
    let mut text = format!("log {}\n", log().2);
    for number in 1..=3 {
        let [classic, lasting] = cosigner(number).verifier_keys();
        text += &format!(
            "witness c{number} {classic}\nwitness l{number} {lasting}\ngroup w{number} any c{number} l{number}\n"
        );
    }
    Policy::parse((text + "group most 2 w1 w2 w3\nquorum most\n").as_bytes()).unwrap()
}

#[test]
fn a_checkpoint_that_enough_witnesses_cosigned_meets_the_policy_and_tells_who_and_when() {
    let note = cosigned(&[(3, 300), (1, 100), (3, 200)]).to_bytes();
    let (checkpoint, quorum) = open(&note, &policy()).unwrap();
    assert_eq!(checkpoint.checkpoint().size(), 9);
    assert_eq!(quorum.lines.len(), 6);
    let told: Vec<_> =
        quorum.witnesses.iter().map(|one| (one.name.as_str(), one.algorithms.len(), one.first, one.last)).collect();
    assert_eq!(told, [("w1", 2, Some(at(100)), Some(at(100))), ("w3", 2, Some(at(200)), Some(at(300)))]);
}

#[test]
fn too_few_witnesses_or_lines_of_strangers_do_not_meet_it() {
    for by in [&[][..], &[(1, 1)], &[(1, 1), (1, 2)], &[(1, 1), (4, 1), (5, 1)]] {
        assert_eq!(open(&cosigned(by).to_bytes(), &policy()).unwrap_err(), QuorumError::TooFew, "{by:?}");
    }
}

#[test]
fn one_false_line_of_a_known_witness_refuses_the_whole_even_where_enough_others_hold() {
    let mut text = cosigned(&[(1, 1), (2, 1), (3, 1)]).note().to_string();
    let at = text.len() - 100;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    text.replace_range(at..=at, other);
    assert_eq!(open(text.as_bytes(), &policy()).unwrap_err(), QuorumError::Cosignature(NoteError::BadSignature));
}

#[test]
fn a_checkpoint_of_a_log_that_the_policy_does_not_list_is_refused() {
    let other = SignedCheckpoint::sign(&name("log"), 9, tree().root(), &SigningKey::from_seed(&[8; 32]));
    assert!(matches!(open(&other.to_bytes(), &policy()), Err(QuorumError::Checkpoint(_))));
    assert!(matches!(open(b"nothing", &policy()), Err(QuorumError::Checkpoint(_))));
}

#[test]
fn a_proof_is_judged_with_the_cosignatures_of_its_checkpoint() {
    let proof = |checkpoint: &SignedCheckpoint| TlogProof::new(4, tree().prove(4).unwrap(), checkpoint);
    let leaf = leaf_hash(&[4]);
    let (included, quorum) = prove(&proof(&cosigned(&[(1, 5), (2, 5)])), &leaf, &policy()).unwrap();
    assert_eq!((included.index(), quorum.witnesses.len()), (4, 2));
    assert_eq!(prove(&proof(&cosigned(&[(1, 5)])), &leaf, &policy()).unwrap_err(), QuorumError::TooFew);
    let other = prove(&proof(&cosigned(&[(1, 5), (2, 5)])), &leaf_hash(&[5]), &policy());
    assert!(matches!(other, Err(QuorumError::Proof(TlogProofError::NotIncluded))));
}

#[test]
fn a_witness_whose_time_lies_in_the_future_is_named() {
    let checkpoint = cosigned(&[(1, 100), (2, 1_000)]);
    let quorum = Quorum::of(&checkpoint, &policy().witness_keys()).unwrap();
    let ahead: Vec<_> = quorum.ahead_of(at(100), 600_000).map(|one| one.name.as_str()).collect();
    assert_eq!(ahead, ["w2"]);
    assert_eq!(quorum.ahead_of(at(400), 600_000).count(), 0);
}
