//! What officers do with files: seal them into the vault, open them again, accept the conditions on them.
//!
//! A file is hashed (SHA-256, the forensic digest) and sealed in one pass; what is opened is checked against that digest
//! before the last byte is given out. Opening is logged before it begins.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use crate::crypto::chunk::{HEADER_BYTES, SALT_BYTES};
use crate::crypto::digest::Sha256;
use crate::crypto::package_key::{ObjectKey, ObjectScope, PackageKey};
use crate::crypto::payload::{OpenError, Opener, SealError, Sealer};
use crate::crypto::random;
use crate::crypto::stanza::{WRAP_RANDOM_BYTES, WrapError, wrap};
use crate::daemon::desk::{self, DeskError, Draft, archived_key, refuse};
use crate::daemon::fetch::envelope_facts;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, crash};
use crate::exchange::act::{DraftFiles, Scene, archive_scope};
use crate::exchange::rows::{Direction, MessageRow, MessageState, PackageRow};
use crate::model::envelope::Blob;
use crate::model::event::{Event, NamedDigest, Role};
use crate::model::ident::{Digest, Id, OfficerName};
use crate::model::limits::{OBJECTS_MAX, PART_BYTES};
use crate::model::message::{Body, MessageKind};
use crate::model::package::{Consignment, Item, ItemRole};
use crate::model::request::ConditionsAcceptance;
use crate::store::object_reader::{ObjectReader, ReadError};
use crate::store::object_writer::WriteError;
use crate::store::vault::VaultError;
use crate::wire::envelope;

/// Who may seal, open and export evidence.
pub const CUSTODY: &[Role] = &[Role::Custodian];
/// Who may handle the attachments of a request or reply.
pub const ATTACHMENTS: &[Role] = &[Role::Custodian, Role::Drafter, Role::Approver];

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

/// Begins a package.
///
/// # Errors
/// [`EvidenceError`] when the officer may not.
pub fn begin(node: &Node, officer: &Admitted) -> Result<Id, EvidenceError> {
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
/// [`EvidenceError`]; nothing of the file is kept.
pub fn add(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    facts: FileFacts,
    content: &mut dyn Read,
) -> Result<Item, EvidenceError> {
    let (key, object_id) = {
        let mut packages = open_packages(node);
        let package = packages.get_mut(&package_id).ok_or(EvidenceError::NotOpen(package_id))?;
        if package.officer != *officer.name() {
            return Err(EvidenceError::SomebodyElses(package_id));
        }
        if package.busy == Busy::Sealing {
            return Err(EvidenceError::OneAtATime);
        }
        if package.items.len() >= OBJECTS_MAX {
            return Err(EvidenceError::Full);
        }
        package.busy = Busy::Sealing;
        let object_id = u32::try_from(package.items.len() + 1).map_err(|_| EvidenceError::Full)?;
        (package.key.object_key(ObjectScope { seal_id: package_id, object_id }), object_id)
    };
    let sealed = seal_file(node, &key, package_id, object_id, content);
    crash::point("seal: in the vault, not drafted");
    let mut packages = open_packages(node);
    let package = packages.get_mut(&package_id).ok_or(EvidenceError::NotOpen(package_id))?;
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

/// Ends a package: its items, and what a draft needs of it.
///
/// # Errors
/// [`EvidenceError`] when it is not open, or empty.
pub fn finish(node: &Node, officer: &Admitted, package_id: Id) -> Result<(Consignment, DraftFiles), EvidenceError> {
    let mut packages = open_packages(node);
    let package = packages.get(&package_id).ok_or(EvidenceError::NotOpen(package_id))?;
    if package.officer != *officer.name() {
        return Err(EvidenceError::SomebodyElses(package_id));
    }
    if package.busy == Busy::Sealing {
        return Err(EvidenceError::OneAtATime);
    }
    let consignment = Consignment::new(package_id, package.items.clone()).map_err(DeskError::from)?;
    let seed: [u8; WRAP_RANDOM_BYTES] = random::bytes().map_err(DeskError::from)?;
    let archive_stanza = wrap(&package.key, &node.keys.archive, archive_scope(node.us(), package_id), seed)?;
    let blobs = package.blobs.clone();
    packages.remove(&package_id);
    Ok((consignment, DraftFiles { blobs, archive_stanza }))
}

fn seal_file(
    node: &Node,
    key: &ObjectKey,
    package_id: Id,
    object_id: u32,
    content: &mut dyn Read,
) -> Result<(Digest, u64, Blob), EvidenceError> {
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

fn fill(content: &mut dyn Read, block: &mut [u8]) -> Result<usize, EvidenceError> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match content.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(EvidenceError::Source(error.kind())),
        }
    }
    Ok(filled)
}

/// Opens one file of a package: logs the opening, then gives a reader that decrypts and checks as it goes.
///
/// # Errors
/// [`EvidenceError::Conditions`] names the condition that is not accepted; the attempt is recorded.
pub fn open(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    object_id: u32,
    purpose: &str,
) -> Result<(Item, Plaintext), EvidenceError> {
    let (package, row) = admitted(node, officer, package_id)?;
    let message = desk::read_message(node, &row)?;
    let consignment = message.consignment.as_ref().ok_or(EvidenceError::NotOpen(package_id))?;
    let item = consignment.items.iter().find(|item| item.object_id == object_id);
    let item = item.ok_or(EvidenceError::NoItem { package_id, object_id })?.clone();
    let actor = officer.acting_as(roles_for(row.kind)).map_err(DeskError::from)?;
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    let digests = vec![NamedDigest::new(&format!("object/{object_id}"), item.sha256)];
    node.commit(scene.handled(Event::PackageOpened, &row, purpose, digests)).map_err(DeskError::from)?;
    tell_sender(node, &package, &row)?;
    crash::point("open: logged, not released");
    let key = package_key(node, &row, package_id)?.object_key(ObjectScope { seal_id: package_id, object_id });
    let reader = node.vault.reader(package_id, object_id, &item.ciphertext_root)?;
    Ok((item.clone(), Plaintext::new(reader, key, item)))
}

/// Whether the officer may have the files of the package now; a refusal is recorded.
///
/// # Errors
/// [`EvidenceError`] names the rule.
pub fn admitted(node: &Node, officer: &Admitted, package_id: Id) -> Result<(PackageRow, MessageRow), EvidenceError> {
    let package = node.package(package_id).map_err(DeskError::from)?;
    let row = node.message(package.message_id).map_err(DeskError::from)?;
    if let Err(error) = officer.acting_as(roles_for(row.kind)) {
        return Err(refuse(node, officer, &row, "role", error.into()).into());
    }
    if package.direction == Direction::Incoming && package.complete_index.is_none() {
        return Err(EvidenceError::Arriving);
    }
    let open: Vec<_> = package
        .conditions
        .iter()
        .filter(|condition| condition.needs_acceptance && condition.accepted_index.is_none())
        .map(|condition| format!("{} ({})", condition.id, condition.code))
        .collect();
    if package.direction == Direction::Incoming && !open.is_empty() {
        let rule = format!("condition-not-accepted: {}", open.join(", "));
        let why = DeskError::State { act: "open", state: MessageState::Received };
        return match refuse(node, officer, &row, &rule, why) {
            DeskError::State { .. } => Err(EvidenceError::Conditions { package_id, open }),
            other => Err(other.into()),
        };
    }
    Ok((package, row))
}

/// The sender learns once that the package was opened, by a receipt that names nobody.
fn tell_sender(node: &Node, package: &PackageRow, row: &MessageRow) -> Result<(), EvidenceError> {
    if package.direction != Direction::Incoming || package.opened_index.is_some() {
        return Ok(());
    }
    let _turn = node.turnstile.enter([package.package_id]);
    let again = node.package(package.package_id).map_err(DeskError::from)?;
    if let (None, Some(envelope_id)) = (again.opened_index, row.envelope_id) {
        let facts = envelope_facts(node, envelope_id).map_err(DeskError::from)?;
        node.commit(node.scene().handed_over(row, facts)).map_err(DeskError::from)?;
    }
    Ok(())
}

/// Accepts every open condition of a package. The first officer's call drafts the acceptance; the same call by a second
/// one approves and sends it, where a second person is required.
///
/// # Errors
/// [`EvidenceError`] when there is nothing to accept, or the officer drafted it himself.
pub fn accept_conditions(node: &Node, officer: &Admitted, package_id: Id) -> Result<MessageRow, EvidenceError> {
    let package = node.package(package_id).map_err(DeskError::from)?;
    let open: Vec<_> = package
        .conditions
        .iter()
        .filter(|condition| condition.needs_acceptance && condition.accepted_index.is_none())
        .map(|condition| condition.id.clone())
        .collect();
    if package.direction != Direction::Incoming || open.is_empty() {
        return Err(EvidenceError::NothingToAccept);
    }
    let request = node.request(package.request_id).map_err(DeskError::from)?;
    for id in request.messages.iter().rev() {
        let row = node.message(*id).map_err(DeskError::from)?;
        let waiting = matches!(row.state, MessageState::Drafted | MessageState::Approved);
        if row.kind != MessageKind::ConditionsAccept || row.direction != Direction::Outgoing || !waiting {
            continue;
        }
        let message = desk::read_message(node, &row)?;
        if matches!(&message.body, Body::Acceptance(body) if body.package_id == package_id) {
            if row.state == MessageState::Drafted {
                desk::approve(node, officer, row.message_id)?;
            }
            return Ok(desk::send(node, officer, row.message_id)?);
        }
    }
    let carrier = node.message(package.message_id).map_err(DeskError::from)?;
    let body = Body::Acceptance(ConditionsAcceptance {
        package_id,
        condition_ids: open,
        responsible_authority: node.config().name.clone(),
    });
    let drafted = desk::draft(node, officer, Draft::in_thread(&request, Some(carrier.digest), body))?;
    Ok(desk::send_if_alone_may(node, officer, drafted)?)
}

/// The key of a package, whichever side sealed it.
fn package_key(node: &Node, row: &MessageRow, package_id: Id) -> Result<PackageKey, EvidenceError> {
    if row.direction == Direction::Outgoing {
        return Ok(archived_key(node, row, package_id)?);
    }
    let bytes = node.enclosure(row.bytes_index, "signed-envelope").map_err(DeskError::from)?;
    let signed = envelope::decode_signed(&bytes).map_err(DeskError::from)?;
    let sealed = envelope::decode(&signed.content).map_err(DeskError::from)?;
    node.keys.ring.open(&sealed.stanzas, sealed.seal_id, &sealed.sender, node.us()).map_err(|_| EvidenceError::Key)
}

const fn roles_for(kind: MessageKind) -> &'static [Role] {
    match kind {
        MessageKind::EvidenceTransmit => CUSTODY,
        _ => ATTACHMENTS,
    }
}

fn open_packages(node: &Node) -> std::sync::MutexGuard<'_, BTreeMap<Id, OpenPackage>> {
    node.open_packages.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file on its way out: decrypts part by part; its last read fails unless every byte was as it was sealed.
pub struct Plaintext {
    reader: ObjectReader,
    key: ObjectKey,
    opener: Option<Opener>,
    item: Item,
    next_part: u64,
    hash: Option<Sha256>,
    ready: Vec<u8>,
    given: usize,
}

impl Plaintext {
    fn new(reader: ObjectReader, key: ObjectKey, item: Item) -> Self {
        let hash = Some(Sha256::new());
        Self { reader, key, opener: None, item, next_part: 0, hash, ready: Vec::new(), given: 0 }
    }

    fn refill(&mut self) -> Result<(), EvidenceError> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() && self.next_part < self.reader.parts() {
            let (part, _) = self.reader.part(self.next_part)?;
            self.next_part += 1;
            let sealed = match &mut self.opener {
                Some(_) => part.as_slice(),
                None => {
                    let (header, rest) = part.split_first_chunk::<HEADER_BYTES>().ok_or(EvidenceError::Cut)?;
                    self.opener = Some(Opener::begin(&self.key, header)?);
                    rest
                }
            };
            let opener = self.opener.as_mut().ok_or(EvidenceError::Cut)?;
            opener.push(sealed, &mut self.ready)?;
            if self.next_part == self.reader.parts()
                && let Some(opener) = self.opener.take()
            {
                opener.finish(&mut self.ready)?;
            }
            if let Some(hash) = &mut self.hash {
                hash.update(&self.ready);
            }
        }
        if self.ready.is_empty()
            && let Some(hash) = self.hash.take()
            && hash.finish() != self.item.sha256
        {
            return Err(EvidenceError::Digest { object_id: self.item.object_id });
        }
        Ok(())
    }
}

impl Read for Plaintext {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill().map_err(io::Error::other)?;
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

/// Why files could not be handled. The officer sees the text.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A rule or a lookup.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// No such package is being filled.
    #[error("package {0} is not being filled here; the node may have restarted: seal the files again")]
    NotOpen(Id),
    /// Another officer began it.
    #[error("package {0} was begun by another officer; only he or she may fill it")]
    SomebodyElses(Id),
    /// Two files at once.
    #[error("a file of this package is being sealed now; add the files one after the other")]
    OneAtATime,
    /// Too many files.
    #[error("a package holds at most {OBJECTS_MAX} files; begin another one, or pack small files together")]
    Full,
    /// No such item.
    #[error("package {package_id} has no item {object_id}")]
    NoItem {
        /// The package.
        package_id: Id,
        /// The number.
        object_id: u32,
    },
    /// Its files are not all here.
    #[error("the package is still arriving; see `rogatory package list`")]
    Arriving,
    /// A condition is not accepted.
    #[error(
        "blocked by {}: the sender set it and it binds on acceptance; read it with `rogatory package show {package_id}`, \
         then two officers run `rogatory conditions accept {package_id}`",
        open.join(", ")
    )]
    Conditions {
        /// The package.
        package_id: Id,
        /// The conditions.
        open: Vec<String>,
    },
    /// Nothing to accept.
    #[error("the package has no condition that waits for acceptance")]
    NothingToAccept,
    /// The package key.
    #[error("no key of this node opens the package")]
    Key,
    /// The sealed object ends too early.
    #[error("the sealed object is cut; run `rogatory custody fsck`")]
    Cut,
    /// The file is not what was sealed.
    #[error("item {object_id} is not what its sender signed: the SHA-256 differs; do not use it, and tell the sender")]
    Digest {
        /// The item.
        object_id: u32,
    },
    /// Reading the officer's file failed.
    #[error("the file could not be read to its end: {0}")]
    Source(io::ErrorKind),
    /// The vault takes no more.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The vault gives nothing back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Opening.
    #[error("the sealed object does not open: {0}")]
    Open(#[from] OpenError),
    /// Wrapping the key.
    #[error(transparent)]
    Wrap(#[from] WrapError),
}
