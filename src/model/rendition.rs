//! What a request looked like on paper when it was written: the digests of its printable forms, signed with it. Refuses
//! more of them than there are languages.

use serde::{Deserialize, Serialize};

use crate::model::ident::Digest;
use crate::model::limits::LANGUAGES_MAX;
use crate::model::text::{Need, TextError, line, word};

/// The printable forms of one request in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// The language of the fixed text (BCP 47).
    pub language: String,
    /// Which edition of the fixed text and of the drawing made it; another edition gives other bytes.
    pub edition: String,
    /// SHA-256 of the HTML file.
    pub html: Digest,
    /// SHA-256 of the PDF file.
    pub pdf: Digest,
}

/// Checks the bounds of all.
///
/// # Errors
/// [`TextError`] names what is out of bounds.
pub fn check(renditions: &[Rendition]) -> Result<(), TextError> {
    if renditions.len() > LANGUAGES_MAX {
        return Err(TextError::List { field: "renditions", entries: renditions.len() });
    }
    renditions.iter().try_for_each(|rendition| {
        line("rendition language", &rendition.language, Need::Required)?;
        word("rendition edition", &rendition.edition)
    })
}
