//! The words in which a question is put: crimes and kinds of help, from `vocabulary.toml`. Refuses a word that is not there.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

const TEXT: &str = include_str!("vocabulary.toml");

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| toml::from_str(TEXT).expect("invariant: a test reads this file, which is part of the program"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vocabulary {
    crime: Vec<Word>,
    measure: Vec<Word>,
    channel: Vec<Word>,
}

/// One word and what it means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The word.
    pub word: String,
    /// What it means, for the person who chooses.
    pub says: String,
}

/// A characterisation of the conduct, e.g. `genocide`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Crime(&'static str);

/// A kind of help, e.g. `evidence`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measure(&'static str);

/// A path of requests, e.g. `diplomatic`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(&'static str);

/// Every path of requests that an instrument may open.
pub fn channels() -> &'static [Word] {
    &VOCABULARY.channel
}

/// Every crime that a question may name.
pub fn crimes() -> &'static [Word] {
    &VOCABULARY.crime
}

/// Every kind of help that a question may name.
pub fn measures() -> &'static [Word] {
    &VOCABULARY.measure
}

fn known(words: &'static [Word], text: &str) -> Option<&'static str> {
    words.iter().find(|word| word.word == text).map(|word| word.word.as_str())
}

fn list(words: &[Word]) -> String {
    words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(", ")
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

macro_rules! word {
    ($name:ident, $words:ident, $error:ident) => {
        impl $name {
            /// The word.
            pub fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                known($words(), text).map(Self).ok_or_else(|| WordError::$error(clip(text), list($words())))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

word!(Crime, crimes, Crime);
word!(Measure, measures, Measure);
word!(Path, channels, Path);

/// A word that the vocabulary does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Not a crime of the vocabulary.
    #[error("`{0}` is no crime that the look-up knows; it knows {1}")]
    Crime(String, String),
    /// Not a path of the vocabulary.
    #[error("`{0}` is no path of requests that the look-up knows; it knows {1}")]
    Path(String, String),
    /// Not a kind of help of the vocabulary.
    #[error("`{0}` is no kind of help that the look-up knows; it knows {1}")]
    Measure(String, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_an_unknown_one_is_answered_with_the_list() {
        assert!(crimes().len() > 10 && measures().len() > 20);
        for word in crimes() {
            assert_eq!(word.word.parse::<Crime>().unwrap().as_str(), word.word);
            assert!(!word.says.is_empty());
        }
        for word in measures() {
            assert_eq!(word.word.parse::<Measure>().unwrap().to_string(), word.word);
        }
        for word in channels() {
            assert_eq!(word.word.parse::<Path>().unwrap().as_str(), word.word);
        }
        assert!("jaywalking".parse::<Crime>().unwrap_err().to_string().contains("genocide"));
        assert!("Evidence".parse::<Measure>().is_err());
    }
}
