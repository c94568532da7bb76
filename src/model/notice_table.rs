//! Which fields each kind of notice has, and which verdicts: one closed table, read by the checks, the command line and
//! the documents. Refuses nothing itself.

use serde::{Deserialize, Serialize};

use crate::model::message::MessageKind;
use crate::model::text::Need;

/// The fields that a kind of notice has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The kind.
    pub kind: MessageKind,
    /// In a few words: what the officer does by it.
    pub told: &'static str,
    /// Fields that must hold something.
    pub must: &'static [Field],
    /// Fields that may.
    pub may: &'static [Field],
    /// What its verdict may be.
    pub verdicts: &'static [Verdict],
}

impl Shape {
    /// Whether the field must be there, may be there, or is none of this kind.
    pub fn need(&self, field: Field) -> Option<Need> {
        if self.must.contains(&field) {
            Some(Need::Required)
        } else if self.may.contains(&field) {
            Some(Need::Optional)
        } else {
            None
        }
    }
}

/// The shape of a kind; `None` for a kind that is no notice.
pub fn shape_of(kind: MessageKind) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.kind == kind)
}

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $(#[doc = $word] $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant,)+];

            /// The word that is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The one of that word.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.name() == name)
            }
        }
    };
}

words! {
    /// A field of a notice.
    Field {
        Subject = "subject",
        Reference = "reference",
        Text = "text",
        Codes = "codes",
        Measures = "measures",
        Points = "points",
        Package = "package",
        Objects = "objects",
        About = "about",
        Verdict = "verdict",
        Due = "due",
        At = "at",
        Whom = "whom",
        Method = "method",
        Names = "names",
    }
}

words! {
    /// What was decided or found.
    Verdict {
        Proceed = "proceed",
        Part = "part",
        Stop = "stop",
        OnFile = "on-file",
        Lapsed = "lapsed",
        Nothing = "nothing",
        Impossible = "impossible",
        Partial = "partial",
        Done = "done",
        Accepted = "accepted",
        Rejected = "rejected",
        Declined = "declined",
        Return = "return",
        Destroy = "destroy",
        LeadOnly = "lead-only",
        Evidence = "evidence",
        Preserved = "preserved",
        NotPreserved = "not-preserved",
        Before = "before",
        Afterwards = "afterwards",
    }
}

macro_rules! shapes {
    ($($kind:ident, $told:literal: [$($must:ident)*] [$($may:ident)*] $({$($verdict:ident)+})?;)+) => {
        /// Every kind of notice with its fields.
        pub const SHAPES: &[Shape] = &[$(Shape {
            kind: MessageKind::$kind,
            told: $told,
            must: &[$(Field::$must),*],
            may: &[$(Field::$may),*],
            verdicts: &[$($(Verdict::$verdict),+)?],
        },)+];
    };
}

shapes! {
    RequestForwarded, "say to whom a misdirected request was passed on": [Whom] [Text];
    RequestWrongAddressee, "say that nobody here is competent": [Text] [Whom];
    ConfidentialityCannotKeep, "say what cannot be kept secret, from whom, when": [Text Whom] [At Due];
    ConfidentialityDecision, "decide whether it is executed although it cannot be kept secret": [Verdict] [Measures Text] {Proceed Part Stop};
    InfoRequest, "ask numbered questions, with a time limit": [Points Due] [Measures Text];
    InfoSupply, "answer the questions by their numbers": [Points] [About Text];
    InfoExpired, "say what follows from the silence": [Verdict] [About Measures Text] {OnFile Lapsed};
    RequestAccept, "accept measures": [] [Measures Whom Due Text];
    ConsultOpen, "open a consultation, before a refusal or on anything else": [Text] [Codes Due];
    ConsultReply, "answer a consultation": [Text] [About];
    RequestPostpone, "postpone, with the date of the next look at it": [Text Due] [Measures Codes Verdict] {Preserved NotPreserved};
    RequestResume, "take up what was postponed": [] [Measures Text];
    ProgressNote, "tell how it goes, and when the next word comes": [Text] [Measures Due At Whom];
    ProgressQuery, "ask how it goes": [] [Text Due];
    ProgressReply, "answer how it goes": [Text] [About Points Due];
    MeasureResult, "tell the result of measures": [Measures Verdict] [Text At] {Nothing Impossible Partial Done};
    EvidenceReceipt, "take evidence into custody, or reject it": [Package Verdict] [Objects Text Points] {Accepted Rejected};
    UseReportRequest, "ask how evidence was used": [Due] [Package Text];
    UseReport, "tell how evidence was used": [Text] [About Package Points];
    DataCorrect, "say that data must be corrected": [Text] [Package Objects Due];
    DataUnlawful, "say that data was sent unlawfully, and what to do with it": [Text] [Package Objects Due];
    DataDone, "say that data was corrected, blocked or deleted": [Text] [About At];
    BreachNotice, "tell of a breach of the protection of data": [Text] [Package Objects At Due];
    ReturnDemand, "demand that items come back, or are destroyed": [Package Due Verdict] [Objects Method Text] {Return Destroy};
    ReturnDispatch, "say that items were sent back": [Package Method] [Objects Names At Text];
    ReturnReceipt, "say that items came back": [Package] [Objects Names At Text];
    ReturnWaive, "waive the return of items": [Package] [Objects Text];
    DestroyCertificate, "certify that items were destroyed": [Package Method Names At] [Objects Text];
    RequestClose, "propose to close: nothing is owed any more": [Text] [Due];
    RequestCloseAck, "agree that it is closed": [] [Text Due];
    ObligationReopen, "reopen a closed request for an obligation": [Text Due] [Package];
    SpontaneousNotice, "offer information without a request, by its nature only": [Subject Text] [Reference Due];
    SpontaneousAcceptConditions, "accept or decline the conditions on offered information": [Verdict] [Text Whom] {Accepted Declined};
    SpontaneousTransmit, "hand the information over": [Verdict] [Text Reference] {LeadOnly Evidence};
    PreservationDone, "say that it is preserved, and until when": [Due] [Text Measures At];
    PreservationLift, "end the preservation": [] [Text];
    ArrestMade, "say that the person was arrested": [At] [Text Whom];
    ArrestReleased, "say that the person was released": [At] [Text];
    SurrenderAgreed, "agree on place and date of the surrender": [Due Whom] [Text];
    SurrenderDone, "say that the person was surrendered": [At] [Text Whom];
    TransferDone, "say that the sentenced person was transferred": [At] [Text Whom];
    ProceedingsOutcome, "tell the outcome of the proceedings that were taken over": [Text] [At];
    JitAgree, "agree on the team and its period": [Text Due] [Whom];
    JitExtend, "prolong the team": [Due] [Text];
    JitEnd, "end the team": [] [Text At];
    ConsultationNotice, "open a consultation outside a case": [Subject Text] [Reference Due];
    ConditionsOffer, "offer conditions, with the day until which they can be accepted": [Due] [Text About Measures];
    ConditionsDecline, "decline conditions": [Text] [Package About Names];
    ConditionsCounter, "propose other words for conditions": [Text] [Package About Names];
    ConditionsWaive, "waive conditions": [Names] [Package About Text];
    AssuranceGive, "give an assurance": [Text Whom] [Package About Names Codes];
    AssuranceAnswer, "accept an assurance, or say that it is not enough": [About Verdict] [Text] {Accepted Rejected};
    UseConsentRequest, "ask for consent to another use": [Package Text] [Objects Reference Names Codes];
    UseConsentGrant, "consent to another use": [About] [Text Due Names];
    UseConsentDeny, "refuse consent to another use": [About Text] [];
    ExculpatoryNotice, "give notice of a disclosure": [Package Reference Verdict Text] [Objects At] {Before Afterwards};
    ProtectionConsult, "consult on how far files can be protected": [Package Text] [Objects Names Due];
    RegistryNotice, "tell of a change of authorities, languages or channels": [Subject Text] [At Reference];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::asking::Asking;

    #[test]
    fn every_kind_is_a_notice_or_has_a_body_of_its_own() {
        for kind in MessageKind::ALL {
            let rows = SHAPES.iter().filter(|shape| shape.kind == kind).count();
            let own = Asking::of(kind).is_some()
                || matches!(
                    kind,
                    MessageKind::RequestSubmit
                        | MessageKind::RequestAck
                        | MessageKind::ExecutionReport
                        | MessageKind::RequestRefuse
                        | MessageKind::EvidenceTransmit
                        | MessageKind::ConditionsAccept
                        | MessageKind::RequestWithdraw
                );
            assert_eq!(rows, usize::from(!own), "{}", kind.name());
        }
    }

    #[test]
    fn a_shape_names_a_field_once_and_has_verdicts_where_it_has_a_verdict() {
        for shape in SHAPES {
            let fields: Vec<_> = shape.must.iter().chain(shape.may).collect();
            assert!(fields.iter().all(|field| fields.iter().filter(|other| *other == field).count() == 1));
            assert_eq!(shape.need(Field::Verdict).is_some(), !shape.verdicts.is_empty(), "{}", shape.kind.name());
        }
    }
}
