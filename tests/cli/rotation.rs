//! Keys replaced by command: logged with both halves, the old ones kept where something still needs them, the log's
//! history verifiable over the change.

use std::fs;

use rogatory::store::index::{Change, Index};
use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

fn rotate(office: &Office, kind: &str) -> Value {
    office.json(FIRST, &["rotate", kind])
}

fn row(office: &Office) -> Value {
    serde_json::from_slice(&fs::read(office.data.join("directory-entry.json")).unwrap()).unwrap()
}

#[test]
fn a_log_goes_over_to_a_new_key_and_all_of_it_verifies_under_its_history() {
    let mut stage = Stage::set();
    stage.xa.start();
    let draft = stage.xa.draft("XB-MOJ", "Before", &[]);
    let before = stage.at("before");
    stage.xa.json(FIRST, &["custody", "prove", "1", "--to", path(&before)]);
    stage.xa.stop();
    let custody = stage.xa.data.join("custody");
    let old_key = fs::read(stage.xa.data.join("keys/log.key.pem")).unwrap();
    let old_lines = fs::read_to_string(custody.join("log.vkey")).unwrap();
    let old = old_lines.lines().next().unwrap();
    let mut records = Vec::new();
    for round in 1..=2 {
        let done = rotate(&stage.xa, "log");
        assert_eq!((done["row_changed"].as_bool(), done["keys"].as_array().unwrap().len()), (Some(true), 4));
        let record = stage.xa.json(FIRST, &["custody", "show", &done["record"].to_string()]);
        assert_eq!((&record["event"], &record["reason"]), (&"key.rotated".into(), &"log".into()));
        assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
        assert_eq!(fs::read_dir(custody.join("rotations")).unwrap().count(), round);
        let listed = row(&stage.xa)["log_keys"].as_array().unwrap().len();
        assert_eq!(listed, 2 + 2 * round, "the old keys stay in the row, so that old checkpoints verify");
        stage.xa.start();
        let shown = stage.xa.json(FIRST, &["request", "show", &text(&draft, "request_id")]);
        assert_eq!(shown["request"]["subject"], "Before");
        stage.xa.stop();
        records.push(record["index"].as_u64().unwrap());
    }
    assert!(fs::read(stage.xa.data.join("keys/log.key.pem")).unwrap() != old_key);
    let lines = fs::read_to_string(custody.join("log.vkey")).unwrap();
    assert_eq!(lines.lines().count(), 6);
    assert!(lines.lines().next().unwrap() != old && lines.contains(old));
    // A proof that was given under the first key verifies under it, and the log of today from that key alone.
    run(&["verify", path(&before.join("1.tlog-proof")), "--log-key", old]).ends(0);
    let verdict = run(&["verify", path(&custody), "--log-key", old]).ends(0).out;
    assert!(verdict.contains("over 2 rotations"), "{verdict}");
    // The first key signs no history behind its end.
    let now = fs::read_to_string(custody.join("checkpoint")).unwrap();
    let size: u64 = now.lines().nth(1).unwrap().parse().unwrap();
    assert!(size > records[1] + 1, "{size}");
    let copy = stage.at("copy");
    copy_dir(&custody, &copy);
    let forged = sign_with(&old_key, &now);
    fs::write(copy.join("checkpoint"), forged).unwrap();
    let refused = run(&["verify", path(&copy), "--log-key", old]).ends(1).out;
    assert!(refused.contains("retired"), "{refused}");
    // Without the evidence, the old key alone leads nowhere.
    let copy = stage.at("without");
    copy_dir(&custody, &copy);
    fs::remove_dir_all(copy.join("rotations")).unwrap();
    run(&["verify", path(&copy), "--log-key", old]).ends(1);
    // An index and tiles made again meet every key of the journal.
    fs::remove_dir_all(custody.join("tile")).unwrap();
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck", "--repair"])["sound"], true);
    fs::remove_dir_all(custody.join("tile")).unwrap();
    stage.xa.start();
    assert_eq!(stage.xa.json(FIRST, &["request", "list"])["requests"].as_array().unwrap().len(), 1);
}

/// The text of a note under the signature of another Ed25519 key of the same name.
fn sign_with(pem: &[u8], note: &str) -> String {
    use rogatory::crypto::ed25519::SigningKey;
    use rogatory::crypto::pem::{Label, decode};
    use rogatory::custody::note::Note;
    let key = SigningKey::from_pkcs8(&decode(Label::PrivateKey, pem).unwrap()).unwrap();
    let body = Note::parse(note.as_bytes()).unwrap().text().to_owned();
    Note::sign(body, &"xa-moj.rogatory/custody".parse().unwrap(), &key).unwrap().to_string()
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy_dir(&from, &to) } else { assert!(fs::copy(from, to).is_ok()) }
    }
}

#[test]
fn a_receipt_under_a_new_log_key_waits_for_the_directory_that_lists_it_and_nothing_is_lost() {
    let mut stage = Stage::set();
    rotate(&stage.xb, "log");
    stage.xa.start();
    stage.xb.start();
    let sent = stage.xa.ask("XB-MOJ", "Signed by a key that nobody knows yet", &[]);
    let (request, message) = (text(&sent, "request_id"), text(&sent, "message_id"));
    until("the request at XB", || stage.xb.run(FIRST, &["request", "show", &request]).code.filter(|code| *code == 0));
    until("the receipt that XA cannot check", || stage.xa.said().contains("no trusted key signed").then_some(()));
    // Neither refused for good nor believed: XA has logged nothing about it.
    let about = |record: &Value| record["message_id"] == message.as_str();
    let ended = |record: &Value| {
        about(record) && ["message.delivered", "message.refused"].iter().any(|name| record["event"] == *name)
    };
    assert!(stage.xa.records_where(ended).is_empty());
    assert!(stage.xa.records_where(|record| record["event"] == "input.refused").is_empty());
    stage.publish(&stage.xb);
    for office in [&stage.xa, &stage.xb] {
        stage.import(office);
        office.json(FIRST, &["reload"]);
    }
    stage.xa.handed_over(&message);
}

/// A file that somebody puts beside the rotations, one that is gone, and an index that answers something else are found.
#[test]
fn the_full_check_finds_a_rotation_that_the_log_does_not_hold_one_that_is_gone_and_a_false_index() {
    let mut stage = Stage::set();
    rotate(&stage.xa, "log");
    rotate(&stage.xb, "log");
    stage.xa.start();
    stage.xa.draft("XB-MOJ", "A draft", &[]);
    stage.xa.stop();
    let fsck = |more: &[&str]| run(&[&["custody", "fsck", "--data", path(&stage.xa.data)], more].concat());
    assert!(fsck(&[]).ends(0).out.contains("index    answers what the log gives"));
    let rotations = stage.xa.data.join("custody/rotations");
    let name = fs::read_dir(&rotations).unwrap().next().unwrap().unwrap().file_name();
    let (own, theirs) = (rotations.join(&name), stage.xb.data.join("custody/rotations"));
    let good = fs::read(&own).unwrap();
    let other = fs::read_dir(theirs).unwrap().next().unwrap().unwrap().path();
    fs::copy(&other, rotations.join("999")).unwrap();
    assert!(fsck(&[]).ends(1).out.contains("custody/rotations/999: it ends at"));
    fs::remove_file(rotations.join("999")).unwrap();
    let index = stage.xa.data.join("index");
    {
        let (index, _) = Index::open(&index).unwrap();
        let change = Change { tree: "outbox", key: b"made up".to_vec(), value: Some(b"nothing".to_vec()) };
        index.apply(&[change], index.applied_through().unwrap()).unwrap();
        index.flush().unwrap();
    }
    assert!(fsck(&[]).ends(1).out.contains("DERIVED  the index answers something else"));
    assert!(fsck(&["--repair"]).ends(0).out.contains("made again"));
    assert!(fsck(&[]).ends(0).out.contains("index    answers what the log gives"));
    assert!(!stage.xa.data.join("index.damaged-fsck").exists());
    assert_eq!(fs::read(&own).unwrap(), good);
}

#[test]
fn what_was_sealed_to_an_old_receiving_key_still_opens_and_new_letters_use_the_new_keys() {
    let mut stage = Stage::play();
    let sent = stage.xa.ask("XB-MOJ", "To the old key", &[]);
    stage.xa.handed_over(&text(&sent, "message_id"));
    let request = text(&sent, "request_id");
    let file = stage.at("statement.txt");
    fs::write(&file, "The witness saw it.").unwrap();
    let sealed = stage.xb.json(FIRST, &["package", "seal", "--request", &request, path(&file)]);
    let package = text(&sealed, "package_id");
    stage.xb.json(SECOND, &["package", "send", &package]);
    stage.xb.handed_over(&text(&sealed, "message_id"));
    stage.xa.stop();
    let first = row(&stage.xa)["receiving_keys"][0].clone();
    for kind in ["sealing", "signing", "tls", "witness"] {
        let done = rotate(&stage.xa, kind);
        assert_eq!(done["row_changed"], kind == "sealing" || kind == "witness", "{kind}");
        let record = stage.xa.json(FIRST, &["custody", "show", &done["record"].to_string()]);
        let digests: Vec<String> =
            record["digests"].as_array().unwrap().iter().map(|digest| text(digest, "name")).collect();
        assert!(digests.contains(&"old-key/1".to_owned()) && digests.contains(&"new-key/1".to_owned()), "{digests:?}");
        assert!(!stage.xa.data.join("rotating").exists());
    }
    let row = row(&stage.xa);
    assert_eq!((row["receiving_keys"].as_array().unwrap().len(), &row["receiving_keys"][1]), (2, &first));
    assert_eq!(row["witness_keys"].as_array().unwrap().len(), 4);
    // The peer still has the old row: what it seals to the old key opens, and so does what came before.
    stage.xa.start();
    let report = stage.xb.json(FIRST, &["reply", "report", &request, "--status", "in-execution", "--text", "Going on"]);
    stage.xb.handed_over(&text(&report, "message_id"));
    let out = stage.at("out");
    stage.xa.json(FIRST, &["package", "open", &package, "--to", path(&out), "--purpose", "a test"]);
    // Both sign with what they have now, and link with it.
    let again = stage.xa.ask("XB-MOJ", "By the new keys", &[]);
    stage.xa.handed_over(&text(&again, "message_id"));
    until("the second request at XB", || {
        stage.xb.run(FIRST, &["request", "show", &text(&again, "request_id")]).code.filter(|code| *code == 0)
    });
    stage.xa.stop();
    fs::rename(stage.xa.data.join("keys/ca.key.pem"), stage.at("ca.key.pem")).unwrap();
    stage.xa.run(FIRST, &["rotate", "signing"]).refused(&["ca.key.pem is not here"]);
}
