//! Honest logs with restarts and late messages accuse nobody; forking, shrinking and lying ones are found.

use proptest::prelude::*;

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::custody::note::KeyName;
use crate::custody::parts::MerkleTree;
use crate::custody::tree::{consistency_proof, leaf_hash};

/// A log that remembers every state that it ever signed.
#[derive(Clone)]
struct Log {
    origin: KeyName,
    leaves: Vec<Digest>,
}

impl Log {
    fn new(entries: u64) -> Self {
        let origin = "xa-moj.rogatory/custody".parse().unwrap();
        let mut log = Self { origin, leaves: Vec::new() };
        log.grow(entries, 0);
        log
    }

    fn grow(&mut self, entries: u64, branch: u8) {
        for _ in 0..entries {
            let number = self.leaves.len().to_be_bytes();
            self.leaves.push(leaf_hash(&[&[branch][..], &number].concat()));
        }
    }

    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn root_at(&self, size: u64) -> Option<Digest> {
        let leaves = self.leaves.get(..usize::try_from(size).ok()?)?;
        Some(MerkleTree::of(leaves.iter().copied()).root())
    }

    fn signed_at(&self, size: u64) -> SignedCheckpoint {
        SignedCheckpoint::sign(&self.origin, size, self.root_at(size).unwrap(), &SigningKey::from_seed(&[3; 32]))
    }

    fn signed(&self) -> SignedCheckpoint {
        self.signed_at(self.size())
    }

    /// As an honest node answers.
    fn answer(&self, question: &Question) -> Answer {
        let (old, new) = (question.old_size(), question.new_size());
        if new > self.size() {
            return Answer::Refused(RefusalCode::BadRange);
        }
        let tree = MerkleTree::of(self.leaves.iter().copied());
        Answer::Proof(consistency_proof(old, new, |level, index| tree.node(level, index)).unwrap())
    }
}

fn ask(log: &Log, one: &SignedCheckpoint, other: &SignedCheckpoint) -> Finding {
    match compare(one, other) {
        Seen::Known => Finding::Open,
        Seen::Fork(evidence) => Finding::Evidence(*evidence),
        Seen::Unlinked => {
            let question = Question::about(one, other).unwrap();
            let answer = log.answer(&question);
            question.answered(answer)
        }
    }
}

fn fault(finding: Finding) -> Option<Fault> {
    match finding {
        Finding::Evidence(evidence) => Some(evidence.fault()),
        Finding::Linked(_) | Finding::Open => None,
    }
}

proptest! {
    /// Everything that an honest log ever signed, in any order, as late as you like, against any later state of the log.
    #[test]
    fn an_honest_log_is_never_accused(growth in proptest::collection::vec(1_u64..9, 1..12), order in any::<Vec<(u8, u8)>>()) {
        let (mut log, mut signed) = (Log::new(1), Vec::new());
        for entries in growth {
            signed.push(log.signed());
            log.grow(entries, 0);
        }
        signed.push(log.signed());
        for (one, other) in order {
            let pick = |place: u8| &signed[usize::from(place) % signed.len()];
            prop_assert_eq!(fault(ask(&log, pick(one), pick(other))), None);
            prop_assert_eq!(mirror(pick(one), log.size(), |size| log.root_at(size)), Some(Mirror::Prefix));
        }
    }

    /// A restart loses what was never acknowledged, and nothing that was signed: the log grows on otherwise, and is honest.
    #[test]
    fn a_restart_that_loses_what_was_never_signed_accuses_nobody(before in 1_u64..40, lost in 0_u64..9, after in 0_u64..40) {
        let mut log = Log::new(before);
        let told = log.signed();
        let mut crashed = log.clone();
        crashed.grow(lost, 0);
        drop(crashed);
        log.grow(after, 1);
        prop_assert_eq!(fault(ask(&log, &told, &log.signed())), None);
        prop_assert_eq!(mirror(&told, log.size(), |size| log.root_at(size)), Some(Mirror::Prefix));
    }

    /// Two histories that part after `common` entries, one shown to each peer: whatever the log answers, it is found.
    #[test]
    fn a_fork_that_is_shown_to_two_peers_is_found(common in 0_u64..30, left in 1_u64..30, right in 1_u64..30, serves_left: bool) {
        let base = Log::new(common);
        let (mut one, mut two) = (base.clone(), base);
        one.grow(left, 1);
        two.grow(right, 2);
        let serving = if serves_left { &one } else { &two };
        let found = fault(ask(serving, &one.signed(), &two.signed()));
        prop_assert!(found.is_some(), "{common} {left} {right}");
        if left == right {
            prop_assert_eq!(found, Some(Fault::Fork));
        }
    }

    /// A log that was put back knows less than it signed: the witness sees it, and so does the log itself.
    #[test]
    fn a_log_that_was_put_back_is_found_by_both_sides(kept in 1_u64..30, lost in 1_u64..30, since in 0_u64..60) {
        let mut before = Log::new(kept);
        let backup = before.clone();
        before.grow(lost, 0);
        let held = before.signed();
        let mut after = backup;
        after.grow(since, 1);
        let found = fault(ask(&after, &held, &after.signed()));
        // With no entry since, an older checkpoint that was late looks the same, until the log is asked.
        prop_assert!(found.is_some(), "{kept} {lost} {since}");
        let expected = if since < lost { Mirror::Shrunk } else { Mirror::Forked };
        prop_assert_eq!(mirror(&held, after.size(), |size| after.root_at(size)), Some(expected));
    }

    #[test]
    fn a_proof_of_noise_links_nothing(old in 1_u64..40, more in 1_u64..40, noise in proptest::collection::vec(any::<[u8; 32]>(), 0..9)) {
        let log = Log::new(old + more);
        let (earlier, later) = (log.signed_at(old), log.signed());
        let hashes: Vec<Digest> = noise.into_iter().map(Digest).collect();
        let question = Question::about(&earlier, &later).unwrap();
        let Finding::Evidence(evidence) = question.answered(Answer::Proof(hashes.clone())) else { panic!("linked by noise") };
        prop_assert_eq!((evidence.fault(), evidence.weight()), (Fault::Unproven, Weight::Suspicion));
        prop_assert!(Link::check(&earlier, &later, hashes).is_err());
    }
}

#[test]
fn a_fork_is_proof_by_itself_and_an_accusation_that_a_proof_refutes_is_nothing() {
    let (mut one, mut two) = (Log::new(5), Log::new(5));
    one.grow(2, 1);
    two.grow(2, 2);
    let fork = Evidence::of(Fault::Fork, &one.signed(), &two.signed());
    assert_eq!(fork.weight(), Weight::Proof);
    assert_eq!(Evidence::of(Fault::Fork, &one.signed_at(5), &two.signed()).weight(), Weight::Nothing);
    let question = Question::about(&one.signed_at(5), &one.signed()).unwrap();
    let Answer::Proof(proof) = one.answer(&question) else { panic!("no proof") };
    let good = Evidence { fault: Fault::Unproven, earlier: one.signed_at(5), later: one.signed(), proof };
    assert_eq!(good.weight(), Weight::Nothing);
}

#[test]
fn silence_and_other_refusals_accuse_nobody() {
    let log = Log::new(9);
    let question = || Question::about(&log.signed_at(4), &log.signed()).unwrap();
    assert_eq!(question().answered(Answer::None), Finding::Open);
    for code in RefusalCode::ALL.iter().filter(|code| **code != RefusalCode::BadRange) {
        assert_eq!(question().answered(Answer::Refused(*code)), Finding::Open);
    }
}

#[test]
fn there_is_nothing_to_ask_about_the_empty_log_the_same_checkpoint_and_another_log() {
    let log = Log::new(9);
    let empty = Log::new(0).signed();
    assert_eq!(compare(&log.signed(), &empty), Seen::Known);
    assert_eq!(compare(&empty, &log.signed()), Seen::Unlinked);
    assert_eq!(Question::about(&empty, &log.signed()), None);
    assert_eq!(Question::about(&log.signed(), &log.signed()), None);
    let mut other = Log::new(8);
    other.origin = "xb-moj.rogatory/custody".parse().unwrap();
    assert_eq!(compare(&log.signed(), &other.signed()), Seen::Known);
    assert_eq!(Question::about(&log.signed(), &other.signed()), None);
}

#[test]
fn a_log_that_had_its_empty_tree_cosigned_first_is_watched_all_the_same() {
    let empty = Log::new(0).signed_at(0);
    let grown = Log::new(3).signed_at(3);
    assert!(Question::about(&empty, &grown).is_none(), "nothing can be asked from there");
    assert!(is_new(None) && is_new(Some(&empty)) && !is_new(Some(&grown)));
}
