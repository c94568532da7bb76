//! The bodies of messages: what one central authority says to another. Refuses texts outside their bounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::basis::BasisComparison;
use crate::model::date::Date;
use crate::model::ident::Id;
use crate::model::request_parts::{Charge, Enclosure, LawText, Person, TimeLimit, Undertaking};
use crate::model::text::{Need, TextError, line, list, prose, word};
use crate::model::time::Timestamp;

/// The content of a request for assistance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestBody {
    /// The requesting authority's own file reference.
    pub reference: String,
    /// One line: what the request is about.
    pub subject: String,
    /// The authority that conducts the investigation, prosecution or proceedings.
    pub proceeding_authority: String,
    /// Its functions.
    pub proceeding_authority_functions: String,
    /// The nature of the proceedings.
    pub nature_of_proceedings: String,
    /// A summary of the facts.
    pub facts: String,
    /// The applicable law, explained; its text goes along as an attachment.
    pub applicable_law: String,
    /// The penalty that is or may be imposed.
    pub penalty: String,
    /// The acts that are asked for; at least one.
    pub measures: Vec<Measure>,
    /// Persons concerned, where possible with whereabouts and nationality.
    pub persons: Vec<String>,
    /// What the evidence is for; it limits the use of what is sent.
    pub purpose: String,
    /// A procedure that should be followed.
    pub special_procedure: String,
    /// Wishes about confidentiality beyond the instrument's default.
    pub confidentiality: String,
    /// The law under which a witness may refuse to testify.
    pub privilege_to_refuse_testimony: String,
    /// The persons, so that a machine can tell them apart; beside `persons`, which is free text.
    pub people: Vec<Person>,
    /// The crimes.
    pub charges: Vec<Charge>,
    /// First day of the conduct, as far as it is known.
    pub conduct_from: Option<Date>,
    /// Last day of the conduct.
    pub conduct_to: Option<Date>,
    /// The texts of the national law that applies.
    pub law_texts: Vec<LawText>,
    /// Time limits in the proceedings.
    pub time_limits: Vec<TimeLimit>,
    /// Who bears which costs, as the requesting side proposes.
    pub costs: String,
    /// The language in which an answer is wished (BCP 47).
    pub reply_language: String,
    /// What the files that go along are.
    pub enclosures: Vec<Enclosure>,
    /// Promises of the requesting side.
    pub undertakings: Vec<Undertaking>,
    /// Why the conduct is a crime in both States.
    pub dual_criminality: String,
}

/// One act of assistance that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The kind of help, e.g. `evidence`, `hearing`, `search`.
    pub kind: String,
    /// What exactly is asked for.
    pub description: String,
    /// What this kind of help needs to be told beyond that: a word, e.g. `conducting-authority`, and the text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub particulars: BTreeMap<String, String>,
}

impl RequestBody {
    /// Checks every field against its bounds; an officer's completeness check is [`RequestBody::missing`].
    ///
    /// # Errors
    /// [`TextError`] names the first field that is out of bounds.
    pub fn check_bounds(&self) -> Result<(), TextError> {
        for (field, text, _) in self.lines() {
            line(field, text, Need::Optional)?;
        }
        for (field, text, _) in self.proses() {
            prose(field, text, Need::Optional)?;
        }
        list("measures", self.measures.len())?;
        for measure in &self.measures {
            line("measure kind", &measure.kind, Need::Required)?;
            prose("measure description", &measure.description, Need::Required)?;
            for (code, text) in &measure.particulars {
                word("particulars", code)?;
                prose("particulars", text, Need::Required)?;
            }
        }
        list("particulars", self.measures.iter().map(|measure| measure.particulars.len()).sum())?;
        list("persons", self.persons.len())?;
        self.persons.iter().try_for_each(|person| prose("persons", person, Need::Required))?;
        self.check_parts()
    }

    fn check_parts(&self) -> Result<(), TextError> {
        list("people", self.people.len())?;
        self.people.iter().try_for_each(Person::check)?;
        list("charges", self.charges.len())?;
        self.charges.iter().try_for_each(Charge::check)?;
        list("law_texts", self.law_texts.len())?;
        self.law_texts.iter().try_for_each(LawText::check)?;
        list("time_limits", self.time_limits.len())?;
        self.time_limits.iter().try_for_each(TimeLimit::check)?;
        list("enclosures", self.enclosures.len())?;
        self.enclosures.iter().try_for_each(Enclosure::check)?;
        list("undertakings", self.undertakings.len())?;
        self.undertakings.iter().try_for_each(Undertaking::check)
    }

    /// The required fields that are empty, by name; a request with any is a draft and cannot be sent.
    pub fn missing(&self) -> Vec<&'static str> {
        let fields = self.lines().into_iter().chain(self.proses());
        let mut missing: Vec<_> = fields
            .filter(|(_, text, need)| *need == Need::Required && text.trim().is_empty())
            .map(|(field, _, _)| field)
            .collect();
        if self.measures.is_empty() {
            missing.push("measures");
        }
        missing
    }

    /// Whether service of documents is all that is asked for: then no summary of the facts is owed.
    fn only_service(&self) -> bool {
        !self.measures.is_empty() && self.measures.iter().all(|measure| measure.kind == "service")
    }

    fn lines(&self) -> [(&'static str, &str, Need); 4] {
        [
            ("reply_language", &self.reply_language, Need::Optional),
            ("reference", &self.reference, Need::Required),
            ("subject", &self.subject, Need::Required),
            ("proceeding_authority", &self.proceeding_authority, Need::Required),
        ]
    }

    fn proses(&self) -> [(&'static str, &str, Need); 11] {
        [
            ("costs", &self.costs, Need::Optional),
            ("dual_criminality", &self.dual_criminality, Need::Optional),
            ("proceeding_authority_functions", &self.proceeding_authority_functions, Need::Required),
            ("nature_of_proceedings", &self.nature_of_proceedings, Need::Required),
            ("facts", &self.facts, if self.only_service() { Need::Optional } else { Need::Required }),
            ("applicable_law", &self.applicable_law, Need::Required),
            ("penalty", &self.penalty, Need::Required),
            ("purpose", &self.purpose, Need::Required),
            ("special_procedure", &self.special_procedure, Need::Optional),
            ("confidentiality", &self.confidentiality, Need::Optional),
            ("privilege_to_refuse_testimony", &self.privilege_to_refuse_testimony, Need::Optional),
        ]
    }
}

/// The legal acknowledgement of a request. A transport receipt is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acknowledgement {
    /// The requested authority's file reference.
    pub reference: String,
    /// Whom to ask.
    pub contact: String,
    /// Anything else; may be empty.
    pub note: String,
    /// When the requested authority will write next.
    pub next_contact: Option<Timestamp>,
    /// What its node found when it looked up the legal basis again; nothing from a node that did not.
    pub basis: Option<Box<BasisComparison>>,
}

/// What was done and what not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionReport {
    /// How far the execution is.
    pub status: ExecutionStatus,
    /// What was done, what not, what remains.
    pub text: String,
}

/// How far the execution of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecutionStatus {
    /// Under way.
    InExecution,
    /// Done in part; the rest will not follow or follows later, as the text says.
    Partial,
    /// Done.
    Executed,
    /// Cannot be done.
    Impossible,
}

impl ExecutionStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::InExecution, Self::Partial, Self::Executed, Self::Impossible];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InExecution => "in-execution",
            Self::Partial => "partial",
            Self::Executed => "executed",
            Self::Impossible => "impossible",
        }
    }
}

/// Assistance refused, always with reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The grounds, as the requested authority names them; may be empty.
    pub grounds: Vec<String>,
    /// The reasons.
    pub reasons: String,
    /// The measures that are refused, by their places in the request, from 1; empty: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<u32>,
    /// Why no consultation was appropriate; empty where one was opened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub without_consultation: String,
}

/// A package of evidence handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceTransmittal {
    /// The transmitting authority's reference.
    pub reference: String,
    /// What the package holds.
    pub description: String,
    /// Whether more will follow.
    pub completeness: Completeness,
}

/// Whether more evidence will follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// More will follow.
    Partial,
    /// Nothing more will follow.
    Final,
}

/// The recipient binds itself to the conditions of one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionsAcceptance {
    /// The package.
    pub package_id: Id,
    /// The conditions that are accepted.
    pub condition_ids: Vec<String>,
    /// Who answers for keeping them.
    pub responsible_authority: String,
}

/// Help is no longer needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Why.
    pub reason: String,
    /// The measures that are withdrawn, by their places in the request, from 1; empty: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_request_names_everything_that_is_missing() {
        let missing = RequestBody::default().missing();
        for field in ["reference", "facts", "applicable_law", "penalty", "purpose", "measures"] {
            assert!(missing.contains(&field), "{field}");
        }
        assert!(!missing.contains(&"confidentiality"));
    }

    #[test]
    fn a_field_out_of_bounds_is_named() {
        let body = RequestBody { facts: "x".repeat(65_537), ..RequestBody::default() };
        assert!(body.check_bounds().unwrap_err().to_string().contains("facts"));
    }
}
