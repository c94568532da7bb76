//! Two bags of one exchange, one of each side: what both hold must be the same bytes, and what one side's receipts show of the
//! other's log must be what the other shows itself. Says which clock was ahead; a contradiction is a failure and named.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::acts::Acts;
use crate::bag::container::Payload;
use crate::bag::custody::Proven;
use crate::bag::history::one_history;
use crate::bag::verdict::Findings;
use crate::custody::checkpoint::Checkpoint;
use crate::model::event::{Event, Outcome};
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::CLOCK_SKEW_MS_MAX;

/// What the checks of one bag came to.
#[derive(Debug)]
pub struct Facts {
    /// The signed acts.
    pub acts: Acts,
    /// What the logs were shown to hold.
    pub proven: Vec<Proven>,
    /// The checkpoints that were opened, with their files.
    pub checkpoints: Vec<(String, Checkpoint)>,
    /// The files of the package.
    pub payload: Payload,
    /// Who exported, by its own word.
    pub exporter: Option<AuthorityId>,
}

/// Compares the two.
pub fn check(first: &Facts, second: &Facts, findings: &mut Findings) {
    let (one, other) = (&first.acts.main.message, &second.acts.main.message);
    let what = "The two bags are of one exchange";
    if one.message_id != other.message_id {
        let why = format!(
            "they are of two: the first of message {} of request {}, the second of message {} of request {}",
            one.message_id, one.request_id, other.message_id, other.request_id
        );
        findings.failed(what, None, why);
        return;
    }
    findings.passed(what, None);
    same_acts(first, second, findings);
    same_files(first, second, findings);
    let both: Vec<Proven> = first.proven.iter().chain(&second.proven).cloned().collect();
    let notes: Vec<_> = first.checkpoints.iter().chain(&second.checkpoints).cloned().collect();
    one_history(&notes, &both, findings);
    match (&first.exporter, &second.exporter) {
        (Some(a), Some(b)) if a != b => {
            receipts(first, (second, b), findings);
            receipts(second, (first, a), findings);
        }
        _ => findings.not_checked(
            "Each side's receipts are the other side's records",
            None,
            "both bags were exported by the same authority, or one does not say by which",
        ),
    }
    clocks(&both, findings);
}

fn same_acts(first: &Facts, second: &Facts, findings: &mut Findings) {
    let by_id = |facts: &Facts| -> BTreeMap<Id, (String, crate::wire::envelope::SignedBytes)> {
        let acts = facts.acts.all();
        acts.map(|act| (act.message.message_id, (format!("{}.pb", act.stem), act.signed.clone()))).collect()
    };
    let there = by_id(second);
    for (id, (file, signed)) in by_id(first) {
        let what = format!("Both sides hold the same bytes of {file}, and of its signature");
        match there.get(&id) {
            Some((_, other)) => {
                let result = if *other == signed { Ok(()) } else { Err("they are different bytes") };
                findings.judge(what, Some(&file), result);
            }
            None => findings.limit(format!("{file} is in one of the two bags only.")),
        }
    }
    let envelope = |facts: &Facts| facts.acts.envelope.as_ref().map(|(_, digest)| *digest);
    if let (Some(a), Some(b)) = (envelope(first), envelope(second)) {
        let result = if a == b { Ok(()) } else { Err(format!("their digests are {a} and {b}")) };
        findings.judge("Both sides hold the same bytes of the envelope that travelled", None, result);
    }
}

fn same_files(first: &Facts, second: &Facts, findings: &mut Findings) {
    let mut shared = 0_usize;
    for (path, digests) in &first.payload {
        match second.payload.get(path) {
            Some(other) if other == digests => shared += 1,
            Some(_) => findings.failed("Both bags hold the same file", Some(path), "they are different bytes"),
            None => findings.limit(format!("{path} is in one of the two bags only.")),
        }
    }
    for path in second.payload.keys().filter(|path| !first.payload.contains_key(*path)) {
        findings.limit(format!("{path} is in one of the two bags only."));
    }
    if shared > 0 {
        findings.passed(format!("{shared} files are in both bags, byte for byte"), None);
    }
}

/// What `holder` shows of the other side's log must stand in the other side's own bag.
fn receipts(holder: &Facts, (giver, whose): (&Facts, &AuthorityId), findings: &mut Findings) {
    let own: BTreeMap<u64, _> =
        giver.proven.iter().filter(|one| one.record.authority == *whose).map(|one| (one.index, one.leaf)).collect();
    let mut same = BTreeSet::new();
    let mut absent = BTreeSet::new();
    for one in holder.proven.iter().filter(|one| one.record.authority == *whose) {
        match own.get(&one.index) {
            Some(leaf) if *leaf == one.leaf => _ = same.insert(one.index),
            // Told by `one_history` already, with both sides' words.
            Some(_) => {}
            None => _ = absent.insert(one.index),
        }
    }
    let what = format!("What the other side's receipts show of the log of {whose} is what {whose} shows itself");
    if !absent.is_empty() {
        let why = format!(
            "its own bag does not hold record {}; it may be erased, or left out of an extract",
            absent.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        );
        findings.not_checked(what, None, why);
    } else if same.is_empty() {
        findings.not_checked(what, None, "the other side holds no receipt of it");
    } else {
        findings.passed(format!("{what} ({} records)", same.len()), None);
    }
}

/// When a message was queued by the one clock and received by the other.
fn clocks(proven: &[Proven], findings: &mut Findings) {
    let mut told = BTreeSet::new();
    let mut odd = Vec::new();
    let is = |one: &&Proven, event| one.record.event == event && one.record.outcome == Outcome::Success;
    for queued in proven.iter().filter(|one| is(one, Event::MessageQueued)) {
        let id = queued.record.subject.message_id;
        let same = |one: &&Proven| {
            is(one, Event::MessageReceived)
                && one.record.subject.message_id == id
                && id.is_some()
                && one.record.authority != queued.record.authority
        };
        let Some(received) = proven.iter().find(same) else { continue };
        if !told.insert(id) {
            continue;
        }
        let (from, to) = (queued.record.at.as_millis(), received.record.at.as_millis());
        let (sender, recipient) = (&queued.record.authority, &received.record.authority);
        if to >= from {
            findings.tell(format!(
                "Message of {sender}: queued there on {}, received by {recipient} on {}: {} s later by the two clocks.",
                queued.record.at,
                received.record.at,
                seconds(to - from)
            ));
            continue;
        }
        findings.tell(format!(
            "Message of {sender}: queued there on {}, received by {recipient} on {}: the clock of {recipient} is at least \
             {} s behind that of {sender}.",
            queued.record.at,
            received.record.at,
            seconds(from - to)
        ));
        if from - to > CLOCK_SKEW_MS_MAX {
            odd.push(format!("record {} of {recipient}, record {} of {sender}", received.index, queued.index));
        }
    }
    let what = "The times that the two sides state agree, within the tolerance for clocks";
    match (told.is_empty(), odd.is_empty()) {
        (true, _) => findings.not_checked(what, None, "no message is shown as queued by one and received by the other"),
        (false, true) => findings.passed(what, None),
        (false, false) => {
            findings.not_checked(
                what,
                None,
                format!("a message was received before it was queued: {}", odd.join("; ")),
            );
        }
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}
