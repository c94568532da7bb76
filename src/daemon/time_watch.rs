//! What this node heard last from each time-stamp authority, for its status: memory only. What counts stands in the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::time::Timestamp;

/// What was heard last, by the name of the authority.
#[derive(Debug, Default)]
pub struct TimeWatch {
    heard: Mutex<BTreeMap<String, Heard>>,
    /// Two askers at once must not both begin the same gap.
    recording: Mutex<()>,
}

/// What was heard last from one authority.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Why there was no time-stamp; nothing after a good one.
    pub error: Option<String>,
    /// How this node's clock stood to the authority's; nothing before the first good answer.
    pub clock: Option<ClockFinding>,
}

/// How this node's clock stands to a time-stamp, beyond what the authority's accuracy and the question's way explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFinding {
    /// Close enough.
    Agrees,
    /// It shows a later time, by so many milliseconds.
    Ahead(u64),
    /// It shows an earlier time, by so many milliseconds.
    Behind(u64),
}

impl ClockFinding {
    /// Compares the time in an answer with this node's clock before the question and after the answer. `slack_ms` is
    /// what does not count.
    pub fn of(stamped: Timestamp, before: Timestamp, after: Timestamp, slack_ms: u64) -> Self {
        if stamped.plus_millis(slack_ms) < before {
            Self::Ahead(before.millis_since(stamped))
        } else if after.plus_millis(slack_ms) < stamped {
            Self::Behind(stamped.millis_since(after))
        } else {
            Self::Agrees
        }
    }

    /// In words.
    pub fn told(self) -> String {
        match self {
            Self::Agrees => "agrees with this node's clock".to_owned(),
            Self::Ahead(ms) => format!("this node's clock is {} s ahead of it", ms / 1_000),
            Self::Behind(ms) => format!("this node's clock is {} s behind it", ms / 1_000),
        }
    }
}

impl TimeWatch {
    /// What was heard last.
    pub fn heard(&self, name: &str) -> Heard {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// A good answer.
    pub fn answered(&self, name: &str, clock: ClockFinding) {
        self.lock().insert(name.to_owned(), Heard { error: None, clock: Some(clock) });
    }

    /// No answer, or none that holds. Returns whether that is news.
    pub fn failed(&self, name: &str, why: &str) -> News {
        let mut heard = self.lock();
        let one = heard.entry(name.to_owned()).or_default();
        let news = if one.error.as_deref() == Some(why) { News::Old } else { News::New };
        one.error = Some(why.to_owned());
        news
    }

    /// Held while a gap is looked up and recorded.
    pub fn recording(&self) -> MutexGuard<'_, ()> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something was said already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It was not.
    New,
    /// The same as last time.
    Old,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_what_the_way_and_the_accuracy_do_not_explain() {
        let at = Timestamp::from_millis;
        let of = |stamped| ClockFinding::of(at(stamped), at(100_000), at(104_000), 30_000);
        for fine in [70_000, 100_000, 102_000, 134_000] {
            assert_eq!(of(fine), ClockFinding::Agrees, "{fine}");
        }
        assert_eq!(of(69_999), ClockFinding::Ahead(30_001));
        assert_eq!(of(134_001), ClockFinding::Behind(30_001));
        assert_eq!(of(3_704_000).told(), "this node's clock is 3600 s behind it");
    }

    #[test]
    fn the_same_failure_is_news_once_and_again_after_an_answer() {
        let watch = TimeWatch::default();
        assert_eq!(
            [watch.failed("a", "x"), watch.failed("a", "x"), watch.failed("a", "y")],
            [News::New, News::Old, News::New]
        );
        watch.answered("a", ClockFinding::Agrees);
        assert_eq!((watch.heard("a").error, watch.failed("a", "y")), (None, News::New));
    }
}
