//! Bounds on text that people write. Refuses what is too long, empty where it may not be, or holds control characters.

use crate::model::limits::{LINE_BYTES_MAX, LIST_LEN_MAX, TEXT_BYTES_MAX, WORD_BYTES_MAX};

/// Whether a field may be left empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Must hold something other than white space.
    Required,
    /// May be empty.
    Optional,
}

/// Checks one line: a reference, a name, a code.
///
/// # Errors
/// [`TextError`], naming the field, when it is empty but required, too long, or holds a control character.
pub fn line(field: &'static str, text: &str, need: Need) -> Result<(), TextError> {
    bounded(field, text, need, LINE_BYTES_MAX)?;
    if text.chars().any(char::is_control) { Err(TextError::Control { field }) } else { Ok(()) }
}

/// Checks a longer text; line breaks and tabs are allowed.
///
/// # Errors
/// As [`line()`].
pub fn prose(field: &'static str, text: &str, need: Need) -> Result<(), TextError> {
    bounded(field, text, need, TEXT_BYTES_MAX)?;
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(control) { Err(TextError::Control { field }) } else { Ok(()) }
}

/// Checks a short word that rows of the index repeat: an identifier or a code.
///
/// # Errors
/// As [`line()`], with a smaller bound.
pub fn word(field: &'static str, text: &str) -> Result<(), TextError> {
    line(field, text, Need::Required)?;
    bounded(field, text, Need::Required, WORD_BYTES_MAX)
}

/// Checks the length of a list.
///
/// # Errors
/// [`TextError::List`] when it has more entries than the limits allow.
pub fn list(field: &'static str, entries: usize) -> Result<(), TextError> {
    if entries > LIST_LEN_MAX { Err(TextError::List { field, entries }) } else { Ok(()) }
}

fn bounded(field: &'static str, text: &str, need: Need, bytes_max: usize) -> Result<(), TextError> {
    if need == Need::Required && text.trim().is_empty() {
        Err(TextError::Empty { field })
    } else if text.len() > bytes_max {
        Err(TextError::Long { field, bytes: text.len(), bytes_max })
    } else {
        Ok(())
    }
}

/// Why a text was refused. Never shows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A required field is empty.
    #[error("`{field}` is missing; write it")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A field is too long.
    #[error("`{field}` has {bytes} bytes, at most {bytes_max} are allowed; attach the text as a file instead")]
    Long {
        /// The field.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        bytes_max: usize,
    },
    /// A control character.
    #[error("`{field}` holds a control character; remove it")]
    Control {
        /// The field.
        field: &'static str,
    },
    /// Too many entries.
    #[error("`{field}` has {entries} entries, at most {LIST_LEN_MAX} are allowed")]
    List {
        /// The field.
        field: &'static str,
        /// How many there are.
        entries: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_required_text_is_not_blank_and_an_optional_one_may_be() {
        assert!(line("subject", "  ", Need::Required).is_err());
        assert!(line("subject", "", Need::Optional).is_ok());
    }

    #[test]
    fn a_line_has_no_break_and_prose_may() {
        assert!(line("subject", "a\nb", Need::Required).is_err());
        assert!(prose("facts", "a\nb", Need::Required).is_ok());
        assert!(prose("facts", "a\u{1b}[2Jb", Need::Required).is_err());
    }

    #[test]
    fn an_error_never_shows_the_text() {
        let error = line("subject", &"Secret".repeat(1_000), Need::Required).unwrap_err();
        assert!(!error.to_string().contains("Secret"));
    }
}
