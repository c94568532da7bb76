//! Step 4: does the instrument provide for this help, and did nobody reserve it? A NO here is for this help alone.

use crate::law::instrument::{Instrument, Procedure};
use crate::law::opinion::Effect;
use crate::law::provision::{Duty, MeasureText};
use crate::law::query::Query;
use crate::law::row::{Extent, Fact, FactKind, Finding, ObjectionEffect, Row};
use crate::law::rule::Rule;
use crate::law::standing::holds;
use crate::law::step::{Grounds, Step};
use crate::law::subject::Subject;
use crate::law::view::View;
use crate::law::words::Measure;
use crate::model::date::Date;

/// Judges the help.
pub fn help<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, measure: Measure, day: Date) -> Step {
    if let Some(text) = instrument.excluded.iter().find(|text| text.measure == measure) {
        let grounds = Grounds::none().under(instrument.cite(&text.article, &text.mark));
        return Step::of(view, Effect::Excludes, text.says.clone(), &grounds);
    }
    let Some(text) = instrument.measure(measure) else { return unlisted(view, instrument, measure) };
    let provided = provided(view, instrument, query, text, day);
    let reserved = reserved(view, instrument, query, text, day);
    provided.and(reserved).and(versions(view, instrument, query, day))
}

fn unlisted<'a>(view: &View<'a>, instrument: &'a Instrument, measure: Measure) -> Step {
    let rest = "other".parse().ok().and_then(|other| instrument.measure(other));
    match rest {
        Some(text) => {
            let said = format!(
                "{measure} is not on the list; a person must say whether it falls under the rest: {}",
                text.says
            );
            Step::of(view, Effect::Asks, said, &Grounds::none().under(instrument.cite(&text.article, &text.mark)))
        }
        None if instrument.procedure == Procedure::None => {
            let said = format!("{} says nothing on {measure}", instrument.short);
            Step::of(view, Effect::Asks, said, &Grounds::none().see_link(instrument))
        }
        None => {
            let said = format!("{} does not provide for {measure}", instrument.short);
            Step::of(view, Effect::Excludes, said, &Grounds::none().see_link(instrument))
        }
    }
}

fn provided<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    text: &'a MeasureText,
    day: Date,
) -> Step {
    let grounds = Grounds::none().under(instrument.cite(&text.article, &text.mark));
    let step = match text.duty {
        Duty::Shall => Step::of(view, Effect::Supports, text.says.clone(), &grounds),
        Duty::May => Step::of(view, Effect::Limits, text.says.clone(), &grounds),
        Duty::IfTreatyBasis => treaty_basis(view, instrument, query, text, &grounds, day),
    };
    match &text.test {
        Some(test) if !query.tests_met.contains(&instrument.id) => {
            step.and(Step::of(view, Effect::Asks, format!("a person must find whether {test}"), &grounds))
        }
        _ => step,
    }
}

/// Extradition by treaty: the requested State must have declared that it takes this one as the basis.
fn treaty_basis<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    text: &'a MeasureText,
    grounds: &Grounds<'a>,
    day: Date,
) -> Step {
    let to = &query.to;
    let declared = view.acts(instrument, to, &[FactKind::TreatyBasis]).filter(|row| holds(row, day)).find_map(|row| {
        match row.fact {
            Fact::TreatyBasis(finding) => Some((row, finding)),
            _ => None,
        }
    });
    let (effect, said, grounds) = match declared {
        Some((row, Finding::Yes)) => {
            (Effect::Supports, format!("{to} takes it as its treaty basis"), grounds.clone().row(row))
        }
        Some((row, Finding::No)) => {
            (Effect::Excludes, format!("{to} does not take it as its treaty basis"), grounds.clone().row(row))
        }
        Some((row, Finding::Open)) => {
            (Effect::Asks, format!("{to} left open whether it is its treaty basis"), grounds.clone().row(row))
        }
        None => (Effect::Asks, format!("no row says whether {to} takes it as its treaty basis"), grounds.clone()),
    };
    Step::of(view, effect, format!("{}; {said}", text.says), &grounds)
}

fn reserved<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    text: &'a MeasureText,
    day: Date,
) -> Step {
    let mut step = Step::nothing();
    for (subject, side) in [(&query.to, Side::Requested), (&query.from, Side::Requesting)] {
        for row in view.acts(instrument, subject, &[FactKind::Reservation]).filter(|row| holds(row, day)) {
            let Fact::Reservation { articles, measures, extent } = &row.fact else { continue };
            let named = |article: &String| *article == text.article || text.also.contains(article);
            if measures.contains(&text.measure) || articles.iter().any(named) {
                let found = Found { subject, side, row, articles, extent: *extent };
                step = step.and(reservation(view, instrument, query, text, &found, day));
            }
        }
    }
    step
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Requested,
    Requesting,
}

struct Found<'a> {
    subject: &'a Subject,
    side: Side,
    row: &'a Row,
    articles: &'a [String],
    extent: Extent,
}

fn reservation<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    text: &'a MeasureText,
    found: &Found<'a>,
    day: Date,
) -> Step {
    let (subject, measure) = (found.subject, text.measure);
    let mut grounds = Grounds::none().row(found.row);
    let rule = instrument.rule(Rule::Reservation);
    if let Some(rule) = rule {
        grounds = grounds.under(instrument.cite(&rule.article, &rule.mark));
        let listed = |article: &String| rule.articles.is_empty() || rule.articles.contains(article);
        if !found.articles.iter().all(listed) {
            let said =
                format!("{subject} reserved on {measure}; the article does not list that as open to reservation");
            return Step::of(view, Effect::Asks, said, &grounds);
        }
    } else if let Some(provision) = view.general(Rule::Reservation) {
        grounds = grounds.under(provision);
    }
    let objected = view
        .between(instrument, &query.from, &query.to, &[FactKind::Objection])
        .find(|row| holds(row, day) && row.fact == Fact::Objection(ObjectionEffect::ReservationOnly));
    if let (Some(row), Some(provision)) = (objected, view.general(Rule::Objection)) {
        let said = format!("{subject} reserved on {measure}, and an objection was made to that");
        return Step::of(view, Effect::Excludes, said, &grounds.row(row).under(provision));
    }
    if found.extent == Extent::Limits {
        let said = format!("{subject} made a reservation on {measure} that limits it; a person must read its text");
        return Step::of(view, Effect::Asks, said, &grounds);
    }
    if found.side == Side::Requested {
        return Step::of(view, Effect::Excludes, format!("{subject} reserved on {measure}"), &grounds);
    }
    let said = format!("{subject} reserved on {measure} and cannot ask others for it");
    match view.reciprocity(instrument) {
        Some(provision) => Step::of(view, Effect::Excludes, said, &grounds.under(provision)),
        None => Step::of(view, Effect::Asks, format!("{said}, if reservations work both ways"), &grounds),
    }
}

/// A State that is bound by another text than the one in the data: nobody compared the two.
fn versions<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, day: Date) -> Step {
    let mut step = Step::nothing();
    for subject in [&query.from, &query.to] {
        for row in view.acts(instrument, subject, &[FactKind::Version]).filter(|row| holds(row, day)) {
            if let Fact::Version(version) = &row.fact
                && *version != instrument.version
            {
                let said = format!(
                    "{subject} is bound by text {version}; the data of this program are of text {}",
                    instrument.version
                );
                let grounds = Grounds::none().row(row).see_link(instrument);
                step = step.and(Step::of(view, Effect::Asks, said, &grounds));
            }
        }
    }
    step
}
