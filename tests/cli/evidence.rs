//! Evidence by command: sealed, sent by a second officer, opened after its condition was accepted, exported, verified.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::requests::both_logs_agree;
use crate::stage::Stage;

const STATEMENT: &[u8] = b"The witness saw the bridge.\n";
const PIPED: &[u8] = b"what came through the pipe";

/// Five MiB and a bit, not alike anywhere.
fn recording() -> Vec<u8> {
    (0..5 * (1 << 20) + 17_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_be_bytes()[3]).collect()
}

/// The files of the package, in order.
fn files() -> [(&'static str, Vec<u8>); 4] {
    let (statement, piped) = (STATEMENT.to_vec(), PIPED.to_vec());
    [("statement.txt", statement), ("empty.bin", Vec::new()), ("recording.raw", recording()), ("stdin", piped)]
}

/// XB seals four files under a condition for a request of XA; gives the row of the draft.
fn seal(stage: &Stage, request: &str) -> Value {
    let [statement, empty, recording, _] = files().map(|(name, content)| {
        let file = stage.at(name);
        fs::write(&file, content).unwrap();
        file
    });
    let mut args = vec!["package", "seal", "--request", request, path(&statement), path(&empty), path(&recording), "-"];
    args.extend(["--reference", "XB-7/1", "--description", "What was asked for"]);
    args.extend(["--condition", "USE.NAMED-PROCEEDINGS=Only in the named proceedings", "--json"]);
    stage.xb.run_with_input(FIRST, &args, PIPED).json()
}

/// A request and its evidence, both handed over; gives the identifiers of request and package.
pub(crate) fn exchange(stage: &Stage) -> (String, String) {
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = text(&xa.ask("XB-MOJ", "The bridge", &[]), "request_id");
    until("the request to arrive", || xb.run(FIRST, &["request", "show", &request]).code.filter(|code| *code == 0));
    let drafted = seal(stage, &request);
    let package = text(&drafted, "package_id");
    assert_eq!(drafted["state"], "drafted");
    xb.run(FIRST, &["package", "send", &package]).refused(&["role approver"]);
    assert_eq!(xb.json(SECOND, &["package", "send", &package])["state"], "queued");
    xb.handed_over(&text(&drafted, "message_id"));
    (request, package)
}

/// Both officers of XA accept the conditions of the package.
pub fn accept(xa: &Office, package: &str) {
    let drafted = xa.json(FIRST, &["conditions", "accept", package]);
    assert_eq!(drafted["state"], "drafted");
    xa.run(FIRST, &["conditions", "accept", package]).refused(&["role approver"]);
    assert_eq!(xa.json(SECOND, &["conditions", "accept", package])["state"], "queued");
    xa.handed_over(&text(&drafted, "message_id"));
}

#[test]
fn a_package_opens_only_after_two_officers_accepted_its_condition() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let (request, package) = exchange(&stage);
    let listed = xa.run(FIRST, &["package", "list"]).done();
    assert!(listed.contains(&package) && listed.contains("1 condition to accept"), "{listed}");
    let shown = xa.json(FIRST, &["package", "show", &package]);
    for (item, (name, content)) in shown["items"].as_array().unwrap().iter().zip(files()) {
        assert_eq!((&item["name"], &item["plaintext_bytes"]), (&Value::from(name), &Value::from(content.len())));
    }
    let conditions = xa.json(FIRST, &["conditions", "list", &package]);
    assert_eq!(conditions["conditions"][0]["text"], "Only in the named proceedings");

    let folder = stage.at("opened");
    let open = ["package", "open", &package, "--to", path(&folder), "--purpose", "first look"];
    xa.run(FIRST, &open).refused(&["blocked by c1 (USE.NAMED-PROCEEDINGS)", "conditions accept"]);
    let bag = stage.at("bag");
    let export = ["package", "export", &package, "--to", path(&bag), "--purpose", "a test"];
    xa.run(FIRST, &export).refused(&["blocked by c1"]);
    assert!(fs::read_dir(&folder).unwrap().next().is_none() && !bag.exists(), "what is blocked leaves nothing behind");
    assert!(!stage.at("bag.files").exists());
    let refused = xa.records_where(|record| record["event"] == "act.refused" && record["package_id"] == *package);
    assert!(refused.iter().all(|record| text(record, "outcome").contains("condition-not-accepted: c1")));
    assert_eq!(refused.len(), 2);

    accept(xa, &package);
    until("the acceptance in the package of XB", || {
        xb.run(FIRST, &["package", "show", &package]).done().contains("accepted (record").then_some(())
    });
    xa.run(FIRST, &["conditions", "accept", &package]).refused(&["no condition that waits"]);
    xa.run(SECOND, &open).refused(&["role custodian"]);
    let opened = xa.json(FIRST, &open);
    for (told, (_, content)) in opened["opened"].as_array().unwrap().iter().zip(files()) {
        assert_eq!(fs::read(text(told, "path")).unwrap(), content);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), files().len());
    xa.run(FIRST, &open).refused(&["nothing is overwritten"]);
    let carrier = text(&shown["package"], "message_id");
    until("the receipt of the opening at XB", || {
        let told = xb.records_where(|record| {
            record["event"] == "message.delivered"
                && record["message_id"] == *carrier
                && record["stage"] == "content-handover"
        });
        told.first().map(|record| assert_eq!(record["actor"], "node"))
    });
    assert_eq!(xa.json(FIRST, &["custody", "log", "--request", &request])["entries"][0]["event"], "message.drafted");
    both_logs_agree(xa, xb, 2);
    both_logs_agree(xb, xa, 1);
}

#[test]
fn an_exported_bag_is_verified_by_anybody_and_one_flipped_byte_is_found() {
    let stage = Stage::play();
    let (_, package) = exchange(&stage);
    accept(&stage.xa, &package);
    let bag = stage.at("bag");
    let export = ["package", "export", &package, "--to", path(&bag), "--purpose", "for the prosecutor"];
    let exported = stage.xa.json(FIRST, &export);
    assert_eq!((&exported["bag"], &exported["files"]), (&Value::from(path(&bag)), &Value::from(files().len())));
    stage.xa.run(FIRST, &export).refused(&["exists already"]);
    assert!(!stage.at("bag.files").exists(), "no opened file stays beside the bag");

    let root = stage.trust_root.as_str();
    let trusting = ["verify", path(&bag), "--trust-root", root];
    assert!(run(&trusting).done().ends_with("VERIFIED\n"));
    assert!(run(&["verify", path(&bag)]).ends(3).out.contains("VERIFIED IN PART"));
    let other_root = run(&["verify", path(&bag), "--trust-root", &"0".repeat(64), "--json"]).ends(1);
    assert_eq!(serde_json::from_str::<Value>(&other_root.out).unwrap()["verdict"], "failed");

    for name in ["data/0003/recording.raw", "rogatory/signed-envelope.bin", "rogatory/message.pb.p7s", "bag-info.txt"] {
        let file = bag.join(name);
        let sound = fs::read(&file).unwrap();
        let mut altered = sound.clone();
        altered[sound.len() / 2] ^= 1;
        fs::write(&file, &altered).unwrap();
        assert!(run(&trusting).ends(1).out.contains("FAILED"), "{name}");
        fs::write(&file, sound).unwrap();
    }
    run(&trusting).done();

    let receipts = bag.join("rogatory/receipts");
    let of_log = fs::read_dir(receipts).unwrap().next().unwrap().unwrap().path();
    let receipt = fs::read_dir(of_log).unwrap().next().unwrap().unwrap().path();
    let keys = [&stage.xa, &stage.xb].map(|office| office.data.join("custody/log.vkey"));
    let judged = run(&["verify", path(&receipt), "--log-key", path(&keys[0]), "--log-key", path(&keys[1])]);
    assert!(judged.done().contains("VERIFIED"));
}

#[test]
fn the_custody_log_is_shown_proved_and_checked_while_the_node_runs_and_while_it_is_stopped() {
    let mut stage = Stage::play();
    let (request, package) = exchange(&stage);
    let log = stage.xa.records();
    let received = log.iter().rfind(|record| record["event"] == "content.received").unwrap()["index"].to_string();
    let id = text(&stage.xa.json(FIRST, &["request", "list"])["requests"][0], "request_id");
    assert_eq!(id, request);
    let readings: [&[&str]; 9] = [
        &["request", "list"],
        &["request", "check", &request],
        &["package", "list"],
        &["package", "show", &package],
        &["conditions", "list", &package],
        &["custody", "show", &received],
        &["custody", "prove", &received],
        &["custody", "log"],
        &["custody", "log", "--request", &request],
    ];
    // Reading a thread is an act of its own and stands in the log; so it comes before what is compared.
    let thread = stage.xa.json(FIRST, &["request", "show", &request]);
    stage.xa.run(FIRST, readings[1]).done();
    let ask = |office: &Office| readings.map(|args| office.json(FIRST, args));
    let running = ask(&stage.xa);
    let told = readings.map(|args| stage.xa.run(FIRST, args).done());
    let beside = stage.xa.json(FIRST, &["custody", "fsck"]);
    assert_eq!((&beside["sound"], &beside["beside_the_node"]), (&Value::from(true), &Value::from(true)));
    assert_eq!(beside["sealed_files"], files().len());
    stage.xa.run(FIRST, &["custody", "fsck", "--repair"]).refused(&["another rogatory process", "stop it"]);
    let last = stage.xa.records();
    stage.xa.stop();
    let stopped = ask(&stage.xa);
    for ((args, running), stopped) in readings.iter().zip(&running).zip(&stopped).take(6) {
        assert_eq!(running, stopped, "{args:?}");
    }
    assert_eq!(stopped[7]["entries"].as_array().unwrap(), &last, "reading a stopped node changes nothing");
    assert_eq!(told[5], stage.xa.run(FIRST, readings[5]).done());
    let offline = stage.xa.json(FIRST, &["request", "show", &request]);
    assert_eq!(offline["messages"][0]["body"], thread["messages"][0]["body"]);
    let sound = stage.xa.json(FIRST, &["custody", "fsck"]);
    assert_eq!((&sound["sound"], &sound["sealed_files"]), (&Value::from(true), &Value::from(files().len())));
    assert!(stage.xa.run(FIRST, &["custody", "fsck"]).done().contains("Everything is sound."));
}

#[test]
fn a_stranger_verifies_the_log_and_a_proof_that_was_handed_out() {
    let mut stage = Stage::play();
    let (_, package) = exchange(&stage);
    let xa = &stage.xa;
    let received = xa.records_where(|record| record["event"] == "message.received").pop().unwrap();
    assert_eq!(received["package_id"], *package);
    let index = received["index"].to_string();
    let printed = xa.run(FIRST, &["custody", "prove", &index]).done();
    assert!(printed.starts_with("c2sp.org/tlog-proof@v1\n"), "{printed}");
    let (folder, key) = (stage.at("proof"), xa.data.join("custody/log.vkey"));
    let given = xa.json(FIRST, &["custody", "prove", &index, "--to", path(&folder)]);
    let proof = folder.join(format!("{index}.tlog-proof"));
    assert_eq!(given["to"], path(&folder));
    let judged = |path_of: &Path| run(&["verify", path(path_of), "--log-key", path(&key)]);
    let told = judged(&proof).done();
    assert!(told.contains("received and verified") && told.contains("XB-MOJ"), "{told}");
    assert!(run(&["verify", path(&proof)]).ends(3).out.contains("compare it with the directory"));
    xa.run(FIRST, &["custody", "prove", &index, "--to", path(&folder)]).refused(&["nothing is overwritten"]);
    let record = folder.join(format!("{index}.record"));
    let mut altered = fs::read(&record).unwrap();
    altered[20] ^= 1;
    fs::write(&record, altered).unwrap();
    judged(&proof).ends(1);

    stage.xa.stop();
    let custody = stage.xa.data.join("custody");
    assert!(judged(&custody).done().contains("VERIFIED"));
    run(&["verify", path(&custody)]).ends(3);
    let later = stage.at("later");
    stage.xa.json(FIRST, &["custody", "prove", &index, "--to", path(&later)]);
    judged(&later.join(format!("{index}.tlog-proof"))).done();
    let bundle = widest(&custody.join("tile/entries/000.p"));
    let mut altered = fs::read(&bundle).unwrap();
    altered[10] ^= 1;
    fs::write(&bundle, altered).unwrap();
    judged(&custody).ends(1);
    stage.xa.run(FIRST, &["custody", "fsck"]).ends(1);
    stage.xa.run(FIRST, &["custody", "fsck", "--repair"]).done();
    judged(&custody).done();
}

/// The partial tile that holds the most entries: the one that the checkpoint is over.
fn widest(folder: &Path) -> PathBuf {
    let widths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let width = widths.max_by_key(|name| name.parse::<u32>().unwrap()).unwrap();
    folder.join(width)
}
