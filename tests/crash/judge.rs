//! Reads both custody logs after everything is over and holds them to the book and to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::book::{Book, Told};
use crate::town::{Side, Town, run, text};

/// Lets the town come to rest, opens every package, stops both nodes and checks all that was promised.
pub fn judge(town: &Town, book: &Book) {
    town.converge();
    open_every_package(town, book);
    town.converge();
    town.sides.iter().for_each(|side| side.node.stop());
    let logs = town.sides.each_ref().map(log);
    let [a, b] = &logs;
    handed_over(a, b, "XA-MOJ -> XB-MOJ");
    handed_over(b, a, "XB-MOJ -> XA-MOJ");
    kept(town, book, &logs);
    for (side, log) in town.sides.iter().zip(&logs) {
        let named: BTreeSet<_> = log.iter().filter_map(|entry| entry["package_id"].as_str()).collect();
        let (held, packing) = (side.vault(), side.packing());
        let known = |name: &String| named.contains(name.as_str()) || packing.contains(name);
        assert!(held.iter().all(known), "neither a record nor an open seal names some of {held:?}");
        sound(side);
    }
}

fn open_every_package(town: &Town, book: &Book) {
    let entries = book.entries();
    let sent = entries.iter().filter(|entry| entry.told == Told::Sent);
    for (package_id, file) in sent.clone().filter_map(|entry| entry.package.as_ref()) {
        let from = &entries.iter().find(|entry| entry.package.as_ref().is_some_and(|(id, _)| id == package_id));
        let from = from.expect("it stands in the book").from;
        let receiver = town.sides.iter().find(|side| side.id != from).unwrap();
        let folder = town.path(&format!("opened-{package_id}"));
        let opened = receiver
            .act(receiver.clerk, &["package", "open", package_id, "--to", &text(&folder), "--purpose", "a test"])
            .unwrap();
        let path = opened["opened"][0]["path"].as_str().unwrap();
        assert!(fs::read(path).unwrap() == fs::read(file).unwrap(), "package {package_id} opens to other bytes");
    }
}

/// Everything that was queued came exactly once, with the same digest on both sides, and the sender holds the receipt.
fn handed_over(sender: &[Value], receiver: &[Value], way: &str) {
    let queued = by(sender, "message.queued", "envelope_id");
    let received = by(receiver, "message.received", "envelope_id");
    once(&by(sender, "message.queued", "message_id"), way);
    once(&queued, way);
    once(&received, way);
    assert!(queued.keys().eq(received.keys()), "{way}: queued {:?}, received {:?}", queued.keys(), received.keys());
    once(&by(receiver, "content.received", "envelope_id"), way);
    for (envelope, entries) in &queued {
        let (sent, came) = (entries[0], received[envelope][0]);
        assert_eq!(sent["message_id"], came["message_id"], "{way}");
        assert_eq!(digest(sent, "signed-envelope"), digest(came, "signed-envelope"), "{way}");
        let whole = of(receiver, "content.received").filter(|entry| entry["envelope_id"] == **envelope).count();
        assert_eq!(whole, usize::from(!sent["package_id"].is_null()), "{way}: {envelope}");
        let receipts = of(sender, "message.delivered").filter(|entry| entry["message_id"] == sent["message_id"]);
        assert_eq!(stages(receipts).get("content-consignment"), Some(&1), "{way}: {envelope}");
        let pushed = of(receiver, "receipt.delivered").filter(|entry| entry["message_id"] == sent["message_id"]);
        stages(pushed);
    }
    for event in ["message.refused", "message.expired", "input.refused", "index.rebuilt"] {
        assert_eq!(of(sender, event).count(), 0, "{way}: {event}");
    }
}

/// How often each stage stands there; more than once is a failure.
fn stages<'a>(entries: impl Iterator<Item = &'a Value>) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for entry in entries {
        assert_eq!(entry["outcome"], "success", "{entry}");
        *count.entry(entry["stage"].as_str().or(entry["reason"].as_str()).unwrap_or("none").to_owned()).or_default() +=
            1;
    }
    assert!(count.values().all(|count| *count == 1), "a receipt stands there twice: {count:?}");
    count
}

/// Nothing that an officer was told is missing.
fn kept(town: &Town, book: &Book, logs: &[Vec<Value>; 2]) {
    for entry in book.entries() {
        let at = town.sides.iter().position(|side| side.id == entry.from).unwrap();
        let event = match entry.told {
            Told::Drafted => "message.drafted",
            Told::Approved => "message.approved",
            Told::Sent => "message.queued",
        };
        let count = of(&logs[at], event).filter(|record| record["message_id"] == *entry.message_id).count();
        assert_eq!(count, 1, "{event} of an acknowledged act: {entry:?}");
    }
}

/// The log, the vault and the index are what they say.
fn sound(side: &Side) {
    let data = text(&side.node.data);
    let check = run(&["custody", "fsck", "--data", &data, "--json"]).unwrap();
    assert_eq!(check["sound"], true, "{check}");
    let before = run(&["index", "digest", "--data", &data, "--json"]).unwrap();
    let after = run(&["index", "rebuild", "--data", &data, "--json"]).unwrap();
    // The rebuild is one record more; it changes no answer.
    assert_eq!(before["digest"], after["digest"], "{}: the index was not what the log gives", side.id);
}

/// The whole custody log of a node that is stopped.
fn log(side: &Side) -> Vec<Value> {
    let data = text(&side.node.data);
    let found = run(&["custody", "log", "--limit", "10000", "--data", &data, "--json"]).unwrap();
    let entries = found["entries"].as_array().unwrap().clone();
    assert_eq!(found["size"], entries.len(), "the log is longer than the test reads");
    entries
}

fn of<'a>(log: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    log.iter().filter(move |entry| entry["event"] == event)
}

fn by<'a>(log: &'a [Value], event: &'a str, field: &str) -> BTreeMap<&'a str, Vec<&'a Value>> {
    let mut found: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for entry in of(log, event) {
        found.entry(entry[field].as_str().unwrap()).or_default().push(entry);
    }
    found
}

fn once(found: &BTreeMap<&str, Vec<&Value>>, way: &str) {
    let twice: Vec<_> = found.iter().filter(|(_, entries)| entries.len() != 1).collect();
    assert!(twice.is_empty(), "{way}: recorded twice: {twice:?}");
}

fn digest<'a>(entry: &'a Value, name: &str) -> &'a str {
    let digests = entry["digests"].as_array().unwrap();
    let found = digests.iter().find(|digest| digest["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {entry}"))["sha256"].as_str().unwrap()
}
