//! A walked folder as the stream that the node seals: each file announced, read once, holes left out. Refuses a file that
//! changes while it is read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, SeekFrom, seek};

use crate::cli::meter::Meter;
use crate::cli::walk::{Found, Kind, Walk};
use crate::daemon::tree_frames::{Announced, TreeFrame, put_data};
use crate::model::limits::{EXTENTS_MAX, HOLE_BYTES_MIN, LINE_BYTES_MAX};
use crate::model::listed::{FurtherAlgorithm, FurtherDigest, Listed};
use crate::model::path::RelativePath;
use crate::wire::file_list;

/// Bytes that are read from a file at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// Further digests that are wanted of the files of a folder.
#[derive(Debug, Clone, Default)]
pub struct Also {
    /// To be made of every file.
    pub made: Vec<FurtherAlgorithm>,
    /// To be compared: of the one file if no path is named.
    pub expected: Vec<(Option<RelativePath>, FurtherDigest)>,
}

impl Also {
    fn expected_of(&self, path: &RelativePath) -> Vec<FurtherDigest> {
        let named =
            |(wanted, _): &&(Option<RelativePath>, FurtherDigest)| wanted.as_ref().is_none_or(|one| one == path);
        self.expected.iter().filter(named).map(|(_, digest)| digest.clone()).collect()
    }
}

/// The stream.
pub struct TreeSource {
    walk: Walk,
    /// What was taken from the walk already and comes first.
    next: Option<Found>,
    also: Also,
    meter: Meter,
    file: Option<Reading>,
    ready: Vec<u8>,
    given: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Walking,
    Over,
}

struct Reading {
    file: File,
    begun: Metadata,
    runs: std::vec::IntoIter<(u64, u64)>,
    left: u64,
}

impl TreeSource {
    /// The stream of what `next` and then `walk` give.
    pub fn new(walk: Walk, next: Option<Found>, also: Also, meter: Meter) -> Self {
        let (file, ready) = (None, Vec::with_capacity(4 * BLOCK_BYTES));
        Self { walk, next, also, meter, file, ready, given: 0, state: State::Walking }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        // Many small files make one block.
        while self.ready.len() < BLOCK_BYTES && self.state == State::Walking {
            if self.file.is_some() {
                if let Err(error) = self.read_on() {
                    self.broken(&error);
                }
                continue;
            }
            match self.next.take().map(Ok).or_else(|| self.walk.next()) {
                Some(Ok(found)) => self.begin(found),
                Some(Err(error)) => return Err(io::Error::other(format!("{error:#}"))),
                None => {
                    TreeFrame::Over.encode_to(&mut self.ready);
                    self.state = State::Over;
                    self.meter.clear();
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, found: Found) {
        let entry = match found.kind {
            Kind::File(_) => return self.begin_file(found.path, &found.disk),
            Kind::EmptyFolder => Listed::Folder(found.path),
            Kind::Link(target) => Listed::Link { path: found.path, target: target_text(&target) },
            Kind::Special => Listed::Special(found.path),
        };
        TreeFrame::Line(file_list::encode(&entry)).encode_to(&mut self.ready);
    }

    fn begin_file(&mut self, path: RelativePath, disk: &Path) {
        let opened = open(disk);
        let (bytes, modified_ms) = opened.as_ref().map_or((0, None), |(_, facts, _)| (facts.len(), modified_ms(facts)));
        let runs = opened.as_ref().map(|(_, _, runs)| runs.clone()).unwrap_or_default();
        let expected = self.also.expected_of(&path);
        let announced = Announced { path, bytes, modified_ms, also: self.also.made.clone(), expected, runs };
        TreeFrame::Announced(Box::new(announced)).encode_to(&mut self.ready);
        match opened {
            Ok((file, begun, runs)) => self.file = Some(Reading { file, begun, runs: runs.into_iter(), left: 0 }),
            Err(error) => self.broken(&error),
        }
    }

    fn read_on(&mut self) -> io::Result<()> {
        let Some(reading) = &mut self.file else { return Ok(()) };
        if reading.left == 0 {
            match reading.runs.next() {
                Some((at, bytes)) => {
                    seek(reading.file.as_fd(), SeekFrom::Start(at))?;
                    reading.left = bytes;
                }
                None => {
                    let now = reading.file.metadata()?;
                    let same = now.len() == reading.begun.len() && modified_ms(&now) == modified_ms(&reading.begun);
                    self.file = None;
                    if !same {
                        return Err(io::Error::other("it changed while it was read"));
                    }
                    TreeFrame::End.encode_to(&mut self.ready);
                    return Ok(());
                }
            }
        }
        let mut block = [0; BLOCK_BYTES];
        let wanted = usize::try_from(reading.left).unwrap_or(usize::MAX).min(BLOCK_BYTES);
        let (block, _) = block.split_at_mut(wanted);
        let count = reading.file.read(block)?;
        if count == 0 {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        reading.left -= count as u64;
        self.meter.add(count as u64);
        put_data(block.get(..count).unwrap_or_default(), &mut self.ready);
        Ok(())
    }

    fn broken(&mut self, error: &io::Error) {
        let mut why = error.to_string();
        why.truncate(why.floor_char_boundary(LINE_BYTES_MAX));
        TreeFrame::Broken(why).encode_to(&mut self.ready);
        self.state = State::Over;
    }
}

impl Read for TreeSource {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill()?;
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

/// When a file was changed last, milliseconds since 1970.
pub fn modified_ms(facts: &Metadata) -> Option<i64> {
    facts.mtime().checked_mul(1_000)?.checked_add(facts.mtime_nsec() / 1_000_000)
}

/// What a link points to, as text of bounded length.
pub fn target_text(target: &Path) -> String {
    target.display().to_string().replace(char::is_control, "\u{fffd}")
}

/// Opens what the walk found to be a file: if it was turned into a link or a pipe meanwhile, it is refused and nobody waits.
fn open(disk: &Path) -> io::Result<(File, Metadata, Vec<(u64, u64)>)> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(|_| io::ErrorKind::Unsupported)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(disk)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(io::Error::other("it is no plain file any more"));
    }
    let runs = runs(&file, &facts)?;
    Ok((file, facts, runs))
}

/// Whether a file takes less room on its disk than its length says.
pub fn is_sparse(facts: &Metadata) -> bool {
    facts.blocks().saturating_mul(512) < facts.len()
}

/// The runs of data in a file: `[at, bytes]`, ascending. Short holes are data; so is all behind the last run that is counted.
fn runs(file: &File, facts: &Metadata) -> io::Result<Vec<(u64, u64)>> {
    let length = facts.len();
    if length == 0 {
        return Ok(Vec::new());
    }
    if !is_sparse(facts) {
        return Ok(vec![(0, length)]);
    }
    let mut runs: Vec<(u64, u64)> = Vec::new();
    let mut at = 0;
    while at < length {
        let from = match seek(file, SeekFrom::Data(at)) {
            Ok(from) => from,
            // Nothing but a hole up to the end.
            Err(rustix::io::Errno::NXIO) => break,
            // A file system that does not say where its holes are.
            Err(rustix::io::Errno::INVAL) => return Ok(vec![(0, length)]),
            Err(error) => return Err(error.into()),
        };
        // Some of the pieces will be cut once more where a pack ends.
        let to = if runs.len() >= EXTENTS_MAX / 4 { length } else { seek(file, SeekFrom::Hole(from))?.min(length) };
        match runs.last_mut() {
            Some((start, bytes)) if from.saturating_sub(*start + *bytes) < HOLE_BYTES_MIN => *bytes = to - *start,
            _ if from < to => runs.push((from, to - from)),
            _ => {}
        }
        at = to.max(at + 1);
    }
    Ok(runs)
}

/// How many files and bytes there are to seal, and whether one of them has holes or is large.
pub fn measure(roots: &[PathBuf]) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    for found in Walk::of(roots)? {
        let found = found?;
        match found.kind {
            Kind::File(facts) => {
                measured.files += 1;
                measured.bytes = measured.bytes.saturating_add(facts.len());
                measured.stored = measured.stored.saturating_add(facts.len().min(facts.blocks().saturating_mul(512)));
                measured.largest = measured.largest.max(facts.len());
                measured.sparse |= is_sparse(&facts);
            }
            Kind::Link(_) | Kind::Special => measured.passed_over.push(found.path.to_string()),
            Kind::EmptyFolder => {}
        }
    }
    Ok(measured)
}

/// What there is to seal.
#[derive(Debug, Default)]
pub struct Measured {
    /// Files.
    pub files: u64,
    /// Their bytes, holes included.
    pub bytes: u64,
    /// Their bytes without holes, as their disk counts them.
    pub stored: u64,
    /// Bytes of the largest.
    pub largest: u64,
    /// Whether one has holes.
    pub sparse: bool,
    /// Links and special files.
    pub passed_over: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::cli::show::Form;

    fn frames(root: &Path) -> Vec<TreeFrame> {
        let meter = Meter::begin("sealing", None, 0, Form::Json);
        let mut source = TreeSource::new(Walk::of(&[root.to_owned()]).unwrap(), None, Also::default(), meter);
        let mut frames = Vec::new();
        loop {
            frames.push(TreeFrame::read(&mut source).unwrap());
            if matches!(frames.last(), Some(TreeFrame::Over | TreeFrame::Broken(_))) {
                return frames;
            }
        }
    }

    #[test]
    fn a_file_with_holes_is_sent_without_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image");
        let file = File::create(&path).unwrap();
        file.write_all_at(&[1; 70_000], 10 << 20).unwrap();
        file.set_len(30 << 20).unwrap();
        let frames = frames(&path);
        let TreeFrame::Announced(announced) = &frames[0] else { panic!("{:?}", frames[0]) };
        assert_eq!(announced.bytes, 30 << 20);
        let sent: usize =
            frames.iter().map(|frame| if let TreeFrame::Data(bytes) = frame { bytes.len() } else { 0 }).sum();
        assert_eq!(sent as u64, announced.runs.iter().map(|(_, bytes)| bytes).sum::<u64>());
        // A file system without holes gives the whole file: then there is nothing to leave out.
        assert!(announced.runs == [(0, 30 << 20)] || sent < 1 << 20, "{:?}", announced.runs);
        assert_eq!(frames.last(), Some(&TreeFrame::Over));
    }

    #[test]
    fn what_cannot_be_opened_any_more_ends_the_stream_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), b"abc").unwrap();
        let found = Walk::of(&[dir.path().join("a")]).unwrap().next().unwrap().unwrap();
        std::fs::remove_file(dir.path().join("a")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("a")).unwrap();
        let meter = Meter::begin("sealing", None, 0, Form::Json);
        let mut source = TreeSource::new(Walk::of(&[]).unwrap(), Some(found), Also::default(), meter);
        assert!(matches!(TreeFrame::read(&mut source).unwrap(), TreeFrame::Announced(_)));
        assert!(matches!(TreeFrame::read(&mut source).unwrap(), TreeFrame::Broken(_)));
    }
}
