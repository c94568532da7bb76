//! The parts of a request that a machine can check: persons, crimes, texts of law, particulars, time limits, enclosures,
//! undertakings. Refuses what is out of bounds; what an instrument asks for, the law floor says.

use serde::{Deserialize, Serialize};

use crate::model::date::Date;
use crate::model::text::{Need, TextError, line, prose, word};

/// A person whom the request concerns. One of the two names is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Person {
    /// The name; empty where only a pseudonym may travel.
    pub name: String,
    /// A pseudonym, e.g. of a protected witness.
    pub pseudonym: String,
    /// What the person is in the case: `suspect`, `accused`, `convicted`, `witness`, `victim`, `expert`, `other`.
    pub role: String,
    /// Date and place of birth, as far as they are known.
    pub born: String,
    /// Nationality.
    pub nationality: String,
    /// Where the person is thought to be.
    pub whereabouts: String,
    /// Anything else that helps to identify the person.
    pub note: String,
}

/// One crime of the request, as each of the legal systems names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Charge {
    /// The word of the look-up, e.g. `genocide`: the crime under international law.
    pub crime: String,
    /// What it is under the law of the requesting side, with the provision.
    pub requesting_law: String,
    /// What it would be under the law of the requested side, if that is known.
    pub requested_law: String,
}

/// The text of a provision of national law.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LawText {
    /// Which provision, e.g. `Criminal Code, section 12`.
    pub citation: String,
    /// The text; empty where a file that goes along holds it.
    pub text: String,
}

/// A time limit in the proceedings, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeLimit {
    /// What ends or begins then, e.g. the trial.
    pub subject: String,
    /// The day.
    pub until: Date,
    /// Why it matters for the request.
    #[serde(default)]
    pub reason: String,
}

/// What one of the files that go along is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enclosure {
    /// The name of the file, as it is attached.
    pub file: String,
    /// What it is: `translation`, `law-text`, `order`, `warrant`, `judgment`, `certificate`, `consent`, `affidavit`,
    /// `document`, `other`.
    pub kind: String,
    /// The language of the file (BCP 47).
    pub language: String,
    /// Who certified it, where somebody did.
    pub certified_by: String,
    /// Anything else.
    pub note: String,
}

/// A promise that the requesting side gives with the request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Undertaking {
    /// Its word, e.g. `reciprocity`, `use-only-here`, `return`.
    pub code: String,
    /// The promise in words.
    pub text: String,
}

/// What persons may be in a case. Another word, of a newer peer, is shown as it came.
pub const ROLES: [&str; 7] = ["suspect", "accused", "convicted", "witness", "victim", "expert", "other"];

/// What enclosed files may be. Another word, of a newer peer, is shown as it came.
pub const ENCLOSURE_KINDS: [&str; 10] = [
    "translation",
    "law-text",
    "order",
    "warrant",
    "judgment",
    "certificate",
    "consent",
    "affidavit",
    "document",
    "other",
];

impl Person {
    /// The name that may be shown: the person's own, or the pseudonym.
    pub fn shown(&self) -> &str {
        if self.name.trim().is_empty() { &self.pseudonym } else { &self.name }
    }

    pub(super) fn check(&self) -> Result<(), TextError> {
        line("person name", &self.name, Need::Optional)?;
        line("person name", self.shown(), Need::Required)?;
        line("person pseudonym", &self.pseudonym, Need::Optional)?;
        word("person role", &self.role)?;
        line("person born", &self.born, Need::Optional)?;
        line("person nationality", &self.nationality, Need::Optional)?;
        prose("person whereabouts", &self.whereabouts, Need::Optional)?;
        prose("person note", &self.note, Need::Optional)
    }
}

impl Charge {
    pub(super) fn check(&self) -> Result<(), TextError> {
        word("charge crime", &self.crime)?;
        prose("charge requesting_law", &self.requesting_law, Need::Optional)?;
        prose("charge requested_law", &self.requested_law, Need::Optional)
    }
}

impl LawText {
    pub(super) fn check(&self) -> Result<(), TextError> {
        line("law_texts citation", &self.citation, Need::Required)?;
        prose("law_texts text", &self.text, Need::Optional)
    }
}

impl TimeLimit {
    pub(super) fn check(&self) -> Result<(), TextError> {
        line("time_limits subject", &self.subject, Need::Required)?;
        prose("time_limits reason", &self.reason, Need::Optional)
    }
}

impl Enclosure {
    pub(super) fn check(&self) -> Result<(), TextError> {
        line("enclosures file", &self.file, Need::Required)?;
        word("enclosures kind", &self.kind)?;
        line("enclosures language", &self.language, Need::Optional)?;
        line("enclosures certified_by", &self.certified_by, Need::Optional)?;
        line("enclosures note", &self.note, Need::Optional)
    }
}

impl Undertaking {
    pub(super) fn check(&self) -> Result<(), TextError> {
        word("undertakings code", &self.code)?;
        prose("undertakings text", &self.text, Need::Required)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_a_name_may_travel_under_a_pseudonym_and_nobody_travels_under_none() {
        let role = "witness".to_owned();
        let hidden = Person { pseudonym: "W-01".to_owned(), role: role.clone(), ..Person::default() };
        assert!(hidden.check().is_ok());
        assert_eq!(hidden.shown(), "W-01");
        assert!(Person { role, ..Person::default() }.check().is_err());
    }
}
