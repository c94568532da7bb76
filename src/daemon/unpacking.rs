//! How officers take files out of a package that is a folder: all, or those that are named, also while others still arrive.
//! Refuses what a rule blocks, and gives each file with its digest checked on the way.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};

use crate::crypto::digest::Sha256;
use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::daemon::desk::{self, DeskError};
use crate::daemon::evidence::{self, Arrived, EvidenceError};
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::pack_reader::PackReader;
use crate::daemon::plaintext::{Plaintext, PlaintextError};
use crate::daemon::tree_frames::{TreeFrame, put_data};
use crate::daemon::uses::{self, NewUse};
use crate::daemon::{clock, crash, destroying};
use crate::exchange::act::Scene;
use crate::exchange::rows::{Direction, MessageRow};
use crate::law::conditions::asked::{Act, Asked};
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::Id;
use crate::model::limits::{LIST_LEN_MAX, LIST_LINE_BYTES_MAX, PART_BYTES};
use crate::model::listed::{Listed, ListedFile};
use crate::model::package::Consignment;
use crate::model::path::RelativePath;
use crate::wire::file_list::ListReader;

/// Which files of a folder are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These, and what is below them; all without.
    pub paths: Vec<RelativePath>,
}

impl Selection {
    fn takes(&self, path: &RelativePath) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|wanted| path.is_within(wanted))
    }
}

/// A folder on its way out. Ready to be read: whatever could fail before has not.
#[derive(Debug)]
pub struct Unpacking {
    package_id: Id,
    consignment: Consignment,
    key: PackageKey,
    selection: Selection,
    /// Objects that are not here yet; files in them are left out.
    absent: BTreeSet<u32>,
}

/// Reads the list of a package that is a folder: gives each entry to `take`, with whether all its bytes are here.
///
/// # Errors
/// [`EvidenceError`] when the package has no list, or it is not here yet or not to be used.
pub fn list(node: &Node, package_id: Id, take: &mut dyn FnMut(&Listed, Here) -> bool) -> Result<(), EvidenceError> {
    let package = node.package(package_id).map_err(DeskError::from)?;
    if let Some(told) = destroying::told(node, package_id).map_err(DeskError::from)? {
        return Err(EvidenceError::Destroyed { told });
    }
    let row = node.message(package.message_id).map_err(DeskError::from)?;
    let opened = Unpacking::of(node, &row, package_id, Selection::default())?;
    opened.each(node, &mut |entry| Ok(take(entry, opened.here(entry))))
}

/// Whether all bytes of a file are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// Yes.
    Whole,
    /// Some are still to come.
    Arriving,
}

/// Opens a folder, or some of its files: logs the opening, then gives what is to be read.
///
/// # Errors
/// [`EvidenceError`] names the rule, or the path that is not in the list.
pub fn open(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    selection: Selection,
    new: &NewUse,
    wanted: Arrived,
) -> Result<Unpacking, EvidenceError> {
    // Every condition of the package counts, whichever of its files it names: packs hold files together.
    let asked = Asked { act: Act::Open, objects: Vec::new(), ..new.asked.clone() };
    let (package, row) = evidence::admitted_as(node, officer, package_id, &asked, wanted)?;
    let opened = Unpacking::of(node, &row, package_id, selection)?;
    let (mut objects, mut files, mut met) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    opened.each(node, &mut |entry| {
        for (place, path) in opened.selection.paths.iter().enumerate() {
            if entry.path().is_within(path) {
                met.insert(place);
            }
        }
        if let Listed::File(file) = entry
            && opened.selection.takes(&file.path)
            && opened.here(entry) == Here::Whole
        {
            objects.extend(file.extents.iter().map(|extent| extent.object_id));
            if files.len() <= LIST_LEN_MAX {
                files.push(NamedDigest::new("file", file.sha256));
            }
        }
        Ok(true)
    })?;
    if let Some(path) = opened.selection.paths.iter().enumerate().find(|(place, _)| !met.contains(place)) {
        return Err(EvidenceError::NoPath(path.1.clone()));
    }
    let actor = officer.acting_as(evidence::roles_for(row.kind)).map_err(DeskError::from)?;
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    let list = opened.consignment.list().map(|item| item.object_id);
    let named = |item: &&crate::model::package::Item| objects.contains(&item.object_id) || Some(item.object_id) == list;
    let items = opened.consignment.items.iter().filter(named);
    let mut digests: Vec<NamedDigest> =
        items.map(|item| NamedDigest::new(&format!("object/{}", item.object_id), item.sha256)).collect();
    // Few files that were picked are named one by one; of a whole folder the list names them all.
    if !opened.selection.paths.is_empty() && files.len() <= LIST_LEN_MAX {
        digests.extend(files);
    }
    let mut entry = scene.handled(Event::PackageOpened, &row, &new.purpose, digests);
    uses::enclose(&mut entry, &asked);
    node.commit(entry).map_err(DeskError::from)?;
    if package.complete_index.is_some() {
        evidence::tell_sender(node, &package, &row)?;
    }
    crash::point("open: logged, not released");
    Ok(opened)
}

impl Unpacking {
    fn of(node: &Node, row: &MessageRow, package_id: Id, selection: Selection) -> Result<Self, EvidenceError> {
        let message = desk::read_message(node, row)?;
        let consignment = message.consignment.clone().ok_or(EvidenceError::NoList(package_id))?;
        let list = consignment.list().ok_or(EvidenceError::NoList(package_id))?;
        let is_absent = |object_id: u32| !node.vault.contains(package_id, object_id);
        if row.direction == Direction::Incoming && is_absent(list.object_id) {
            return Err(EvidenceError::Arriving);
        }
        let absent = consignment.items.iter().map(|item| item.object_id).filter(|id| is_absent(*id)).collect();
        let key = evidence::package_key(node, row, package_id)?;
        Ok(Self { package_id, consignment, key, selection, absent })
    }

    /// Gives the stream of the folder, frame by frame, until `give` refuses.
    ///
    /// # Errors
    /// [`EvidenceError`] when something is not as it was sealed and signed; the stream then has no end mark.
    pub fn give_all(&self, node: &Node, give: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), EvidenceError> {
        let mut block = Vec::with_capacity(PART_BYTES);
        let mut pack: Option<(u32, PackReader)> = None;
        let mut wanted = true;
        self.each(node, &mut |entry| {
            if !self.selection.takes(entry.path()) || self.here(entry) != Here::Whole {
                return Ok(true);
            }
            TreeFrame::Line(crate::wire::file_list::encode(entry)).encode_to(&mut block);
            if let Listed::File(file) = entry {
                wanted &= self.give_file(node, file, &mut pack, &mut block, give)?;
            }
            if block.len() >= PART_BYTES / 2 {
                wanted &= give(std::mem::take(&mut block));
            }
            Ok(wanted)
        })?;
        TreeFrame::Over.encode_to(&mut block);
        give(block);
        Ok(())
    }

    fn give_file(
        &self,
        node: &Node,
        file: &ListedFile,
        pack: &mut Option<(u32, PackReader)>,
        block: &mut Vec<u8>,
        give: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Result<bool, EvidenceError> {
        const ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        let (mut sha256, mut at) = (Sha256::new(), 0_u64);
        let hole = |sha256: &mut Sha256, at: &mut u64, end: u64| {
            while *at < end {
                let count = usize::try_from(end - *at).unwrap_or(usize::MAX).min(ZEROS.len());
                sha256.update(ZEROS.get(..count).unwrap_or_default());
                *at += count as u64;
            }
        };
        for extent in &file.extents {
            hole(&mut sha256, &mut at, extent.at);
            if pack.as_ref().is_none_or(|(held, _)| *held != extent.object_id) {
                *pack = Some((extent.object_id, self.pack(node, extent.object_id)?));
            }
            let Some((_, reader)) = pack.as_mut() else { return Ok(false) };
            let mut done = 0;
            while done < extent.bytes {
                let mut piece = Vec::new();
                let count = reader.read(extent.from + done, extent.bytes - done, &mut piece)?;
                sha256.update(&piece);
                put_data(&piece, block);
                done += count;
                if block.len() >= PART_BYTES / 2 && !give(std::mem::take(block)) {
                    return Ok(false);
                }
            }
            at += extent.bytes;
        }
        hole(&mut sha256, &mut at, file.bytes);
        if sha256.finish() != file.sha256 {
            return Err(EvidenceError::File(file.path.clone()));
        }
        TreeFrame::End.encode_to(block);
        Ok(true)
    }

    fn pack(&self, node: &Node, object_id: u32) -> Result<PackReader, EvidenceError> {
        let key = self.key.object_key(ObjectScope { seal_id: self.package_id, object_id });
        let item = self.consignment.items.iter().find(|item| item.object_id == object_id);
        let item = item.ok_or(EvidenceError::NoItem { package_id: self.package_id, object_id })?;
        let reader = node.vault.reader(self.package_id, object_id, &item.ciphertext_root)?;
        Ok(PackReader::open(reader, &key)?)
    }

    fn here(&self, entry: &Listed) -> Here {
        match entry {
            Listed::File(file) if file.extents.iter().any(|extent| self.absent.contains(&extent.object_id)) => {
                Here::Arriving
            }
            _ => Here::Whole,
        }
    }

    /// Reads the list from its beginning, checked, until `take` says that it is enough.
    fn each(
        &self,
        node: &Node,
        take: &mut dyn FnMut(&Listed) -> Result<bool, EvidenceError>,
    ) -> Result<(), EvidenceError> {
        let item = self.consignment.list().ok_or(EvidenceError::NoList(self.package_id))?;
        let scope = ObjectScope { seal_id: self.package_id, object_id: item.object_id };
        let reader = node.vault.reader(self.package_id, item.object_id, &item.ciphertext_root)?;
        let plaintext = Plaintext::new(reader, self.key.object_key(scope), item.clone());
        let mut input = BufReader::with_capacity(1 << 18, plaintext);
        let (mut checked, mut line) = (ListReader::new(&self.consignment), Vec::new());
        loop {
            line.clear();
            let limit = u64::try_from(LIST_LINE_BYTES_MAX).unwrap_or(u64::MAX);
            if (&mut input).take(limit).read_until(b'\n', &mut line).map_err(EvidenceError::Plain)? == 0 {
                checked.finish()?;
                return Ok(());
            }
            if let Some(entry) = checked.take(&line)?
                && !take(&entry)?
            {
                return Ok(());
            }
        }
    }
}

impl From<PlaintextError> for EvidenceError {
    fn from(error: PlaintextError) -> Self {
        Self::Plain(std::io::Error::other(error))
    }
}
