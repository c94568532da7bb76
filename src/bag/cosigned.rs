//! Who else vouches for the logs in the bag: cosignatures (C2SP tlog-cosignature) on its checkpoints, and which records they
//! cover. A cosignature counts only if it holds, is by somebody other than the log's owner, and its checkpoint is shown to be
//! of one history with those that the records are proven under.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::cover::{Records, Under};
use crate::bag::custody::Proven;
use crate::bag::history::{History, Seen};
use crate::bag::verdict::Findings;
use crate::custody::checkpoint::Checkpoint;
use crate::custody::cosignature::{Cosigned, cosignatures};
use crate::custody::note::VerifierKey;
use crate::exchange::receipt::log_keys;
use crate::exchange::roster::Roster;
use crate::model::ident::AuthorityId;
use crate::model::limits::CLOCK_SKEW_MS_MAX;

/// The keys of everybody who may cosign.
struct Witnesses {
    keys: Vec<VerifierKey>,
    /// The authority of a key's name; an independent witness, whose key the user gave, has none.
    owners: BTreeMap<String, AuthorityId>,
}

/// Checks every cosignature and tells what it covers. `given` are keys that the user brought along; those of witnesses among
/// them count.
pub fn check(roster: &Roster, given: &[VerifierKey], history: &History, proven: &[Proven], findings: &mut Findings) {
    let witnesses = Witnesses::of(roster, given);
    let records = Records::of(proven, history);
    let mut vouched: Vec<&Checkpoint> = Vec::new();
    for seen in &history.seen {
        let what = "Every cosignature on the checkpoint by a key that the directory or you name holds";
        let result = cosignatures(seen.signed.note(), &witnesses.keys);
        let Ok(found) = &result else {
            findings.judge(what, Some(&seen.file), result);
            continue;
        };
        strangers(roster, seen, &witnesses, findings);
        let origin = seen.signed.checkpoint().origin();
        let others: Vec<&Cosigned> = found.iter().filter(|one| !witnesses.is_own(&one.name, origin)).collect();
        if others.is_empty() {
            continue;
        }
        findings.passed(what, Some(&seen.file));
        let said = seen.signed.checkpoint();
        let under = records.under(said);
        tell(seen, &others, under, findings);
        times(seen, &others, under, findings);
        vouched.push(said);
    }
    let (all, open) = records.open(vouched.into_iter());
    if open > 0 {
        findings.limit(format!(
            "Of the {} custody records in the bag, {open} are under no checkpoint that somebody else cosigned: that their log \
             showed the same history to everybody rests on the two authorities alone.",
            all
        ));
    }
}

impl Witnesses {
    fn of(roster: &Roster, given: &[VerifierKey]) -> Self {
        let mut witnesses = Self { keys: Vec::new(), owners: BTreeMap::new() };
        for authority in roster.authorities() {
            for key in authority.witness_keys.iter().filter_map(|text| text.parse::<VerifierKey>().ok()) {
                witnesses.owners.insert(key.name().to_owned(), authority.id.clone());
                witnesses.keys.push(key);
            }
        }
        witnesses.keys.extend(given.iter().filter(|key| key.algorithm().cosigns()).cloned());
        witnesses
    }

    fn is_own(&self, name: &str, origin: &str) -> bool {
        // The log's own lasting key is of the same kind as a cosigner's; it vouches for nothing but the log.
        name == origin || self.owners.get(name).is_some_and(|owner| owner.owns_log(origin))
    }
}

/// Lines that nobody here can check; C2SP lets anybody add some.
fn strangers(roster: &Roster, seen: &Seen, witnesses: &Witnesses, findings: &mut Findings) {
    let origin = seen.signed.checkpoint().origin();
    let own = roster.authorities().filter(|authority| authority.id.owns_log(origin));
    let own: Vec<VerifierKey> = own.filter_map(|authority| log_keys(authority).ok()).flatten().collect();
    let lines = seen.signed.note().signatures().iter();
    let unknown = lines.filter(|line| !own.iter().chain(&witnesses.keys).any(|key| key.is_of(line))).count();
    if unknown > 0 {
        findings.limit(format!(
            "{}: {unknown} further signature lines are by keys that neither the directory nor you name; they count for nothing.",
            seen.file
        ));
    }
}

fn tell(seen: &Seen, others: &[&Cosigned], under: Under<'_>, findings: &mut Findings) {
    let said = seen.signed.checkpoint();
    let mut by_name: BTreeMap<&str, Vec<&Cosigned>> = BTreeMap::new();
    for one in others {
        by_name.entry(&one.name).or_default().push(one);
    }
    for (name, lines) in by_name {
        let algorithms: BTreeSet<String> = lines.iter().map(|one| one.algorithm.to_string()).collect();
        let at = lines.iter().filter_map(|one| one.at).min();
        let at = at.map_or("at a time that it does not state".to_owned(), |at| format!("on {at} by its clock"));
        findings.tell(format!(
            "{name} cosigned the log {} at {} entries {at} ({}); that covers {} of its records in this bag.",
            said.origin(),
            said.size(),
            algorithms.into_iter().collect::<Vec<_>>().join(" and "),
            under.count
        ));
    }
}

/// Nobody can have cosigned a log before its last entries were made.
fn times(seen: &Seen, others: &[&Cosigned], under: Under<'_>, findings: &mut Findings) {
    let Some(newest) = under.newest else { return };
    for one in others {
        let Some(at) = one.at else { continue };
        if at.plus_millis(CLOCK_SKEW_MS_MAX) < newest.record.at {
            findings.not_checked(
                format!("The time that {} states for its cosignature fits the records under it", one.name),
                Some(&seen.file),
                format!(
                    "it says {at}, but record {} under it is dated {}; one of the two clocks, or witnesses, is wrong",
                    newest.index, newest.record.at
                ),
            );
        }
    }
}
