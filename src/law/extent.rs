//! Step 3: time. Conduct older than the instrument, and days before which a State declared that conduct is not covered.

use crate::law::instrument::Instrument;
use crate::law::link::Link;
use crate::law::opinion::Effect;
use crate::law::query::Query;
use crate::law::row::{Fact, FactKind, Row};
use crate::law::rule::Rule;
use crate::law::standing::{Held, Standing, holds};
use crate::law::step::{Grounds, Step};
use crate::law::subject::Subject;
use crate::law::view::View;
use crate::model::date::Date;

/// Judges the time of the conduct.
pub fn extent<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, link: &Link<'a>, day: Date) -> Step {
    let older = older(view, instrument, query, link);
    let requested = cut_off(view, instrument, query, (&query.to, &link.to), Rule::CutOff, day);
    let requesting = cut_off(view, instrument, query, (&query.from, &link.from), Rule::Reciprocity, day);
    older.and(requested).and(requesting)
}

fn since(standing: &Standing<'_>) -> Option<Date> {
    standing.party.as_ref().or(standing.provisional.as_ref()).map(|held: &Held<'_>| held.row.from)
}

fn older<'a>(view: &View<'a>, instrument: &'a Instrument, query: &Query, link: &Link<'a>) -> Step {
    let begun = since(&link.from).max(since(&link.to));
    let (Some(conduct), Some(begun)) = (query.conduct, begun) else { return Step::nothing() };
    if conduct >= begun {
        return Step::nothing();
    }
    match instrument.rule(Rule::OlderConduct) {
        Some(rule) => {
            let grounds = Grounds::none().under(instrument.cite(&rule.article, &rule.mark));
            let text = format!("conduct of {conduct}, before it bound the two ({begun}), is covered");
            Step::of(view, Effect::Supports, text, &grounds)
        }
        None => {
            let text = format!(
                "the conduct of {conduct} is older than the tie of {begun}; the text read does not say whether {} covers it",
                instrument.short
            );
            Step::of(view, Effect::Asks, text, &Grounds::none().see_link(instrument))
        }
    }
}

/// The declared days of one side. The requested State may rely on its own; on the requesting State's only where
/// reservations work against the State that made them.
fn cut_off<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    (subject, standing): (&'a Subject, &Standing<'a>),
    relied_on: Rule,
    day: Date,
) -> Step {
    let mut step = Step::nothing();
    for row in view.acts(instrument, subject, &[FactKind::CutOff]).filter(|row| holds(row, day)) {
        let Fact::CutOff { before, annex } = &row.fact else { continue };
        let concerns = |key: &String| instrument.annex(key).is_some_and(|text| query.crimes.contains(&text.crime));
        if annex.as_ref().is_none_or(concerns) {
            step = step.and(declared_day(view, instrument, query, (subject, standing), relied_on, (row, *before)));
        }
    }
    step
}

fn declared_day<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    (subject, standing): (&'a Subject, &Standing<'a>),
    relied_on: Rule,
    (row, before): (&'a Row, Date),
) -> Step {
    let grounds = Grounds::none().row(row);
    let Some(rule) = instrument.rule(Rule::CutOff) else {
        let text = format!("{subject} declared a day for older conduct; the text read knows no such declaration");
        return Step::of(view, Effect::Asks, text, &grounds.see_link(instrument));
    };
    let grounds = grounds.under(instrument.cite(&rule.article, &rule.mark));
    if since(standing).is_some_and(|begun| before > begun) {
        let text = format!("{subject} named {before}, later than the day on which it was bound: more than is allowed");
        return Step::of(view, Effect::Asks, text, &grounds);
    }
    let Some(conduct) = query.conduct else {
        let text = format!("{subject} does not cover conduct before {before}, and no day of the conduct was given");
        return Step::of(view, Effect::Asks, text, &grounds);
    };
    if conduct >= before {
        let text = format!("the conduct of {conduct} is not before {before}, the day that {subject} declared");
        return Step::of(view, Effect::Notes, text, &grounds);
    }
    let text = format!("the conduct of {conduct} is before {before}, the day that {subject} declared");
    if relied_on == Rule::CutOff {
        return Step::of(view, Effect::Limits, format!("{text}; it may refuse"), &grounds);
    }
    let text = format!("{text}; {} may rely on it in return", query.to);
    match view.reciprocity(instrument) {
        Some(provision) => Step::of(view, Effect::Limits, text, &grounds.under(provision)),
        None => Step::of(view, Effect::Asks, format!("{text} if reservations work both ways"), &grounds),
    }
}
