//! A package that is being filled, in memory and on disk: what of it is whole, and where to go on. Refuses a state that
//! contradicts itself rather than guess what was sealed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crypto::package_key::PackageKey;
use crate::daemon::node::Node;
use crate::daemon::packing::{PackingError, Purpose};
use crate::model::base64;
use crate::model::envelope::{Blob, Stanza};
use crate::model::ident::{Digest, Id, OfficerName};
use crate::model::listed::Extent;
use crate::model::package::{Item, ItemForm};
use crate::model::path::RelativePath;
use crate::store::packing_dir::PackingDir;

/// A package that is being filled.
#[derive(Debug)]
pub(super) struct OpenPackage {
    pub(super) dir: PackingDir,
    pub(super) key: PackageKey,
    pub(super) officer: OfficerName,
    pub(super) purpose: Option<Purpose>,
    pub(super) plan: Value,
    pub(super) items: Vec<Item>,
    pub(super) blobs: Vec<Blob>,
    pub(super) mark: Mark,
    pub(super) busy: Busy,
}

/// Whether somebody fills it at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    No,
    Sealing,
}

/// How far the folder of a package is sealed: all before it is durable, all behind it is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes of the list of files.
    pub list_bytes: u64,
    /// Entries in it: files, folders, links.
    pub entries: u64,
    /// Bytes of the files in it.
    pub bytes: u64,
    /// The file that goes on in the next object.
    pub open: Option<OpenFile>,
}

/// A file of which the beginning is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    /// Which.
    pub path: RelativePath,
    /// How many of its bytes, holes included.
    pub done: u64,
    /// SHA-256 of them: the file must still begin like that when sealing goes on.
    pub begins: Digest,
    /// Where they are: `[at, object, from, bytes]`.
    pub extents: Vec<(u64, u32, u64, u64)>,
}

impl OpenFile {
    /// Where its bytes are.
    pub fn places(&self) -> Vec<Extent> {
        let extent = |&(at, object_id, from, bytes): &(u64, u32, u64, u64)| Extent { at, object_id, from, bytes };
        self.extents.iter().map(extent).collect()
    }
}

/// A line of the state on disk.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// The first.
    Begun {
        officer: String,
        #[serde(default)]
        purpose: Option<Purpose>,
        #[serde(default)]
        plan: Value,
        /// The package key, wrapped to this node's archive key: it lies on no disk in the clear.
        stanza: String,
    },
    /// An object that is whole in the vault.
    Sealed { item: Box<Item>, ciphertext_bytes: u64, commitment: Digest, mark: Option<Mark> },
}

impl Line {
    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("invariant: a line of state is made of text and numbers")
    }
}

impl OpenPackage {
    /// Takes an object that is whole in the vault into the state, durably.
    pub(super) fn take(&mut self, item: Item, blob: Blob, mark: Option<Mark>) -> Result<(), PackingError> {
        let line = Line::Sealed {
            ciphertext_bytes: blob.ciphertext_bytes,
            commitment: blob.commitment,
            item: Box::new(item.clone()),
            mark: mark.clone(),
        };
        self.dir.append(&line.bytes()).map_err(PackingError::State)?;
        self.items.push(item);
        self.blobs.push(blob);
        if let Some(mark) = mark {
            self.mark = mark;
        }
        Ok(())
    }

    /// Whether its folder is sealed to the end.
    pub(super) fn is_whole(&self) -> bool {
        self.items.last().is_some_and(|item| item.form == ItemForm::List)
    }
}

/// Reads the state of a package that an earlier process of this node began.
///
/// # Errors
/// [`PackingError::Damaged`] when the state or the vault does not hold what it should.
pub(super) fn read(node: &Node, package_id: Id, dir: PackingDir) -> Result<OpenPackage, PackingError> {
    let damaged = || PackingError::Damaged(package_id);
    let lines = dir.lines().map_err(PackingError::State)?;
    let mut lines = lines.iter().map(|line| serde_json::from_slice::<Line>(line).map_err(|_| damaged()));
    let Some(Line::Begun { officer, purpose, plan, stanza }) = lines.next().transpose()? else {
        return Err(damaged());
    };
    let officer = officer.parse().map_err(|_| damaged())?;
    let wrapped = base64::decode(&stanza).map_err(|_| damaged())?;
    let stanza = Stanza { recipient: node.us().clone(), key_id: node.keys().archive.id(), wrapped };
    let key = node.keys().ring.open(&[stanza], package_id, node.us(), node.us()).map_err(|_| damaged())?;
    let (items, blobs, mark) = (Vec::new(), Vec::new(), Mark::default());
    let mut open = OpenPackage { dir, key, officer, purpose, plan, items, blobs, mark, busy: Busy::No };
    for line in lines {
        let Line::Sealed { item, ciphertext_bytes, commitment, mark } = line? else { return Err(damaged()) };
        let expected = open.items.len() + 1;
        if usize::try_from(item.object_id).ok() != Some(expected) || !node.vault.contains(package_id, item.object_id) {
            return Err(damaged());
        }
        let (object_id, root) = (item.object_id, item.ciphertext_root);
        open.blobs.push(Blob { object_id, ciphertext_bytes, root, commitment });
        open.items.push(*item);
        open.mark = mark.unwrap_or(open.mark);
    }
    Ok(open)
}
