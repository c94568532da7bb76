//! How a folder goes into a package: its files one after the other in packs, each hashed as itself, holes left out. Every
//! pack that is whole is a place to go on from. Refuses a folder that changed since.
//!
//! ```text
//! a.jpg ─┐                                                        list: a.jpg  sha256  [0, 1, 0, n]
//! b.jpg ─┼─► pack 1 ─► vault, fsync ─► list, fsync ─► state, fsync      …
//! c.img ─┴─► pack 2 …                                             a crash goes back to the last line of the state
//! ```

use std::io::Read;

use crate::crypto::digest::Sha256;
use crate::crypto::further::FurtherHashers;
use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::daemon::crash;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::packing::{PackingError, claim, differing, fill, release, take, wanted};
use crate::daemon::packing_state::{Mark, OpenFile};
use crate::daemon::sealing::{SealedPlaintext, Sealing};
use crate::daemon::tree_frames::{Announced, TreeFrame};
use crate::model::ident::{Digest, Id};
use crate::model::limits::{LIST_BYTES_MAX, LISTED_MAX, OBJECTS_MAX, PACK_BYTES, PART_BYTES};
use crate::model::listed::{Extent, ListCheck, Listed, ListedFile};
use crate::model::package::{Item, ItemForm, ItemRole};
use crate::store::packing_dir::{ListFile, PackingDir};
use crate::wire::file_list::{self, FileListError};

/// Seals a folder into a package, from where it was on; gives how far it is.
///
/// # Errors
/// [`PackingError`]; what was sealed before the last whole pack is kept.
pub fn add_tree(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    role: ItemRole,
    input: &mut dyn Read,
) -> Result<Mark, PackingError> {
    let (key, dir, mark, packs) = claim(node, officer, package_id, |package| {
        if package.is_whole() {
            return Err(PackingError::Whole);
        }
        if package.items.iter().any(|item| item.form == ItemForm::File) {
            return Err(PackingError::Mixed);
        }
        let packs = package.items.iter().map(|item| item.plaintext_bytes).collect();
        Ok((package.key.clone(), package.dir.clone(), package.mark.clone(), packs))
    })?;
    let sealed = Tree::open(node, package_id, role, key, dir, mark, packs).and_then(|tree| tree.take_all(input));
    release(node, package_id);
    sealed
}

struct Tree<'a> {
    node: &'a Node,
    package_id: Id,
    role: ItemRole,
    key: PackageKey,
    dir: PackingDir,
    list: ListFile,
    check: ListCheck,
    mark: Mark,
    /// Plaintext bytes of the packs that are whole.
    packs: Vec<u64>,
    pack: Option<Sealing>,
    file: Option<Current>,
}

/// The file that is being sealed.
struct Current {
    announced: Announced,
    sha256: Sha256,
    further: FurtherHashers,
    /// Bytes that were hashed, holes included.
    at: u64,
    /// The run that is being read, and how many of its bytes were.
    run: usize,
    run_done: u64,
    /// Up to there it was sealed before, and how it began then.
    sealed_before: Option<(u64, Digest)>,
    extents: Vec<Extent>,
}

impl<'a> Tree<'a> {
    fn open(
        node: &'a Node,
        package_id: Id,
        role: ItemRole,
        key: PackageKey,
        dir: PackingDir,
        mark: Mark,
        packs: Vec<u64>,
    ) -> Result<Self, PackingError> {
        let mut list = dir.list_from(mark.list_bytes).map_err(PackingError::State)?;
        let mut check = ListCheck::default();
        let mut is_head = true;
        dir.each_listed(mark.list_bytes, |line| {
            if std::mem::take(&mut is_head) {
                return Ok(());
            }
            let entry = file_list::decode(line)?;
            check.take(&entry, |object_id| bytes_of(&packs, object_id)).map_err(FileListError::from)?;
            Ok::<(), PackingError>(())
        })?;
        if mark.list_bytes == 0 {
            list.push(&file_list::encode_head(package_id)).map_err(PackingError::State)?;
        }
        Ok(Self { node, package_id, role, key, dir, list, check, mark, packs, pack: None, file: None })
    }

    fn take_all(mut self, input: &mut dyn Read) -> Result<Mark, PackingError> {
        loop {
            match TreeFrame::read(input)? {
                TreeFrame::Announced(announced) => self.announce(*announced)?,
                TreeFrame::Data(bytes) => self.data(&bytes)?,
                TreeFrame::End => self.end_file()?,
                TreeFrame::Line(line) => self.entry(&file_list::decode(&line)?)?,
                TreeFrame::Broken(why) => {
                    let path = self.file.take().map(|file| file.announced.path);
                    let path = path.ok_or(PackingError::Source(std::io::ErrorKind::InvalidData))?;
                    return Err(PackingError::Broken { path, why });
                }
                TreeFrame::Over => return self.end(),
            }
        }
    }

    fn announce(&mut self, announced: Announced) -> Result<(), PackingError> {
        let mut at = 0;
        for (from, bytes) in &announced.runs {
            let end = from.checked_add(*bytes).filter(|end| *from >= at && *bytes > 0 && *end <= announced.bytes);
            at = end.ok_or(out_of_turn())?;
        }
        let (mut sealed_before, mut extents) = (None, Vec::new());
        if let Some(open) = self.mark.open.take() {
            if open.path != announced.path || self.file.is_some() {
                return Err(PackingError::Changed { path: open.path });
            }
            sealed_before = Some((open.done, open.begins));
            extents = open.places();
        }
        let further = FurtherHashers::new(wanted(&announced.also, &announced.expected));
        let current =
            Current { announced, sha256: Sha256::new(), further, at: 0, run: 0, run_done: 0, sealed_before, extents };
        match self.file.replace(current) {
            Some(_) => Err(out_of_turn()),
            None => Ok(()),
        }
    }

    fn data(&mut self, mut bytes: &[u8]) -> Result<(), PackingError> {
        while !bytes.is_empty() {
            let file = self.file.as_mut().ok_or(out_of_turn())?;
            let (from, length) = file.announced.runs.get(file.run).copied().ok_or(out_of_turn())?;
            file.hole_up_to(from)?;
            let mut piece = length - file.run_done;
            if let Some((done, _)) = file.sealed_before {
                // Was sealed before: hashed again, so that one digest covers the file.
                piece = piece.min(done.saturating_sub(file.at).max(1));
            } else {
                if self.pack.as_ref().is_some_and(|pack| pack.plaintext_bytes() >= self.pack_room()) {
                    self.end_pack()?;
                }
                piece = piece.min(self.pack_room() - self.pack.as_ref().map_or(0, Sealing::plaintext_bytes));
            }
            let count = usize::try_from(piece).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(count);
            self.piece(now)?;
            bytes = later;
        }
        Ok(())
    }

    /// Bytes of one run that go to one place.
    fn piece(&mut self, bytes: &[u8]) -> Result<(), PackingError> {
        let count = bytes.len() as u64;
        let before = self.file.as_ref().is_some_and(|file| file.sealed_before.is_some());
        if !before {
            let object_id = self.next_object()?;
            if self.pack.is_none() {
                let key = self.key.object_key(ObjectScope { seal_id: self.package_id, object_id });
                self.pack = Some(Sealing::begin(&self.node.vault, key, self.package_id, object_id)?);
            }
            let pack = self.pack.as_mut().ok_or(out_of_turn())?;
            let from = pack.plaintext_bytes();
            pack.push(bytes)?;
            let file = self.file.as_mut().ok_or(out_of_turn())?;
            file.place(Extent { at: file.at, object_id, from, bytes: count });
        }
        let file = self.file.as_mut().ok_or(out_of_turn())?;
        file.advance(bytes)?;
        file.run_done += count;
        if file.announced.runs.get(file.run).is_some_and(|(_, length)| file.run_done == *length) {
            file.run += 1;
            file.run_done = 0;
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), PackingError> {
        let mut file = self.file.take().ok_or(out_of_turn())?;
        if file.run != file.announced.runs.len() {
            return Err(out_of_turn());
        }
        file.hole_up_to(file.announced.bytes)?;
        if file.sealed_before.is_some() {
            return Err(PackingError::Changed { path: file.announced.path });
        }
        let further = file.further.finish();
        if let Some((found, wanted)) = differing(&further, &file.announced.expected) {
            return Err(PackingError::Digest { name: file.announced.path.to_string(), found, wanted });
        }
        self.entry(&Listed::File(ListedFile {
            path: file.announced.path,
            bytes: file.announced.bytes,
            sha256: file.sha256.finish(),
            modified_ms: file.announced.modified_ms,
            further,
            extents: file.extents,
        }))
    }

    fn entry(&mut self, entry: &Listed) -> Result<(), PackingError> {
        if self.file.is_some() {
            return Err(out_of_turn());
        }
        if let Some(open) = &self.mark.open {
            return Err(PackingError::Changed { path: open.path.clone() });
        }
        let (packs, sealing) = (&self.packs, self.pack.as_ref().map_or(0, Sealing::plaintext_bytes));
        let open = packs.len() + 1;
        let bytes = |object_id| {
            bytes_of(packs, object_id).or_else(|| (usize::try_from(object_id).ok() == Some(open)).then_some(sealing))
        };
        self.check.take(entry, bytes).map_err(FileListError::from)?;
        self.mark.entries += 1;
        if let Listed::File(file) = entry {
            self.mark.bytes += file.bytes;
        }
        let line = file_list::encode(entry);
        if self.mark.entries > LISTED_MAX || self.list.bytes() + line.len() as u64 > LIST_BYTES_MAX {
            return Err(FileListError::Many.into());
        }
        self.list.push(&line).map_err(PackingError::State)
    }

    /// Makes the open pack whole: a place to go on from.
    fn end_pack(&mut self) -> Result<(), PackingError> {
        let Some(pack) = self.pack.take() else { return Ok(()) };
        let sealed = pack.finish()?;
        crash::point("seal: pack in the vault, not noted");
        self.list.sync().map_err(PackingError::State)?;
        let mark = Mark {
            list_bytes: self.list.bytes(),
            open: self.file.as_ref().filter(|file| file.at > 0).map(Current::open),
            ..self.mark
        };
        self.packs.push(sealed.plaintext_bytes);
        let name = format!("pack-{:04}", sealed.blob.object_id);
        let description = "Bytes of files one after the other; the list, which is the last item, says which.";
        self.keep(sealed, name, "application/octet-stream", ItemForm::Pack, description.to_owned(), mark)?;
        crash::point("seal: pack noted");
        Ok(())
    }

    fn end(mut self) -> Result<Mark, PackingError> {
        if let Some(open) = self.mark.open.take() {
            return Err(PackingError::Changed { path: open.path });
        }
        if self.file.is_some() || self.mark.entries == 0 {
            return Err(out_of_turn());
        }
        self.end_pack()?;
        self.list.sync().map_err(PackingError::State)?;
        let mark = Mark { list_bytes: self.list.bytes(), open: None, ..self.mark };
        let object_id = self.next_object()?;
        let key = self.key.object_key(ObjectScope { seal_id: self.package_id, object_id });
        let mut sealing = Sealing::begin(&self.node.vault, key, self.package_id, object_id)?;
        let mut list = self.dir.read_list(mark.list_bytes).map_err(PackingError::State)?;
        let mut block = vec![0; PART_BYTES];
        loop {
            let count = fill(&mut list, &mut block)?;
            let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            sealing.push(bytes)?;
        }
        let totals = self.check.totals();
        let description = format!("The list of the files: {} files, together {} bytes.", totals.files, totals.bytes);
        let (name, media_type) = (file_list::NAME.to_owned(), file_list::MEDIA_TYPE);
        self.keep(sealing.finish()?, name, media_type, ItemForm::List, description, mark.clone())?;
        Ok(mark)
    }

    fn keep(
        &self,
        sealed: SealedPlaintext,
        name: String,
        media_type: &str,
        form: ItemForm,
        description: String,
        mark: Mark,
    ) -> Result<(), PackingError> {
        let item = Item {
            object_id: sealed.blob.object_id,
            name,
            media_type: media_type.to_owned(),
            plaintext_bytes: sealed.plaintext_bytes,
            sha256: sealed.sha256,
            ciphertext_root: sealed.blob.root,
            role: self.role,
            description,
            form,
            further: Vec::new(),
        };
        take(self.node, self.package_id, item, sealed, Some(mark)).map(|_| ())
    }

    /// The number of the next object. One is left for the list.
    fn next_object(&self) -> Result<u32, PackingError> {
        let number = self.packs.len() + 1;
        if number > OBJECTS_MAX {
            Err(PackingError::Full)
        } else {
            u32::try_from(number).map_err(|_| PackingError::Full)
        }
    }

    /// How much the open pack, or the next one, takes.
    fn pack_room(&self) -> u64 {
        let number = u32::try_from(self.packs.len() + 1).unwrap_or(u32::MAX);
        let fits = PACK_BYTES.iter().find(|(last, _)| number <= *last).or(PACK_BYTES.last());
        fits.map_or(1, |(_, bytes)| *bytes)
    }
}

impl Current {
    /// Takes bytes of the file in order, and compares it with how it began before once that much of it went by.
    fn advance(&mut self, bytes: &[u8]) -> Result<(), PackingError> {
        self.sha256.update(bytes);
        self.further.update(bytes);
        self.at += bytes.len() as u64;
        let Some((done, begins)) = self.sealed_before else { return Ok(()) };
        if self.at == done && self.sha256.clone().finish() == begins {
            self.sealed_before = None;
        } else if self.at >= done {
            return Err(PackingError::Changed { path: self.announced.path.clone() });
        }
        Ok(())
    }

    /// Takes the zeros of a hole.
    fn hole_up_to(&mut self, end: u64) -> Result<(), PackingError> {
        const ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        while self.run_done == 0 && self.at < end {
            let count = usize::try_from(end - self.at).unwrap_or(usize::MAX).min(ZEROS.len());
            // Not beyond the place where it was sealed up to before.
            let before = self.sealed_before.map_or(u64::MAX, |(done, _)| done.saturating_sub(self.at).max(1));
            let count = count.min(usize::try_from(before).unwrap_or(usize::MAX));
            self.advance(ZEROS.get(..count).unwrap_or_default())?;
        }
        Ok(())
    }

    fn place(&mut self, extent: Extent) {
        match self.extents.last_mut() {
            Some(last)
                if last.at + last.bytes == extent.at
                    && last.object_id == extent.object_id
                    && last.from + last.bytes == extent.from =>
            {
                last.bytes += extent.bytes;
            }
            _ => self.extents.push(extent),
        }
    }

    fn open(&self) -> OpenFile {
        OpenFile {
            path: self.announced.path.clone(),
            done: self.at,
            begins: self.sha256.clone().finish(),
            extents: self.extents.iter().map(|one| (one.at, one.object_id, one.from, one.bytes)).collect(),
        }
    }
}

fn bytes_of(packs: &[u64], object_id: u32) -> Option<u64> {
    packs.get(usize::try_from(object_id).ok()?.checked_sub(1)?).copied()
}

/// The officer's program is another version, or sends in another order than it should.
const fn out_of_turn() -> PackingError {
    PackingError::Source(std::io::ErrorKind::InvalidData)
}
