//! How officers fill a package: each file is hashed (SHA-256, the forensic digest) and sealed into the vault in one pass.
//! Refuses another officer's package, two files at once, and more files than a package holds.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::crypto::chunk::SALT_BYTES;
use crate::crypto::digest::Sha256;
use crate::crypto::package_key::{ObjectKey, ObjectScope, PackageKey};
use crate::crypto::payload::{SealError, Sealer};
use crate::crypto::random;
use crate::crypto::stanza::{WRAP_RANDOM_BYTES, WrapError, wrap};
use crate::daemon::desk::DeskError;
use crate::daemon::evidence::{ATTACHMENTS, EvidenceError};
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, crash, drafting};
use crate::exchange::act::{DraftFiles, archive_scope};
use crate::model::envelope::Blob;
use crate::model::ident::{AuthorityId, Digest, Id, OfficerName};
use crate::model::limits::{OBJECTS_MAX, PART_BYTES};
use crate::model::package::{Consignment, Item, ItemRole};
use crate::store::object_writer::WriteError;
use crate::store::vault::VaultError;

/// Packages that are being filled and are not drafted yet. They live as long as the process: a seal that is broken off
/// leaves nothing in the log, and its files are removed at the next start.
#[derive(Debug, Default)]
pub struct OpenPackages(Mutex<BTreeMap<Id, OpenPackage>>);

#[derive(Debug)]
struct OpenPackage {
    key: PackageKey,
    officer: OfficerName,
    items: Vec<Item>,
    blobs: Vec<Blob>,
    busy: Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    No,
    Sealing,
}

/// What the officer says about a file.
#[derive(Debug, Clone)]
pub struct FileFacts {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its description; may be empty.
    pub description: String,
    /// Why it travels.
    pub role: ItemRole,
}

/// What a package is for. Looked up before anything is sealed: files that cannot become a draft are not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Purpose {
    /// Evidence that answers this request.
    Request(Id),
    /// Attachments of a new request to this authority.
    To(AuthorityId),
}

/// Begins a package for a purpose, which must be one that can be drafted.
///
/// # Errors
/// [`PackingError`] says what stands against it; nothing was begun.
pub fn begin_for(node: &Node, officer: &Admitted, purpose: &Purpose) -> Result<Id, PackingError> {
    match purpose {
        Purpose::Request(id) => drafting::may_transmit(node, officer, *id)?,
        Purpose::To(authority) => drafting::may_ask(node, officer, authority)?,
    }
    begin(node, officer)
}

/// Begins a package.
///
/// # Errors
/// [`PackingError`] when the officer may not.
pub fn begin(node: &Node, officer: &Admitted) -> Result<Id, PackingError> {
    officer.acting_as(ATTACHMENTS).map_err(DeskError::from)?;
    let id = Id::new(clock::now(), random::bytes().map_err(DeskError::from)?);
    let key = PackageKey::from_random(random::bytes().map_err(DeskError::from)?);
    let package =
        OpenPackage { key, officer: officer.name().clone(), items: Vec::new(), blobs: Vec::new(), busy: Busy::No };
    open_packages(node).insert(id, package);
    Ok(id)
}

/// Hashes and seals one file into a package, in one pass.
///
/// # Errors
/// [`PackingError`]; nothing of the file is kept.
pub fn add(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    facts: FileFacts,
    content: &mut dyn Read,
) -> Result<Item, PackingError> {
    let (key, object_id) = {
        let mut packages = open_packages(node);
        let package = packages.get_mut(&package_id).ok_or(PackingError::NotOpen(package_id))?;
        if package.officer != *officer.name() {
            return Err(PackingError::SomebodyElses(package_id));
        }
        if package.busy == Busy::Sealing {
            return Err(PackingError::OneAtATime);
        }
        if package.items.len() >= OBJECTS_MAX {
            return Err(PackingError::Full);
        }
        package.busy = Busy::Sealing;
        let object_id = u32::try_from(package.items.len() + 1).map_err(|_| PackingError::Full)?;
        (package.key.object_key(ObjectScope { seal_id: package_id, object_id }), object_id)
    };
    let sealed = seal_file(node, &key, package_id, object_id, content);
    crash::point("seal: in the vault, not drafted");
    let mut packages = open_packages(node);
    let package = packages.get_mut(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    package.busy = Busy::No;
    let (sha256, plaintext_bytes, blob) = sealed?;
    let item = Item {
        object_id,
        name: facts.name,
        media_type: facts.media_type,
        plaintext_bytes,
        sha256,
        ciphertext_root: blob.root,
        role: facts.role,
        description: facts.description,
    };
    package.items.push(item.clone());
    package.blobs.push(blob);
    Ok(item)
}

/// Its items, and what a draft needs of it. The package stays open until [`close`]: if the draft is refused, its files
/// are still there for the next.
///
/// # Errors
/// [`PackingError`] when it is not open, or empty.
pub fn finish(node: &Node, officer: &Admitted, package_id: Id) -> Result<(Consignment, DraftFiles), PackingError> {
    let packages = open_packages(node);
    let package = packages.get(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    if package.officer != *officer.name() {
        return Err(PackingError::SomebodyElses(package_id));
    }
    if package.busy == Busy::Sealing {
        return Err(PackingError::OneAtATime);
    }
    let consignment = Consignment::new(package_id, package.items.clone()).map_err(DeskError::from)?;
    let seed: [u8; WRAP_RANDOM_BYTES] = random::bytes().map_err(DeskError::from)?;
    let archive_stanza = wrap(&package.key, &node.keys().archive, archive_scope(node.us(), package_id), seed)?;
    let blobs = package.blobs.clone();
    Ok((consignment, DraftFiles { blobs, archive_stanza }))
}

/// Ends a package: its draft is in the log, which now has its key.
pub fn close(node: &Node, package_id: Id) {
    open_packages(node).remove(&package_id);
}

fn seal_file(
    node: &Node,
    key: &ObjectKey,
    package_id: Id,
    object_id: u32,
    content: &mut dyn Read,
) -> Result<(Digest, u64, Blob), PackingError> {
    let salt: [u8; SALT_BYTES] = random::bytes().map_err(DeskError::from)?;
    let mut writer = node.vault.create(package_id, object_id)?;
    let mut hash = Sha256::new();
    let mut sealed = Vec::with_capacity(PART_BYTES + PART_BYTES / 8);
    let mut sealer = Sealer::begin(key, salt, &mut sealed);
    let commitment = Digest(sealer.commitment());
    let mut block = vec![0_u8; PART_BYTES];
    let mut plaintext_bytes = 0_u64;
    loop {
        let read = fill(content, &mut block)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        sealer.push(bytes, &mut sealed)?;
        writer.write(&sealed)?;
        sealed.clear();
        plaintext_bytes += u64::try_from(read).unwrap_or(u64::MAX);
    }
    sealer.finish(&mut sealed);
    writer.write(&sealed)?;
    let object = writer.finish()?;
    let blob = Blob { object_id, ciphertext_bytes: object.ciphertext_bytes, root: object.root, commitment };
    Ok((hash.finish(), plaintext_bytes, blob))
}

fn fill(content: &mut dyn Read, block: &mut [u8]) -> Result<usize, PackingError> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match content.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(PackingError::Source(error.kind())),
        }
    }
    Ok(filled)
}

fn open_packages(node: &Node) -> MutexGuard<'_, BTreeMap<Id, OpenPackage>> {
    node.open_packages.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a file did not go into a package. The officer sees the text.
#[derive(Debug, thiserror::Error)]
pub enum PackingError {
    /// A rule or a lookup.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// No such package is being filled.
    #[error("package {0} is not being filled here; the node may have restarted: seal the files again")]
    NotOpen(Id),
    /// Files on their way onward.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Another officer began it.
    #[error("package {0} was begun by another officer; only he or she may fill it")]
    SomebodyElses(Id),
    /// Two files at once.
    #[error("a file of this package is being sealed now; add the files one after the other")]
    OneAtATime,
    /// Too many files.
    #[error("a package holds at most {OBJECTS_MAX} files; begin another one, or pack small files together")]
    Full,
    /// Reading the officer's file failed.
    #[error("the file could not be read to its end: {0}")]
    Source(io::ErrorKind),
    /// The vault takes no more.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Wrapping the key.
    #[error(transparent)]
    Wrap(#[from] WrapError),
}
