//! Interviews held with a script instead of a keyboard: left, taken up again, warned, and the request that comes out.

use std::io::Cursor;

use super::*;
use crate::daemon::content;

fn hold(path: &Path, typed: &str, again: bool) -> (Ended, String) {
    let mut input = Cursor::new(typed.as_bytes().to_vec());
    let mut out: Vec<u8> = Vec::new();
    let check = |new: &NewRequest| Ok(content::told(&content::of_file(None, new)));
    let basis = |_: &NewRequest, out: &mut dyn Write| Ok(writeln!(out, "(looked up)")?);
    let mut room = Room { input: &mut input, out: &mut out, check: &check, basis: &basis };
    let ended = if again { resume(path, &mut room) } else { begin(path, &mut room) }.unwrap();
    (ended, String::from_utf8(out).unwrap())
}

/// Everything up to the persons, and one of them under a pseudonym.
const FIRST: &str = "XB-MOJ\nen\ngenocide\n2025-03-03\n\nvideo-hearing\nL-TH\n\nA 1\nThe bridge\nProsecutor\nprosecutes\n.\n\
                     investigation\n.\n~W-01\nwitness\n\n\n\n";

#[test]
fn an_interview_that_was_left_goes_on_where_it_was_left_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("draft.toml");
    let (ended, told) = hold(&path, &format!("{FIRST}\nshots\nfrom the bridge\n.\n:leave\n"), false);
    assert!(matches!(ended, Ended::Left));
    assert!(told.contains("--resume") && told.contains("(looked up)"), "{told}");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o077, 0, "it holds case content");
    let (ended, told) = hold(&path, "under section 6\n.\n", true);
    assert!(matches!(ended, Ended::Left), "the input ended");
    assert!(told.contains("What is genocide under your law"), "{told}");
    let session: Session = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let request = session.content.new.request;
    assert_eq!(request.facts, "shots\nfrom the bridge");
    assert_eq!(request.charges[0].requesting_law, "under section 6");
    assert_eq!((request.people[0].shown(), request.people[0].role.as_str()), ("W-01", "witness"));
    assert_eq!(session.content.new.basis.crimes, ["genocide"]);
}

#[test]
fn what_is_left_out_is_warned_about_with_its_article_and_going_through_gives_the_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("draft.toml");
    let (ended, told) = hold(&path, &format!("{FIRST}{}", "\n".repeat(60)), false);
    let Ended::Through(new) = ended else { panic!("{told}") };
    assert!(told.contains("MISSING: a summary of the facts"), "{told}");
    assert!(told.contains("art. 34(3) [found: LTH]"), "{told}");
    assert!(told.contains("art. 25(2)(i)"), "{told}");
    assert_eq!(new.request.measures[0].kind, "video-hearing");
    assert!(content::of_file(None, &new).complete() == crate::law::finding::Completeness::Gaps);
}

#[test]
fn a_bad_answer_is_asked_again_and_one_can_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("draft.toml");
    let typed = "nobody\nXB-MOJ\nen\njaywalking\n?\ngenocide\n3 March\n:back\ntorture\n2025-03-03\n:leave\n";
    let (_, told) = hold(&path, typed, false);
    assert!(told.contains("is no crime that the look-up knows") && told.contains("enforced-disappearance"), "{told}");
    let session: Session = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(session.content.new.basis.crimes, ["torture"]);
    assert_eq!(session.next, "conduct_to");
    let mut input = Cursor::new(Vec::new());
    let mut out: Vec<u8> = Vec::new();
    let (check, basis) = (|_: &NewRequest| Ok(Value::Null), |_: &NewRequest, _: &mut dyn Write| Ok(()));
    let mut room = Room { input: &mut input, out: &mut out, check: &check, basis: &basis };
    assert!(begin(&path, &mut room).is_err(), "a draft that is there is not overwritten");
}
