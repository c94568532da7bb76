//! Step 1: are the two bound to each other under this instrument, on this day? Two States that are bound by like duties
//! in different treaties are not bound to each other.

use crate::law::instrument::{Between, Instrument, Kind};
use crate::law::opinion::{Effect, Strength};
use crate::law::query::Query;
use crate::law::row::{Agreed, Fact, FactKind, ObjectionEffect};
use crate::law::rule::Rule;
use crate::law::standing::{Coverage, Held, Standing, holds};
use crate::law::step::{Grounds, Step};
use crate::law::subject::{Subject, SubjectKind};
use crate::law::view::View;
use crate::model::date::Date;

/// Both sides' standing, and the step.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    /// Of the requesting side.
    pub from: Standing<'a>,
    /// Of the requested side.
    pub to: Standing<'a>,
    /// The step.
    pub step: Step,
}

/// Judges the link for a provision in `part`.
pub fn link<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    part: Option<&str>,
    day: Date,
) -> Link<'a> {
    let from = Standing::on(view, instrument, &query.from, day);
    let to = Standing::on(view, instrument, &query.to, day);
    let step = if instrument.kind == Kind::Draft {
        let text = format!("{} is a draft and no treaty: never a legal basis", instrument.short);
        Step::of(view, Effect::Excludes, text, &shown(instrument))
    } else {
        match instrument.between {
            Between::States => states(view, instrument, query, (&from, &to), part, day),
            Between::CourtToState => court_to_state(view, instrument, query, &to, day),
            Between::StateToCourt => state_to_court(view, instrument, query, &from, day),
        }
    };
    Link { from, to, step }
}

fn states<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    (from, to): (&Standing<'a>, &Standing<'a>),
    part: Option<&str>,
    day: Date,
) -> Step {
    if let Some(body) = [&query.from, &query.to].into_iter().find(|one| one.kind() == SubjectKind::Body) {
        let text = format!("{} binds States to each other; {body} is no State", instrument.short);
        return Step::of(view, Effect::Excludes, text, &shown(instrument));
    }
    let step = match (&from.party, &to.party) {
        (Some(one), Some(other)) => {
            let text = format!("{} and {} are parties to {}", query.from, query.to, instrument.short);
            let grounds = bearing(instrument, Rule::Link, one.grounds.clone().and(other.grounds.clone()));
            doubts(view, Step::of(view, Effect::Supports, text, &grounds), [one, other])
        }
        _ => provisional(view, instrument, query, (from, to), part),
    };
    step.and(objections(view, instrument, query, day))
}

/// Not both are parties: perhaps one or both apply the instrument before its entry into force.
fn provisional<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    (from, to): (&Standing<'a>, &Standing<'a>),
    part: Option<&str>,
) -> Step {
    let (here, there) = (from.covers(part), to.covers(part));
    let short = &instrument.short;
    let lacking = [(&query.from, from, &here), (&query.to, to, &there)]
        .into_iter()
        .filter_map(|(subject, standing, covered)| lack(view, instrument, (subject, standing), covered, part));
    if let Some(step) = lacking.reduce(Step::and) {
        return step;
    }
    match (&from.party, here, &to.party, there) {
        (None, Some((_, one)), None, Some((_, other))) => {
            let text = format!("{} and {} both apply {short} provisionally", query.from, query.to);
            let grounds = bearing(instrument, Rule::Provisional, one.grounds.clone().and(other.grounds.clone()));
            let step = silent(view, instrument, Rule::Provisional, text, &grounds);
            doubts(view, step.at_most(Strength::BindingProvisional), [one, other])
        }
        (None, Some((_, one)), Some(other), _) => to_party(view, instrument, query, to, [one, other]),
        (Some(one), _, None, Some((_, other))) => {
            let text = format!(
                "{} is a party to {short} and {} applies it provisionally; the text read says nothing of a party that \
                 asks such a State",
                query.from, query.to
            );
            let grounds = shown(instrument).and(one.grounds.clone()).and(other.grounds.clone());
            let step = Step::of(view, Effect::Asks, text, &grounds).at_most(Strength::BindingProvisional);
            doubts(view, step, [one, other])
        }
        _ => Step::nothing(),
    }
}

/// What one side lacks to be bound at all; nothing if it is a party or applies the Part provisionally.
fn lack<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    (subject, standing): (&'a Subject, &Standing<'a>),
    covered: &Option<(Coverage, &Held<'a>)>,
    part: Option<&str>,
) -> Option<Step> {
    if standing.party.is_some() {
        return None;
    }
    let short = &instrument.short;
    match covered {
        None => Some(unbound(view, instrument, subject, standing)),
        Some((Coverage::OtherPart, held)) => {
            let part = part.unwrap_or("-");
            let text = format!("{subject} applies {short} provisionally in other Parts, not in Part {part}");
            let grounds = bearing(instrument, Rule::Provisional, held.grounds.clone());
            Some(Step::of(view, Effect::Excludes, text, &grounds))
        }
        Some((Coverage::Unknown, held)) => {
            let text = format!("{subject} applies some Parts of {short} provisionally; the data name no Part here");
            Some(Step::of(view, Effect::Asks, text, &held.grounds))
        }
        Some((Coverage::Whole, _)) => None,
    }
}

/// A State that only applies it provisionally asks a party.
fn to_party<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    party: &Standing<'a>,
    [one, other]: [&Held<'a>; 2],
) -> Step {
    let both = one.grounds.clone().and(other.grounds.clone());
    let (effect, text, grounds) = match party.early {
        Some(row) => (
            Effect::Supports,
            format!("{} applies it provisionally; so did {} before it became a party", query.from, query.to),
            both.row(row),
        ),
        None => (
            Effect::Limits,
            format!(
                "{} applies it provisionally; {} is a party that never declared that for itself, and may refuse",
                query.from, query.to
            ),
            both,
        ),
    };
    let grounds = bearing(instrument, Rule::ProvisionalToParty, grounds);
    let step = if instrument.rule(Rule::ProvisionalToParty).is_some() {
        Step::of(view, effect, text, &grounds)
    } else {
        silent(view, instrument, Rule::ProvisionalToParty, text, &grounds)
    };
    doubts(view, step.at_most(Strength::BindingProvisional), [one, other])
}

fn unbound<'a>(view: &View<'a>, instrument: &'a Instrument, subject: &Subject, standing: &Standing<'a>) -> Step {
    let short = &instrument.short;
    let (text, grounds) = match (&standing.left, standing.signature) {
        (Some(left), _) => (format!("{subject} is no longer bound by {short}"), left.clone()),
        (None, Some(row)) => {
            (format!("{subject} only signed {short}; it is no party on that day"), Grounds::none().row(row))
        }
        (None, None) => (format!("no row says that {subject} is bound by {short} on that day"), Grounds::none()),
    };
    Step::of(view, Effect::Excludes, text, &shown(instrument).and(grounds))
}

fn objections<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, day: Date) -> Step {
    let mut step = Step::nothing();
    for row in view.between(instrument, &query.from, &query.to, &[FactKind::Objection]).filter(|row| holds(row, day)) {
        let (effect, text) = match &row.fact {
            Fact::Objection(ObjectionEffect::NoRelations) => {
                (Effect::Excludes, "an objection says that it is not in force between the two")
            }
            Fact::Objection(ObjectionEffect::Unstated) => {
                (Effect::Asks, "there is an objection between the two, and its effect is not stated")
            }
            _ => continue,
        };
        step = step.and(Step::of(view, effect, text, &shown(instrument).row(row)));
    }
    step
}

fn court_to_state<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    to: &Standing<'a>,
    day: Date,
) -> Step {
    if instrument.court.as_ref() != Some(&query.from) || query.to.kind() == SubjectKind::Body {
        return not_that_court(view, instrument);
    }
    if let Some(party) = &to.party {
        let text = format!("{} asks {}, a party to {}", query.from, query.to, instrument.short);
        let grounds = bearing(instrument, Rule::Link, party.grounds.clone());
        return doubts(view, Step::of(view, Effect::Supports, text, &grounds), [party, party]);
    }
    let mut rows =
        view.between(instrument, &query.from, &query.to, &[FactKind::Agreement]).filter(|row| holds(row, day));
    let arranged = rows.find(|row| matches!(row.fact, Fact::Agreement(Agreed::Arrangement)));
    let grounds = bearing(instrument, Rule::NonParty, Grounds::none());
    match arranged {
        Some(row) => {
            let text = format!("{} is no party and has an arrangement with {}", query.to, query.from);
            Step::of(view, Effect::Supports, text, &grounds.row(row)).at_most(Strength::AdHoc)
        }
        None => {
            let text = format!("{} is no party; {} may invite it to help by an arrangement", query.to, query.from);
            Step::of(view, Effect::Asks, text, &grounds).at_most(Strength::AdHocPossible)
        }
    }
}

fn state_to_court<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    from: &Standing<'a>,
    _day: Date,
) -> Step {
    if instrument.court.as_ref() != Some(&query.to) || query.from.kind() == SubjectKind::Body {
        return not_that_court(view, instrument);
    }
    let (rule, text, grounds) = match &from.party {
        Some(party) => (Rule::Link, "a party may ask the Court, and the Court may help", party.grounds.clone()),
        None => (Rule::NonParty, "a State that is no party may ask the Court, and the Court may help", Grounds::none()),
    };
    Step::of(view, Effect::Limits, text, &bearing(instrument, rule, grounds))
}

fn not_that_court(view: &View<'_>, instrument: &Instrument) -> Step {
    let court = instrument.court.as_ref().map_or("a court", Subject::as_str);
    let text = match instrument.between {
        Between::CourtToState => format!("{} is for requests of {court} to States", instrument.short),
        _ => format!("{} is for requests of States to {court}", instrument.short),
    };
    Step::of(view, Effect::Excludes, text, &shown(instrument))
}

/// A provisional tie under an instrument whose text says nothing of it is no tie that the machine may see.
fn silent(view: &View<'_>, instrument: &Instrument, rule: Rule, text: String, grounds: &Grounds<'_>) -> Step {
    if instrument.rule(rule).is_some() {
        return Step::of(view, Effect::Supports, text, grounds);
    }
    let text = format!("{text}; the text read says nothing of provisional application");
    Step::of(view, Effect::Asks, text, grounds)
}

fn doubts<'a>(view: &View<'a>, step: Step, held: [&Held<'a>; 2]) -> Step {
    held.into_iter().fold(step, |step, held| match &held.doubt {
        Some(doubt) => step.and(Step::of(view, Effect::Asks, doubt.clone(), &held.grounds)),
        None => step,
    })
}

fn bearing<'a>(instrument: &'a Instrument, rule: Rule, grounds: Grounds<'a>) -> Grounds<'a> {
    match instrument.rule(rule) {
        Some(rule) => grounds.under(instrument.cite(&rule.article, &rule.mark)),
        None => grounds,
    }
}

fn shown(instrument: &Instrument) -> Grounds<'_> {
    Grounds::none().see_link(instrument)
}
