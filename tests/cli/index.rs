//! The index is derived: deleted, damaged or foreign, it is made again from the custody log and answers the same.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::office::{FIRST, Office, text};
use crate::stage::Stage;

/// Two nodes that exchanged a request and its acknowledgement, stopped.
fn after_an_exchange() -> Stage {
    let mut stage = Stage::play();
    let sent = stage.xa.ask("XB-MOJ", "The bridge", &["--urgent", "A hearing tomorrow"]);
    stage.xa.handed_over(&text(&sent, "message_id"));
    let ack = stage.xb.json(FIRST, &["reply", "ack", &text(&sent, "request_id"), "--reference", "XB-7"]);
    stage.xb.handed_over(&text(&ack, "message_id"));
    stage.xa.draft("XB-MOJ", "Not approved yet", &[]);
    stage.xa.stop();
    stage.xb.stop();
    stage
}

fn answers(office: &Office) -> [Value; 2] {
    [&["request", "list"], &["package", "list"]].map(|args| office.json(FIRST, args))
}

fn digest(office: &Office, verb: &str) -> Value {
    office.json(FIRST, &["index", verb])
}

#[test]
fn an_index_that_is_deleted_or_made_again_is_the_same_and_answers_the_same() {
    let mut stage = after_an_exchange();
    let before = [&stage.xa, &stage.xb].map(|office| (digest(office, "digest"), answers(office)));
    for (office, before) in [&stage.xa, &stage.xb].into_iter().zip(&before) {
        fs::remove_dir_all(office.data.join("index")).unwrap();
        assert_eq!((digest(office, "digest"), answers(office)), *before, "a missing index is made when it is needed");
        let rebuilt = digest(office, "rebuild");
        assert_eq!(rebuilt["digest"], before.0["digest"], "a rebuild gives the same answers");
        assert_eq!(rebuilt["records"].as_u64(), before.0["records"].as_u64().map(|records| records + 1));
        assert_eq!(office.records().last().unwrap()["event"], "index.rebuilt");
        assert_eq!((digest(office, "digest"), answers(office)), (rebuilt.clone(), before.1.clone()));
        fs::remove_dir_all(office.data.join("index")).unwrap();
        assert_eq!((digest(office, "digest"), answers(office)), (rebuilt, before.1.clone()));
        assert!(!office.data.join("index.damaged-1").exists(), "nothing was wrong with it");
    }
    stage.xa.start();
    assert_eq!(answers(&stage.xa), before[0].1);
    stage.xa.run(FIRST, &["index", "rebuild"]).refused(&["another rogatory process", "stop it"]);
}

#[test]
fn a_damaged_index_is_noticed_at_the_start_and_made_again() {
    let mut stage = after_an_exchange();
    let sound = (digest(&stage.xa, "digest"), answers(&stage.xa));
    let index = stage.xa.data.join("index");
    let kept = stage.at("index-kept");
    copy(&index, &kept);
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("garbage for a database", |index| fs::write(index.join("db"), [0xa5; 70_000]).unwrap()),
        ("a database cut in the middle", |index| {
            let file = fs::File::options().write(true).open(index.join("db")).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("a byte flipped in each KiB", |index| {
            let mut bytes = fs::read(index.join("db")).unwrap();
            bytes.iter_mut().step_by(1_024).for_each(|byte| *byte ^= 0x10);
            fs::write(index.join("db"), bytes).unwrap();
        }),
        ("garbage for a snapshot", |index| {
            for entry in fs::read_dir(index).unwrap().map(Result::unwrap) {
                if entry.file_name().to_string_lossy().starts_with("snap.") {
                    fs::write(entry.path(), [0x5a; 100]).unwrap();
                }
            }
        }),
        ("no database at all", |index| fs::remove_file(index.join("db")).unwrap()),
    ];
    for (what, damage) in damages {
        fs::remove_dir_all(&index).unwrap();
        copy(&kept, &index);
        damage(&index);
        stage.xa.start();
        assert_eq!(answers(&stage.xa), sound.1, "{what}");
        stage.xa.stop();
        stage.xa.json(FIRST, &["custody", "fsck"]);
    }
    let rebuilt = stage.xa.records_where(|record| record["event"] == "index.rebuilt");
    assert!(!rebuilt.is_empty() && stage.xa.said().contains("index was damaged"), "{}", stage.xa.said());
    fs::remove_dir_all(&index).unwrap();
    assert_eq!(digest(&stage.xa, "digest")["records"], stage.xa.records().len());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { assert!(fs::copy(from, to).is_ok()) }
    }
}
