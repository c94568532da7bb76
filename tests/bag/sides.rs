//! The bags of both sides of one exchange, compared; and the checkpoints of a log, linked.

use std::path::Path;

use rogatory::bag::dossier::Bytes;
use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::bag::verify::{Given, verify, verify_both};
use rogatory::crypto::digest::sha256;
use rogatory::model::event::Event;
use rogatory::wire::record;

use crate::case::{Case, NOW, at};
use crate::target::failures;

fn both(case: &Case, first: &Path, second: &Path) -> Verdict {
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    verify_both([first, second], &given, at(NOW), &mut |_| {}).unwrap()
}

fn passed(verdict: &Verdict, words: &str) -> bool {
    verdict.checks.iter().any(|check| check.outcome == Outcome::Passed && check.what.contains(words))
}

#[test]
fn two_sides_of_one_exchange_agree_and_the_time_between_their_clocks_is_told() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b.tar"));
    case.export_as(&case.dossier, &a);
    std::fs::write(&b, case.archive(&case.senders)).unwrap();
    for (first, second) in [(&a, &b), (&b, &a)] {
        let verdict = both(&case, first, second);
        assert_eq!(verdict.verdict, Word::Verified, "{:#?}", verdict.checks);
        for words in [
            "The two bags are of one exchange",
            "the same bytes of rogatory/message.pb",
            "the same bytes of rogatory/request.pb",
            "the envelope that travelled",
            "2 files are in both bags",
            "of the log of XA-MOJ is what XA-MOJ shows itself (2 records)",
            "of the log of XB-MOJ is what XB-MOJ shows itself (2 records)",
            "The times that the two sides state agree",
        ] {
            assert!(passed(&verdict, words), "{words}: {:#?}", verdict.checks);
        }
        assert!(
            verdict.story.iter().any(|line| line.contains("60.000 s later by the two clocks")),
            "{:#?}",
            verdict.story
        );
    }
}

#[test]
fn bags_of_two_exchanges_are_said_to_be_of_two() {
    let (case, other) = (Case::new(), Case::numbered(99, 40));
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    case.export_as(&case.dossier, &a);
    other.export_as(&other.senders, &b);
    let verdict = both(&case, &a, &b);
    assert_eq!(verdict.verdict, Word::Failed);
    let failures = failures(&verdict);
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert!(failures[0].contains("they are of two"), "{failures:#?}");
}

#[test]
fn the_same_bag_twice_proves_nothing_of_the_other_side() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let verdict = both(&case, &bag, &bag);
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
    assert!(format!("{:?}", verdict.checks).contains("both bags were exported by the same authority"));
}

#[test]
fn a_side_that_shows_another_record_than_its_receipt_said_is_found() {
    let mut case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    case.export_as(&case.dossier, &a);
    // XB tells in its own bag that it received the request an hour later: a second history of the same length.
    let first = record::decode(&case.asked.log.entries[0].0).unwrap();
    let rest: Vec<_> = case.asked.log.entries[1..].iter().map(|(bytes, _)| record::decode(bytes).unwrap()).collect();
    case.asked.log.entries.clear();
    case.asked.log.tree = rogatory::custody::parts::MerkleTree::new();
    let mut later = first;
    later.at = later.at.plus_millis(3_600_000);
    case.asked.log.append(&later);
    rest.iter().for_each(|record| _ = case.asked.log.append(record));
    let log = &case.asked.log;
    case.senders.records = (0..log.tree.len()).map(|index| log.part(index)).collect();
    case.senders.checkpoint = Bytes(log.checkpoint().to_bytes());
    case.senders.cosigned = vec![log.linked(1)];
    case.export_as(&case.senders, &b);
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    for bag in [&a, &b] {
        let verdict = verify(bag, &given, at(NOW), &mut |_| {}).unwrap();
        assert_ne!(verdict.verdict, Word::Failed, "each by itself is whole: {:#?}", failures(&verdict));
    }
    let failures = failures(&both(&case, &a, &b));
    for words in ["two different roots for one size", "two different records are proven for one place"] {
        assert!(failures.iter().any(|check| check.contains(words)), "{words}: {failures:#?}");
    }
}

#[test]
fn a_clock_that_was_behind_is_named_and_one_that_was_far_behind_is_not_passed_over() {
    for (behind_ms, word) in [(5_000, Word::Verified), (3_600_000, Word::VerifiedInPart)] {
        let mut case = Case::new();
        let folder = tempfile::tempdir().unwrap();
        let log = &mut case.asked.log;
        let records: Vec<_> = log.entries.iter().map(|(bytes, _)| record::decode(bytes).unwrap()).collect();
        log.entries.clear();
        log.tree = rogatory::custody::parts::MerkleTree::new();
        for mut record in records {
            // Only the receipt of the request: the messages themselves carry their own times.
            if record.event == Event::MessageReceived && log.entries.is_empty() {
                record.at = rogatory::model::time::Timestamp::from_millis(record.at.as_millis() - 60_000 - behind_ms);
            }
            log.append(&record);
        }
        let log = &case.asked.log;
        case.dossier.receipts = [0, 2].map(|index| Bytes(log.receipt(index))).to_vec();
        case.dossier.peer_links = vec![log.linked(1)];
        case.senders.records = (0..log.tree.len()).map(|index| log.part(index)).collect();
        case.senders.checkpoint = Bytes(log.checkpoint().to_bytes());
        case.senders.cosigned = vec![log.linked(1)];
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        case.export_as(&case.dossier, &a);
        case.export_as(&case.senders, &b);
        let verdict = both(&case, &a, &b);
        assert_eq!(verdict.verdict, word, "{:#?}", verdict.checks);
        let words = format!("the clock of XB-MOJ is at least {}.000 s behind that of XA-MOJ", behind_ms / 1_000);
        assert!(verdict.story.iter().any(|line| line.contains(&words)), "{words}: {:#?}", verdict.story);
    }
}

#[test]
fn linked_checkpoints_are_told_as_one_history_and_a_link_that_does_not_hold_fails() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    let verdict = verify(&case.export(folder.path()), &given, at(NOW), &mut |_| {}).unwrap();
    assert!(verdict.story.iter().any(|line| line.contains("xa-moj.rogatory/custody is one history in this bag")));
    assert!(verdict.story.iter().any(|line| line.contains("xb-moj.rogatory/custody is one history in this bag")));
    assert!(!verdict.limits.iter().any(|line| line.contains("can be checked at the log itself")));

    let mut wrong = Case::new();
    wrong.dossier.cosigned[0].link.as_mut().unwrap().hashes[0] = Bytes(sha256(b"no").0.to_vec());
    let mut absent = Case::new();
    absent.dossier.peer_links[0].link.as_mut().unwrap().new_size = 77;
    for (case, words) in [(wrong, "not shown to be the beginning"), (absent, "the later checkpoint is not in the bag")]
    {
        let folder = tempfile::tempdir().unwrap();
        let given = Given { trusted_root: Some(case.root), ..Given::default() };
        let failures = failures(&verify(&case.export(folder.path()), &given, at(NOW), &mut |_| {}).unwrap());
        assert!(failures.iter().any(|check| check.contains(words)), "{words}: {failures:#?}");
    }
}

#[test]
fn without_links_the_bag_says_that_they_are_missing() {
    let mut case = Case::new();
    case.dossier.cosigned[0].link = None;
    let folder = tempfile::tempdir().unwrap();
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    let verdict = verify(&case.export(folder.path()), &given, at(NOW), &mut |_| {}).unwrap();
    assert_eq!(verdict.verdict, Word::Verified);
    assert!(verdict.limits.iter().any(|line| line.contains("that the log of 2 entries is the beginning")));
}
