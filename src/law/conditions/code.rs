//! One code of the conditions vocabulary as data: what it means, what it stops, what opens that again, under which articles.
//! Refuses an unknown word: the program follows rules, and which article says so stands in the file.

use serde::{Deserialize, Serialize};

use crate::law::conditions::asked::Act;
use crate::law::mark::{Mark, Trust};
use crate::model::condition::Enforcement;
use crate::model::package::ConditionOrigin;

/// One file of the vocabulary.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// Names the format of the file.
    pub schema: Schema,
    /// The codes.
    #[serde(default, rename = "code")]
    pub codes: Vec<Code>,
    /// What holds for every condition.
    #[serde(default)]
    pub general: Vec<General>,
}

/// The formats of a file of the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Schema {
    /// The only one.
    #[serde(rename = "rogatory.conditions.v1")]
    V1,
}

/// One code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Code {
    /// Its name, e.g. `USE.NAMED-PROCEEDINGS`.
    pub code: String,
    /// What it is, in a line.
    pub title: String,
    /// What whoever sets it states.
    pub sender: String,
    /// What the receiver must do.
    pub receiver: String,
    /// What no machine can keep.
    pub outside: String,
    /// Who sets it, if nothing else is said.
    pub origin: ConditionOrigin,
    /// How it is kept.
    pub enforcement: Vec<Enforcement>,
    /// Who can lift it.
    pub lifted_by: LiftedBy,
    /// What it asks to be filled in.
    #[serde(default)]
    pub params: Vec<Param>,
    /// What it allows: a way round other conditions.
    #[serde(default)]
    pub permits: Option<Permission>,
    /// What it stops.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Bite>,
    /// The articles.
    pub source: Vec<Source>,
}

impl Code {
    /// Whether an article stands behind it that somebody read. What is only recalled makes a person be asked, and never
    /// stops an act by itself.
    pub fn trust(&self) -> Trust {
        let decides = self.source.iter().any(|source| source.mark.standing() == Trust::Decides);
        if decides { Trust::Decides } else { Trust::NeedsConfirmation }
    }

    /// Its articles in one line.
    pub fn articles(&self) -> String {
        told(&self.source)
    }
}

/// What holds for every condition.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct General {
    /// Which rule.
    pub key: GeneralRule,
    /// What it says.
    pub says: String,
    /// The articles.
    pub source: Vec<Source>,
}

/// The rules that hold for every condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneralRule {
    /// What the requested State sets binds by acceptance only.
    Acceptance,
    /// Silence never accepts.
    Silence,
    /// What clears an accused may be disclosed.
    Exculpatory,
    /// Onward transfer needs consent.
    Onward,
    /// A code of a newer version.
    Unknown,
}

impl GeneralRule {
    /// Every rule.
    pub const ALL: [Self; 5] = [Self::Acceptance, Self::Silence, Self::Exculpatory, Self::Onward, Self::Unknown];
}

/// An article behind a code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The instrument, as people call it.
    pub of: String,
    /// The article.
    pub article: String,
    /// How far it was read.
    pub mark: Mark,
}

/// Sources in one line; what is only recalled says so.
pub fn told(sources: &[Source]) -> String {
    let one = |source: &Source| match source.mark.standing() {
        Trust::Decides => format!("{} {}", source.of, source.article),
        Trust::NeedsConfirmation => format!("{} {} (recalled, not read)", source.of, source.article),
    };
    sources.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Who can lift a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiftedBy {
    /// The authority that set it, by a signed waiver.
    Setter,
    /// The third party or State whose consent it asks for.
    Originator,
    /// Nobody: it is the law.
    Law,
}

/// What a code asks to be filled in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its key.
    pub key: String,
    /// What may stand there.
    pub kind: ParamKind,
    /// Whether it may be left out.
    pub need: ParamNeed,
    /// What it means.
    pub says: String,
}

/// What may stand in a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParamKind {
    /// A line of text.
    Line,
    /// A day, or an instant.
    Date,
    /// Purposes, with commas between them.
    Purposes,
    /// Names, with semicolons between them.
    Names,
}

/// Whether a parameter may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParamNeed {
    /// It must be there.
    Required,
    /// It may be left out.
    Optional,
}

/// A way round other conditions that a code allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// The same facts under another name.
    SameFacts,
    /// Against an immediate and serious threat.
    PublicSafety,
    /// Evidence that clears an accused. It is the law and needs no condition.
    Exculpatory,
}

/// What a code stops.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bite {
    /// Which acts.
    pub acts: Vec<Act>,
    /// When.
    pub bites: When,
    /// How firmly.
    pub how: Firmness,
    /// What opens it; one is enough.
    pub opens: Vec<Opening>,
}

/// When a rule stops an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Always.
    Always,
    /// In proceedings other than the named ones.
    OtherProceeding,
    /// For a purpose that is excluded, or is not said.
    ExcludedPurpose,
    /// It goes to somebody outside the authority, or nobody says to whom.
    Outside,
    /// It goes to another State, or nobody says to whom.
    ThirdState,
    /// It goes to an international organisation, or nobody says to whom.
    InternationalOrganisation,
    /// It goes to an agency that is not named, or nobody says to whom.
    UnlistedAgency,
    /// It goes to the defence or the public, or nobody says to whom.
    ToDefenceOrPublic,
    /// It goes to the public.
    ToPublic,
    /// Its conditions do not go along.
    TermsLeftBehind,
    /// Until the day in the parameter `until`; always without one.
    UntilDate,
    /// From the day in the parameter `date` on.
    AfterDate,
    /// The assurance was not given, or not accepted.
    AssuranceMissing,
}

/// How firmly a rule stops an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmness {
    /// It waits for what opens it.
    Gate,
    /// It is not done.
    Hard,
}

/// What opens a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opening {
    /// A signed consent of the authority that set the condition.
    Consent,
    /// A signed consent that speaks for the third party.
    OriginatorConsent,
    /// A second officer of this authority.
    SecondPerson,
    /// A signed notice.
    Notice,
    /// An assurance that was given and accepted.
    Assurance,
    /// The permission for the same facts.
    SameFacts,
    /// The permission against a threat.
    PublicSafety,
    /// Nothing but a waiver.
    Nothing,
}
