//! A node whose disk is really full, and one whose data is really read-only: file systems of a namespace of their own.
//! Fails, with the reason, where the system allows no such namespace.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::requests::both_logs_agree;
use crate::stage::Stage;

/// Set in the child that runs inside the namespace.
const INSIDE: &str = "ROGATORY_TEST_NAMESPACE";

/// Runs the named test again where it may mount; says whether this is the run inside.
fn inside_a_namespace(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--kill-child"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(INSIDE, "1")
        .output()
        .expect("this test needs the program `unshare` (util-linux)");
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "this test needs user and mount namespaces, or it failed inside one:\n{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

fn mount(args: &[&str]) {
    let done = Command::new("mount").args(args).output().unwrap();
    assert!(done.status.success(), "mount {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Moves the data of a stopped node to a file system of that many MiB, with a reserve of one.
fn onto_small_disk(stage: &Stage, office: &Office, mib: u32) {
    let aside = stage.at("aside");
    fs::rename(&office.data, &aside).unwrap();
    fs::create_dir(&office.data).unwrap();
    mount(&["-t", "tmpfs", "-o", &format!("size={mib}m,mode=700"), "tmpfs", path(&office.data)]);
    let copied = Command::new("cp").args(["-a", &format!("{}/.", path(&aside)), path(&office.data)]).status().unwrap();
    assert!(copied.success());
    let settings = office.data.join("config.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(settings, text.replace("reserve_mib = 256", "reserve_mib = 1")).unwrap();
}

/// Takes what is free, but for that many bytes.
fn ballast(office: &Office, leave_bytes: u64) {
    let disk = rustix::fs::statvfs(&office.data).unwrap();
    let take = (disk.f_bavail * disk.f_frsize).checked_sub(leave_bytes).unwrap();
    let mut file = File::create(office.data.join("ballast")).unwrap();
    // The node may take a page meanwhile: what is full is full.
    match std::io::copy(&mut std::io::repeat(0x5a).take(take), &mut file) {
        Ok(_) => {}
        Err(error) => assert!(leave_bytes == 0 && error.kind() == std::io::ErrorKind::StorageFull, "{error}"),
    }
}

fn drop_ballast(office: &Office) {
    fs::remove_file(office.data.join("ballast")).unwrap();
}

/// A file of five MiB, and one of one.
fn big_and_small(stage: &Stage) -> [std::path::PathBuf; 2] {
    [5_usize, 1].map(|mib| {
        let file = stage.at(&format!("{mib}-mib.raw"));
        fs::write(&file, vec![0x5a; mib << 20]).unwrap();
        file
    })
}

fn seal(office: &Office, request: &str, file: &Path) -> Value {
    office.json(FIRST, &["package", "seal", "--request", request, path(file)])
}

#[test]
fn a_receiver_with_a_full_disk_refuses_the_files_loses_nothing_and_goes_on_when_there_is_room() {
    let name = "small_disk::a_receiver_with_a_full_disk_refuses_the_files_loses_nothing_and_goes_on_when_there_is_room";
    if !inside_a_namespace(name) {
        return;
    }
    let mut stage = Stage::set();
    onto_small_disk(&stage, &stage.xa, 160);
    stage.xa.start();
    stage.xb.start();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = xa.ask("XB-MOJ", "The bridge", &[]);
    xa.handed_over(&text(&request, "message_id"));
    let request = text(&request, "request_id");
    let [big, _] = big_and_small(&stage);
    ballast(xa, 4 << 20);
    let sealed = seal(xb, &request, &big);
    xb.json(SECOND, &["package", "send", &text(&sealed, "package_id")]);
    let refused = until("the refusal", || {
        xb.said().lines().find(|line| line.contains("the peer's node refused an envelope")).map(str::to_owned)
    });
    assert!(refused.contains("code=over-quota"), "{refused}");
    assert!(xa.said().contains("free space"), "{}", xa.said());
    assert!(xa.records_where(|record| record["event"] == "message.received").is_empty());
    // A letter without files needs no room in the vault: the log keeps its own.
    let ack = xb.json(FIRST, &["reply", "ack", &request]);
    xb.handed_over(&text(&ack, "message_id"));
    drop_ballast(xa);
    xb.handed_over(&text(&sealed, "message_id"));
    both_logs_agree(xb, xa, 2);
    let opened = stage.at("opened");
    xa.json(FIRST, &["package", "open", &text(&sealed, "package_id"), "--to", path(&opened), "--purpose", "a test"]);
    assert_eq!(fs::read(opened.join("0001-5-mib.raw")).unwrap(), fs::read(big).unwrap());
    stage.xa.stop();
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
}

#[test]
fn sealing_on_a_full_disk_is_refused_and_works_again_when_there_is_room() {
    let name = "small_disk::sealing_on_a_full_disk_is_refused_and_works_again_when_there_is_room";
    if !inside_a_namespace(name) {
        return;
    }
    let mut stage = Stage::set();
    onto_small_disk(&stage, &stage.xb, 160);
    stage.xa.start();
    stage.xb.start();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = xa.ask("XB-MOJ", "The bridge", &[]);
    xa.handed_over(&text(&request, "message_id"));
    let request = text(&request, "request_id");
    let [big, small] = big_and_small(&stage);
    ballast(xb, 4 << 20);
    let before = xb.records().len();
    xb.run(FIRST, &["package", "seal", "--request", &request, path(&big)]).refused(&["free some disk space"]);
    assert_eq!(xb.records().len(), before, "what was not sealed is in no record");
    let fits = seal(xb, &request, &small);
    drop_ballast(xb);
    let sealed = seal(xb, &request, &big);
    for row in [&fits, &sealed] {
        xb.json(SECOND, &["package", "send", &text(row, "package_id")]);
        xb.handed_over(&text(row, "message_id"));
    }
    stage.xb.stop();
    assert_eq!(stage.xb.json(FIRST, &["custody", "fsck"])["sealed_files"], 2);
}

#[test]
fn an_index_that_finds_no_byte_is_mended_by_itself_when_there_is_room_and_no_letter_is_lost() {
    let name = "small_disk::an_index_that_finds_no_byte_is_mended_by_itself_when_there_is_room_and_no_letter_is_lost";
    if !inside_a_namespace(name) {
        return;
    }
    let mut stage = Stage::set();
    onto_small_disk(&stage, &stage.xa, 160);
    stage.xa.start();
    stage.xb.start();
    let request = stage.xb.ask("XA-MOJ", "Before", &[]);
    stage.xb.handed_over(&text(&request, "message_id"));
    ballast(&stage.xa, 0);
    // The journal's segment was reserved when it was made, but the index finds no room to follow it.
    let new = ["request", "new", "--to", "XB-MOJ", "--subject", "A draft on a full disk"];
    until("the index to say so", || {
        stage.xa.run(FIRST, &new);
        stage.xa.said().contains("the index cannot follow the custody log").then_some(())
    });
    let letters: Vec<_> = (0..3).map(|number| stage.xb.ask("XA-MOJ", &format!("Letter {number}"), &[])).collect();
    stage
        .xa
        .run(FIRST, &["package", "show", "019aa7b2-0000-7000-8000-000000000000"])
        .refused(&["free some disk space"]);
    until("the refusal", || stage.xb.said().contains("code=cannot-store").then_some(()));
    drop_ballast(&stage.xa);
    letters.iter().for_each(|row| drop(stage.xb.handed_over(&text(row, "message_id"))));
    let last = stage.xb.ask("XA-MOJ", "After", &[]);
    stage.xb.handed_over(&text(&last, "message_id"));
    both_logs_agree(&stage.xb, &stage.xa, 5);
    assert!(stage.xa.said().contains("the index follows the custody log again"), "without a restart");
    stage.xa.stop();
    let sound = stage.xa.json(FIRST, &["custody", "fsck"]);
    assert_eq!(sound["sound"], true, "{sound}");
    stage.xa.start();
    let drafted = stage.xa.records_where(|record| record["event"] == "message.drafted").len();
    let listed = stage.xa.json(FIRST, &["request", "list"])["requests"].as_array().unwrap().len();
    assert_eq!(listed, drafted + 5, "what was drafted while the index was behind is in it now");
}

#[test]
fn a_node_whose_data_is_read_only_says_so_and_changes_nothing() {
    let name = "small_disk::a_node_whose_data_is_read_only_says_so_and_changes_nothing";
    if !inside_a_namespace(name) {
        return;
    }
    let mut stage = Stage::play();
    let sent = stage.xa.ask("XB-MOJ", "The bridge", &[]);
    stage.xa.handed_over(&text(&sent, "message_id"));
    stage.xa.stop();
    let data = path(&stage.xa.data);
    mount(&["--bind", data, data]);
    mount(&["-o", "remount,bind,ro", data]);
    let refused = run(&["serve", "--data", data]).refused(&["Read-only file system"]);
    assert!(refused.contains(data), "it names what cannot be written: {refused}");
    // The log is checked; to fold it anew beside the index there is no room to write.
    let checked = stage.xa.run(FIRST, &["custody", "fsck", "--json"]).ends(3).out;
    let checked: serde_json::Value = serde_json::from_str(&checked).unwrap();
    assert_eq!(checked["sound"], true, "{checked}");
    assert!(checked["unchecked"][0].as_str().unwrap().starts_with("the index against the log"), "{checked}");
    run(&["verify", data]).ends(3);
    mount(&["-o", "remount,bind,rw", data]);
    stage.xa.start();
    assert_eq!(stage.xa.json(FIRST, &["request", "list"])["requests"][0]["state"], "delivered");
}

#[test]
fn a_journal_that_finds_no_room_for_its_next_segment_refuses_each_act_and_takes_them_again_later() {
    let name =
        "small_disk::a_journal_that_finds_no_room_for_its_next_segment_refuses_each_act_and_takes_them_again_later";
    if !inside_a_namespace(name) {
        return;
    }
    let mut stage = Stage::set();
    onto_small_disk(&stage, &stage.xa, 160);
    stage.xa.start();
    stage.xb.start();
    let (draft, letter) = (stage.at("draft.json"), stage.at("letter.json"));
    fs::write(&draft, large("XB-MOJ")).unwrap();
    fs::write(&letter, large("XA-MOJ")).unwrap();
    let new = ["request", "new", "--from", path(&draft)];
    stage.xa.run(FIRST, &new).done();
    ballast(&stage.xa, 8 << 20);
    // A segment has 64 MiB, a draft more than half of one. What is smaller may still find room in the last.
    let taken = (1..200).find(|_| stage.xa.run(FIRST, &new).code != Some(0)).unwrap();
    stage.xa.run(FIRST, &new).refused(&["no space left for the custody log", "free some and try again"]);
    let drafted = stage.xa.records_where(|record| record["event"] == "message.drafted");
    assert_eq!(drafted.len(), taken, "what was refused is in no record, what was done is");
    let letter = text(&stage.xb.json(FIRST, &["request", "new", "--from", path(&letter)]), "request_id");
    stage.xb.json(SECOND, &["request", "approve", &letter]);
    let letter = stage.xb.json(SECOND, &["request", "send", &letter]);
    until("the refusal", || stage.xb.said().contains("code=cannot-store").then_some(()));
    drop_ballast(&stage.xa);
    stage.xb.handed_over(&text(&letter, "message_id"));
    stage.xa.run(FIRST, &new).done();
    both_logs_agree(&stage.xb, &stage.xa, 1);
    stage.xa.stop();
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
}

/// A request of some 600 KiB.
fn large(to: &str) -> String {
    let (word, prose, persons) = ("x", "What happened. ".repeat(4_000), vec!["P".repeat(1_000); 256]);
    let request = serde_json::json!({
        "reference": word, "subject": "Large", "proceeding_authority": word, "proceeding_authority_functions": word,
        "nature_of_proceedings": word, "facts": prose, "applicable_law": prose, "penalty": prose, "purpose": prose,
        "special_procedure": prose, "confidentiality": prose, "persons": persons,
        "measures": [{ "kind": "evidence", "description": word }],
    });
    serde_json::json!({ "to": to, "request": request }).to_string()
}
