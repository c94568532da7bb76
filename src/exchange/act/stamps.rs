//! The records of time-stamping: a token that was obtained, and the beginning of a gap.

use crate::crypto::digest::sha256;
use crate::exchange::act::{Act, STAMPED_NOTE, Scene, TIME_STAMP};
use crate::model::event::{Event, NamedDigest, Outcome};

impl Scene {
    /// The authority `name` stamped the checkpoint `note`. `links` are the records that this one continues: its earlier
    /// time-stamp, or the gap that ends. Both byte strings stand beside the record, so the next checkpoint covers them.
    pub fn time_stamped(&self, name: &str, note: Vec<u8>, answer: Vec<u8>, links: Vec<u64>) -> Act {
        let mut record = self.record(Event::TimeStamped);
        record.digests =
            vec![NamedDigest::new(STAMPED_NOTE, sha256(&note)), NamedDigest::new(TIME_STAMP, sha256(&answer))];
        name.clone_into(&mut record.reason);
        record.links = links;
        Act { record, enclosures: vec![note, answer] }
    }

    /// The authority `name` gave no time-stamp that holds; `why` is a short machine word. Recorded once for each gap.
    pub fn time_stamp_missed(&self, name: &str, why: &str, links: Vec<u64>) -> Act {
        let mut record = self.record(Event::TimeStampMissed);
        name.clone_into(&mut record.reason);
        record.outcome = Outcome::Failed(why.to_owned());
        record.links = links;
        Act { record, enclosures: Vec::new() }
    }
}
