//! Receives the objects of one package, part by part, in any order, across crashes. Refuses every part that does not prove its place before a byte of it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::custody::tree::{ProofError, leaf_hash, verify_inclusion};
use crate::model::envelope::Blob;
use crate::model::ident::Digest;
use crate::model::limits::INTAKE_GROUP_PARTS;
use crate::store::arrival::{Arrival, Found, Sealing};
use crate::store::intake_record;
use crate::store::object_writer::start_writing;
use crate::store::package_dir::{PackageDir, is_out_of_room};
use crate::store::part_bits::PartBits;
use crate::store::room::Room;
use crate::store::vault::Claim;

/// A package that is arriving. Several threads may store parts at once: only bookkeeping happens under the lock,
/// hashing and writing outside it.
///
/// What a crash finds, and why nothing is believed that is not so:
///
/// ```text
/// part proven ─► written ─► fsynced in a group ─► slot written, fsynced ─► (all) hashes, final name, fsynced
///      lost, fetched again ────────────────────┘  kept from here on         whole from here on
/// ```
///
/// After a failed write-back the intake refuses all further work: which bytes reached the disk is not known, and a
/// second fsync would claim success. Opened again, it goes on from what the slots say.
#[derive(Debug)]
pub struct Intake {
    dir: PackageDir,
    state: Mutex<State>,
    /// One group is made durable at a time.
    turn: Mutex<()>,
    _claim: Claim,
}

/// How far a package has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// All objects.
    pub objects: usize,
    /// Those that are whole and durable.
    pub objects_sealed: usize,
    /// All parts of all objects.
    pub parts: u64,
    /// Those that arrived.
    pub parts_held: u64,
    /// Those of them that a crash cannot take.
    pub parts_durable: u64,
    /// Bytes of all objects.
    pub bytes: u64,
}

/// What came of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was new.
    New,
    /// It was here before.
    Known,
}

#[derive(Debug)]
struct State {
    objects: BTreeMap<u32, Object>,
    /// Objects whose parts are all durable and that have no final name yet.
    ready: BTreeSet<u32>,
    fresh_parts: usize,
    failed: bool,
}

#[derive(Debug)]
struct Object {
    arrival: Arrival,
    held: PartBits,
    parts_durable: u64,
    sealed: bool,
    fresh: Option<Fresh>,
}

/// Parts that were written and are not durable, with the file they are in. The file stays open until they are, so
/// that its fsync reports every failed write-back; so at most `INTAKE_GROUP_PARTS` files, and those of the threads
/// that are writing, are open.
#[derive(Debug)]
struct Fresh {
    data: Arc<File>,
    parts: Vec<(u64, Digest)>,
}

impl Intake {
    pub(super) fn open(dir: PackageDir, blobs: &[Blob], room: &Room, claim: Claim) -> Result<Self, IntakeError> {
        let arrivals = Arrival::list(blobs).ok_or(IntakeError::Blobs)?;
        if !intake_record::matches(&dir, blobs)? {
            return Err(IntakeError::Conflict);
        }
        let mut found = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let on_disk = if dir.exists() { arrival.find(&dir)? } else { Some(arrival.nothing()) };
            found.push((arrival, on_disk.ok_or(IntakeError::Conflict)?));
        }
        reserve(&dir, blobs, &found, room)?;
        let mut state = State { objects: BTreeMap::new(), ready: BTreeSet::new(), fresh_parts: 0, failed: false };
        for (arrival, found) in found {
            let (held, sealed) = match found {
                Found::Sealed => (PartBits::all_of(arrival.grid.parts()), true),
                Found::Parts(held) | Found::Unreserved(held) => (held, false),
            };
            if sealed {
                arrival.tidy(&dir)?;
            } else if held.is_full() {
                state.ready.insert(arrival.object_id);
            }
            let parts_durable = held.held();
            state.objects.insert(arrival.object_id, Object { arrival, held, parts_durable, sealed, fresh: None });
        }
        Ok(Self { dir, state: Mutex::new(state), turn: Mutex::default(), _claim: claim })
    }

    /// Checks a part and writes it. After every `INTAKE_GROUP_PARTS` new ones the group is made durable, here.
    pub fn store_part(&self, object_id: u32, index: u64, bytes: &[u8], proof: &[Digest]) -> Result<Stored, PartError> {
        let arrival = {
            let state = self.good()?;
            let object = state.objects.get(&object_id).ok_or(PartError::Unknown)?;
            if object.held.has(index) {
                return Ok(Stored::Known);
            }
            object.arrival
        };
        let parts = arrival.grid.parts();
        let place = arrival.grid.place(index).ok_or(PartError::OutOfObject { index, parts })?;
        if place.bytes != bytes.len() {
            return Err(PartError::Length { expected: place.bytes, found: bytes.len() });
        }
        let leaf = leaf_hash(bytes);
        verify_inclusion(&leaf, index, parts, proof, &arrival.root)?;
        let Some(data) = self.data_for(&arrival, index)? else { return Ok(Stored::Known) };
        data.write_all_at(bytes, place.offset).map_err(IntakeError::from)?;
        start_writing(&data, place.offset, bytes.len() as u64);
        if !self.enter(object_id, index, leaf, data)? {
            return Ok(Stored::Known);
        }
        if self.good()?.fresh_parts >= INTAKE_GROUP_PARTS {
            self.flush()?;
        }
        Ok(Stored::New)
    }

    /// The parts of an object that have not arrived, from `from` on: ranges of at most `parts_max` parts together.
    /// None for an object that is not of this package.
    pub fn missing(&self, object_id: u32, from: u64, parts_max: u64) -> Vec<Range<u64>> {
        let state = self.state();
        state.objects.get(&object_id).map(|object| object.held.missing(from, parts_max)).unwrap_or_default()
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for object in self.state().objects.values() {
            progress.objects += 1;
            progress.objects_sealed += usize::from(object.sealed);
            progress.parts += object.arrival.grid.parts();
            progress.parts_held += object.held.held();
            progress.parts_durable += object.parts_durable;
            progress.bytes += object.arrival.grid.ciphertext_bytes();
        }
        progress
    }

    /// Makes what has arrived durable, and gives every object that is whole its final name.
    pub fn flush(&self) -> Result<(), IntakeError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let groups: Vec<(Arrival, Fresh)> = {
            let mut state = self.good()?;
            state.fresh_parts = 0;
            let fresh = |object: &mut Object| object.fresh.take().map(|fresh| (object.arrival, fresh));
            state.objects.values_mut().filter_map(fresh).collect()
        };
        let settled = groups.into_iter().try_for_each(|(arrival, fresh)| self.settle(&arrival, &fresh));
        let sealed = settled.and_then(|()| self.seal_ready());
        sealed.map_err(|source| {
            self.state().failed = true;
            IntakeError::from(source)
        })
    }

    /// Ends the intake: makes everything durable and asks whether everything is here. When it says yes, the whole
    /// package survives a power failure; asked again, also after a crash, it says yes again.
    pub fn complete(&self) -> Result<(), IntakeError> {
        self.flush()?;
        let progress = self.progress();
        if progress.objects_sealed == progress.objects {
            return Ok(());
        }
        Err(IntakeError::Incomplete { parts_missing: progress.parts - progress.parts_held })
    }

    /// The file to write a part to; `None` if the part came by another way meanwhile.
    fn data_for(&self, arrival: &Arrival, index: u64) -> Result<Option<Arc<File>>, IntakeError> {
        let mut state = self.good()?;
        let Some(object) = state.objects.get_mut(&arrival.object_id).filter(|object| !object.held.has(index)) else {
            return Ok(None);
        };
        if let Some(fresh) = &object.fresh {
            return Ok(Some(Arc::clone(&fresh.data)));
        }
        let data = Arc::new(arrival.data(&self.dir)?);
        object.fresh = Some(Fresh { data: Arc::clone(&data), parts: Vec::new() });
        Ok(Some(data))
    }

    /// Enters a part that was written; `false` if another thread wrote the same part first.
    fn enter(&self, object_id: u32, index: u64, leaf: Digest, data: Arc<File>) -> Result<bool, IntakeError> {
        let mut state = self.good()?;
        let Some(object) = state.objects.get_mut(&object_id) else { return Ok(false) };
        if !object.held.insert(index) {
            return Ok(false);
        }
        // A flush may have taken the group since the file was opened: then this part begins the next one.
        object.fresh.get_or_insert_with(|| Fresh { data, parts: Vec::new() }).parts.push((index, leaf));
        state.fresh_parts += 1;
        Ok(true)
    }

    /// Data first, then the slots that speak of it.
    fn settle(&self, arrival: &Arrival, fresh: &Fresh) -> io::Result<()> {
        if fresh.parts.is_empty() {
            return Ok(());
        }
        fresh.data.sync_data()?;
        arrival.note(&self.dir, &fresh.parts)?;
        let mut state = self.state();
        if let Some(object) = state.objects.get_mut(&arrival.object_id) {
            object.parts_durable += fresh.parts.len() as u64;
            if object.parts_durable == arrival.grid.parts() {
                state.ready.insert(arrival.object_id);
            }
        }
        Ok(())
    }

    fn seal_ready(&self) -> io::Result<()> {
        let ready: Vec<Arrival> = {
            let mut state = self.state();
            let ready = std::mem::take(&mut state.ready);
            ready.iter().filter_map(|object_id| state.objects.get(object_id)).map(|object| object.arrival).collect()
        };
        let mut named = Vec::new();
        for arrival in ready {
            match arrival.seal(&self.dir)? {
                Sealing::Named => named.push(arrival.object_id),
                Sealing::Short(held) => {
                    if let Some(object) = self.state().objects.get_mut(&arrival.object_id) {
                        object.parts_durable = held.held();
                        object.held = held;
                    }
                }
            }
        }
        if !named.is_empty() {
            self.dir.sync()?;
        }
        let mut state = self.state();
        for object_id in named {
            if let Some(object) = state.objects.get_mut(&object_id) {
                object.sealed = true;
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked under the lock left parts that are written but not entered, at most: they come again.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn good(&self) -> Result<MutexGuard<'_, State>, IntakeError> {
        let state = self.state();
        if state.failed { Err(IntakeError::Failed) } else { Ok(state) }
    }
}

/// Reserves room for every object that has none yet, or for none: asked first, so that a package that does not fit
/// leaves the disk as it was.
fn reserve(dir: &PackageDir, blobs: &[Blob], found: &[(Arrival, Found)], room: &Room) -> Result<(), IntakeError> {
    let unreserved = || found.iter().filter(|(_, found)| matches!(found, Found::Unreserved(_)));
    let needed_bytes = unreserved().map(|(arrival, _)| arrival.room_bytes()).fold(0, u64::saturating_add);
    let spare_bytes = room.spare_bytes()?;
    if needed_bytes > spare_bytes {
        return Err(IntakeError::NoSpace { needed_bytes, spare_bytes });
    }
    dir.create()?;
    intake_record::write(dir, blobs)?;
    for (number, (arrival, _)) in unreserved().enumerate() {
        if let Err(source) = arrival.reserve(dir) {
            // Kept are the objects of which parts arrived before.
            let empty = |(_, found): &&(Arrival, Found)| matches!(found, Found::Unreserved(held) if held.held() == 0);
            for (arrival, _) in unreserved().take(number + 1).filter(empty) {
                arrival.release(dir)?;
            }
            let no_space = IntakeError::NoSpace { needed_bytes, spare_bytes };
            return Err(if is_out_of_room(&source) { no_space } else { source.into() });
        }
    }
    Ok(dir.sync()?)
}

/// Why a package cannot be received, or not further.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Someone receives it.
    #[error("this package is being received already")]
    InUse,
    /// The envelope's list of objects is not one.
    #[error("the list of objects is not acceptable: a number twice, an empty or an oversized object, or too many")]
    Blobs,
    /// Another package has this number.
    #[error("the vault holds another package under this seal_id; nothing of it was touched, the new one is refused")]
    Conflict,
    /// The disk has no room for it.
    #[error("no room: the package needs {needed_bytes} bytes, {spare_bytes} may be used; free some, then it resumes")]
    NoSpace {
        /// What it still needs.
        needed_bytes: u64,
        /// What evidence may still take.
        spare_bytes: u64,
    },
    /// Parts are missing.
    #[error("{parts_missing} parts have not arrived yet")]
    Incomplete {
        /// How many.
        parts_missing: u64,
    },
    /// Writing failed before.
    #[error("the disk failed while this package was written; open the intake again to resume from what is durable")]
    Failed,
    /// The disk became full although room was reserved, or the file system cannot reserve.
    #[error("the disk is full; free some space, then open the intake again to resume")]
    Full,
    /// The system refused.
    #[error("cannot write to the vault: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for IntakeError {
    fn from(source: io::Error) -> Self {
        if is_out_of_room(&source) { Self::Full } else { Self::Io(source) }
    }
}

/// Why a part was not stored. Parts that were stored before are not affected.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The package has no such object.
    #[error("the package has no object of this number")]
    Unknown,
    /// The object has no such part.
    #[error("the object has {parts} parts; there is no part {index}")]
    OutOfObject {
        /// What came.
        index: u64,
        /// How many there are.
        parts: u64,
    },
    /// Too short or too long.
    #[error("the part has {found} bytes where {expected} are due")]
    Length {
        /// The part's length.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The bytes or the proof are not those of this part.
    #[error("the part is not what the envelope names: {0}")]
    Proof(#[from] ProofError),
    /// Not the part's fault.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;
