//! The keys of log and witness: in both algorithms from the first day, and added to a node that was set up before.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::office::{Office, path};
use crate::program::run;
use crate::stage::Stage;

const LATER: [&str; 3] = ["log-mldsa.seed.pem", "witness.seed.pem", "witness-mldsa.seed.pem"];

fn row(office: &Office) -> Value {
    serde_json::from_slice(&fs::read(office.data.join("directory-entry.json")).unwrap()).unwrap()
}

fn added(office: &Office) -> usize {
    office.records_where(|record| record["event"] == "keys.added").len()
}

/// What a node looks like that an earlier release set up.
fn make_old(office: &Office) {
    LATER.iter().for_each(|name| fs::remove_file(office.data.join("keys").join(name)).unwrap());
    let mut old = row(office);
    old.as_object_mut().unwrap().remove("witness_keys");
    old["log_keys"].as_array_mut().unwrap().truncate(1);
    fs::write(office.data.join("directory-entry.json"), old.to_string()).unwrap();
}

#[test]
fn a_node_that_was_set_up_before_gets_the_keys_at_its_start_and_its_log_says_so_once() {
    let mut stage = Stage::set();
    let fresh = row(&stage.xa);
    make_old(&stage.xa);
    for _ in 0..2 {
        stage.xa.start();
        assert_eq!(added(&stage.xa), 1);
        stage.xa.stop();
    }
    for name in LATER {
        let mode = fs::metadata(stage.xa.data.join("keys").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let now = row(&stage.xa);
    assert_eq!(now["log_keys"][0], fresh["log_keys"][0]);
    assert_ne!(now["log_keys"][1], fresh["log_keys"][1], "made anew");
    assert_eq!(now["witness_keys"].as_array().unwrap().len(), 2);
    let lines = fs::read_to_string(stage.xa.data.join("custody/log.vkey")).unwrap();
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        [now["log_keys"][0].as_str().unwrap(), now["log_keys"][1].as_str().unwrap()]
    );
}

#[test]
fn a_new_node_publishes_under_both_keys_and_either_one_verifies_its_log() {
    let mut stage = Stage::set();
    stage.xa.start();
    assert_eq!(added(&stage.xa), 0);
    stage.xa.stop();
    let custody = stage.xa.data.join("custody");
    let checkpoint = fs::read_to_string(custody.join("checkpoint")).unwrap();
    assert_eq!(checkpoint.matches("\n\u{2014} xa-moj.rogatory/custody ").count(), 2);
    let keys = row(&stage.xa)["log_keys"].as_array().unwrap().clone();
    for key in &keys {
        run(&["verify", path(&custody), "--log-key", key.as_str().unwrap()]).done();
    }
    let witness = row(&stage.xa)["witness_keys"][1].as_str().unwrap().to_owned();
    run(&["verify", path(&custody), "--log-key", &witness]).ends(1);
    // A line of the second key that was altered is noticed by whoever knows that key, and by nobody else.
    let at = checkpoint.len() - 1_000;
    let other = if checkpoint.as_bytes()[at] == b'A' { "B" } else { "A" };
    let altered = format!("{}{other}{}", &checkpoint[..at], &checkpoint[at + 1..]);
    fs::write(custody.join("checkpoint"), altered).unwrap();
    let judged = |keys: &[&Value]| {
        let given = keys.iter().flat_map(|key| ["--log-key", key.as_str().unwrap()]);
        run(&["verify", path(&custody)].into_iter().chain(given).collect::<Vec<_>>())
    };
    judged(&[&keys[0]]).done();
    judged(&[&keys[1]]).ends(1);
    judged(&[&keys[0], &keys[1]]).ends(1);
}

#[test]
fn a_node_that_lost_the_first_key_of_its_log_does_not_start_and_makes_no_other() {
    let stage = Stage::set();
    let key = stage.xa.data.join("keys/log.key.pem");
    fs::remove_file(&key).unwrap();
    run(&["serve", "--data", path(&stage.xa.data)]).refused(&["log.key.pem"]);
    assert!(!key.exists());
}
