//! What the check of a request finds: what is missing, doubtful or fine, with the article and with what to write. Holds no
//! content of the request.

use serde::Serialize;

use crate::law::opinion::Citation;
use crate::model::ident::AuthorityId;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it stands.
    pub state: State,
    /// The field, the particular or the requirement.
    pub what: String,
    /// The kind of help that it is about, with its number, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// What to write.
    pub write: String,
    /// What asks for it.
    pub ground: Ground,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It must be there and is not: the request is not complete.
    Missing,
    /// It should be there and is not, or a person must look at it: holds nothing up.
    Doubtful,
    /// It may be there and is not.
    Optional,
    /// It is there.
    Fine,
}

impl State {
    /// The word that people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Doubtful => "doubtful",
            Self::Optional => "optional",
            Self::Fine => "fine",
        }
    }
}

/// What asks for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Ground {
    /// An article of an instrument.
    Article(Citation),
    /// The law of the addressee.
    Requirement {
        /// Whose law.
        authority: AuthorityId,
        /// Who says so.
        source: &'static str,
        /// Which document.
        note: String,
    },
    /// Every request of this program has it.
    House,
    /// Nobody looked: the program knows no list.
    Nobody,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Those in that state.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(move |finding| finding.state == state)
    }

    /// Whether nothing is missing.
    pub fn complete(&self) -> Completeness {
        if self.in_state(State::Missing).next().is_some() { Completeness::Gaps } else { Completeness::Complete }
    }
}

/// Whether a request has gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Nothing that must be there is missing.
    Complete,
    /// Something is.
    Gaps,
}

impl Ground {
    /// For people: the article with its mark, or who says so.
    pub fn told(&self) -> String {
        match self {
            Self::Article(cited) => format!("{} art. {} [{}]", cited.short, cited.article, cited.mark),
            Self::Requirement { authority, source, note } if note.is_empty() => format!("{authority} [{source}]"),
            Self::Requirement { authority, source, note } => format!("{authority} [{source}: {note}]"),
            Self::House => "every request has it".to_owned(),
            Self::Nobody => "no list is known".to_owned(),
        }
    }
}
