//! What an operator does while a node runs: rotate each key, suspend a peer, freeze the node, ask what a stolen key could have
//! touched, and start it on data of another version.

use std::fs;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

fn sent(office: &Office, to: &str, subject: &str) -> Value {
    office.ask(to, subject, &[])
}

fn arrives(office: &Office, row: &Value) {
    office.handed_over(&text(row, "message_id"));
}

#[test]
fn every_key_is_replaced_while_the_node_works_and_letters_go_both_ways_afterwards() {
    let mut stage = Stage::play();
    let first = sent(&stage.xa, "XB-MOJ", "Before");
    arrives(&stage.xa, &first);
    let pid = stage.xa.daemon().pid();
    let old_log = fs::read_to_string(stage.xa.data.join("custody/log.vkey")).unwrap();
    for kind in ["signing", "sealing", "tls", "witness", "log"] {
        let done = stage.xa.json(FIRST, &["rotate", kind]);
        let record = stage.xa.json(FIRST, &["custody", "show", &done["record"].to_string()]);
        assert_eq!((&record["event"], &record["reason"]), (&"key.rotated".into(), &kind.into()));
    }
    assert!(!stage.xa.data.join("rotating").exists());
    let lines = fs::read_to_string(stage.xa.data.join("custody/log.vkey")).unwrap();
    assert!(lines.lines().next() != old_log.lines().next() && lines.contains(old_log.lines().next().unwrap()));
    stage.publish(&stage.xa);
    for office in [&stage.xa, &stage.xb] {
        stage.import(office);
        office.json(FIRST, &["reload"]);
    }
    let (there, back) = (sent(&stage.xa, "XB-MOJ", "After"), sent(&stage.xb, "XA-MOJ", "Sealed to the new key"));
    arrives(&stage.xa, &there);
    arrives(&stage.xb, &back);
    assert_eq!(
        stage.xa.json(FIRST, &["request", "show", &text(&back, "request_id")])["request"]["subject"],
        "Sealed to the new key"
    );
    assert_eq!(stage.xa.daemon().pid(), pid, "without a restart");
    let old = old_log.lines().next().unwrap();
    until("the checkpoint of the new key", || {
        run(&["verify", path(&stage.xa.data.join("custody")), "--log-key", old]).code.filter(|code| *code == 0)
    });
    stage.xa.stop();
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
    stage.xa.start();
    assert!(stage.xb.records_where(|record| record["event"] == "log.inconsistent").is_empty());
}

#[test]
fn a_suspended_peer_is_refused_with_a_code_and_what_waits_arrives_when_it_is_resumed() {
    let mut stage = Stage::play();
    let first = sent(&stage.xb, "XA-MOJ", "Before");
    arrives(&stage.xb, &first);
    stage.xa.run(FIRST, &["peer", "suspend", "XC-MOJ", "--reason", "x"]).refused(&["lists no peer XC-MOJ"]);
    stage.xa.run(FIRST, &["peer", "suspend", "XB-MOJ", "--reason", " "]).refused(&["say why"]);
    stage.xa.json(FIRST, &["peer", "suspend", "XB-MOJ", "--reason", "its key was stolen"]);
    let (ours, theirs) = (sent(&stage.xa, "XB-MOJ", "Out"), sent(&stage.xb, "XA-MOJ", "In"));
    until("the refusal", || stage.xb.said().contains("code=suspended").then_some(()));
    // A restart forgets nothing.
    stage.xa.stop();
    stage.xa.start();
    let frozen = stage.xa.json(FIRST, &["doctor"]);
    assert!(frozen.to_string().contains("1 peers are suspended"), "{frozen}");
    let message = text(&theirs, "message_id");
    assert!(stage.xa.records_where(|record| record["message_id"] == message.as_str()).is_empty());
    stage.xa.json(FIRST, &["peer", "resume", "XB-MOJ"]);
    stage.xa.run(FIRST, &["peer", "resume", "XB-MOJ"]).refused(&["nothing of that is stopped"]);
    // Its node tries again by its own clock; a fresh link makes it at once.
    stage.xb.stop();
    stage.xb.start();
    arrives(&stage.xa, &ours);
    arrives(&stage.xb, &theirs);
    for event in ["peer.suspended", "peer.resumed"] {
        assert_eq!(stage.xa.records_where(|record| record["event"] == event).len(), 1);
    }
}

#[test]
fn a_frozen_node_reads_and_takes_nothing_until_it_is_thawed() {
    let mut stage = Stage::play();
    let first = sent(&stage.xb, "XA-MOJ", "Before");
    arrives(&stage.xb, &first);
    let draft = stage.xa.draft("XB-MOJ", "A draft", &[]);
    stage.xa.json(FIRST, &["freeze", "--reason", "we look for an intruder"]);
    stage.xa.stop();
    stage.xa.start();
    stage.xa.run(FIRST, &["request", "new", "--to", "XB-MOJ", "--subject", "X"]).refused(&["frozen", "thaw"]);
    stage.xa.run(SECOND, &["request", "approve", &text(&draft, "request_id")]).refused(&["frozen"]);
    let shown = stage.xa.json(FIRST, &["request", "show", &text(&first, "request_id")]);
    assert_eq!(shown["request"]["subject"], "Before", "reading goes on");
    let theirs = sent(&stage.xb, "XA-MOJ", "In");
    until("the refusal", || stage.xb.said().contains("code=frozen").then_some(()));
    stage.xa.json(FIRST, &["thaw"]);
    stage.xb.stop();
    stage.xb.start();
    arrives(&stage.xb, &theirs);
    stage.xa.json(SECOND, &["request", "approve", &text(&draft, "request_id")]);
}

#[test]
fn what_a_stolen_key_could_have_touched_is_told_from_the_log() {
    let mut stage = Stage::play();
    let (ours, theirs) = (sent(&stage.xa, "XB-MOJ", "Out"), sent(&stage.xb, "XA-MOJ", "In"));
    arrives(&stage.xa, &ours);
    arrives(&stage.xb, &theirs);
    let reach = |key: &str| stage.xa.json(FIRST, &["doctor", "--key", key]);
    let signing = reach("signing");
    assert_eq!(
        (&signing["counts"]["message.queued"], &signing["peers"][0]),
        (&1.into(), &"XB-MOJ".into()),
        "{signing}"
    );
    assert_eq!(signing["listed"][0]["message_id"], ours["message_id"]);
    assert_eq!(reach("sealing")["counts"]["message.received"], 1);
    stage.xa.json(FIRST, &["rotate", "signing"]);
    let after = reach("signing");
    assert_eq!(after["records"], 0, "a new key has touched nothing: {after}");
    assert!(after["in_use_since"]["record"].as_u64() > signing["in_use_since"]["record"].as_u64());
    stage.xa.stop();
    assert_eq!(
        stage.xa.json(FIRST, &["doctor", "--key", "tls"])["counts"]["message.received"],
        1,
        "also while it is stopped"
    );
}

#[test]
fn data_of_a_newer_version_are_refused_by_every_command_and_stay_as_they_are() {
    let mut stage = Stage::set();
    stage.xa.start();
    stage.xa.stop();
    let version = stage.xa.data.join("version");
    assert_eq!(fs::read_to_string(&version).unwrap(), "1\n");
    fs::write(&version, "2\n").unwrap();
    let before = listing(&stage.xa.data);
    let data = path(&stage.xa.data);
    for verb in [
        vec!["serve"],
        vec!["custody", "fsck"],
        vec!["custody", "fsck", "--repair"],
        vec!["index", "rebuild"],
        vec!["rotate", "log"],
        vec!["custody", "log"],
        vec!["request", "list"],
    ] {
        let mut args = verb.clone();
        args.extend(["--data", data]);
        if verb != ["serve"] {
            args.extend(["--as", "Ana Novak"]);
        }
        run(&args).refused(&["version 2", "nothing was changed"]);
        assert_eq!(listing(&stage.xa.data), before, "{verb:?}");
    }
    fs::remove_file(&version).unwrap();
    stage.xa.start();
    assert_eq!(fs::read_to_string(&version).unwrap(), "1\n", "data from before there was a version are of the first");
}

/// Every file with its length and time of change.
fn listing(dir: &std::path::Path) -> Vec<(String, u64, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            found.extend(listing(&entry.path()));
        } else {
            found.push((path(&entry.path()).to_owned(), about.len(), about.modified().unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn locked_keys_open_with_their_passphrase_only_and_new_ones_are_locked_too() {
    let mut stage = Stage::set();
    let (good, bad, data) = (stage.at("good"), stage.at("bad"), stage.xa.data.clone());
    fs::write(&good, "a long passphrase\n").unwrap();
    fs::write(&bad, "another passphrase\n").unwrap();
    let with = |file: &std::path::Path, args: &[&str]| {
        let mut command = crate::program::program();
        let done = command.args(args).env("ROGATORY_KEY_PASSPHRASE_FILE", file).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    run(&["keys", "lock", "--data", path(&data)]).refused(&["ROGATORY_KEY_PASSPHRASE_FILE"]);
    assert_eq!(with(&good, &["keys", "lock", "--data", path(&data)]).0, Some(0));
    for name in ["log.key.pem", "seal.key.pem", "receiving.seed.pem", "node.key.pem", "witness.seed.pem", "ca.key.pem"]
    {
        let text = fs::read_to_string(data.join("keys").join(name)).unwrap();
        assert!(text.starts_with("-----BEGIN ROGATORY LOCKED KEY-----"), "{name}");
    }
    run(&["serve", "--data", path(&data)]).refused(&["is locked", "ROGATORY_KEY_PASSPHRASE_FILE"]);
    let (code, said) = with(&bad, &["serve", "--data", path(&data)]);
    assert!(code == Some(1) && said.contains("the passphrase does not open it"), "{said}");
    // A rotation makes a new key: it is locked like the others.
    let rotated = with(&good, &["rotate", "sealing", "--data", path(&data), "--as", "Ana Novak"]);
    assert_eq!(rotated.0, Some(0), "{}", rotated.1);
    let new = fs::read_to_string(data.join("keys/receiving.seed.pem")).unwrap();
    assert!(new.starts_with("-----BEGIN ROGATORY LOCKED KEY-----"));
    assert_eq!(with(&good, &["custody", "fsck", "--data", path(&data)]).0, Some(0));
    assert_eq!(with(&good, &["keys", "unlock", "--data", path(&data)]).0, Some(0));
    stage.xa.start();
}

#[test]
fn a_node_that_serves_says_what_it_denied_itself() {
    let stage = Stage::play();
    let findings = stage.xa.json(FIRST, &["doctor"]);
    let sandbox: Vec<&Value> = findings.as_array().unwrap().iter().filter(|one| one["check"] == "sandbox").collect();
    assert_eq!(sandbox.len(), 5, "{findings}");
    // Wherever this runs: no core dumps, and no new privileges.
    let status = fs::read_to_string(format!("/proc/{}/status", stage.xa.daemon().pid())).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = fs::read_to_string(format!("/proc/{}/limits", stage.xa.daemon().pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    let seccomp = sandbox.iter().find(|one| one["seen"].as_str().unwrap().contains("seccomp")).unwrap();
    assert_eq!(seccomp["grade"] == "good", status.contains("Seccomp:\t2"), "{seccomp}");
}
