//! The legal basis between two nodes: looked up when a request is written, again when it comes in, and once more when
//! the registry changes. A person signs it; no machine refuses it.

use std::fs;

use serde_json::{Value, json};

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::run;
use crate::stage::Stage;

const TREATY: &str = "Treaty between Arcadia and Borealia on legal assistance in criminal matters (fictional)";

/// The keeper adds rows to the registry and signs; which nodes accept it is the test's affair.
fn keep(stage: &Stage, more: &[&str]) -> String {
    let directory = stage.at("directory");
    let mut add = vec!["directory", "registry", "add", path(&directory)];
    add.extend(more);
    let said = run(&add).done();
    run(&["directory", "sign", path(&directory), "--key", path(&stage.at("keeper.pem"))]).done();
    said
}

/// A stage whose directory has the example registry of fictional States, both nodes running.
fn with_registry() -> Stage {
    let mut stage = Stage::set();
    keep(&stage, &["--example"]);
    stage.import(&stage.xa);
    stage.import(&stage.xb);
    stage.xa.start();
    stage.xb.start();
    stage
}

/// Both left the treaty and the convention, as one keeper heard: the newer registry says so.
fn withdrawal(stage: &Stage) -> String {
    let rows = ["l-th", "xa-xb-2011", "untoc", "uncac", "cat", "genocide-1948"].map(|instrument| {
        json!({ "fact": "withdrawal", "instrument": instrument, "state": "XB", "from": "2025-06-01", "of": "treaty",
                "effective": "2026-06-01", "source": { "kind": "depositary", "note": "fictional notice" } })
    });
    let file = stage.at("rows.json");
    fs::write(&file, serde_json::to_vec(&rows).unwrap()).unwrap();
    keep(stage, &["--rows", path(&file)])
}

fn beside(office: &Office, request: &str) -> Value {
    office.json(FIRST, &["request", "show", request])["basis"].clone()
}

fn acknowledge(office: &Office, request: &str) -> String {
    let ack = office.json(FIRST, &["reply", "ack", request, "--reference", "XB-7"]);
    let message = text(&ack, "message_id");
    office.handed_over(&message);
    message
}

#[test]
fn a_request_carries_its_look_up_and_the_other_side_agrees() {
    let stage = with_registry();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let more = ["--crime", "genocide", "--conduct-date", "2025-03-03", "--basis", "L-TH, art. 24", "--basis", TREATY];
    let row = draft(xa, &more);
    let request = text(&row, "request_id");
    let checked = xa.run(FIRST, &["request", "check", &request]).done();
    for said in ["evidence: YES", "YES          L-TH (binding)", "[L-TH 2(1), found: LTH; row 1, depositary", "28 rows"]
    {
        assert!(checked.contains(said), "{said}: {checked}");
    }
    xa.json(SECOND, &["request", "approve", &request]);
    let sent = xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&text(&sent, "message_id"));

    let record = xb.record_of("basis.compared", &text(&sent, "message_id"));
    assert_eq!((text(&record, "reason").as_str(), &record["actor"]), ("agreed", &Value::from("node")));
    let there = beside(xb, &request);
    assert_eq!(there["sent"]["chosen"], json!(["l-th", "xa-xb-2011"]));
    assert_eq!(there["sent"]["answer"], "YES");
    assert_eq!(there["here"]["comparison"]["agreement"], "agreed");
    assert_eq!(there["here"]["own"]["registry"], there["sent"]["registry"]);
    acknowledge(xb, &request);
    let here = crate::program::until("the acknowledgement", || {
        let basis = beside(xa, &request);
        (!basis["acknowledged"].is_null()).then_some(basis)
    });
    assert_eq!(here["acknowledged"]["agreement"], "agreed");
    assert_eq!(here["acknowledged"]["answer"], "YES");
    assert_eq!(here["acknowledged"]["registry"], here["sent"]["registry"]);
    let shown = xa.run(FIRST, &["request", "show", &request]).done();
    assert!(shown.contains("basis    YES; chosen: l-th, xa-xb-2011"), "{shown}");
    assert!(shown.contains("looked up there: agreed, YES"), "{shown}");
}

#[test]
fn what_the_look_up_does_not_support_needs_a_stated_reason_and_nobody_is_refused_by_a_machine() {
    let stage = with_registry();
    let (xa, xb) = (&stage.xa, &stage.xb);
    // A crime that the chosen text does not cover: NO.
    let none = ["--crime", "ordinary-crime", "--basis", "L-TH"];
    let row = text(&draft(xa, &none), "request_id");
    let open = xa.run(FIRST, &["request", "check", &row]).ends(1).out;
    assert!(open.contains("gap: NO: evidence: what is named is no basis for it; YES by xa-xb-2011"), "{open}");
    xa.run(SECOND, &["request", "approve", &row]).refused(&["not settled", "NO: evidence", "--basis-reason"]);
    // A name that nobody described, and a question that a person must answer.
    let unknown = ["--crime", "organised-crime", "--basis", "Treaty of nowhere", "--basis", "UNTOC"];
    let row = text(&draft(xa, &unknown), "request_id");
    let refused = ["ASK A HUMAN: `Treaty of nowhere` is no instrument", "ASK A HUMAN: evidence: what is named leaves"];
    xa.run(SECOND, &["request", "approve", &row]).refused(&refused);
    // No crime, no look-up: the registry is there, so it must be asked.
    let row = text(&draft(xa, &["--basis", "L-TH"]), "request_id");
    xa.run(SECOND, &["request", "approve", &row]).refused(&["name what the conduct is called"]);
    let misspelt = ["request", "new", "--to", "XB-MOJ", "--measure", "recording=The tape", "--crime", "genocide"];
    xa.run(FIRST, &misspelt).refused(&["legal basis cannot be looked up", "`recording` is no kind of help"]);

    let stated = [&none[..], &["--basis-reason", "Reciprocity, letter of 3 May 2026"]].concat();
    let row = draft(xa, &stated);
    let request = text(&row, "request_id");
    xa.json(SECOND, &["request", "approve", &request]);
    let sent = xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&text(&sent, "message_id"));
    let there = beside(xb, &request);
    assert_eq!(there["sent"]["reason"], "Reciprocity, letter of 3 May 2026");
    assert_eq!(there["here"]["comparison"]["agreement"], "agreed");
    assert!(xb.run(FIRST, &["request", "show", &request]).done().contains("goes on because: Reciprocity"));
}

#[test]
fn a_registry_of_another_version_makes_a_difference_that_both_sides_see() {
    let stage = with_registry();
    let (xa, xb) = (&stage.xa, &stage.xb);
    withdrawal(&stage);
    // Only the requested side takes the newer one over.
    stage.import(xb);
    xb.run(SECOND, &["reload"]).done();
    let row = draft(xa, &["--crime", "genocide", "--basis", "L-TH"]);
    let request = text(&row, "request_id");
    xa.json(SECOND, &["request", "approve", &request]);
    let sent = xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&text(&sent, "message_id"));
    let record = xb.record_of("basis.compared", &text(&sent, "message_id"));
    let reason = text(&record, "reason");
    assert!(reason.starts_with("differs: evidence: XA-MOJ YES, XB-MOJ NO"), "{reason}");
    assert!(
        reason.contains("L-TH for evidence: XA-MOJ YES (binding), XB-MOJ NO: XB is no longer bound by L-TH"),
        "{reason}"
    );
    assert!(reason.contains("different registries"), "{reason}");
    acknowledge(xb, &request);
    let here = crate::program::until("the acknowledgement", || {
        let basis = beside(xa, &request);
        (!basis["acknowledged"].is_null()).then_some(basis)
    });
    assert_eq!(
        (&here["acknowledged"]["agreement"], &here["acknowledged"]["answer"]),
        (&json!("differs"), &json!("NO"))
    );
    assert_ne!(here["acknowledged"]["registry"], here["sent"]["registry"]);
    // The request stands at the other side: a difference refuses nothing.
    assert_eq!(xb.json(FIRST, &["request", "list"])["requests"][0]["state"], "acknowledged");

    // The requesting side takes it over: it learns which of its open requests are affected, and so does its log.
    stage.import(xa);
    let said = xa.run(SECOND, &["reload"]).done();
    assert!(said.contains(&format!("{request} with XB-MOJ: YES before, NO now")), "{said}");
    let changed = xa.record_of("basis.changed", &text(&sent, "message_id"));
    assert!(text(&changed, "reason").contains("XA-MOJ YES (binding), now NO"), "{changed}");
    assert!(xa.run(FIRST, &["request", "show", &request]).done().contains("looked up here: differs, NO"));
    xa.run(SECOND, &["reload"]).done();
    assert_eq!(xa.records_where(|record| record["event"] == "basis.changed").len(), 1);
    // The index is made again from the log alone, and says the same.
    assert!(xa.run(FIRST, &["request", "show", &request]).done().contains("looked up there: differs, NO"));
}

#[test]
fn an_import_for_a_stopped_node_tells_the_rows_and_the_open_requests_that_they_change() {
    let mut stage = with_registry();
    let row = draft(&stage.xa, &["--crime", "genocide", "--basis", "L-TH"]);
    let request = text(&row, "request_id");
    stage.xa.stop();
    let said = withdrawal(&stage);
    assert!(said.contains("6 rows added; the registry has 34 rows."), "{said}");
    let (directory, data) = (stage.at("directory"), stage.xa.data.clone());
    let told = run(&["directory", "import", path(&directory), "--data", path(&data)]).done();
    for expected in
        ["row 29    l-th           withdrawal XB from 2025-06-01", "34 rows", &request, "YES before, NO now"]
    {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(
        run(&["directory", "import", path(&directory), "--data", path(&data)]).done().matches("row 29").count(),
        0
    );
    stage.xa.start();
    let changed = stage.xa.record_of("basis.changed", &text(&row, "message_id"));
    assert!(text(&changed, "reason").starts_with("differs: evidence"), "{changed}");
    // What was drafted on the older registry is not approved on the newer one.
    stage.xa.run(SECOND, &["request", "approve", &request]).refused(&["the registry answers otherwise"]);
}

#[test]
fn without_a_registry_nothing_is_looked_up_and_it_is_said() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = text(&draft(xa, &["--crime", "genocide", "--basis", "L-TH"]), "request_id");
    let checked = xa.run(FIRST, &["request", "check", &request]).done();
    assert!(checked.contains("not looked up: the directory of this node has no registry"), "{checked}");
    xa.json(SECOND, &["request", "approve", &request]);
    let sent = xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&text(&sent, "message_id"));
    assert!(xb.run(FIRST, &["request", "show", &request]).done().contains("basis    no look-up was sent"));
    assert!(xb.records_where(|record| record["event"] == "basis.compared").is_empty());
}

#[test]
fn a_node_without_the_registry_says_that_it_compared_nothing() {
    let mut stage = Stage::set();
    keep(&stage, &["--example"]);
    stage.import(&stage.xa);
    stage.xa.start();
    stage.xb.start();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = text(&draft(xa, &["--crime", "genocide", "--basis", "L-TH"]), "request_id");
    xa.json(SECOND, &["request", "approve", &request]);
    let sent = xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&text(&sent, "message_id"));
    let record = xb.record_of("basis.compared", &text(&sent, "message_id"));
    assert!(
        text(&record, "reason").starts_with("not-compared: the directory of this node has no registry"),
        "{record}"
    );
    // The registry comes: the node compares what it could not compare before.
    stage.import(xb);
    let said = xb.run(SECOND, &["reload"]).done();
    assert!(said.contains(&format!("{request} with XA-MOJ: nothing before, YES now")), "{said}");
    assert_eq!(beside(xb, &request)["here"]["comparison"]["agreement"], "agreed");
}

/// A request of which only the legal basis is open; `more` are flags about that alone.
fn draft(office: &Office, more: &[&str]) -> Value {
    let (mut basis, mut legal_bases) = (json!({ "crimes": [] }), Vec::new());
    for pair in more.chunks(2) {
        match pair[0] {
            "--crime" => basis["crimes"].as_array_mut().unwrap().push(json!(pair[1])),
            "--conduct-date" => basis["conduct"] = json!(pair[1]),
            "--basis-reason" => basis["reason"] = json!(pair[1]),
            "--basis" => legal_bases.push(pair[1]),
            other => panic!("{other} is no flag about the legal basis"),
        }
    }
    let request = json!({
        "to": "XB-MOJ", "legal_bases": legal_bases, "basis": basis,
        "request": {
            "reference": "XA-2026-1", "subject": "The bridge", "proceeding_authority": "Prosecutor of Arcadia",
            "proceeding_authority_functions": "Investigates crimes", "nature_of_proceedings": "Criminal investigation",
            "facts": "What happened on the bridge.", "applicable_law": "Penal Code, art. 142", "penalty": "Ten years",
            "law_texts": [{ "citation": "Penal Code, art. 142", "text": "Whoever ..." }],
            "purpose": "To learn who did it", "measures": [{ "kind": "evidence", "description": "The recording" }],
        },
    });
    let file = office.data.parent().unwrap().join("request.json");
    fs::write(&file, serde_json::to_vec(&request).unwrap()).unwrap();
    office.json(FIRST, &["request", "new", "--from", path(&file)])
}
