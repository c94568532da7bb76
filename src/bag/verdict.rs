//! What a verification found, check by check, and the one word that follows from it. Nothing that was not looked at is
//! ever counted as passed.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::ident::Digest;

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed {
        /// Why.
        why: String,
    },
    /// It could not be looked at, or says nothing by itself.
    NotChecked {
        /// Why, and what would help.
        why: String,
    },
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked, in plain words, as a statement that is true if it passed.
    pub what: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The file in question, by its path in the bag or log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Every check passed.
    Verified,
    /// Nothing failed, and something could not be checked.
    VerifiedInPart,
    /// Something failed, or nothing at all could be checked.
    Failed,
}

impl Word {
    /// The word as people read it.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::VerifiedInPart => "VERIFIED IN PART",
            Self::Failed => "FAILED",
        }
    }

    /// The exit code of a program that ends with this word.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::VerifiedInPart => 3,
            Self::Failed => 1,
        }
    }
}

/// Everything that was found, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was looked at.
    pub subject: &'static str,
    /// The word.
    pub verdict: Word,
    /// The container digest of a bag: SHA-256 of its `tagmanifest-sha256.txt`, which names every other file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// What the verified bytes tell, in plain words: only what a passed check stands behind.
    pub story: Vec<String>,
    /// Headings for people: the line of the story before which each stands.
    #[serde(skip)]
    pub headings: Vec<(usize, &'static str)>,
    /// Every check.
    pub checks: Vec<Check>,
    /// What no verification of this kind can say, and what the reader should know about it.
    pub limits: Vec<String>,
}

/// Findings while they are made.
#[derive(Debug, Default)]
pub struct Findings {
    checks: Vec<Check>,
    story: Vec<String>,
    headings: Vec<(usize, &'static str)>,
    limits: Vec<String>,
    seen: BTreeSet<String>,
    container: Option<String>,
}

impl Findings {
    /// It holds.
    pub fn passed(&mut self, what: impl Into<String>, file: Option<&str>) {
        self.push(what, file, Outcome::Passed);
    }

    /// It does not hold.
    pub fn failed(&mut self, what: impl Into<String>, file: Option<&str>, why: impl ToString) {
        self.push(what, file, Outcome::Failed { why: printable(&why.to_string()) });
    }

    /// It was not looked at.
    pub fn not_checked(&mut self, what: impl Into<String>, file: Option<&str>, why: impl ToString) {
        self.push(what, file, Outcome::NotChecked { why: printable(&why.to_string()) });
    }

    /// Passed or failed by a result, whose value comes back.
    pub fn judge<T, E: ToString>(
        &mut self,
        what: impl Into<String>,
        file: Option<&str>,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.passed(what, file);
                Some(value)
            }
            Err(why) => {
                self.failed(what, file, why);
                None
            }
        }
    }

    /// What follows in the story answers this.
    pub fn heading(&mut self, text: &'static str) {
        let here = self.story.len();
        // A heading that no line followed gives way.
        self.headings.retain(|(line, _)| *line < here);
        self.headings.push((here, text));
    }

    /// Whether any check failed so far.
    pub fn has_failed(&self) -> bool {
        self.checks.iter().any(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }

    /// A line of the story.
    pub fn tell(&mut self, line: impl AsRef<str>) {
        self.story.push(printable(line.as_ref()));
    }

    /// A line about the limits; each once.
    pub fn limit(&mut self, line: impl AsRef<str>) {
        let line = printable(line.as_ref());
        if !self.limits.contains(&line) {
            self.limits.push(line);
        }
    }

    /// The container digest, as the bag was found.
    pub fn container(&mut self, digest: Digest) {
        self.container = Some(digest.to_string());
    }

    /// Takes over what was found about one of several things, under a name for it.
    pub fn absorb(&mut self, name: &str, other: Self) {
        for check in other.checks {
            let file = check.file.map(|file| format!("{name}: {file}"));
            self.checks.push(Check { what: format!("{name}: {}", check.what), file, outcome: check.outcome });
        }
        let digest = other.container.map(|digest| format!("Container digest {digest}."));
        let from = self.story.len() + usize::from(digest.is_some());
        self.headings.extend(other.headings.into_iter().map(|(line, heading)| (from + line, heading)));
        self.story.extend(digest.into_iter().chain(other.story).map(|line| format!("{name}: {line}")));
        for line in other.limits {
            self.limit(format!("{name}: {line}"));
        }
    }

    /// Notes that the meaning of a file was looked at.
    pub fn saw(&mut self, file: &str) {
        self.seen.insert(file.to_owned());
    }

    /// Whether it was.
    pub fn has_seen(&self, file: &str) -> bool {
        self.seen.contains(file)
    }

    /// The end.
    pub fn verdict(self, subject: &'static str) -> Verdict {
        let has = |wanted: fn(&Outcome) -> bool| self.checks.iter().any(|check| wanted(&check.outcome));
        let verdict = if self.has_failed() || !has(|outcome| *outcome == Outcome::Passed) {
            Word::Failed
        } else if has(|outcome| matches!(outcome, Outcome::NotChecked { .. })) {
            Word::VerifiedInPart
        } else {
            Word::Verified
        };
        let (story, headings) = (self.story, self.headings);
        let (container, checks, limits) = (self.container, self.checks, self.limits);
        Verdict { subject, verdict, container, story, headings, checks, limits }
    }

    fn push(&mut self, what: impl Into<String>, file: Option<&str>, outcome: Outcome) {
        let what = printable(&what.into());
        self.checks.push(Check { what, outcome, file: file.map(printable) });
    }
}

/// Text from a bag reaches a terminal: an escape sequence in a file name must not repaint the verdict.
fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_outweighs_everything_and_nothing_checked_is_no_success() {
        let mut findings = Findings::default();
        assert_eq!(Findings::default().verdict("bag").verdict, Word::Failed);
        findings.passed("a", None);
        findings.not_checked("b", None, "no key");
        findings.failed("c", Some("file"), "altered");
        assert_eq!(findings.verdict("bag").verdict, Word::Failed);
    }

    #[test]
    fn what_was_not_looked_at_makes_the_verdict_a_part() {
        let mut findings = Findings::default();
        findings.passed("a", None);
        findings.not_checked("b", None, "no key");
        assert_eq!(findings.verdict("bag").verdict, Word::VerifiedInPart);
    }

    #[test]
    fn a_text_from_a_bag_cannot_repaint_the_terminal() {
        let mut findings = Findings::default();
        findings.tell("name\u{1b}[2J\u{202e}\nVERIFIED");
        let verdict = findings.verdict("bag");
        assert!(verdict.story.iter().all(|line| !line.chars().any(char::is_control) && !line.contains('\u{202e}')));
    }
}
