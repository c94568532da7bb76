//! The real program, as a case officer asks it: offline, plain words, an exit code for each of the three answers.

use std::process::{Command, Output};

fn ask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rogatory")).arg("law").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const PAIR: [&str; 7] = ["basis", "--from", "XA-MOJ", "--to", "XB-MOJ", "--date", "2026-06-15"];

#[test]
fn each_of_the_three_answers_has_its_exit_code_and_its_reasons() {
    let yes = ask(&[&PAIR[..], &["--crime", "genocide", "--measure", "evidence"]].concat());
    assert_eq!(yes.status.code(), Some(0), "{yes:?}");
    for said in [
        "evidence: YES",
        "[L-TH 2(1), found: LTH; row 1, depositary:",
        "confidentiality: default",
        "EXAMPLE",
        "SHA-256",
    ] {
        assert!(text(&yes).contains(said), "{said} is missing in\n{}", text(&yes));
    }
    let asked = [
        "basis",
        "--from",
        "XC-MOJ",
        "--to",
        "XB-MOJ",
        "--date",
        "2026-06-15",
        "--crime",
        "torture",
        "--measure",
        "hearing",
    ];
    let asked = ask(&asked);
    assert_eq!(asked.status.code(), Some(3), "{}", text(&asked));
    assert!(text(&asked).contains("may agree to use L-TH for this request"), "{}", text(&asked));
    let none =
        ask(&["basis", "--from", "XC-MOJ", "--to", "XB-MOJ", "--crime", "ordinary-crime", "--measure", "search"]);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none));
    assert!(text(&none).contains("NO means no duty"));
}

#[test]
fn json_holds_the_opinion_and_the_digest_of_the_registry() {
    let output = ask(&[&PAIR[..], &["--crime", "genocide", "--measure", "evidence", "--json"]].concat());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["opinion"]["answer"], "YES");
    assert_eq!(json["opinion"]["bases"][0]["instrument"], "l-th");
    assert_eq!(json["opinion"]["bases"][0]["reasons"][0]["articles"][0]["article"], "2(1)");
    assert_eq!(json["registry"]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_question_that_cannot_be_put_is_refused_in_plain_words() {
    let word = ask(&[&PAIR[..], &["--crime", "jaywalking", "--measure", "evidence"]].concat());
    assert_eq!(word.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&word.stderr).contains("crimes-against-humanity"));
    let itself = ask(&["basis", "--from", "XA-MOJ", "--to", "XA-POL", "--crime", "genocide", "--measure", "evidence"]);
    assert_eq!(itself.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&itself.stderr).contains("cannot ask itself"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"schema\":\"rogatory.registry.v1\",\"about\":\"x\",\"rows\":[{}]}").unwrap();
    let path = file.path().to_str().unwrap();
    let bad = ask(&[&PAIR[..], &["--crime", "genocide", "--measure", "evidence", "--registry", path]].concat());
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("missing field `row`"), "{bad:?}");
}

#[test]
fn the_instruments_are_listed_with_what_was_only_recalled() {
    let all = text(&ask(&["instruments"]));
    assert!(
        all.contains("l-th ")
            && all.contains("only recalled: they decide nothing")
            && all.contains("draft: never a basis")
    );
    let one = ask(&["instruments", "vclt"]);
    assert!(text(&one).contains("21(1)(b): and to the same extent for the other towards that State [recalled]"));
    assert_eq!(ask(&["instruments", "treaty-of-nowhere"]).status.code(), Some(1));
}
