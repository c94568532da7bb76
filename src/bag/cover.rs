//! Which records of a bag are under which checkpoints, by look-up instead of by trying each with each. Counts a record under
//! no checkpoint that is not shown to be of its history.

use std::collections::BTreeMap;

use crate::bag::custody::Proven;
use crate::bag::history::History;
use crate::custody::checkpoint::Checkpoint;
use crate::model::ident::Digest;

/// The proven records of each history, in the order of their places.
pub struct Records<'a> {
    history: &'a History,
    by_group: BTreeMap<(&'a str, u64), Vec<Row<'a>>>,
}

/// A record, with the one of the latest date among itself and those before it.
struct Row<'a> {
    index: u64,
    newest: &'a Proven,
}

/// The records under one checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Under<'a> {
    /// How many places of the log.
    pub count: usize,
    /// The one of the latest date.
    pub newest: Option<&'a Proven>,
}

impl<'a> Records<'a> {
    /// Of the records, by what the history shows.
    pub fn of(proven: &'a [Proven], history: &'a History) -> Self {
        let mut sorted: Vec<&Proven> = proven.iter().collect();
        sorted.sort_by_key(|one| (one.index, std::cmp::Reverse(one.record.at)));
        let mut by_group: BTreeMap<(&str, u64), Vec<Row<'_>>> = BTreeMap::new();
        for one in sorted {
            let origin = one.checkpoint.origin();
            let rows = by_group.entry((origin, history.group(origin, one.checkpoint.size()))).or_default();
            let newest = rows.last().map_or(one, |row| row.newest);
            let newest = if one.record.at > newest.record.at { one } else { newest };
            if rows.last().is_none_or(|row| row.index != one.index) {
                rows.push(Row { index: one.index, newest });
            }
        }
        Self { history, by_group }
    }

    /// Those under that checkpoint.
    pub fn under(&self, said: &Checkpoint) -> Under<'a> {
        let key = (said.origin(), self.history.group(said.origin(), said.size()));
        let rows = self.by_group.get(&key).map(Vec::as_slice).unwrap_or_default();
        let count = rows.partition_point(|row| row.index < said.size());
        let newest = count.checked_sub(1).and_then(|last| rows.get(last)).map(|row| row.newest);
        Under { count, newest }
    }

    /// How many places there are in all, and how many of them are under none of those checkpoints. A place that is proven in
    /// two histories counts once.
    pub fn open<'c>(&self, under: impl Iterator<Item = &'c Checkpoint>) -> (usize, usize) {
        let mut reached: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for said in under {
            let far = reached.entry((said.origin(), self.history.group(said.origin(), said.size()))).or_default();
            *far = said.size().max(*far);
        }
        let mut places: BTreeMap<(&str, u64), bool> = BTreeMap::new();
        for (key, rows) in &self.by_group {
            let far = reached.get(key).copied().unwrap_or(0);
            for row in rows {
                *places.entry((key.0, row.index)).or_default() |= row.index < far;
            }
        }
        (places.len(), places.values().filter(|covered| !**covered).count())
    }
}

/// The checkpoints that somebody saw, in the order of the times: for each record the first that covers it.
pub struct Earliest<'a> {
    history: &'a History,
    /// By history: those that reach further than every earlier one.
    steps: BTreeMap<(&'a str, u64), Vec<(u64, usize)>>,
    /// By exact checkpoint: the first of it.
    exact: BTreeMap<(&'a str, u64, Digest), usize>,
}

impl<'a> Earliest<'a> {
    /// Of checkpoints in the order of the times at which they were seen.
    pub fn of(seen: impl Iterator<Item = &'a Checkpoint>, history: &'a History) -> Self {
        let mut earliest = Self { history, steps: BTreeMap::new(), exact: BTreeMap::new() };
        for (place, said) in seen.enumerate() {
            earliest.exact.entry((said.origin(), said.size(), said.root())).or_insert(place);
            if history.holds(said) {
                let steps =
                    earliest.steps.entry((said.origin(), history.group(said.origin(), said.size()))).or_default();
                if steps.last().is_none_or(|(size, _)| *size < said.size()) {
                    steps.push((said.size(), place));
                }
            }
        }
        earliest
    }

    /// The place of the first that covers the record: it is in the first entries, and both are shown to be of one history.
    pub fn covering(&self, one: &Proven) -> Option<usize> {
        let under = &one.checkpoint;
        let exact = self.exact.get(&(under.origin(), under.size(), under.root())).copied();
        let steps = self.steps.get(&(under.origin(), self.history.group(under.origin(), under.size())));
        let linked = steps.and_then(|steps| {
            let (size, place) = steps.get(steps.partition_point(|(size, _)| *size <= one.index))?;
            // Of the same size only the same root is the same history; that is the case before.
            (*size != under.size()).then_some(*place)
        });
        exact.into_iter().chain(linked).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;
    use crate::custody::checkpoint::SignedCheckpoint;
    use crate::exchange::act::Scene;
    use crate::model::event::Event;
    use crate::model::time::Timestamp;

    const SIZE: u64 = 4_000;

    fn signed(size: u64, root: u8) -> SignedCheckpoint {
        let origin = "xa-moj.rogatory/custody".parse().unwrap();
        SignedCheckpoint::sign(&origin, size, Digest([root; 32]), &SigningKey::from_seed(&[3; 32]))
    }

    fn records(under: &SignedCheckpoint, indexes: impl Iterator<Item = u64>) -> Vec<Proven> {
        let one = |index| {
            let scene = Scene::node(&"XA-MOJ".parse().unwrap(), Timestamp::from_millis(index * 1_000));
            Proven {
                index,
                record: scene.record(Event::NodeStarted),
                checkpoint: under.checkpoint().clone(),
                signed: under.clone(),
                leaf: Digest([0; 32]),
            }
        };
        indexes.map(one).collect()
    }

    #[test]
    fn a_record_is_under_the_first_checkpoint_of_its_history_that_reaches_it() {
        let proven = records(&signed(9, 9), [0, 4, 8].into_iter());
        let history = History::default();
        // Nothing is linked: the very checkpoint covers, one of another root or size does not.
        let seen = [signed(5, 5), signed(9, 8), signed(9, 9), signed(9, 9)].map(|one| one.checkpoint().clone());
        let earliest = Earliest::of(seen.iter(), &history);
        assert_eq!(proven.iter().map(|one| earliest.covering(one)).collect::<Vec<_>>(), [Some(2); 3]);
        let all = Records::of(&proven, &history);
        assert_eq!(all.under(&seen[0]).count, 0);
        assert_eq!((all.under(&seen[2]).count, all.under(&seen[2]).newest.map(|one| one.index)), (3, Some(8)));
        assert_eq!((all.open(std::iter::empty()), all.open(seen.iter())), ((3, 3), (3, 0)));
    }

    /// Each record with each checkpoint, and that with each that was seen, would be 64 thousand million looks: nobody waits for it.
    #[test]
    fn thousands_of_records_and_checkpoints_are_not_tried_each_with_each() {
        let largest = signed(SIZE, 1);
        let notes: Vec<SignedCheckpoint> = (1..=SIZE).map(|size| signed(size, 1)).collect();
        let history = History::linking(notes.clone());
        let proven = records(&largest, 0..SIZE);
        let earliest = Earliest::of(notes.iter().map(SignedCheckpoint::checkpoint), &history);
        let all = Records::of(&proven, &history);
        for (place, one) in proven.iter().enumerate() {
            assert_eq!(earliest.covering(one), Some(place));
            let under = all.under(notes[place].checkpoint());
            assert_eq!((under.count, under.newest.map(|one| one.index)), (place + 1, Some(one.index)));
        }
        assert_eq!(all.open(notes.iter().take(500).map(SignedCheckpoint::checkpoint)), (4_000, 3_500));
    }
}
