//! What one subject is to one instrument on one day: party, provisional, signatory, nothing. A day on which a notice
//! takes effect that nobody can tell is a doubt, never a guess.

use crate::law::instrument::Instrument;
use crate::law::provision::{RuleText, Then};
use crate::law::row::{Ends, Fact, FactKind, Parts, Row};
use crate::law::rule::Rule;
use crate::law::step::Grounds;
use crate::law::subject::Subject;
use crate::law::view::View;
use crate::model::date::Date;

/// A fact that holds on the day, and what it rests on.
#[derive(Debug, Clone)]
pub struct Held<'a> {
    /// The row that tells it.
    pub row: &'a Row,
    /// All rows and articles.
    pub grounds: Grounds<'a>,
    /// Why it may be over, or not yet there.
    pub doubt: Option<String>,
}

/// What a subject is to an instrument.
#[derive(Debug, Clone, Default)]
pub struct Standing<'a> {
    /// A party.
    pub party: Option<Held<'a>>,
    /// Applies it provisionally.
    pub provisional: Option<Held<'a>>,
    /// Signed.
    pub signature: Option<&'a Row>,
    /// Was a party, or applied it, and that is over: by these grounds.
    pub left: Option<Grounds<'a>>,
    /// A row that tells of provisional application before it became a party.
    pub early: Option<&'a Row>,
}

/// The facts that make up a standing.
const STANDING: &[FactKind] = &[FactKind::Party, FactKind::Provisional, FactKind::Signature, FactKind::Withdrawal];

impl<'a> Standing<'a> {
    /// Reads the rows.
    pub fn on(view: &View<'a>, instrument: &'a Instrument, subject: &'a Subject, day: Date) -> Self {
        let rows: Vec<&Row> = view.acts(instrument, subject, STANDING).collect();
        let mut standing = Self::default();
        for row in rows.iter().copied().filter(|row| holds(row, day)) {
            match &row.fact {
                Fact::Party => {
                    let ended = Notice::ends(instrument, &rows, row, &Ends::Treaty, Rule::Withdrawal);
                    put(&mut standing.party, &mut standing.left, row, ended, day);
                }
                Fact::Provisional(_) => {
                    let ended = Notice::ends(instrument, &rows, row, &Ends::Provisional, Rule::ProvisionalEnd);
                    put(&mut standing.provisional, &mut standing.left, row, ended, day);
                }
                Fact::Signature => standing.signature = Some(row),
                _ => {}
            }
        }
        if let Some(party) = &standing.party {
            let early = |row: &&Row| matches!(row.fact, Fact::Provisional(_)) && row.from <= party.row.from;
            standing.early = rows.iter().copied().find(early);
        }
        standing
    }

    /// Whether provisional application reaches that Part; nothing when it does not apply it provisionally.
    pub fn covers(&self, part: Option<&str>) -> Option<(Coverage, &Held<'a>)> {
        let held = self.provisional.as_ref()?;
        let Fact::Provisional(parts) = &held.row.fact else { return None };
        let coverage = match (parts, part) {
            (Parts::Whole, _) => Coverage::Whole,
            (Parts::Some(parts), Some(part)) if parts.iter().any(|one| one == part) => Coverage::Whole,
            (Parts::Some(_), Some(_)) => Coverage::OtherPart,
            (Parts::Some(_), None) => Coverage::Unknown,
        };
        Some((coverage, held))
    }
}

/// Whether provisional application reaches a provision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// It does.
    Whole,
    /// Only other Parts are applied.
    OtherPart,
    /// The file does not say in which Part the provision stands.
    Unknown,
}

/// Whether a row holds on that day, notices aside.
pub fn holds(row: &Row, day: Date) -> bool {
    row.from <= day && row.to.is_none_or(|to| day < to)
}

/// A row that a State's own later notice may have ended: a known source is preferred over a belief, a sure one over a
/// doubtful one.
fn put<'a>(
    slot: &mut Option<Held<'a>>,
    left: &mut Option<Grounds<'a>>,
    row: &'a Row,
    ended: Option<Notice<'a>>,
    day: Date,
) {
    let mut held = Held { row, grounds: Grounds::none().row(row), doubt: None };
    if let Some(notice) = ended {
        match notice.by(day) {
            Taken::NotYet => {}
            Taken::Effect => {
                *left = Some(held.grounds.and(notice.grounds()));
                return;
            }
            Taken::Doubtful(why) => {
                held.doubt = Some(format!("{} gave notice that it ends, and {why}", notice.row));
                held.grounds = held.grounds.and(notice.grounds());
            }
        }
    }
    let rank = |held: &Held<'_>| {
        (held.doubt.is_none(), held.row.source.kind != crate::model::authority::Provenance::LocalBelief)
    };
    if slot.as_ref().is_none_or(|there| rank(&held) > rank(there)) {
        *slot = Some(held);
    }
}

/// A notice, and the day on which it takes effect.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    row: &'a Row,
    announced: Option<Date>,
    rule: Option<&'a RuleText>,
    instrument: &'a Instrument,
}

/// Whether a notice has taken effect by a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Not yet.
    NotYet,
    /// It has.
    Effect,
    /// Nobody can tell from the rows.
    Doubtful(&'static str),
}

impl<'a> Notice<'a> {
    /// A notice of that row, whose effect that rule counts.
    pub fn new(instrument: &'a Instrument, row: &'a Row, announced: Option<Date>, rule: Rule) -> Self {
        Self { row, announced, rule: instrument.rule(rule).filter(|rule| rule.then.is_some()), instrument }
    }

    /// The first notice after `begun` that ends what it began.
    pub fn ends(instrument: &'a Instrument, rows: &[&'a Row], begun: &'a Row, what: &Ends, rule: Rule) -> Option<Self> {
        let of = |row: &'a Row| match &row.fact {
            Fact::Withdrawal { of, effective } if of == what && row.from >= begun.from => Some(*effective),
            _ => None,
        };
        let notices = rows.iter().copied().filter_map(|row| Some((row, of(row)?)));
        let (row, announced) = notices.min_by_key(|(row, _)| row.from)?;
        Some(Self::new(instrument, row, announced, rule))
    }

    /// Whether it has taken effect by that day. What was announced and what the article gives must agree.
    pub fn by(&self, day: Date) -> Taken {
        let counted = self.counted();
        let (earliest, latest, why) = match (self.announced, counted) {
            (Some(announced), None) => (announced, Some(announced), ""),
            (None, Some(counted)) => (counted, Some(counted), ""),
            (Some(one), Some(other)) => {
                (one.min(other), Some(one.max(other)), "the announced day is not the one that the article gives")
            }
            (None, None) => (self.row.from, None, "no day was announced and no article that was read gives one"),
        };
        if day < earliest {
            Taken::NotYet
        } else if latest.is_some_and(|latest| latest <= day) {
            Taken::Effect
        } else {
            Taken::Doubtful(why)
        }
    }

    /// The day on which it takes effect, as far as one is known.
    pub fn day(&self) -> Option<Date> {
        self.announced.or_else(|| self.counted())
    }

    /// The row, and the article that counts the days where only it does.
    pub fn grounds(&self) -> Grounds<'a> {
        let grounds = Grounds::none().row(self.row);
        match self.rule {
            Some(rule) if self.announced.is_none() => grounds.under(self.instrument.cite(&rule.article, &rule.mark)),
            Some(rule) => grounds.see(self.instrument.cite(&rule.article, &rule.mark)),
            None => grounds,
        }
    }

    fn counted(&self) -> Option<Date> {
        let rule = self.rule?;
        let after = self.row.from.plus_months(rule.months.unwrap_or(0));
        Some(match rule.then? {
            Then::SameDay => after,
            Then::FirstOfNextMonth => after.first_of_next_month(),
        })
    }
}
