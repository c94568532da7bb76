//! The rules that the look-up knows how to follow. Which article says so in which instrument is data; a rule that an
//! instrument does not have is not followed for it.

use serde::{Deserialize, Serialize};

/// A behaviour of the look-up that an article of an instrument can cause.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Binds those who are parties, towards each other (or towards the Court).
    Link,
    /// May be applied before its entry into force, whole or by Part.
    Provisional,
    /// What a State that applies it provisionally may expect of a party.
    ProvisionalToParty,
    /// When the end of provisional application takes effect.
    ProvisionalEnd,
    /// When withdrawal takes effect.
    Withdrawal,
    /// What becomes of requests that are pending when a State leaves.
    Pending,
    /// Crimes that both must have declared.
    Annex,
    /// When the declaration of an annex takes effect.
    AnnexEffect,
    /// When the withdrawal of such a declaration takes effect.
    AnnexWithdrawal,
    /// Use for one request by agreement.
    AdHoc,
    /// A declared day before which conduct is not covered.
    CutOff,
    /// Conduct older than the instrument.
    OlderConduct,
    /// What may be reserved.
    Reservation,
    /// A reservation works against the State that made it.
    Reciprocity,
    /// What an objection to a reservation does.
    Objection,
    /// Its procedure gives way to that of another treaty.
    Subsidiary,
    /// Another agreement may be used instead.
    OtherAgreements,
    /// It takes the place of older bilateral treaties.
    Displaces,
    /// The Court may invite States that are no parties.
    NonParty,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 19] = [
        Self::Link,
        Self::Provisional,
        Self::ProvisionalToParty,
        Self::ProvisionalEnd,
        Self::Withdrawal,
        Self::Pending,
        Self::Annex,
        Self::AnnexEffect,
        Self::AnnexWithdrawal,
        Self::AdHoc,
        Self::CutOff,
        Self::OlderConduct,
        Self::Reservation,
        Self::Reciprocity,
        Self::Objection,
        Self::Subsidiary,
        Self::OtherAgreements,
        Self::Displaces,
        Self::NonParty,
    ];

    /// The rule's name, as the data files write it.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// What the program does because of it; `docs/law.md` shows this beside the article.
    pub const fn behaviour(self) -> &'static str {
        match self {
            Self::Link => "binds two parties; a State that is no party, or only signed, is not bound: NO",
            Self::Provisional => "two States that both apply the Part provisionally are bound by that Part alone",
            Self::ProvisionalToParty => {
                "a party that never applied it provisionally may refuse a State that only does: YES, may refuse"
            }
            Self::ProvisionalEnd => "counts the day on which the end of provisional application takes effect",
            Self::Withdrawal => "counts the day on which withdrawal takes effect; until then the State stays bound",
            Self::Pending => "a request made before a State left stays under the instrument",
            Self::Annex => "both must have declared the same annex; otherwise no duty",
            Self::AnnexEffect => "counts the day on which the declaration takes effect",
            Self::AnnexWithdrawal => "counts the day on which the declaration ends",
            Self::AdHoc => {
                "offers use by agreement for this request: three tests, and the signatures of both; without them \
                 ASK A HUMAN"
            }
            Self::CutOff => "conduct before the declared day: may refuse; a day later than allowed: ASK A HUMAN",
            Self::OlderConduct => "conduct older than the instrument is covered; without this rule: ASK A HUMAN",
            Self::Reservation => "a reserved provision is no basis for that help; only listed ones may be reserved",
            Self::Reciprocity => "the reserving State cannot ask for what it reserved",
            Self::Objection => "the reserved provision does not apply between the two",
            Self::Subsidiary => "its own procedure applies only if no other treaty on assistance binds the two",
            Self::OtherAgreements => "several bases are shown side by side; the States may use the one that helps more",
            Self::Displaces => "an older bilateral treaty on assistance is no longer a basis",
            Self::NonParty => "a State that is no party: by arrangement with the Court, otherwise ASK A HUMAN",
        }
    }
}
