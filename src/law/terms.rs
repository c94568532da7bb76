//! Step 6: the terms of a basis, and how the request must travel. A term whose article is only recalled has no value
//! here; an electronic filing is never called made where that was not agreed or declared.

use crate::law::instrument::Instrument;
use crate::law::opinion::{Answer, Effect, Route, TermAnswer};
use crate::law::provision::{Term, TermText, When};
use crate::law::query::Query;
use crate::law::row::{Agreed, Channel, Fact, FactKind, Row};
use crate::law::standing::holds;
use crate::law::step::{Grounds, Step, cite};
use crate::law::view::{Confirmed, View};
use crate::model::date::Date;
use crate::model::message::Urgency;

/// The terms, with their articles.
pub fn terms<'a>(view: &View<'a>, instrument: &'a Instrument) -> Vec<TermAnswer> {
    let answer = |text: &'a TermText| {
        let provision = instrument.cite(&text.article, &text.mark);
        let value = match view.trust(&provision) {
            Confirmed::Nobody => None,
            Confirmed::Read | Confirmed::By(_) => Some(text.value.clone()),
        };
        TermAnswer { term: text.key, value, says: text.says.clone(), article: cite(&provision) }
    };
    instrument.terms.iter().map(answer).collect()
}

/// How the request must travel to the addressee.
pub fn route<'a>(view: &View<'a>, instrument: &'a Instrument, query: &'a Query, day: Date) -> Route {
    let declared: Vec<(Channel, &Row)> = view
        .acts(instrument, &query.to, &[FactKind::Channel])
        .filter(|row| holds(row, day))
        .filter_map(|row| match row.fact {
            Fact::Channel(channel) => Some((channel, row)),
            _ => None,
        })
        .collect();
    let agreed: Vec<(Agreed, &Row)> = view
        .between(instrument, &query.from, &query.to, &[FactKind::Agreement])
        .filter(|row| holds(row, day))
        .filter_map(|row| match row.fact {
            Fact::Agreement(agreed) => Some((agreed, row)),
            _ => None,
        })
        .collect();
    let mut ways: Vec<&'static str> = declared.iter().map(|(channel, _)| name(*channel)).collect();
    if ways.is_empty() {
        ways.push(name(Channel::CentralAuthority));
    }
    let mut steps = vec![electronic(view, instrument, query, &declared, &agreed)];
    steps.extend(declared.iter().filter_map(|(channel, row)| unopened(view, instrument, *channel, row)));
    if query.urgency == Urgency::Urgent {
        steps.push(urgent(view, instrument, &agreed, &mut ways));
    }
    let electronic = steps.first().map_or(Answer::No, |step| step.answer);
    if electronic == Answer::Yes {
        ways.push("secure electronic transmission");
    }
    ways.sort_unstable();
    ways.dedup();
    Route { electronic, ways, reasons: steps.into_iter().flat_map(|step| step.reasons).collect() }
}

const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::CentralAuthority => "central authority, on paper",
        Channel::Diplomatic => "diplomatic channel",
        Channel::Interpol => "INTERPOL",
        Channel::DirectJudicial => "directly between judicial authorities",
    }
}

/// Whether an electronic filing may be called made.
fn electronic<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    query: &'a Query,
    declared: &[(Channel, &'a Row)],
    agreed: &[(Agreed, &'a Row)],
) -> Step {
    let to = &query.to;
    let other_way = declared.iter().find(|(channel, _)| matches!(channel, Channel::Diplomatic | Channel::Interpol));
    if let Some((channel, row)) = other_way
        && !declared.iter().any(|(channel, _)| *channel == Channel::CentralAuthority)
    {
        let text = format!(
            "{to} declared that requests come by {}: an electronic filing is not made; a signed, printable bundle goes \
             that way",
            name(*channel)
        );
        return Step::of(view, Effect::Excludes, text, &Grounds::none().row(row));
    }
    let agreement = agreed.iter().find(|(agreed, _)| *agreed == Agreed::Electronic);
    let term = instrument.terms.iter().find(|term| term.key == Term::Electronic);
    let Some(term) = term else {
        return match agreement {
            Some((_, row)) => {
                Step::of(view, Effect::Supports, "the two agreed on electronic transmission", &Grounds::none().row(row))
            }
            None => {
                let text =
                    "the text read says nothing of electronic transmission, and no agreement stands in the registry";
                Step::of(view, Effect::Asks, text, &Grounds::none().see_link(instrument))
            }
        };
    };
    let grounds = Grounds::none().under(instrument.cite(&term.article, &term.mark));
    match (agreement, term.value.as_str()) {
        (Some((_, row)), _) => {
            Step::of(view, Effect::Supports, "the two agreed on secure electronic transmission", &grounds.row(row))
        }
        (None, "allowed") => Step::of(view, Effect::Supports, term.says.clone(), &grounds),
        (None, _) => {
            let text = "electronic transmission needs an agreement of the two, and none stands in the registry: an \
                        electronic filing is not made; a signed, printable bundle goes on paper";
            Step::of(view, Effect::Excludes, text, &grounds)
        }
    }
}

/// A declared path that the instrument does not open: whether requests may take it, a person must say.
fn unopened<'a>(view: &View<'a>, instrument: &'a Instrument, channel: Channel, row: &'a Row) -> Option<Step> {
    let path = word(channel);
    let opened = [When::Always, When::Declared].into_iter().any(|when| instrument.channel(path, when).is_some());
    if opened || instrument.channels.is_empty() {
        return None;
    }
    let text = format!("{} was declared; the text read opens no such path ({path})", name(channel));
    Some(Step::of(view, Effect::Asks, text, &Grounds::none().see_link(instrument).row(row)))
}

const fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::CentralAuthority => "central-authority",
        Channel::Diplomatic => "diplomatic",
        Channel::Interpol => "interpol",
        Channel::DirectJudicial => "direct-judicial",
    }
}

/// What haste opens, by the paths in the instrument's data. No path is added by habit: an agreement on INTERPOL under a
/// text that opens it only where the addressee declared it makes a human be asked.
fn urgent<'a>(
    view: &View<'a>,
    instrument: &'a Instrument,
    agreed: &[(Agreed, &'a Row)],
    ways: &mut Vec<&'static str>,
) -> Step {
    let Some(term) = instrument.terms.iter().find(|term| term.key == Term::Urgent) else {
        let text = "the text read says nothing of urgent requests";
        return Step::of(view, Effect::Asks, text, &Grounds::none().see_link(instrument));
    };
    let grounds = Grounds::none().under(instrument.cite(&term.article, &term.mark));
    let mut step = Step::of(view, Effect::Notes, term.says.clone(), &grounds);
    for (what, row) in agreed {
        let (path, way, text) = match what {
            Agreed::UrgentOral => {
                ("quick-means", "by word of mouth or other quick means", "the two agreed on quick means")
            }
            Agreed::UrgentInterpol => {
                ("interpol", "INTERPOL, as urgent", "the two agreed on INTERPOL for urgent requests")
            }
            _ => continue,
        };
        let Some(channel) = instrument.channel(path, When::UrgentAgreed) else {
            let text = format!("{text}; the text read opens no such path in urgent cases");
            step = step.and(Step::of(view, Effect::Asks, text, &grounds.clone().row(row)));
            continue;
        };
        let grounds = Grounds::none().under(instrument.cite(&channel.article, &channel.mark)).row(row);
        let opened = Step::of(view, Effect::Supports, text, &grounds);
        if opened.answer == Answer::Yes {
            ways.push(way);
        }
        step = step.and(opened);
    }
    step
}
