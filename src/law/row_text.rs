//! A row as its file writes it. Refuses an unknown field, a field that the fact does not have, one that it lacks, and
//! whatever is beyond its bound.

mod write;

use serde::{Deserialize, Serialize};

use crate::law::instrument::InstrumentId;
use crate::law::row::{Agreed, Channel, Ends, Extent, Fact, Finding, ObjectionEffect, Parts, Row, Source, Tests};
use crate::law::subject::Subject;
use crate::law::words::Measure;
use crate::model::authority::Provenance;
use crate::model::date::Date;
use crate::model::ident::Digest;
use crate::model::limits::{LINE_BYTES_MAX, REGISTRY_LIST_MAX};
use crate::model::time::Timestamp;

/// The row as text. Fields that a fact does not have are left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowText {
    row: u32,
    fact: FactName,
    instrument: InstrumentId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counterpart: Option<Subject>,
    from: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Date>,
    recorded: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    territory: Option<String>,
    source: SourceText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<EndsName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annex: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effective: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    articles: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measures: Option<Vec<Measure>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extent: Option<ExtentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effect: Option<EffectName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_by: Option<Vec<Subject>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tests: Option<TestsText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<AgreedName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<ChannelName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepts: Option<FindingName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceText {
    kind: SourceName,
    note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestsText {
    international: FindingName,
    requesting: FindingName,
    requested: FindingName,
}

/// Names in the file and values in the program, side by side.
macro_rules! names {
    ($name:ident, $value:ty, $($word:ident => $of:path),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum $name { $($word),+ }

        impl From<$name> for $value {
            fn from(name: $name) -> Self {
                match name { $($name::$word => $of),+ }
            }
        }

        impl From<$value> for $name {
            fn from(value: $value) -> Self {
                match value { $($of => Self::$word),+ }
            }
        }
    };
}

names!(SourceName, Provenance,
    Depositary => Provenance::Depositary, PeerNotice => Provenance::PeerNotice,
    InterimSupport => Provenance::InterimSupport, LocalBelief => Provenance::LocalBelief);
names!(ExtentName, Extent, Excludes => Extent::Excludes, Limits => Extent::Limits);
names!(EffectName, ObjectionEffect,
    NoRelations => ObjectionEffect::NoRelations, ReservationOnly => ObjectionEffect::ReservationOnly,
    Unstated => ObjectionEffect::Unstated);
names!(FindingName, Finding, Yes => Finding::Yes, No => Finding::No, Open => Finding::Open);
names!(AgreedName, Agreed,
    OwnProcedure => Agreed::OwnProcedure, Electronic => Agreed::Electronic, UrgentOral => Agreed::UrgentOral,
    UrgentInterpol => Agreed::UrgentInterpol, Arrangement => Agreed::Arrangement);
names!(ChannelName, Channel,
    CentralAuthority => Channel::CentralAuthority, Diplomatic => Channel::Diplomatic,
    Interpol => Channel::Interpol, DirectJudicial => Channel::DirectJudicial);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FactName {
    Signature,
    Party,
    Provisional,
    Withdrawal,
    Annex,
    CutOff,
    Reservation,
    Objection,
    AdHoc,
    Agreement,
    Channel,
    TreatyBasis,
    Version,
    Confirmation,
    Retraction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EndsName {
    Treaty,
    Provisional,
    Annex,
}

impl TryFrom<RowText> for Row {
    type Error = RowError;

    fn try_from(mut text: RowText) -> Result<Self, RowError> {
        let number = text.row;
        let recorded = instant(&text)?;
        let pairwise = matches!(text.fact, FactName::Objection | FactName::AdHoc | FactName::Agreement);
        if pairwise != text.counterpart.is_some() {
            return Err(RowError::new(number, "`counterpart` belongs to objections and agreements, and they need it"));
        }
        if (text.fact == FactName::Confirmation) == text.state.is_some() {
            return Err(RowError::new(number, "`state` belongs to every fact but a confirmation"));
        }
        if text.state == text.counterpart && text.state.is_some() {
            return Err(RowError::new(number, "`state` and `counterpart` are the same"));
        }
        if text.to.is_some_and(|to| to <= text.from) {
            return Err(RowError::new(number, "`to` is not after `from`"));
        }
        let fact = fact(&mut text)?;
        if matches!(fact, Fact::Confirmation(_)) && text.source.kind == SourceName::LocalBelief {
            return Err(RowError::new(number, "a text is confirmed by who read it; `local-belief` confirms nothing"));
        }
        if matches!(fact, Fact::Retraction) && text.replaces.is_none() {
            return Err(RowError::new(number, "a retraction names the row that it `replaces`"));
        }
        for line in text.territory.iter().chain([&text.source.note]) {
            one_line(number, line)?;
        }
        let document = text.source.sha256.as_deref().map(|hex| digest(number, hex)).transpose()?;
        left_over(&text)?;
        Ok(Self {
            number,
            instrument: text.instrument,
            state: text.state,
            counterpart: text.counterpart,
            from: text.from,
            to: text.to,
            recorded,
            replaces: text.replaces,
            territory: text.territory,
            source: Source { kind: text.source.kind.into(), note: text.source.note, document },
            fact,
        })
    }
}

/// Takes the fields of the fact out of the text; what is left then belongs to no field of this fact.
fn fact(text: &mut RowText) -> Result<Fact, RowError> {
    let number = text.row;
    let needs = |what: &'static str| RowError::new(number, what);
    Ok(match text.fact {
        FactName::Signature => Fact::Signature,
        FactName::Party => Fact::Party,
        FactName::Retraction => Fact::Retraction,
        FactName::Provisional => match text.parts.take() {
            None => Fact::Provisional(Parts::Whole),
            Some(parts) => Fact::Provisional(Parts::Some(list(number, parts)?)),
        },
        FactName::Withdrawal => {
            let of = match text.of.take().ok_or_else(|| needs("a withdrawal says what it is `of`"))? {
                EndsName::Treaty => Ends::Treaty,
                EndsName::Provisional => Ends::Provisional,
                EndsName::Annex => Ends::Annex(annex(text)?),
            };
            Fact::Withdrawal { of, effective: text.effective.take() }
        }
        FactName::Annex => Fact::Annex { annex: annex(text)?, effective: text.effective.take() },
        FactName::CutOff => {
            let before = text.before.take().ok_or_else(|| needs("a cut-off names the day `before` which"))?;
            Fact::CutOff { before, annex: text.annex.take().map(|key| word(number, key)).transpose()? }
        }
        FactName::Reservation => reservation(text)?,
        FactName::Objection => {
            Fact::Objection(text.effect.take().ok_or_else(|| needs("an objection names its `effect`"))?.into())
        }
        FactName::AdHoc => ad_hoc(text)?,
        FactName::Agreement => {
            Fact::Agreement(text.on.take().ok_or_else(|| needs("an agreement says what it is `on`"))?.into())
        }
        FactName::Channel => {
            Fact::Channel(text.channel.take().ok_or_else(|| needs("a channel is named by `channel`"))?.into())
        }
        FactName::TreatyBasis => {
            let accepts =
                text.accepts.take().ok_or_else(|| needs("a treaty basis says whether the State `accepts`"))?;
            Fact::TreatyBasis(accepts.into())
        }
        FactName::Version => {
            Fact::Version(word(number, text.version.take().ok_or_else(|| needs("a version names its `version`"))?)?)
        }
        FactName::Confirmation => {
            let articles = text.articles.take().ok_or_else(|| needs("a confirmation names its `articles`"))?;
            Fact::Confirmation(list(number, articles)?)
        }
    })
}

fn reservation(text: &mut RowText) -> Result<Fact, RowError> {
    let number = text.row;
    let articles = text.articles.take().map(|articles| list(number, articles)).transpose()?.unwrap_or_default();
    let measures = text.measures.take().unwrap_or_default();
    if articles.is_empty() && measures.is_empty() || measures.len() > REGISTRY_LIST_MAX {
        return Err(RowError::new(number, "a reservation names the `articles` or `measures` that it is about"));
    }
    let extent = text.extent.take().ok_or_else(|| RowError::new(number, "a reservation names its `extent`"))?.into();
    Ok(Fact::Reservation { articles, measures, extent })
}

fn ad_hoc(text: &mut RowText) -> Result<Fact, RowError> {
    let number = text.row;
    let needs = |what: &'static str| RowError::new(number, what);
    let request = text.request.take().ok_or_else(|| needs("an agreement for one request names the `request`"))?;
    let signed_by = text.signed_by.take().ok_or_else(|| needs("it says by whom it is `signed_by`"))?;
    if signed_by.len() > REGISTRY_LIST_MAX {
        return Err(needs("has a list that is too long"));
    }
    let tests = text.tests.take().ok_or_else(|| needs("it tells what was found on the three `tests`"))?;
    one_line(number, &request)?;
    let tests = Tests {
        international: tests.international.into(),
        requesting: tests.requesting.into(),
        requested: tests.requested.into(),
    };
    Ok(Fact::AdHoc { request, signed_by, tests })
}

fn annex(text: &mut RowText) -> Result<String, RowError> {
    let key = text.annex.take().ok_or_else(|| RowError::new(text.row, "the fact names an `annex`"))?;
    word(text.row, key)
}

fn left_over(text: &RowText) -> Result<(), RowError> {
    let left = [
        ("parts", text.parts.is_some()),
        ("of", text.of.is_some()),
        ("annex", text.annex.is_some()),
        ("effective", text.effective.is_some()),
        ("before", text.before.is_some()),
        ("articles", text.articles.is_some()),
        ("measures", text.measures.is_some()),
        ("extent", text.extent.is_some()),
        ("effect", text.effect.is_some()),
        ("request", text.request.is_some()),
        ("signed_by", text.signed_by.is_some()),
        ("tests", text.tests.is_some()),
        ("on", text.on.is_some()),
        ("channel", text.channel.is_some()),
        ("accepts", text.accepts.is_some()),
        ("version", text.version.is_some()),
    ];
    match left.iter().find(|(_, there)| *there) {
        Some((field, _)) => Err(RowError::Field { row: text.row, field }),
        None => Ok(()),
    }
}

fn instant(text: &RowText) -> Result<Timestamp, RowError> {
    let bad =
        || RowError::new(text.row, "`recorded` is an instant in UTC with whole seconds, e.g. 2026-11-22T09:30:00Z");
    let instant: Timestamp = text.recorded.parse().map_err(|_| bad())?;
    if instant.to_string() == text.recorded { Ok(instant) } else { Err(bad()) }
}

fn digest(number: u32, hex: &str) -> Result<Digest, RowError> {
    let bad = || RowError::new(number, "`sha256` is 64 hexadecimal digits in lower case");
    let digest: Digest = hex.parse().map_err(|_| bad())?;
    if digest.to_string() == hex { Ok(digest) } else { Err(bad()) }
}

fn list(number: u32, items: Vec<String>) -> Result<Vec<String>, RowError> {
    if items.is_empty() || items.len() > REGISTRY_LIST_MAX {
        return Err(RowError::new(number, "has a list that is empty or too long"));
    }
    items.into_iter().map(|item| word(number, item)).collect()
}

fn word(number: u32, text: String) -> Result<String, RowError> {
    one_line(number, &text)?;
    Ok(text)
}

fn one_line(number: u32, text: &str) -> Result<(), RowError> {
    let good =
        !text.is_empty() && text.len() <= LINE_BYTES_MAX && text.trim() == text && !text.chars().any(char::is_control);
    if good { Ok(()) } else { Err(RowError::new(number, "has a text that is empty, too long, or not one line")) }
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// What the row lacks or says wrongly.
    #[error("row {row}: {what}")]
    What {
        /// Its number.
        row: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// A field of another fact.
    #[error("row {row}: `{field}` does not belong to this fact")]
    Field {
        /// Its number.
        row: u32,
        /// The field.
        field: &'static str,
    },
}

impl RowError {
    fn new(row: u32, what: &'static str) -> Self {
        Self::What { row, what }
    }
}
