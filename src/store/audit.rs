//! One walk over the journal that looks at every byte of it: frames, numbers, commitments, the tree against every signed
//! checkpoint, and what lies behind the last frame. Stops at the first entry that is not the one that was signed.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use crate::custody::edge::Edge;
use crate::custody::frontier::Frontier;
use crate::custody::history::LogKeys;
use crate::custody::tile::{Kind, TILE_WIDTH, Tile, decode_entries};
use crate::custody::tree::{leaf_hash, root};
use crate::model::ident::Digest;
use crate::store::frame::{FRAME_HEADER_BYTES, Frame, body_bytes};
use crate::store::recovery::written_bytes;
use crate::store::segment::{Access, JournalError, SEGMENT_HEADER_BYTES, Segment, Step, name};
use crate::store::tiles::TileFiles;

/// A frame that an erasure is just overwriting is whole again after at most so many looks.
const LOOKS: usize = 40;
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// How often progress is told: each time so many bytes were read.
const TOLD_BYTES: u64 = 4 * 1024 * 1024;

/// What is shown on the way.
pub trait Watch {
    /// An entry whose frame is intact, in order. Whether it stands in the signed tree shows only at the next checkpoint.
    fn entry(&mut self, frame: &Frame<'_>);

    /// Bytes of the journal that were read, of all.
    fn read(&mut self, done: u64, total: u64);
}

impl Watch for () {
    fn entry(&mut self, _: &Frame<'_>) {}

    fn read(&mut self, _: u64, _: u64) {}
}

/// What is made anew on the way, to be compared with its files.
pub(super) trait Derived {
    /// The frontier has grown by one entry.
    fn grown(&mut self, frontier: &mut Frontier);

    /// A segment that nobody appends to has ended; its entries begin at these offsets.
    fn sealed(&mut self, first: u64, offsets: &[u32]);
}

/// The first entry that is not intact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The entry.
    pub index: u64,
    /// What is wrong.
    pub why: String,
    /// How many entries before it stand under a signed checkpoint that fits: they are proven.
    pub proven: u64,
    /// The record of the next entry that can be read, with its number; it says when the damage must have begun to matter.
    pub next_intact: Option<(u64, Vec<u8>)>,
}

/// Whether somebody may be writing meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// The directory is locked.
    Nobody,
    /// The node runs: it appends behind what is walked over, and may overwrite an entry that is erased.
    TheNode,
}

/// The walk.
pub(super) struct Audit<'a> {
    pub(super) dir: &'a Path,
    pub(super) files: &'a TileFiles,
    pub(super) keys: &'a LogKeys,
    /// Entries to walk over: those that are acknowledged, or the published ones of a running node.
    pub(super) size: u64,
    pub(super) beside: Beside,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Entries seen.
    pub(super) entries: u64,
    pub(super) checkpoints: u64,
    pub(super) damage: Option<Damage>,
    /// The root of the tree at the size that was asked for.
    pub(super) root_at: Option<Digest>,
}

/// How far the walk is.
struct Way<'w> {
    frontier: Frontier,
    /// Entries under the last checkpoint that fits.
    trusted: u64,
    /// Commitments since.
    recent: Vec<Digest>,
    checkpoints: u64,
    at: u64,
    root_at: Option<Digest>,
    bytes: (u64, u64),
    told: u64,
    watch: &'w mut dyn Watch,
    derived: &'w mut dyn Derived,
}

/// Why the walk ended early.
enum Stop {
    Damage(Damage),
    Fault(JournalError),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Fault(error)
    }
}

impl Audit<'_> {
    /// Walks over the segments. `at` asks for the root at one size on the way.
    pub(super) fn walk(
        &self,
        segments: &[u64],
        at: u64,
        watch: &mut dyn Watch,
        derived: &mut dyn Derived,
    ) -> Result<Walked, JournalError> {
        let bytes_of = |first: &u64| self.dir.join(name(*first)).metadata().map_or(0, |facts| facts.len());
        let total = segments.iter().map(bytes_of).sum();
        let frontier = Frontier::new();
        let root_at = (at == 0).then(|| self.root(&frontier)).flatten();
        let mut way = Way {
            frontier,
            trusted: 0,
            recent: Vec::new(),
            checkpoints: 0,
            at,
            root_at,
            bytes: (0, total),
            told: 0,
            watch,
            derived,
        };
        let mut ended = Ok(());
        for (number, first) in segments.iter().enumerate() {
            if self.is_done(&way) || ended.is_err() {
                break;
            }
            ended = self.segment(*first, segments.get(number + 1).copied(), &mut way);
            way.bytes.0 += bytes_of(first);
        }
        let next = way.frontier.size();
        if ended.is_ok() && next < self.size {
            let why = format!("the journal ends here; {} entries were signed", self.size);
            ended = Err(way.damage(next, why));
        }
        let damage = match ended {
            Ok(()) => None,
            Err(Stop::Fault(error)) => return Err(error),
            Err(Stop::Damage(damage)) => Some(self.with_next(damage, segments)),
        };
        Ok(Walked { entries: way.frontier.size(), checkpoints: way.checkpoints, damage, root_at: way.root_at })
    }

    /// A running node may have more behind; of a stopped one everything is looked at.
    fn is_done(&self, way: &Way<'_>) -> bool {
        self.beside == Beside::TheNode && way.checkpoints > 0 && way.trusted >= self.size
    }

    fn segment(&self, first: u64, following: Option<u64>, way: &mut Way<'_>) -> Result<(), Stop> {
        let next = way.frontier.size();
        if first != next {
            let what = if first > next { "is missing" } else { "begins before the one before it ended" };
            let missing = if first > next { next } else { first };
            return Err(way.damage(next, format!("the segment journal/{} {what}", name(missing))));
        }
        let segment = match Segment::open(self.dir, first, Access::ReadOnly) {
            Err(JournalError::Damaged { .. }) => {
                let why =
                    format!("journal/{} is not the segment that its name says, or its head is damaged", name(first));
                return Err(way.damage(next, why));
            }
            opened => opened?,
        };
        let stop = following.unwrap_or(self.size).min(self.size);
        let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
        let (mut offsets, mut looks): (Vec<u32>, usize) = (Vec::new(), 0);
        loop {
            let next = way.frontier.size();
            let offset = frames.offset();
            way.tell(offset);
            match frames.step().map_err(|error| segment.fault(error))? {
                Step::Frame { frame: frame @ (Frame::Entry { index, .. } | Frame::Erased { index, .. }), .. }
                    if index == next && next < stop =>
                {
                    offsets.push(u32::try_from(offset).map_err(|_| segment.damaged(next))?);
                    self.entry(&frame, way);
                }
                Step::Frame { frame: Frame::Checkpoint { size, note }, .. } if size == next => {
                    self.checkpoint(size, note, way)?;
                    if self.is_done(way) {
                        return Ok(());
                    }
                }
                _ if next == stop && way.trusted == next => break,
                Step::Blank { .. } | Step::Bad { .. } if self.beside == Beside::TheNode && looks < LOOKS => {
                    looks += 1;
                    std::thread::sleep(LOOK_PAUSE);
                    frames = segment.frames(offset);
                }
                // The segment ends well and the next one begins later.
                Step::Blank { .. } if way.trusted == next && following.is_some() => {
                    return Err(way.damage(next, format!("the segment journal/{} is missing", name(next))));
                }
                step => return Err(way.damage(next, self.what_stands(&segment, offset, &step))),
            }
        }
        let (end, next) = (frames.offset(), way.frontier.size());
        if following.is_none() {
            // Behind the last batch there may be one that was never acknowledged; recovery looked at it.
            return Ok(());
        }
        if written_bytes(segment.file(), end).map_err(|error| segment.fault(error))? > 0 {
            let why = format!("something stands behind the last entry of journal/{}", name(first));
            return Err(way.damage(next, why));
        }
        way.derived.sealed(first, &offsets);
        Ok(())
    }

    fn entry(&self, frame: &Frame<'_>, way: &mut Way<'_>) {
        let Some(commitment) = frame.commitment() else { return };
        way.watch.entry(frame);
        way.recent.push(commitment);
        way.frontier.push(commitment);
        if way.frontier.size() == way.at {
            way.root_at = self.root(&way.frontier);
        }
        way.derived.grown(&mut way.frontier);
    }

    fn checkpoint(&self, size: u64, note: &[u8], way: &mut Way<'_>) -> Result<(), Stop> {
        let signed = self.keys.open(note).ok();
        let Some(said) = signed.as_ref().map(|signed| signed.checkpoint()).filter(|said| said.size() == size) else {
            let why = format!("the checkpoint that closes entries up to {size} is not signed by this log's key");
            return Err(way.damage(way.trusted, why));
        };
        if self.root(&way.frontier) != Some(said.root()) {
            let exact = self.differing(way, size, &said.root());
            let why = match exact {
                Some(_) => {
                    format!("altered: it is not the entry that the checkpoint of {size} entries was signed over")
                }
                None => format!("from here to entry {size} something is not what was signed: the root is another one"),
            };
            return Err(way.damage(exact.unwrap_or(way.trusted), why));
        }
        way.checkpoints += 1;
        way.trusted = size;
        way.recent.clear();
        Ok(())
    }

    fn root(&self, frontier: &Frontier) -> Option<Digest> {
        root(frontier.size(), |level, index| frontier.node(level, index)).ok()
    }

    /// Which entry since the last good checkpoint is another one, if the published bundles lead to the signed root.
    fn differing(&self, way: &Way<'_>, size: u64, root: &Digest) -> Option<u64> {
        let width = u64::from(TILE_WIDTH);
        let (mut edge, mut differing) = (Edge::new(), None);
        for index in 0..size.div_ceil(width) {
            let widths = (1..=TILE_WIDTH).rev().filter_map(|width| Tile::new(Kind::Entries, index, width).ok());
            let (tile, bytes) = widths.into_iter().find_map(|tile| Some((tile, self.files.read(&tile)?)))?;
            for (number, entry) in (index * width..size).zip(decode_entries(&tile, &bytes).ok()?) {
                edge.push(leaf_hash(entry));
                let place = number.checked_sub(way.trusted).and_then(|place| usize::try_from(place).ok());
                let found = place.and_then(|place| way.recent.get(place));
                if differing.is_none() && found.is_some_and(|found| found.0 != *entry) {
                    differing = Some(number);
                }
            }
        }
        differing.filter(|_| edge.size() == size && edge.root() == *root)
    }

    fn what_stands(&self, segment: &Segment, offset: u64, step: &Step<'_>) -> String {
        let place = format!("journal/{} at byte {offset}", name(segment.first()));
        match step {
            Step::Frame { .. } => format!("another entry or checkpoint stands in its place, in {place}"),
            Step::Blank { .. } => format!("nothing stands in its place, in {place}"),
            Step::Bad { .. } => format!("its bytes are not those that were written, in {place}"),
        }
    }

    /// The next record behind the damage: behind the bad frame by its length, else at the head of a later segment.
    fn with_next(&self, mut damage: Damage, segments: &[u64]) -> Damage {
        let later = segments.iter().filter(|first| **first > damage.index);
        let here = segments.iter().rev().find(|first| **first <= damage.index);
        damage.next_intact = here.and_then(|first| self.behind(*first, damage.index)).or_else(|| {
            later.into_iter().find_map(|first| self.first_behind(*first, SEGMENT_HEADER_BYTES as u64, damage.index))
        });
        damage
    }

    /// Walks to the bad frame of that segment and passes over it by the length that its head gives.
    fn behind(&self, first: u64, index: u64) -> Option<(u64, Vec<u8>)> {
        let segment = Segment::open(self.dir, first, Access::ReadOnly).ok()?;
        let mut frames = segment.frames(SEGMENT_HEADER_BYTES as u64);
        loop {
            match frames.step().ok()? {
                Step::Frame { frame: Frame::Entry { index: found, record, .. }, .. } if found > index => {
                    return Some((found, record.to_vec()));
                }
                Step::Frame { .. } => {}
                Step::Blank { .. } => return None,
                Step::Bad { offset } => {
                    let mut head = [0; FRAME_HEADER_BYTES];
                    segment.file().read_exact_at(&mut head, offset).ok()?;
                    let length = body_bytes(&head).ok()??;
                    let over = offset + (FRAME_HEADER_BYTES + length) as u64;
                    return self.first_behind(first, over, index);
                }
            }
        }
    }

    fn first_behind(&self, first: u64, offset: u64, index: u64) -> Option<(u64, Vec<u8>)> {
        let segment = Segment::open(self.dir, first, Access::ReadOnly).ok()?;
        let mut frames = segment.frames(offset);
        loop {
            match frames.step().ok()? {
                Step::Frame { frame: Frame::Entry { index: found, record, .. }, .. } if found > index => {
                    return Some((found, record.to_vec()));
                }
                Step::Frame { .. } => {}
                Step::Blank { .. } | Step::Bad { .. } => return None,
            }
        }
    }
}

impl Way<'_> {
    fn damage(&self, index: u64, why: String) -> Stop {
        Stop::Damage(Damage { index, why, proven: self.trusted.min(index), next_intact: None })
    }

    fn tell(&mut self, offset: u64) {
        let done = self.bytes.0 + offset;
        if done >= self.told + TOLD_BYTES {
            self.told = done;
            self.watch.read(done, self.bytes.1);
        }
    }
}
