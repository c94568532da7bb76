//! The index of a node: what the docket says, in memory; and what a change of it means for the schedule.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rogatory::crypto::digest::sha256;
use rogatory::custody::leaf::commitment;
use rogatory::custody::tree::leaf_hash;
use rogatory::exchange::docket::{Change, Committed, fold};
use rogatory::exchange::rows::{IntakeRow, OutboxRow, from_bytes, outbox_key, tree as trees};
use rogatory::model::ident::{Digest, Id};
use serde::de::DeserializeOwned;

use crate::disk::Entry;

/// Tree and key to row.
pub type Index = BTreeMap<(String, Vec<u8>), Vec<u8>>;

/// What the schedule learns of a change.
pub enum Turn {
    Put(OutboxRow),
    Settled(OutboxRow),
    IntakeOpened(IntakeRow, Id),
    IntakeClosed(Id),
}

impl Turn {
    /// Whether it is about the outbox row of that record.
    pub fn is_about(&self, index: u64) -> bool {
        matches!(self, Self::Put(row) | Self::Settled(row) if row.index == index)
    }
}

pub fn leaf_of(entry: &Entry) -> Digest {
    leaf_hash(&commitment(&entry.salt, &entry.record).0)
}

pub fn folded(index: &Index, at: u64, entry: &Entry) -> Vec<Change> {
    let record = entry.decoded();
    let read =
        |tree: &'static str, key: &[u8]| Ok::<_, Infallible>(index.get(&(tree.to_owned(), key.to_vec())).cloned());
    fold(Committed { index: at, record: &record, enclosures: &entry.enclosures }, &read, sha256).unwrap()
}

pub fn apply(index: &mut Index, change: Change) {
    let place = (change.tree.to_owned(), change.key);
    match change.value {
        Some(value) => drop(index.insert(place, value)),
        None => drop(index.remove(&place)),
    }
}

/// The index of a journal, from nothing.
pub fn rebuilt(journal: &[Entry]) -> Index {
    let mut index = Index::new();
    for (at, entry) in (0_u64..).zip(journal) {
        folded(&index, at, entry).into_iter().for_each(|change| apply(&mut index, change));
    }
    index
}

pub fn rows<R: DeserializeOwned>(index: &Index, tree: &str) -> Vec<R> {
    index.iter().filter(|((name, _), _)| name == tree).map(|(_, value)| from_bytes(value).unwrap()).collect()
}

pub fn value_of<R: DeserializeOwned>(index: &Index, tree: &str, key: &[u8]) -> Option<R> {
    index.get(&(tree.to_owned(), key.to_vec())).map(|value| from_bytes(value).unwrap())
}

pub fn outbox_place(row: &OutboxRow) -> (String, Vec<u8>) {
    (trees::OUTBOX.to_owned(), outbox_key(&row.peer, row.urgency, row.index))
}

/// What a change means for the schedule; read before the change is applied.
pub fn turn_of(index: &Index, change: &Change) -> Option<Turn> {
    let id = || Id::try_from(&change.key[..]).unwrap();
    match (change.tree, &change.value) {
        (trees::OUTBOX, Some(value)) => Some(Turn::Put(from_bytes(value).unwrap())),
        (trees::OUTBOX, None) => value_of(index, change.tree, &change.key).map(Turn::Settled),
        (trees::INTAKE, Some(value)) => Some(Turn::IntakeOpened(from_bytes(value).unwrap(), id())),
        (trees::INTAKE, None) => Some(Turn::IntakeClosed(id())),
        _ => None,
    }
}
