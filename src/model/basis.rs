//! What a node looked up about the legal basis of a request, as it travels with the request and with its
//! acknowledgement. Carries words and digests and judges nothing; refuses what is out of bounds.

use serde::Serialize;

use crate::model::date::Date;
use crate::model::ident::Digest;
use crate::model::limits::{BASIS_DIFFERENCES_MAX, BASIS_FINDINGS_MAX, REGISTRY_LIST_MAX};
use crate::model::text::{Need, TextError, line, prose, word};
use crate::model::time::Timestamp;

/// A question about the legal basis, its answer, and what a person made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BasisLookup {
    /// Digest of the registry that was asked.
    pub registry: Digest,
    /// Digest of the data of all instruments that were asked.
    pub instruments: Digest,
    /// The day of the request: what is decided is decided for this day.
    pub day: Date,
    /// Only rows recorded by then counted.
    pub as_of: Timestamp,
    /// The question, as far as the message does not say it itself.
    pub question: BasisQuestion,
    /// The whole answer.
    pub answer: Verdict,
    /// Each kind of help with its answer, in the order of the request.
    pub measures: Vec<BasisMeasure>,
    /// Each instrument that is a basis, or may be one, for each kind of help.
    pub findings: Vec<BasisFinding>,
    /// The instruments that a person chose.
    pub chosen: Vec<String>,
    /// Why a person rests the request on them although the look-up does not say YES; else empty.
    pub reason: String,
}

/// What the request itself does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BasisQuestion {
    /// What the one conduct is called.
    pub crimes: Vec<String>,
    /// Its earliest day.
    pub conduct: Option<Date>,
    /// Instruments whose test of the offence, or of the help, a person found to be met.
    pub tests_met: Vec<String>,
    /// Whether a person found it to be one of the crimes under international law.
    pub international: Found,
    /// Whether a person found it to be the same crime under the requesting State's law.
    pub requesting_law: Found,
    /// Whether a person found it to be extraditable under the requested State's law.
    pub requested_law: Found,
}

/// One kind of help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BasisMeasure {
    /// The kind of help.
    pub measure: String,
    /// The best answer of all instruments.
    pub answer: Verdict,
}

/// One instrument for one kind of help. An instrument that is not there is no basis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BasisFinding {
    /// The kind of help.
    pub measure: String,
    /// The instrument.
    pub instrument: String,
    /// The answer.
    pub answer: Verdict,
    /// How strong it is, or would be; a word of the look-up.
    pub strength: String,
}

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $each:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $each])+ $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word on the wire and for people.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of that word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                Self::from_word(&word).ok_or_else(|| {
                    let all: Vec<&str> = Self::ALL.iter().map(|one| one.word()).collect();
                    serde::de::Error::custom(format!("write one of {}", all.join(", ")))
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

words! {
    /// The three answers.
    Verdict {
        /// No duty under an instrument that was asked.
        No = "NO",
        /// The rows or the texts do not settle it.
        AskAHuman = "ASK A HUMAN",
        /// A basis.
        Yes = "YES",
    }
}

words! {
    /// A person's finding.
    Found {
        /// Found so.
        Yes = "yes",
        /// Found otherwise.
        No = "no",
        /// Not looked at.
        Open = "open",
    }
}

words! {
    /// What came of looking it up again on the other side.
    Agreement {
        /// The same answers.
        Agreed = "agreed",
        /// Other answers: a matter to clarify, no error and no refusal.
        Differs = "differs",
        /// This node could not look it up.
        NotCompared = "not-compared",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no variant")]
impl Default for Found {
    fn default() -> Self {
        Self::Open
    }
}

/// What one node found when it looked up again what another had looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BasisComparison {
    /// In a word.
    pub agreement: Agreement,
    /// Digest of the registry that was asked now; nothing if there is none.
    pub registry: Option<Digest>,
    /// Digest of the data of all instruments that were asked now; nothing if none were.
    pub instruments: Option<Digest>,
    /// The whole answer now; nothing if there was none.
    pub answer: Option<Verdict>,
    /// Each difference with its reason, in words; or why nothing was compared.
    pub differences: Vec<String>,
}

/// What a node found on a request, as its custody log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BasisReview {
    /// What the other side is told.
    pub comparison: BasisComparison,
    /// The node's own look-up; nothing where it could make none.
    pub own: Option<BasisLookup>,
}

impl BasisLookup {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`TextError`] names the first field that is out of bounds.
    pub fn check_bounds(&self) -> Result<(), TextError> {
        let question = &self.question;
        short("basis crimes", &question.crimes)?;
        short("basis tests met", &question.tests_met)?;
        short("basis chosen", &self.chosen)?;
        bounded("basis measures", self.measures.len(), REGISTRY_LIST_MAX)?;
        self.measures.iter().try_for_each(|one| word("basis measure", &one.measure))?;
        bounded("basis findings", self.findings.len(), BASIS_FINDINGS_MAX)?;
        for finding in &self.findings {
            word("basis measure", &finding.measure)?;
            word("basis instrument", &finding.instrument)?;
            word("basis strength", &finding.strength)?;
        }
        prose("basis reason", &self.reason, Need::Optional)
    }
}

impl BasisComparison {
    /// Checks every bound.
    ///
    /// # Errors
    /// As [`BasisLookup::check_bounds`].
    pub fn check_bounds(&self) -> Result<(), TextError> {
        bounded("basis differences", self.differences.len(), BASIS_DIFFERENCES_MAX)?;
        self.differences.iter().try_for_each(|one| line("basis difference", one, Need::Required))
    }
}

fn short(field: &'static str, words: &[String]) -> Result<(), TextError> {
    bounded(field, words.len(), REGISTRY_LIST_MAX)?;
    words.iter().try_for_each(|one| word(field, one))
}

fn bounded(field: &'static str, entries: usize, most: usize) -> Result<(), TextError> {
    if entries > most { Err(TextError::List { field, entries }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_no_other_does() {
        for one in Verdict::ALL {
            assert_eq!(Verdict::from_word(one.word()), Some(*one));
        }
        for one in Agreement::ALL {
            assert_eq!(Agreement::from_word(one.word()), Some(*one));
        }
        assert_eq!(Verdict::from_word("yes"), None);
        assert_eq!(Found::from_word(""), None);
    }
}
