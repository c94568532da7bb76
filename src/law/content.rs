//! What a request must or should contain, as data: for each instrument its list, with article and trust mark. Refuses an
//! unknown field, particular or kind of help, an item without an article, and two lists for one instrument.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::law::instrument::{InstrumentError, InstrumentId};
use crate::law::library::Library;
use crate::law::mark::Mark;
use crate::law::particular;
use crate::law::words::Measure;
use crate::model::limits::{INSTRUMENT_BYTES_MAX, LINE_BYTES_MAX, PROVISIONS_MAX};

/// The files of the program.
const FILES: &[&str] = &[
    include_str!("content/l-th.toml"),
    include_str!("content/untoc.toml"),
    include_str!("content/uncac.toml"),
    include_str!("content/asean-mlat.toml"),
    include_str!("content/rome-part-9.toml"),
    include_str!("content/coe-1959.toml"),
    include_str!("content/coe-2ap.toml"),
    include_str!("content/budapest.toml"),
];

/// The list of one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Names the format of the file.
    pub schema: Schema,
    /// Whose list it is.
    pub instrument: InstrumentId,
    /// What the list holds.
    #[serde(rename = "item")]
    pub items: Vec<Item>,
}

/// The formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// The only one.
    #[serde(rename = "rogatory.content.v1")]
    V1,
}

/// One thing that a request contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// A field of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// Or a particular of a measure: any of these suffices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub particular: Vec<String>,
    /// How strongly the instrument asks for it.
    pub need: Weight,
    /// Only for these kinds of help; none: all.
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Measure>,
    /// Not for these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub but: Vec<Measure>,
    /// The article.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What to write, in a few words of ours.
    pub write: String,
}

/// How strongly an instrument asks for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The request is not complete without it.
    Must,
    /// Where possible.
    Should,
    /// If the requesting side wishes.
    May,
}

/// A field of a request that an item may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Who asks; every message names it.
    RequestingAuthority,
    /// Subject and nature of the proceedings.
    Nature,
    /// Who conducts them, with its functions.
    ProceedingAuthority,
    /// The facts.
    Facts,
    /// The offence.
    Charge,
    /// The law, explained.
    ApplicableLaw,
    /// The text of the law.
    LawText,
    /// The penalty.
    Penalty,
    /// The help that is wanted.
    Measures,
    /// A procedure to be followed.
    SpecialProcedure,
    /// The persons.
    People,
    /// What the evidence is for.
    Purpose,
    /// A time limit.
    Deadline,
    /// The reasons of a time limit, where there is one.
    DeadlineReason,
    /// The right to refuse testimony.
    Privilege,
    /// A language that the addressee accepts, or a translation.
    Language,
    /// Wishes about secrecy.
    Confidentiality,
    /// Why the conduct is a crime in both States.
    DualCriminality,
    /// The promise of reciprocity.
    UndertakingReciprocity,
    /// The promise to use an item for this matter only.
    UndertakingUse,
    /// The promise to return items.
    UndertakingReturn,
}

impl Field {
    /// The name that people read, and most of which are the names in the file of a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestingAuthority => "requesting authority",
            Self::Nature => "subject, nature_of_proceedings",
            Self::ProceedingAuthority => "proceeding_authority, proceeding_authority_functions",
            Self::Facts => "facts",
            Self::Charge => "charges",
            Self::ApplicableLaw => "applicable_law",
            Self::LawText => "law_texts",
            Self::Penalty => "penalty",
            Self::Measures => "measures",
            Self::SpecialProcedure => "special_procedure",
            Self::People => "people",
            Self::Purpose => "purpose",
            Self::Deadline => "reply_by",
            Self::DeadlineReason => "reply_by_reason",
            Self::Privilege => "privilege_to_refuse_testimony",
            Self::Language => "language",
            Self::Confidentiality => "confidentiality",
            Self::DualCriminality => "dual_criminality",
            Self::UndertakingReciprocity => "undertakings: reciprocity",
            Self::UndertakingUse => "undertakings: use-only-here",
            Self::UndertakingReturn => "undertakings: return",
        }
    }
}

/// All lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents(Vec<Content>);

impl Contents {
    /// The lists of the program.
    ///
    /// # Errors
    /// [`ContentError`] of the first file that is not good; a test reads all of them.
    pub fn standard() -> Result<Self, ContentError> {
        let lists: Vec<Content> = FILES.iter().map(|text| Content::parse(text)).collect::<Result<_, _>>()?;
        let names: BTreeSet<&InstrumentId> = lists.iter().map(|list| &list.instrument).collect();
        if names.len() == lists.len() { Ok(Self(lists)) } else { Err(ContentError::Twice) }
    }

    /// The list of that instrument.
    pub fn of(&self, instrument: &InstrumentId) -> Option<&Content> {
        self.0.iter().find(|list| list.instrument == *instrument)
    }

    /// Every list.
    pub fn all(&self) -> &[Content] {
        &self.0
    }
}

impl Content {
    /// Reads the file of one list (TOML).
    ///
    /// # Errors
    /// [`ContentError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, ContentError> {
        if text.len() > INSTRUMENT_BYTES_MAX {
            return Err(ContentError::TooLarge);
        }
        let list: Self =
            toml::from_str(text).map_err(|error| ContentError::Toml(error.to_string().chars().take(400).collect()))?;
        let fault =
            |item: &Item, what| ContentError::Item { id: list.instrument.clone(), article: item.article.clone(), what };
        if list.items.len() > PROVISIONS_MAX {
            return Err(ContentError::TooLarge);
        }
        for item in &list.items {
            if item.field.is_some() != item.particular.is_empty() {
                return Err(fault(item, "names a field or particulars, one of the two"));
            }
            if let Some(code) = item.particular.iter().find(|code| particular::known(code).is_none()) {
                return Err(ContentError::Particular(code.clone()));
            }
            if !item.particular.is_empty() && item.only.is_empty() {
                return Err(fault(item, "asks for a particular of no kind of help"));
            }
            if ![item.article.as_str(), &item.write].into_iter().all(line) {
                return Err(fault(item, "has an empty or over-long text, or a control character"));
            }
        }
        Ok(list)
    }
}

fn line(text: &str) -> bool {
    !text.is_empty() && text.len() <= LINE_BYTES_MAX && text.trim() == text && !text.chars().any(char::is_control)
}

/// The instrument that an officer names: by its identifier, its short name or its full name, with or without an article
/// behind a comma.
pub fn named<'a>(library: &'a Library, basis: &str) -> Option<&'a InstrumentId> {
    let bare = basis.split_once(',').map_or(basis, |(name, _)| name);
    let same = |one: &str| one.eq_ignore_ascii_case(basis.trim()) || one.eq_ignore_ascii_case(bare.trim());
    let found = library.instruments().iter().find(|one| same(one.id.as_str()) || same(&one.short) || same(&one.name));
    found.map(|one| &one.id)
}

/// Why a list was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Beyond the limit.
    #[error("a list of contents has at most {INSTRUMENT_BYTES_MAX} bytes and {PROVISIONS_MAX} items")]
    TooLarge,
    /// Not the document that it should be.
    #[error("{0}")]
    Toml(String),
    /// A contradiction in an item.
    #[error("the list of `{id}`, article {article}: an item {what}")]
    Item {
        /// Whose list.
        id: InstrumentId,
        /// The article of the item.
        article: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A particular that nobody described.
    #[error("`{0}` is no particular that the program knows")]
    Particular(String),
    /// Two lists for one instrument.
    #[error("two lists are for one instrument")]
    Twice,
    /// The instruments themselves.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_of_the_program_reads_and_is_of_an_instrument_that_the_program_knows() {
        let (library, contents) = (Library::standard().unwrap(), Contents::standard().unwrap());
        for list in contents.all() {
            let instrument = library.find(&list.instrument).expect("known");
            assert!(!list.items.is_empty(), "{}", instrument.short);
        }
    }

    #[test]
    fn an_instrument_is_found_by_each_of_its_names_and_a_treaty_that_nobody_described_is_not() {
        let library = Library::standard().unwrap();
        for name in ["l-th", "L-TH", "UNTOC, article 18"] {
            assert!(named(&library, name).is_some(), "{name}");
        }
        assert_eq!(named(&library, "Treaty of 2023"), None);
    }

    #[test]
    fn an_item_without_an_article_or_with_an_unknown_particular_is_refused() {
        let list = |item: &str| {
            Content::parse(&format!("schema = \"rogatory.content.v1\"\ninstrument = \"x\"\n[[item]]\n{item}"))
        };
        let good = "field = \"facts\"\nneed = \"must\"\narticle = \"1\"\nmark = \"recalled\"\nwrite = \"it\"";
        assert!(list(good).is_ok());
        assert!(list(&good.replace("article = \"1\"", "article = \"\"")).is_err());
        assert!(list(&good.replace("field = \"facts\"", "particular = [\"facts\"]")).is_err());
        assert!(list(&good.replace("field = \"facts\"\n", "")).is_err());
    }
}
