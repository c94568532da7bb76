//! What a node finds about watching: how much of its log somebody else cosigned, and evidence that a log contradicts itself. Never
//! worse than a warning: evidence is for people, and stops no work.

use std::io;

use crate::custody::cosignature::cosignatures;
use crate::custody::note::Note;
use crate::daemon::health::Finding;
use crate::daemon::node::Node;
use crate::daemon::witness_view::keys;
use crate::model::limits::COSIGNED_LATE_MS;
use crate::model::time::Timestamp;

const NEXT_EVIDENCE: &str = "see `rogatory custody witness`; tell the authority, by another way than this one";

/// How a node stands with its witnesses. Counts and times; no name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Keys of others that may cosign.
    pub witness_keys: usize,
    /// Entries of our log.
    pub entries: u64,
    /// How many of them the newest cosigned checkpoint covers.
    pub cosigned: u64,
    /// When that was cosigned, by the youngest cosignature on it.
    pub cosigned_at: Option<Timestamp>,
    /// When the first entry after it was made.
    pub uncovered_since: Option<Timestamp>,
    /// Witnesses of the policy that do not answer, and the first moment of that.
    pub gaps: Option<(usize, Timestamp)>,
    /// Pieces of evidence against logs of others.
    pub evidence: usize,
    /// Pieces of evidence that our own log was put back.
    pub own_evidence: usize,
}

impl Standing {
    /// Reads it from the files. Blocks.
    ///
    /// # Errors
    /// What the system said.
    pub fn of(node: &Node) -> io::Result<Self> {
        let others: Vec<_> = keys(node).into_iter().filter(|key| key.name() != node.us().witness_name()).collect();
        let mut found = Self {
            witness_keys: others.len(),
            entries: node.ledger.reader().size(),
            gaps: node.gaps.since(),
            ..Self::default()
        };
        let files = &node.witness.cosigned;
        // Of a node that was put back, checkpoints beyond its end cover nothing of what it has now.
        let sizes = files.sizes()?;
        for size in sizes.into_iter().rev().filter(|size| *size <= found.entries) {
            let note = files.at(size)?.and_then(|bytes| Note::parse(&bytes).ok());
            let lines = note.and_then(|note| cosignatures(&note, &others).ok()).unwrap_or_default();
            if !lines.is_empty() {
                (found.cosigned, found.cosigned_at) = (size, lines.iter().filter_map(|line| line.at).max());
                break;
            }
        }
        if found.cosigned < found.entries {
            // An erased record has no time any more; then the time of the cosignature is near enough.
            let first = node.record(found.cosigned).ok().map(|(record, _)| record.at);
            found.uncovered_since = first.or(found.cosigned_at);
        }
        for origin in node.witness.files.origins()? {
            let count = node.witness.files.log(&origin).evidence()?.len();
            let is_own = node.us().owns_log(&origin);
            *(if is_own { &mut found.own_evidence } else { &mut found.evidence }) += count;
        }
        Ok(found)
    }

    /// Age of the newest cosignature in seconds; none where nobody ever cosigned.
    pub fn age_seconds(&self, now: Timestamp) -> Option<u64> {
        self.cosigned_at.map(|at| now.millis_since(at) / 1_000)
    }

    fn witnesses(&self, now: Timestamp) -> Finding {
        const CHECK: &str = "witnesses";
        let behind = self.entries.saturating_sub(self.cosigned);
        let since = self.uncovered_since.map_or(String::new(), |since| format!(", the first since {since}"));
        let seen = match (self.cosigned_at, behind) {
            _ if self.witness_keys == 0 => "nobody is named who could cosign this log".to_owned(),
            (None, _) if self.cosigned == 0 => format!("nobody ever cosigned this log; it has {behind} entries{since}"),
            (_, 0) => format!("all {} entries are cosigned", self.entries),
            _ => format!("{} entries are cosigned; {behind} are not yet{since}", self.cosigned),
        };
        if let Some((count, first)) = self.gaps {
            let next = "see `rogatory custody witness`; look at the addresses in custody/policy";
            return Finding::warning(CHECK, format!("{seen}; {count} of the policy do not answer since {first}"), next);
        }
        let is_late = self.uncovered_since.is_some_and(|since| now.millis_since(since) > COSIGNED_LATE_MS);
        if is_late && self.witness_keys > 0 {
            Finding::warning(
                CHECK,
                seen,
                "see whether peers are linked: `rogatory doctor PEER`, `rogatory custody witness`",
            )
        } else {
            Finding::good(CHECK, seen)
        }
    }

    fn kept(&self) -> Finding {
        const CHECK: &str = "evidence";
        match (self.evidence, self.own_evidence) {
            (0, 0) => Finding::good(CHECK, "no log that was seen contradicts itself"),
            (others, own) => {
                let own = if own == 0 { String::new() } else { format!(", {own} that this log was put back") };
                Finding::warning(CHECK, format!("kept: {others} against logs of others{own}"), NEXT_EVIDENCE)
            }
        }
    }
}

/// What is found; two findings, or that the files cannot be read.
pub fn findings(node: &Node, now: Timestamp) -> Vec<Finding> {
    match Standing::of(node) {
        Ok(standing) => vec![standing.witnesses(now), standing.kept()],
        Err(error) => {
            vec![Finding::warning("witnesses", error.to_string(), "look at custody/cosigned and witness/; see fsck")]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::health::Grade;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis((1_700_000_000 + second) * 1_000)
    }

    fn half_covered() -> Standing {
        Standing {
            witness_keys: 2,
            entries: 10,
            cosigned: 7,
            cosigned_at: Some(at(50)),
            uncovered_since: Some(at(60)),
            ..Standing::default()
        }
    }

    #[test]
    fn entries_that_nobody_cosigned_for_a_day_are_told() {
        let found = half_covered().witnesses(at(70));
        assert_eq!(found.grade, Grade::Good);
        assert!(found.seen.contains("7 entries are cosigned; 3 are not yet, the first since"), "{}", found.seen);
        assert_eq!(half_covered().witnesses(at(60 + 86_401)).grade, Grade::Warning);
        let all = Standing { cosigned: 10, uncovered_since: None, ..half_covered() };
        let found = all.witnesses(at(1_000_000));
        assert_eq!((found.grade, found.seen.as_str()), (Grade::Good, "all 10 entries are cosigned"));
    }

    #[test]
    fn a_log_that_nobody_ever_cosigned_is_told_and_one_without_witnesses_is_no_fault() {
        let never = Standing { cosigned: 0, cosigned_at: None, ..half_covered() };
        let found = never.witnesses(at(60 + 86_401));
        assert_eq!(found.grade, Grade::Warning);
        assert!(found.seen.starts_with("nobody ever cosigned this log"), "{}", found.seen);
        let alone = Standing { witness_keys: 0, ..never };
        assert_eq!(alone.witnesses(at(60 + 86_401)).grade, Grade::Good);
    }

    #[test]
    fn a_witness_of_the_policy_that_does_not_answer_is_a_warning() {
        let found = Standing { gaps: Some((2, at(5))), ..half_covered() }.witnesses(at(70));
        assert_eq!(found.grade, Grade::Warning);
        assert!(found.seen.contains("2 of the policy do not answer since"), "{}", found.seen);
    }

    #[test]
    fn evidence_warns_and_never_more() {
        assert_eq!(half_covered().kept().grade, Grade::Good);
        for (evidence, own_evidence) in [(1, 0), (0, 1), (64, 64)] {
            let found = Standing { evidence, own_evidence, ..half_covered() }.kept();
            assert_eq!((found.grade, found.next), (Grade::Warning, NEXT_EVIDENCE));
            assert_eq!(found.seen.contains("put back"), own_evidence > 0);
        }
    }
}
