//! The fixed text of printable requests, one file a language, from `letter/*.toml`. Refuses a file that lacks a phrase or
//! has one too many; what is written in a request is never translated.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The edition of the fixed text and of the drawing. Another one gives other bytes: a receiver compares digests of its own
/// edition only. A test holds the bytes of this one.
pub const EDITION: &str = "1";

const FILES: [&str; 4] = [
    include_str!("letter/en.toml"),
    include_str!("letter/fr.toml"),
    include_str!("letter/es.toml"),
    include_str!("letter/sl.toml"),
];

static LETTERS: LazyLock<Vec<Phrases>> = LazyLock::new(|| {
    let read = |text: &&str| toml::from_str(text).expect("invariant: a test reads these files of the program");
    FILES.iter().map(read).collect()
});

/// The phrases of one language.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrases {
    /// Its BCP 47 tag.
    pub language: String,
    /// Headings, names of fields, sentences.
    pub text: Texts,
    measure: BTreeMap<String, String>,
    crime: BTreeMap<String, String>,
    role: BTreeMap<String, String>,
    enclosure: BTreeMap<String, String>,
    undertaking: BTreeMap<String, String>,
    particular: BTreeMap<String, String>,
}

/// The phrases that stand on every sheet or in every chapter; the words are those of the English file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// Request for mutual legal assistance.
    pub title: String,
    /// Draft of a request for mutual legal assistance.
    pub draft_title: String,
    /// NOT A REQUEST.
    pub draft_mark: String,
    /// This draft is shared for comments only.
    pub draft_note: String,
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// Our reference.
    pub reference: String,
    /// Request number.
    pub request: String,
    /// Message number.
    pub message: String,
    /// Date.
    pub written: String,
    /// Written by.
    pub officer: String,
    /// Subject.
    pub subject: String,
    /// Language of the content.
    pub language: String,
    /// Urgency.
    pub urgency: String,
    /// In the ordinary course.
    pub routine: String,
    /// URGENT.
    pub urgent: String,
    /// Legal basis.
    pub basis: String,
    /// No treaty is named.
    pub no_basis: String,
    /// Proceedings.
    pub proceedings: String,
    /// Authority that conducts them.
    pub authority: String,
    /// Its functions.
    pub functions: String,
    /// Nature.
    pub nature: String,
    /// Persons concerned.
    pub persons: String,
    /// Name.
    pub name: String,
    /// under a pseudonym.
    pub pseudonym: String,
    /// Role.
    pub role: String,
    /// Birth, nationality.
    pub identity: String,
    /// Whereabouts, notes.
    pub whereabouts: String,
    /// Facts.
    pub facts: String,
    /// Time of the conduct.
    pub conduct: String,
    /// to.
    pub until: String,
    /// Offences and applicable law.
    pub law: String,
    /// International law.
    pub crime: String,
    /// Law of the requesting side.
    pub requesting_law: String,
    /// Law of the requested side.
    pub requested_law: String,
    /// Explanation of the law.
    pub explained: String,
    /// Text of the law.
    pub law_text: String,
    /// Penalty.
    pub penalty: String,
    /// Dual criminality.
    pub dual_criminality: String,
    /// Assistance requested.
    pub help: String,
    /// Further.
    pub other_particular: String,
    /// Purpose and relevance.
    pub purpose: String,
    /// Procedure to be followed.
    pub procedure: String,
    /// Right to refuse testimony.
    pub privilege: String,
    /// Confidentiality.
    pub confidentiality: String,
    /// Time limits.
    pub limits: String,
    /// Answer wished by.
    pub reply_by: String,
    /// Reason.
    pub reason: String,
    /// Costs.
    pub costs: String,
    /// Language of the answer.
    pub reply_language: String,
    /// Undertakings.
    pub undertakings: String,
    /// Files that go along.
    pub enclosures: String,
    /// File.
    pub file: String,
    /// What it is.
    pub kind: String,
    /// Bytes.
    pub bytes: String,
    /// None.
    pub no_enclosures: String,
    /// certified by.
    pub certified: String,
    /// Signature.
    pub signature: String,
    /// This document was drawn from a message that carries the electronic seal of the requesting authority.
    pub sealed: String,
    /// Where it travels on paper: place, date, signature and stamp.
    pub by_hand: String,
    /// The fixed text of this form is in the language of the heading; the content is as it was written.
    pub as_written: String,
    /// page.
    pub page: String,
    /// of.
    pub of: String,
}

/// Every language that there is, English first.
pub fn all() -> &'static [Phrases] {
    &LETTERS
}

/// English: where no other language is known.
pub fn english() -> &'static Phrases {
    all().first().expect("invariant: the program has four languages; a test reads each")
}

/// The phrases of a language, by its tag; region and script do not count.
pub fn of(tag: &str) -> Option<&'static Phrases> {
    let primary = tag.split('-').next().unwrap_or_default();
    all().iter().find(|one| one.language.eq_ignore_ascii_case(primary))
}

/// The languages in which a request is drawn: its own, and those that the addressee accepts, as far as they are there;
/// English if none is.
pub fn wanted<'a>(own: &'a str, accepted: impl Iterator<Item = &'a str>) -> Vec<&'static Phrases> {
    let mut found: Vec<&'static Phrases> = Vec::new();
    for phrases in std::iter::once(own).chain(accepted).filter_map(of) {
        if !found.contains(&phrases) {
            found.push(phrases);
        }
    }
    if found.is_empty() {
        found.push(english());
    }
    found
}

impl Phrases {
    /// The name of a kind of help.
    pub fn measure(&self, word: &str) -> Option<&str> {
        self.measure.get(word).map(String::as_str)
    }

    /// The name of a crime.
    pub fn crime(&self, word: &str) -> Option<&str> {
        self.crime.get(word).map(String::as_str)
    }

    /// What a person is.
    pub fn role(&self, word: &str) -> Option<&str> {
        self.role.get(word).map(String::as_str)
    }

    /// What an enclosed file is.
    pub fn enclosure(&self, word: &str) -> Option<&str> {
        self.enclosure.get(word).map(String::as_str)
    }

    /// The name of an undertaking.
    pub fn undertaking(&self, word: &str) -> Option<&str> {
        self.undertaking.get(word).map(String::as_str)
    }

    /// The name of a particular.
    pub fn particular(&self, word: &str) -> Option<&str> {
        self.particular.get(word).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{particular, words};
    use crate::model::request_parts::{ENCLOSURE_KINDS, ROLES};

    #[test]
    fn every_language_has_every_phrase_and_a_name_for_every_word() {
        for phrases in all() {
            let kinds = words::measures().iter().all(|one| phrases.measure(&one.word).is_some());
            let crimes = words::crimes().iter().all(|one| phrases.crime(&one.word).is_some());
            let particulars = particular::all().iter().all(|one| phrases.particular(&one.code).is_some());
            let roles = ROLES.iter().all(|one| phrases.role(one).is_some());
            let enclosures = ENCLOSURE_KINDS.iter().all(|one| phrases.enclosure(one).is_some());
            assert!(kinds && crimes && particulars && roles && enclosures, "{}", phrases.language);
            assert!(FILES.iter().all(|text| !text.contains("\"\"")), "an empty phrase");
        }
        assert_eq!(all().iter().map(|one| one.language.as_str()).collect::<Vec<_>>(), ["en", "fr", "es", "sl"]);
    }

    #[test]
    fn a_request_is_drawn_in_its_own_language_and_in_those_of_the_addressee() {
        let drawn = |own, accepted: &[&'static str]| {
            wanted(own, accepted.iter().copied()).iter().map(|one| one.language.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(drawn("en", &["fr-CH", "de", "en"]), ["en", "fr"]);
        assert_eq!(drawn("de", &[]), ["en"]);
        assert_eq!(drawn("de", &["sl"]), ["sl"]);
    }
}
