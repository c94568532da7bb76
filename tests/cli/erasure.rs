//! Records erased and packages destroyed by command, two officers for each: nothing is left below the data directory, every
//! proof stays, and what is not finished is refused with its rule.

use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

/// Words that only the request, its answers and its files say.
const SECRETS: [&str; 8] = [
    "Subject-Zmaj-7731",
    "Facts-Zmaj-7731",
    "basis-zmaj-7731",
    "reference-zmaj-7731",
    "evidence-zmaj-7731",
    "Inside-Zmaj-7731",
    "purpose-zmaj-7731",
    "report-zmaj-7731",
];

/// A request of XA that XB answered with a package and reported executed; XA opened and exported the package.
struct Case {
    request: String,
    package: String,
}

fn case(stage: &Stage) -> Case {
    let (xa, xb) = (&stage.xa, &stage.xb);
    let more = ["--facts", SECRETS[1], "--basis", SECRETS[2]];
    let row = {
        let mut args = vec!["request", "new", "--to", "XB-MOJ", "--reference", SECRETS[3], "--subject", SECRETS[0]];
        args.extend(["--proceeding-authority", "Prosecutor", "--functions", "Investigates", "--nature", "Criminal"]);
        args.extend(["--law", "Penal Code", "--penalty", "Ten years", "--purpose", "To learn who did it"]);
        args.extend(["--measure", "evidence=The recording"]);
        args.extend(more);
        let row = xa.json(FIRST, &args);
        let id = text(&row, "request_id");
        xa.json(SECOND, &["request", "approve", &id]);
        xa.json(SECOND, &["request", "send", &id])
    };
    let request = text(&row, "request_id");
    xa.handed_over(&text(&row, "message_id"));
    let file = stage.at(&format!("{}.txt", SECRETS[4]));
    fs::write(&file, SECRETS[5]).unwrap();
    let drafted = xb.json(FIRST, &["package", "seal", "--request", &request, path(&file)]);
    let package = text(&drafted, "package_id");
    xb.json(SECOND, &["package", "send", &package]);
    xb.handed_over(&text(&drafted, "message_id"));
    let report = xb.json(FIRST, &["reply", "report", &request, "--status", "executed", "--text", SECRETS[7]]);
    xb.handed_over(&text(&report, "message_id"));
    xa.json(FIRST, &["package", "open", &package, "--to", path(&stage.at("opened")), "--purpose", SECRETS[6]]);
    xa.json(FIRST, &["request", "show", &request]);
    for office in [xa, xb] {
        settled(office);
    }
    Case { request, package }
}

/// Waits until nothing is on its way.
fn settled(office: &Office) {
    until("everything to be handed over", || {
        let open = |event: &str| office.records_where(|record| record["event"] == event).len();
        let owed = open("content.received") + open("package.handed-over");
        (open("receipt.delivered") >= owed).then_some(())
    });
}

/// Every file below a directory that holds one of the words, or is named by it; by `grep` and `find`.
fn holding(dir: &Path, words: &[&str]) -> Vec<String> {
    let patterns = words.iter().flat_map(|word| ["-e", word]);
    let found = Command::new("grep").args(["-rlaF", "--devices=skip"]).args(patterns).arg(dir).output().unwrap();
    // Beside a running node a temporary file may be gone before grep has it.
    let said = String::from_utf8_lossy(&found.stderr);
    assert!(said.lines().all(|line| line.ends_with(".tmp: No such file or directory")), "{said}");
    let mut files: Vec<String> = found.stdout.lines().map(Result::unwrap).collect();
    let named = Command::new("find").arg(dir).output().unwrap();
    let said = String::from_utf8_lossy(&named.stderr);
    assert!(said.lines().all(|line| line.contains(".tmp") && line.ends_with("No such file or directory")), "{said}");
    files.extend(named.stdout.lines().map(Result::unwrap).filter(|name| words.iter().any(|word| name.contains(word))));
    files
}

const WHY: [&str; 4] = ["--reason", "The proceedings ended", "--legal-basis", "Data Protection Act, s. 12"];

fn asked(office: &Office, args: &[&str]) -> String {
    office.json(FIRST, &[args, &WHY].concat())["record"].to_string()
}

fn destroy(office: &Office, package: &str, to: &Path) -> Value {
    let record = asked(office, &["package", "destroy", package]);
    office.json(SECOND, &["package", "destroy", package, "--confirm", &record, "--to", path(to)])
}

fn erase(office: &Office, request: &str) -> Value {
    let record = asked(office, &["custody", "erase", "--request", request]);
    office.json(SECOND, &["custody", "erase", "--confirm", &record])
}

#[test]
fn an_erased_request_leaves_no_word_below_the_data_directory_and_every_proof_stays() {
    let mut stage = Stage::play();
    let Case { request, package } = case(&stage);
    let kept = stage.xa.ask("XB-MOJ", "Another-Case-4242", &[]);
    stage.xa.handed_over(&text(&kept, "message_id"));
    // An index that was set aside long ago holds words as well.
    fs::create_dir(stage.xa.data.join("index.damaged-1")).unwrap();
    fs::write(stage.xa.data.join("index.damaged-1/db"), SECRETS[0]).unwrap();
    let proofs = stage.at("proof");
    stage.xa.json(FIRST, &["custody", "prove", "1", "--to", path(&proofs)]);
    for word in &SECRETS[..4] {
        assert!(!holding(&stage.xa.data, &[word]).is_empty(), "{word} is there before");
    }
    destroy(&stage.xa, &package, &stage.at("certificate"));
    let done = erase(&stage.xa, &request);
    let erased: Vec<u64> = done["erased"].as_array().unwrap().iter().map(|index| index.as_u64().unwrap()).collect();
    let nowhere = |stage: &Stage| assert_eq!(holding(&stage.xa.data, &SECRETS), [""; 0]);
    nowhere(&stage);
    assert!(!holding(&stage.xa.data, &["Another-Case-4242"]).is_empty());
    let tombstone = stage.xa.json(FIRST, &["custody", "show", &done["record"].to_string()]);
    assert_eq!((&tombstone["event"], &tombstone["actor"]["name"]), (&"record.erased".into(), &"Ana Novak".into()));
    assert_eq!(tombstone["second"]["name"], "Bor Kos");
    assert_eq!(tombstone["reason"], "The proceedings ended (legal basis: Data Protection Act, s. 12)");
    let links: Vec<u64> = tombstone["links"].as_array().unwrap().iter().map(|link| link.as_u64().unwrap()).collect();
    assert_eq!(links[1..], erased);
    for index in &erased {
        assert!(stage.xa.run(FIRST, &["custody", "prove", &index.to_string()]).done().contains("c2sp.org/tlog-proof"));
        stage.xa.run(FIRST, &["custody", "show", &index.to_string()]).refused(&["was erased", "its proof remain"]);
    }
    stage.xa.run(FIRST, &["request", "show", &request]).refused(&["no"]);
    let listed = stage.xa.json(FIRST, &["request", "list"]);
    assert_eq!(listed["requests"].as_array().unwrap().len(), 1, "{listed}");
    let old = proofs.join("1.tlog-proof");
    run(&["verify", path(&old), "--log-key", path(&proofs.join("log.vkey"))]).ends(0);
    // The node goes on, and a stopped one has the same answers, an index made again too.
    let next = stage.xa.ask("XB-MOJ", "After-It", &[]);
    stage.xa.handed_over(&text(&next, "message_id"));
    stage.xa.stop();
    let index = |verb: &str| stage.xa.json(FIRST, &["index", verb])["digest"].clone();
    assert_eq!(index("digest"), index("rebuild"));
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
    nowhere(&stage);
    run(&["verify", path(&stage.xa.data.join("custody"))]).ends(3);
    stage.xa.start();
    nowhere(&stage);
    // The other side keeps its own, until it does the same.
    assert!(!holding(&stage.xb.data, &SECRETS[..1]).is_empty());
    assert_eq!(stage.xb.json(FIRST, &["request", "show", &request])["request"]["subject"], SECRETS[0]);
    destroy(&stage.xb, &package, &stage.at("certificate-xb"));
    erase(&stage.xb, &request);
    assert_eq!(holding(&stage.xb.data, &SECRETS), [""; 0]);
}

#[test]
fn a_destroyed_package_is_gone_by_key_and_file_and_its_certificate_verifies() {
    let mut stage = Stage::play();
    let Case { request, package } = case(&stage);
    let folder = stage.at("certificate");
    let done = destroy(&stage.xa, &package, &folder);
    assert_eq!(done["remains"]["counterpart"], "XB-MOJ");
    assert_eq!(done["remains"]["released"][0]["reason"], SECRETS[6]);
    assert!(!stage.xa.data.join("vault").join(&package).exists());
    assert_eq!(
        fs::read_dir(&stage.xa.data)
            .unwrap()
            .filter(|name| { name.as_ref().unwrap().file_name().to_string_lossy().starts_with("destroying") })
            .count(),
        0
    );
    let receipt = folder.join(format!("destroyed-{package}.receipt"));
    let key = folder.join("log.vkey");
    let verdict = run(&["verify", path(&receipt), "--log-key", path(&key)]).ends(0).out;
    assert!(verdict.contains("package destroyed: key and files") && verdict.contains("object/1"), "{verdict}");
    let words = fs::read_to_string(folder.join(format!("destroyed-{package}.txt"))).unwrap();
    assert!(words.contains("asked by  Ana Novak, confirmed by Bor Kos"), "{words}");
    // A receipt that was changed does not verify.
    let mut bytes = fs::read(&receipt).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = stage.at("changed.receipt");
    fs::write(&changed, bytes).unwrap();
    run(&["verify", path(&changed), "--log-key", path(&key)]).ends(1);
    let told = ["was destroyed on", "Ana Novak and Bor Kos", "The proceedings ended"];
    let out = stage.at("out");
    stage.xa.run(FIRST, &["package", "open", &package, "--to", path(&out), "--purpose", "x"]).refused(&told);
    let bag = stage.at("bag");
    stage.xa.run(FIRST, &["package", "export", &package, "--to", path(&bag), "--purpose", "x"]).refused(&told);
    assert!(stage.xa.run(FIRST, &["package", "list"]).done().contains("destroyed on"));
    // What was said of the files stays: the message, its name, its digest.
    assert_eq!(stage.xa.json(FIRST, &["package", "show", &package])["items"][0]["name"], format!("{}.txt", SECRETS[4]));
    assert_eq!(stage.xa.json(FIRST, &["request", "show", &request])["messages"].as_array().unwrap().len(), 3);
    stage.xa.run(FIRST, &[&["package", "destroy", &package][..], &WHY].concat()).refused(&["done before"]);
    stage.xa.stop();
    assert_eq!(stage.xa.json(FIRST, &["custody", "fsck"])["sound"], true);
    let index = |verb: &str| stage.xa.json(FIRST, &["index", verb])["digest"].clone();
    assert_eq!(index("digest"), index("rebuild"));
    stage.xa.start();
    let again = stage.at("again");
    stage.xa.json(FIRST, &["package", "destroy", &package, "--certificate", "--to", path(&again)]);
    run(&["verify", path(&again.join(format!("destroyed-{package}.receipt"))), "--log-key", path(&key)]).ends(0);
    // XB holds its copy; its key and its file are its own.
    let (open, folder) = (stage.at("xb"), stage.at("certificate-xb"));
    stage.xb.json(FIRST, &["package", "open", &package, "--to", path(&open), "--purpose", "x"]);
    destroy(&stage.xb, &package, &folder);
    let open = stage.at("xb-again");
    stage.xb.run(FIRST, &["package", "open", &package, "--to", path(&open), "--purpose", "x"]).refused(&told[..1]);
}

#[test]
fn what_is_not_finished_is_not_for_one_person_or_is_the_logs_own_is_refused_with_its_rule() {
    let mut stage = Stage::set();
    stage.xa.start();
    let xa = &stage.xa;
    let erase = |officer, args: &[&str]| xa.run(officer, &[&["custody", "erase"], args, &WHY].concat());
    let drafted = xa.draft("XB-MOJ", "The bridge", &[]);
    let request = text(&drafted, "request_id");
    erase(FIRST, &["--request", &request]).refused(&["rule undecided", "discard it first"]);
    xa.json(SECOND, &["request", "approve", &request]);
    xa.json(SECOND, &["request", "send", &request]);
    erase(FIRST, &["--request", &request]).refused(&["rule undelivered"]);
    erase(FIRST, &["--record", "0"]).refused(&["rule log-history", "node.initialised"]);
    let queued = xa.records_where(|record| record["event"] == "message.queued")[0]["index"].to_string();
    erase(FIRST, &["--record", &queued]).refused(&["rule whole-message", "together with the records"]);
    erase(SECOND, &["--request", &request]).refused(&["role custodian"]);
    erase(FIRST, &["--request", &request, "--record", "1"]).ends(2);
    xa.run(FIRST, &["custody", "erase", "--request", &request]).refused(&["reason", "legal basis"]);
    let refused = xa.records_where(|record| record["event"] == "act.refused");
    let rules: Vec<_> = refused.iter().map(|record| text(record, "outcome")).collect();
    assert_eq!(
        rules,
        ["undecided", "undelivered", "log-history", "whole-message", "role"].map(|rule| format!("failed: {rule}"))
    );
    // A view of an open request names an officer: it goes alone.
    let read = xa.records_where(|record| record["event"] == "message.read").len();
    xa.json(FIRST, &["request", "show", &request]);
    let read = xa.records_where(|record| record["event"] == "message.read")[read]["index"].to_string();
    let record = asked(xa, &["custody", "erase", "--record", &read]);
    xa.run(FIRST, &["custody", "erase", "--confirm", &record]).refused(&["role approver"]);
    let done = xa.json(SECOND, &["custody", "erase", "--confirm", &record]);
    assert_eq!(done["erased"].as_array().unwrap().len(), 1);
    xa.run(SECOND, &["custody", "erase", "--confirm", &record]).refused(&["done before"]);
    xa.run(SECOND, &["custody", "erase", "--confirm", "1"]).refused(&["asks for nothing of this kind"]);
    erase(FIRST, &["--record", &done["record"].to_string()]).refused(&["rule log-history", "record.erased"]);
    erase(FIRST, &["--record", &read]).refused(&["no record of it is left"]);
    assert_eq!(xa.json(FIRST, &["request", "list"])["requests"][0]["state"], "sent", "the request goes on");
    stage.xb.start();
    stage.xa.handed_over(&text(&drafted, "message_id"));
    stage
        .xa
        .run(FIRST, &[&["custody", "erase", "--request", &request][..], &WHY].concat())
        .refused(&["rule request-open"]);
}

#[test]
fn one_officer_with_both_roles_cannot_confirm_what_he_asked_for() {
    let mut stage = Stage::set();
    let settings = stage.xa.data.join("config.toml");
    let both = fs::read_to_string(&settings).unwrap().replace("\"custodian\"]", "\"custodian\", \"approver\"]");
    fs::write(&settings, both).unwrap();
    stage.xa.start();
    let drafted = stage.xa.draft("XB-MOJ", "The bridge", &[]);
    let request = text(&drafted, "request_id");
    stage.xa.run(FIRST, &["request", "discard", &request]).done();
    let record = asked(&stage.xa, &["custody", "erase", "--request", &request]);
    stage.xa.run(FIRST, &["custody", "erase", "--confirm", &record]).refused(&["rule four-eyes"]);
    let done = stage.xa.run(SECOND, &["custody", "erase", "--confirm", &record]).done();
    assert!(done.contains("backups of this node") && done.contains("the other authority keeps"), "{done}");
}
