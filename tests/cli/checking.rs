//! The full check through the program: what was done to a stopped node's data, and to a running one's, is named with its time.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::evidence::exchange;
use crate::office::{FIRST, Office, path, text};
use crate::program::{Ran, run};
use crate::stage::Stage;

fn check(office: &Office) -> Ran {
    run(&["custody", "fsck", "--data", path(&office.data), "--json"])
}

fn found(office: &Office) -> Value {
    serde_json::from_str(&check(office).ends(1).out).unwrap()
}

fn below(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let (mut files, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| path.to_str().unwrap().ends_with(ending));
    files
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Changes bytes in the journal and makes the CRC of their frame right again, as one with the disk and no key would.
fn rewrite(journal: &Path, from: &[u8], to: &[u8]) {
    let mut bytes = fs::read(journal).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    let body_of = |start: usize| u32::from_be_bytes(bytes[start..start + 4].try_into().unwrap()) as usize;
    let mut start = 64;
    while start + 20 + body_of(start) <= at {
        start += 20 + body_of(start);
    }
    let end = start + 20 + body_of(start);
    bytes[at..at + to.len()].copy_from_slice(to);
    let crc = crc32fast::hash(&[&bytes[start..start + 4], &bytes[start + 8..end]].concat());
    bytes[start + 4..start + 8].copy_from_slice(&crc.to_be_bytes());
    fs::write(journal, bytes).unwrap();
}

#[test]
fn a_replaced_enclosure_an_altered_record_and_a_damaged_sealed_file_are_named_since_when() {
    let mut stage = Stage::play();
    exchange(&stage);
    let log = stage.xa.records();
    stage.xa.stop();
    check(&stage.xa).ends(0);
    let journal = stage.xa.data.join("custody/journal/00000000000000000000.seg");
    let good = fs::read(&journal).unwrap();

    // The subject stands in the letter that is enclosed, and in no record.
    rewrite(&journal, b"The bridge", b"The Bridge");
    let findings = found(&stage.xa);
    let drafted = log.iter().find(|record| record["event"] == "message.drafted").unwrap();
    assert_eq!(findings["first_bad"]["index"], drafted["index"]);
    assert!(text(&findings["first_bad"], "why").contains("enclosure 1"), "{findings}");
    assert!(text(&findings["first_bad"], "at").starts_with("20"), "{findings}");
    let told = run(&["custody", "fsck", "--data", path(&stage.xa.data)]).ends(1).out;
    assert!(told.contains("DAMAGED") && told.ends_with("NOT SOUND: see above.\n") && !told.contains("ridge"), "{told}");
    fs::write(&journal, &good).unwrap();

    // The officer's name stands in the record itself: the signed tree notices.
    rewrite(&journal, stage.xa.name(FIRST).as_bytes(), &stage.xa.name(FIRST).to_uppercase().into_bytes());
    let findings = found(&stage.xa);
    let bad = &findings["first_bad"];
    assert_eq!(bad["index"], drafted["index"], "{findings}");
    assert!(
        text(bad, "why").contains("altered") && bad["proven_before"].as_u64() <= bad["index"].as_u64(),
        "{findings}"
    );
    assert!(bad["last_before"]["at"].is_string() && bad["next_after"]["at"].is_string(), "{findings}");
    fs::write(&journal, &good).unwrap();

    let sealed = below(&stage.xa.data.join("vault"), ".sealed");
    assert!(!sealed.is_empty());
    flip(&sealed[0], 50);
    let findings = found(&stage.xa);
    let wrong = findings["sealed_files_wrong"].as_array().unwrap();
    assert!(wrong.len() == 1 && wrong[0].as_str().unwrap().contains("since record "), "{findings}");
    flip(&sealed[0], 50);
    fs::rename(&sealed[0], sealed[0].with_extension("away")).unwrap();
    assert_eq!(found(&stage.xa)["sealed_files_wrong"].as_array().unwrap().len(), 1);
    fs::rename(sealed[0].with_extension("away"), &sealed[0]).unwrap();
    check(&stage.xa).ends(0);
}

#[test]
fn a_published_checkpoint_without_the_line_of_the_second_key_is_told_and_signed_again_by_a_repair() {
    let mut stage = Stage::set();
    stage.xa.start();
    stage.xa.stop();
    let checkpoint = stage.xa.data.join("custody/checkpoint");
    let good = fs::read_to_string(&checkpoint).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    assert!(lines.len() >= 6, "{good}");
    fs::write(&checkpoint, lines[..lines.len() - 1].concat()).unwrap();
    assert_eq!(found(&stage.xa)["published_lines_missing"], true);
    run(&["custody", "fsck", "--data", path(&stage.xa.data), "--repair"]).done();
    assert_eq!(fs::read_to_string(&checkpoint).unwrap(), good);
    check(&stage.xa).ends(0);
}

#[test]
fn beside_a_running_node_damage_is_found_and_the_node_goes_on() {
    let mut stage = Stage::set();
    stage.xa.start();
    check(&stage.xa).ends(0);
    let bundle = below(&stage.xa.data.join("custody/tile/entries"), "");
    let bundle = bundle.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    flip(bundle, 10);
    let findings = found(&stage.xa);
    assert_eq!((&findings["beside_the_node"], &findings["derived_wrong"]), (&Value::from(true), &Value::from(1)));
    flip(bundle, 10);
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
    stage.xa.ask("XB-MOJ", "The bridge", &[]);
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
}
