//! The provisions of an instrument as data: rules, crimes, annexes, help, terms. Each has an article and a trust mark.

use serde::{Deserialize, Serialize};

use crate::law::instrument::Instrument;
use crate::law::mark::Mark;
use crate::law::rule::Rule;
use crate::law::words::{Crime, Measure, Path};

/// The article behind a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// The rule.
    pub key: Rule,
    /// The article, as the instrument numbers it.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What it says, in a few words of ours.
    pub says: String,
    /// Months from the notice to its effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// Where the effect falls after those months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// The crimes that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crimes: Vec<Crime>,
    /// The articles that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub articles: Vec<String>,
}

/// Where a period ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// On the same day of the month.
    SameDay,
    /// On the first day of the month that follows.
    FirstOfNextMonth,
}

/// A crime that the instrument covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrimeText {
    /// The crime, or `any`.
    pub crime: Covered,
    /// Only as part of this other crime, which must be named too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Crime>,
    /// What a person must find before it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// The article.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What it says, in a few words of ours.
    pub says: String,
}

/// One crime, or every crime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covered {
    /// Whatever the crime is.
    Any,
    /// This one.
    #[serde(untagged)]
    One(Crime),
}

/// An annex that States declare or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnexText {
    /// What rows call it. The letter is shown only: its order was recalled.
    pub key: String,
    /// The letter, as far as it is known.
    pub letter: String,
    /// How far the letter is known.
    pub letter_mark: Mark,
    /// The crime that it holds.
    pub crime: Crime,
    /// The article that makes annexes work.
    pub article: String,
    /// How far it is known that there is an annex on this crime.
    pub mark: Mark,
    /// What it says, in a few words of ours.
    pub says: String,
}

/// Help that the instrument provides for, or excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureText {
    /// The kind of help.
    pub measure: Measure,
    /// The article.
    pub article: String,
    /// Further articles that a reservation may be about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The Part that it stands in, where Parts may be applied alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How strong the duty is.
    #[serde(default, skip_serializing_if = "Duty::is_shall")]
    pub duty: Duty,
    /// What a person must find before it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// How far that is known.
    pub mark: Mark,
    /// What it says, in a few words of ours.
    pub says: String,
}

/// How strong a duty is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// The help is owed.
    #[default]
    Shall,
    /// It may be given; only considering it is owed.
    May,
    /// It is owed if the requested State declared that it takes the instrument as the treaty basis.
    IfTreatyBasis,
}

impl Duty {
    fn is_shall(&self) -> bool {
        *self == Self::Shall
    }
}

/// A path that the instrument opens for requests. What is not there is not opened: nobody adds a path by habit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelText {
    /// The path.
    pub channel: Path,
    /// In which case.
    pub when: When,
    /// The article.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What it says, in a few words of ours.
    pub says: String,
}

/// In which case a path is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Always.
    Always,
    /// Where the addressee declared it.
    Declared,
    /// Where the two agreed on it.
    Agreed,
    /// In urgent cases.
    Urgent,
    /// In urgent cases, where the two agreed on it.
    UrgentAgreed,
}

impl When {
    /// In words.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Declared => "where the addressee declared it",
            Self::Agreed => "where the two agreed on it",
            Self::Urgent => "in urgent cases",
            Self::UrgentAgreed => "in urgent cases, where the two agreed on it",
        }
    }
}

/// One of the terms under which help runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermText {
    /// Which term.
    pub key: Term,
    /// What it is here, in a fixed word.
    pub value: String,
    /// The article.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What it says, in a few words of ours.
    pub says: String,
}

/// The terms that an answer shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Term {
    /// The path of requests.
    Channel,
    /// Whether electronic transmission is allowed.
    Electronic,
    /// What helps in urgent cases.
    Urgent,
    /// Where the list of contents stands.
    Content,
    /// The languages of requests.
    Language,
    /// Secrecy of the request.
    Confidentiality,
    /// What the results may be used for.
    UseLimit,
    /// Whether refusal is a right or a duty.
    Refusal,
    /// How a refusal is told.
    Reasons,
}

/// An article with its mark: what an answer cites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provision<'a> {
    /// The instrument.
    pub instrument: &'a Instrument,
    /// The article.
    pub article: &'a str,
    /// How far it is known.
    pub mark: &'a Mark,
}
