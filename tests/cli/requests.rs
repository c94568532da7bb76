//! Requests and replies by command: written as a file or by flags, checked, approved by a second person, sent, answered.

use std::fs;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, digest, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

/// The fields that the template leaves empty and a request must have.
const FIELDS: [&str; 9] = [
    "reference",
    "subject",
    "proceeding_authority",
    "proceeding_authority_functions",
    "nature_of_proceedings",
    "facts",
    "applicable_law",
    "penalty",
    "purpose",
];

fn filled(template: &str) -> String {
    let mut filled = template.replace("description = \"\"", "description = \"The recording of the bridge\"");
    filled = filled.replace("legal_bases = []", "legal_bases = [\"Treaty of 2023\"]");
    for field in FIELDS {
        filled = filled.replace(&format!("\n{field} = \"\""), &format!("\n{field} = \"The {field} of this case\""));
    }
    filled
}

/// What the request says about itself in the list of an office.
fn listed(office: &Office, request: &str) -> Option<Value> {
    let listed = office.json(FIRST, &["request", "list"]);
    listed["requests"].as_array().unwrap().iter().find(|row| row["request_id"] == request).cloned()
}

/// Waits until the request is in that state.
fn wait_for_state(office: &Office, request: &str, state: &str) {
    until(&format!("the request to be {state} at {}", office.id), || {
        listed(office, request).filter(|row| row["state"] == state)
    });
}

#[test]
fn the_template_becomes_a_request_as_toml_and_as_json_and_flags_make_the_same() {
    let stage = Stage::play();
    let (xa, toml_file, json_file) = (&stage.xa, stage.at("request.toml"), stage.at("request.json"));
    let template = run(&["request", "new", "--template"]).done();
    fs::write(&toml_file, &template).unwrap();
    let gaps = run(&["request", "check", path(&toml_file)]).ends(1);
    assert!(FIELDS.iter().chain(&["measures"]).all(|field| gaps.out.contains(field)), "{}", gaps.out);
    let whole = filled(&template);
    fs::write(&toml_file, &whole).unwrap();
    assert!(run(&["request", "check", path(&toml_file)]).done().starts_with("Complete"));
    assert_eq!(run(&["request", "check", path(&toml_file), "--json"]).json()["complete"], true);

    let value: Value = toml::from_str(&whole).unwrap();
    fs::write(&json_file, serde_json::to_vec(&value).unwrap()).unwrap();
    assert!(run(&["request", "check", path(&json_file)]).done().starts_with("Complete"));

    let law = stage.at("law.txt");
    fs::write(&law, "Art. 142").unwrap();
    let from_toml =
        xa.json(FIRST, &["request", "new", "--from", path(&toml_file), "--attach", path(&law), "--attach", path(&law)]);
    let from_json = xa.json(FIRST, &["request", "new", "--from", path(&json_file)]);
    let from_flags = xa.draft("XB-MOJ", "The subject of this case", &[]);
    for (row, items) in [(&from_toml, 2), (&from_json, 0), (&from_flags, 0)] {
        assert_eq!(row["state"], "drafted");
        let request = text(row, "request_id");
        assert!(xa.run(FIRST, &["request", "check", &request]).done().starts_with("Complete"));
        let shown = xa.json(FIRST, &["request", "show", &request]);
        assert_eq!(shown["messages"][0]["body"]["subject"], "The subject of this case");
        assert_eq!(shown["messages"][0]["items"].as_array().map_or(0, Vec::len), items);
    }

    fs::write(&toml_file, whole.replace("[request]", "colour = \"blue\"\n[request]")).unwrap();
    xa.run(FIRST, &["request", "new", "--from", path(&toml_file)]).refused(&["request.toml", "colour", "--template"]);
}

#[test]
fn a_request_with_gaps_can_be_drafted_and_checked_but_not_approved() {
    let stage = Stage::play();
    let xa = &stage.xa;
    let row = xa.json(FIRST, &["request", "new", "--to", "XB-MOJ", "--subject", "Half a request"]);
    let request = text(&row, "request_id");
    let gaps = xa.run(FIRST, &["request", "check", &request]).ends(1).out;
    assert!(gaps.contains("facts") && !gaps.contains("subject"), "{gaps}");
    xa.run(SECOND, &["request", "approve", &request]).refused(&["not complete", "facts", "purpose"]);
    assert_eq!(xa.json(FIRST, &["request", "discard", &request])["state"], "discarded");
    xa.run(SECOND, &["request", "approve", &request]).refused(&["cannot approve it", "discarded"]);
}

#[test]
fn nobody_approves_what_he_drafted_and_every_attempt_stands_in_the_log() {
    let stage = Stage::play();
    let xa = &stage.xa;
    let own = ["request", "new", "--to", "XB-MOJ", "--subject", "Drafted by the approver"];
    let own = text(&xa.json(SECOND, &own), "request_id");
    xa.run(SECOND, &["request", "approve", &own]).refused(&["second person", "another approver"]);
    let other = text(&xa.draft("XB-MOJ", "Drafted by the drafter", &[]), "request_id");
    xa.run(FIRST, &["request", "approve", &other]).refused(&["role approver"]);
    xa.run(FIRST, &["request", "send", &other]).refused(&["second person", "approve it first"]);

    let refused = xa.records_where(|record| record["event"] == "act.refused");
    let told: Vec<_> = refused.iter().map(|record| (text(&record["actor"], "name"), text(record, "outcome"))).collect();
    let (first, second) = (xa.name(FIRST).to_owned(), xa.name(SECOND).to_owned());
    let outcome = |rule: &str| format!("failed: {rule}");
    assert_eq!(
        told,
        [(second, outcome("four-eyes")), (first.clone(), outcome("role")), (first, outcome("not-approved"))]
    );
    assert!(xa.records_where(|record| record["event"] == "message.approved").is_empty());
}

#[test]
fn a_request_is_sent_acknowledged_reported_on_and_refused_with_a_receipt_for_each_step() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let sent = xa.ask("XB-MOJ", "The bridge of Port Boreal", &[]);
    let request = text(&sent, "request_id");
    xa.handed_over(&text(&sent, "message_id"));
    for (office, direction) in [(xa, "outgoing"), (xb, "incoming")] {
        let row = until("the request in the list", || listed(office, &request));
        assert_eq!((&row["state"], &row["direction"]), (&Value::from("delivered"), &Value::from(direction)));
        assert!(office.run(FIRST, &["request", "list"]).done().contains("The bridge of Port Boreal"));
        let shown = office.run(FIRST, &["request", "show", &request]).done();
        assert!(shown.contains("What happened on the bridge.") && shown.contains("by Ana Novak"), "{shown}");
    }
    xa.run(FIRST, &["reply", "ack", &request]).refused(&["request.ack", "other side"]);

    let ack = xb.json(FIRST, &["reply", "ack", &request, "--reference", "XB-7", "--contact", "desk 7", "--note", "ok"]);
    xb.handed_over(&text(&ack, "message_id"));
    wait_for_state(xa, &request, "acknowledged");
    let report = ["reply", "report", &request, "--status", "in-execution", "--text", "A witness was heard."];
    let report = xb.json(FIRST, &report);
    xb.handed_over(&text(&report, "message_id"));
    wait_for_state(xa, &request, "in-execution");

    let mut refusal = vec!["reply", "refuse", &request, "--ground", "ne bis in idem", "--reasons", "Tried already."];
    xb.run(FIRST, &refusal).refused(&["consult before you refuse", "--without-consultation"]);
    refusal.extend(["--without-consultation", "No condition could change that."]);
    let refusal = xb.json(FIRST, &refusal);
    let message = text(&refusal, "message_id");
    assert_eq!(refusal["state"], "drafted");
    xb.run(FIRST, &["reply", "send", &message]).refused(&["second person"]);
    xb.run(FIRST, &["reply", "approve", &message]).refused(&["role approver"]);
    assert_eq!(xb.json(SECOND, &["reply", "approve", &message])["state"], "approved");
    xb.json(SECOND, &["reply", "send", &message]);
    xb.handed_over(&message);
    wait_for_state(xa, &request, "refused");

    let shown = xa.json(FIRST, &["request", "show", &request]);
    let kinds: Vec<_> = shown["messages"].as_array().unwrap().iter().map(|message| text(message, "kind")).collect();
    assert_eq!(kinds, ["request.submit", "request.ack", "execution.report", "request.refuse"]);
    both_logs_agree(xa, xb, 1);
    both_logs_agree(xb, xa, 3);
}

/// Every message that `from` queued is in the log of `to` under the same digest of the same envelope, and `from` holds
/// a checked receipt that names it.
pub fn both_logs_agree(from: &Office, to: &Office, queued: usize) {
    let sent = from.records_where(|record| record["event"] == "message.queued");
    assert_eq!(sent.len(), queued);
    for record in sent {
        let message = text(&record, "message_id");
        let came = to.record_of("message.received", &message);
        let receipt = from.handed_over(&message);
        assert_eq!(digest(&record, "signed-envelope"), digest(&came, "signed-envelope"));
        assert_eq!(digest(&record, "signed-envelope"), digest(&receipt, "signed-envelope"));
        assert_eq!(digest(&receipt, "receipt").len(), 64);
        assert_eq!((&came["actor"], &receipt["actor"]), (&Value::from("node"), &Value::from("node")));
    }
}
