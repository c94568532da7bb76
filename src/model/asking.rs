//! The kinds of message that carry the content of a request besides `request.submit`. Refuses none: what each must hold
//! is checked with the message.

use crate::model::message::MessageKind;

/// In which form a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asking {
    /// The short form, which a formal request must follow.
    Urgent,
    /// The formal request that follows the short form, in the same thread.
    Confirm,
    /// New measures in a matter that was asked about before.
    Supplement,
    /// Keep evidence or property as it is, until a request comes.
    Preservation,
    /// Arrest a person, until a request for extradition comes.
    Arrest,
    /// Extradite or surrender a person.
    Extradition,
    /// Take over a sentenced person.
    Transfer,
    /// Take over proceedings.
    Proceedings,
    /// Set up a joint investigation team.
    Team,
}

impl Asking {
    /// Every form.
    pub const ALL: [Self; 9] = [
        Self::Urgent,
        Self::Confirm,
        Self::Supplement,
        Self::Preservation,
        Self::Arrest,
        Self::Extradition,
        Self::Transfer,
        Self::Proceedings,
        Self::Team,
    ];

    /// The kind of message.
    pub const fn kind(self) -> MessageKind {
        match self {
            Self::Urgent => MessageKind::RequestUrgent,
            Self::Confirm => MessageKind::RequestConfirm,
            Self::Supplement => MessageKind::RequestSupplement,
            Self::Preservation => MessageKind::PreservationRequest,
            Self::Arrest => MessageKind::ArrestRequest,
            Self::Extradition => MessageKind::ExtraditionRequest,
            Self::Transfer => MessageKind::TransferRequest,
            Self::Proceedings => MessageKind::ProceedingsRequest,
            Self::Team => MessageKind::JitPropose,
        }
    }

    /// Whether a field of an ordinary request must be there in this form too. The short forms say who asks, what about,
    /// which facts and what is to be done; a request with the rest follows.
    pub fn needs(self, field: &str) -> bool {
        match self {
            Self::Confirm | Self::Supplement | Self::Extradition => true,
            Self::Urgent | Self::Preservation | Self::Arrest | Self::Transfer | Self::Proceedings | Self::Team => {
                matches!(field, "reference" | "subject" | "proceeding_authority" | "facts" | "measures")
            }
        }
    }

    /// The form that makes that kind.
    pub fn of(kind: MessageKind) -> Option<Self> {
        Self::ALL.into_iter().find(|asking| asking.kind() == kind)
    }
}
