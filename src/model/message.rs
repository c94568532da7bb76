//! A message: one legal act from one central authority to another. A value of it is within all bounds.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::model::asking::Asking;
use crate::model::basis::BasisLookup;
use crate::model::ident::{AuthorityId, Digest, Id, OfficerName};
use crate::model::notice::{Notice, NoticeError};
use crate::model::package::{Condition, Consignment, ConsignmentError};
use crate::model::rendition::Rendition;
use crate::model::request::{
    Acknowledgement, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, Refusal, RequestBody, Withdrawal,
};
use crate::model::side::{Side, Speaker};
use crate::model::text::TextError;
use crate::model::time::Timestamp;

mod bounds;
mod terms;

/// A checked message. Read its fields through `Deref`; make one with [`Message::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(Fields);

/// The fields of a message, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Names this message.
    pub message_id: Id,
    /// Names the request it belongs to (the thread).
    pub request_id: Id,
    /// Who speaks.
    pub sender: Party,
    /// Who is spoken to.
    pub recipient: AuthorityId,
    /// When it was written, by the sender's clock.
    pub created_at: Timestamp,
    /// Digest of the message that it answers.
    pub in_reply_to: Option<Digest>,
    /// Digest of the directory in force at the sender.
    pub directory: Digest,
    /// BCP 47 tag of the language of its texts.
    pub language: String,
    /// How soon.
    pub urgency: Urgency,
    /// Why it is urgent; required if it is.
    pub urgency_reason: String,
    /// A wished time limit and why.
    pub reply_by: Option<ReplyBy>,
    /// The treaties that the sender names.
    pub legal_bases: Vec<String>,
    /// What the sender's node looked up about the legal basis of a request.
    pub basis: Option<Box<BasisLookup>>,
    /// Conditions on what is sent, or undertakings in a request.
    pub conditions: Vec<Condition>,
    /// The files that travel with it.
    pub consignment: Option<Consignment>,
    /// What a request looks like on paper, by language.
    pub renditions: Vec<Rendition>,
    /// What binds it to other requests and dates.
    pub ties: Ties,
    /// What it says.
    pub body: Body,
}

/// What binds a message to other requests and dates; most have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ties {
    /// An earlier request in the same matter; a supplement names one.
    pub parent: Option<Id>,
    /// Until when the formal request follows; the short form of an urgent request says so.
    pub confirm_by: Option<Timestamp>,
}

/// An authority and the officer who acts for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The authority.
    pub authority: AuthorityId,
    /// The officer who wrote the message.
    pub officer: OfficerName,
}

/// A wished time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyBy {
    /// Until when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// How soon a message must be looked at; urgent ones overtake routine ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// In the ordinary course.
    #[default]
    Routine,
    /// Now.
    Urgent,
}

impl Urgency {
    /// The word that people read and write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Urgent => "urgent",
        }
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A request for assistance.
    Request(Box<RequestBody>),
    /// A request in another form than the ordinary one.
    Asking(Asking, Box<RequestBody>),
    /// Its legal acknowledgement.
    Acknowledgement(Acknowledgement),
    /// How its execution goes.
    Report(ExecutionReport),
    /// Its refusal.
    Refusal(Refusal),
    /// A package of evidence.
    Evidence(EvidenceTransmittal),
    /// Acceptance of the conditions of a package.
    Acceptance(ConditionsAcceptance),
    /// Withdrawal of a request.
    Withdrawal(Withdrawal),
    /// Any other step in the life of a request.
    Notice(Box<Notice>),
}

macro_rules! kinds {
    ($($variant:ident = $name:literal, $by:expr;)+) => {
        /// The kind of a message, with its name on the wire. Names are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum MessageKind { $(#[doc = $name] $variant,)+ }

        impl MessageKind {
            /// Every kind.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant,)+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Who may send it.
            pub const fn by(self) -> Speaker {
                match self { $(Self::$variant => $by,)+ }
            }
        }
    };
}

const R: Speaker = Speaker::Only(Side::Requesting);
const E: Speaker = Speaker::Only(Side::Requested);

kinds! {
    RequestSubmit = "request.submit", R;
    RequestAck = "request.ack", E;
    ExecutionReport = "execution.report", E;
    RequestRefuse = "request.refuse", E;
    EvidenceTransmit = "evidence.transmit", E;
    ConditionsAccept = "conditions.accept", Speaker::Either;
    RequestWithdraw = "request.withdraw", R;
    RequestUrgent = "request.urgent", R;
    RequestConfirm = "request.confirm", R;
    RequestSupplement = "request.supplement", R;
    PreservationRequest = "preservation.request", R;
    ArrestRequest = "arrest.request", R;
    ExtraditionRequest = "extradition.request", R;
    TransferRequest = "transfer.request", R;
    ProceedingsRequest = "proceedings.request", R;
    JitPropose = "jit.propose", R;
    RequestForwarded = "request.forwarded", E;
    RequestWrongAddressee = "request.wrong-addressee", E;
    ConfidentialityCannotKeep = "confidentiality.cannot-keep", E;
    ConfidentialityDecision = "confidentiality.decision", R;
    InfoRequest = "info.request", E;
    InfoSupply = "info.supply", R;
    InfoExpired = "info.expired", E;
    RequestAccept = "request.accept", E;
    ConsultOpen = "consult.open", Speaker::Either;
    ConsultReply = "consult.reply", Speaker::Either;
    RequestPostpone = "request.postpone", E;
    RequestResume = "request.resume", E;
    ProgressNote = "progress.note", E;
    ProgressQuery = "progress.query", R;
    ProgressReply = "progress.reply", E;
    MeasureResult = "measure.result", E;
    EvidenceReceipt = "evidence.receipt", Speaker::Either;
    UseReportRequest = "use.report.request", Speaker::Either;
    UseReport = "use.report", Speaker::Either;
    DataCorrect = "data.correct", Speaker::Either;
    DataUnlawful = "data.unlawful", Speaker::Either;
    DataDone = "data.done", Speaker::Either;
    BreachNotice = "breach.notice", Speaker::Either;
    ReturnDemand = "return.demand", Speaker::Either;
    ReturnDispatch = "return.dispatch", Speaker::Either;
    ReturnReceipt = "return.receipt", Speaker::Either;
    ReturnWaive = "return.waive", Speaker::Either;
    DestroyCertificate = "destroy.certificate", Speaker::Either;
    RequestClose = "request.close", R;
    RequestCloseAck = "request.close.ack", E;
    ObligationReopen = "obligation.reopen", Speaker::Either;
    SpontaneousNotice = "spontaneous.notice", R;
    SpontaneousAcceptConditions = "spontaneous.accept-conditions", E;
    SpontaneousTransmit = "spontaneous.transmit", R;
    PreservationDone = "preservation.done", E;
    PreservationLift = "preservation.lift", Speaker::Either;
    ArrestMade = "arrest.made", E;
    ArrestReleased = "arrest.released", E;
    SurrenderAgreed = "surrender.agreed", E;
    SurrenderDone = "surrender.done", E;
    TransferDone = "transfer.done", E;
    ProceedingsOutcome = "proceedings.outcome", E;
    JitAgree = "jit.agree", E;
    JitExtend = "jit.extend", Speaker::Either;
    JitEnd = "jit.end", Speaker::Either;
    RegistryNotice = "registry.notice", R;
    ConsultationNotice = "consultation.notice", R;
    ConditionsOffer = "conditions.offer", Speaker::Either;
    ConditionsDecline = "conditions.decline", Speaker::Either;
    ConditionsCounter = "conditions.counter", Speaker::Either;
    ConditionsWaive = "conditions.waive", Speaker::Either;
    AssuranceGive = "assurance.give", R;
    AssuranceAnswer = "assurance.answer", E;
    UseConsentRequest = "use.consent.request", Speaker::Either;
    UseConsentGrant = "use.consent.grant", Speaker::Either;
    UseConsentDeny = "use.consent.deny", Speaker::Either;
    ExculpatoryNotice = "exculpatory.notice", Speaker::Either;
    ProtectionConsult = "protection.consult", Speaker::Either;
}

impl MessageKind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is the first message of a thread, and of nothing else.
    pub fn opens(self) -> bool {
        use MessageKind::{ConsultationNotice, RegistryNotice, RequestConfirm, RequestSubmit, SpontaneousNotice};
        matches!(self, RequestSubmit | ConsultationNotice | RegistryNotice | SpontaneousNotice)
            || (Asking::of(self).is_some() && self != RequestConfirm)
    }

    /// Whether, unless the house rules say otherwise, a second person approves it: what binds the State, what leaves its
    /// hands for good, and what opens a thread.
    pub fn of_two_persons(self) -> bool {
        use MessageKind::{
            ConditionsAccept, DestroyCertificate, EvidenceTransmit, RequestConfirm, RequestRefuse, RequestWithdraw,
            ReturnDispatch, ReturnReceipt, ReturnWaive, SpontaneousTransmit,
        };
        self.opens()
            || matches!(self, RequestConfirm | RequestRefuse | RequestWithdraw | EvidenceTransmit | SpontaneousTransmit)
            || matches!(self, ConditionsAccept | DestroyCertificate | ReturnDispatch | ReturnReceipt | ReturnWaive)
            || self.of_terms()
    }

    /// Whether it brings files that conditions of their sender may bind.
    pub const fn hands_over(self) -> bool {
        matches!(self, Self::EvidenceTransmit | Self::SpontaneousTransmit)
    }
}

impl From<MessageKind> for &'static str {
    fn from(kind: MessageKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for MessageKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::from_name(&name).ok_or_else(|| format!("`{name}` is no kind of message"))
    }
}

impl Body {
    /// The kind that this body makes the message.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Request(_) => MessageKind::RequestSubmit,
            Self::Acknowledgement(_) => MessageKind::RequestAck,
            Self::Report(_) => MessageKind::ExecutionReport,
            Self::Refusal(_) => MessageKind::RequestRefuse,
            Self::Evidence(_) => MessageKind::EvidenceTransmit,
            Self::Acceptance(_) => MessageKind::ConditionsAccept,
            Self::Withdrawal(_) => MessageKind::RequestWithdraw,
            Self::Asking(asking, _) => asking.kind(),
            Self::Notice(notice) => notice.kind,
        }
    }

    /// What is asked for, where the message asks for something.
    pub const fn request(&self) -> Option<&RequestBody> {
        match self {
            Self::Request(request) | Self::Asking(_, request) => Some(request),
            _ => None,
        }
    }
}

impl Message {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`MessageError`] names the first field that is wrong.
    pub fn new(fields: Fields) -> Result<Self, MessageError> {
        bounds::check(&fields)?;
        Ok(Self(fields))
    }

    /// The kind of the message.
    pub const fn kind(&self) -> MessageKind {
        self.0.body.kind()
    }
}

impl Deref for Message {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Sender and recipient are the same authority.
    #[error("sender and recipient are the same authority; name the other one")]
    ToSelf,
    /// A package of evidence without any file.
    #[error("a package of evidence holds no item; add a file")]
    NoItems,
    /// A condition that binds on acceptance, outside a package of evidence.
    #[error("only evidence and offers carry conditions of the requested State; give others another origin")]
    Origin,
    /// An offer of nothing.
    #[error("an offer holds no condition; name one")]
    NoConditions,
    /// A look-up of the legal basis in a message that asks for nothing.
    #[error("only a request carries a look-up of its legal basis; the other side tells its own by `request.ack`")]
    Basis,
    /// New measures in no matter.
    #[error("a supplement names the request that it supplements")]
    NoParent,
    /// A request that names itself as its parent.
    #[error("a request cannot be its own parent")]
    OwnParent,
    /// The short form without its date.
    #[error("the short form of an urgent request says until when the formal request follows")]
    NoConfirmBy,
    /// A date that only the short form has.
    #[error("only the short form of an urgent request says until when the formal request follows")]
    StrayConfirmBy,
    /// A step whose fields are not those of its kind.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// A text field.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An item or a condition.
    #[error(transparent)]
    Consignment(#[from] ConsignmentError),
}
