//! A whole life of a request between two nodes: asked, acknowledged, questioned, accepted, evidence handed over, taken into
//! custody, reported on, returned, closed; and what is refused on the way.

use std::fs;

use serde_json::Value;

use crate::evidence::accept;
use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::until;
use crate::requests::both_logs_agree;
use crate::stage::Stage;

const FAR: &str = "2090-01-01";

fn state(office: &Office, request: &str) -> String {
    let listed = office.json(FIRST, &["request", "list"]);
    let row = listed["requests"].as_array().unwrap().iter().find(|row| row["request_id"] == request).cloned();
    row.map(|row| text(&row, "state")).unwrap_or_default()
}

/// One officer says it, and the other side has it.
fn say(office: &Office, args: &[&str]) -> String {
    let row = office.json(FIRST, args);
    let message = text(&row, "message_id");
    if row["state"] == "drafted" {
        office.json(SECOND, &["reply", "approve", &message]);
        office.json(SECOND, &["reply", "send", &message]);
    }
    office.handed_over(&message);
    message
}

fn owed(office: &Office, what: &str) -> Option<Value> {
    // Ends with 1 where this side is late: the answer counts.
    let ran = office.run(FIRST, &["duties", "--json"]);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    found["duties"].as_array().unwrap().iter().find(|duty| duty["what"] == what).cloned()
}

#[test]
fn a_request_lives_from_its_sending_to_its_closing_and_both_sides_say_the_same_of_it() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let sent = xa.ask("XB-MOJ", "The bridge", &[]);
    let request = text(&sent, "request_id");
    xa.handed_over(&text(&sent, "message_id"));
    // A delivery receipt is no acknowledgement: the other side still owes that.
    assert_eq!(state(xa, &request), "delivered");
    assert_eq!(owed(xa, "acknowledge").unwrap()["owner"], "them");
    assert_eq!(owed(xb, "acknowledge").unwrap()["owner"], "us");

    say(xb, &["reply", "ack", &request, "--reference", "XB-7"]);
    xb.run(FIRST, &["reply", "supply", &request, "--answer", "1=No"]).refused(&["info.supply", "other side"]);
    xa.run(FIRST, &["reply", "supply", &request, "--answer", "1=No"]).refused(&["nobody asked"]);
    xb.run(FIRST, &["reply", "ask", &request, "--question", "1=Which bridge?", "--due", "2001-01-01"])
        .refused(&["is past"]);
    say(xb, &["reply", "ask", &request, "--question", "1=Which bridge?", "--due", FAR]);
    assert_eq!(state(xa, &request), "clarification");
    assert_eq!(owed(xa, "supply").unwrap()["due"], "2090-01-01T00:00:00Z");
    say(xa, &["reply", "supply", &request, "--answer", "1=The northern one"]);
    say(xb, &["reply", "accept", &request, "--measure", "1", "--due", FAR]);
    assert_eq!((state(xa, &request), state(xb, &request)), ("accepted".to_owned(), "accepted".to_owned()));

    let package = hand_over(&stage, &request);
    say(xa, &["reply", "receipt", &request, "--package", &package, "--verdict", "accepted"]);
    say(xb, &["reply", "report", &request, "--status", "executed", "--text", "All is done."]);
    say(xb, &["return", "demand", &request, "--package", &package, "--verdict", "return", "--due", FAR]);
    assert_eq!(state(xa, &request), "return-due");
    let close = ["request", "close", &request, "--text", "Nothing is owed."];
    xa.run(FIRST, &close).refused(&["not possible yet", "requesting side", "return the items", "38(2)"]);
    say(xa, &["return", "dispatch", &request, "--package", &package, "--method", "courier", "--seal", "4711"]);
    xa.run(FIRST, &close).refused(&["requested side", "came back"]);
    say(xb, &["return", "receipt", &request, "--package", &package]);
    say(xa, &close);
    say(xb, &["reply", "close", &request]);
    ended(&stage, &request);
}

/// XB hands one file over under a condition; XA accepts it.
fn hand_over(stage: &Stage, request: &str) -> String {
    let (xa, xb) = (&stage.xa, &stage.xb);
    let file = stage.at("recording.raw");
    fs::write(&file, b"what the camera saw").unwrap();
    let mut args = vec!["package", "seal", "--request", request, path(&file), "--reference", "XB-7/1"];
    args.extend(["--condition", "USE.NAMED-PROCEEDINGS=Only in the named proceedings"]);
    let row = xb.json(FIRST, &args);
    let package = text(&row, "package_id");
    xb.json(SECOND, &["package", "send", &package]);
    xb.handed_over(&text(&row, "message_id"));
    assert!(owed(xa, "accept-conditions").is_some() && owed(xa, "take-custody").is_some());
    accept(xa, &package);
    until("the acceptance to arrive", || owed(xb, "accept-conditions").is_none().then_some(()));
    package
}

fn ended(stage: &Stage, request: &str) {
    let (xa, xb) = (&stage.xa, &stage.xb);
    for office in [xa, xb] {
        assert_eq!(state(office, request), "closed");
        let shown = office.json(FIRST, &["request", "show", request]);
        assert_eq!((&shown["life"]["over"], &shown["life"]["measures"][0]), (&true.into(), &"done".into()));
        assert!(
            shown["messages"].as_array().unwrap().iter().all(|message| !text(&message["step"], "article").is_empty())
        );
        assert!(office.run(FIRST, &["duties"]).done().contains("Nothing is owed"));
        let told = office.run(FIRST, &["request", "show", request]).done();
        assert!(told.contains("item 1: returned") && told.contains("L-TH 38(2)"), "{told}");
    }
    let life = |office: &Office| {
        let mut life = office.json(FIRST, &["request", "show", request])["life"].clone();
        life.as_object_mut().unwrap().remove("duties");
        life
    };
    assert_eq!(life(xa), life(xb));
    xb.run(FIRST, &["reply", "ask", request, "--question", "1=What?", "--due", FAR]).refused(&["too late", "closed"]);
    both_logs_agree(xa, xb, 6);
    both_logs_agree(xb, xa, 8);
}

#[test]
fn an_urgent_request_whose_confirmation_is_late_is_recorded_once_on_both_sides() {
    let stage = Stage::play();
    let (xa, xb) = (&stage.xa, &stage.xb);
    let soon = rogatory::daemon::clock::now().plus_millis(4_000).to_string();
    let mut args = vec!["request", "urgent", "--to", "XB-MOJ", "--reference", "XA-1", "--subject", "The camera"];
    args.extend(["--proceeding-authority", "Prosecutor of Arcadia", "--facts", "It is overwritten tonight."]);
    args.extend(["--measure", "preservation=Keep the recording"]);
    xa.run(FIRST, &args).refused(&["--confirm-by"]);
    args.extend(["--urgent", "The recording is overwritten tonight.", "--confirm-by", &soon]);
    let row = xa.json(FIRST, &args);
    let (request, message) = (text(&row, "request_id"), text(&row, "message_id"));
    xa.run(FIRST, &["request", "send", &message]).refused(&["second person"]);
    xa.json(SECOND, &["request", "approve", &message]);
    xa.json(SECOND, &["request", "send", &message]);
    xa.handed_over(&message);
    assert_eq!((state(xa, &request), state(xb, &request)), ("sent-urgent".to_owned(), "sent-urgent".to_owned()));
    for office in [xa, xb] {
        let late =
            until("the confirmation to be late", || owed(office, "confirm").filter(|duty| duty["overdue"] == true));
        assert!(text(&late, "says").contains("formal request"));
        owed(office, "confirm");
        let records = office.records_where(|record| record["event"] == "duty.overdue");
        assert_eq!(records.len(), 1, "{records:?}");
        assert!(text(&records[0], "reason").starts_with("confirm, owed by the requesting side"));
    }
    xa.run(FIRST, &["duties", "--ours"]).ends(1);
    assert_eq!(xa.json(FIRST, &["request", "list"])["requests"][0]["overdue"], 1);
}
