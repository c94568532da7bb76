//! Two real nodes watch each other, as officers see it: cosignatures, a node that was put back to a backup, a witness of the
//! policy that does not answer and comes back.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::office::{FIRST, Office, text};
use crate::program::until;
use crate::stage::Stage;

fn status(office: &Office) -> Value {
    serde_json::from_str(&office.run(FIRST, &["custody", "witness", "--json"]).out).unwrap()
}

fn algorithms(office: &Office) -> Vec<String> {
    let status = status(office);
    status["witnesses"].as_array().unwrap().iter().map(|witness| text(witness, "algorithm")).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn an_honest_pair_cosigns_each_other_within_one_session() {
    let stage = Stage::play();
    stage.xa.ask("XB-MOJ", "The bridge", &[]);
    for office in [&stage.xa, &stage.xb] {
        until(&format!("the log of {} to be cosigned", office.id), || {
            (algorithms(office) == ["Ed25519", "ML-DSA-44"]).then_some(())
        });
        let note = office.run(FIRST, &["custody", "checkpoint"]).done();
        assert_eq!(note.lines().filter(|line| line.starts_with("\u{2014} ")).count(), 4, "{note}");
        let told = office.run(FIRST, &["custody", "witness"]).done();
        assert!(told.contains("cosigned by") && !told.contains("EVIDENCE"), "{told}");
    }
}

#[test]
fn a_node_that_was_put_back_to_a_backup_learns_it_from_its_peer_records_it_and_goes_on() {
    let mut stage = Stage::play();
    stage.xa.ask("XB-MOJ", "Before", &[]);
    until("a cosignature", || (!algorithms(&stage.xa).is_empty()).then_some(()));
    stage.xa.stop();
    let (data, backup) = (stage.xa.data.clone(), stage.at("backup"));
    copy(&data, &backup);
    stage.xa.start();
    let row = stage.xa.ask("XB-MOJ", "After the backup", &[]);
    stage.xa.handed_over(&text(&row, "message_id"));
    // A new link shows the peer what the log has become.
    stage.xa.stop();
    stage.xa.start();
    stage.xa.ask("XB-MOJ", "Once more", &[]);
    let shown = status(&stage.xa)["size"].as_u64().unwrap();
    until("the peer to hold the newer log", || {
        let held = status(&stage.xb)["held"][0]["size"].as_u64().unwrap_or(0);
        (held + 4 >= shown).then_some(())
    });
    stage.xa.stop();
    fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    stage.xa.start();
    stage.xa.ask("XB-MOJ", "After the loss", &[]);
    let record =
        until("the rollback to be recorded", || stage.xa.records_where(|record| record["event"] == "log.shrunk").pop());
    assert!(text(&record, "reason").contains("entries"), "{record}");
    let told = stage.xa.run(FIRST, &["custody", "witness"]).ends(1).out;
    assert!(told.contains("EVIDENCE"), "{told}");
    assert!(stage.xa.said().contains("put back to an older state"));
    // Evidence warns and stops nothing.
    let found = stage.xa.json(FIRST, &["doctor"]);
    let evidence = found.as_array().unwrap().iter().find(|one| one["check"] == "evidence").unwrap();
    assert_eq!(evidence["grade"], "warning");
    assert!(text(evidence, "seen").contains("that this log was put back"), "{evidence}");
    // The peer finds it too, by asking.
    until("the peer to keep evidence", || stage.xb.records_where(|record| record["event"] == "log.inconsistent").pop());
    let row = stage.xb.ask("XA-MOJ", "Service goes on", &[]);
    assert_eq!(row["state"], "queued");
}

#[test]
fn a_witness_of_the_policy_that_does_not_answer_is_a_gap_that_is_recorded_once_and_healed() {
    let mut stage = Stage::set();
    // XB is the independent witness of XA over the web, at an address where nobody listens yet.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let entry = fs::read_to_string(stage.xb.data.join("directory-entry.json")).unwrap();
    let entry: Value = serde_json::from_str(&entry).unwrap();
    let keys = entry["witness_keys"].as_array().unwrap();
    let lines = keys
        .iter()
        .enumerate()
        .map(|(number, key)| format!("witness w{number} {} http://{address}/witness\n", key.as_str().unwrap()));
    let policy: String = lines.chain(["quorum none\n".to_owned()]).collect();
    fs::write(stage.xa.data.join("custody/policy"), policy).unwrap();
    let settings = |office: &Office, more: &str| {
        let path = office.data.join("config.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, more.replace("TEXT", &text)).unwrap();
    };
    let text_of = fs::read_to_string(stage.xa.data.join("config.toml")).unwrap();
    let replaced = text_of.replace("gap_minutes = 60", "gap_minutes = 0");
    assert_ne!(text_of, replaced);
    fs::write(stage.xa.data.join("config.toml"), replaced).unwrap();
    stage.xa.start();
    let gap = |stage: &Stage, event: &str| stage.xa.records_where(|record| record["event"] == event);
    until("the gap to be recorded", || gap(&stage, "witness.unreachable").pop());
    assert_eq!(status(&stage.xa)["gaps"][0]["recorded"], true);
    // Again and again, and recorded once.
    stage.xa.stop();
    stage.xa.start();
    settings(&stage.xb, &format!("TEXT\n[web]\nlisten = \"{address}\"\n"));
    stage.xb.start();
    stage.xa.stop();
    stage.xa.start();
    until("the gap to be healed", || gap(&stage, "witness.healed").pop());
    assert_eq!(gap(&stage, "witness.unreachable").len(), 1);
    assert_eq!(status(&stage.xa)["gaps"], Value::Array(Vec::new()));
    assert_eq!(algorithms(&stage.xa), ["Ed25519", "ML-DSA-44"]);
}
