//! An extract: only its files, only what concerns it, a plain word on what is left out, and no way to make one by taking away.

use rogatory::bag::extract::{Extract, Scope};
use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::model::event::{Event, Outcome as Ending};
use rogatory::model::ident::Id;
use rogatory::wire::{message, record};

use crate::case::{Case, NOW, at};
use crate::target::{Target, failures};

fn judged(case: &Case, bag: &std::path::Path) -> Verdict {
    verify(bag, &Given { trusted_root: Some(case.root), ..Given::default() }, at(NOW), &mut |_| {}).unwrap()
}

fn open(verdict: &Verdict) -> Vec<String> {
    let open = verdict.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotChecked { .. }));
    open.map(|check| format!("{check:?}")).collect()
}

#[test]
fn an_extract_is_verified_in_part_and_says_which_file_it_leaves_out() {
    let mut case = Case::new();
    case.extract(&[2], "Defence counsel");
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    assert!(
        bag.join("data/0002").exists() && !bag.join("data/0001").exists() && !bag.join("rogatory/request.pb").exists()
    );
    let verdict = judged(&case, &bag);
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
    let open = open(&verdict);
    assert_eq!(open.len(), 1, "only what is not there is not checked: {open:#?}");
    assert!(open[0].contains("this extract leaves the file out") && open[0].contains("data/0001"));
    assert!(verdict.story.iter().any(|line| line.contains("file 2 of it, made for Defence counsel on")));
    assert!(verdict.story.iter().any(|line| line.starts_with("Complete and unaltered: 1 file, 300000 bytes")));
    let report = std::fs::read_to_string(bag.join("rogatory/report.html")).unwrap();
    assert!(report.contains("this is a part of the package only") && report.contains("left out of this extract"));
    let facts = std::fs::read_to_string(bag.join("rogatory/case.jsonld")).unwrap();
    assert!(facts.contains("data/0002/") && !facts.contains("data/0001/"), "no file is named that is not there");
}

#[test]
fn an_extract_of_every_file_for_one_recipient_is_verified() {
    let mut case = Case::new();
    case.extract(&[1, 2], "Defence counsel");
    let folder = tempfile::tempdir().unwrap();
    let verdict = judged(&case, &case.export(folder.path()));
    assert_eq!(verdict.verdict, Word::Verified, "{:#?}", open(&verdict));
}

#[test]
fn a_bag_from_which_a_file_was_taken_is_no_extract() {
    let target = Target::new();
    let main = message::decode(&target.case.dossier.message.content.0).unwrap();
    target.remove("data/0001/Kontoauszug_M_rz.csv");
    let extract = Extract { objects: vec![2], recipient: "Defence counsel".to_owned() };
    target.write("rogatory/extract.txt", extract.text(&main).as_bytes());
    let oxum = String::from_utf8(target.files["bag-info.txt"].clone()).unwrap();
    let oxum: String =
        oxum.lines()
            .map(|line| {
                if line.starts_with("Payload-Oxum") {
                    "Payload-Oxum: 300000.1\n".to_owned()
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
    target.write("bag-info.txt", oxum.as_bytes());
    target.cover_up();
    let mut failures = failures(&target.verify());
    // The texts for people still tell of both files; whoever takes one away can write them anew as well.
    failures.retain(|check| !check.contains("The text for people"));
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert!(failures[0].contains("files may have been taken away after the export"));
}

#[test]
fn an_extract_for_another_recipient_or_of_other_files_than_the_log_says_fails() {
    for (objects, recipient) in [(vec![2], "Somebody else"), (vec![2], ""), (vec![1], "Defence counsel")] {
        let mut case = Case::new();
        case.extract(&[2], "Defence counsel");
        case.dossier.extract = Some(Extract { objects: objects.clone(), recipient: recipient.to_owned() });
        let folder = tempfile::tempdir().unwrap();
        let verdict = judged(&case, &case.export(folder.path()));
        // A text that names nobody would take away for whom it was made.
        assert_eq!(verdict.verdict, Word::Failed, "{objects:?} {recipient}: {:#?}", failures(&verdict));
    }
}

#[test]
fn a_record_of_another_package_case_or_purpose_is_kept_out() {
    let case = Case::new();
    let main = message::decode(&case.dossier.message.content.0).unwrap();
    let package_id = main.consignment.as_ref().unwrap().seal_id;
    let scope = Scope { package_id, messages: [main.message_id].into(), reason: "for A: trial".to_owned() };
    let whole = record::decode(&case.asking.log.entries[1].0).unwrap();
    assert!(scope.keeps(&whole));
    let other = Id::new(at(NOW), [8; 10]);
    let mut changed = Vec::new();
    let mut with = |change: fn(&mut rogatory::model::event::CustodyRecord, Id)| {
        let mut record = whole.clone();
        change(&mut record, other);
        changed.push(record);
    };
    with(|record, other| record.subject.message_id = Some(other));
    with(|record, other| record.subject.package_id = Some(other));
    with(|record, _| record.subject = rogatory::model::event::Subject::default());
    with(|record, _| record.reason = "seen in the case against Y".to_owned());
    with(|record, _| record.outcome = Ending::Failed("condition-not-accepted".to_owned()));
    assert!(changed.iter().all(|record| !scope.keeps(record)));
    let mut own = whole.clone();
    (own.event, own.reason) = (Event::PackageExported, "for A: trial".to_owned());
    assert!(scope.keeps(&own));
}

#[test]
fn whoever_passes_an_extract_on_cannot_take_away_for_whom_it_was_made() {
    let mut case = Case::new();
    case.extract(&[1, 2], "Defence counsel");
    case.dossier.extract = Some(Extract { objects: vec![1, 2], recipient: String::new() });
    let folder = tempfile::tempdir().unwrap();
    let verdict = judged(&case, &case.export(folder.path()));
    assert_eq!(verdict.verdict, Word::Failed, "{verdict:#?}");
}
