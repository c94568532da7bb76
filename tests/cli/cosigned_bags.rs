//! A bag that one of two linked nodes exports: the other's cosignature covers all its records, also by openssl's judgement, and
//! both logs are led on to what the other side holds. A bag without a peer says that it has none yet.

use std::fs;
use std::path::Path;

use rogatory::custody::checkpoint::Checkpoint;
use rogatory::custody::note::Note;
use rogatory::model::base64;
use serde_json::Value;

use crate::exports::{export, package, verified};
use crate::office::{FIRST, Office, path, text};
use crate::program::until;
use crate::stage::Stage;
use crate::tsa::openssl;

const OPEN: &str = "are under no checkpoint that somebody else cosigned";

/// The raw Ed25519 key with which an authority cosigns, and its line in the directory.
fn witness_key(office: &Office) -> (String, Vec<u8>) {
    let entry = fs::read_to_string(office.data.join("directory-entry.json")).unwrap();
    let entry: Value = serde_json::from_str(&entry).unwrap();
    let mut keys = entry["witness_keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned());
    let read = |key: String| {
        // Name, key id, key; the base64 of the key may hold a plus sign itself.
        let raw = base64::decode(key.splitn(3, '+').nth(2).unwrap()).unwrap();
        (raw[0] == 4).then(|| (key, raw[1..].to_vec()))
    };
    keys.find_map(read).expect("an Ed25519 cosigner")
}

/// Every checkpoint of that log in the bag that holds a line of that witness.
fn cosigned_by(bag: &Path, log: &str, witness: &str) -> Vec<(u64, Note)> {
    let folder = bag.join("rogatory/logs").join(log).join("checkpoints");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let Ok(size) = entry.file_name().to_string_lossy().parse::<u64>() else { continue };
        let note = Note::parse(&fs::read(entry.path()).unwrap()).unwrap();
        assert_eq!(Checkpoint::parse(note.text()).unwrap().size(), size);
        if note.signatures().iter().any(|line| line.name() == witness) {
            found.push((size, note));
        }
    }
    found
}

/// The numbers of the records of that log in the bag.
fn records(bag: &Path, log: &str) -> Vec<u64> {
    let entries = fs::read_dir(bag.join("rogatory/records").join(log)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".record")?.parse().ok()).collect()
}

/// Puts the Ed25519 line of that witness before openssl; then the same with one entry more.
fn openssl_agrees(stage: &Stage, note: &Note, witness: &str, key: &[u8]) {
    let payload =
        |line: &&rogatory::custody::note::SignatureLine| line.name() == witness && line.signature().len() == 72;
    let line = note.signatures().iter().find(payload).expect("time and Ed25519 signature");
    let (time, signature) = line.signature().split_at(8);
    let seconds = u64::from_be_bytes(time.try_into().unwrap());
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    fs::write(stage.at("witness.der"), [&prefix[..], key].concat()).unwrap();
    fs::write(stage.at("line.sig"), signature).unwrap();
    let command = "pkeyutl -verify -pubin -keyform DER -inkey witness.der -rawin -in line.msg -sigfile line.sig";
    fs::write(stage.at("line.msg"), format!("cosignature/v1\ntime {seconds}\n{}", note.text())).unwrap();
    assert!(openssl(stage.folder(), command).unwrap().contains("Verified Successfully"));
    fs::write(stage.at("line.msg"), format!("cosignature/v1\ntime {}\n{}", seconds + 1, note.text())).unwrap();
    assert!(openssl(stage.folder(), command).is_err());
}

#[test]
fn a_bag_of_a_linked_node_holds_the_peers_cosignature_over_all_its_records_and_links_the_peers_receipts() {
    let stage = Stage::play();
    let package = package(&stage, "The bridge", "statement.txt", &[]);
    for (exporter, other, name) in [(&stage.xa, &stage.xb, "a"), (&stage.xb, &stage.xa, "b")] {
        let bag = stage.at(name);
        let told = export(exporter, &package, &bag, &[]);
        assert!(told["records"].as_u64().unwrap() > 3, "{told}");
        assert_eq!(told["records"], told["cosigned_records"], "{told}");
        let [own, peer] = [exporter, other].map(|office| format!("{}.rogatory_custody", office.id.to_lowercase()));
        let witness = format!("{}.rogatory/witness", other.id.to_lowercase());
        let newest = records(&bag, &own).into_iter().max().unwrap();
        let (size, note) = cosigned_by(&bag, &own, &witness).pop().expect("a cosigned checkpoint");
        assert!(size > newest, "{size} entries, and the newest record is {newest}");
        let (line, key) = witness_key(other);
        assert!(crate::exports::holds(&crate::exports::everything(&bag.join("rogatory")), &line), "{line}");
        openssl_agrees(&stage, &note, &witness, &key);
        // Of the peer's log: each receipt is led to the checkpoint that this node holds and cosigned.
        let us = format!("{}.rogatory/witness", exporter.id.to_lowercase());
        let (held, _) = cosigned_by(&bag, &peer, &us).into_iter().max_by_key(|(size, _)| *size).expect("what is held");
        let receipts = records(&bag, &peer);
        assert!(!receipts.is_empty() && receipts.iter().all(|index| *index < held), "{receipts:?} below {held}");
        let said = verified(&stage, &[&bag]).done();
        for (witness, log) in [(&witness, exporter), (&us, other)] {
            let log = format!("{}.rogatory/custody", log.id.to_lowercase());
            let story = format!("{witness} cosigned the log {log} at ");
            assert!(said.contains(&story), "{story}: {said}");
        }
        assert!(!said.contains(OPEN) && said.ends_with("VERIFIED\n"), "{said}");
    }
}

#[test]
fn a_bag_of_a_node_whose_peer_is_gone_is_made_at_once_and_says_what_is_not_cosigned() {
    let mut stage = Stage::play();
    let package = package(&stage, "The bridge", "statement.txt", &[]);
    stage.xb.stop();
    let bag = stage.at("alone");
    let args = ["package", "export", &package, "--to", path(&bag), "--purpose", "trial"];
    let said = stage.xa.run(FIRST, &args).done();
    assert!(said.contains("not yet cosigned: ") && said.contains("The bag is whole without it"), "{said}");
    let judged = verified(&stage, &[&bag]);
    assert!(judged.code == Some(0) && judged.out.contains(OPEN), "{}", judged.out);
}

#[test]
fn what_an_exchange_has_logged_is_cosigned_soon_after_the_log_rests_and_cosigning_logs_nothing() {
    let stage = Stage::play();
    let row = stage.xa.ask("XB-MOJ", "The bridge", &[]);
    stage.xa.handed_over(&text(&row, "message_id"));
    for office in [&stage.xa, &stage.xb] {
        until(&format!("the whole log of {} to be cosigned", office.id), || {
            let told = office.json(FIRST, &["custody", "checkpoint"]);
            (!told["cosigned_by"].as_array().unwrap().is_empty() && told["size"] == told["log_size"]).then_some(())
        });
        let found = office.json(FIRST, &["doctor"]);
        let of = |check: &str| found.as_array().unwrap().iter().find(|one| one["check"] == check).cloned().unwrap();
        assert_eq!(of("witnesses")["grade"], "good");
        assert!(text(&of("witnesses"), "seen").starts_with("all "), "{found}");
        assert_eq!(of("evidence")["grade"], "good");
    }
    let sizes = || [&stage.xa, &stage.xb].map(|office| office.records().len());
    let before = sizes();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(sizes(), before);
}
