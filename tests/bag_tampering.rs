//! Attacks on a bag: by somebody who changes bytes, and by somebody who also writes new manifests. Every change is found,
//! or stands in the list of what the verdict does not cover.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "a test may panic")]

#[allow(dead_code, reason = "each test target uses a part of the case")]
#[path = "bag/case.rs"]
mod case;
#[path = "bag/mutations.rs"]
mod mutations;
#[path = "bag/target.rs"]
mod target;

use std::path::Path;

use case::{Case, NOW, at};
use rogatory::bag::folder::Folder;
use rogatory::bag::layout::is_plain_path;
use rogatory::bag::verdict::{Outcome, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::bag::writer::BagWriter;
use target::{Target, failures};

/// A few positions in a file: its ends, its middle, and some between.
/// `ROGATORY_SOAK` widens it; `mutations` draws others.
fn positions(bytes: usize) -> Vec<usize> {
    let parts = std::env::var("ROGATORY_SOAK").map_or(8, |_| 64);
    let mut all: Vec<usize> = (0..=parts).map(|part| (bytes - 1) * part / parts).collect();
    all.dedup();
    all
}

fn flipped(bytes: &[u8], position: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[position] ^= 1 << (position % 8);
    bytes
}

#[test]
fn any_flipped_bit_in_any_file_fails() {
    let target = Target::new();
    for (path, bytes) in &target.files {
        for position in positions(bytes.len()) {
            target.write(path, &flipped(bytes, position));
            assert_eq!(target.verify().verdict, Word::Failed, "{path} at {position}");
        }
        target.write(path, bytes);
    }
    assert_eq!(target.verify().verdict, Word::Verified);
}

#[test]
fn any_flipped_bit_fails_also_under_new_manifests() {
    let target = Target::new();
    target.cover_up();
    assert_eq!(target.verify().verdict, Word::Verified, "new manifests alone are no fault");
    let mut passed = Vec::new();
    for (path, bytes) in target.files.iter().filter(|(path, _)| !path.contains("manifest-sha")) {
        for position in positions(bytes.len()) {
            target.write(path, &flipped(bytes, position));
            target.cover_up();
            if target.verify().verdict != Word::Failed {
                passed.push(format!("{path} at {position}"));
            }
        }
        target.restore();
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn a_removed_file_is_missed_under_the_old_manifests() {
    let target = Target::new();
    for path in target.files.keys() {
        target.remove(path);
        let verdict = target.verify();
        assert_eq!(verdict.verdict, Word::Failed, "{path}");
        target.restore();
    }
}

/// Under new manifests, a part that is not there cannot be missed by its name. What is removed may cost the word
/// VERIFIED or leave it, but it never makes a claim appear that nothing stands behind.
#[test]
fn a_part_removed_under_new_manifests_fails_or_takes_its_claims_along() {
    let target = Target::new();
    let whole = target.verify().story;
    for path in target.files.keys().filter(|path| !path.contains("manifest-sha")) {
        target.remove(path);
        target.cover_up();
        let verdict = target.verify();
        if verdict.verdict != Word::Failed {
            let is_optional = [
                "rogatory/records/",
                "rogatory/receipts/",
                "rogatory/logs/",
                "rogatory/acceptance",
                "rogatory/request",
            ];
            assert!(is_optional.iter().any(|start| path.starts_with(start)), "{path} was not missed");
            let claims = |line: &&String| !line.starts_with("Condition ");
            assert!(
                verdict.story.iter().filter(claims).all(|line| whole.contains(line)),
                "{path}: {:#?}",
                verdict.story
            );
        }
        target.restore();
    }
}

#[test]
fn without_the_acceptance_the_condition_is_not_shown_to_be_accepted() {
    let target = Target::new();
    target.remove("rogatory/acceptance-1.pb");
    target.remove("rogatory/acceptance-1.pb.p7s");
    target.cover_up();
    let verdict = target.verify();
    let open = |check: &&rogatory::bag::verdict::Check| matches!(check.outcome, Outcome::NotChecked { .. });
    assert!(verdict.checks.iter().filter(open).any(|check| check.what.contains("accepted condition c1")));
    assert!(verdict.story.iter().any(|line| line.contains("not shown to be accepted")));
    assert!(!verdict.story.iter().any(|line| line.contains("accepted by")));
}

#[test]
fn an_added_file_fails_in_the_package_and_is_reported_beside_it() {
    let target = Target::new();
    target.write("data/0003/more.txt", b"more");
    assert_eq!(target.verify().verdict, Word::Failed);
    target.cover_up();
    assert_eq!(target.verify().verdict, Word::Failed, "the signed message does not name it");
    target.restore();
    for path in ["rogatory/more.txt", "more.txt", "rogatory/records/xa-moj.rogatory_custody/01.record"] {
        target.write(path, b"more");
        let verdict = target.verify();
        assert_eq!(verdict.verdict, Word::VerifiedInPart, "{path}");
        let reported = |check: &rogatory::bag::verdict::Check| {
            check.file.as_deref() == Some(path) && matches!(check.outcome, Outcome::NotChecked { .. })
        };
        assert!(verdict.checks.iter().any(reported), "{path}");
        target.restore();
    }
}

#[test]
fn two_files_that_changed_places_fail() {
    let target = Target::new();
    let same_kind = |a: &str, b: &str| {
        let extension = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        extension(a) == extension(b) && !a.contains("manifest-sha")
    };
    let paths: Vec<&String> = target.files.keys().collect();
    let mut swaps = 0;
    for pair in paths.windows(2).chain(paths.windows(4)) {
        let (a, b) = (pair[0], pair[pair.len() - 1]);
        if !same_kind(a, b) || target.files[a] == target.files[b] {
            continue;
        }
        swaps += 1;
        target.write(a, &target.files[b]);
        target.write(b, &target.files[a]);
        target.cover_up();
        assert_eq!(target.verify().verdict, Word::Failed, "{a} and {b}");
        target.restore();
    }
    assert!(swaps > 20, "{swaps}");
}

#[test]
fn a_record_under_the_salt_the_proof_or_the_index_of_another_proves_nothing() {
    let target = Target::new();
    let stem = |index: u64| format!("rogatory/records/xa-moj.rogatory_custody/{index}");
    for extension in ["salt", "tlog-proof", "record"] {
        let (here, there) = (format!("{}.{extension}", stem(0)), format!("{}.{extension}", stem(1)));
        target.write(&here, &target.files[&there]);
        target.cover_up();
        assert!(failures(&target.verify()).iter().any(|check| check.contains("holds this record")), "{extension}");
        target.restore();
    }
    for extension in ["salt", "tlog-proof", "record"] {
        let bytes = &target.files[&format!("{}.{extension}", stem(1))];
        target.write(&format!("{}.{extension}", stem(40)), bytes);
    }
    target.cover_up();
    assert!(failures(&target.verify()).iter().any(|check| check.contains("another record or log")));
}

#[test]
fn a_proof_of_the_other_authoritys_log_proves_nothing_here() {
    let target = Target::new();
    let (own, other) = ("rogatory/records/xa-moj.rogatory_custody/0", "rogatory/records/xb-moj.rogatory_custody/0");
    target.write(&format!("{own}.tlog-proof"), target.case.asked.log.proof(0).as_bytes());
    target.cover_up();
    assert_eq!(target.verify().verdict, Word::Failed);
    target.restore();
    for extension in ["salt", "tlog-proof", "record"] {
        target.write(&format!("{other}.{extension}"), &target.files[&format!("{own}.{extension}")]);
    }
    target.cover_up();
    assert_eq!(target.verify().verdict, Word::Failed);
}

#[test]
fn a_log_that_signed_two_roots_for_one_size_is_found() {
    let target = Target::new();
    let mut case = Case::new();
    // The same log with another second and third record, as a second history.
    let first = target.case.asked.log.entries[0].clone();
    case.asked.log.entries = vec![first.clone()];
    case.asked.log.tree =
        rogatory::custody::parts::MerkleTree::of([*target.case.asked.log.tree.leaves().first().unwrap()]);
    let record = rogatory::wire::record::decode(&first.0).unwrap();
    case.asked.log.append(&record);
    case.asked.log.append(&record);
    assert_eq!(case.asked.log.tree.len(), target.case.asked.log.tree.len());
    target.write("rogatory/receipts/xb-moj.rogatory_custody/2.receipt", &case.asked.log.receipt(2));
    target.cover_up();
    let failures = failures(&target.verify());
    assert!(failures.iter().any(|check| check.contains("two different roots")), "{failures:#?}");
}

#[test]
fn a_link_in_the_place_of_a_file_or_folder_is_refused() {
    let target = Target::new();
    let bag = target.folder.path().join("bag");
    for path in ["data/0001", "rogatory/message.pb", "data/0002/_disk.img"] {
        let outside = target.folder.path().join("outside");
        std::fs::rename(bag.join(path), &outside).unwrap();
        std::os::unix::fs::symlink(&outside, bag.join(path)).unwrap();
        let failures = failures(&target.verify());
        assert!(failures.iter().any(|check| check.contains("it is a link")), "{path}: {failures:#?}");
        std::fs::remove_file(bag.join(path)).unwrap();
        std::fs::rename(&outside, bag.join(path)).unwrap();
    }
    assert_eq!(target.verify().verdict, Word::Verified);
}

#[test]
fn a_manifest_that_names_a_file_outside_the_bag_is_refused_and_the_file_not_read() {
    let target = Target::new();
    let manifest = String::from_utf8(target.files["manifest-sha256.txt"].clone()).unwrap();
    let hex = "0".repeat(64);
    for path in ["../outside", "/etc/hostname", "data/../../outside", "data//x", "data/./x"] {
        assert!(!is_plain_path(path));
        target.write("manifest-sha256.txt", format!("{manifest}{hex}  {path}\n").as_bytes());
        let failures = failures(&target.verify());
        assert!(failures.iter().any(|check| check.contains("leads out of the bag")), "{path}: {failures:#?}");
    }
}

#[test]
fn a_tag_file_of_a_huge_size_is_refused_and_not_read_into_memory() {
    let target = Target::new();
    for path in ["rogatory/message.pb", "rogatory/logs/xa-moj.rogatory_custody/checkpoint", "bagit.txt"] {
        let file = std::fs::OpenOptions::new().write(true).open(target.folder.path().join("bag").join(path)).unwrap();
        file.set_len(64 << 20).unwrap();
        let failures = failures(&target.verify());
        assert!(failures.iter().any(|check| check.contains("larger than")), "{path}: {failures:#?}");
        target.restore();
    }
}

#[test]
fn a_whole_bag_of_a_forger_with_his_own_keepers_fails_against_the_true_root() {
    let (target, forger) = (Target::new(), Case::kept_by(66));
    let folder = tempfile::tempdir().unwrap();
    let bag = forger.export(folder.path());
    let judged = |root| verify(&bag, &Given { trusted_root: Some(root), ..Given::default() }, at(NOW), &mut |_| {});
    assert_eq!(judged(forger.root).unwrap().verdict, Word::Verified, "by his own root it is whole");
    let verdict = judged(target.case.root).unwrap();
    assert!(failures(&verdict).iter().any(|check| check.contains("trusted fingerprint")));
    assert!(!verdict.story.iter().any(|line| line.starts_with("Sent by")), "{:#?}", verdict.story);
}

#[test]
fn a_signature_of_a_certificate_that_the_directory_knows_as_revoked_fails() {
    let mut target = Target::new();
    let (asking, asked) = (&target.case.asking, &target.case.asked);
    let (files, _, _) = case::directory(&[&asking.authority, &asked.revoked()], 99);
    target.case.dossier.directory = case::parts(&files);
    let folder = tempfile::tempdir().unwrap();
    let bag = target.case.export(folder.path());
    let given = Given { trusted_root: Some(target.case.root), ..Given::default() };
    let failures = failures(&verify(&bag, &given, at(NOW), &mut |_| {}).unwrap());
    assert_eq!(failures.iter().filter(|check| check.contains("revoked since 2026-06-01")).count(), 2, "{failures:#?}");
}

#[test]
fn years_later_the_bag_still_holds_and_says_what_it_cannot_know() {
    let target = Target::new();
    let given = Given { trusted_root: Some(target.case.root), ..Given::default() };
    let verdict = verify(&target.folder.path().join("bag"), &given, at("2036-01-01"), &mut |_| {}).unwrap();
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", failures(&verdict));
    assert!(verdict.limits.iter().any(|line| line.contains("revocation list of XB-MOJ in the bag ended")));
    assert!(verdict.limits.iter().any(|line| line.contains("not in force any more")));
}

#[test]
fn the_verifier_writes_nothing_outside_and_a_path_that_is_nothing_is_an_error() {
    let target = Target::new();
    let before = Folder::list(target.folder.path()).unwrap().paths().count();
    target.verify();
    assert_eq!(Folder::list(target.folder.path()).unwrap().paths().count(), before);
    for path in ["bag/rogatory", "bag/bagit.txt", "nowhere"] {
        let path: &Path = &target.folder.path().join(path);
        assert!(verify(path, &Given::default(), at(NOW), &mut |_| {}).is_err());
    }
}

/// What somebody can change, with new manifests, under the word VERIFIED: each is outside of what the verdict claims.
#[test]
fn what_the_verdict_does_not_cover_is_exactly_this() {
    let target = Target::new();
    let text = |path: &str| String::from_utf8(target.files[path].clone()).unwrap();
    let verified_with = |path: &str, bytes: &str| {
        target.write(path, bytes.as_bytes());
        target.cover_up();
        let verdict = target.verify();
        assert_eq!(verdict.verdict, Word::Verified, "{path}: {:#?}", failures(&verdict));
        target.restore();
    };
    // White space around the signed part of a directory's file: TUF signs the canonical form.
    let root = "rogatory/directory/metadata/1.root.json";
    verified_with(root, &(text(root) + " \n"));
    // The instant of export, in all places that name it: the exporter's own word, and told as that.
    let elsewhere = tempfile::tempdir().unwrap();
    let later = elsewhere.path().join("bag");
    let mut writer = BagWriter::create(&later, &target.case.dossier, at("2026-06-03T12:00:00Z")).unwrap();
    for (number, content) in (1..).zip(&target.case.contents) {
        writer.put(number, &mut content.as_slice()).unwrap();
    }
    writer.finish().unwrap();
    let differs = |path: &&String| std::fs::read(later.join(path)).unwrap() != target.files[*path];
    let changed: Vec<_> = target.files.keys().filter(differs).collect();
    assert!(changed.iter().any(|path| *path == "rogatory/VERIFY.md"));
    changed.iter().for_each(|path| target.write(path, &std::fs::read(later.join(path)).unwrap()));
    target.cover_up();
    assert_eq!(target.verify().verdict, Word::Verified, "{:#?}", failures(&target.verify()));
}

/// C2SP says that nothing covers a signature line of a key that nobody trusts, and the `extra` line of a proof. The texts for
/// people name the digest of each such file, so that even this is seen; by them alone.
#[test]
fn what_no_signature_covers_is_seen_by_the_texts_for_people() {
    let target = Target::new();
    let text = |path: &str| String::from_utf8(target.files[path].clone()).unwrap();
    let proof = "rogatory/records/xa-moj.rogatory_custody/0.tlog-proof";
    let checkpoint = "rogatory/logs/xa-moj.rogatory_custody/checkpoint";
    let stranger = "\u{2014} stranger.example AAAAAAAA\n";
    for (path, bytes) in [
        (checkpoint, text(checkpoint) + stranger),
        (proof, text(proof) + stranger),
        (proof, text(proof).replacen('\n', "\nextra AAAA\n", 1)),
    ] {
        target.write(path, bytes.as_bytes());
        target.cover_up();
        let verdict = target.verify();
        assert_eq!(verdict.verdict, Word::Failed, "{path}");
        let failures = failures(&verdict);
        assert!(failures.iter().all(|check| check.contains("The text for people")), "{path}: {failures:#?}");
        target.restore();
    }
}

#[test]
fn a_bag_without_its_directory_says_that_nobody_vouches_for_it() {
    let target = Target::new();
    for path in target.files.keys().filter(|path| path.starts_with("rogatory/directory/")) {
        target.remove(path);
    }
    target.cover_up();
    let verdict = target.verify();
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
    assert!(!verdict.story.iter().any(|line| line.starts_with("Sent by") || line.contains("accepted by")));
    let open = |check: &&rogatory::bag::verdict::Check| matches!(check.outcome, Outcome::NotChecked { .. });
    for words in ["signed rogatory/message.pb", "holds this record", "accepted condition c1", "arrived whole"] {
        assert!(verdict.checks.iter().filter(open).any(|check| check.what.contains(words)), "{words}");
    }
}

#[test]
fn a_record_dated_long_before_the_one_above_it_is_told_and_not_passed_over() {
    let mut target = Target::new();
    let log = &mut target.case.asking.log;
    let mut late = rogatory::wire::record::decode(&log.entries[4].0).unwrap();
    late.at = at("2026-06-01T08:00:00Z");
    let index = log.append(&late);
    assert_eq!(index, 5);
    target.case.refresh();
    let folder = tempfile::tempdir().unwrap();
    let bag = target.case.export(folder.path());
    let given = Given { trusted_root: Some(target.case.root), ..Given::default() };
    let verdict = verify(&bag, &given, at(NOW), &mut |_| {}).unwrap();
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
    assert!(format!("{:?}", verdict.checks).contains("record 5 of XA-MOJ is dated before record 4"));
}
