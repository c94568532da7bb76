//! What a running node is asked about itself, and what it records of refused input. Refuses to let a hostile peer fill the log.

use std::sync::Arc;

use crate::crypto::digest::sha256;
use crate::daemon::clock;
use crate::daemon::keys::Keys;
use crate::daemon::node::Node;
use crate::daemon::registrar::Wake;
use crate::exchange::act::Act;
use crate::model::authority::Authority;
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::AuthorityId;
use crate::model::refusal::RefusalCode;

impl Node {
    /// The private keys in use now. A rotation replaces them all at once; whoever holds these ends with these.
    pub(super) fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// Has the courier look again: what an operator stopped may go on, links are made with what is believed now.
    pub(super) fn wake_courier(&self) {
        // The courier ends only with the node.
        let _ = self.wake.send(Wake::Reloaded);
    }

    /// What a peer is told instead of an answer: it is suspended, the node is frozen, or its log came from a backup.
    pub(super) fn refuses(&self, peer: &AuthorityId) -> Option<RefusalCode> {
        if self.ledger.is_put_back() { Some(RefusalCode::Frozen) } else { self.holds.refuses(peer) }
    }

    /// Whether a peer that holds directory version `knows` means the log that is written now when it names sizes alone: always,
    /// unless the log was begun anew and the peer may not have heard of it.
    pub(super) fn is_asked_about_this_log(&self, knows: u64) -> bool {
        if self.origin == self.us().log_origin() {
            return true;
        }
        let ours = self.any_directory();
        ours.is_some_and(|ours| {
            let listed = ours.roster().authority(self.us()).map(Authority::log_origin);
            listed.as_deref() == Some(self.origin()) && knows >= ours.version()
        })
    }

    /// The name of the log that is written now.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Records that a peer's input was refused: at most ten an hour and peer, so that a hostile peer cannot fill the
    /// log. Of the rest there are log lines only.
    pub fn record_refused_input(&self, peer: &AuthorityId, code: RefusalCode, bytes: &[u8]) {
        const PER_HOUR: u32 = 10;
        let now = clock::now();
        let hour = now.as_secs() / 3_600;
        let mut logged = self.refusals_logged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (since, count) = logged.entry(peer.clone()).or_insert((hour, 0));
        if *since != hour {
            (*since, *count) = (hour, 0);
        }
        *count += 1;
        if *count > PER_HOUR {
            return;
        }
        drop(logged);
        let mut record = self.scene().record(Event::InputRefused);
        record.counterpart = Some(peer.clone());
        record.outcome = crate::model::event::Outcome::Refused(code);
        record.digests = vec![NamedDigest::new("input", sha256(bytes))];
        // A refusal that cannot be logged (a full disk) must not hide the refusal itself.
        if let Err(error) = self.commit(Act { record, enclosures: Vec::new() }) {
            tracing::warn!(%peer, %error, "a refused input could not be recorded");
        }
    }
}
