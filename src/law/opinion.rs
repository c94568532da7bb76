//! What the look-up answers: YES, NO or ASK A HUMAN, for each instrument and kind of help, each with its reasons. It
//! never answers alone: a person signs the legal basis.

use serde::Serialize;

use crate::law::instrument::InstrumentId;
use crate::law::provision::Term;
use crate::law::subject::Subject;
use crate::law::words::{Crime, Measure};
use crate::model::date::Date;

/// The three values. The order is that of a conjunction: one NO outweighs any doubt, a doubt outweighs any YES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Answer {
    /// No duty under this instrument.
    #[serde(rename = "NO")]
    No,
    /// The rows or the texts do not settle it.
    #[serde(rename = "ASK A HUMAN")]
    AskAHuman,
    /// A basis.
    #[serde(rename = "YES")]
    Yes,
}

impl Answer {
    /// The word that people see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "NO",
            Self::AskAHuman => "ASK A HUMAN",
            Self::Yes => "YES",
        }
    }
}

/// How strong a basis is, or would be if the open questions were answered well; weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// None at all.
    None,
    /// Only by an agreement that does not exist yet.
    AdHocPossible,
    /// A duty to cooperate, and no procedure.
    DutyOnly,
    /// By an agreement for this request.
    AdHoc,
    /// The requested side may refuse.
    MayRefuse,
    /// Binds as far as it is applied provisionally.
    BindingProvisional,
    /// Binds.
    Binding,
}

/// What a reason does to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Speaks for YES.
    Supports,
    /// YES, and the requested side may refuse.
    Limits,
    /// NO.
    Excludes,
    /// A person must answer something.
    Asks,
    /// Changes nothing; worth knowing.
    Notes,
}

/// One reason, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What it does.
    pub effect: Effect,
    /// In words.
    pub text: String,
    /// The articles.
    pub articles: Vec<Citation>,
    /// The rows.
    pub rows: Vec<RowCitation>,
}

/// An article that a reason rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Citation {
    /// The instrument.
    pub instrument: InstrumentId,
    /// As people call it.
    pub short: String,
    /// The article.
    pub article: String,
    /// Its trust mark.
    pub mark: String,
}

/// A registry row that a reason rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowCitation {
    /// Its number.
    pub row: u32,
    /// The kind of source.
    pub source: &'static str,
    /// Which document.
    pub note: String,
}

/// By which rules the request runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "instruments")]
pub enum RunsBy {
    /// By the instrument's own.
    Own,
    /// By those of the other treaty that binds the two.
    Other(Vec<InstrumentId>),
    /// By the instrument's own, because the two agreed so.
    Agreement,
    /// A person must say.
    Unsettled,
    /// The instrument has none.
    Nothing,
}

/// The answer for one instrument and one kind of help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// The instrument.
    pub instrument: InstrumentId,
    /// As people call it.
    pub short: String,
    /// Which text of it.
    pub version: String,
    /// The kind of help.
    pub measure: Measure,
    /// The answer.
    pub answer: Answer,
    /// How strong.
    pub strength: Strength,
    /// By which rules.
    pub procedure: RunsBy,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Under which terms; empty for NO.
    pub terms: Vec<TermAnswer>,
    /// How the request must travel; nothing for NO.
    pub route: Option<Route>,
}

/// One term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TermAnswer {
    /// Which.
    pub term: Term,
    /// What it is; nothing where the article is only recalled and nobody confirmed it: then a person must be asked.
    pub value: Option<String>,
    /// What the article says, in words.
    pub says: String,
    /// The article.
    pub article: Citation,
}

/// How the request must travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Whether an electronic filing may be called made.
    pub electronic: Answer,
    /// The paths that are open.
    pub ways: Vec<&'static str>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// The requesting side.
    pub from: Subject,
    /// The requested side.
    pub to: Subject,
    /// What the conduct is called.
    pub crimes: Vec<Crime>,
    /// Its earliest day.
    pub conduct: Option<Date>,
    /// The day of the request.
    pub date: Date,
    /// YES when every kind of help has a basis; NO when one has none.
    pub answer: Answer,
    /// Each kind of help with its answer.
    pub measures: Vec<MeasureAnswer>,
    /// Each instrument for each kind of help.
    pub bases: Vec<Basis>,
    /// What a person should do next.
    pub next: Vec<String>,
}

/// One kind of help: the best answer of all instruments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasureAnswer {
    /// The kind of help.
    pub measure: Measure,
    /// The answer.
    pub answer: Answer,
}

impl Opinion {
    /// The answer for that instrument and help.
    pub fn basis(&self, instrument: &str, measure: Measure) -> Option<&Basis> {
        self.bases.iter().find(|basis| basis.instrument.as_str() == instrument && basis.measure == measure)
    }
}
