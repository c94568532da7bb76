//! The conditions vocabulary of the program, read from its files. Refuses two codes of one name and a code without an article.

use std::collections::BTreeMap;

use crate::law::conditions::asked::PurposeKind;
use crate::law::conditions::code::{Code, Codes, General, GeneralRule, ParamKind, ParamNeed, told};
use crate::model::limits::{LINE_BYTES_MAX, PROVISIONS_MAX, VOCABULARY_BYTES_MAX};
use crate::model::package::Condition;
use crate::model::time::Timestamp;

/// The files, in the order in which they are shown.
const FILES: &[&str] = &[
    include_str!("conf.toml"),
    include_str!("use.toml"),
    include_str!("xfer.toml"),
    include_str!("keep.toml"),
    include_str!("assur.toml"),
    include_str!("form.toml"),
    include_str!("general.toml"),
];

/// The codes by name, and what holds for all of them.
#[derive(Debug, Clone)]
pub struct CodeBook {
    codes: Vec<Code>,
    places: BTreeMap<String, usize>,
    general: BTreeMap<GeneralRule, General>,
}

impl CodeBook {
    /// The vocabulary of the program.
    ///
    /// # Errors
    /// [`CodeError`] of the first file that is not good; a test reads all of them.
    pub fn standard() -> Result<Self, CodeError> {
        Self::of(FILES)
    }

    /// A vocabulary of these files.
    ///
    /// # Errors
    /// [`CodeError`] names what is wrong.
    pub fn of(files: &[&str]) -> Result<Self, CodeError> {
        let mut book = Self { codes: Vec::new(), places: BTreeMap::new(), general: BTreeMap::new() };
        for text in files {
            if text.len() > VOCABULARY_BYTES_MAX {
                return Err(CodeError::TooLarge);
            }
            let file: Codes =
                toml::from_str(text).map_err(|error| CodeError::Toml(error.to_string().chars().take(400).collect()))?;
            for code in file.codes {
                check(&code)?;
                if book.places.insert(code.code.clone(), book.codes.len()).is_some() {
                    return Err(CodeError::Fault { code: code.code, what: "stands twice" });
                }
                book.codes.push(code);
            }
            for general in file.general {
                book.general.insert(general.key, general);
            }
        }
        match GeneralRule::ALL.into_iter().find(|key| !book.general.contains_key(key)) {
            Some(_) => Err(CodeError::General),
            None => Ok(book),
        }
    }

    /// Every code.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// Every rule that holds for all conditions.
    pub fn generals(&self) -> impl Iterator<Item = &General> {
        self.general.values()
    }

    /// The code of that name; none for one of a newer version.
    pub fn find(&self, code: &str) -> Option<&Code> {
        self.places.get(code).and_then(|place| self.codes.get(*place))
    }

    /// The articles of a rule that holds for all conditions.
    pub fn articles(&self, key: GeneralRule) -> String {
        self.general.get(&key).map(|general| told(&general.source)).unwrap_or_default()
    }

    /// What is wrong with a condition that an officer writes: parameters that its code asks for, or does not know. A code
    /// of a newer version has whatever parameters it has.
    ///
    /// # Errors
    /// [`GrammarError`] says what to write.
    pub fn check(&self, condition: &Condition) -> Result<(), GrammarError> {
        let Some(code) = self.find(&condition.code) else {
            return Err(GrammarError::Unknown { code: condition.code.clone() });
        };
        let fault = |key: &str, says: String| GrammarError::Param {
            id: condition.id.clone(),
            code: code.code.clone(),
            key: key.to_owned(),
            says,
        };
        for param in &code.params {
            match condition.params.get(&param.key) {
                None if param.need == ParamNeed::Required => return Err(fault(&param.key, param.says.clone())),
                Some(value) if !good(param.kind, value) => return Err(fault(&param.key, param.says.clone())),
                _ => {}
            }
        }
        let known = |key: &String| code.params.iter().any(|param| param.key == *key);
        match condition.params.keys().find(|key| !known(key)) {
            Some(key) => Err(fault(key, "this code has no such parameter".to_owned())),
            None => Ok(()),
        }
    }
}

fn good(kind: ParamKind, value: &str) -> bool {
    match kind {
        ParamKind::Line => true,
        ParamKind::Date => value.parse::<Timestamp>().is_ok(),
        ParamKind::Purposes => purposes(value).is_some(),
        ParamKind::Names => value.split(';').all(|name| !name.trim().is_empty()),
    }
}

/// The purposes in a parameter; none where one is no word of ours.
pub(super) fn purposes(value: &str) -> Option<Vec<PurposeKind>> {
    let one = |word: &str| PurposeKind::ALL.into_iter().find(|kind| kind.name() == word.trim());
    value.split(',').map(one).collect()
}

fn check(code: &Code) -> Result<(), CodeError> {
    let fault = |what: &'static str| Err(CodeError::Fault { code: code.code.clone(), what });
    if code.source.is_empty() {
        return fault("names no article");
    }
    if code.enforcement.is_empty() {
        return fault("does not say how it is kept");
    }
    if [code.source.len(), code.rules.len(), code.params.len()].iter().any(|len| *len > PROVISIONS_MAX) {
        return fault("has more entries than fit");
    }
    if code.rules.iter().any(|rule| rule.acts.is_empty() || rule.opens.is_empty()) {
        return fault("has a rule without an act, or without a word on what opens it");
    }
    let sources = code.source.iter().flat_map(|source| [&source.of, &source.article]);
    let mut lines = [&code.code, &code.title, &code.sender, &code.receiver, &code.outside].into_iter().chain(sources);
    if lines.any(|text| text.is_empty() || text.len() > LINE_BYTES_MAX || text.chars().any(char::is_control)) {
        return fault("has an empty or over-long text, or a control character");
    }
    Ok(())
}

/// Why a file of the vocabulary was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Beyond the limit.
    #[error("a file of the vocabulary has at most {VOCABULARY_BYTES_MAX} bytes")]
    TooLarge,
    /// Not the document that it should be.
    #[error("{0}")]
    Toml(String),
    /// A contradiction in it.
    #[error("the code `{code}` {what}")]
    Fault {
        /// Which code.
        code: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A rule that holds for all conditions is missing.
    #[error("the vocabulary lacks a rule that holds for all conditions")]
    General,
}

/// What is wrong with a condition that an officer wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// No code of ours: the receiver could do nothing but ask two persons.
    #[error("`{code}` is no code of the vocabulary; see `rogatory conditions vocabulary`")]
    Unknown {
        /// The code.
        code: String,
    },
    /// A parameter.
    #[error("condition {id}: {code} and its parameter `{key}`: {says}; write it as {code}({key}=...)=TEXT")]
    Param {
        /// The condition.
        id: String,
        /// Its code.
        code: String,
        /// The parameter.
        key: String,
        /// What it means.
        says: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::conditions::code::Firmness;
    use crate::law::mark::Trust;

    #[test]
    fn the_vocabulary_of_the_program_reads_and_every_code_has_an_article() {
        let book = CodeBook::standard().unwrap();
        assert!(book.codes().len() >= 50, "{}", book.codes().len());
        for code in book.codes() {
            assert!(!code.articles().is_empty());
            let hard = code.rules.iter().any(|rule| rule.how == Firmness::Hard);
            assert!(!hard || code.trust() == Trust::Decides, "{}: what nobody read stops nothing", code.code);
        }
    }

    #[test]
    fn a_code_twice_without_an_article_or_with_an_unknown_word_is_refused() {
        let general = include_str!("general.toml");
        let code = "schema = \"rogatory.conditions.v1\"\n[[code]]\ncode = \"A.B\"\ntitle = \"t\"\nsender = \"s\"\n\
                    receiver = \"r\"\noutside = \"-\"\norigin = \"requested-state\"\nenforcement = [\"gate\"]\n\
                    lifted-by = \"setter\"\nsource = [{ of = \"T\", article = \"1\", mark = \"inferred\" }]\n";
        assert!(CodeBook::of(&[general, code]).is_ok());
        assert!(matches!(CodeBook::of(&[general, code, code]), Err(CodeError::Fault { .. })));
        let bare = code.replace("{ of = \"T\", article = \"1\", mark = \"inferred\" }", "");
        assert!(matches!(CodeBook::of(&[general, &bare]), Err(CodeError::Fault { .. })));
        let odd = code.replace("lifted-by = \"setter\"", "lifted-by = \"anybody\"");
        assert!(matches!(CodeBook::of(&[general, &odd]), Err(CodeError::Toml(_))));
        assert_eq!(CodeBook::of(&[code]).unwrap_err(), CodeError::General);
    }

    #[test]
    fn what_an_officer_writes_is_checked_against_its_code() {
        let book = CodeBook::standard().unwrap();
        let condition = |code: &str, params: &[(&str, &str)]| Condition {
            id: "c1".to_owned(),
            code: code.to_owned(),
            params: params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Condition::default()
        };
        assert!(book.check(&condition("USE.NOT-FOR", &[("purpose", "political, fiscal")])).is_ok());
        for (code, params) in [
            ("USE.NOT-FOR", &[][..]),
            ("USE.NOT-FOR", &[("purpose", "fun")]),
            ("DESTROY.BY", &[("date", "soon")]),
            ("USE.REPORT", &[("colour", "blue")]),
            ("USE.NEW-IN-2030", &[]),
        ] {
            assert!(book.check(&condition(code, params)).is_err(), "{code}");
        }
    }
}
