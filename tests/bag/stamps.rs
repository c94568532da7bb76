//! Time-stamps in a bag: what they say, who must vouch for them, and every way in which one can be of something else. The tokens
//! are made by OpenSSL; their time is the machine's, which is later than the case.

use std::path::Path;
use std::process::Command;

use rogatory::bag::dossier::{Bytes, StampPart};
use rogatory::bag::stamps::openssl_command;
use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::crypto::digest::sha256;
use rogatory::crypto::timestamp::request;
use rogatory::exchange::act::Scene;
use rogatory::model::authority::Authority;
use rogatory::model::event::Event;
use rogatory::model::time::Timestamp;

use crate::case::{Case, NOW, at, directory, parts};
use crate::shell::{commands, shell};
use crate::target::failures;
use crate::tsa::{Plan, Tsa};

fn tsa() -> Tsa {
    Tsa::new("Arcadia", &Plan::default())
}

/// A stamp over the exporter's log as it was at that size.
fn stamp(case: &Case, tsa: &Tsa, size: u64) -> StampPart {
    let note = case.asking.log.linked(size).note;
    let token = Bytes(tsa.answer(&request(sha256(&note.0), size)));
    StampPart { note, token }
}

fn judge(case: &Case, anchors: &[&Tsa]) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    judge_bag(&bag, case, anchors)
}

fn judge_bag(bag: &Path, case: &Case, anchors: &[&Tsa]) -> Verdict {
    let time_stamp_anchors = anchors.iter().map(|tsa| tsa.anchor.clone()).collect();
    let given = Given { trusted_root: Some(case.root), time_stamp_anchors, ..Given::default() };
    verify(bag, &given, at(NOW), &mut |_| {}).unwrap()
}

fn passed(verdict: &Verdict, words: &str) -> bool {
    verdict.checks.iter().any(|check| check.outcome == Outcome::Passed && check.what.contains(words))
}

fn open(verdict: &Verdict, words: &str) -> bool {
    verdict.checks.iter().any(|check| matches!(&check.outcome, Outcome::NotChecked { why } if why.contains(words)))
}

/// A case with a stamp at `size`, linked.
fn stamped(tsa: &Tsa, size: u64) -> Case {
    let mut case = Case::new();
    case.dossier.time_stamps = vec![stamp(&case, tsa, size)];
    case.dossier.cosigned.push(case.asking.log.linked(size));
    case
}

#[test]
fn a_stamp_says_until_when_which_records_were_there() {
    let tsa = tsa();
    let case = stamped(&tsa, 4);
    let verdict = judge(&case, &[&tsa]);
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", verdict.checks);
    assert!(passed(&verdict, "The custody log of XA-MOJ had its first 4 entries on "), "{:#?}", verdict.checks);
    assert!(passed(&verdict, "says CN=Arcadia Time (a CA that you named vouches for it)"));
    assert!(passed(&verdict, "No record is dated after"));
    let story = verdict.story.join("\n");
    assert!(story.contains("Records 0 to 3 of the custody log xa-moj.rogatory/custody existed on "), "{story}");
    let limits = verdict.limits.join("\n");
    assert!(limits.contains("No time-stamp in the bag covers record"), "{limits}");
    assert!(limits.contains("revoked was not looked at"), "{limits}");
}

#[test]
fn a_stamp_for_which_nobody_vouches_makes_the_verdict_a_part_and_says_what_to_name() {
    let (tsa, stranger) = (tsa(), tsa());
    let case = stamped(&tsa, 4);
    let verdict = judge(&case, &[]);
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", verdict.checks);
    assert!(open(&verdict, "name one with --tsa-ca FILE"));
    assert!(!verdict.story.join("\n").contains("at the latest"));
    let verdict = judge(&case, &[&stranger]);
    assert_eq!(verdict.verdict, Word::VerifiedInPart);
    assert!(open(&verdict, "name another one with --tsa-ca FILE"));
    assert_eq!(judge(&case, &[&stranger, &tsa]).verdict, Word::Verified);
}

#[test]
fn the_directory_may_vouch_for_the_authority_and_openssl_judges_by_the_file_in_the_bag() {
    let tsa = tsa();
    let mut case = stamped(&tsa, 4);
    let vouching = Authority { time_stamp_issuers: vec![tsa.anchor.clone()], ..case.asking.authority.clone() };
    let (files, root, _) = directory(&[&vouching, &case.asked.authority], 99);
    case.dossier.directory = parts(&files);
    case.root = root;
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let verdict = judge_bag(&bag, &case, &[]);
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", verdict.checks);
    assert!(passed(&verdict, "(a CA that the directory lists for XA-MOJ vouches for it)"));
    assert!(passed(&verdict, "The time-stamp CAs of XA-MOJ in the bag are those of the directory"));

    let stem = "rogatory/logs/xa-moj.rogatory_custody/checkpoints/4";
    let answer = std::fs::read(bag.join(format!("{stem}.tsr"))).unwrap();
    let command = openssl_command(stem, &answer, "rogatory/certs/XA-MOJ.tsa.pem").unwrap();
    let run = || Command::new("sh").args(["-c", &command]).current_dir(&bag).output().unwrap();
    let said = run();
    assert!(said.status.success(), "{command}: {}", String::from_utf8_lossy(&said.stderr));
    let note = bag.join(format!("{stem}.note"));
    let changed = [std::fs::read(&note).unwrap(), b"\n".to_vec()].concat();
    std::fs::write(&note, changed).unwrap();
    assert!(!run().status.success());
}

#[test]
fn a_token_that_was_changed_or_is_over_something_else_fails_whoever_vouches() {
    let tsa = tsa();
    let good = stamped(&tsa, 4);
    let part = |case: &Case| case.dossier.time_stamps[0].clone();

    let mut tampered = stamped(&tsa, 4);
    *tampered.dossier.time_stamps[0].token.0.last_mut().unwrap() ^= 1;
    let mut other_note = stamped(&tsa, 4);
    other_note.dossier.time_stamps[0].note = good.asking.log.linked(3).note;
    other_note.dossier.cosigned.push(other_note.asking.log.linked(3));
    let mut garbage = stamped(&tsa, 4);
    garbage.dossier.time_stamps[0].token = Bytes(b"garbage".to_vec());
    let mut unsigned = stamped(&tsa, 4);
    // A letter of the log's signature, and a token over just that.
    let mut bytes = part(&unsigned).note.0;
    let place = bytes.len() - 10;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    unsigned.dossier.time_stamps[0] =
        StampPart { token: Bytes(tsa.answer(&request(sha256(&bytes), 1))), note: Bytes(bytes) };

    // Cases are large: they stay where they are, and are not moved over the stack.
    for (case, words) in [
        (&tampered, "signature of the time-stamp does not hold"),
        (&other_note, "over other bytes"),
        (&garbage, "no time-stamp (RFC 3161)"),
        (&unsigned, ""),
    ] {
        for anchors in [&[&tsa] as &[&Tsa], &[]] {
            let verdict = judge(case, anchors);
            assert_eq!(verdict.verdict, Word::Failed, "{words}: {:#?}", verdict.checks);
            assert!(failures(&verdict).iter().any(|why| format!("{why:?}").contains(words)), "{words}");
        }
    }
}

#[test]
fn a_log_that_showed_the_authority_another_history_is_caught() {
    let tsa = tsa();
    let case = stamped(&tsa, 4);
    let mut forked = Case::new();
    // The same log key, and another record in the fourth place.
    let record = Scene::node(&forked.asking.authority.id, at("2026-06-01")).record(Event::NodeStarted);
    let whole = std::mem::replace(&mut forked.asking.log.tree, rogatory::custody::parts::MerkleTree::new());
    for index in 0..3 {
        forked.asking.log.tree.push(whole.node(0, index).unwrap());
    }
    forked.asking.log.append(&record);
    let part = stamp(&forked, &tsa, 4);
    let mut mixed = case;
    mixed.dossier.time_stamps = vec![part];
    let verdict = judge(&mixed, &[&tsa]);
    assert_eq!(verdict.verdict, Word::Failed, "{:#?}", verdict.checks);
    assert!(format!("{:?}", failures(&verdict)).contains("another root for this size"));
}

#[test]
fn a_stamp_that_no_proof_leads_to_the_records_dates_none_of_them() {
    let tsa = tsa();
    let mut case = Case::new();
    case.dossier.time_stamps = vec![stamp(&case, &tsa, 4)];
    let verdict = judge(&case, &[&tsa]);
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", verdict.checks);
    assert!(open(&verdict, "no consistency proof leads"));
    assert!(!verdict.story.join("\n").contains("existed on"));
}

#[test]
fn an_earlier_token_in_the_log_below_a_later_one_is_a_renewal() {
    let (old, new) = (tsa(), Tsa::new("Borealia", &Plan::default()));
    let mut case = Case::new();
    let first = stamp(&case, &old, 4);
    let us = case.asking.authority.id.clone();
    let act = Scene::node(&us, at("2026-06-01T18:00:00Z")).time_stamped(
        "arcadia-time",
        first.note.0.clone(),
        first.token.0.clone(),
        Vec::new(),
    );
    case.asking.log.append(&act.record);
    case.refresh();
    let size = case.asking.log.tree.len();
    let second = stamp(&case, &new, size);
    case.dossier.cosigned.push(case.asking.log.linked(4));
    case.dossier.time_stamps = vec![first, second];
    let verdict = judge(&case, &[&old, &new]);
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", verdict.checks);
    assert!(passed(&verdict, "should the key of the first become weak after that, it still counts"));
    // With the second alone, every record is dated all the same: by its time.
    let verdict = judge(&case, &[&new]);
    let story = verdict.story.join("\n");
    assert!(story.contains("CN=Borealia Time signed the time") && !story.contains("Arcadia Time"), "{story}");
}

#[test]
fn a_record_dated_after_the_stamp_that_covers_it_shows_a_wrong_clock() {
    let tsa = tsa();
    let mut case = Case::new();
    let far = Timestamp::from_millis(rogatory::daemon::clock::now().as_millis() + 86_400_000);
    let record = Scene::node(&case.asking.authority.id, far).record(Event::NodeStarted);
    case.asking.log.append(&record);
    case.refresh();
    case.dossier.time_stamps = vec![stamp(&case, &tsa, case.asking.log.tree.len())];
    let verdict = judge(&case, &[&tsa]);
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", verdict.checks);
    assert!(open(&verdict, "a clock was wrong: record "));
}

#[test]
fn half_a_stamp_is_no_stamp_and_is_not_passed_over() {
    let tsa = tsa();
    let case = stamped(&tsa, 4);
    for missing in ["note", "tsr"] {
        let folder = tempfile::tempdir().unwrap();
        let bag = case.export(folder.path());
        std::fs::remove_file(bag.join(format!("rogatory/logs/xa-moj.rogatory_custody/checkpoints/4.{missing}")))
            .unwrap();
        let verdict = judge_bag(&bag, &case, &[&tsa]);
        assert_eq!(verdict.verdict, Word::Failed);
        // The manifests miss the file, too; here it is about the check of the stamp itself.
        let about = |check: &&rogatory::bag::verdict::Check| {
            check.file.as_deref().is_some_and(|file| file.contains("/checkpoints/4."))
                && !check.what.contains("manifest")
                && check.outcome != Outcome::Passed
        };
        assert!(verdict.checks.iter().any(|check| about(&check)), "{missing}: {:#?}", verdict.checks);
    }
}

#[test]
fn verify_md_gives_the_commands_for_each_stamp_and_the_report_its_time() {
    let tsa = tsa();
    let mut case = stamped(&tsa, 4);
    let vouching = Authority { time_stamp_issuers: vec![tsa.anchor.clone()], ..case.asking.authority.clone() };
    let folder = tempfile::tempdir().unwrap();
    let bare = case.export(folder.path());
    let count = |bag: &Path, words: &str| commands(bag).iter().filter(|command| command.starts_with(words)).count();
    let counts = |bag: &Path| [count(bag, "openssl ts -verify"), count(bag, "openssl ts -reply")];
    assert_eq!(counts(&bare), [0, 1], "nobody vouches for the authority; the reader is told to get its certificate");
    let (files, _, _) = directory(&[&vouching, &case.asked.authority], 99);
    case.dossier.directory = parts(&files);
    let bag = case.export_as(&case.dossier, &folder.path().join("vouched"));
    assert_eq!(counts(&bag), [1, 1]);
    let stamps: Vec<String> = commands(&bag).into_iter().filter(|command| command.starts_with("openssl ts")).collect();
    stamps.iter().for_each(|command| drop(shell(&bag, command).unwrap()));
    let answer = std::fs::read(bag.join("rogatory/logs/xa-moj.rogatory_custody/checkpoints/4.tsr")).unwrap();
    let time = rogatory::crypto::timestamp::TimeStamp::read(&answer).unwrap().claimed_time().to_string();
    assert!(std::fs::read_to_string(bag.join("rogatory/report.html")).unwrap().contains(&time));
    std::fs::write(bag.join("rogatory/logs/xa-moj.rogatory_custody/checkpoints/4.note"), b"another note").unwrap();
    assert!(shell(&bag, &stamps[0]).is_err());
}
