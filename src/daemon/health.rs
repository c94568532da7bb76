//! What a node finds when it looks at itself: log, disk, clock, certificates, directory, queues. Says what is wrong and what to
//! do next; names no case, no file and no officer. Changes nothing.

use serde::Serialize;

use crate::crypto::revocation::RevocationList;
use crate::daemon::node::Node;
use crate::daemon::stamping::newest_row;
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::{destroying, emergency, health_witness, keys, passphrase, sandbox};
use crate::exchange::rows::StampRow;
use crate::exchange::rows::{OutboxRow, Waiting, from_bytes, tree};
use crate::model::limits::{CLOCK_SKEW_MS_MAX, OUTBOX_LATE_MS, UNPUBLISHED_LATE_ENTRIES, WARN_AHEAD_MS};
use crate::model::time::Timestamp;
use crate::store::index::Direction;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// The node works; somebody should look soon.
    Warning,
    /// The node cannot do its work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at; a short, stable word.
    pub check: &'static str,
    /// How it is.
    pub grade: Grade,
    /// What was seen.
    pub seen: String,
    /// What to do next; empty if nothing.
    pub next: &'static str,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, grade: Grade::Good, seen: seen.into(), next: "" }
    }

    /// Somebody should look soon.
    pub fn warning(check: &'static str, seen: impl Into<String>, next: &'static str) -> Self {
        Self { check, grade: Grade::Warning, seen: seen.into(), next }
    }

    /// Cannot work like this.
    pub fn bad(check: &'static str, seen: impl Into<String>, next: &'static str) -> Self {
        Self { check, grade: Grade::Bad, seen: seen.into(), next }
    }
}

/// The worst grade among findings.
pub fn worst(findings: &[Finding]) -> Grade {
    findings.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Good)
}

/// Looks at everything. Reads some files; takes milliseconds. Blocks.
pub fn examine(node: &Node, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![log(node), published(node), index(node), disk(node), clock(node, now)];
    findings.push(directory(node, now));
    findings.push(certificates(node, now));
    findings.extend(own_row(node, now));
    findings.extend(destructions(node));
    findings.push(outbox(node, now));
    findings.extend(time_stamps(node));
    findings.extend(emergency::findings(node));
    findings.extend(sandbox::findings());
    findings.extend(locked(node));
    findings.extend(health_witness::findings(node, now));
    findings
}

/// Whether whoever copies the key files has the keys.
fn locked(node: &Node) -> Option<Finding> {
    let (locked, clear) = passphrase::count(node.home()).ok()?;
    Some(match (locked, clear) {
        (0, _) => Finding::good("keys-at-rest", "not locked: the disk's own encryption protects them"),
        (locked, 0) => Finding::good("keys-at-rest", format!("{locked} key files are locked")),
        (_, clear) => {
            let next = "stop the node and run `rogatory keys lock` again";
            Finding::warning("keys-at-rest", format!("{clear} key files are not locked, others are"), next)
        }
    })
}

/// Nothing where no authority is configured: that is a choice.
fn time_stamps(node: &Node) -> Vec<Finding> {
    const CHECK: &str = "time-stamps";
    let one = |settings: &TimeStampSettings| match newest_row(node, &settings.name) {
        Ok(Some(StampRow { stamp: Some(stamp), .. })) => {
            Finding::good(CHECK, format!("{} covers {} entries since {}", settings.name, stamp.size, stamp.time))
        }
        Ok(Some(row)) => {
            let next = "look at its address and CA file, then `rogatory custody renew`; it is asked again by itself";
            Finding::warning(CHECK, format!("{} gave none since {}", settings.name, row.at), next)
        }
        Ok(None) => Finding::good(CHECK, format!("{} is asked for the first time", settings.name)),
        Err(error) => Finding::warning(CHECK, error.to_string(), "wait until the index follows the log"),
    };
    node.config().time_stamp.iter().map(one).collect()
}

fn log(node: &Node) -> Finding {
    const CHECK: &str = "custody-log";
    let reader = node.ledger.reader();
    match reader.failure() {
        Some(cause) => Finding::bad(
            CHECK,
            format!("takes nothing more: {cause}"),
            "look at the disk, then restart the node; nothing acknowledged is lost",
        ),
        None => Finding::good(CHECK, format!("takes entries; {} are acknowledged and signed", reader.size())),
    }
}

fn published(node: &Node) -> Finding {
    const CHECK: &str = "published-log";
    let reader = node.ledger.reader();
    let behind = reader.size().saturating_sub(reader.published_size());
    let seen = format!("tiles and checkpoint are {behind} entries behind the journal");
    if behind > UNPUBLISHED_LATE_ENTRIES {
        Finding::warning(CHECK, seen, "see the node's log lines; free space below custody/")
    } else {
        Finding::good(CHECK, seen)
    }
}

fn index(node: &Node) -> Finding {
    const CHECK: &str = "index";
    if node.registrar.is_behind() {
        let next = "free space below index/; the node catches up by itself, and refuses letters until then";
        Finding::bad(CHECK, "does not follow the custody log", next)
    } else {
        Finding::good(CHECK, "follows the custody log")
    }
}

fn disk(node: &Node) -> Finding {
    const CHECK: &str = "disk";
    let reserve = node.config().delivery.reserve_mib.saturating_mul(1 << 20);
    let free = match node.vault.room_beside(0) {
        Ok(free) => free,
        Err(error) => return Finding::bad(CHECK, error.to_string(), "look at the file system below vault/"),
    };
    let seen = format!("{} MiB free, of which {} MiB are kept for the log", free >> 20, reserve >> 20);
    if free < reserve / 2 {
        Finding::bad(CHECK, seen, "free space now: letters of peers are refused")
    } else if free < reserve {
        Finding::warning(CHECK, seen, "free space: evidence of peers is refused")
    } else {
        Finding::good(CHECK, seen)
    }
}

fn clock(node: &Node, now: Timestamp) -> Finding {
    const CHECK: &str = "clock";
    let newest = node.ledger.reader().size().checked_sub(1).map(|index| node.record(index));
    let Some(Ok((newest, _))) = newest else {
        return Finding::good(CHECK, format!("{now}; the log has nothing to compare it with"));
    };
    let back_ms = newest.at.millis_since(now);
    if back_ms > CLOCK_SKEW_MS_MAX {
        let next = "mend the clock of this machine (NTP); records and signatures carry its time";
        Finding::bad(CHECK, format!("{now} is {} s before the newest record of the log", back_ms / 1_000), next)
    } else {
        Finding::good(CHECK, format!("{now}, not before the newest record of the log"))
    }
}

fn directory(node: &Node, now: Timestamp) -> Finding {
    const CHECK: &str = "directory";
    const NEXT: &str = "get the newest one from its keepers; import it with `rogatory directory import`";
    let Some(directory) = node.any_directory() else {
        return Finding::bad(CHECK, "none was imported: this node knows nobody", NEXT);
    };
    let (version, end) = (directory.version(), directory.expires_at());
    if directory.fresh_at(now).is_err() {
        Finding::bad(CHECK, format!("version {version} expired on {end}"), NEXT)
    } else if directory.roster().authority(node.us()).is_none() {
        Finding::bad(
            CHECK,
            format!("version {version} does not list this authority"),
            "hand directory-entry.json to its keepers",
        )
    } else if end < now.plus_millis(WARN_AHEAD_MS) {
        Finding::warning(CHECK, format!("version {version} runs out on {end}"), NEXT)
    } else {
        Finding::good(CHECK, format!("version {version}, good until {end}"))
    }
}

fn certificates(node: &Node, now: Timestamp) -> Finding {
    const CHECK: &str = "certificates";
    const NEXT: &str = "renew it, publish the new row, reload";
    let ends = match keys::expiries(node.home()) {
        Ok(ends) => ends,
        Err(error) => return Finding::bad(CHECK, error.to_string(), "restore the file from the backup of keys/"),
    };
    let Some((name, end)) = ends.first() else { return Finding::good(CHECK, "none") };
    let seen = format!("keys/{name} is the first to run out, on {end}");
    if *end <= now {
        Finding::bad(CHECK, seen, NEXT)
    } else if *end < now.plus_millis(WARN_AHEAD_MS) {
        Finding::warning(CHECK, seen, NEXT)
    } else {
        Finding::good(CHECK, seen)
    }
}

/// What the directory says of us runs out for our peers, whatever lies in our files. Nothing where it does not list us: that is
/// said elsewhere.
fn own_row(node: &Node, now: Timestamp) -> Option<Finding> {
    const CHECK: &str = "own-row";
    const NEXT: &str =
        "publish a new row: hand directory-entry.json to the keepers, then import the directory that has it";
    let directory = node.any_directory()?;
    let row = directory.roster().authority(node.us())?;
    let key = row.receiving_keys.iter().map(|key| key.not_after).max().map(|end| ("the last receiving key", end));
    let lists = row.revocation_lists.iter().filter_map(|list| RevocationList::read(list).ok());
    let lists = lists.map(|list| ("a revocation list", list.next_update()));
    let (what, end) = lists.chain(key).min_by_key(|(_, end)| *end)?;
    let seen = format!("{what} of ours in the directory is the first to run out, on {end}");
    Some(if end < now.plus_millis(WARN_AHEAD_MS) {
        Finding::warning(CHECK, seen, NEXT)
    } else {
        Finding::good(CHECK, seen)
    })
}

/// Nothing where none waits.
fn destructions(node: &Node) -> Option<Finding> {
    const CHECK: &str = "destructions";
    const NEXT: &str = "see the node's log lines; it is tried again every hour and at each start";
    match destroying::pending(node) {
        Ok(waiting) if waiting.is_empty() => None,
        Ok(waiting) => Some(Finding::warning(CHECK, format!("decided and not carried out: {}", waiting.len()), NEXT)),
        Err(error) => Some(Finding::warning(CHECK, error.to_string(), NEXT)),
    }
}

fn outbox(node: &Node, now: Timestamp) -> Finding {
    const CHECK: &str = "outbox";
    match queue(node) {
        Err(error) => Finding::bad(CHECK, error, "run `rogatory index rebuild` while the node is stopped"),
        Ok(Queue { waiting: 0, .. }) => Finding::good(CHECK, "nothing waits for a peer"),
        Ok(Queue { waiting, oldest }) => {
            let age_ms = oldest.map_or(0, |oldest| now.millis_since(oldest));
            let seen = format!("{waiting} letters and receipts wait for peers, the oldest for {} s", age_ms / 1_000);
            if age_ms > OUTBOX_LATE_MS {
                Finding::warning(CHECK, seen, "ask the peer's operator; `rogatory doctor PEER` looks from here")
            } else {
                Finding::good(CHECK, seen)
            }
        }
    }
}

/// What waits for peers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    /// How many letters and receipts.
    pub waiting: u64,
    /// When the oldest was queued.
    pub oldest: Option<Timestamp>,
}

/// Looks through the outbox: what waits, and since when. Files that a peer is fetching at its own pace do not count.
///
/// # Errors
/// What the index or the log says.
pub fn queue(node: &Node) -> Result<Queue, String> {
    let (mut found, mut from) = (Queue::default(), None::<Vec<u8>>);
    let mut first: Option<u64> = None;
    loop {
        let page = node.index.scan_prefix(tree::OUTBOX, &[], from.as_deref(), 1_000, Direction::Forward);
        let page = page.map_err(|error| error.to_string())?;
        let Some((last, _)) = page.last() else { break };
        from = Some(last.iter().copied().chain([0]).collect());
        for (_, value) in &page {
            let row: OutboxRow = from_bytes(value).map_err(|error| error.to_string())?;
            if row.waiting != Waiting::Content {
                found.waiting += 1;
                first = Some(first.map_or(row.index, |first| first.min(row.index)));
            }
        }
    }
    if let Some(index) = first {
        found.oldest = Some(node.record(index).map_err(|error| error.to_string())?.0.at);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_counts() {
        let good = Finding::good("a", "fine");
        let warning = Finding::warning("b", "soon", "look");
        let bad = Finding::bad("c", "broken", "mend");
        assert_eq!(worst(&[]), Grade::Good);
        assert_eq!(worst(&[good.clone(), warning.clone()]), Grade::Warning);
        assert_eq!(worst(&[warning, bad, good]), Grade::Bad);
    }
}
