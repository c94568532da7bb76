//! Backups of a running node, put back elsewhere; a lost log that begins anew, and a peer that never sees two histories.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

/// A backup key, and a directory for volumes.
fn prepare(stage: &Stage) -> (PathBuf, PathBuf) {
    let (secret, volumes) = (stage.at("secret.pem"), stage.at("volumes"));
    run(&["backup", "key", "new", "--out", path(&secret), "--data", path(&stage.xa.data)]).done();
    fs::create_dir(&volumes).unwrap();
    (secret, volumes)
}

fn backup(office: &Office, to: &Path) -> Value {
    office.json(FIRST, &["backup", "--to", path(to)])
}

fn restore(volumes: &Path, to: &Path, secret: &Path) -> Value {
    run(&["restore", "--from", path(volumes), "--to", path(to), "--key", path(secret), "--json"]).json()
}

/// The data of XA-MOJ are lost; what was put back takes their place.
fn lose_and_put_back(stage: &mut Stage, volumes: &Path, secret: &Path) -> Value {
    let elsewhere = stage.at("put-back");
    let restored = restore(volumes, &elsewhere, secret);
    fs::remove_dir_all(&stage.xa.data).unwrap();
    fs::rename(&elsewhere, &stage.xa.data).unwrap();
    restored
}

fn ask(office: &Office, to: &str, subject: &str) -> String {
    let row = office.ask(to, subject, &[]);
    office.handed_over(&text(&row, "message_id"));
    text(&row, "request_id")
}

#[test]
fn increments_of_a_running_node_put_back_elsewhere_are_the_node_as_it_was() {
    let mut stage = Stage::play();
    let (secret, volumes) = prepare(&stage);
    let request = ask(&stage.xb, "XA-MOJ", "Before");
    let evidence = stage.at("recording.raw");
    fs::write(&evidence, vec![7; 3 << 20]).unwrap();
    let first = backup(&stage.xa, &volumes);
    assert_eq!(first["number"], 1);
    let sealed = stage.xa.json(FIRST, &["package", "seal", "--request", &request, path(&evidence)]);
    let package = text(&sealed, "package_id");
    stage.xa.json(SECOND, &["package", "send", &package]);
    stage.xa.handed_over(&text(&sealed, "message_id"));
    let second = backup(&stage.xa, &volumes);
    let third = backup(&stage.xa, &volumes);
    assert_eq!((&second["number"], &third["chain"]), (&2.into(), &first["chain"]));
    let sizes = [&first, &second, &third].map(|made| made["bytes"].as_u64().unwrap());
    assert!(sizes[2] < 64 << 10, "what did not change is not written again: {sizes:?}");
    assert!(sizes[1] > 3 << 20 && sizes[1] < 4 << 20, "{sizes:?}");
    // Without the key: a chain. With it: every byte. With one byte changed: refused.
    run(&["backup", "verify", "--from", path(&volumes)]).ends(3);
    let whole = run(&["backup", "verify", "--from", path(&volumes), "--key", path(&secret), "--json"]).json();
    assert_eq!(whole["volumes"], 3);
    let damaged = stage.at("damaged");
    fs::create_dir(&damaged).unwrap();
    for number in 1..=3 {
        let name = format!("{number:06}.backup");
        let mut bytes = fs::read(volumes.join(&name)).unwrap();
        if number == 2 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        fs::write(damaged.join(name), bytes).unwrap();
    }
    run(&["backup", "verify", "--from", path(&damaged), "--key", path(&secret)]).refused(&["000002.backup", "changed"]);
    fs::remove_file(damaged.join("000002.backup")).unwrap();
    run(&["backup", "verify", "--from", path(&damaged)]).refused(&["missing"]);
    // Elsewhere: sound, the same records, and the evidence opens from its own vault.
    let elsewhere = stage.at("elsewhere");
    let restored = restore(&volumes, &elsewhere, &secret);
    assert_eq!(
        (&restored["check"]["sound"], &restored["check"]["sealed_files"]),
        (&true.into(), &1.into()),
        "{restored}"
    );
    run(&["restore", "--from", path(&volumes), "--to", path(&elsewhere), "--key", path(&secret)])
        .refused(&["not empty"]);
    let size = restored["log_size"].as_u64().unwrap();
    let here = stage.xa.records();
    let there = run(&["custody", "log", "--data", path(&elsewhere), "--as", "Ana Novak", "--json"]).json();
    let there = there["entries"].as_array().unwrap().clone();
    assert_eq!(there.len() as u64, size);
    assert_eq!(there, here[..there.len()]);
    for name in ["keys/log.key.pem", "config.toml", "directory-entry.json"] {
        assert_eq!(fs::read(elsewhere.join(name)).unwrap(), fs::read(stage.xa.data.join(name)).unwrap(), "{name}");
    }
    let vault = Path::new("vault").join(&package).join("1.sealed");
    assert_eq!(fs::read(elsewhere.join(&vault)).unwrap(), fs::read(stage.xa.data.join(&vault)).unwrap());
    // The log says that backups were made; a foreign chain is not continued.
    assert_eq!(stage.xa.records_where(|record| record["event"] == "backup.made").len(), 3);
    stage.xb.run(FIRST, &["backup", "--to", path(&volumes)]).refused(&["no backup key"]);
    stage.xa.stop();
    let stopped = stage.at("stopped.backup");
    assert_eq!(stage.xa.json(FIRST, &["backup", "--to", path(&stopped)])["number"], 1);
    run(&["backup", "verify", "--from", path(&stopped), "--key", path(&secret)]).done();
}

#[test]
fn a_node_moved_by_its_newest_backup_goes_on_with_the_same_log_when_no_peer_holds_more() {
    let mut stage = Stage::play();
    let (secret, volumes) = prepare(&stage);
    ask(&stage.xa, "XB-MOJ", "Before");
    stage.xa.stop();
    let file = stage.at("newest.backup");
    stage.xa.json(FIRST, &["backup", "--to", path(&file)]);
    drop(volumes);
    let restored = lose_and_put_back(&mut stage, &file, &secret);
    let size = restored["log_size"].as_u64().unwrap();
    stage.xa.start();
    // It reads, and takes nothing.
    assert_eq!(stage.xa.records().len() as u64, size, "not even its start is in the log");
    stage.xa.run(FIRST, &["request", "new", "--to", "XB-MOJ", "--subject", "X"]).refused(&["came from a backup"]);
    let compared = stage.xa.json(FIRST, &["restore", "compare"]);
    assert_eq!((&compared["peers"][0]["continues"], &compared["put_back"]), (&true.into(), &true.into()), "{compared}");
    stage.xb.stop();
    stage.xa.run(FIRST, &["restore", "resume"]).refused(&["XB-MOJ could not be asked"]);
    stage.xb.start();
    until("the peer to be heard", || stage.xa.run(FIRST, &["restore", "resume"]).code.filter(|code| *code == 0));
    ask(&stage.xa, "XB-MOJ", "After");
    ask(&stage.xb, "XA-MOJ", "The other way");
    assert_eq!(stage.xa.records_where(|record| record["event"] == "log.resumed").len(), 1);
    assert!(stage.xb.records_where(|record| record["event"] == "log.inconsistent").is_empty());
}

/// What the peer holds of the logs of others.
fn held(stage: &Stage) -> Vec<Value> {
    let witness = stage.xb.json(FIRST, &["custody", "witness"]);
    witness["held"].as_array().unwrap().clone()
}

fn nobody_is_accused(stage: &Stage) {
    for office in [&stage.xa, &stage.xb] {
        let accused = |record: &Value| record["event"] == "log.inconsistent" || record["event"] == "log.shrunk";
        assert!(office.records_where(accused).is_empty(), "{}", office.id);
    }
}

#[test]
fn a_node_put_back_to_an_older_state_begins_a_new_log_and_its_peer_never_sees_two_histories() {
    let mut stage = Stage::play();
    let (secret, volumes) = prepare(&stage);
    ask(&stage.xa, "XB-MOJ", "Before");
    backup(&stage.xa, &volumes);
    let lost = ask(&stage.xb, "XA-MOJ", "Acknowledged after the backup");
    let sent = ask(&stage.xa, "XB-MOJ", "Sent after the backup");
    let before = until("the peer to hold the newest checkpoint", || {
        let size = stage.xa.records().len() as u64;
        held(&stage).into_iter().find(|log| log["size"].as_u64() == Some(size))
    });
    stage.xa.stop();
    let restored = lose_and_put_back(&mut stage, &volumes, &secret);
    let size = restored["log_size"].as_u64().unwrap();
    assert!(size < before["size"].as_u64().unwrap());
    stage.xa.start();
    let compared = until("the peer to be heard", || {
        let found = stage.xa.run(FIRST, &["restore", "compare", "--json"]);
        let found: Value = serde_json::from_str(&found.out).ok()?;
        found["peers"][0]["unheard"].is_null().then_some(found)
    });
    let side = &compared["peers"][0];
    assert_eq!((&side["continues"], &side["log_size"]), (&false.into(), &before["size"]), "{compared}");
    let missing = side["missing"].as_array().unwrap();
    let by_us: Vec<bool> = missing.iter().map(|one| one["sent_by_us"].as_bool().unwrap()).collect();
    assert!(missing.len() == 2 && by_us.contains(&true) && by_us.contains(&false), "{compared}");
    stage.xa.run(FIRST, &["restore", "resume"]).refused(&["XB-MOJ hold more", "accept-loss"]);
    stage
        .xa
        .run(FIRST, &["restore", "accept-loss", "--reason", "the disk died"])
        .refused(&["another rogatory process"]);
    stage.xa.stop();
    let begun = stage.xa.json(FIRST, &["restore", "accept-loss", "--reason", "the disk died"]);
    assert_eq!(begun["size"], size);
    let log = text(&begun, "log");
    assert!(log.starts_with("xa-moj.rogatory/custody/"), "{log}");
    stage.xa.run(FIRST, &["restore", "accept-loss", "--reason", "again"]).refused(&["did not come from a backup"]);
    let check = stage.xa.json(FIRST, &["custody", "fsck"]);
    assert_eq!(check["sound"], true, "{check}");
    // The keepers publish the row with the new log; both nodes take it.
    stage.publish(&stage.xa);
    stage.xa.start();
    for office in [&stage.xa, &stage.xb] {
        stage.import(office);
        office.json(FIRST, &["reload"]);
    }
    let taken = until("the lost letter to come again", || {
        let taken = stage.xa.run(FIRST, &["restore", "take-again", "XB-MOJ", "--json"]);
        serde_json::from_str::<Value>(&taken.out).ok().filter(|taken| taken[0]["refused"].is_null())
    });
    assert_eq!(taken.as_array().unwrap().len(), 1, "{taken}");
    let again = stage.xa.json(FIRST, &["request", "show", &lost]);
    assert_eq!(again["request"]["subject"], "Acknowledged after the backup");
    stage.xa.run(FIRST, &["request", "show", &sent]).ends(1);
    // Work goes on, both ways, and the peer cosigns the new log beside what it holds of the old one.
    ask(&stage.xa, "XB-MOJ", "After");
    ask(&stage.xb, "XA-MOJ", "The other way");
    until("the peer to hold the new log", || {
        held(&stage).into_iter().find(|one| one["log"] == log.as_str() && one["size"].as_u64() > Some(size))
    });
    let old = held(&stage).into_iter().find(|one| one["log"] == "xa-moj.rogatory/custody").unwrap();
    assert_eq!(old["size"], before["size"], "what was seen of the old log stays as it was seen");
    nobody_is_accused(&stage);
    assert_eq!(stage.xa.records_where(|record| record["event"] == "log.restarted").len(), 1);
    stage.xa.stop();
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
    let line = fs::read_to_string(stage.xa.data.join("custody/log.vkey")).unwrap();
    run(&["verify", path(&stage.xa.data.join("custody")), "--log-key", line.lines().next().unwrap()]).done();
}
