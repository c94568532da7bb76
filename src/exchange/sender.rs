//! The sender's schedule: what to dial, hand over or give up next. Moves nothing itself; time and randomness come in.
//!
//! Delivery is at least once, effect exactly once: a row stays here until the custody log says that it is settled
//! (receipt checked, refused for good, expired), and every attempt hands over the same bytes under the same id.
//!
//! * Per peer: urgent before routine, then in the order of the log; at most [`DELIVERIES_PER_PEER_MAX`] in flight. While
//!   an urgent one is in flight no routine one is released, or it might arrive first on a stream of its own.
//! * A peer that is down costs one dial per back-off, not one per message; a link that comes up releases its queue.
//! * Back-off doubles from one second to a quarter of an hour, each wait drawn between half and the whole of it, so that
//!   many nodes that lost the same peer do not return at the same instant.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::rows::{OutboxRow, Waiting};
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::{DELIVERIES_PER_PEER_MAX, RETRY_MS_MAX, RETRY_MS_MIN};
use crate::model::message::Urgency;
use crate::model::time::Timestamp;

/// What the driver is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Open a connection to that authority, then tell [`Sender::connected`] or [`Sender::dial_failed`].
    Dial(AuthorityId),
    /// Hand this over on the open connection, then tell how it went.
    HandOver(OutboxRow),
    /// Record that it was not delivered in time, then call [`Sender::settled`].
    Expire(OutboxRow),
}

/// The schedule over all peers.
#[derive(Debug, Default)]
pub struct Sender {
    peers: BTreeMap<AuthorityId, Peer>,
}

#[derive(Debug, Default)]
struct Peer {
    rows: BTreeMap<(u8, u64), Row>,
    /// Envelopes of theirs whose files we still fetch: a reason to keep a link even with an empty queue.
    intake: BTreeSet<Id>,
    /// A reason to keep a link for its own sake.
    kept: bool,
    link: Link,
    failures: u32,
}

#[derive(Debug)]
struct Row {
    outbox: OutboxRow,
    failures: u32,
    not_before: Timestamp,
    flight: Flight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flight {
    Waiting,
    Out,
    /// Given up: its record is on the way to the log. Whatever happens to the link, it is not given up twice; only a
    /// record that could not be made is tried again, by [`Sender::expire_later`].
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down { dial_at: Timestamp },
    Dialling,
    Up,
}

impl Default for Link {
    fn default() -> Self {
        Self::Down { dial_at: Timestamp::from_millis(0) }
    }
}

impl Sender {
    /// Adds a row of the outbox, or replaces it by its newer state. Used at start and after each commit.
    pub fn put(&mut self, outbox: OutboxRow) {
        let peer = self.peers.entry(outbox.peer.clone()).or_default();
        let key = key_of(outbox.urgency, outbox.index);
        let failures = peer.rows.get(&key).map_or(0, |row| row.failures);
        let row = Row { outbox, failures, not_before: Timestamp::from_millis(0), flight: Flight::Waiting };
        peer.rows.insert(key, row);
    }

    /// Forgets a row: the log says that it is settled.
    pub fn settled(&mut self, peer: &AuthorityId, urgency: Urgency, index: u64) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.rows.remove(&key_of(urgency, index));
        }
    }

    /// An envelope of that peer has files that are still to be fetched.
    pub fn intake_opened(&mut self, peer: &AuthorityId, envelope_id: Id) {
        self.peers.entry(peer.clone()).or_default().intake.insert(envelope_id);
    }

    /// All files of that envelope are here.
    pub fn intake_closed(&mut self, envelope_id: Id) {
        for peer in self.peers.values_mut() {
            peer.intake.remove(&envelope_id);
        }
    }

    /// A link to that peer is up, whoever dialled. Its queue is released at once.
    pub fn connected(&mut self, peer: &AuthorityId) {
        let peer = self.peers.entry(peer.clone()).or_default();
        peer.link = Link::Up;
        peer.failures = 0;
        for row in peer.rows.values_mut() {
            row.not_before = Timestamp::from_millis(0);
        }
    }

    /// Another directory is in force: what was refused or could not be checked for want of it is tried at once.
    pub fn directory_changed(&mut self) {
        for peer in self.peers.values_mut() {
            for row in peer.rows.values_mut().filter(|row| row.flight == Flight::Waiting) {
                row.not_before = Timestamp::from_millis(0);
            }
            if let Link::Down { dial_at } = &mut peer.link {
                *dial_at = Timestamp::from_millis(0);
            }
        }
    }

    /// The last link to that peer is gone. What was out is to be handed over again.
    pub fn disconnected(&mut self, peer: &AuthorityId, now: Timestamp, random: u64) {
        let peer = self.peers.entry(peer.clone()).or_default();
        peer.link = Link::Down { dial_at: now.plus_millis(backoff_ms(0, random)) };
        for row in peer.rows.values_mut().filter(|row| row.flight == Flight::Out) {
            row.flight = Flight::Waiting;
        }
    }

    /// Dialling failed; the next attempt waits.
    pub fn dial_failed(&mut self, peer: &AuthorityId, now: Timestamp, random: u64) {
        let peer = self.peers.entry(peer.clone()).or_default();
        if peer.link == Link::Dialling {
            peer.link = Link::Down { dial_at: now.plus_millis(backoff_ms(peer.failures, random)) };
            peer.failures = peer.failures.saturating_add(1);
        }
    }

    /// The row could not be handed over now (refused for now, or the stream broke); it waits.
    pub fn try_later(&mut self, row: &OutboxRow, now: Timestamp, retry_after_ms: u64, random: u64) {
        let Some(peer) = self.peers.get_mut(&row.peer) else { return };
        if let Some(found) = peer.rows.get_mut(&key_of(row.urgency, row.index)) {
            let wait_ms = backoff_ms(found.failures, random).max(retry_after_ms.min(RETRY_MS_MAX));
            found.not_before = now.plus_millis(wait_ms);
            found.failures = found.failures.saturating_add(1);
            if found.flight == Flight::Out {
                found.flight = Flight::Waiting;
            }
        }
    }

    /// The row is over, and its record could not be made (a full disk): it is given up again after a wait.
    pub fn expire_later(&mut self, row: &OutboxRow, now: Timestamp, random: u64) {
        self.try_later(row, now, 0, random);
        let peer = self.peers.get_mut(&row.peer);
        if let Some(found) = peer.and_then(|peer| peer.rows.get_mut(&key_of(row.urgency, row.index))) {
            found.flight = Flight::Waiting;
        }
    }

    /// Keeps a link to exactly these peers even when nothing waits for them here: something may wait for us there.
    pub fn keep_links(&mut self, kept: &BTreeSet<AuthorityId>) {
        for (name, peer) in &mut self.peers {
            peer.kept = kept.contains(name);
        }
        for name in kept {
            self.peers.entry(name.clone()).or_default().kept = true;
        }
    }

    /// How often the row was tried without success.
    pub fn failures(&self, row: &OutboxRow) -> u64 {
        let found = self.peers.get(&row.peer).and_then(|peer| peer.rows.get(&key_of(row.urgency, row.index)));
        found.map_or(0, |row| u64::from(row.failures))
    }

    /// Everything that is due at `now`. Each step is given once; the driver reports how it went.
    pub fn due(&mut self, now: Timestamp) -> Vec<Step> {
        let mut steps = Vec::new();
        for (name, peer) in &mut self.peers {
            peer.due(name, now, &mut steps);
        }
        steps
    }

    /// The next instant at which something falls due by itself; `None` while only events can change anything.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.peers.values().filter_map(Peer::wakes_at).min()
    }

    /// Rows that wait for that peer.
    pub fn waiting(&self, peer: &AuthorityId) -> usize {
        self.peers.get(peer).map_or(0, |peer| peer.rows.len())
    }
}

impl Peer {
    fn due(&mut self, name: &AuthorityId, now: Timestamp, steps: &mut Vec<Step>) {
        for row in self.rows.values_mut() {
            let over = row.outbox.expires_at.is_some_and(|end| end <= now);
            if over && row.flight == Flight::Waiting && row.not_before <= now {
                row.flight = Flight::Over;
                steps.push(Step::Expire(row.outbox.clone()));
            }
        }
        match self.link {
            Link::Up => self.hand_over(now, steps),
            Link::Down { dial_at } if dial_at <= now && self.wants_link() => {
                self.link = Link::Dialling;
                steps.push(Step::Dial(name.clone()));
            }
            Link::Down { .. } | Link::Dialling => {}
        }
    }

    fn hand_over(&mut self, now: Timestamp, steps: &mut Vec<Step>) {
        let mut room = self.room();
        let mut urgent_out = self.urgent_out();
        for (key, row) in &mut self.rows {
            if room == 0 || (urgent_out && !is_urgent(key)) {
                break;
            }
            let over = row.outbox.expires_at.is_some_and(|end| end <= now);
            let ready = row.flight == Flight::Waiting && row.not_before <= now && !over;
            if ready && row.outbox.waiting != Waiting::Content {
                row.flight = Flight::Out;
                urgent_out |= is_urgent(key);
                room -= 1;
                steps.push(Step::HandOver(row.outbox.clone()));
            }
        }
    }

    /// How many more may be in flight.
    fn room(&self) -> usize {
        let out = self.rows.values().filter(|row| row.flight == Flight::Out).count();
        DELIVERIES_PER_PEER_MAX.saturating_sub(out)
    }

    fn urgent_out(&self) -> bool {
        self.rows.iter().any(|(key, row)| is_urgent(key) && row.flight == Flight::Out)
    }

    fn wants_link(&self) -> bool {
        self.kept || !self.rows.is_empty() || !self.intake.is_empty()
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        let dial = match self.link {
            Link::Down { dial_at } if self.wants_link() => Some(dial_at),
            _ => None,
        };
        // What is held back does not fall due by itself: a driver that were woken for it would spin.
        let releases = self.link == Link::Up && self.room() > 0;
        let urgent_out = self.urgent_out();
        let waiting = self.rows.iter().filter(|(_, row)| row.flight == Flight::Waiting);
        let rows = waiting.flat_map(|(key, row)| {
            let held_back = urgent_out && !is_urgent(key);
            let offered = releases && !held_back && row.outbox.waiting != Waiting::Content;
            [offered.then_some(row.not_before), row.outbox.expires_at.map(|end| end.max(row.not_before))]
        });
        rows.flatten().chain(dial).min()
    }
}

fn key_of(urgency: Urgency, index: u64) -> (u8, u64) {
    match urgency {
        Urgency::Urgent => (0, index),
        Urgency::Routine => (1, index),
    }
}

const fn is_urgent(key: &(u8, u64)) -> bool {
    key.0 == 0
}

/// Doubles with each failure; `random` picks a point between half and the whole.
fn backoff_ms(failures: u32, random: u64) -> u64 {
    let whole = RETRY_MS_MIN.saturating_mul(1_u64.checked_shl(failures.min(32)).unwrap_or(u64::MAX)).min(RETRY_MS_MAX);
    let half = whole / 2;
    half + random % (whole - half + 1)
}

#[cfg(test)]
mod tests;
