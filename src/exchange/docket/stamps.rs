//! Time-stamps in the index: each token and each gap by its place in the log, and the newest of each authority.

use crate::crypto::timestamp::TimeStamp;
use crate::custody::checkpoint::Checkpoint;
use crate::custody::note::Note;
use crate::exchange::act::{STAMPED_NOTE, TIME_STAMP};
use crate::exchange::docket::Desk;
use crate::exchange::rows::{Stamp, StampRow, tree};
use crate::model::event::Event;

impl<E> Desk<'_, E> {
    /// A record whose parts cannot be read is passed over: it was checked before it was made, and a node must not stop
    /// over a token.
    pub(super) fn time_stamp(&mut self) {
        let record = self.committed.record;
        let stamp = self.stamp();
        if record.event == Event::TimeStamped && stamp.is_none() {
            return;
        }
        let row = StampRow { index: self.committed.index, name: record.reason.clone(), at: record.at, stamp };
        self.put(tree::STAMP, &row.index.to_be_bytes(), &row);
        self.put(tree::STAMP_NEWEST, row.name.as_bytes(), &row);
    }

    fn stamp(&self) -> Option<Stamp> {
        let note = self.enclosure(STAMPED_NOTE).ok()?;
        let token = TimeStamp::read(&self.enclosure(TIME_STAMP).ok()?).ok()?;
        let size = Checkpoint::parse(Note::parse(&note).ok()?.text()).ok()?.size();
        Some(Stamp { time: token.claimed_time(), size })
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::timestamp::TimeStamp;
    use crate::exchange::act::Scene;
    use crate::exchange::docket::fixtures::{Desks, at, us};
    use crate::exchange::rows::{StampRow, tree};

    const NOTE: &[u8] = include_bytes!("../../../tests/vectors/timestamp/checkpoint.note");
    const ANSWER: &[u8] = include_bytes!("../../../tests/vectors/timestamp/expired.tsr");

    fn newest(desks: &Desks, name: &str) -> Option<StampRow> {
        desks.get(tree::STAMP_NEWEST, name.as_bytes())
    }

    #[test]
    fn a_time_stamp_and_a_gap_are_found_by_their_place_and_by_their_authority() {
        let mut desks = Desks::default();
        let scene = Scene::node(&us(), at(5_000));
        let act = scene.time_stamped("a", NOTE.to_vec(), ANSWER.to_vec(), vec![]);
        let index = desks.commit((act.record, act.enclosures));
        let row = newest(&desks, "a").unwrap();
        let stamp = row.stamp.unwrap();
        assert_eq!((row.index, row.at, stamp.size), (index, at(5_000), 7));
        // Rows keep whole seconds.
        assert_eq!(stamp.time.as_secs(), TimeStamp::read(ANSWER).unwrap().claimed_time().as_secs());
        assert_eq!(desks.get::<StampRow>(tree::STAMP, &index.to_be_bytes()), Some(row));

        let act = scene.time_stamp_missed("a", "unreachable", vec![index]);
        let gap = desks.commit((act.record, act.enclosures));
        let row = newest(&desks, "a").unwrap();
        assert_eq!((row.index, row.stamp), (gap, None));
        assert!(desks.get::<StampRow>(tree::STAMP, &index.to_be_bytes()).unwrap().stamp.is_some());
        assert_eq!(newest(&desks, "b"), None);
    }

    #[test]
    fn a_token_that_cannot_be_read_stops_no_node_and_dates_nothing() {
        let mut desks = Desks::default();
        let act = Scene::node(&us(), at(5)).time_stamped("a", NOTE.to_vec(), b"garbage".to_vec(), vec![]);
        desks.commit((act.record, act.enclosures));
        assert_eq!(newest(&desks, "a"), None);
    }
}
