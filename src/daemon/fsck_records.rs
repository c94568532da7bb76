//! What a full check reads out of the records on its way over the log: when they were written, what is enclosed and whether
//! it is what the record names, and which sealed files must be here. Judges content by digests; shows none of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::crypto::digest::sha256;
use crate::daemon::rotate::Kind;
use crate::model::envelope::Blob;
use crate::model::event::{CustodyRecord, Event};
use crate::model::ident::Id;
use crate::model::limits::BATCH_ENTRIES_MAX;
use crate::model::time::Timestamp;
use crate::store::audit::Watch;
use crate::store::frame::{Frame, enclosures};
use crate::wire::record;

/// How many faults are named; the others are counted.
const NAMED_MAX: usize = 32;

/// A sealed file that must be here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Since this record.
    pub index: u64,
    /// Its time.
    pub at: Timestamp,
    /// The file.
    pub blob: Blob,
}

/// A record that is not what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number.
    pub index: u64,
    /// Its time, if it can be read.
    pub at: Option<Timestamp>,
    /// What is wrong.
    pub why: String,
}

/// Everything that the walk has seen.
pub struct Records<'p> {
    /// The last records that could be read, and their times: a batch, and one before it.
    pub last: VecDeque<(u64, Timestamp)>,
    /// Records whose enclosures are not those that they name, or that cannot be read at all. At most 32.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub faults_count: u64,
    /// Enclosures that are the ones named.
    pub enclosures: u64,
    /// Erased entries, and entries of which enclosures were erased.
    pub erased: u64,
    /// Files that must be here whole, by package and number.
    pub sealed: BTreeMap<(Id, u32), Expected>,
    /// Files that were announced to come.
    pub announced: BTreeMap<(Id, u32), Expected>,
    /// Packages that were destroyed, and the record that says so.
    pub destroyed: BTreeMap<Id, u64>,
    /// Records by which the log went over to another key.
    pub gone_over: Vec<u64>,
    /// Every package that a record names.
    pub named: BTreeSet<Id>,
    progress: &'p mut dyn FnMut(u64, u64),
}

impl<'p> Records<'p> {
    /// Before the first record. `progress` is told bytes read, of all.
    pub fn new(progress: &'p mut dyn FnMut(u64, u64)) -> Self {
        Self {
            last: VecDeque::new(),
            faults: Vec::new(),
            faults_count: 0,
            enclosures: 0,
            erased: 0,
            sealed: BTreeMap::new(),
            announced: BTreeMap::new(),
            destroyed: BTreeMap::new(),
            gone_over: Vec::new(),
            named: BTreeSet::new(),
            progress,
        }
    }

    fn fault(&mut self, index: u64, at: Option<Timestamp>, why: String) {
        self.faults_count += 1;
        if self.faults.len() < NAMED_MAX {
            self.faults.push(Fault { index, at, why });
        }
    }

    fn enclosed(&mut self, index: u64, found: &CustodyRecord, bytes: &[u8]) {
        let parts = enclosures(bytes).unwrap_or_default();
        if parts.iter().any(Option::is_none) {
            self.erased += 1;
        }
        for (number, part) in parts.iter().enumerate() {
            let Some(part) = part else { continue };
            let digest = sha256(part);
            if found.digests.iter().any(|named| named.sha256 == digest) {
                self.enclosures += 1;
            } else {
                let why = format!("enclosure {} has SHA-256 {digest}, which the record does not name", number + 1);
                self.fault(index, Some(found.at), why);
            }
        }
    }

    fn files(&mut self, index: u64, found: &CustodyRecord) {
        let Some(package) = found.subject.package_id else { return };
        self.named.insert(package);
        let at = found.at;
        let blobs = found.transfer.as_ref().map(|transfer| transfer.blobs.as_slice()).unwrap_or_default();
        let expected = blobs.iter().map(|blob| ((package, blob.object_id), Expected { index, at, blob: blob.clone() }));
        match found.event {
            Event::MessageDrafted | Event::ContentReceived => {
                for (key, expected) in expected {
                    self.announced.remove(&key);
                    self.sealed.insert(key, expected);
                }
            }
            Event::MessageReceived => self.announced.extend(expected),
            Event::PackageDestroyed => {
                self.sealed.retain(|(id, _), _| *id != package);
                self.announced.retain(|(id, _), _| *id != package);
                self.destroyed.insert(package, index);
            }
            _ => {}
        }
    }
}

impl Watch for Records<'_> {
    fn entry(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::Entry { index, record, enclosures, .. } => match record::decode(record) {
                Ok(found) => {
                    if self.last.len() > BATCH_ENTRIES_MAX {
                        self.last.pop_front();
                    }
                    self.last.push_back((*index, found.at));
                    self.enclosed(*index, &found, enclosures);
                    self.files(*index, &found);
                    if found.event == Event::KeyRotated && found.reason == Kind::Log.name() {
                        self.gone_over.push(*index);
                    }
                }
                Err(error) => self.fault(*index, None, format!("the record cannot be read: {error}")),
            },
            Frame::Erased { .. } => self.erased += 1,
            Frame::Checkpoint { .. } => {}
        }
    }

    fn read(&mut self, done: u64, total: u64) {
        (self.progress)(done, total);
    }
}
