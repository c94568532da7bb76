//! Step 2: does the instrument cover the conduct: as a crime of its base list, of an annex that both declared, or by an
//! agreement for this one request?

use crate::law::instrument::Instrument;
use crate::law::opinion::{Answer, Effect, Strength};
use crate::law::provision::{AnnexText, Covered, CrimeText};
use crate::law::query::Query;
use crate::law::row::{Ends, Fact, FactKind, Finding, Row};
use crate::law::rule::Rule;
use crate::law::standing::{Notice, Taken, holds};
use crate::law::step::{Grounds, Step};
use crate::law::subject::Subject;
use crate::law::view::View;
use crate::model::date::Date;

/// Judges the crime. `link` is the strength of the first step: the texts say nothing of annexes under provisional
/// application.
pub fn crime<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, link: Strength, day: Date) -> Step {
    let mut routes: Vec<Step> = instrument
        .crimes
        .iter()
        .filter(|text| applies(text, query))
        .map(|text| base(view, instrument, query, text))
        .collect();
    let based = routes.iter().any(|step| step.answer == Answer::Yes);
    for text in instrument.annexes.iter().filter(|text| query.crimes.contains(&text.crime)) {
        if based {
            let note = format!("the annex on {} is not needed: the conduct is covered without it", text.crime);
            let grounds = Grounds::none().see(instrument.cite(&text.article, &text.mark));
            routes.push(Step::of(view, Effect::Notes, note, &grounds));
        } else {
            routes.push(annex(view, instrument, query, text, link, day));
        }
    }
    if !routes.iter().any(|step| step.answer == Answer::Yes)
        && let Some(step) = ad_hoc(view, instrument, query, day)
    {
        routes.push(step);
    }
    match routes.into_iter().reduce(Step::or) {
        Some(step) => step,
        None => uncovered(view, instrument, query),
    }
}

fn applies(text: &CrimeText, query: &Query) -> bool {
    let named = match text.crime {
        Covered::Any => true,
        Covered::One(crime) => query.crimes.contains(&crime),
    };
    named && text.within.is_none_or(|within| query.crimes.contains(&within))
}

fn base<'a>(view: &View<'a>, instrument: &'a Instrument, query: &Query, text: &'a CrimeText) -> Step {
    let grounds = Grounds::none().under(instrument.cite(&text.article, &text.mark));
    match &text.test {
        Some(test) if !query.tests_met.contains(&instrument.id) => {
            Step::of(view, Effect::Asks, format!("{}: a person must find whether {test}", text.says), &grounds)
        }
        Some(test) => Step::of(view, Effect::Supports, format!("{}: a person found that {test}", text.says), &grounds),
        None => Step::of(view, Effect::Supports, text.says.clone(), &grounds),
    }
}

fn uncovered<'a>(view: &View<'a>, instrument: &'a Instrument, query: &Query) -> Step {
    let named: Vec<&str> = query.crimes.iter().map(|crime| crime.as_str()).collect();
    let grounds = match instrument.crimes.first() {
        Some(text) => Grounds::none().see(instrument.cite(&text.article, &text.mark)),
        None => Grounds::none(),
    };
    Step::of(view, Effect::Excludes, format!("{} does not cover {}", instrument.short, named.join(", ")), &grounds)
}

fn annex<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    text: &'a AnnexText,
    link: Strength,
    day: Date,
) -> Step {
    let article = || Grounds::none().under(instrument.cite(&text.article, &text.mark));
    let one = declared(view, instrument, &query.from, &text.key, day);
    let other = declared(view, instrument, &query.to, &text.key, day);
    let lacking = [(&query.from, &one), (&query.to, &other)].into_iter().filter_map(|(subject, state)| {
        let Declared::Not(why, grounds) = state else { return None };
        let why = format!("annex on {}: {subject} {why}; both must have declared it", text.crime);
        Some(Step::of(view, Effect::Excludes, why, &article().and(grounds.clone())))
    });
    if let Some(step) = lacking.reduce(Step::and) {
        return step;
    }
    let mut step = Step::nothing();
    let mut grounds = article();
    for (subject, state) in [(&query.from, one), (&query.to, other)] {
        match state {
            Declared::Effective(of_state) => grounds = grounds.and(of_state),
            Declared::Doubtful(why, of_state) => {
                let why = format!("annex on {}: {subject}: {why}", text.crime);
                step = step.and(Step::of(view, Effect::Asks, why, &of_state));
            }
            Declared::Not(..) => {}
        }
    }
    let both = format!("{} and {} declared the annex on {}", query.from, query.to, text.crime);
    step = Step::of(view, Effect::Supports, both, &grounds).and(step);
    if link == Strength::BindingProvisional {
        let text = "the text read does not say whether an annex counts under provisional application";
        step = step.and(Step::of(view, Effect::Asks, text, &article()));
    }
    step
}

/// What a State declared about an annex.
enum Declared<'a> {
    Effective(Grounds<'a>),
    Doubtful(String, Grounds<'a>),
    Not(String, Grounds<'a>),
}

fn declared<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    subject: &'a Subject,
    key: &str,
    day: Date,
) -> Declared<'a> {
    let rows: Vec<&Row> = view.acts(instrument, subject, &[FactKind::Annex, FactKind::Withdrawal]).collect();
    let of_annex = |row: &'a Row| match &row.fact {
        Fact::Annex { annex, effective } if annex == key && holds(row, day) => Some(*effective),
        _ => None,
    };
    let mut found = Declared::Not("has not declared it".to_owned(), Grounds::none());
    for (row, announced) in rows.iter().copied().filter_map(|row| Some((row, of_annex(row)?))) {
        let begins = Notice::new(instrument, row, announced, Rule::AnnexEffect);
        let state = match begins.by(day) {
            Taken::Effect => ended(instrument, &rows, row, key, begins.grounds(), day),
            Taken::Doubtful(why) => Declared::Doubtful(why.to_owned(), begins.grounds()),
            Taken::NotYet => {
                let from = begins.day().map_or_else(String::new, |day| format!(" before {day}"));
                Declared::Not(format!("declared it with no effect{from}"), begins.grounds())
            }
        };
        // A declaration made again after a withdrawal counts; so the best of all rows is the State's.
        match (&found, &state) {
            (Declared::Effective(_), _) | (Declared::Doubtful(..), Declared::Not(..)) => {}
            _ => found = state,
        }
    }
    found
}

fn ended<'a>(
    instrument: &'a Instrument,
    rows: &[&'a Row],
    row: &'a Row,
    key: &str,
    grounds: Grounds<'a>,
    day: Date,
) -> Declared<'a> {
    let what = Ends::Annex(key.to_owned());
    let Some(notice) = Notice::ends(instrument, rows, row, &what, Rule::AnnexWithdrawal) else {
        return Declared::Effective(grounds);
    };
    let both = grounds.clone().and(notice.grounds());
    match notice.by(day) {
        Taken::NotYet => Declared::Effective(both),
        Taken::Effect => Declared::Not("withdrew its declaration".to_owned(), both),
        Taken::Doubtful(why) => Declared::Doubtful(format!("it gave notice of withdrawal, and {why}"), both),
    }
}

/// An agreement of both for this one request, with its three tests.
fn ad_hoc<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, day: Date) -> Option<Step> {
    let rule = instrument.rule(Rule::AdHoc)?;
    let crime = rule.crimes.iter().find(|crime| query.crimes.contains(crime))?;
    let grounds = Grounds::none().under(instrument.cite(&rule.article, &rule.mark));
    let agreement =
        view.between(instrument, &query.from, &query.to, &[FactKind::AdHoc]).find_map(|row| match &row.fact {
            Fact::AdHoc { request, signed_by, tests } if holds(row, day) && query.request.as_ref() == Some(request) => {
                Some((row, signed_by, tests))
            }
            _ => None,
        });
    let Some((row, signed_by, found)) = agreement else {
        let text = format!(
            "the two may agree to use {} for this request: {crime} is on its list; no agreement stands in the registry",
            instrument.short
        );
        let step = Step::of(view, Effect::Asks, text, &grounds).at_most(Strength::AdHocPossible);
        return Some(tests(
            view,
            step,
            &grounds,
            [query.tests.international, query.tests.requesting, query.tests.requested],
        ));
    };
    let grounds = grounds.row(row);
    let unsigned = [&query.from, &query.to].into_iter().find(|side| !signed_by.contains(side));
    let step = match unsigned {
        Some(side) => {
            Step::of(view, Effect::Asks, format!("the agreement for this request lacks {side}'s signature"), &grounds)
        }
        None => Step::of(view, Effect::Supports, "both signed an agreement for this request", &grounds),
    };
    let both = [
        join(found.international, query.tests.international),
        join(found.requesting, query.tests.requesting),
        join(found.requested, query.tests.requested),
    ];
    let step = tests(view, step.at_most(Strength::AdHoc), &grounds, both);
    let open = both.contains(&Finding::Open);
    Some(if open {
        step.and(Step::of(view, Effect::Asks, "not all of the three tests have been looked at", &grounds))
    } else {
        step
    })
}

/// A finding of NO on any of the three ends it: all must be met.
fn tests<'a>(view: &View<'a>, step: Step, grounds: &Grounds<'a>, found: [Finding; 3]) -> Step {
    const NAMES: [&str; 3] = [
        "under international law it is one of the crimes on the list",
        "it is the same under the requesting State's law",
        "it is extraditable under the requested State's law",
    ];
    let failed = NAMES.into_iter().zip(found).filter(|(_, found)| *found == Finding::No);
    failed.fold(step, |step, (test, _)| {
        step.and(Step::of(view, Effect::Excludes, format!("a person found that this test is not met: {test}"), grounds))
    })
}

/// Two findings on one question: one NO outweighs, one YES suffices where the other is open.
fn join(one: Finding, other: Finding) -> Finding {
    match (one, other) {
        (Finding::No, _) | (_, Finding::No) => Finding::No,
        (Finding::Yes, _) | (_, Finding::Yes) => Finding::Yes,
        _ => Finding::Open,
    }
}
