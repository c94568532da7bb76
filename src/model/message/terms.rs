//! Which kinds of message set terms, lift them, or open a way round them. Refuses nothing itself.

use crate::model::message::MessageKind;

impl MessageKind {
    /// Whether it sets or lifts terms, or opens a way round them: it binds the State, so two persons say it.
    pub(super) const fn of_terms(self) -> bool {
        matches!(
            self,
            Self::ConditionsOffer
                | Self::ConditionsWaive
                | Self::AssuranceGive
                | Self::AssuranceAnswer
                | Self::UseConsentGrant
                | Self::ExculpatoryNotice
        )
    }

    /// Whether conditions that bind on acceptance may stand in it: on files, or offered before any.
    pub const fn sets_conditions(self) -> bool {
        self.hands_over() || matches!(self, Self::ConditionsOffer)
    }
}
