//! What the law of an addressee asks of every request to it, as its row of the directory tells. Refuses an unknown topic,
//! a value that the topic does not have, and a text out of bounds.

use serde::{Deserialize, Serialize};

use crate::model::authority::Provenance;
use crate::model::limits::REQUIREMENTS_MAX;
use crate::model::text::{Need, TextError, line, list, prose, word};

/// One requirement of the addressee, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What it is about.
    pub topic: Topic,
    /// The value in a fixed word, where the topic has one; otherwise empty.
    pub value: String,
    /// The kinds of help that it is about; none: all.
    pub measures: Vec<String>,
    /// The States or authorities with which something was agreed; none: all.
    pub with: Vec<String>,
    /// What it says, for the person who writes the request.
    pub says: String,
    /// Who says so.
    pub source: Provenance,
    /// Which document.
    pub note: String,
}

/// What a requirement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The request shows why the conduct is a crime in both States.
    DualCriminality,
    /// The request holds this undertaking (`value` is its code, e.g. `reciprocity`).
    Undertaking,
    /// A file of this kind goes along (`value`, e.g. `certificate`, `affidavit`, `order`).
    Enclosure,
    /// Each translation is certified.
    CertifiedTranslation,
    /// How requests come (`value`: `central-authority`, `diplomatic`, `interpol`).
    Channel,
    /// Whether electronic filing was agreed (`value`: `agreed`, `not-agreed`), and with whom.
    Electronic,
    /// Anything else that a person must read.
    Other,
}

impl Topic {
    /// The word in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DualCriminality => "dual-criminality",
            Self::Undertaking => "undertaking",
            Self::Enclosure => "enclosure",
            Self::CertifiedTranslation => "certified-translation",
            Self::Channel => "channel",
            Self::Electronic => "electronic",
            Self::Other => "other",
        }
    }
}

/// Checks the requirements of one authority.
///
/// # Errors
/// [`RequirementError`] says what is wrong with the first bad one.
pub fn check(requirements: &[Requirement]) -> Result<(), RequirementError> {
    if requirements.len() > REQUIREMENTS_MAX {
        return Err(TextError::List { field: "requirements", entries: requirements.len() }.into());
    }
    requirements.iter().try_for_each(Requirement::check)
}

impl Requirement {
    fn check(&self) -> Result<(), RequirementError> {
        prose("requirements.says", &self.says, Need::Required)?;
        line("requirements.source.note", &self.note, Need::Optional)?;
        list("requirements.measures", self.measures.len())?;
        list("requirements.with", self.with.len())?;
        self.measures.iter().chain(&self.with).try_for_each(|one| word("requirements", one))?;
        let good = match self.topic {
            Topic::Channel => matches!(self.value.as_str(), "central-authority" | "diplomatic" | "interpol"),
            Topic::Electronic => matches!(self.value.as_str(), "agreed" | "not-agreed"),
            Topic::Undertaking | Topic::Enclosure => word("requirements.value", &self.value).is_ok(),
            Topic::DualCriminality | Topic::CertifiedTranslation | Topic::Other => self.value.is_empty(),
        };
        if good { Ok(()) } else { Err(RequirementError::Value(self.topic.name())) }
    }
}

/// Why a requirement was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// A text or a list.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The topic does not have that value.
    #[error(
        "a requirement on `{0}` does not have that value: channel has central-authority, diplomatic or interpol; \
         electronic has agreed or not-agreed; undertaking and enclosure name a word; the others have none"
    )]
    Value(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_its_own_values_and_no_other() {
        let of = |topic, value: &str| Requirement {
            topic,
            value: value.to_owned(),
            measures: vec![],
            with: vec![],
            says: "read this".to_owned(),
            source: Provenance::PeerNotice,
            note: String::new(),
        };
        assert!(check(&[of(Topic::Channel, "diplomatic"), of(Topic::Electronic, "agreed")]).is_ok());
        assert!(check(&[of(Topic::Channel, "pigeon")]).is_err());
        assert!(check(&[of(Topic::Electronic, "")]).is_err());
        assert!(check(&[of(Topic::Other, "agreed")]).is_err());
        assert!(check(&vec![of(Topic::Other, ""); REQUIREMENTS_MAX + 1]).is_err());
    }
}
