//! A rotation of keys is killed at each named step: the next start ends it, or it was never begun. No key is lost.

use std::process::Command;

use crate::node::PROGRAM;
use crate::town::{Town, run, text};

/// The points, with the passage at which they kill, and whether the rotation stands after the next start.
pub const CASES: &[(&str, bool)] = &[
    ("rotate: decided, not logged", false),
    ("rotate: logged, old key in place", true),
    ("rotate: one key in place", true),
    ("rotate: one key in place#2", true),
];

#[test]
fn a_rotation_killed_at_any_named_step_is_ended_by_the_next_start_or_was_never_begun() {
    let town = Town::raise();
    let [side, _] = &town.sides;
    let data = text(&side.node.data);
    let mut expected = 0;
    for kind in ["log", "signing", "sealing"] {
        for (point, stands) in CASES.iter().filter(|(point, _)| kind != "sealing" || !point.ends_with("#2")) {
            side.node.stop();
            let killed = Command::new(PROGRAM)
                .args(["rotate", kind, "--data", &data, "--as", side.clerk])
                .env("ROGATORY_CRASH_AT", point)
                .output()
                .unwrap();
            assert!(!killed.status.success(), "{kind}: {point}");
            assert!(side.node.data.join("rotating").exists(), "{kind}: {point}");
            side.node.start();
            side.node.ready();
            expected += u64::from(*stands);
            let log = side.act(side.clerk, &["custody", "log", "--limit", "10000"]).unwrap();
            let rotated = log["entries"].as_array().unwrap().iter().filter(|one| one["event"] == "key.rotated").count();
            assert_eq!(rotated as u64, expected, "{kind}: {point}");
            assert!(!side.node.data.join("rotating").exists(), "{kind}: {point}");
            let left = std::fs::read_dir(side.node.data.join("keys")).unwrap();
            let left = left.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().starts_with(".next-"));
            assert_eq!(left.count(), 0, "{kind}: {point}");
        }
    }
    side.node.stop();
    let check = run(&["custody", "fsck", "--data", &data, "--json"]).unwrap();
    assert_eq!(check["sound"], true, "{check}");
    let verdict = Command::new(PROGRAM).args(["verify", &text(side.node.data.join("custody"))]).output().unwrap();
    let said = String::from_utf8_lossy(&verdict.stdout).into_owned();
    assert!(said.contains("over 3 rotations") && verdict.status.code() == Some(3), "{said}");
}
