//! What one peer may occupy of this node at once, so that a hostile or broken one slows down nobody but itself. Refuses
//! letters beyond the bytes that may wait; makes everything else wait its turn. Only peers of the directory have lanes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::ident::AuthorityId;
use crate::model::limits::{
    LETTERS_AT_ONCE_PER_PEER_MAX, LETTERS_PER_DAY_BYTES_MAX, LETTERS_WAITING_BYTES_MAX, REFUSAL_LINES_PER_MINUTE_MAX,
    SERVED_STREAMS_PER_PEER_MAX,
};
use crate::model::time::Timestamp;

/// The lanes of all peers.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<BTreeMap<AuthorityId, Arc<Lane>>>);

impl Lanes {
    /// The lane of that peer.
    pub fn of(&self, peer: &AuthorityId) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(peer.clone()).or_default())
    }
}

/// The lane of one peer, over all its connections.
#[derive(Debug)]
pub struct Lane {
    letters: Arc<Semaphore>,
    waiting_bytes: Arc<Semaphore>,
    parts: Arc<Semaphore>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    day: u64,
    bytes_today: u64,
    minute: u64,
    lines: u32,
    unsaid: u64,
    called_at: Option<Timestamp>,
}

impl Default for Lane {
    fn default() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            letters: semaphore(LETTERS_AT_ONCE_PER_PEER_MAX),
            waiting_bytes: semaphore(LETTERS_WAITING_BYTES_MAX),
            parts: semaphore(SERVED_STREAMS_PER_PEER_MAX),
            counts: Mutex::default(),
        }
    }
}

impl Lane {
    /// Waits for the turn of a letter or receipt. Attack: envelopes that fail at the last check cost us a verification
    /// each; so many of one peer would leave no thread to the others. `None`: too many bytes of this peer wait already.
    pub async fn letter(&self, bytes: usize) -> Option<[OwnedSemaphorePermit; 2]> {
        let bytes = u32::try_from(bytes).ok()?;
        let waits = Arc::clone(&self.waiting_bytes).try_acquire_many_owned(bytes).ok()?;
        let turn = Arc::clone(&self.letters).acquire_owned().await.ok()?;
        Some([waits, turn])
    }

    /// Waits for the turn of a stream of parts. Attack: a peer asks for parts on every stream and reads none.
    pub async fn parts(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.parts).acquire_owned().await.ok()
    }

    /// Counts the bytes of a letter that is about to be logged. Attack: valid letters without end fill the disk.
    pub fn takes(&self, bytes: usize, now: Timestamp) -> Today {
        let mut counts = self.counts();
        let day = now.as_secs() / 86_400;
        if counts.day != day {
            (counts.day, counts.bytes_today) = (day, 0);
        }
        let sum = counts.bytes_today.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if sum > LETTERS_PER_DAY_BYTES_MAX {
            return Today::Enough;
        }
        counts.bytes_today = sum;
        Today::Room
    }

    /// Whether a refusal is said in the log lines, which a flood of them must not fill.
    pub fn says(&self, now: Timestamp) -> Line {
        let mut counts = self.counts();
        let minute = now.as_secs() / 60;
        if counts.minute != minute {
            (counts.minute, counts.lines) = (minute, 0);
        }
        if counts.lines >= REFUSAL_LINES_PER_MINUTE_MAX {
            counts.unsaid = counts.unsaid.saturating_add(1);
            return Line::Counted;
        }
        counts.lines += 1;
        Line::Said { unsaid: std::mem::take(&mut counts.unsaid) }
    }

    /// The peer dialled us and was let in.
    pub fn called(&self, now: Timestamp) {
        self.counts().called_at = Some(now);
    }

    /// When it did last; `None`: not since our start.
    pub fn called_at(&self) -> Option<Timestamp> {
        self.counts().called_at
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether more letters are taken from a peer today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Today {
    /// Yes, and this one was counted.
    Room,
    /// No.
    Enough,
}

/// What becomes of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It is written, with the number of those that were left out before it.
    Said {
        /// How many.
        unsaid: u64,
    },
    /// It is counted.
    Counted,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    #[test]
    fn a_flood_of_refusals_is_a_few_lines_a_minute_and_a_count() {
        let lane = Lane::default();
        let said = (0..1_000).filter(|_| lane.says(at(60)) != Line::Counted).count();
        assert_eq!(said, REFUSAL_LINES_PER_MINUTE_MAX as usize);
        assert_eq!(lane.says(at(120)), Line::Said { unsaid: 1_000 - u64::from(REFUSAL_LINES_PER_MINUTE_MAX) });
        assert_eq!(lane.says(at(120)), Line::Said { unsaid: 0 });
    }

    #[test]
    fn the_letters_of_a_day_are_bounded_and_the_next_day_begins_anew() {
        let lane = Lane::default();
        let half = usize::try_from(LETTERS_PER_DAY_BYTES_MAX / 2).unwrap();
        assert_eq!(lane.takes(half, at(0)), Today::Room);
        assert_eq!(lane.takes(half, at(86_399)), Today::Room);
        assert_eq!(lane.takes(1, at(86_399)), Today::Enough);
        assert_eq!(lane.takes(1, at(86_400)), Today::Room);
    }

    #[tokio::test]
    async fn letters_wait_for_their_turn_and_are_refused_beyond_the_bytes_that_may_wait() {
        let lane = Lane::default();
        let mut taken = Vec::new();
        for _ in 0..LETTERS_AT_ONCE_PER_PEER_MAX {
            taken.push(lane.letter(1_000).await.unwrap());
        }
        let next = lane.letter(1_000);
        tokio::pin!(next);
        assert!(futures_are_pending(next.as_mut()).await);
        assert!(lane.letter(LETTERS_WAITING_BYTES_MAX).await.is_none());
        taken.pop();
        assert!(next.await.is_some());
    }

    async fn futures_are_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }

    #[test]
    fn every_peer_has_one_lane_of_its_own() {
        let lanes = Lanes::default();
        let [a, b] = ["XA-MOJ", "XB-MOJ"].map(|name| name.parse().unwrap());
        assert!(Arc::ptr_eq(&lanes.of(&a), &lanes.of(&a)));
        assert!(!Arc::ptr_eq(&lanes.of(&a), &lanes.of(&b)));
    }
}
