//! Time-stamps (RFC 3161) in a bag: each is checked over the exact checkpoint beside it, by CAs that the directory or the reader
//! trusts for it, and says until when at the latest which records were in the log. One that nobody vouches for says nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::cover::Earliest;
use crate::bag::custody::Proven;
use crate::bag::folder::Folder;
use crate::bag::history::History;
use crate::bag::layout;
use crate::bag::rotations::Logs;
use crate::bag::verdict::Findings;
use crate::crypto::digest::sha256;
use crate::crypto::timestamp::{StampError, Stamped, TimeStamp};
use crate::custody::checkpoint::Checkpoint;
use crate::exchange::act::TIME_STAMP;
use crate::exchange::roster::Roster;
use crate::model::authority::Authority;
use crate::model::event::Event;
use crate::model::ident::Digest;
use crate::model::limits::{CLOCK_SKEW_MS_MAX, NOTE_BYTES_MAX, TIME_STAMP_BYTES_MAX};

/// A checkpoint of a log that a trusted authority saw at a time.
#[derive(Debug, Clone)]
pub struct Attested {
    /// Where, without extension: `.note` is what was stamped, `.tsr` the answer of the authority.
    pub stem: String,
    /// What was stamped.
    pub checkpoint: Checkpoint,
    /// What the token says.
    pub stamped: Stamped,
    /// SHA-256 of the answer, as a record of the log names it.
    pub digest: Digest,
}

/// The command by which OpenSSL judges a time-stamp of a bag, as of the time in it: a token outlives its certificate.
/// `anchors` is a file with the CA certificates, PEM. `None` when the answer cannot be read.
pub fn openssl_command(stem: &str, answer: &[u8], anchors: &str) -> Option<String> {
    let at = TimeStamp::read(answer).ok()?.claimed_time().as_secs();
    Some(format!("openssl ts -verify -data {stem}.note -in {stem}.tsr -CAfile {anchors} -attime {at}"))
}

/// Checks every time-stamp of the bag. `given` are CA certificates (DER) of the reader's own, beside those that the directory
/// lists for the authority whose log it is.
pub fn check(
    folder: &Folder,
    (roster, logs): (Option<&Roster>, &Logs),
    given: &[Vec<u8>],
    proven: &[Proven],
    history: &History,
    findings: &mut Findings,
) -> Vec<Attested> {
    let mut attested = Vec::new();
    for authority in roster.into_iter().flat_map(Roster::authorities) {
        for origin in authority.log_origins() {
            let below = layout::checkpoints(&origin);
            for path in folder.below(&below) {
                let Some(stem) = path.strip_suffix(".tsr") else { continue };
                if stem.strip_prefix(&below).and_then(layout::checkpoint_size).is_none() {
                    continue;
                }
                attested.extend(one(folder, (authority, &origin, logs), given, stem, findings));
            }
        }
    }
    attested.sort_by_key(|one: &Attested| (one.stamped.time, one.stem.clone()));
    let here = Here::of(proven, history);
    attested.retain(|one| placed(one, &here, history, findings));
    if !attested.is_empty() {
        let earliest = Earliest::of(attested.iter().map(|one| &one.checkpoint), history);
        let covering = |one: &Proven| earliest.covering(one).and_then(|place| attested.get(place));
        tell(&attested, proven, &earliest, findings);
        in_order(proven, covering, findings);
        renewals(&attested, proven, covering, findings);
        findings.limit(
            "Whether the certificate of a time-stamp authority was revoked was not looked at; the time-stamps of other \
             authorities and the cosignatures of witnesses say the same independently of it.",
        );
    }
    attested
}

fn one(
    folder: &Folder,
    (authority, origin, logs): (&Authority, &str, &Logs),
    given: &[Vec<u8>],
    stem: &str,
    findings: &mut Findings,
) -> Option<Attested> {
    let (note_file, file) = (format!("{stem}.note"), format!("{stem}.tsr"));
    findings.saw(&note_file);
    findings.saw(&file);
    let note = folder.read(&note_file, NOTE_BYTES_MAX).map_err(|error| error.to_string());
    let opened = note.and_then(|note| {
        let said = logs.open(&authority.id, &note)?.checkpoint().clone();
        let below = layout::checkpoints(origin);
        let named = stem.strip_prefix(&below).and_then(layout::checkpoint_size);
        let good = said.origin() == origin && named == Some(said.size());
        if good { Ok((note, said)) } else { Err("it stands under the name of another log or size".to_owned()) }
    });
    let what = format!("What was time-stamped is a checkpoint that the log of {} signed", authority.id);
    let (note, checkpoint) = findings.judge(what, Some(&note_file), opened)?;

    let entries = checkpoint.size();
    let what = format!("A time-stamp authority saw the custody log of {} with {entries} entries", authority.id);
    let anchors: Vec<Vec<u8>> = given.iter().chain(&authority.time_stamp_issuers).cloned().collect();
    let answer = match folder.read(&file, TIME_STAMP_BYTES_MAX) {
        Ok(answer) => answer,
        Err(error) => {
            findings.failed(what, Some(&file), error);
            return None;
        }
    };
    match TimeStamp::read(&answer).and_then(|stamp| stamp.check(&note, None, &anchors)) {
        Ok(stamped) => {
            let by = if given.iter().any(|der| sha256(der) == stamped.anchor) {
                "a CA that you named vouches for it".to_owned()
            } else {
                format!("a CA that the directory lists for {} vouches for it", authority.id)
            };
            findings.passed(
                format!(
                    "The custody log of {} had its first {entries} entries on {} at the latest, says {} ({by})",
                    authority.id,
                    told(&stamped),
                    stamped.authority
                ),
                Some(&file),
            );
            Some(Attested { stem: stem.to_owned(), checkpoint, stamped, digest: sha256(&answer) })
        }
        Err(StampError::NoAnchor) if anchors.is_empty() => {
            findings.not_checked(
                what,
                Some(&file),
                "no CA is known that vouches for time-stamp authorities; name one with --tsa-ca FILE",
            );
            None
        }
        Err(error @ StampError::NoAnchor) => {
            findings.not_checked(what, Some(&file), format!("{error}; name another one with --tsa-ca FILE"));
            None
        }
        Err(error) => {
            findings.failed(what, Some(&file), error);
            None
        }
    }
}

/// The checkpoints of a bag but for the stamped ones.
struct Here<'a> {
    roots: BTreeMap<(&'a str, u64), BTreeSet<Digest>>,
    largest: BTreeMap<&'a str, &'a Checkpoint>,
}

impl<'a> Here<'a> {
    fn of(proven: &'a [Proven], history: &'a History) -> Self {
        let mut here = Self { roots: BTreeMap::new(), largest: BTreeMap::new() };
        let seen = history.seen.iter().map(|seen| seen.signed.checkpoint());
        for said in seen.chain(proven.iter().map(|one| &one.checkpoint)) {
            here.roots.entry((said.origin(), said.size())).or_default().insert(said.root());
            let largest = here.largest.entry(said.origin()).or_insert(said);
            if said.size() >= largest.size() {
                *largest = said;
            }
        }
        here
    }
}

/// Whether the stamped checkpoint is of the history that the records are proven in. A log that signed another root for the same
/// size showed the time-stamp authority another history.
fn placed(one: &Attested, here: &Here<'_>, history: &History, findings: &mut Findings) -> bool {
    let said = &one.checkpoint;
    let file = format!("{}.note", one.stem);
    let what = "The time-stamped checkpoint is of the history that the bag shows";
    let roots = here.roots.get(&(said.origin(), said.size()));
    if roots.is_some_and(|roots| roots.iter().any(|root| *root != said.root())) {
        let why = "the log signed another root for this size; keep the bag and ask both authorities";
        findings.failed(what, Some(&file), why);
        return false;
    }
    match here.largest.get(said.origin()) {
        Some(largest) if same_history(said, largest, history) => {
            findings.passed(what, Some(&file));
            true
        }
        Some(_) => {
            findings.not_checked(what, Some(&file), "no consistency proof leads from it to the other checkpoints");
            false
        }
        None => {
            findings.not_checked(what, Some(&file), "there is no other checkpoint of this log in the bag");
            false
        }
    }
}

/// Two checkpoints of one log: the same one, or led to each other by the checked proofs, of which those at the size of the
/// first have its root.
fn same_history(said: &Checkpoint, other: &Checkpoint, history: &History) -> bool {
    if said.size() == other.size() {
        return said.root() == other.root();
    }
    history.holds(said) && history.linked(said.origin(), said.size(), other.size())
}

/// For each record the earliest time by which it is shown to have been in its log.
fn tell(attested: &[Attested], proven: &[Proven], earliest: &Earliest<'_>, findings: &mut Findings) {
    let mut by_stamp: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    let mut newer: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for record in proven {
        match earliest.covering(record) {
            Some(place) => {
                by_stamp.entry(place).or_default().insert(record.index);
            }
            None => {
                newer.entry(record.checkpoint.origin()).or_default().insert(record.index);
            }
        }
    }
    for (place, indexes) in by_stamp {
        if let Some(one) = attested.get(place) {
            findings.tell(format!(
                "{} of the custody log {} existed on {} at the latest: {} signed the time.",
                records(&indexes),
                one.checkpoint.origin(),
                told(&one.stamped),
                one.stamped.authority
            ));
        }
    }
    for (origin, indexes) in newer {
        findings.limit(format!(
            "No time-stamp in the bag covers {} of {origin}; the time of each is that of the node's clock.",
            records(&indexes).to_lowercase()
        ));
    }
}

/// A record cannot be dated after a time-stamp that covers it, but for what clocks may differ by.
fn in_order<'a>(proven: &[Proven], covering: impl Fn(&Proven) -> Option<&'a Attested>, findings: &mut Findings) {
    let mut odd = Vec::new();
    for record in proven {
        let Some(one) = covering(record) else { continue };
        let slack_ms = CLOCK_SKEW_MS_MAX.saturating_add(one.stamped.accuracy_ms.unwrap_or(0));
        if one.stamped.time.plus_millis(slack_ms) < record.record.at {
            odd.push(format!(
                "record {} of {} is dated {}, and {} saw it on {}",
                record.index,
                record.checkpoint.origin(),
                record.record.at,
                one.stamped.authority,
                one.stamped.time
            ));
        }
    }
    let what = "No record is dated after a time-stamp that covers it";
    match odd.is_empty() {
        true => findings.passed(what, None),
        false => findings.not_checked(what, None, format!("a clock was wrong: {}", odd.join("; "))),
    }
}

/// The chain of renewals (the idea of RFC 4998): the record of an earlier token, under the checkpoint of a later one.
fn renewals<'a>(
    attested: &[Attested],
    proven: &[Proven],
    covering: impl Fn(&Proven) -> Option<&'a Attested>,
    findings: &mut Findings,
) {
    let of_tokens = proven.iter().filter(|one| one.record.event == Event::TimeStamped);
    let named = of_tokens.flat_map(|one| {
        let tokens = one.record.digests.iter().filter(|named| named.name == TIME_STAMP);
        tokens.map(move |named| ((one.checkpoint.origin(), named.sha256), one))
    });
    let records: BTreeMap<(&str, Digest), &Proven> = named.collect();
    for earlier in attested {
        let Some(record) = records.get(&(earlier.checkpoint.origin(), earlier.digest)) else { continue };
        let later = covering(record).filter(|later| later.digest != earlier.digest);
        if let Some(later) = later {
            findings.passed(
                format!(
                    "The time-stamp of {} by {} was in the log before {}, when {} stamped it again: should the key of the \
                     first become weak after that, it still counts",
                    earlier.stamped.time, earlier.stamped.authority, later.stamped.time, later.stamped.authority
                ),
                Some(&format!("{}.tsr", earlier.stem)),
            );
        }
    }
}

fn told(stamped: &Stamped) -> String {
    match stamped.accuracy_ms {
        Some(ms) if ms > 0 => format!("{} (within {ms} ms)", stamped.time),
        _ => stamped.time.to_string(),
    }
}

/// `Record 3`, `Records 0 to 4, 7`.
fn records(indexes: &BTreeSet<u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for index in indexes {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == *index => *last = *index,
            _ => runs.push((*index, *index)),
        }
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    let word = if indexes.len() == 1 { "Record" } else { "Records" };
    format!("{word} {}", runs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_in_runs() {
        let told = |indexes: &[u64]| records(&indexes.iter().copied().collect());
        assert_eq!(told(&[3]), "Record 3");
        assert_eq!(told(&[0, 1, 2, 4, 6, 7]), "Records 0 to 2, 4, 6 to 7");
    }
}
