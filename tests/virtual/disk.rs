//! A disk that may lose power: what was not synced is lost at a crash, or survives, but never in another order.

use std::collections::BTreeMap;
use std::rc::Rc;

use rogatory::crypto::digest::sha256;
use rogatory::model::event::{CustodyRecord, Event};
use rogatory::model::ident::Id;
use rogatory::wire::record;

use crate::rng::Rng;

/// One committed record with what stands beside it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub record: Rc<Vec<u8>>,
    pub salt: [u8; 32],
    pub enclosures: Rc<Vec<Vec<u8>>>,
}

impl Entry {
    pub fn decoded(&self) -> CustodyRecord {
        record::decode(&self.record).unwrap()
    }

    /// The enclosure that the record names so.
    pub fn enclosure(&self, name: &str) -> Vec<u8> {
        let wanted = self.decoded().digests.into_iter().find(|digest| digest.name == name).unwrap().sha256;
        self.enclosures.iter().find(|bytes| sha256(bytes) == wanted).unwrap().clone()
    }
}

/// What a crash leaves of the records that were appended and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the page cache was lost.
    Lost,
    /// Everything: it reached the disk, and nobody was told.
    Kept,
    /// A beginning of it.
    Torn,
}

/// Names one part of a sealed object: package, object, part.
pub type PartName = (Id, u32, u64);

struct Part {
    bytes: Rc<Vec<u8>>,
    synced: bool,
}

/// Journal and vault of one node.
#[derive(Default)]
pub struct Disk {
    pub journal: Vec<Entry>,
    synced: usize,
    parts: BTreeMap<PartName, Part>,
}

impl Disk {
    pub fn append(&mut self, entry: Entry) -> u64 {
        self.journal.push(entry);
        self.journal.len() as u64 - 1
    }

    /// How many records are durable.
    pub fn synced(&self) -> u64 {
        self.synced as u64
    }

    /// Parts first, then records: a record must never speak of parts that are not durable.
    pub fn sync(&mut self) {
        self.sync_parts();
        self.synced = self.journal.len();
    }

    pub fn sync_parts(&mut self) {
        self.parts.values_mut().for_each(|part| part.synced = true);
    }

    pub fn put_part(&mut self, name: PartName, bytes: Vec<u8>) {
        self.parts.entry(name).or_insert_with(|| Part { bytes: Rc::new(bytes), synced: false });
    }

    pub fn part(&self, name: PartName) -> Option<Rc<Vec<u8>>> {
        self.parts.get(&name).map(|part| part.bytes.clone())
    }

    pub fn part_synced(&self, name: PartName) -> bool {
        self.parts.get(&name).is_some_and(|part| part.synced)
    }

    pub fn crash(&mut self, tail: Tail, rng: &mut Rng) {
        let waiting = self.journal.len() - self.synced;
        let kept = match tail {
            Tail::Lost => 0,
            Tail::Kept => waiting,
            Tail::Torn => rng.between(0, waiting as u64) as usize,
        };
        self.journal.truncate(self.synced + kept);
        self.parts.retain(|_, part| part.synced || (tail != Tail::Lost && rng.hits(500)));
    }
}

/// What happened, in order.
pub fn events(journal: &[Entry]) -> Vec<Event> {
    journal.iter().map(|entry| entry.decoded().event).collect()
}
