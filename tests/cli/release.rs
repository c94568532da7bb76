//! Data that an earlier release wrote are read for ever: a whole node of each release lies under `tests/vectors/releases/`, as a
//! backup of its data directory, sealed to a key that is no secret. `tests/release.sh` adds the one of the present release.

use std::fs;
use std::path::PathBuf;

use rogatory::crypto::hybrid::HybridSecretKey;
use rogatory::crypto::pem::{self, Label};
use serde_json::Value;

use crate::office::{FIRST, path, text};
use crate::program::run;
use crate::stage::Stage;

/// Known to everybody: what it seals is a test.
const SEED: [u8; 32] = *b"rogatory release vectors, no key";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/releases")
}

/// Makes the node of this release and backs it up. Run by `tests/release.sh` alone.
fn write_present(stage: &mut Stage) {
    let public = HybridSecretKey::from_seed(&SEED).public().clone();
    let key = stage.xa.data.join("keys/backup.pub.pem");
    fs::write(&key, pem::encode(Label::BackupKey, public.as_bytes()).as_bytes()).unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    stage.xa.start();
    stage.xb.start();
    let sent = stage.xa.ask("XB-MOJ", "The bridge", &[]);
    stage.xa.handed_over(&text(&sent, "message_id"));
    let asked = stage.xb.ask("XA-MOJ", "The recording", &[]);
    stage.xb.handed_over(&text(&asked, "message_id"));
    let evidence = stage.at("recording.raw");
    fs::write(&evidence, b"what was heard").unwrap();
    let request = text(&asked, "request_id");
    let sealed = stage.xa.json(FIRST, &["package", "seal", "--request", &request, path(&evidence)]);
    stage.xa.stop();
    stage.xa.json(FIRST, &["rotate", "log"]);
    let dir = folder().join(env!("CARGO_PKG_VERSION"));
    fs::create_dir_all(&dir).unwrap();
    let volume = dir.join("node.backup");
    let _ = fs::remove_file(&volume);
    stage.xa.json(FIRST, &["backup", "--to", path(&volume)]);
    let records = stage.xa.records();
    let told: Vec<Value> =
        records.iter().map(|one| serde_json::json!([one["index"], one["event"], one["at"]])).collect();
    let facts = serde_json::json!({ "records": told, "package": sealed["package_id"] });
    fs::write(dir.join("facts.json"), serde_json::to_string_pretty(&facts).unwrap() + "\n").unwrap();
}

#[test]
fn the_node_of_every_release_is_put_back_read_and_found_sound_by_this_one() {
    if std::env::var_os("ROGATORY_WRITE_RELEASE").is_some() {
        write_present(&mut Stage::set());
    }
    let scratch = tempfile::tempdir().unwrap();
    let secret = scratch.path().join("secret.pem");
    fs::write(&secret, pem::encode(Label::BackupSeed, &SEED).as_bytes()).unwrap();
    let mut releases: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    releases.sort();
    assert!(!releases.is_empty());
    for release in releases {
        let data = scratch.path().join(release.file_name().unwrap());
        let volume = release.join("node.backup");
        let args = ["restore", "--from", path(&volume), "--to", path(&data), "--key", path(&secret), "--json"];
        let restored = run(&args).json();
        assert_eq!(
            (&restored["check"]["sound"], &restored["check"]["sealed_files"]),
            (&true.into(), &1.into()),
            "{restored}"
        );
        let facts: Value = serde_json::from_slice(&fs::read(release.join("facts.json")).unwrap()).unwrap();
        let log = run(&["custody", "log", "--data", path(&data), "--as", "Ana Novak", "--json"]).json();
        let entries = log["entries"].as_array().unwrap();
        let told: Vec<Value> =
            entries.iter().map(|one| serde_json::json!([one["index"], one["event"], one["at"]])).collect();
        assert_eq!(Value::from(told), facts["records"]);
        let listed = run(&["request", "list", "--data", path(&data), "--as", "Ana Novak", "--json"]).json();
        let mut subjects: Vec<String> =
            listed["requests"].as_array().unwrap().iter().map(|row| text(row, "subject")).collect();
        subjects.sort();
        assert_eq!(subjects, ["The bridge", "The recording"]);
        let line = fs::read_to_string(data.join("custody/log.vkey")).unwrap();
        run(&["verify", path(&data.join("custody")), "--log-key", line.lines().next().unwrap()]).done();
    }
}
