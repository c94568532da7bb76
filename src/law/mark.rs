//! How far a provision of an instrument may be trusted: read in a named source, or only recalled. Refuses any other mark.

use std::fmt;
use std::str::FromStr;

use crate::model::limits::LINE_BYTES_MAX;

/// The trust mark of one provision, as the data files write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Read in the source that is named: `found: LTH`.
    Found(String),
    /// Stands in one of the background papers: `paper: B1`.
    Paper(String),
    /// An engineering conclusion from marked facts: `inferred`.
    Inferred,
    /// From memory; nobody opened the text: `recalled`. It decides nothing until a registry keeper confirms it.
    Recalled,
}

impl Mark {
    /// Whether a provision with this mark may decide anything without a keeper's confirmation.
    pub fn standing(&self) -> Trust {
        match self {
            Self::Found(_) | Self::Paper(_) | Self::Inferred => Trust::Decides,
            Self::Recalled => Trust::NeedsConfirmation,
        }
    }
}

/// What a mark allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The provision may decide.
    Decides,
    /// It only makes a human be asked, until a keeper's row confirms it.
    NeedsConfirmation,
}

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let named = |source: &str| {
            let good = !source.is_empty() && source.len() <= LINE_BYTES_MAX && !source.chars().any(char::is_control);
            if good { Ok(source.to_owned()) } else { Err(MarkError) }
        };
        match text {
            "recalled" => Ok(Self::Recalled),
            "inferred" => Ok(Self::Inferred),
            _ => match text.split_once(": ") {
                Some(("found", source)) => named(source).map(Self::Found),
                Some(("paper", source)) => named(source).map(Self::Paper),
                _ => Err(MarkError),
            },
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(source) => write!(out, "found: {source}"),
            Self::Paper(source) => write!(out, "paper: {source}"),
            Self::Inferred => out.write_str("inferred"),
            Self::Recalled => out.write_str("recalled"),
        }
    }
}

impl serde::Serialize for Mark {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Mark {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no trust mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a trust mark is `found: SOURCE`, `paper: SOURCE`, `inferred` or `recalled`")]
pub struct MarkError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_only_a_recalled_one_needs_confirmation() {
        for text in ["found: LTH", "paper: B1", "inferred", "recalled"] {
            let mark: Mark = text.parse().unwrap();
            assert_eq!(mark.to_string(), text);
            assert_eq!(mark.standing() == Trust::NeedsConfirmation, text == "recalled");
        }
        for bad in ["", "found", "found: ", "Recalled", "verified", "found:LTH"] {
            assert!(bad.parse::<Mark>().is_err(), "{bad}");
        }
    }
}
