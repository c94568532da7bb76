//! Overwrites entries of the journal in place, in their own length, under a durable intent. Refuses an entry that is not intact.
//!
//! The order, and what a crash leaves after each step:
//!
//! 1. the intent, asked. Crash: the tombstone is not in the log, and the next start drops the intent; nobody was told.
//! 2. the tombstone, as any entry. Crash: the next start finds it, and goes on with 3.
//! 3. the intent, begun. Crash: the next start goes on with 4.
//! 4. each frame overwritten, then fdatasync of its segment. Crash: some are old, some new, one is torn. The next start
//!    does all of it again before it reads the journal: so a torn frame is never taken for damage.
//! 5. what was derived from erased records is made again, by those who derived it ([`super::ledger::Ledger::erasure_left`]).
//!    Crash: as in 4; done twice it is the same.
//! 6. the intent goes.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::crypto::digest::sha256;
use crate::model::ident::Digest;
use crate::model::limits::ERASED_RECORDS_MAX;
use crate::store::erasure_intent::{Form, Intent, State, Target};
use crate::store::frame::{FRAME_HEADER_BYTES, Frame, enclosures, encode_erased, encode_without_enclosures};
use crate::store::journal::Journal;
use crate::store::segment::{Access, JournalError, Segment, Step};

/// Told of each step by its name, so that a test can end the process there.
pub type Passing = fn(&'static str);

/// What of an entry is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erase {
    /// Salt, record and enclosures.
    Whole(u64),
    /// Only the enclosures with these digests.
    Enclosures(u64, Vec<Digest>),
}

/// Finds the frames. What is erased already is passed over; every other entry must be intact.
pub(super) fn plan(journal: &Journal, wanted: &[Erase]) -> Result<Vec<Target>, EraseError> {
    if wanted.len() > ERASED_RECORDS_MAX {
        return Err(EraseError::TooMany);
    }
    let mut targets = Vec::new();
    for what in wanted {
        let (Erase::Whole(index) | Erase::Enclosures(index, _)) = *what;
        let place = journal.place(index)?.ok_or(EraseError::NoEntry(index))?;
        let segment = Segment::open(journal.dir(), place.segment, Access::ReadOnly)?;
        let mut scan = segment.frame(place.offset);
        let whole = match scan.step().map_err(|error| segment.fault(error))? {
            Step::Frame { frame, .. } => match (what, frame) {
                (_, Frame::Erased { .. }) => continue,
                (Erase::Whole(_), entry @ Frame::Entry { index: found, .. }) if found == index => {
                    entry.commitment().map(|commitment| Ok(Form::Whole { commitment }))
                }
                (Erase::Enclosures(_, digests), Frame::Entry { index: found, enclosures: enclosed, .. })
                    if found == index =>
                {
                    let mask = mask_of(enclosed, digests).ok_or_else(|| segment.damaged(index))?;
                    if mask == 0 {
                        continue;
                    }
                    Some(Err(mask))
                }
                _ => None,
            },
            Step::Blank { .. } | Step::Bad { .. } => None,
        };
        let frame_bytes = usize::try_from(scan.offset() - place.offset).unwrap_or(0);
        let body_bytes = frame_bytes.checked_sub(FRAME_HEADER_BYTES).ok_or_else(|| segment.damaged(index))?;
        let form = match whole.ok_or_else(|| segment.damaged(index))? {
            Ok(form) => form,
            Err(mask) => {
                let frame = raw(&segment, place.offset, frame_bytes)?;
                let frame = encode_without_enclosures(&frame, index, mask).map_err(|_| segment.damaged(index))?;
                Form::Enclosures { mask, frame: sha256(&frame) }
            }
        };
        targets.push(Target { index, place, body_bytes, form });
    }
    Ok(targets)
}

/// Every enclosure that one of the digests is of, and those that were erased before.
fn mask_of(enclosed: &[u8], digests: &[Digest]) -> Option<u8> {
    let parts = enclosures(enclosed).ok()?;
    let mut mask = 0_u8;
    let mut more = false;
    for (number, part) in (0_u32..).zip(parts) {
        let goes = part.is_none_or(|bytes| digests.contains(&sha256(bytes)));
        more |= goes && part.is_some();
        mask |= u8::from(goes).checked_shl(number)?;
    }
    Some(if more { mask } else { 0 })
}

/// Overwrites the frames and makes that durable. Done again, from whatever state, it gives the same bytes.
pub(super) fn overwrite(
    journal_dir: &Path,
    journal: Option<&Journal>,
    targets: &[Target],
    passing: Passing,
) -> Result<(), JournalError> {
    let mut segments: BTreeMap<u64, Vec<&Target>> = BTreeMap::new();
    targets.iter().for_each(|target| segments.entry(target.place.segment).or_default().push(target));
    for (first, targets) in segments {
        let segment = Segment::open(journal_dir, first, Access::ReadWrite)?;
        for target in targets {
            let frame = frame_of(&segment, target)?;
            let (begin, rest) = frame.split_at(frame.len() / 2);
            let _alone = journal.map(Journal::overwriting);
            let half = target.place.offset + begin.len() as u64;
            let fault = |error| segment.fault(error);
            segment.file().write_all_at(begin, target.place.offset).map_err(fault)?;
            passing("erase: half a record overwritten");
            segment.file().write_all_at(rest, half).map_err(fault)?;
        }
        segment.file().sync_data().map_err(|error| segment.fault(error))?;
    }
    passing("erase: overwritten, index not made again");
    Ok(())
}

fn frame_of(segment: &Segment, target: &Target) -> Result<Vec<u8>, JournalError> {
    match target.form {
        Form::Whole { commitment } => {
            let mut frame = Vec::new();
            encode_erased(&mut frame, target.index, &commitment, target.body_bytes);
            Ok(frame)
        }
        Form::Enclosures { mask, frame: expected } => {
            let found = raw(segment, target.place.offset, FRAME_HEADER_BYTES + target.body_bytes)?;
            let frame = encode_without_enclosures(&found, target.index, mask);
            let frame = frame.ok().filter(|frame| sha256(frame) == expected);
            frame.ok_or_else(|| segment.damaged(target.index))
        }
    }
}

fn raw(segment: &Segment, offset: u64, bytes: usize) -> Result<Vec<u8>, JournalError> {
    let mut frame = vec![0; bytes];
    segment.file().read_exact_at(&mut frame, offset).map_err(|error| segment.fault(error))?;
    Ok(frame)
}

/// What a start does first: ends an overwriting that was begun, before anybody reads the journal. `true` if there was one.
pub(super) fn redo(custody_dir: &Path, journal_dir: &Path) -> Result<Redone, EraseError> {
    let fault = |source| EraseError::Intent { path: Intent::path(custody_dir), source };
    match Intent::read(custody_dir).map_err(fault)? {
        None => Ok(Redone::Nothing),
        Some(intent) if intent.state == State::Begun => {
            overwrite(journal_dir, None, &intent.targets, |_| {})?;
            tracing::warn!(records = intent.targets.len(), "an erasure was cut short; its records are erased now");
            Ok(Redone::Erased(intent))
        }
        Some(intent) => Ok(Redone::Asked(intent)),
    }
}

/// What [`redo`] found.
#[derive(Debug)]
pub(super) enum Redone {
    /// No intent.
    Nothing,
    /// An erasure that was begun, and is done now.
    Erased(Intent),
    /// One that was only asked: whether it is to be done, the log says.
    Asked(Intent),
}

/// What a start does when it has read the journal. Gives whether derived things must be made again.
pub(super) fn resume(custody_dir: &Path, journal: &Journal, redone: Redone) -> Result<Left, EraseError> {
    let intent = match redone {
        Redone::Nothing => return Ok(Left::Nothing),
        Redone::Erased(intent) => intent,
        Redone::Asked(intent) => {
            let State::Asked { index, record } = intent.state else { return Ok(Left::Nothing) };
            let stands = journal.read(index)?.and_then(|stored| stored.content);
            if stands.is_none_or(|content| sha256(&content.record) != record) {
                drop_intent(custody_dir)?;
                return Ok(Left::Nothing);
            }
            let begun = Intent { state: State::Begun, ..intent };
            begin(custody_dir, journal, &begun, |_| {})?;
            begun
        }
    };
    after(custody_dir, &intent)
}

/// Steps 3 and 4.
pub(super) fn begin(custody_dir: &Path, journal: &Journal, begun: &Intent, passing: Passing) -> Result<(), EraseError> {
    let fault = |source| EraseError::Intent { path: Intent::path(custody_dir), source };
    begun.write(custody_dir).map_err(fault)?;
    Ok(overwrite(journal.dir(), Some(journal), &begun.targets, passing)?)
}

/// Step 6, at once where nothing was derived from what went.
pub(super) fn after(custody_dir: &Path, intent: &Intent) -> Result<Left, EraseError> {
    if intent.takes_records() {
        return Ok(Left::DerivedThings);
    }
    drop_intent(custody_dir)?;
    Ok(Left::Nothing)
}

/// Step 6.
pub(super) fn drop_intent(custody_dir: &Path) -> Result<(), EraseError> {
    let fault = |source| EraseError::Intent { path: Intent::path(custody_dir), source };
    Intent::remove(custody_dir).map_err(fault)
}

/// What is left to do after an overwriting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Whatever was made from the records is to be made again.
    DerivedThings,
}

/// Why nothing was erased, or not all of it yet.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// No such entry.
    #[error("the custody log has no entry {0}")]
    NoEntry(u64),
    /// Too many at once.
    #[error("at most {ERASED_RECORDS_MAX} records are erased at once; erase the rest in a second act")]
    TooMany,
    /// Another one is not finished.
    #[error("another erasure is not finished; try again in a moment, or restart the node")]
    Unfinished,
    /// The journal, or the disk. What was begun is finished by the next start.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tombstone was not logged, and nothing was erased.
    #[error(transparent)]
    Append(#[from] super::ledger::AppendError),
    /// The intent.
    #[error("cannot use {}: {source}; an erasure that was begun is finished by the next start", path.display())]
    Intent {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
