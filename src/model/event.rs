//! A custody record: who did what, when, to which thing, and with what result. The closed table of events.

use serde::{Deserialize, Serialize};

use crate::model::envelope::Blob;
use crate::model::ident::{AuthorityId, Digest, Id, OfficerName};
use crate::model::message::{MessageKind, Urgency};
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;

macro_rules! events {
    ($($variant:ident = $name:literal, $told:literal;)+) => {
        /// What happened. Names are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Event { $(#[doc = $told] $variant,)+ }

        impl Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the record.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One short phrase for a time-line.
            pub const fn told(self) -> &'static str {
                match self { $(Self::$variant => $told,)+ }
            }
        }
    };
}

events! {
    NodeInitialised = "node.initialised", "node initialised, keys made";
    NodeStarted = "node.started", "node started";
    DirectoryAccepted = "directory.accepted", "directory accepted";
    MessageDrafted = "message.drafted", "drafted";
    MessageApproved = "message.approved", "approved";
    MessageDiscarded = "message.discarded", "draft discarded";
    MessageQueued = "message.queued", "signed, sealed and queued";
    MessageDelivered = "message.delivered", "receipt checked: the peer holds it";
    MessageRefused = "message.refused", "refused by the peer's node";
    MessageExpired = "message.expired", "not delivered in time";
    MessageReceived = "message.received", "received and verified";
    ContentReceived = "content.received", "all files received and verified";
    ContentAbandoned = "content.abandoned", "files given up: the sender no longer serves them";
    ReceiptDelivered = "receipt.delivered", "receipt handed over";
    PackageOpened = "package.opened", "opened";
    PackageHandedOver = "package.handed-over", "handed over to an officer";
    PackageExported = "package.exported", "exported";
    MessageRead = "message.read", "read";
    ActRefused = "act.refused", "act refused";
    InputRefused = "input.refused", "input from a peer refused";
    IndexRebuilt = "index.rebuilt", "index rebuilt";
    LogInconsistent = "log.inconsistent", "a log contradicts itself: evidence kept";
    LogShrunk = "log.shrunk", "a witness holds more of this log than this node";
    WitnessUnreachable = "witness.unreachable", "a witness does not answer: a gap begins";
    WitnessHealed = "witness.healed", "a witness answers again: the gap is closed";
    TimeStamped = "time.stamped", "a checkpoint was time-stamped";
    TimeStampMissed = "time.missed", "a time-stamp authority does not answer: a gap begins";
    ErasureRequested = "erasure.requested", "erasure asked for";
    RecordErased = "record.erased", "records erased: their places in the log stay";
    DestructionRequested = "destruction.requested", "destruction of a package asked for";
    PackageDestroyed = "package.destroyed", "package destroyed: key and files";
    KeyRotated = "key.rotated", "a key was replaced";
    KeysAdded = "keys.added", "keys made that the node had not";
    LogRestarted = "log.restarted", "the log was begun anew: entries after a backup are lost";
    LogResumed = "log.resumed", "the log came from a backup and goes on: nobody held more of it";
    PeerSuspended = "peer.suspended", "a peer was suspended";
    PeerResumed = "peer.resumed", "a suspended peer is served again";
    NodeFrozen = "node.frozen", "the node was frozen: no new acts, no deliveries";
    NodeThawed = "node.thawed", "the node was thawed";
    BackupMade = "backup.made", "a backup was made";
    BasisCompared = "basis.compared", "legal basis looked up again on receipt";
    BasisChanged = "basis.changed", "legal basis looked up again: the registry now gives another answer";
    DutyOverdue = "duty.overdue", "what was owed was not done in time";
    RequestFiledElsewhere = "request.filed-elsewhere", "signed for another way: not filed electronically";
    RenditionDiffered = "rendition.differed", "a printed form differs from what was signed";
    PackageLinked = "package.linked", "put to proceedings";
    PackageCopied = "package.copied", "copied";
    PackageExhibited = "package.exhibited", "made an exhibit";
    PackageDisclosed = "package.disclosed", "disclosed";
    PackageForwarded = "package.forwarded", "sent on to another authority";
    UseAsked = "use.asked", "a second officer was asked to clear a use";
    UseCleared = "use.cleared", "a use was cleared by a second officer";
}

impl Event {
    /// The event of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name() == name)
    }
}

/// One custody record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyRecord {
    /// What happened.
    pub event: Event,
    /// When, by this node's clock.
    pub at: Timestamp,
    /// Whose log this is.
    pub authority: AuthorityId,
    /// Who acted.
    pub actor: Actor,
    /// The approving or second person.
    pub second: Option<Actor>,
    /// What it is about.
    pub subject: Subject,
    /// The other authority.
    pub counterpart: Option<AuthorityId>,
    /// Digests of what was handled; those of enclosures among them.
    pub digests: Vec<NamedDigest>,
    /// Why, in the officer's words; may be empty.
    pub reason: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Earlier records that this one continues, by index.
    pub links: Vec<u64>,
    /// The kind of the message concerned.
    pub message_kind: Option<MessageKind>,
    /// The machine facts of a hand-over.
    pub transfer: Option<Transfer>,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The node itself.
    Node,
    /// An officer.
    Officer {
        /// The name.
        name: OfficerName,
        /// The role in which he or she acted.
        role: Role,
        /// How the node knew it was that officer, e.g. `unix-uid:1000`.
        authentication: String,
    },
}

impl Actor {
    /// The officer's name, if an officer acted.
    pub const fn officer(&self) -> Option<&OfficerName> {
        match self {
            Self::Node => None,
            Self::Officer { name, .. } => Some(name),
        }
    }
}

/// The role in which an officer acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Writes requests and replies.
    Drafter,
    /// Approves and sends what somebody else wrote.
    Approver,
    /// Seals, opens and exports evidence.
    Custodian,
    /// Reads the custody log.
    Auditor,
    /// Runs the node; sees no content.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Drafter, Self::Approver, Self::Custodian, Self::Auditor, Self::Operator];

    /// The word in records and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drafter => "drafter",
            Self::Approver => "approver",
            Self::Custodian => "custodian",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject {
    /// The request (thread).
    pub request_id: Option<Id>,
    /// The message.
    pub message_id: Option<Id>,
    /// The envelope.
    pub envelope_id: Option<Id>,
    /// The key scope of files: the package.
    pub package_id: Option<Id>,
}

/// A digest and what it is a digest of, e.g. `signed-envelope`, `message`, `object/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDigest {
    /// What was digested.
    pub name: String,
    /// Its SHA-256.
    pub sha256: Digest,
}

impl NamedDigest {
    /// A digest with its name.
    pub fn new(name: &str, sha256: Digest) -> Self {
        Self { name: name.to_owned(), sha256 }
    }
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As intended.
    Success,
    /// A peer's node, or this node, refused it with that code.
    Refused(RefusalCode),
    /// It failed; a short machine word says how, e.g. `four-eyes`.
    Failed(String),
}

/// The stage of a hand-over, by the event names of ETSI EN 319 522-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The sender's node took it: queued.
    SubmissionAcceptance,
    /// The recipient's node holds the envelope; files may still be on their way.
    RelayAcceptance,
    /// The recipient's node holds everything, verified.
    ContentConsignment,
    /// An officer of the recipient opened it.
    ContentHandover,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] =
        [Self::SubmissionAcceptance, Self::RelayAcceptance, Self::ContentConsignment, Self::ContentHandover];

    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SubmissionAcceptance => "submission-acceptance",
            Self::RelayAcceptance => "relay-acceptance",
            Self::ContentConsignment => "content-consignment",
            Self::ContentHandover => "content-handover",
        }
    }

    /// The stage of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// The machine facts of a hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// How far it came.
    pub stage: Stage,
    /// How soon.
    pub urgency: Urgency,
    /// When the envelope counts as not delivered.
    pub expires_at: Timestamp,
    /// The sealed objects that go with it.
    pub blobs: Vec<Blob>,
    /// How often it was tried.
    pub attempts: u64,
}
