//! A question about the legal basis. Refuses a question without a crime, without a kind of help, or of a State to itself.

use crate::law::instrument::InstrumentId;
use crate::law::row::Tests;
use crate::law::subject::Subject;
use crate::law::words::{Crime, Measure};
use crate::model::date::Date;
use crate::model::limits::REGISTRY_LIST_MAX;
use crate::model::message::Urgency;
use crate::model::time::Timestamp;

/// Who asks whom for what, about which conduct, when, and on what state of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The requesting side.
    pub from: Subject,
    /// The requested side.
    pub to: Subject,
    /// What the one conduct is called: every characterisation that applies.
    pub crimes: Vec<Crime>,
    /// The kinds of help.
    pub measures: Vec<Measure>,
    /// The earliest day of the conduct, if it is known.
    pub conduct: Option<Date>,
    /// The day of the request: what is decided is decided for this day.
    pub date: Date,
    /// The day on which the question is put; later than the request for one that is pending.
    pub today: Date,
    /// Only rows recorded by then count.
    pub as_of: Timestamp,
    /// Whether it hurries.
    pub urgency: Urgency,
    /// The request's reference, under which an agreement for this one request is found.
    pub request: Option<String>,
    /// What a person found on the three tests of such an agreement.
    pub tests: Tests,
    /// Instruments whose test of the offence a person found to be met.
    pub tests_met: Vec<InstrumentId>,
}

impl Query {
    /// A question on one day about what is known now; the other fields are set by name.
    pub fn new(from: Subject, to: Subject, crime: Crime, measure: Measure, date: Date, as_of: Timestamp) -> Self {
        Self {
            from,
            to,
            crimes: vec![crime],
            measures: vec![measure],
            conduct: None,
            date,
            today: date,
            as_of,
            urgency: Urgency::Routine,
            request: None,
            tests: Tests::default(),
            tests_met: Vec::new(),
        }
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// [`QueryError`] says what the question lacks.
    pub fn check(&self) -> Result<(), QueryError> {
        if self.from == self.to {
            return Err(QueryError::Itself(self.from.clone()));
        }
        if self.crimes.is_empty() || self.crimes.len() > REGISTRY_LIST_MAX {
            return Err(QueryError::Crimes);
        }
        if self.measures.is_empty() || self.measures.len() > REGISTRY_LIST_MAX {
            return Err(QueryError::Measures);
        }
        if self.today < self.date {
            return Err(QueryError::Today);
        }
        Ok(())
    }
}

/// Why a question cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Both sides are one.
    #[error("{0} cannot ask itself for legal assistance")]
    Itself(Subject),
    /// No crime, or too many.
    #[error("a question names 1 to {REGISTRY_LIST_MAX} crimes")]
    Crimes,
    /// No kind of help, or too many.
    #[error("a question names 1 to {REGISTRY_LIST_MAX} kinds of help")]
    Measures,
    /// Put before the request was made.
    #[error("the question is put on a day before the day of the request")]
    Today,
}
