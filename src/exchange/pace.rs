//! When the next round of watching with one peer is due: soon after our log has grown and rests, by a timer, or because somebody
//! waits for a cosignature. Has no clock; refuses a round that follows the last one too soon, whoever writes to the log.

use crate::model::limits::{ROUND_AGAIN_MS, ROUND_QUIET_MS};

/// What is known of the rounds with one peer since the last one. Times are milliseconds of a clock that only goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    last_ms: u64,
    covered: u64,
    seen: u64,
    grown_ms: u64,
    /// When the oldest entry was seen that no round has shown.
    unshown_ms: u64,
}

impl Pace {
    /// A round has ended now; it showed the peer at least `covered` entries, or tried to.
    pub fn after_round(now_ms: u64, covered: u64) -> Self {
        Self { last_ms: now_ms, covered, seen: covered, grown_ms: now_ms, unshown_ms: now_ms }
    }

    /// Whether a round is due. `published` is the size of the log that can be shown, `urged` the size that somebody waits for,
    /// `every_ms` the timer.
    pub fn is_due(&mut self, now_ms: u64, published: u64, urged: u64, every_ms: u64) -> bool {
        if published > self.seen {
            if self.seen == self.covered {
                self.unshown_ms = now_ms;
            }
            (self.seen, self.grown_ms) = (published, now_ms);
        }
        let since = now_ms.saturating_sub(self.last_ms);
        let rests = now_ms.saturating_sub(self.grown_ms) >= ROUND_QUIET_MS;
        // A log that never rests is shown all the same, half as often.
        let unshown = now_ms.saturating_sub(self.unshown_ms);
        let restless = since >= 2 * ROUND_AGAIN_MS && unshown >= ROUND_AGAIN_MS;
        let grown = self.seen > self.covered && since >= ROUND_AGAIN_MS && (rests || restless);
        let awaited = urged > self.covered && published >= urged;
        since >= every_ms || grown || awaited
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERY_MS: u64 = 600_000;

    /// The moments of rounds while the log grows as told, looked at each second.
    fn rounds(sizes: &[u64], urged: impl Fn(u64) -> u64) -> Vec<u64> {
        let first = sizes.first().copied().unwrap_or_default();
        let (mut pace, mut found) = (Pace::after_round(0, first), Vec::new());
        for (second, size) in sizes.iter().enumerate() {
            let now_ms = second as u64 * 1_000;
            if pace.is_due(now_ms, *size, urged(now_ms), EVERY_MS) {
                found.push(now_ms);
                pace = Pace::after_round(now_ms, *size);
            }
        }
        found
    }

    #[test]
    fn a_log_that_rests_is_shown_by_the_timer_alone() {
        assert_eq!(rounds(&[7; 1_300], |_| 0), [600_000, 1_200_000]);
    }

    #[test]
    fn growth_is_shown_once_after_it_rests_and_not_soon_after_the_last_round() {
        let at = |grown: usize| [vec![7; grown], vec![9; 200 - grown]].concat();
        assert_eq!(rounds(&at(3), |_| 0), [ROUND_AGAIN_MS]);
        assert_eq!(rounds(&at(100), |_| 0), [100_000 + ROUND_QUIET_MS]);
    }

    #[test]
    fn a_log_that_never_rests_is_shown_all_the_same() {
        let sizes: Vec<u64> = (1..=200).collect();
        assert_eq!(rounds(&sizes, |_| 0), [60_000, 120_000, 180_000]);
    }

    #[test]
    fn whoever_waits_for_a_cosignature_is_heard_once_and_only_when_the_entries_can_be_shown() {
        let sizes = [vec![7; 5], vec![9; 15]].concat();
        assert_eq!(rounds(&sizes, |now_ms| if now_ms >= 2_000 { 9 } else { 0 }), [5_000]);
        assert_eq!(rounds(&sizes, |_| 100), Vec::<u64>::new());
    }

    proptest! {
        #[test]
        fn however_the_log_grows_rounds_keep_apart_and_nothing_stays_unshown_for_long(
            steps in proptest::collection::vec(0_u64..3, 1..400), rest in 0_usize..200,
        ) {
            let grown: Vec<u64> = steps.iter().scan(1, |size, step| { *size += step; Some(*size) }).collect();
            let last = grown.last().copied().unwrap_or_default();
            let sizes = [grown, vec![last; rest]].concat();
            let found = rounds(&sizes, |_| 0);
            prop_assert!(found.windows(2).all(|pair| pair[1] - pair[0] >= ROUND_AGAIN_MS));
            // What was there at some second was shown within a minute of it.
            let minute = 2 * ROUND_AGAIN_MS / 1_000;
            for (second, size) in sizes.iter().enumerate().skip(1) {
                let end = second as u64 + minute;
                if sizes[second - 1] < *size && end < sizes.len() as u64 {
                    prop_assert!(found.iter().any(|at| (second as u64 * 1_000..=end * 1_000).contains(at)));
                }
            }
        }
    }
}
