//! The time-stamps that go with a bag: for each record the earliest one of each authority that covers it, and the newest of
//! each, with the records of their being obtained, so that the chain of renewals can be followed. Tells nothing of other cases.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::dossier::{Bytes, CheckpointPart, LinkPart, RecordPart, StampPart};
use crate::daemon::dossier::{DossierError, record_part};
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::stamps;
use crate::exchange::act::{STAMPED_NOTE, TIME_STAMP};
use crate::exchange::rows::{Stamp, StampRow};
use crate::store::reader::Reader;

/// What time-stamps add to a dossier.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    /// The stamped checkpoints and the answers.
    pub(super) parts: Vec<StampPart>,
    /// The records of their being obtained.
    pub(super) records: Vec<RecordPart>,
    /// The sizes of the stamped checkpoints, in the order of `parts`.
    sizes: Vec<u64>,
}

/// Gathers what covers those records.
pub(super) fn gather(node: &Node, records: &[RecordPart]) -> Result<Stamps, DossierError> {
    let indexes: Vec<u64> = records.iter().map(|part| part.index).collect();
    let mut stamps = Stamps::default();
    for (row, stamp) in chosen(&stamps::all(node)?, &indexes) {
        let read = |name| match node.enclosure(row.index, name) {
            // A token whose record was erased is gone; the others are there.
            Err(LookupError::Erased { .. } | LookupError::Enclosure { .. }) => Ok(None),
            other => other.map(Some),
        };
        let (Some(note), Some(token)) = (read(STAMPED_NOTE)?, read(TIME_STAMP)?) else { continue };
        stamps.parts.push(StampPart { note: Bytes(note), token: Bytes(token) });
        stamps.sizes.push(stamp.size);
        stamps.records.extend(record_part(node, row.index)?);
    }
    Ok(stamps)
}

impl Stamps {
    /// The stamped checkpoints, each led to the newest one of `new_size` entries.
    pub(super) fn links(&self, reader: &Reader, new_size: u64) -> Result<Vec<CheckpointPart>, DossierError> {
        let mut parts = Vec::new();
        for (part, size) in self.parts.iter().zip(&self.sizes) {
            let link = if *size < new_size {
                let hashes = reader.consistency(*size, new_size).map_err(LookupError::from)?;
                Some(LinkPart { new_size, hashes: hashes.iter().map(|hash| Bytes(hash.0.to_vec())).collect() })
            } else {
                None
            };
            parts.push(CheckpointPart { note: part.note.clone(), link });
        }
        Ok(parts)
    }
}

/// Of the time-stamps in the order of the log: for each authority and record the earliest that covers it, and the newest.
fn chosen(all: &[(StampRow, Stamp)], indexes: &[u64]) -> Vec<(StampRow, Stamp)> {
    let mut by_name: BTreeMap<&str, Vec<&(StampRow, Stamp)>> = BTreeMap::new();
    for one in all {
        by_name.entry(&one.0.name).or_default().push(one);
    }
    let mut kept = BTreeSet::new();
    for stamps in by_name.values() {
        let covering = |index: &u64| stamps.iter().find(|(_, stamp)| *index < stamp.size);
        kept.extend(indexes.iter().filter_map(covering).chain(stamps.last()).map(|(row, _)| row.index));
    }
    all.iter().filter(|(row, _)| kept.contains(&row.index)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn stamp(index: u64, name: &str, size: u64) -> (StampRow, Stamp) {
        let stamp = Stamp { time: Timestamp::from_millis(index), size };
        (StampRow { index, name: name.to_owned(), at: stamp.time, stamp: Some(stamp) }, stamp)
    }

    #[test]
    fn for_each_record_the_earliest_of_each_authority_goes_with_it_and_the_newest_of_all() {
        let all = [
            stamp(3, "a", 3),
            stamp(4, "b", 3),
            stamp(8, "a", 8),
            stamp(12, "a", 12),
            stamp(20, "a", 20),
            stamp(21, "b", 20),
            stamp(30, "a", 30),
        ];
        let indexes = |wanted: &[u64]| -> Vec<u64> { chosen(&all, wanted).iter().map(|(row, _)| row.index).collect() };
        assert_eq!(indexes(&[5, 9]), [8, 12, 21, 30]);
        assert_eq!(indexes(&[1]), [3, 4, 21, 30]);
        assert_eq!(indexes(&[25]), [21, 30]);
        assert_eq!(indexes(&[99]), [21, 30]);
        assert_eq!(chosen(&[], &[1]), []);
    }
}
