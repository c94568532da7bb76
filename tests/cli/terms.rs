//! Conditions by command, between two and three real authorities: offered, countered, declined, accepted; what they stop, what
//! opens them, and what the log says of every attempt.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

/// A drafted step is approved and sent by the second officer, and handed over.
fn carried(office: &Office, row: &Value) -> String {
    let id = text(row, "message_id");
    if row["state"] == "drafted" {
        office.json(SECOND, &["reply", "approve", &id]);
        office.json(SECOND, &["reply", "send", &id]);
    }
    office.handed_over(&id);
    id
}

/// XB seals one file for the request under these conditions and sends it; gives the package.
fn evidence(stage: &Stage, request: &str, content: &str, conditions: &[&str]) -> String {
    let file = stage.at("statement.txt");
    fs::write(&file, content).unwrap();
    let mut args = vec!["package", "seal", "--request", request, path(&file)];
    conditions.iter().for_each(|condition| args.extend(["--condition", condition]));
    let row = stage.xb.json(FIRST, &args);
    let package = text(&row, "package_id");
    let sent = stage.xb.json(SECOND, &["package", "send", &package]);
    stage.xb.handed_over(&text(&sent, "message_id"));
    package
}

fn asked(stage: &Stage, subject: &str) -> String {
    let row = stage.xa.ask("XB-MOJ", subject, &[]);
    stage.xa.handed_over(&text(&row, "message_id"));
    text(&row, "request_id")
}

/// Both officers of XA accept what waits there.
fn accepted(stage: &Stage, target: &str) {
    stage.xa.json(FIRST, &["conditions", "accept", target]);
    let row = stage.xa.json(SECOND, &["conditions", "accept", target]);
    stage.xa.handed_over(&text(&row, "message_id"));
}

fn standing(office: &Office, target: &str, id: &str) -> String {
    let found = office.json(FIRST, &["conditions", "list", target]);
    let rows = found["conditions"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id} in {found}"));
    text(row, "standing")
}

fn refusals(office: &Office, act: &str) -> Vec<Value> {
    office.records_where(|record| {
        record["event"] == "act.refused" && text(record, "outcome").contains(&format!(": {act}: "))
    })
}

#[test]
fn an_offer_is_countered_replaced_declined_and_accepted_and_only_then_the_files_go() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = asked(&stage, "The bridge");
    let past = ["conditions", "offer", &request, "--condition", "USE.REPORT=Tell us", "--accept-by", "2020-01-01"];
    xb.run(FIRST, &past).refused(&["is over", "name a later one"]);
    let bad = ["conditions", "offer", &request, "--condition", "USE.NOT-FOR=No", "--accept-by", "2099-01-01"];
    xb.run(FIRST, &bad).refused(&["USE.NOT-FOR", "purpose"]);

    let offer = [
        "conditions",
        "offer",
        &request,
        "--condition",
        "USE.NOT-FOR(purpose=political)=No politics",
        "--accept-by",
        "2099-01-01",
    ];
    let offer = xb.json(FIRST, &offer);
    assert_eq!(offer["state"], "drafted", "an offer needs two persons");
    let first = carried(xb, &offer);
    until("the offer", || (standing(xa, &first, "c1") == "offered").then_some(()));

    let file = stage.at("early.txt");
    fs::write(&file, "early").unwrap();
    let sealed = xb.json(FIRST, &["package", "seal", "--request", &request, path(&file)]);
    let early = text(&sealed, "package_id");
    xb.run(SECOND, &["package", "send", &early]).refused(&["blocked", "c1 (USE.NOT-FOR)", "L-TH 30(5)", "lifted by"]);
    assert_eq!(refusals(xb, "transmit").len(), 1);

    let counter =
        ["conditions", "counter", &first, "--reasons", "Too wide", "--propose", "USE.NOT-FOR(purpose=fiscal)=No taxes"];
    carried(xa, &xa.json(FIRST, &counter));
    until("the counter", || (standing(xb, &first, "c1") == "countered").then_some(()));
    let again = [
        "conditions",
        "offer",
        &request,
        "--replaces",
        &first,
        "--condition",
        "USE.NOT-FOR(purpose=fiscal)=No taxes",
        "--accept-by",
        "2099-01-01",
    ];
    let second = carried(xb, &xb.json(FIRST, &again));
    until("the second offer", || (standing(xa, &first, "c1") == "superseded").then_some(()));

    carried(xa, &xa.json(FIRST, &["conditions", "decline", &second, "--reasons", "We think about it"]));
    until("the decline", || (standing(xb, &second, "c1") == "declined").then_some(()));
    xb.run(SECOND, &["package", "send", &early]).refused(&["declined", "a new offer of XB-MOJ"]);
    accepted(&stage, &second);
    until("the acceptance", || (standing(xb, &second, "c1") == "binds").then_some(()));
    xa.run(FIRST, &["conditions", "accept", &second]).refused(&["no condition that waits"]);
    xa.run(FIRST, &["conditions", "waive", &second, "--condition", "c1", "--reasons", "x"])
        .refused(&["this authority set no conditions there"]);

    let sent = xb.json(SECOND, &["package", "send", &early]);
    xb.handed_over(&text(&sent, "message_id"));
    what_was_accepted_goes_along(&stage, &request);
}

/// Files that are sealed after an offer was accepted carry it, until it is waived.
fn what_was_accepted_goes_along(stage: &Stage, request: &str) {
    let (xa, xb) = (&stage.xa, &stage.xb);
    // What was accepted in the offer goes along with files that are sealed from now on.
    let package = evidence(stage, request, "late", &[]);
    let listed = until("the package at XA", || {
        let listed = xa.json(FIRST, &["conditions", "list", &package]);
        (!listed["conditions"].as_array().unwrap().is_empty()).then_some(listed)
    });
    assert_eq!(listed["conditions"][0]["origin"], "requester-undertaking");
    assert_eq!(listed["conditions"][0]["standing"], "binds");
    let to = stage.at("late");
    xa.run(FIRST, &["package", "export", &package, "--to", path(&to), "--purpose", "trial"]).refused(&[
        "gated",
        "USE.NOT-FOR",
        "was not said",
        "XB-MOJ",
    ]);
    xa.run(FIRST, &["package", "export", &package, "--to", path(&to), "--purpose", "trial", "--use", "criminal"])
        .done();
    let report = fs::read_to_string(to.join("rogatory/report.html")).unwrap();
    assert!(report.contains("No taxes"), "the text of the condition stands in the report");

    let waived = ["conditions", "waive", &package, "--condition", "o1", "--reasons", "No longer needed"];
    carried(xb, &xb.json(FIRST, &waived));
    until("the waiver", || (standing(xa, &package, "o1") == "waived").then_some(()));
    xa.run(FIRST, &["package", "export", &package, "--to", path(&stage.at("free")), "--purpose", "trial"]).done();
}

#[test]
fn a_lead_is_opened_and_not_exported_until_its_setter_consents_and_the_notice_of_an_accuseds_innocence_opens_it() {
    let stage = Stage::play();
    let xa = &stage.xa;
    let request = asked(&stage, "The lead");
    let package = evidence(
        &stage,
        &request,
        "a lead",
        &["CONF.LEAD-ONLY=Only to find other evidence", "USE.NAMED-PROCEEDINGS=Only in these"],
    );
    until("the files", || (standing(xa, &package, "c1") == "offered").then_some(()));
    until("all of them", || {
        let shown = xa.json(FIRST, &["package", "show", &package]);
        shown["package"]["complete_index"].as_u64()
    });
    accepted(&stage, &package);
    let (open, to) = (stage.at("opened"), stage.at("bag"));
    xa.run(FIRST, &["package", "open", &package, "--to", path(&open), "--purpose", "search"]).done();
    let export = ["package", "export", &package, "--to", path(&to), "--purpose", "trial"];
    xa.run(FIRST, &export).refused(&[
        "blocked",
        "c1 (CONF.LEAD-ONLY)",
        "L-TH 17(5)",
        "consent request",
        "lifted by XB-MOJ",
    ]);
    assert!(!to.exists());
    let opened = xa.records_where(|record| record["event"] == "package.opened").len();
    assert_eq!(opened, 1, "nothing was opened on the way to being refused");
    assert_eq!(refusals(xa, "export").len(), 1);
    xa.run(FIRST, &["package", "use", "exhibit", &package, "--purpose", "exhibit 4"])
        .refused(&["blocked", "CONF.LEAD-ONLY"]);
    xa.run(FIRST, &["package", "link", &package, "--proceeding", "A-2/2026", "--purpose", "another case"]).refused(&[
        "gated",
        "c2 (USE.NAMED-PROCEEDINGS)",
        "L-TH 31(1)",
    ]);

    a_notice_opens_it(&stage, &package, &to);
    a_consent_opens_what_it_names(&stage, &request, &package);
    the_register_tells_all_of_it(xa, &package);
}

fn a_notice_opens_it(stage: &Stage, package: &str, to: &Path) {
    let xa = &stage.xa;
    // A notice that is only written opens nothing; one that was handed over opens every condition.
    let notice = ["exculpatory", package, "--proceeding", "A-2/2026", "--text", "It clears the accused"];
    let notice = xa.json(FIRST, &notice);
    assert_eq!(notice["state"], "drafted", "it needs two persons");
    let disclose = [
        "package",
        "use",
        "disclose",
        package,
        "--proceeding",
        "A-2/2026",
        "--for",
        "the defence",
        "--kind",
        "defence",
        "--route",
        "exculpatory",
        "--purpose",
        "to the defence",
    ];
    xa.run(FIRST, &disclose).refused(&["gated", "signed notice", "L-TH 31(2)"]);
    carried(xa, &notice);
    assert_eq!(xa.json(FIRST, &disclose)["event"], "package.disclosed");
    let bag = [
        "package",
        "export",
        package,
        "--to",
        path(to),
        "--purpose",
        "for the defence",
        "--proceeding",
        "A-2/2026",
        "--route",
        "exculpatory",
    ];
    xa.run(FIRST, &bag).done();
    assert!(to.join("bagit.txt").exists());
}

fn a_consent_opens_what_it_names(stage: &Stage, request: &str, package: &str) {
    let (xa, xb) = (&stage.xa, &stage.xb);
    // The consent names what it opens, and no more.
    let ask = ["consent", "request", package, "--proceeding", "A-3/2026", "--text", "The same suspects"];
    let ask = carried(xa, &xa.json(FIRST, &ask));
    let link = ["package", "link", package, "--proceeding", "A-3/2026", "--purpose", "the other case"];
    xa.run(FIRST, &link).refused(&["gated"]);
    let grant = xb.json(FIRST, &["consent", "grant", request, "--asked", &ask]);
    carried(xb, &grant);
    xa.run(FIRST, &link).done();
    xa.run(FIRST, &["package", "link", package, "--proceeding", "A-4/2026", "--purpose", "x"]).refused(&["gated"]);
}

fn the_register_tells_all_of_it(xa: &Office, package: &str) {
    let uses = xa.json(FIRST, &["package", "uses", package]);
    let events: Vec<_> = uses["uses"].as_array().unwrap().iter().map(|one| text(one, "event")).collect();
    for event in ["package.opened", "act.refused", "package.disclosed", "package.exported", "package.linked"] {
        assert!(events.iter().any(|found| found == event), "{event} in {events:?}");
    }
    let report = xa.run(FIRST, &["package", "uses", package, "--report"]).done();
    assert!(
        report.contains("package.disclosed: in A-2/2026, for the defence") && !report.contains("refused"),
        "{report}"
    );
}

#[test]
fn a_code_of_a_newer_version_waits_for_two_persons_and_shows_its_text() {
    let stage = Stage::play();
    let xa = &stage.xa;
    let request = asked(&stage, "The new code");
    let package = evidence(&stage, &request, "something", &["USE.NEW-IN-2031=Never on a Sunday"]);
    until("all files", || xa.json(FIRST, &["package", "show", &package])["package"]["complete_index"].as_u64());
    accepted(&stage, &package);
    let open =
        ["package", "open", &package, "--to", path(&stage.at("opened")), "--purpose", "to read"].map(str::to_owned);
    let open: Vec<&str> = open.iter().map(String::as_str).collect();
    xa.run(FIRST, &open).refused(&["gated", "c1 (USE.NEW-IN-2031)", "Never on a Sunday", "package clear"]);
    let asked = xa.json(FIRST, &["package", "clear", "open", &package, "--purpose", "It is Monday"]);
    let record = asked["record"].to_string();
    xa.run(FIRST, &["package", "clear", "open", &package, "--confirm", &record]).refused(&["role approver"]);
    xa.json(SECOND, &["package", "clear", "open", &package, "--confirm", &record]);
    xa.run(SECOND, &["package", "clear", "open", &package, "--confirm", &record]).refused(&["cleared already"]);
    xa.run(FIRST, &open).done();
}

#[test]
fn files_wait_for_the_assurance_that_their_sender_asked_for() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = asked(&stage, "The assurance");
    let offer = [
        "conditions",
        "offer",
        &request,
        "--condition",
        "ASSUR.NO-DEATH-IMPOSED=No death penalty",
        "--accept-by",
        "2099-01-01",
    ];
    let offer = carried(xb, &xb.json(FIRST, &offer));
    let file = stage.at("statement.txt");
    fs::write(&file, "evidence").unwrap();
    until("the offer", || (standing(xa, &offer, "c1") == "offered").then_some(()));
    accepted(&stage, &offer);
    until("the acceptance", || (standing(xb, &offer, "c1") == "binds").then_some(()));
    let sealed = xb.json(FIRST, &["package", "seal", "--request", &request, path(&file)]);
    let package = text(&sealed, "package_id");
    let send = ["package", "send", &package];
    xb.run(SECOND, &send).refused(&["blocked", "ASSUR.NO-DEATH-IMPOSED", "L-TH 30(1)(b)", "assurance"]);

    let give = [
        "assurance",
        "give",
        &request,
        "--offer",
        &offer,
        "--condition",
        "c1",
        "--authority",
        "Minister of Justice",
        "--text",
        "It will not be imposed",
    ];
    let given = carried(xa, &xa.json(FIRST, &give));
    xb.run(SECOND, &send).refused(&["blocked"]);
    let accept = xb.json(FIRST, &["assurance", "accept", &request, "--given", &given]);
    xb.run(SECOND, &send).refused(&["blocked"]);
    carried(xb, &accept);
    let sent = xb.json(SECOND, &send);
    xb.handed_over(&text(&sent, "message_id"));
}

/// A third authority in the same directory, all three running.
fn three() -> (Stage, Office) {
    let mut stage = Stage::without_directory(["Ana Novak", "Bor Kos"], ["Carla Lind", "Dan Holm"]);
    let address = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 1), 0)).unwrap().local_addr().unwrap();
    let mut xc = Office::make(stage.folder(), "XC-MOJ", ["Eva Rain", "Finn Dale"], address);
    stage.trust_root = stage.found_directory(&[]);
    let (directory, key) = (stage.at("directory"), stage.at("keeper.pem"));
    let entry = xc.data.join("directory-entry.json");
    run(&["directory", "add", path(&directory), path(&entry)]).done();
    run(&["directory", "sign", path(&directory), "--key", path(&key)]).done();
    for office in [&stage.xa, &stage.xb, &xc] {
        stage.import(office);
    }
    stage.xa.start();
    stage.xb.start();
    xc.start();
    (stage, xc)
}

#[test]
fn files_go_on_to_a_third_state_only_with_the_consent_that_names_it_and_under_their_conditions() {
    let (stage, xc) = three();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = asked(&stage, "The bridge");
    let package = evidence(&stage, &request, "what the witness saw", &["XFER.NO-THIRD-STATE=To no other State"]);
    until("all files", || xa.json(FIRST, &["package", "show", &package])["package"]["complete_index"].as_u64());
    accepted(&stage, &package);
    let other = xc.ask("XA-MOJ", "The same witness", &[]);
    xc.handed_over(&text(&other, "message_id"));
    let theirs = text(&other, "request_id");

    let forward = ["package", "forward", &package, "--request", &theirs, "--purpose", "they try the same man"];
    xa.run(FIRST, &forward).refused(&["blocked", "c1 (XFER.NO-THIRD-STATE)", "L-TH 31(1), 16(1)", "lifted by XB-MOJ"]);
    assert_eq!(refusals(xa, "forward").len(), 1);
    let file = stage.at("statement.txt");
    let by_hand = xa.run(FIRST, &["package", "seal", "--request", &theirs, path(&file)]).ends(1).err;
    assert!(by_hand.contains("came from XB-MOJ") && by_hand.contains("package forward"), "{by_hand}");

    let ask = ["consent", "request", &package, "--proceeding", "XA-2026-1", "--to", "XC-MOJ", "--text", "They try him"];
    let ask = carried(xa, &xa.json(FIRST, &ask));
    carried(xb, &xb.json(FIRST, &["consent", "grant", &request, "--asked", &ask]));
    let drafted = xa.json(FIRST, &forward);
    let onward = text(&drafted, "package_id");
    let sent = xa.json(SECOND, &["package", "send", &onward]);
    xa.handed_over(&text(&sent, "message_id"));
    let listed = xc.json(FIRST, &["conditions", "list", &onward]);
    let condition = &listed["conditions"][0];
    assert_eq!(
        (&condition["text"], &condition["standing"]),
        (&Value::from("To no other State"), &Value::from("offered"))
    );
    assert_eq!(
        (&condition["inherited"]["setter"], &condition["set_by"]),
        (&Value::from("XB-MOJ"), &Value::from("XA-MOJ"))
    );
    let to = stage.at("third");
    xc.run(FIRST, &["package", "open", &onward, "--to", path(&to), "--purpose", "trial"])
        .refused(&["h1 (XFER.NO-THIRD-STATE)"]);
    xc.json(FIRST, &["conditions", "accept", &onward]);
    xc.json(SECOND, &["conditions", "accept", &onward]);
    xc.run(FIRST, &["package", "open", &onward, "--to", path(&to), "--purpose", "trial"]).done();
    let uses = xa.json(FIRST, &["package", "uses", &package]);
    let forwarded = uses["uses"].as_array().unwrap().iter().find(|one| one["event"] == "package.forwarded").unwrap();
    assert_eq!(forwarded["use"]["recipient"]["name"], "XC-MOJ");
}
