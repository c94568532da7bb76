//! A bag made of a real case: verified by us, by bagit, sha256sum and OpenSSL with the very commands of its VERIFY.md,
//! and refused after any change. `tests/judges/install.sh` installs the judges; a judge that is missing fails the test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "a test may panic")]

#[allow(dead_code, reason = "each test target uses a part of the case")]
#[path = "bag/case.rs"]
mod case;
#[path = "bag/shell.rs"]
mod shell;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use case::{Case, EXPORTED, NOW, at};
use rogatory::bag::dossier::{Bytes, SignedPart};
use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::bag::writer::{BagWriter, WriteError};
use rogatory::model::message::{Body, Message};
use rogatory::wire::message;
use shell::{commands, shell};

fn judged(case: &Case, bag: &Path) -> Verdict {
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    verify(bag, &given, at(NOW), &mut |_| {}).unwrap()
}

#[test]
fn a_whole_bag_is_verified_and_tells_its_story() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let verdict = judged(&case, &case.export(folder.path()));
    let bad: Vec<_> = verdict.checks.iter().filter(|check| check.outcome != Outcome::Passed).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(verdict.verdict, Word::Verified);
    let story = verdict.story.join("\n");
    for part in [
        "Sent by XB-MOJ to XA-MOJ",
        "XA-MOJ: received and verified on",
        "XA-MOJ: handed over to an officer on",
        "by officer Ana Kovar",
        "accepted by XA-MOJ",
        "Kontoauszug März.csv",
    ] {
        assert!(story.contains(part), "{part} is not in\n{story}");
    }
}

#[test]
fn without_a_root_from_elsewhere_the_bag_is_verified_in_part_only() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let verdict = verify(&bag, &Given::default(), at(NOW), &mut |_| {}).unwrap();
    assert_eq!(verdict.verdict, Word::VerifiedInPart);
    let open: Vec<_> = verdict.checks.iter().filter(|check| check.outcome != Outcome::Passed).collect();
    assert_eq!(open.len(), 1, "{open:#?}");
    let Outcome::NotChecked { why } = &open[0].outcome else { panic!("{open:#?}") };
    assert!(why.contains(&case.root.to_string()));
}

#[test]
fn every_command_of_verify_md_succeeds_on_a_whole_bag() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let commands = commands(&bag);
    let count = |word: &str| commands.iter().filter(|command| command.contains(word)).count();
    let counts =
        ["sha256sum --check", "sha512sum", "bagit.py", "openssl cms -verify -cades", "python3", "case_validate"];
    assert_eq!(counts.map(count), [1, 1, 1, 4, 1, 1], "{commands:#?}");
    for command in commands {
        shell(&bag, &command).unwrap_or_else(|said| panic!("{command}\n{said}"));
    }
    assert_eq!(judged(&case, &bag).verdict, Word::Verified, "the judges changed nothing");
}

#[test]
fn the_judges_see_an_altered_file_and_a_message_that_is_not_the_signed_one() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    for (file, judges) in [
        ("data/0002/_disk.img", vec!["sha256sum --check", "sha512sum", "bagit.py"]),
        ("rogatory/message.pb", vec!["message.pb.p7s", "sha256sum --check", "bagit.py"]),
    ] {
        let path = bag.join(file);
        let whole = std::fs::read(&path).unwrap();
        let mut altered = whole.clone();
        altered[20] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        for judge in judges {
            let command = commands(&bag).into_iter().find(|command| command.contains(judge)).unwrap();
            assert!(shell(&bag, &command).is_err(), "{file}: {command}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn two_exports_of_one_dossier_are_the_same_bytes_also_through_json() {
    let mut case = Case::new();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = tree(&case.export(first.path()));
    case.dossier = serde_json::from_str(&serde_json::to_string(&case.dossier).unwrap()).unwrap();
    assert_eq!(one, tree(&case.export(second.path())));
    assert!(one.keys().all(|path| !path.to_string_lossy().contains("..")));
}

#[test]
fn a_file_that_is_not_the_signed_one_makes_no_bag_and_leaves_the_incomplete_folder() {
    let case = Case::new();
    let longer = [case.contents[0].clone(), vec![0]].concat();
    let shorter = case.contents[0][1..].to_vec();
    for wrong in [b"something else".to_vec(), longer, shorter, Vec::new()] {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("bag");
        let mut writer = BagWriter::create(&target, &case.dossier, at(EXPORTED)).unwrap();
        assert!(matches!(writer.put(1, &mut wrong.as_slice()), Err(WriteError::Mismatch(1))));
        writer.put(2, &mut case.contents[1].as_slice()).unwrap();
        assert!(matches!(writer.finish(), Err(WriteError::Broken(_))));
        assert!(!target.exists() && folder.path().join("bag.partial").is_dir());
        assert!(matches!(BagWriter::create(&target, &case.dossier, at(EXPORTED)), Err(WriteError::Exists(_))));
    }
}

#[test]
fn an_endless_reader_is_cut_off_at_the_signed_length() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = BagWriter::create(&folder.path().join("bag"), &case.dossier, at(EXPORTED)).unwrap();
    assert!(matches!(writer.put(1, &mut std::io::repeat(0)), Err(WriteError::Mismatch(1))));
}

#[test]
fn a_missing_or_repeated_file_and_an_existing_target_are_refused() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("bag");
    let mut writer = BagWriter::create(&target, &case.dossier, at(EXPORTED)).unwrap();
    writer.put(1, &mut case.contents[0].as_slice()).unwrap();
    assert!(matches!(writer.put(1, &mut case.contents[0].as_slice()), Err(WriteError::Twice(1))));
    assert!(matches!(writer.put(3, &mut case.contents[0].as_slice()), Err(WriteError::NoSuchFile(3))));
    assert!(matches!(writer.finish(), Err(WriteError::FileMissing(2))));

    let other = folder.path().join("other");
    std::os::unix::fs::symlink("nowhere", &other).unwrap();
    assert!(matches!(BagWriter::create(&other, &case.dossier, at(EXPORTED)), Err(WriteError::Exists(_))));
}

#[test]
fn a_dossier_with_a_part_of_another_case_makes_no_bag() {
    let (case, other) = (Case::new(), Case::new());
    let folder = tempfile::tempdir().unwrap();
    let mut mixed = Vec::new();
    let mut with = |change: fn(&mut Case, &Case)| {
        let mut case = Case { dossier: case.dossier.clone(), ..Case::new() };
        change(&mut case, &other);
        mixed.push(case.dossier);
    };
    with(|case, _| case.dossier.request = Some(case.dossier.message.clone()));
    with(|case, _| case.dossier.acceptances.extend(case.dossier.request.clone()));
    with(|case, _| case.dossier.records[0].index += 1);
    with(|case, _| case.dossier.records[0].salt.0.clear());
    with(|case, _| case.dossier.exporter = "XB-MOJ".parse().unwrap());
    with(|case, _| case.dossier.directory.clear());
    with(|case, _| case.dossier.signed_envelope.0.truncate(100));
    with(|case, _| case.dossier.message = case.dossier.request.clone().unwrap());
    for (number, dossier) in mixed.iter().enumerate() {
        let made = BagWriter::create(&folder.path().join("bag"), dossier, at(EXPORTED));
        assert!(matches!(made, Err(WriteError::Assembly(_))), "{number}");
    }
}

#[test]
fn an_acceptance_of_another_package_of_the_request_stays_out_of_the_bag() {
    let mut case = Case::new();
    let mut fields = (*message::decode(&case.dossier.acceptances[0].content.0).unwrap()).clone();
    let Body::Acceptance(body) = &mut fields.body else { panic!("an acceptance") };
    body.package_id = fields.message_id;
    let other = message::encode(&Message::new(fields).unwrap());
    case.dossier.acceptances.insert(0, SignedPart { content: Bytes(other), cms: Bytes(Vec::new()) });
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    assert_eq!(judged(&case, &bag).verdict, Word::Verified);
    assert!(!bag.join("rogatory/acceptance-2.pb").exists());
}

#[test]
fn the_bag_of_the_sender_is_verified_by_the_receipts_of_the_recipient() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export_as(&case.senders, &folder.path().join("bag"));
    let verdict = judged(&case, &bag);
    let bad: Vec<_> = verdict.checks.iter().filter(|check| check.outcome != Outcome::Passed).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(verdict.verdict, Word::Verified);
    let both =
        |check: &&rogatory::bag::verdict::Check| check.what.starts_with("The logs of both authorities name the same");
    assert_eq!(verdict.checks.iter().filter(both).count(), 1, "{:#?}", verdict.checks);
    for command in commands(&bag) {
        shell(&bag, &command).unwrap_or_else(|said| panic!("{command}\n{said}"));
    }
}
