//! Which legal basis binds two sides: the six steps over every instrument, and the answer. It looks up who is bound to
//! what; whether to ask, and on which basis, a person decides and signs.
//!
//! ```text
//!  1 link     are the two bound to each other?            link.rs
//!  2 crime    is the conduct covered?                     crime.rs
//!  3 time     is its day?                                 extent.rs
//!  4 help     is the help provided for, not reserved?     help.rs
//!  5 relation which procedure, which treaty gives way?    relation.rs
//!  6 terms    secrecy, use, refusal, channel              terms.rs
//! ```

use crate::law::crime::crime;
use crate::law::extent::extent;
use crate::law::help::help;
use crate::law::instrument::{Instrument, Kind, Procedure};
use crate::law::link::link;
use crate::law::opinion::{Answer, Basis, Effect, MeasureAnswer, Opinion, Reason, RunsBy, Strength};
use crate::law::query::{Query, QueryError};
use crate::law::relation::relate;
use crate::law::rule::Rule;
use crate::law::step::{Grounds, Step};
use crate::law::terms::{route, terms};
use crate::law::view::{Known, View};
use crate::law::words::Measure;
use crate::model::date::Date;

/// The answer for one instrument and one kind of help, before it is told.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The instrument.
    pub instrument: &'a Instrument,
    /// The answer so far.
    pub step: Step,
    /// The answer of the first step alone.
    pub linked: Answer,
    /// By which rules the request would run.
    pub procedure: RunsBy,
}

/// Answers the question on what `view` knew.
///
/// # Errors
/// [`QueryError`] when the question lacks something.
pub fn basis<'a>(view: &View<'a>, query: &'a Query) -> Result<Opinion, QueryError> {
    query.check()?;
    let mut opinion = Opinion {
        from: query.from.clone(),
        to: query.to.clone(),
        crimes: query.crimes.clone(),
        conduct: query.conduct,
        date: query.date,
        answer: Answer::Yes,
        measures: Vec::new(),
        bases: Vec::new(),
        next: Vec::new(),
    };
    let unknown: Vec<_> = [&query.from, &query.to].into_iter().filter(|side| view.knows(side) == Known::No).collect();
    for measure in &query.measures {
        let instruments = view.library().instruments().iter().filter(|one| one.kind != Kind::General);
        let mut found: Vec<Found<'_>> = instruments.map(|one| judge(view, one, query, *measure)).collect();
        relate(view, query, &mut found, query.date);
        let mut answer = found.iter().map(|one| one.step.answer).max().unwrap_or(Answer::No);
        if answer == Answer::No && !unknown.is_empty() {
            answer = Answer::AskAHuman;
        }
        opinion.measures.push(MeasureAnswer { measure: *measure, answer });
        opinion.answer = opinion.answer.min(answer);
        opinion.bases.extend(found.into_iter().map(|one| tell(view, one, query, *measure)));
    }
    for side in unknown {
        opinion.next.push(format!("The registry holds no row at all about {side}: find out what it is bound by."));
    }
    next(&mut opinion);
    Ok(opinion)
}

/// Steps 1 to 4, and what became of it since.
fn judge<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, measure: Measure) -> Found<'a> {
    let part = instrument.measure(measure).and_then(|text| text.part.as_deref());
    let bound = link(view, instrument, query, part, query.date);
    let linked = bound.step.answer;
    let procedure = match instrument.procedure {
        Procedure::Own | Procedure::Subsidiary => RunsBy::Own,
        Procedure::None => RunsBy::Nothing,
    };
    if linked == Answer::No {
        return Found { instrument, step: bound.step.settled(), linked, procedure };
    }
    let covered = crime(view, instrument, query, bound.step.strength, query.date);
    let in_time = extent(view, instrument, query, &bound, query.date);
    let provided = help(view, instrument, query, measure, query.date);
    let tied = bound.step.and(covered);
    let then = (tied.answer, tied.strength);
    let step = tied.and(in_time).and(provided);
    let since = if step.answer == Answer::No { Step::nothing() } else { pending(view, instrument, query, part, then) };
    Found { instrument, step: step.and(since).settled(), linked, procedure }
}

/// A request that is pending when a State has left, or a declaration has ended: whatever weakened the tie since.
fn pending<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    part: Option<&str>,
    then: (Answer, Strength),
) -> Step {
    if query.today == query.date || tie(view, instrument, query, part, query.today) >= then {
        return Step::nothing();
    }
    let text = format!("what bound the two on {} no longer does so on {}", query.date, query.today);
    match instrument.rule(Rule::Pending) {
        Some(rule) => {
            let grounds = Grounds::none().under(instrument.cite(&rule.article, &rule.mark));
            Step::of(view, Effect::Supports, format!("{text}; a pending request is not affected"), &grounds)
        }
        None => {
            let text = format!("{text}; the text read does not say what becomes of a pending request");
            Step::of(view, Effect::Asks, text, &Grounds::none().see_link(instrument))
        }
    }
}

fn tie<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    part: Option<&str>,
    day: Date,
) -> (Answer, Strength) {
    let bound = link(view, instrument, query, part, day).step;
    let covered = crime(view, instrument, query, bound.strength, day);
    let both = bound.and(covered);
    (both.answer, both.strength)
}

fn tell<'a>(view: &View<'a>, found: Found<'a>, query: &'a Query, measure: Measure) -> Basis {
    let instrument = found.instrument;
    let shown = found.step.answer != Answer::No;
    Basis {
        instrument: instrument.id.clone(),
        short: instrument.short.clone(),
        version: instrument.version.clone(),
        measure,
        answer: found.step.answer,
        strength: found.step.strength,
        procedure: found.procedure,
        reasons: once(found.step.reasons),
        terms: if shown { terms(view, instrument) } else { Vec::new() },
        route: shown.then(|| route(view, instrument, query, query.date)),
    }
}

/// Each reason once: two routes to one answer may share some.
fn once(reasons: Vec<Reason>) -> Vec<Reason> {
    let mut kept: Vec<Reason> = Vec::with_capacity(reasons.len());
    for reason in reasons {
        if !kept.contains(&reason) {
            kept.push(reason);
        }
    }
    kept
}

fn next(opinion: &mut Opinion) {
    let has = |answer: Answer| opinion.measures.iter().any(|measure| measure.answer == answer);
    let (no, asks) = (has(Answer::No), has(Answer::AskAHuman));
    if no {
        opinion.next.push(
            "NO means no duty under an instrument of this registry. Whether national law, reciprocity or comity allow \
             the help, a person must say."
                .to_owned(),
        );
    }
    if asks {
        opinion
            .next
            .push("A person must answer the open questions above, choose the basis and write down why.".to_owned());
    }
    opinion.next.push("A person signs the legal basis; this look-up only says who is bound to what.".to_owned());
}
