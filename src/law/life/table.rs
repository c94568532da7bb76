//! The transition table as data: which message may come when, what it changes and what is owed after it. Refuses a row
//! without an article, with a mark that decides nothing, or with a duty that is not described.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::law::life::state::{ItemState, MeasureState, Stage};
use crate::law::mark::{Mark, Trust};
use crate::model::message::MessageKind;

/// The table of the program.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::parse(include_str!("table.toml")).expect("a test reads this very table"));
    &TABLE
}

/// The whole table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The name and version of the format.
    pub schema: String,
    /// What may be owed.
    pub duty: Vec<DutyText>,
    /// What may happen.
    pub step: Vec<StepText>,
}

/// What may be owed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyText {
    /// Its name.
    pub key: String,
    /// Who owes it.
    pub owner: Who,
    /// Days until it is due, from the message (or from what it tells of), where the message sets no date.
    pub days: u32,
    /// Which date of the message sets the due date.
    #[serde(default)]
    pub date: DateFrom,
    /// Whether it outlives a refusal, a withdrawal and a closing.
    #[serde(default)]
    pub survives: bool,
    /// Whether it is owed only where the message sets a date.
    #[serde(default)]
    pub only_dated: bool,
    /// The state that the request shows while it is owed.
    #[serde(default)]
    pub hold: Option<String>,
    /// The article, or that there is none.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What is to be done, in a few words of ours.
    pub says: String,
}

/// Which date of a message sets a due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateFrom {
    /// None: the days are counted from the message.
    #[default]
    None,
    /// Its next date.
    Due,
    /// The date of what it tells of, and the days after it; for the short form, the date that it names itself.
    At,
}

/// Somebody in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The side that opened it.
    Requesting,
    /// The side that was asked.
    Requested,
    /// Either side.
    Either,
    /// The side that does not speak now.
    Other,
    /// The side that brought the package.
    Provider,
    /// The side that was given the package.
    Holder,
}

/// What may happen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepText {
    /// The kind of message.
    pub message: MessageKind,
    /// Its word, where the kind has rows for several; without one: all other words.
    #[serde(default)]
    pub word: Option<String>,
    /// Who speaks.
    pub by: Who,
    /// When it may come.
    pub when: When,
    /// The stage after it, if that is further on.
    #[serde(default)]
    pub to: Option<Stage>,
    /// Duties of which one must be owed.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Duties that end.
    #[serde(default)]
    pub settles: Vec<String>,
    /// Duties that begin; one that is owed already takes the new date, if there is one.
    #[serde(default)]
    pub raises: Vec<String>,
    /// Duties that take the new date, if they are owed and there is one.
    #[serde(default)]
    pub redates: Vec<String>,
    /// What becomes of the measures it is about.
    #[serde(default)]
    pub measures: Option<MeasureState>,
    /// What becomes of the items it is about.
    #[serde(default)]
    pub items: Option<ItemState>,
    /// What must hold besides.
    #[serde(default)]
    pub requires: Vec<Require>,
    /// Whether its next date is the end of retention.
    #[serde(default)]
    pub retention: bool,
    /// The article, or that there is none.
    pub article: String,
    /// How far that is known.
    pub mark: Mark,
    /// What it does, in a few words of ours.
    pub says: String,
}

/// When a message may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// While the request is not refused, withdrawn or closed.
    Running,
    /// While it is not wholly over: something may still be owed.
    Unsettled,
    /// At any time.
    Always,
}

/// What else must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Require {
    /// Nothing that outlives the request is owed.
    NothingOwed,
    /// A consultation was opened, or the message says why none was appropriate.
    Consulted,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// [`TableError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let table: Self = toml::from_str(text).map_err(|error| TableError::Toml(error.to_string()))?;
        if table.schema != "rogatory.life.v1" {
            return Err(TableError::Schema);
        }
        let described = |key: &String| table.duty.iter().filter(|duty| duty.key == *key).count() == 1;
        for step in &table.step {
            let named = [&step.needs, &step.settles, &step.raises, &step.redates];
            if let Some(key) = named.into_iter().flatten().find(|key| !described(key)) {
                return Err(TableError::Duty(key.clone()));
            }
        }
        let rows = table.step.iter().map(|step| (&step.article, &step.mark, step.message.name()));
        let owed = table.duty.iter().map(|duty| (&duty.article, &duty.mark, duty.key.as_str()));
        for (article, mark, row) in rows.chain(owed) {
            if article.trim().is_empty() || mark.standing() == Trust::NeedsConfirmation {
                return Err(TableError::Ground(row.to_owned()));
            }
        }
        Ok(table)
    }

    /// The row for a kind of message with that word.
    pub fn step(&self, kind: MessageKind, word: &str) -> Option<&StepText> {
        let rows = || self.step.iter().filter(move |step| step.message == kind);
        rows().find(|step| step.word.as_deref() == Some(word)).or_else(|| rows().find(|step| step.word.is_none()))
    }

    /// The duty of that name.
    pub fn duty(&self, key: &str) -> Option<&DutyText> {
        self.duty.iter().find(|duty| duty.key == key)
    }
}

/// Why a table was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// No such TOML.
    #[error("the table of the life of a request does not read: {0}")]
    Toml(String),
    /// Another format.
    #[error("the table is of another format")]
    Schema,
    /// A duty that is not described, or twice.
    #[error("the duty `{0}` is not described once")]
    Duty(String),
    /// A row without a ground that decides.
    #[error("the row `{0}` has no article, or its mark decides nothing")]
    Ground(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_has_a_row_for_every_kind_of_message_and_every_verdict() {
        let table = Table::parse(include_str!("table.toml")).unwrap();
        for kind in MessageKind::ALL {
            let rows: Vec<_> = table.step.iter().filter(|step| step.message == kind).collect();
            assert!(!rows.is_empty(), "{} has no row in table.toml", kind.name());
            let Some(shape) = crate::model::notice_table::shape_of(kind) else { continue };
            for verdict in shape.verdicts {
                assert!(table.step(kind, verdict.name()).is_some(), "{} {}", kind.name(), verdict.name());
            }
        }
    }

    #[test]
    fn what_only_was_recalled_decides_nothing_and_a_duty_is_described_once() {
        let text = include_str!("table.toml");
        let recalled = text.replacen("mark = \"inferred\"", "mark = \"recalled\"", 1);
        assert!(matches!(Table::parse(&recalled), Err(TableError::Ground(_))));
        let unknown = text.replacen("key = \"acknowledge\"", "key = \"acknowledged\"", 1);
        assert_eq!(Table::parse(&unknown), Err(TableError::Duty("acknowledge".to_owned())));
    }
}
