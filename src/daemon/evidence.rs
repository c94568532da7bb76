//! How officers open the files of a package. Refuses while they arrive and while a condition on them is not accepted; both
//! the opening and the refusal stand in the log before anything is given out.

use std::io;

use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::daemon::desk::{self, DeskError, archived_key, refuse};
use crate::daemon::fetch::envelope_facts;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::plaintext::Plaintext;
use crate::daemon::uses::{self, NewUse};
use crate::daemon::{clock, crash, destroying, terms};
use crate::exchange::act::Scene;
use crate::exchange::rows::{Direction, MessageRow, MessageState, PackageRow};
use crate::law::conditions::asked::{Act, Asked};
use crate::model::event::{Event, NamedDigest, Role};
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::MessageKind;
use crate::model::package::Item;
use crate::model::path::RelativePath;
use crate::model::time::Timestamp;
use crate::store::object_reader::ReadError;
use crate::wire::envelope;
use crate::wire::file_list::FileListError;

/// Who may seal, open and export evidence.
pub const CUSTODY: &[Role] = &[Role::Custodian];
/// Who may handle the attachments of a request or reply.
pub const ATTACHMENTS: &[Role] = &[Role::Custodian, Role::Drafter, Role::Approver];

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
    let new = NewUse { asked: Asked::plain(Act::Open), purpose: purpose.to_owned() };
    open_for(node, officer, package_id, object_id, &new)
}

/// Opens one file of a package for proceedings, a purpose or a way that the officer names.
///
/// # Errors
/// As [`open`].
pub fn open_for(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    object_id: u32,
    new: &NewUse,
) -> Result<(Item, Plaintext), EvidenceError> {
    let asked = Asked { act: Act::Open, objects: vec![object_id], ..new.asked.clone() };
    let (package, row) = admitted_for(node, officer, package_id, &asked)?;
    let message = desk::read_message(node, &row)?;
    let consignment = message.consignment.as_ref().ok_or(EvidenceError::NotOpen(package_id))?;
    let item = consignment.items.iter().find(|item| item.object_id == object_id);
    let item = item.ok_or(EvidenceError::NoItem { package_id, object_id })?.clone();
    let actor = officer.acting_as(roles_for(row.kind)).map_err(DeskError::from)?;
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    let digests = vec![NamedDigest::new(&format!("object/{object_id}"), item.sha256)];
    // Whatever can fail does so first: the log says "opened" only of what the officer then gets.
    let key = package_key(node, &row, package_id)?.object_key(ObjectScope { seal_id: package_id, object_id });
    let reader = node.vault.reader(package_id, object_id, &item.ciphertext_root)?;
    let mut entry = scene.handled(Event::PackageOpened, &row, &new.purpose, digests);
    uses::enclose(&mut entry, &asked);
    node.commit(entry).map_err(DeskError::from)?;
    tell_sender(node, &package, &row)?;
    crash::point("open: logged, not released");
    Ok((item.clone(), Plaintext::new(reader, key, item)))
}

/// Whether the officer may do that with the files of the package now; a refusal is recorded.
///
/// # Errors
/// [`EvidenceError`] names the rule.
pub fn admitted_for(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    asked: &Asked,
) -> Result<(PackageRow, MessageRow), EvidenceError> {
    admitted_as(node, officer, package_id, asked, Arrived::Whole)
}

/// How much of a package must be here before its files are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// All of it.
    Whole,
    /// What is here by now is wanted.
    InPart,
}

/// As [`admitted_for`], for files of a package that may still be arriving.
///
/// # Errors
/// [`EvidenceError`] names the rule.
pub fn admitted_as(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    asked: &Asked,
    arrived: Arrived,
) -> Result<(PackageRow, MessageRow), EvidenceError> {
    let package = node.package(package_id).map_err(DeskError::from)?;
    let row = node.message(package.message_id).map_err(DeskError::from)?;
    if let Err(error) = officer.acting_as(roles_for(row.kind)) {
        return Err(refuse(node, officer, &row, "role", error.into()).into());
    }
    if let Some(told) = destroying::told(node, package_id).map_err(DeskError::from)? {
        return Err(EvidenceError::Destroyed { told });
    }
    if package.direction == Direction::Incoming && package.complete_index.is_none() {
        if row.state == MessageState::Abandoned {
            return Err(EvidenceError::Abandoned);
        }
        if arrived == Arrived::Whole {
            return Err(EvidenceError::Arriving);
        }
    }
    terms::pass(node, officer, &package, &row, asked)?;
    Ok((package, row))
}

/// The sender learns once that the package was opened, by a receipt that names nobody.
pub(super) fn tell_sender(node: &Node, package: &PackageRow, row: &MessageRow) -> Result<(), EvidenceError> {
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

/// The key of a package, whichever side sealed it.
pub(super) fn package_key(node: &Node, row: &MessageRow, package_id: Id) -> Result<PackageKey, EvidenceError> {
    if row.direction == Direction::Outgoing {
        return Ok(archived_key(node, row, package_id)?);
    }
    let bytes = node.enclosure(row.bytes_index, "signed-envelope").map_err(DeskError::from)?;
    let signed = envelope::decode_signed(&bytes).map_err(DeskError::from)?;
    let sealed = envelope::decode(&signed.content).map_err(DeskError::from)?;
    node.keys().ring.open(&sealed.stanzas, sealed.seal_id, &sealed.sender, node.us()).map_err(|_| EvidenceError::Key)
}

pub(super) const fn roles_for(kind: MessageKind) -> &'static [Role] {
    if kind.hands_over() { CUSTODY } else { ATTACHMENTS }
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
    /// No such item.
    #[error("package {package_id} has no item {object_id}")]
    NoItem {
        /// The package.
        package_id: Id,
        /// The number.
        object_id: u32,
    },
    /// Its files are not packed.
    #[error("package {0} is no folder; its files are opened by their numbers")]
    NoList(Id),
    /// No such path.
    #[error("the package holds no {0}; `rogatory package files` lists what it holds")]
    NoPath(RelativePath),
    /// A folder for a third authority.
    #[error("package {0} is a folder, and a folder cannot be sent on yet: ask its sender to hand it over there")]
    FolderOnward(Id),
    /// A file that is not the one of the list.
    #[error("{0} is not what its sender signed: the SHA-256 differs; do not use it, and tell the sender")]
    File(RelativePath),
    /// The list contradicts itself.
    #[error("{0}; do not use the package, and tell the sender")]
    List(#[from] FileListError),
    /// Something does not open.
    #[error("{0}")]
    Plain(io::Error),
    /// Its files are not all here.
    #[error("the package is still arriving; see `rogatory package list`")]
    Arriving,
    /// Its files never came.
    #[error("the files of the package did not come in time and were given up; ask the sender to send it anew")]
    Abandoned,
    /// Two officers had it destroyed.
    #[error("the package was destroyed {told}")]
    Destroyed {
        /// When, by whom, why.
        told: String,
    },
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
    #[error("there is no condition that waits for acceptance")]
    NothingToAccept,
    /// The time to accept is over.
    #[error("the time to accept it ended on {until}: silence never accepts; ask {setter} for a new offer")]
    TooLate {
        /// When.
        until: Timestamp,
        /// Whose offer it was.
        setter: AuthorityId,
    },
    /// An act with a command of its own.
    #[error("to {} files has a command of its own", act.name())]
    OtherWay {
        /// The act.
        act: Act,
    },
    /// A use that cannot be cleared.
    #[error("{0}")]
    Clearance(&'static str),
    /// The package key.
    #[error("no key of this node opens the package")]
    Key,
    /// The vault gives nothing back.
    #[error(transparent)]
    Read(#[from] ReadError),
}
