//! A message: one legal act from one central authority to another. A value of it is within all bounds.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::model::basis::BasisLookup;
use crate::model::ident::{AuthorityId, Digest, Id, OfficerName};
use crate::model::package::{Condition, Consignment, ConsignmentError, check_conditions};
use crate::model::rendition::{self, Rendition};
use crate::model::request::{
    Acknowledgement, ConditionsAcceptance, EvidenceTransmittal, ExecutionReport, Refusal, RequestBody, Withdrawal,
};
use crate::model::text::{Need, TextError, line, list, prose};
use crate::model::time::Timestamp;

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
    /// What it says.
    pub body: Body,
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
}

/// The kind of a message, with its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum MessageKind {
    /// `request.submit`
    RequestSubmit,
    /// `request.ack`
    RequestAck,
    /// `execution.report`
    ExecutionReport,
    /// `request.refuse`
    RequestRefuse,
    /// `evidence.transmit`
    EvidenceTransmit,
    /// `conditions.accept`
    ConditionsAccept,
    /// `request.withdraw`
    RequestWithdraw,
}

/// Which side of a request may send a kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The authority that asks.
    Requesting,
    /// The authority that is asked.
    Requested,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::RequestSubmit,
        Self::RequestAck,
        Self::ExecutionReport,
        Self::RequestRefuse,
        Self::EvidenceTransmit,
        Self::ConditionsAccept,
        Self::RequestWithdraw,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestSubmit => "request.submit",
            Self::RequestAck => "request.ack",
            Self::ExecutionReport => "execution.report",
            Self::RequestRefuse => "request.refuse",
            Self::EvidenceTransmit => "evidence.transmit",
            Self::ConditionsAccept => "conditions.accept",
            Self::RequestWithdraw => "request.withdraw",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Which side of the request may send it.
    pub const fn side(self) -> Side {
        match self {
            Self::RequestSubmit | Self::ConditionsAccept | Self::RequestWithdraw => Side::Requesting,
            Self::RequestAck | Self::ExecutionReport | Self::RequestRefuse | Self::EvidenceTransmit => Side::Requested,
        }
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
        }
    }
}

impl Message {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`MessageError`] names the first field that is wrong.
    pub fn new(fields: Fields) -> Result<Self, MessageError> {
        if fields.sender.authority == fields.recipient {
            return Err(MessageError::ToSelf);
        }
        line("language", &fields.language, Need::Required)?;
        let reason = if fields.urgency == Urgency::Urgent { Need::Required } else { Need::Optional };
        prose("urgency_reason", &fields.urgency_reason, reason)?;
        if let Some(reply_by) = &fields.reply_by {
            prose("reply_by_reason", &reply_by.reason, Need::Required)?;
        }
        list("legal_bases", fields.legal_bases.len())?;
        fields.legal_bases.iter().try_for_each(|basis| line("legal_bases", basis, Need::Required))?;
        if let Some(basis) = &fields.basis {
            basis.check_bounds()?;
            if fields.body.kind().side() != Side::Requesting {
                return Err(MessageError::Basis);
            }
        }
        rendition::check(&fields.renditions)?;
        check_conditions(&fields.conditions)?;
        // Only what is sent as evidence can be bound to acceptance: nobody accepts the conditions of another message.
        let evidence = fields.body.kind() == MessageKind::EvidenceTransmit;
        if !evidence && fields.conditions.iter().any(|condition| condition.origin.needs_acceptance()) {
            return Err(MessageError::Origin);
        }
        check_body(&fields.body)?;
        if evidence && fields.consignment.is_none() {
            return Err(MessageError::NoItems);
        }
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

fn check_body(body: &Body) -> Result<(), TextError> {
    match body {
        Body::Request(request) => request.check_bounds(),
        Body::Acknowledgement(ack) => {
            line("reference", &ack.reference, Need::Optional)?;
            line("contact", &ack.contact, Need::Optional)?;
            if let Some(basis) = &ack.basis {
                basis.check_bounds()?;
            }
            prose("note", &ack.note, Need::Optional)
        }
        Body::Report(report) => prose("text", &report.text, Need::Required),
        Body::Refusal(refusal) => {
            list("grounds", refusal.grounds.len())?;
            refusal.grounds.iter().try_for_each(|ground| line("grounds", ground, Need::Required))?;
            prose("reasons", &refusal.reasons, Need::Required)
        }
        Body::Evidence(evidence) => {
            line("reference", &evidence.reference, Need::Optional)?;
            prose("description", &evidence.description, Need::Optional)
        }
        Body::Acceptance(acceptance) => {
            list("condition_ids", acceptance.condition_ids.len())?;
            acceptance.condition_ids.iter().try_for_each(|id| line("condition_ids", id, Need::Required))?;
            line("responsible_authority", &acceptance.responsible_authority, Need::Required)
        }
        Body::Withdrawal(withdrawal) => prose("reason", &withdrawal.reason, Need::Required),
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
    #[error(
        "only a package of evidence carries conditions of the requested State; give the undertakings of another message \
         the origin requester-undertaking or default-by-law"
    )]
    Origin,
    /// A look-up of the legal basis in a message of the requested side.
    #[error("only the requesting side sends a look-up of its legal basis; the other side tells its own by `request.ack`")]
    Basis,
    /// A text field.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An item or a condition.
    #[error(transparent)]
    Consignment(#[from] ConsignmentError),
}
