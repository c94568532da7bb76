//! One step of the look-up and how steps combine. The only place where a reason becomes an answer: what rests on a text
//! that nobody read, on a local belief, or on a row for one territory alone never decides, it makes a human be asked.

use crate::law::instrument::Instrument;
use crate::law::opinion::{Answer, Citation, Effect, Reason, RowCitation, Strength};
use crate::law::provision::Provision;
use crate::law::row::Row;
use crate::law::rule::Rule;
use crate::law::view::{Confirmed, View};
use crate::model::authority::Provenance;

/// What a reason rests on.
#[derive(Debug, Clone, Default)]
pub struct Grounds<'a> {
    bearing: Vec<Provision<'a>>,
    shown: Vec<Provision<'a>>,
    rows: Vec<&'a Row>,
}

impl<'a> Grounds<'a> {
    /// On nothing but what is not there.
    pub fn none() -> Self {
        Self::default()
    }

    /// And on this article: if it is only recalled, the reason decides nothing.
    pub fn under(mut self, provision: Provision<'a>) -> Self {
        self.bearing.push(provision);
        self
    }

    /// The article is shown for reading; the reason does not rest on it.
    pub fn see(mut self, provision: Provision<'a>) -> Self {
        self.shown.push(provision);
        self
    }

    /// The article that binds the parties is shown.
    pub fn see_link(self, instrument: &'a Instrument) -> Self {
        match instrument.rule(Rule::Link) {
            Some(rule) => self.see(instrument.cite(&rule.article, &rule.mark)),
            None => self,
        }
    }

    /// And on this row.
    pub fn row(mut self, row: &'a Row) -> Self {
        if !self.rows.iter().any(|other| other.number == row.number) {
            self.rows.push(row);
        }
        self
    }

    /// And on what other grounds rest on.
    pub fn and(mut self, other: Grounds<'a>) -> Self {
        self.bearing.extend(other.bearing);
        self.shown.extend(other.shown);
        other.rows.into_iter().fold(self, Self::row)
    }
}

/// An answer on the way, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The answer so far.
    pub answer: Answer,
    /// How strong it is, or would be.
    pub strength: Strength,
    /// Why.
    pub reasons: Vec<Reason>,
}

impl Step {
    /// Nothing against it, and nothing said.
    pub fn nothing() -> Self {
        Self { answer: Answer::Yes, strength: Strength::Binding, reasons: Vec::new() }
    }

    /// A reason, and the answer that it makes.
    pub fn of(view: &View<'_>, effect: Effect, text: impl Into<String>, grounds: &Grounds<'_>) -> Self {
        let mut text = text.into();
        let mut rows: Vec<RowCitation> = grounds.rows.iter().map(|row| cite_row(row)).collect();
        let mut doubts = Vec::new();
        for provision in &grounds.bearing {
            match view.trust(provision) {
                Confirmed::Read => {}
                Confirmed::By(row) => rows.push(cite_row(row)),
                Confirmed::Nobody => doubts.push(format!(
                    "{} {} is recalled and not read; a registry keeper must confirm it",
                    provision.instrument.short, provision.article
                )),
            }
        }
        for row in &grounds.rows {
            if row.source.kind == Provenance::LocalBelief {
                doubts.push(format!("row {} is a local belief and names no source that others accept", row.number));
            }
            if let Some(territory) = &row.territory {
                doubts.push(format!("row {} is for {territory} only", row.number));
            }
        }
        let decides = !matches!(effect, Effect::Notes | Effect::Asks);
        let effect = if decides && !doubts.is_empty() {
            text = format!("{text}; but {}", doubts.join("; "));
            Effect::Asks
        } else {
            effect
        };
        let (answer, strength) = match effect {
            Effect::Supports | Effect::Notes => (Answer::Yes, Strength::Binding),
            Effect::Limits => (Answer::Yes, Strength::MayRefuse),
            Effect::Asks => (Answer::AskAHuman, Strength::Binding),
            Effect::Excludes => (Answer::No, Strength::None),
        };
        let articles = grounds.bearing.iter().chain(&grounds.shown).map(cite).collect();
        Self { answer, strength, reasons: vec![Reason { effect, text, articles, rows }] }
    }

    /// No stronger than this.
    pub fn at_most(mut self, strength: Strength) -> Self {
        self.strength = self.strength.min(strength);
        self
    }

    /// Both must hold: the weaker of the two.
    pub fn and(mut self, other: Self) -> Self {
        self.answer = self.answer.min(other.answer);
        self.strength = self.strength.min(other.strength);
        self.reasons.extend(other.reasons);
        self
    }

    /// One suffices: the better of the two; the reasons of the other are kept as notes.
    pub fn or(self, other: Self) -> Self {
        let first = (self.answer, self.strength) >= (other.answer, other.strength);
        let (mut best, rest) = if first { (self, other) } else { (other, self) };
        best.reasons.extend(rest.reasons.into_iter().map(|reason| Reason { effect: Effect::Notes, ..reason }));
        best
    }

    /// NO has no strength.
    pub fn settled(mut self) -> Self {
        if self.answer == Answer::No {
            self.strength = Strength::None;
        }
        self
    }
}

/// The article as answers show it.
pub fn cite(provision: &Provision<'_>) -> Citation {
    Citation {
        instrument: provision.instrument.id.clone(),
        short: provision.instrument.short.clone(),
        article: provision.article.to_owned(),
        mark: provision.mark.to_string(),
    }
}

fn cite_row(row: &Row) -> RowCitation {
    RowCitation { row: row.number, source: row.source.kind_name(), note: row.source.note.clone() }
}
