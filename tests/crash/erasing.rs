//! A node is killed at each named step of an erasure and of a destruction: the next start ends it, or it was never begun.

use std::process::Command;

use serde_json::Value;

use crate::book::word;
use crate::node::PROGRAM;
use crate::rng::Rng;
use crate::town::{Side, Town, run, text};

/// The points, with the passage at which they kill; the act that dies there; whether it stands after the next start.
pub const CASES: &[(&str, Act, After)] = &[
    ("erase: asked, tombstone not logged", Act::Erasure, After::NotBegun),
    ("erase: tombstone logged, nothing overwritten", Act::Erasure, After::Done),
    ("erase: half a record overwritten", Act::Erasure, After::Done),
    ("erase: half a record overwritten#2", Act::Erasure, After::Done),
    ("erase: overwritten, index not made again", Act::Erasure, After::Done),
    ("erase: index made again, not settled", Act::Erasure, After::Done),
    ("destroy: decided, nothing gone", Act::Destruction, After::Done),
    ("erase: half a record overwritten", Act::Destruction, After::Done),
    ("erase: overwritten, index not made again", Act::Destruction, After::Done),
    ("destroy: key gone, files there", Act::Destruction, After::Done),
    ("destroy: files gone, not logged", Act::Destruction, After::Done),
    ("destroy: logged, not answered", Act::Destruction, After::Done),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Erasure,
    Destruction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    NotBegun,
    Done,
}

const WHY: [&str; 4] = ["--reason", "a test", "--legal-basis", "the law"];

#[test]
fn an_erasure_or_destruction_killed_at_any_named_step_is_ended_by_the_next_start_or_was_never_begun() {
    let town = Town::raise();
    let [side, _] = &town.sides;
    for (number, (point, act, after)) in CASES.iter().enumerate() {
        let secret = format!("planted-{number}-secret");
        let file = town.file(&format!("{secret}.bin"), 5_000, &mut Rng::new(7));
        let row = discarded(side, &secret, &text(&file));
        let (request, package) = (word(&row, "request_id"), word(&row, "package_id"));
        let destroy = ["package", "destroy", package.as_str()];
        if *act == Act::Destruction {
            let asked = ask(side, &destroy);
            die(side, point, &[&destroy[..], &["--confirm", &asked]].concat());
            let opened =
                side.act(side.clerk, &["package", "open", &package, "--to", &text(town.path("out")), "--purpose", "x"]);
            assert!(opened.unwrap_err().contains("was destroyed on"), "{point}");
            assert!(!side.vault().contains(&package), "{point}");
            let again = side.act(side.head, &[&destroy[..], &["--confirm", &asked]].concat());
            assert!(again.unwrap_err().contains("done before"), "{point}");
            continue;
        }
        let asked = ask(side, &destroy);
        side.act(side.head, &[&destroy[..], &["--confirm", &asked]].concat()).unwrap();
        let asked = ask(side, &["custody", "erase", "--request", &request]);
        let confirm = ["custody", "erase", "--confirm", asked.as_str()];
        assert!(holds(side, &secret));
        die(side, point, &confirm);
        if *after == After::NotBegun {
            assert!(holds(side, &secret) && side.act(side.clerk, &["request", "show", &request]).is_ok(), "{point}");
            side.act(side.head, &confirm).unwrap();
        } else {
            assert!(side.act(side.head, &confirm).unwrap_err().contains("done before"), "{point}");
        }
        assert!(!holds(side, &secret), "{point}");
        assert!(side.act(side.clerk, &["request", "show", &request]).is_err());
        assert!(!side.node.data.join("custody/erasing").exists(), "{point}");
    }
    let records = side.act(side.clerk, &["custody", "log", "--limit", "10000"]).unwrap();
    let count = |event: &str| records["entries"].as_array().unwrap().iter().filter(|one| one["event"] == event).count();
    assert_eq!((count("record.erased"), count("package.destroyed")), (6, CASES.len()), "nothing is done twice");
    side.node.stop();
    let data = text(&side.node.data);
    let check = run(&["custody", "fsck", "--data", &data, "--json"]).unwrap();
    assert_eq!(check["sound"], true, "{check}");
    let digest = |verb: &str| run(&["index", verb, "--data", &data, "--json"]).unwrap()["digest"].clone();
    assert_eq!(digest("digest"), digest("rebuild"));
}

/// A request with an attachment that was drafted and thrown away.
fn discarded(side: &Side, subject: &str, file: &str) -> Value {
    let mut args = vec!["request", "new", "--to", "XB-MOJ", "--reference", "A-1", "--subject", subject];
    args.extend(["--attach", file]);
    let row = side.act(side.clerk, &args).unwrap();
    side.act(side.clerk, &["request", "discard", &word(&row, "request_id")]).unwrap();
    row
}

fn ask(side: &Side, args: &[&str]) -> String {
    side.act(side.clerk, &[args, &WHY].concat()).unwrap()["record"].to_string()
}

/// The process dies in the act; a check of the dead node takes nothing for damage; the next one is started.
fn die(side: &Side, point: &str, args: &[&str]) {
    side.node.stop();
    side.node.start_to_die_at(point);
    side.node.ready();
    assert!(side.act(side.head, args).is_err(), "{point}");
    side.node.died_of_its_point(point);
    let check = Command::new(PROGRAM).args(["custody", "fsck", "--data", &text(&side.node.data)]).output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout).into_owned() + &String::from_utf8_lossy(&check.stderr);
    assert!(!said.contains("DAMAGED  from entry"), "{point}: {said}");
    if side.node.data.join("custody/erasing").exists() {
        assert!(said.contains("an erasure was cut short; start the node once"), "{point}: {said}");
    }
    side.node.start();
    side.node.ready();
}

fn holds(side: &Side, word: &str) -> bool {
    let found =
        Command::new("grep").args(["-rlaF", "--devices=skip", "-e", word]).arg(&side.node.data).output().unwrap();
    !found.stdout.is_empty()
}
