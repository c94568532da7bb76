//! One instrument as data: a treaty, a protocol, a statute, a draft. Refuses an unknown field, a provision without an
//! article or a mark, and a list beyond its bound.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::law::mark::Mark;
use crate::law::provision::{
    AnnexText, ChannelText, CrimeText, MeasureText, Provision, RuleText, Term, TermText, When,
};
use crate::law::rule::Rule;
use crate::law::subject::Subject;
use crate::law::words::{Measure, Path};
use crate::model::date::Date;
use crate::model::limits::{INSTRUMENT_BYTES_MAX, LINE_BYTES_MAX, PROVISIONS_MAX, REGISTRY_LIST_MAX};

/// The name of an instrument in rows and answers: 1 to 40 of `a-z`, `0-9` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstrumentId(String);

impl InstrumentId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InstrumentId {
    type Err = InstrumentError;

    fn from_str(text: &str) -> Result<Self, InstrumentError> {
        let good = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if good { Ok(Self(text.to_owned())) } else { Err(InstrumentError::Id) }
    }
}

impl TryFrom<String> for InstrumentId {
    type Error = InstrumentError;

    fn try_from(text: String) -> Result<Self, InstrumentError> {
        text.parse()
    }
}

impl From<InstrumentId> for String {
    fn from(id: InstrumentId) -> Self {
        id.0
    }
}

impl fmt::Display for InstrumentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The data of one instrument. Its lists are what the look-up follows; the program knows no article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Names the format of the file.
    pub schema: Schema,
    /// Its name in rows.
    pub id: InstrumentId,
    /// How people call it.
    pub short: String,
    /// Its full name.
    pub name: String,
    /// Which text: the year of adoption, or of the amendment.
    pub version: String,
    /// What it is.
    pub kind: Kind,
    /// Between whom it works.
    pub between: Between,
    /// The Court, where it works between a court and States.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub court: Option<Subject>,
    /// Whether it says how a request is made.
    pub procedure: Procedure,
    /// The day of its adoption or signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Date>,
    /// What was read to write this file.
    pub source: String,
    /// What a user of this file must know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The rules it has.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleText>,
    /// The crimes it covers for every party.
    #[serde(default, rename = "crime", skip_serializing_if = "Vec::is_empty")]
    pub crimes: Vec<CrimeText>,
    /// The crimes it covers between States that declared them.
    #[serde(default, rename = "annex", skip_serializing_if = "Vec::is_empty")]
    pub annexes: Vec<AnnexText>,
    /// The help it provides for.
    #[serde(default, rename = "measure", skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<MeasureText>,
    /// The help it excludes in words.
    #[serde(default, rename = "excluded", skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<MeasureText>,
    /// The paths that it opens for requests.
    #[serde(default, rename = "channel", skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelText>,
    /// Its terms: confidentiality, use limit, refusal and the like.
    #[serde(default, rename = "term", skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermText>,
}

/// The formats of an instrument file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// The only one.
    #[serde(rename = "rogatory.instrument.v1")]
    V1,
}

/// What an instrument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A treaty among many States, or a protocol to one.
    Treaty,
    /// A treaty between two.
    Bilateral,
    /// Not a treaty: never a legal basis.
    Draft,
    /// General law that fills gaps of the others; never a basis of its own.
    General,
}

/// Between whom an instrument works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// A State asks a State.
    States,
    /// The Court asks a State.
    CourtToState,
    /// A State asks the Court.
    StateToCourt,
}

/// Whether an instrument says how a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Procedure {
    /// It does.
    Own,
    /// It does, for States that no other treaty on assistance binds.
    Subsidiary,
    /// It does not: a duty to cooperate, and nothing on how.
    None,
}

impl Eq for Instrument {}

impl Instrument {
    /// Reads the file of one instrument (TOML).
    ///
    /// # Errors
    /// [`InstrumentError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, InstrumentError> {
        if text.len() > INSTRUMENT_BYTES_MAX {
            return Err(InstrumentError::TooLarge);
        }
        let instrument: Self = toml::from_str(text)
            .map_err(|error| InstrumentError::Toml(error.to_string().chars().take(400).collect()))?;
        instrument.check()?;
        Ok(instrument)
    }

    /// Checks what the types do not say: bounds, one article for each rule, a court where one is needed.
    ///
    /// # Errors
    /// [`InstrumentError`] names the instrument and the fault.
    pub fn check(&self) -> Result<(), InstrumentError> {
        let fault = |what: &'static str| Err(InstrumentError::Fault { id: self.id.clone(), what });
        let lists = [self.rules.len(), self.crimes.len(), self.annexes.len(), self.measures.len(), self.terms.len()];
        if lists.iter().chain([&self.excluded.len(), &self.channels.len()]).any(|len| *len > PROVISIONS_MAX) {
            return fault("has more provisions than fit");
        }
        if self.rules.iter().any(|rule| rule.articles.len().max(rule.crimes.len()) > REGISTRY_LIST_MAX)
            || self.measures.iter().any(|measure| measure.also.len() > REGISTRY_LIST_MAX)
        {
            return fault("has a list that is too long");
        }
        if !self.lines().iter().all(|text| line(text)) {
            return fault("has an empty or over-long text, or a control character");
        }
        if (self.between == Between::States) != self.court.is_none() {
            return fault("names a court exactly if it works between a court and States");
        }
        let is_basis = !matches!(self.kind, Kind::Draft | Kind::General);
        if is_basis && self.rule(Rule::Link).is_none() {
            return fault("has no article that binds its parties");
        }
        if self.court.is_some() && self.rule(Rule::NonParty).is_none() {
            return fault("has a court and no article on States that are no parties");
        }
        let unique = |count: usize, distinct: usize| count == distinct;
        let rules: BTreeSet<Rule> = self.rules.iter().map(|rule| rule.key).collect();
        let measures: BTreeSet<Measure> = self.measures.iter().map(|text| text.measure).collect();
        let annexes: BTreeSet<&str> = self.annexes.iter().map(|annex| annex.key.as_str()).collect();
        let channels: BTreeSet<(Path, When)> = self.channels.iter().map(|text| (text.channel, text.when)).collect();
        let terms: BTreeSet<Term> = self.terms.iter().map(|term| term.key).collect();
        if !unique(self.rules.len(), rules.len())
            || !unique(self.measures.len(), measures.len())
            || !unique(self.annexes.len(), annexes.len())
            || !unique(self.channels.len(), channels.len())
            || !unique(self.terms.len(), terms.len())
        {
            return fault("has two provisions on one thing");
        }
        Ok(())
    }

    /// The article behind a rule, if the instrument has it.
    pub fn rule(&self, key: Rule) -> Option<&RuleText> {
        self.rules.iter().find(|rule| rule.key == key)
    }

    /// The article that provides for this help, if there is one.
    pub fn measure(&self, measure: Measure) -> Option<&MeasureText> {
        self.measures.iter().find(|text| text.measure == measure)
    }

    /// The article that opens this path in that case, if there is one.
    pub fn channel(&self, channel: &str, when: When) -> Option<&ChannelText> {
        self.channels.iter().find(|text| text.channel.as_str() == channel && text.when == when)
    }

    /// The annex of that key.
    pub fn annex(&self, key: &str) -> Option<&AnnexText> {
        self.annexes.iter().find(|annex| annex.key == key)
    }

    /// An article of this instrument, to be cited.
    pub fn cite<'a>(&'a self, article: &'a str, mark: &'a Mark) -> Provision<'a> {
        Provision { instrument: self, article, mark }
    }

    fn lines(&self) -> Vec<&str> {
        let mut lines = vec![self.short.as_str(), &self.name, &self.version, &self.source];
        lines.extend(self.rules.iter().flat_map(|r| [r.article.as_str(), &r.says]));
        lines.extend(self.crimes.iter().flat_map(|c| [c.article.as_str(), &c.says]));
        lines.extend(self.annexes.iter().flat_map(|a| [a.key.as_str(), &a.letter, &a.article, &a.says]));
        lines.extend(self.measures.iter().chain(&self.excluded).flat_map(|m| [m.article.as_str(), &m.says]));
        lines.extend(self.channels.iter().flat_map(|c| [c.article.as_str(), &c.says]));
        lines.extend(self.terms.iter().flat_map(|t| [t.value.as_str(), &t.article, &t.says]));
        lines
    }
}

fn line(text: &str) -> bool {
    !text.is_empty() && text.len() <= LINE_BYTES_MAX && text.trim() == text && !text.chars().any(char::is_control)
}

/// Why an instrument was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// No name of an instrument.
    #[error("the id of an instrument is 1 to 40 of a-z, 0-9 and `-`")]
    Id,
    /// Beyond the limit.
    #[error("the file of an instrument has at most {INSTRUMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// Not the document that it should be.
    #[error("{0}")]
    Toml(String),
    /// A contradiction in it.
    #[error("instrument `{id}` {what}")]
    Fault {
        /// Which instrument.
        id: InstrumentId,
        /// What is wrong.
        what: &'static str,
    },
}
