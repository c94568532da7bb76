//! A notice: one step in the life of a request that neither asks anew nor hands files over by itself. Refuses a field
//! that its kind has not, and misses none that it must have.

use serde::{Deserialize, Serialize};

use crate::model::ident::Id;
use crate::model::limits::{LIST_LEN_MAX, OBJECTS_MAX};
use crate::model::message::MessageKind;
use crate::model::notice_table::{Field, Verdict, shape_of};
use crate::model::text::{Need, TextError, line, list, prose, word};
use crate::model::time::Timestamp;

/// One step. Which fields a kind has stands in [`crate::model::notice_table`]; the others are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The kind of the message.
    pub kind: MessageKind,
    /// One line: what it is about, where it opens a thread.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The sender's file reference.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// What it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Codes: grounds that are considered, classes of reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// The measures it is about, by their places in the request, from 1; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<u32>,
    /// Numbered questions, answers, or states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// The package it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_id: Option<Id>,
    /// The objects of that package; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<u32>,
    /// The message it is about, where that is not plainly the one it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Id>,
    /// What was decided or found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The next date: until when the other side should act, or when the sender will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// An authority, a contact or a place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub whom: String,
    /// How it was or will be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Seal numbers, or the names of witnesses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// A numbered question, answer or state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Its number, from 1.
    pub number: u32,
    /// What it says.
    pub text: String,
}

impl Notice {
    /// An empty notice of that kind.
    pub fn new(kind: MessageKind) -> Self {
        Self {
            kind,
            subject: String::new(),
            reference: String::new(),
            text: String::new(),
            codes: Vec::new(),
            measures: Vec::new(),
            points: Vec::new(),
            package_id: None,
            objects: Vec::new(),
            about: None,
            verdict: None,
            due: None,
            at: None,
            whom: String::new(),
            method: String::new(),
            names: Vec::new(),
        }
    }

    /// Checks every field against the shape of its kind.
    ///
    /// # Errors
    /// [`NoticeError`] names the first field that is wrong.
    pub fn check(&self) -> Result<(), NoticeError> {
        let shape = shape_of(self.kind).ok_or(NoticeError::NoNotice { kind: self.kind })?;
        for field in Field::ALL {
            match (shape.need(field), self.has(field)) {
                (None, true) => return Err(NoticeError::Stray { kind: self.kind, field }),
                (Some(Need::Required), false) => return Err(NoticeError::Missing { kind: self.kind, field }),
                _ => {}
            }
        }
        if let Some(verdict) = self.verdict
            && !shape.verdicts.contains(&verdict)
        {
            return Err(NoticeError::Verdict { kind: self.kind, verdict });
        }
        self.check_texts()?;
        if self.objects.len() > OBJECTS_MAX || self.objects.contains(&0) || self.measures.contains(&0) {
            return Err(NoticeError::Numbers);
        }
        let mut last = 0;
        for point in &self.points {
            if point.number <= last {
                return Err(NoticeError::Points);
            }
            last = point.number;
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), TextError> {
        line("subject", &self.subject, Need::Optional)?;
        line("reference", &self.reference, Need::Optional)?;
        prose("text", &self.text, Need::Optional)?;
        line("whom", &self.whom, Need::Optional)?;
        prose("method", &self.method, Need::Optional)?;
        list("codes", self.codes.len())?;
        self.codes.iter().try_for_each(|code| word("codes", code))?;
        list("names", self.names.len())?;
        self.names.iter().try_for_each(|name| line("names", name, Need::Required))?;
        list("measures", self.measures.len())?;
        list("points", self.points.len())?;
        self.points.iter().try_for_each(|point| prose("points", &point.text, Need::Required))
    }

    /// Whether the field holds something.
    pub fn has(&self, field: Field) -> bool {
        let text = |text: &str| !text.trim().is_empty();
        match field {
            Field::Subject => text(&self.subject),
            Field::Reference => text(&self.reference),
            Field::Text => text(&self.text),
            Field::Codes => !self.codes.is_empty(),
            Field::Measures => !self.measures.is_empty(),
            Field::Points => !self.points.is_empty(),
            Field::Package => self.package_id.is_some(),
            Field::Objects => !self.objects.is_empty(),
            Field::About => self.about.is_some(),
            Field::Verdict => self.verdict.is_some(),
            Field::Due => self.due.is_some(),
            Field::At => self.at.is_some(),
            Field::Whom => text(&self.whom),
            Field::Method => text(&self.method),
            Field::Names => !self.names.is_empty(),
        }
    }
}

/// Why a notice was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// A kind that is no notice.
    #[error("{} is no notice", kind.name())]
    NoNotice {
        /// The kind.
        kind: MessageKind,
    },
    /// A required field is empty.
    #[error("{} must say its `{}`", kind.name(), field.name())]
    Missing {
        /// The kind.
        kind: MessageKind,
        /// The field.
        field: Field,
    },
    /// A field that the kind has not.
    #[error("{} has no `{}`", kind.name(), field.name())]
    Stray {
        /// The kind.
        kind: MessageKind,
        /// The field.
        field: Field,
    },
    /// A verdict of another kind.
    #[error("{} cannot be `{}`", kind.name(), verdict.name())]
    Verdict {
        /// The kind.
        kind: MessageKind,
        /// What it says.
        verdict: Verdict,
    },
    /// Numbers of measures or objects.
    #[error("measures and objects are numbered from 1; at most {LIST_LEN_MAX} measures and {OBJECTS_MAX} objects")]
    Numbers,
    /// Numbers of points.
    #[error("points are numbered from 1, each with its own number, in order")]
    Points,
    /// A text field.
    #[error(transparent)]
    Text(#[from] TextError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(number: u32) -> Point {
        Point { number, text: "Which branch?".to_owned() }
    }

    #[test]
    fn a_notice_has_the_fields_of_its_kind_and_no_other() {
        let mut notice = Notice::new(MessageKind::InfoRequest);
        let missing = |field| Err(NoticeError::Missing { kind: MessageKind::InfoRequest, field });
        assert_eq!(notice.check(), missing(Field::Points));
        notice.points = vec![question(1)];
        assert_eq!(notice.check(), missing(Field::Due));
        notice.due = Some(Timestamp::from_millis(1));
        assert_eq!(notice.check(), Ok(()));
        notice.names = vec!["a witness".to_owned()];
        assert_eq!(notice.check(), Err(NoticeError::Stray { kind: MessageKind::InfoRequest, field: Field::Names }));
    }

    #[test]
    fn a_verdict_is_one_of_its_kind() {
        let mut notice = Notice::new(MessageKind::ConfidentialityDecision);
        notice.verdict = Some(Verdict::Proceed);
        assert_eq!(notice.check(), Ok(()));
        notice.verdict = Some(Verdict::Rejected);
        assert!(matches!(notice.check(), Err(NoticeError::Verdict { .. })));
    }

    #[test]
    fn points_are_numbered_in_order() {
        let mut notice = Notice::new(MessageKind::InfoSupply);
        notice.points = vec![question(2), question(2)];
        assert_eq!(notice.check(), Err(NoticeError::Points));
        notice.points = vec![question(1), question(3)];
        assert_eq!(notice.check(), Ok(()));
    }
}
