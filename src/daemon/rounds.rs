//! The turns of watching: one round at a time with each peer, the next when it is due, at once where an export waits for a
//! cosignature. Never makes anybody wait long.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::daemon::node::Node;
use crate::exchange::pace::Pace;
use crate::model::ident::AuthorityId;
use crate::model::limits::{EXPORT_COSIGNED_MS, ROUND_LOOK_MS};
use crate::net::connection::Connection;

/// How often an export looks whether its record is cosigned.
const LOOK: Duration = Duration::from_millis(50);

/// One round at a time with each peer, and what it is believed to hold of our log.
#[derive(Debug, Default)]
pub struct Rounds {
    turns: Mutex<BTreeMap<AuthorityId, Arc<tokio::sync::Mutex<u64>>>>,
    /// Of each open link how many entries its last round showed, or tried to.
    links: Mutex<BTreeMap<u64, u64>>,
    made: AtomicU64,
    ended: AtomicU64,
    urged: watch::Sender<u64>,
}

/// A link over which rounds go.
#[derive(Debug)]
pub(super) struct Linked<'a>(&'a Rounds, u64);

impl Drop for Linked<'_> {
    fn drop(&mut self) {
        self.0.open().remove(&self.1);
    }
}

impl Linked<'_> {
    /// A round over the link ended, well or not: whoever waits need not wait for this peer, which has cosigned so many entries
    /// now or will not do it soon.
    pub(super) fn answered(&self, covered: u64) {
        self.0.open().insert(self.1, covered);
    }
}

impl Rounds {
    pub(super) fn of(&self, peer: &AuthorityId) -> Arc<tokio::sync::Mutex<u64>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(peer.clone()).or_default())
    }

    /// A whole round ended, in which at least `covered` entries could be shown.
    pub(super) fn ended(&self, covered: u64) {
        self.ended.fetch_max(covered, Ordering::Relaxed);
    }

    /// Rounds go over one link more, until the guard goes.
    pub(super) fn link(&self) -> Linked<'_> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.open().insert(number, 0);
        Linked(self, number)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no linked peer is left that could still answer for so many entries.
    fn all_answered(&self, entries: u64) -> bool {
        self.open().values().all(|covered| *covered >= entries)
    }
}

/// Waits until the next round is due. `covered` is what the last one could show.
///
/// Gives `None` when the link is no more.
pub(super) async fn next(node: &Node, connection: &Connection, covered: u64) -> Option<()> {
    let mut urged = node.rounds.urged.subscribe();
    let since = Instant::now();
    let mut pace = Pace::after_round(0, covered);
    loop {
        let every_ms = u64::from(node.config().witness.every_minutes) * 60_000;
        let now_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (published, wanted) = (node.ledger.reader().published_size(), *urged.borrow_and_update());
        if pace.is_due(now_ms, published, wanted, every_ms) {
            return Some(());
        }
        tokio::select! {
            _ = connection.closed() => return None,
            _ = urged.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(ROUND_LOOK_MS)) => {}
        }
    }
}

/// Asks the linked peers to cosign the first `entries` entries, which are published, and waits a little for one of them. Nothing
/// depends on it: without a peer, with one that is slow, or when all of them have answered, it just ends. Blocks.
pub fn await_cosignature(node: &Node, entries: u64) {
    let is_covered = || {
        let sizes = node.witness.cosigned.sizes().unwrap_or_default();
        // The rest of the round brings the links of the peer's receipts.
        node.rounds.ended.load(Ordering::Relaxed) >= entries && sizes.last().is_some_and(|size| *size >= entries)
    };
    let is_over = || is_covered() || node.rounds.all_answered(entries);
    if is_over() {
        return;
    }
    node.rounds.urged.send_if_modified(|urged| {
        let is_more = entries > *urged;
        *urged = entries.max(*urged);
        is_more
    });
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(EXPORT_COSIGNED_MS) && !is_over() {
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_peer_that_answered_whatever_it_said_nor_for_one_that_is_gone() {
        let rounds = Rounds::default();
        assert!(rounds.all_answered(7), "nobody is linked");
        let (first, second) = (rounds.link(), rounds.link());
        first.answered(7);
        assert!(!rounds.all_answered(7), "the second may still cosign");
        second.answered(6);
        assert!(!rounds.all_answered(7), "that round showed it less");
        drop(second);
        assert!(rounds.all_answered(7) && !rounds.all_answered(8));
    }
}
