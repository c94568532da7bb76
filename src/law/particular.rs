//! The questions that a kind of help brings with it, from `content/particulars.toml`. They carry no law. Refuses nothing:
//! a code that is not there is shown as it came, and nobody asked for it.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::law::words::Measure;

const TEXT: &str = include_str!("content/particulars.toml");

static PARTICULARS: LazyLock<Vec<Particular>> = LazyLock::new(|| {
    let list: List = toml::from_str(TEXT).expect("invariant: a test reads this file, which is part of the program");
    list.particular
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    particular: Vec<Particular>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Particular {
    /// Its word in a request, e.g. `conducting-authority`.
    pub code: String,
    /// What to write.
    pub says: String,
    /// The kinds of help that bring it.
    pub measures: Vec<Measure>,
}

/// Every question.
pub fn all() -> &'static [Particular] {
    &PARTICULARS
}

/// The question of that code.
pub fn known(code: &str) -> Option<&'static Particular> {
    all().iter().find(|one| one.code == code)
}

/// The questions of that kind of help, in the order in which they are asked.
pub fn of(measure: Measure) -> impl Iterator<Item = &'static Particular> {
    all().iter().filter(move |one| one.measures.contains(&measure))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_question_has_one_code_and_words_for_people() {
        let codes: BTreeSet<&str> = all().iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes.len(), all().len());
        assert!(all().iter().all(|one| !one.says.is_empty() && !one.measures.is_empty()));
    }

    #[test]
    fn a_video_hearing_asks_who_will_conduct_it() {
        let codes: Vec<&str> = of("video-hearing".parse().unwrap()).map(|one| one.code.as_str()).collect();
        assert!(codes.contains(&"conducting-authority"));
    }
}
