//! How officers fill a package: files one by one here, a folder in `packing_tree`. Each file is hashed (SHA-256, the forensic
//! digest) and sealed into the vault in one pass. Refuses another officer's package, two fillings at once, and more files than
//! a package holds.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crypto::further::FurtherHashers;
use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::crypto::random;
use crate::crypto::stanza::{WRAP_RANDOM_BYTES, WrapError, wrap};
use crate::daemon::desk::DeskError;
use crate::daemon::evidence::{ATTACHMENTS, EvidenceError};
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::packing_state::{Busy, Line, Mark, OpenPackage};
use crate::daemon::sealing::{SealedPlaintext, Sealing, SealingError};
use crate::daemon::tree_frames::TreeFrameError;
use crate::daemon::{clock, crash, drafting};
use crate::exchange::act::{DraftFiles, archive_scope};
use crate::model::base64;
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::{OBJECTS_MAX, PART_BYTES, PLAN_BYTES_MAX};
use crate::model::listed::{FurtherAlgorithm, FurtherDigest};
use crate::model::package::{Consignment, Item, ItemForm, ItemRole};
use crate::model::path::RelativePath;
use crate::store::packing_dir::PackingDir;
use crate::store::vault::VaultError;
use crate::wire::file_list::FileListError;

/// Packages that are being filled and are not drafted yet. What of them is whole lies on disk as well, so that a seal that
/// breaks off, or a node that is killed, goes on where it was.
#[derive(Debug, Default)]
pub struct OpenPackages(Mutex<BTreeMap<Id, OpenPackage>>);

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
    /// Further digests to be made of it.
    pub also: Vec<FurtherAlgorithm>,
    /// Further digests that it must have, as an older record names them.
    pub expected: Vec<FurtherDigest>,
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

/// Begins a package for a purpose, which must be one that can be drafted. The plan is kept for whoever resumes it.
///
/// # Errors
/// [`PackingError`] says what stands against it; nothing was begun.
pub fn begin_for(node: &Node, officer: &Admitted, purpose: &Purpose, plan: Value) -> Result<Id, PackingError> {
    match purpose {
        Purpose::Request(id) => drafting::may_transmit(node, officer, *id)?,
        Purpose::To(authority) => drafting::may_ask(node, officer, authority)?,
    }
    begin_as(node, officer, Some(purpose.clone()), plan)
}

/// Begins a package.
///
/// # Errors
/// [`PackingError`] when the officer may not.
pub fn begin(node: &Node, officer: &Admitted) -> Result<Id, PackingError> {
    begin_as(node, officer, None, Value::Null)
}

fn begin_as(node: &Node, officer: &Admitted, purpose: Option<Purpose>, plan: Value) -> Result<Id, PackingError> {
    officer.acting_as(ATTACHMENTS).map_err(DeskError::from)?;
    if plan.to_string().len() > PLAN_BYTES_MAX {
        return Err(PackingError::Plan);
    }
    let id = Id::new(clock::now(), random::bytes().map_err(DeskError::from)?);
    let key = PackageKey::from_random(random::bytes().map_err(DeskError::from)?);
    let stanza = base64::encode(&archive_stanza(node, id, &key)?);
    let officer = officer.name().clone();
    let first =
        Line::Begun { officer: officer.as_str().to_owned(), purpose: purpose.clone(), plan: plan.clone(), stanza };
    let dir = PackingDir::create(&root(node), id, &first.bytes()).map_err(PackingError::State)?;
    let (items, blobs, mark) = (Vec::new(), Vec::new(), Mark::default());
    let package = OpenPackage { dir, key, officer, purpose, plan, items, blobs, mark, busy: Busy::No };
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
    let (key, object_id) = claim(node, officer, package_id, |package| {
        if package.items.iter().any(|item| item.form != ItemForm::File) || package.mark.entries > 0 {
            return Err(PackingError::Mixed);
        }
        let object_id = package.items.len() + 1;
        if object_id > OBJECTS_MAX {
            return Err(PackingError::Full);
        }
        Ok((package.key.clone(), u32::try_from(object_id).map_err(|_| PackingError::Full)?))
    })?;
    let sealed = seal_file(node, &key, package_id, object_id, &facts, content);
    crash::point("seal: in the vault, not drafted");
    let added = sealed.and_then(|(sealed, further)| {
        let item = Item {
            object_id,
            name: facts.name,
            media_type: facts.media_type,
            plaintext_bytes: sealed.plaintext_bytes,
            sha256: sealed.sha256,
            ciphertext_root: sealed.blob.root,
            role: facts.role,
            description: facts.description,
            form: ItemForm::File,
            further,
        };
        take(node, package_id, item, sealed, None)
    });
    release(node, package_id);
    added
}

/// Takes an object that is whole in the vault into its package. If that fails, the object goes.
pub(super) fn take(
    node: &Node,
    package_id: Id,
    item: Item,
    sealed: SealedPlaintext,
    mark: Option<Mark>,
) -> Result<Item, PackingError> {
    let mut packages = open_packages(node);
    let package = packages.get_mut(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    let taken = package.take(item.clone(), sealed.blob, mark);
    if taken.is_err() {
        node.vault.remove_object(package_id, item.object_id)?;
    }
    taken.map(|()| item)
}

/// Lets one caller fill a package until [`release`].
pub(super) fn claim<T>(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    fits: impl FnOnce(&OpenPackage) -> Result<T, PackingError>,
) -> Result<T, PackingError> {
    let mut packages = open_packages(node);
    let package = packages.get_mut(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    idle_and_his(package, officer, package_id)?;
    let fitted = fits(package)?;
    package.busy = Busy::Sealing;
    Ok(fitted)
}

/// Ends what [`claim`] began.
pub(super) fn release(node: &Node, package_id: Id) {
    if let Some(package) = open_packages(node).get_mut(&package_id) {
        package.busy = Busy::No;
    }
}

pub(super) fn idle_and_his(package: &OpenPackage, officer: &Admitted, package_id: Id) -> Result<(), PackingError> {
    if package.officer != *officer.name() {
        return Err(PackingError::SomebodyElses(package_id));
    }
    if package.busy == Busy::Sealing { Err(PackingError::OneAtATime) } else { Ok(()) }
}

/// Its items, and what a draft needs of it. The package stays open until [`close`]: if the draft is refused, its files
/// are still there for the next.
///
/// # Errors
/// [`PackingError`] when it is not open, or empty, or its folder is not sealed to the end.
pub fn finish(node: &Node, officer: &Admitted, package_id: Id) -> Result<(Consignment, DraftFiles), PackingError> {
    let packages = open_packages(node);
    let package = packages.get(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    idle_and_his(package, officer, package_id)?;
    if package.mark.entries > 0 && !package.is_whole() {
        return Err(PackingError::Unfinished(package_id));
    }
    let consignment = Consignment::new(package_id, package.items.clone()).map_err(DeskError::from)?;
    let archive_stanza = archive_stanza(node, package_id, &package.key)?;
    let blobs = package.blobs.clone();
    Ok((consignment, DraftFiles { blobs, archive_stanza }))
}

/// Ends a package: its draft is in the log, which now has its key.
pub fn close(node: &Node, package_id: Id) {
    if let Some(package) = open_packages(node).remove(&package_id)
        && let Err(error) = package.dir.remove()
    {
        tracing::warn!(%error, "what is left of a seal that is done could not be removed; the next start does it");
    }
}

/// Gives up a package that was not drafted: its key is gone first, then its sealed files.
///
/// # Errors
/// [`PackingError`] when it is not open, or being filled.
pub fn discard(node: &Node, officer: &Admitted, package_id: Id) -> Result<(), PackingError> {
    let mut packages = open_packages(node);
    let package = packages.get(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    idle_and_his(package, officer, package_id)?;
    package.dir.remove().map_err(PackingError::State)?;
    packages.remove(&package_id);
    Ok(node.vault.remove(package_id)?)
}

fn archive_stanza(node: &Node, package_id: Id, key: &PackageKey) -> Result<Vec<u8>, PackingError> {
    let seed: [u8; WRAP_RANDOM_BYTES] = random::bytes().map_err(DeskError::from)?;
    Ok(wrap(key, &node.keys().archive, archive_scope(node.us(), package_id), seed)?)
}

fn seal_file(
    node: &Node,
    key: &PackageKey,
    package_id: Id,
    object_id: u32,
    facts: &FileFacts,
    content: &mut dyn Read,
) -> Result<(SealedPlaintext, Vec<FurtherDigest>), PackingError> {
    let key = key.object_key(ObjectScope { seal_id: package_id, object_id });
    let mut sealing = Sealing::begin(&node.vault, key, package_id, object_id)?;
    let mut further = FurtherHashers::new(wanted(&facts.also, &facts.expected));
    let mut block = vec![0_u8; PART_BYTES];
    loop {
        let read = fill(content, &mut block)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        further.update(bytes);
        sealing.push(bytes)?;
    }
    let further = further.finish();
    if let Some((found, wanted)) = differing(&further, &facts.expected) {
        return Err(PackingError::Digest { name: facts.name.clone(), found, wanted });
    }
    Ok((sealing.finish()?, further))
}

/// Which further digests are to be made.
pub(super) fn wanted(also: &[FurtherAlgorithm], expected: &[FurtherDigest]) -> Vec<FurtherAlgorithm> {
    also.iter().copied().chain(expected.iter().map(FurtherDigest::algorithm)).collect()
}

/// The first digest that is not the expected one: what was found, what was expected.
pub(super) fn differing(found: &[FurtherDigest], expected: &[FurtherDigest]) -> Option<(String, String)> {
    let wrong = expected.iter().find(|wanted| !found.contains(wanted))?;
    let found = found.iter().find(|found| found.algorithm() == wrong.algorithm());
    Some((found.map(ToString::to_string).unwrap_or_default(), wrong.to_string()))
}

pub(super) fn fill(content: &mut dyn Read, block: &mut [u8]) -> Result<usize, PackingError> {
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

pub(super) fn root(node: &Node) -> PathBuf {
    node.home().packing()
}

pub(super) fn open_packages(node: &Node) -> MutexGuard<'_, BTreeMap<Id, OpenPackage>> {
    node.open_packages.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a file did not go into a package. The officer sees the text.
#[derive(Debug, thiserror::Error)]
pub enum PackingError {
    /// A rule or a lookup.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// No such package is being filled.
    #[error("package {0} is not being filled here; `rogatory package list` shows those that are")]
    NotOpen(Id),
    /// Files on their way onward.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Another officer began it.
    #[error("package {0} was begun by another officer; only he or she may fill it")]
    SomebodyElses(Id),
    /// Two fillings at once.
    #[error("this package is being sealed now; add what follows when that is done")]
    OneAtATime,
    /// Too many objects.
    #[error("a package holds at most {OBJECTS_MAX} sealed objects; begin another one")]
    Full,
    /// Files one by one and a folder.
    #[error("a package holds either files one by one or folders; begin another one")]
    Mixed,
    /// The folder is sealed.
    #[error("the folder of this package is sealed to its end; nothing is added to it")]
    Whole,
    /// The folder is not.
    #[error("the folder of package {0} is not sealed to its end; go on with `rogatory package seal --resume {0}`")]
    Unfinished(Id),
    /// The words are too long.
    #[error(
        "the words that go with the package have more than {PLAN_BYTES_MAX} bytes; name fewer files, or their folder"
    )]
    Plan,
    /// Reading the officer's file failed.
    #[error("the file could not be read to its end: {0}")]
    Source(io::ErrorKind),
    /// The officer's side says that a file cannot be read.
    #[error("{path} could not be read to its end: {why}")]
    Broken {
        /// Which.
        path: RelativePath,
        /// Why.
        why: String,
    },
    /// A further digest is another one.
    #[error("{name} is not the file that was named: it has {found}, and {wanted} was given; nothing of it is kept")]
    Digest {
        /// Which.
        name: String,
        /// What it has.
        found: String,
        /// What was given.
        wanted: String,
    },
    /// The source is not what it was when the seal began.
    #[error("{path} is not as it was when the seal began; give this package up and seal anew")]
    Changed {
        /// Which.
        path: RelativePath,
    },
    /// The list of files.
    #[error(transparent)]
    List(#[from] FileListError),
    /// The stream.
    #[error(transparent)]
    Frame(#[from] TreeFrameError),
    /// The state on disk.
    #[error("what is known of the seal cannot be kept: {0}; check the data directory and its disk")]
    State(#[from] io::Error),
    /// The state on disk contradicts itself.
    #[error(
        "what is known of the seal of package {0} is damaged; give it up with `rogatory package seal --give-up {0}`"
    )]
    Damaged(Id),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Sealing.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// Wrapping the key.
    #[error(transparent)]
    Wrap(#[from] WrapError),
}
