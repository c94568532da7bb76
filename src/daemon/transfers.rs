//! How far the files of each package have moved over a link, for people who wait. Kept in memory; decides nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::daemon::clock;
use crate::model::ident::Id;
use crate::model::limits::TRANSFERS_SHOWN_MAX;
use crate::model::time::Timestamp;

/// The transfers of a node since it started.
#[derive(Debug, Default)]
pub struct Transfers(Mutex<BTreeMap<Id, Transfer>>);

/// One package on its way.
#[derive(Debug, Clone, Serialize)]
pub struct Transfer {
    /// `fetching` or `serving`.
    pub way: &'static str,
    /// Bytes of all its sealed objects.
    pub total_bytes: u64,
    /// Of them here when it began, at the last time.
    pub begun_at_bytes: u64,
    /// Moved since then.
    pub moved_bytes: u64,
    /// When it began, at the last time.
    pub begun: Timestamp,
    /// When a byte moved last.
    pub moved: Timestamp,
    /// How often it went on after a break.
    pub resumes: u32,
    /// Objects that it has, and those of them that are whole here.
    pub objects: usize,
    /// Whole ones.
    pub objects_whole: usize,
    /// Whether it goes on at this moment.
    pub running: bool,
}

impl Transfers {
    /// A fetch begins, or goes on: so much is here already.
    pub fn begins(&self, package_id: Id, total_bytes: u64, here_bytes: u64, objects: usize) {
        let now = clock::now();
        let mut all = self.all();
        let resumes = all.get(&package_id).map_or(0, |before| before.resumes.saturating_add(1));
        let transfer = Transfer {
            way: "fetching",
            total_bytes,
            begun_at_bytes: here_bytes,
            moved_bytes: 0,
            begun: now,
            moved: now,
            resumes,
            objects,
            objects_whole: 0,
            running: true,
        };
        make_room(&mut all);
        all.insert(package_id, transfer);
    }

    /// Bytes of it arrived and are kept.
    pub fn arrived(&self, package_id: Id, bytes: u64, objects_whole: usize) {
        if let Some(transfer) = self.all().get_mut(&package_id) {
            transfer.moved_bytes = transfer.moved_bytes.saturating_add(bytes);
            transfer.objects_whole = objects_whole;
            transfer.moved = clock::now();
        }
    }

    /// It broke off; what arrived is kept.
    pub fn broke(&self, package_id: Id) {
        if let Some(transfer) = self.all().get_mut(&package_id) {
            transfer.running = false;
        }
    }

    /// All of it is here, or it was given up.
    pub fn ends(&self, package_id: Id) {
        self.all().remove(&package_id);
    }

    /// Bytes of it went to the peer, which may have asked for some of them before.
    pub fn served(&self, package_id: Id, total_bytes: u64, objects: usize, bytes: u64) {
        let now = clock::now();
        let mut all = self.all();
        if !all.contains_key(&package_id) {
            make_room(&mut all);
        }
        let transfer = all.entry(package_id).or_insert_with(|| Transfer {
            way: "serving",
            total_bytes,
            begun_at_bytes: 0,
            moved_bytes: 0,
            begun: now,
            moved: now,
            resumes: 0,
            objects,
            objects_whole: 0,
            running: true,
        });
        transfer.moved_bytes = transfer.moved_bytes.saturating_add(bytes);
        transfer.moved = now;
    }

    /// How far that package is.
    pub fn of(&self, package_id: Id) -> Option<Transfer> {
        self.all().get(&package_id).cloned()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Id, Transfer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that moved least recently make room.
fn make_room(all: &mut BTreeMap<Id, Transfer>) {
    while all.len() >= TRANSFERS_SHOWN_MAX {
        let Some(oldest) = all.iter().min_by_key(|(_, transfer)| transfer.moved).map(|(id, _)| *id) else { return };
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_that_goes_on_counts_from_what_is_here_and_says_how_often() {
        let transfers = Transfers::default();
        let id = Id::new(Timestamp::from_millis(1), [1; 10]);
        transfers.begins(id, 100, 0, 2);
        transfers.arrived(id, 40, 1);
        transfers.broke(id);
        transfers.begins(id, 100, 40, 2);
        transfers.arrived(id, 10, 1);
        let found = transfers.of(id).unwrap();
        assert_eq!((found.begun_at_bytes, found.moved_bytes, found.resumes), (40, 10, 1));
        transfers.ends(id);
        assert!(transfers.of(id).is_none());
        for number in 0..=TRANSFERS_SHOWN_MAX {
            let random = u64::try_from(number).unwrap().to_be_bytes();
            let id = Id::new(Timestamp::from_millis(1), std::array::from_fn(|at| random.get(at).copied().unwrap_or(0)));
            transfers.served(id, 1, 1, 1);
        }
        assert_eq!(transfers.all().len(), TRANSFERS_SHOWN_MAX);
    }
}
