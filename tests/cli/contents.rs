//! What a request must contain, how it looks on paper, and where it goes when the addressee takes it another way.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

/// A stage whose addressee XB-MOJ has these languages and requirements in its row of the directory.
fn demanding(languages: &[&str], requirements: &Value) -> Stage {
    let mut stage = Stage::without_directory(["Ana Novak", "Bor Kos"], ["Carla Lind", "Dan Holm"]);
    let file = stage.xb.data.join("directory-entry.json");
    let mut row: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    row["languages"] = json!(languages);
    row["requirements"] = requirements.clone();
    fs::write(&file, serde_json::to_vec(&row).unwrap()).unwrap();
    stage.trust_root = stage.found_directory(&[]);
    for office in [&stage.xa, &stage.xb] {
        stage.import(office);
    }
    stage.xa.start();
    stage
}

fn source() -> Value {
    json!({ "kind": "peer-notice", "note": "fictional notice of Borealia" })
}

/// A request under L-TH that lacks the text of the law, as a file.
fn write_request(stage: &Stage, name: &str, more: &str) -> std::path::PathBuf {
    let file = stage.at(name);
    let request = format!(
        "to = \"XB-MOJ\"\nlegal_bases = [\"L-TH\"]\n[request]\nreference = \"A 1\"\nsubject = \"The bridge\"\n\
         proceeding_authority = \"Prosecutor\"\nproceeding_authority_functions = \"prosecutes\"\n\
         nature_of_proceedings = \"investigation\"\nfacts = \"Shots were fired.\"\napplicable_law = \"Code, 142\"\n\
         penalty = \"ten years\"\npurpose = \"to learn who did it\"\n{more}\n\
         [[request.measures]]\nkind = \"search\"\ndescription = \"The office\"\n"
    );
    fs::write(&file, request).unwrap();
    file
}

const LAW_TEXT: &str = "law_texts = [{ citation = \"Code, 142\", text = \"Whoever ...\" }]";

#[test]
fn gaps_are_told_with_article_and_source_and_hold_up_the_approval_until_they_are_filled() {
    let requirement = json!([{ "topic": "dual-criminality", "measures": ["search"], "source": source(),
        "says": "show that the conduct is a crime in both States" }]);
    let stage = demanding(&["en", "fr"], &requirement);
    let xa = &stage.xa;
    let short = write_request(&stage, "short.toml", "");
    let told = run(&["request", "check", path(&short)]).ends(1).out;
    assert!(told.contains("MISSING   law_texts") && told.contains("L-TH art. 25(2)(d) [found: LTH]"), "{told}");
    let told = xa.run(FIRST, &["request", "check", path(&short)]).ends(1).out;
    assert!(told.contains("law of XB-MOJ [peer notice: fictional notice of Borealia]"), "{told}");
    let request = text(&xa.json(FIRST, &["request", "new", "--from", path(&short)]), "request_id");
    xa.run(SECOND, &["request", "approve", &request]).refused(&["not complete", "law_texts", "25(2)(d)", "XB-MOJ"]);

    let more = format!("{LAW_TEXT}\ndual_criminality = \"murder in both\"");
    let full = write_request(&stage, "full.toml", &more);
    let checked = xa.json(FIRST, &["request", "check", path(&full)]);
    assert_eq!(checked["complete"], true, "{checked}");
    let request = text(&xa.json(FIRST, &["request", "new", "--from", path(&full)]), "request_id");
    assert_eq!(xa.json(SECOND, &["request", "approve", &request])["state"], "approved");
}

#[test]
fn a_request_is_printed_as_it_was_signed_here_and_at_the_addressee() {
    let mut stage = demanding(&["fr", "sl"], &json!([]));
    stage.xb.start();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let file = write_request(&stage, "request.toml", LAW_TEXT);
    let translated = fs::read_to_string(&file).unwrap().replace(
        "[[request.measures]]",
        "[[request.enclosures]]\nfile = \"fr.pdf\"\nkind = \"translation\"\nlanguage = \"fr\"\n[[request.measures]]",
    );
    fs::write(&file, translated).unwrap();
    let drafted = xa.json(FIRST, &["request", "new", "--from", path(&file)]);
    let (request, message) = (text(&drafted, "request_id"), text(&drafted, "message_id"));
    xa.json(SECOND, &["request", "approve", &request]);
    xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&message);
    let shown = until("the request at XB", || {
        let shown = xb.run(FIRST, &["request", "show", &request, "--json"]);
        (shown.code == Some(0)).then(|| serde_json::from_str::<Value>(&shown.out).unwrap())
    });
    let signed = shown["messages"][0]["renditions"].as_array().unwrap().clone();
    let languages: Vec<&str> = signed.iter().map(|one| one["language"].as_str().unwrap()).collect();
    assert_eq!(languages, ["en", "fr", "sl"]);
    assert!(signed.iter().all(|one| one["told"] == "the same, this is what was signed"), "{signed:?}");
    let mut printed = Vec::new();
    for (office, name) in [(xa, "xa.pdf"), (xb, "xb.pdf")] {
        let to = stage.at(name);
        let told = office.run(FIRST, &["request", "print", &request, "--language", "sl", "--to", path(&to)]).done();
        assert!(told.contains("the same, this is what was signed"), "{told}");
        printed.push(fs::read(&to).unwrap());
        office.run(FIRST, &["request", "print", &request, "--to", path(&to)]).refused(&["nothing is overwritten"]);
    }
    assert_eq!(printed[0], printed[1], "both draw the same bytes");
    let html = stage.at("es.html");
    let told = xb.run(FIRST, &["request", "print", &request, "--language", "es", "--to", path(&html)]).done();
    assert!(told.contains("none in this language"), "{told}");
    assert!(fs::read_to_string(&html).unwrap().contains("Solicitud de asistencia"));
    xb.run(FIRST, &["request", "print", &request, "--language", "tlh"]).refused(&["en, fr, es and sl"]);
}

#[test]
fn an_electronic_filing_is_never_called_made_where_the_addressee_takes_another_way() {
    let channel = json!([{ "topic": "channel", "value": "diplomatic", "source": source(),
        "says": "requests come by the diplomatic channel" }]);
    let mut stage = demanding(&["en"], &channel);
    stage.xb.start();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let file = write_request(&stage, "request.toml", LAW_TEXT);
    let drafted = xa.json(FIRST, &["request", "new", "--from", path(&file)]);
    let request = text(&drafted, "request_id");
    xa.json(SECOND, &["request", "approve", &request]);
    let folder = stage.at("bundle");
    let told = xa.run(SECOND, &["request", "send", &request, "--to", path(&folder)]).done();
    for word in ["NOT FILED ELECTRONICALLY", "diplomatic channel", "Nothing was sent"] {
        assert!(told.contains(word), "{word} in {told}");
    }
    let events = |event: &str| xa.records_where(|record| record["event"] == event).len();
    assert_eq!((events("request.filed-elsewhere"), events("message.queued")), (1, 0));
    let listed = xa.json(FIRST, &["request", "list"]);
    assert_eq!(listed["requests"][0]["state"], "filed-elsewhere", "{listed}");
    assert!(xb.json(FIRST, &["request", "list"])["requests"].as_array().unwrap().is_empty());
    xa.run(SECOND, &["request", "send", &request]).refused(&["cannot send it", "NOT FILED"]);

    // What VERIFY.txt says, done with foreign tools.
    let verify = fs::read_to_string(folder.join("VERIFY.txt")).unwrap();
    let commands: Vec<&str> = verify.lines().filter(|line| line.starts_with("   ")).map(str::trim).collect();
    let commands = commands
        .into_iter()
        .filter(|line| ["sha256sum", "cat ", "openssl", "xxd"].iter().any(|tool| line.starts_with(tool)));
    let mut ran = 0;
    for command in commands {
        let done = Command::new("sh").args(["-c", command]).current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        ran += 1;
    }
    assert_eq!(ran, 4, "{verify}");
    assert!(fs::read(folder.join("request.pdf")).unwrap().starts_with(b"%PDF"));
    let again = stage.at("again");
    xa.run(FIRST, &["request", "bundle", &request, "--to", path(&again)]).done();
    assert_eq!(fs::read(again.join("SHA256SUMS")).unwrap(), fs::read(folder.join("SHA256SUMS")).unwrap());
}

/// Types at a pseudo-terminal what stands in `typed`; a line that begins with `|` begins an answer of many lines.
fn typed(office: &Office, args: &[&str], typed: &str) -> (i32, String) {
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/interview.py");
    let mut command = Command::new("python3");
    command.arg(judge).arg(env!("CARGO_BIN_EXE_rogatory")).args(args);
    command.args(["--data", path(&office.data), "--as", office.name(FIRST)]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
}

#[test]
fn a_request_is_written_at_a_terminal_left_taken_up_again_and_drafted() {
    let stage = demanding(&["en"], &json!([]));
    let (xa, draft) = (&stage.xa, stage.at("mine.toml"));
    let first = "XB-MOJ\n\ngenocide\n2025-03-03\n\nservice\nL-TH\n\nA 1\nThe bridge\n:leave";
    let (code, told) = typed(xa, &["request", "new", "--draft", path(&draft)], first);
    assert!(code == 0 && told.contains("Saved. Go on with"), "{told}");
    assert!(fs::read_to_string(&draft).unwrap().contains("The bridge"));
    let rest = "Prosecutor\n|prosecutes\n.\n|investigation\n.\n\n|Shots\nwere fired.\n.\n\n|Code, 142\n.\nCode, 142\n|Whoever\n.\n\n\
                |ten years\n.\n\n|the summons\n.\n\n\n\n\n|to hear her\n.\n\n\n\n\n\n\n\n\nyes";
    let (code, told) = typed(xa, &["request", "new", "--resume", path(&draft)], rest);
    assert!(code == 0 && told.contains("That was the last question") && told.contains("drafted"), "{told}");
    let listed = xa.json(FIRST, &["request", "list"]);
    let request = text(&listed["requests"][0], "request_id");
    let body = &xa.json(FIRST, &["request", "show", &request])["messages"][0]["body"];
    assert_eq!((&body["subject"], &body["facts"]), (&json!("The bridge"), &json!("Shots\nwere fired.")));
    assert_eq!(body["measures"][0]["kind"], "service");
}
