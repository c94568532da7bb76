//! Step 5: how the bases stand to each other. Which procedure runs, which treaty gives way, and that several may be cited.

use crate::law::basis::Found;
use crate::law::instrument::{Between, Instrument, InstrumentId, Kind, Procedure};
use crate::law::opinion::{Answer, Effect, RunsBy, Strength};
use crate::law::query::Query;
use crate::law::row::{Agreed, Fact, FactKind};
use crate::law::rule::Rule;
use crate::law::standing::holds;
use crate::law::step::{Grounds, Step};
use crate::law::view::View;
use crate::model::date::Date;

/// Relates the answers for one kind of help to each other.
pub fn relate<'a>(view: &View<'a>, query: &'a Query, found: &mut [Found<'a>], day: Date) {
    displace(view, found);
    let ties: Vec<Tie> = found.iter().map(Tie::of).collect();
    for one in found.iter_mut().filter(|one| one.step.answer != Answer::No) {
        let step = match one.instrument.procedure {
            Procedure::Own => others(view, one.instrument, &ties),
            Procedure::Subsidiary => subsidiary(view, query, one, &ties, day).and(others(view, one.instrument, &ties)),
            Procedure::None => bare(view, one, &ties),
        };
        let kept = std::mem::replace(&mut one.step, Step::nothing());
        one.step = kept.and(step);
    }
}

/// What the other answers need to know of one.
struct Tie {
    id: InstrumentId,
    short: String,
    procedure: Procedure,
    states: bool,
    answer: Answer,
    /// Whether it binds the two at all, whatever the crime or help.
    linked: Answer,
}

impl Tie {
    fn of(found: &Found<'_>) -> Self {
        Self {
            id: found.instrument.id.clone(),
            short: found.instrument.short.clone(),
            procedure: found.instrument.procedure,
            states: found.instrument.between == Between::States,
            answer: found.step.answer,
            linked: found.linked,
        }
    }

    fn is_assistance_treaty(&self) -> bool {
        self.procedure == Procedure::Own && self.states
    }
}

/// An instrument that takes the place of older treaties between two States.
fn displace<'a>(view: &View<'a>, found: &mut [Found<'a>]) {
    let displacing: Vec<(&'a Instrument, Answer)> = found
        .iter()
        .filter(|one| one.step.answer != Answer::No && one.instrument.rule(Rule::Displaces).is_some())
        .map(|one| (one.instrument, one.step.answer))
        .collect();
    for one in found.iter_mut().filter(|one| one.instrument.kind == Kind::Bilateral) {
        for (by, answer) in &displacing {
            if one.step.answer == Answer::No {
                break;
            }
            let Some(rule) = by.rule(Rule::Displaces) else { continue };
            let grounds = Grounds::none().under(by.cite(&rule.article, &rule.mark));
            let older = one.instrument.adopted.zip(by.adopted).map(|(own, other)| own < other);
            let text = format!("{} takes the place of older bilateral treaties on assistance", by.short);
            let step = match (older, answer) {
                (Some(false), _) => continue,
                (Some(true), Answer::Yes) => Step::of(view, Effect::Excludes, text, &grounds),
                _ => Step::of(view, Effect::Asks, format!("{text}; whether of this one, a person must say"), &grounds),
            };
            let kept = std::mem::replace(&mut one.step, Step::nothing());
            one.step = kept.and(step).settled();
        }
    }
}

fn others<'a>(view: &View<'a>, instrument: &'a Instrument, ties: &[Tie]) -> Step {
    let names: Vec<&str> = ties
        .iter()
        .filter(|tie| tie.id != instrument.id && tie.answer == Answer::Yes && tie.procedure != Procedure::None)
        .map(|tie| tie.short.as_str())
        .collect();
    match instrument.rule(Rule::OtherAgreements).filter(|_| !names.is_empty()) {
        Some(rule) => {
            let text = format!("the two may use another agreement where it helps more: {}", names.join(", "));
            let grounds = Grounds::none().under(instrument.cite(&rule.article, &rule.mark));
            Step::of(view, Effect::Notes, text, &grounds)
        }
        None => Step::nothing(),
    }
}

/// Its own procedure runs only where no other treaty on assistance binds the two, or both agreed to use it.
fn subsidiary<'a>(view: &View<'a>, query: &'a Query, one: &mut Found<'a>, ties: &[Tie], day: Date) -> Step {
    let instrument = one.instrument;
    let mut grounds = Grounds::none();
    if let Some(rule) = instrument.rule(Rule::Subsidiary) {
        grounds = grounds.under(instrument.cite(&rule.article, &rule.mark));
    }
    let mut rows =
        view.between(instrument, &query.from, &query.to, &[FactKind::Agreement]).filter(|row| holds(row, day));
    if let Some(row) = rows.find(|row| row.fact == Fact::Agreement(Agreed::OwnProcedure)) {
        one.procedure = RunsBy::Agreement;
        let text = "both agreed to use its own procedure";
        return Step::of(view, Effect::Notes, text, &grounds.row(row));
    }
    let assistance = || ties.iter().filter(|tie| tie.is_assistance_treaty() && tie.id != instrument.id);
    let binding: Vec<InstrumentId> =
        assistance().filter(|tie| tie.answer == Answer::Yes).map(|tie| tie.id.clone()).collect();
    if !binding.is_empty() {
        let names: Vec<&str> =
            assistance().filter(|tie| tie.answer == Answer::Yes).map(|tie| tie.short.as_str()).collect();
        let text = format!("the procedure is that of the other treaty on assistance: {}", names.join(", "));
        one.procedure = RunsBy::Other(binding);
        return Step::of(view, Effect::Notes, text, &grounds);
    }
    let unsure: Vec<&str> = assistance().filter(|tie| tie.linked != Answer::No).map(|tie| tie.short.as_str()).collect();
    if unsure.is_empty() {
        one.procedure = RunsBy::Own;
        return Step::of(
            view,
            Effect::Notes,
            "no other treaty on assistance binds the two: its own procedure runs",
            &grounds,
        );
    }
    one.procedure = RunsBy::Unsettled;
    let text = format!(
        "{} binds the two, or may, and is no basis here; whose procedure runs, a person must say",
        unsure.join(", ")
    );
    Step::of(view, Effect::Notes, text, &grounds)
}

/// A duty to cooperate without a procedure carries no request alone.
fn bare<'a>(view: &View<'a>, one: &mut Found<'a>, ties: &[Tie]) -> Step {
    let instrument = one.instrument;
    let with: Vec<&Tie> =
        ties.iter().filter(|tie| tie.procedure != Procedure::None && tie.answer == Answer::Yes).collect();
    let grounds = Grounds::none().see_link(instrument);
    if with.is_empty() {
        one.procedure = RunsBy::Nothing;
        let text = format!(
            "{} has a duty to cooperate and no procedure; a person must say by which law the request runs",
            instrument.short
        );
        return Step::of(view, Effect::Asks, text, &grounds).at_most(Strength::DutyOnly);
    }
    one.procedure = RunsBy::Other(with.iter().map(|tie| tie.id.clone()).collect());
    let names: Vec<&str> = with.iter().map(|tie| tie.short.as_str()).collect();
    let text = format!("a duty to cooperate without a procedure of its own; the request runs by {}", names.join(", "));
    Step::of(view, Effect::Notes, text, &grounds).at_most(Strength::DutyOnly)
}
