//! The check of a request against the lists of its instruments and the law of its addressee. What is only recalled
//! advises and holds nothing up. It never says that a request will be granted.

use crate::law::content::{Contents, Field, Item, Weight, named};
use crate::law::demand::{Addressee, demands};
use crate::law::finding::{Finding, Findings, Ground, State};
use crate::law::instrument::Instrument;
use crate::law::library::Library;
use crate::law::mark::Trust;
use crate::law::step::cite;
use crate::law::view::{Confirmed, View};
use crate::law::words::Measure;
use crate::model::ident::AuthorityId;
use crate::model::request::RequestBody;

/// A request as it is checked.
#[derive(Debug, Clone, Copy)]
pub struct Filing<'a> {
    /// Who asks.
    pub from: &'a AuthorityId,
    /// The content.
    pub request: &'a RequestBody,
    /// The language of its texts.
    pub language: &'a str,
    /// Its time limit.
    pub deadline: Deadline,
    /// The treaties that it names.
    pub legal_bases: &'a [String],
}

/// Whether a request has a time limit, and reasons for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// None.
    None,
    /// One without reasons.
    Unreasoned,
    /// One with reasons.
    Reasoned,
}

/// What is known to check against.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The instruments.
    pub library: &'a Library,
    /// Their lists.
    pub contents: &'a Contents,
    /// The registry, whose keepers may have confirmed what was recalled.
    pub view: Option<View<'a>>,
    /// The addressee, where the directory has a row of it.
    pub addressee: Option<Addressee<'a>>,
}

/// Checks the request: what is missing, doubtful, fine.
pub fn check(known: &Known<'_>, filing: &Filing<'_>) -> Findings {
    let request = filing.request;
    let mut found: Vec<Finding> = request.missing().into_iter().map(house).collect();
    let kinds: Vec<(usize, Option<Measure>)> =
        (1..).zip(&request.measures).map(|(number, one)| (number, one.kind.parse().ok())).collect();
    for (number, one) in (1..).zip(&request.measures) {
        if one.kind.parse::<Measure>().is_err() {
            let write = "no kind of help that the program knows; a person must say what it needs".to_owned();
            found.push(nobody(format!("measures: {}", clip(&one.kind)), Some(number.to_string()), write));
        }
    }
    if filing.legal_bases.is_empty() {
        let write = "no treaty is named, so no list was checked; name it in legal_bases".to_owned();
        found.push(nobody("legal_bases".to_owned(), None, write));
    }
    for basis in filing.legal_bases {
        let listed = named(known.library, basis).and_then(|id| known.library.find(id));
        let Some((instrument, list)) = listed.and_then(|one| Some((one, known.contents.of(&one.id)?))) else {
            let write = "the program knows no list of contents for it; a person must read the treaty".to_owned();
            found.push(nobody(format!("legal_bases: {}", clip(basis)), None, write));
            continue;
        };
        for item in &list.items {
            judge(known, filing, instrument, item, &kinds, &mut found);
        }
    }
    if let Some(addressee) = &known.addressee {
        found.extend(demands(addressee, filing.from, request));
    }
    Findings(found)
}

fn judge(
    known: &Known<'_>,
    filing: &Filing<'_>,
    instrument: &Instrument,
    item: &Item,
    kinds: &[(usize, Option<Measure>)],
    found: &mut Vec<Finding>,
) {
    let concerns = |kind: Option<Measure>| match kind {
        Some(kind) => (item.only.is_empty() || item.only.contains(&kind)) && !item.but.contains(&kind),
        None => item.only.is_empty(),
    };
    let mut tell = |presence: Presence, what: String, measure: Option<String>| {
        let provision = instrument.cite(&item.article, &item.mark);
        let decides = match &known.view {
            Some(view) => confirmed(view, instrument, item),
            None => item.mark.standing(),
        };
        let state = match (presence, item.need, decides) {
            (Presence::Idle, _, _) => return,
            (Presence::There, _, _) => State::Fine,
            (Presence::Unknown, _, _) => State::Doubtful,
            (Presence::Absent, Weight::Must, Trust::Decides) => State::Missing,
            (Presence::Absent, Weight::Must | Weight::Should, _) => State::Doubtful,
            (Presence::Absent, Weight::May, _) => State::Optional,
        };
        let ground = Ground::Article(cite(&provision));
        found.push(Finding { state, what, measure, write: item.write.clone(), ground });
    };
    match item.field {
        Some(field) if kinds.is_empty() || kinds.iter().any(|(_, kind)| concerns(*kind)) => {
            tell(present(field, known, filing), field.name().to_owned(), None);
        }
        Some(_) => {}
        None => {
            for ((number, kind), measure) in kinds.iter().zip(&filing.request.measures) {
                if concerns(*kind) {
                    let there = item.particular.iter().any(|code| measure.particulars.contains_key(code));
                    let presence = if there { Presence::There } else { Presence::Absent };
                    tell(presence, item.particular.join(" or "), Some(format!("{number} ({})", measure.kind)));
                }
            }
        }
    }
}

/// Whether an item that was only recalled was confirmed by a keeper.
fn confirmed(view: &View<'_>, instrument: &Instrument, item: &Item) -> Trust {
    if item.mark.standing() == Trust::Decides {
        return Trust::Decides;
    }
    match view.confirmed(&instrument.id, &item.article) {
        Confirmed::Read | Confirmed::By(_) => Trust::Decides,
        Confirmed::Nobody => Trust::NeedsConfirmation,
    }
}

enum Presence {
    There,
    Absent,
    /// Nobody can say: what it is compared with is not known.
    Unknown,
    /// There is nothing to ask for.
    Idle,
}

fn present(field: Field, known: &Known<'_>, filing: &Filing<'_>) -> Presence {
    let request = filing.request;
    let all = |texts: &[&str]| yes(texts.iter().all(|text| !text.trim().is_empty()));
    let given = |code: &str| yes(request.undertakings.iter().any(|one| one.code == code));
    let enclosed = |kind: &str| request.enclosures.iter().any(|file| file.kind == kind);
    match field {
        Field::RequestingAuthority => Presence::There,
        Field::Nature => all(&[&request.subject, &request.nature_of_proceedings]),
        Field::ProceedingAuthority => all(&[&request.proceeding_authority, &request.proceeding_authority_functions]),
        Field::Facts => all(&[&request.facts]),
        Field::Charge => yes(!request.charges.is_empty()),
        Field::ApplicableLaw => all(&[&request.applicable_law]),
        Field::LawText => yes(request.law_texts.iter().any(|law| !law.text.trim().is_empty()) || enclosed("law-text")),
        Field::Penalty => all(&[&request.penalty]),
        Field::Measures => yes(!request.measures.is_empty()),
        Field::SpecialProcedure => all(&[&request.special_procedure]),
        Field::People => yes(!request.people.is_empty() || !request.persons.is_empty()),
        Field::Purpose => all(&[&request.purpose]),
        Field::Deadline => yes(filing.deadline != Deadline::None),
        Field::DeadlineReason => match filing.deadline {
            Deadline::None => Presence::Idle,
            Deadline::Unreasoned => Presence::Absent,
            Deadline::Reasoned => Presence::There,
        },
        Field::Privilege => all(&[&request.privilege_to_refuse_testimony]),
        Field::Language => language(known, filing),
        Field::Confidentiality => all(&[&request.confidentiality]),
        Field::DualCriminality => all(&[&request.dual_criminality]),
        Field::UndertakingReciprocity => given("reciprocity"),
        Field::UndertakingUse => given("use-only-here"),
        Field::UndertakingReturn => given("return"),
    }
}

/// Whether the request is in a language that the addressee accepts, or a translation into one goes along.
fn language(known: &Known<'_>, filing: &Filing<'_>) -> Presence {
    let Some(addressee) = known.addressee.as_ref().filter(|one| !one.languages.is_empty()) else {
        return Presence::Unknown;
    };
    let accepts = |tag: &str| addressee.languages.iter().any(|accepted| primary(accepted) == primary(tag));
    let translated = || {
        let mut translations = filing.request.enclosures.iter().filter(|file| file.kind == "translation");
        translations.any(|file| accepts(&file.language))
    };
    yes(accepts(filing.language) || translated())
}

/// The language of a tag, without region or script: `pt-BR` is Portuguese.
fn primary(tag: &str) -> String {
    tag.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

const fn yes(there: bool) -> Presence {
    if there { Presence::There } else { Presence::Absent }
}

fn house(field: &'static str) -> Finding {
    let write = "every request has it".to_owned();
    Finding { state: State::Missing, what: field.to_owned(), measure: None, write, ground: Ground::House }
}

fn nobody(what: String, measure: Option<String>, write: String) -> Finding {
    Finding { state: State::Doubtful, what, measure, write, ground: Ground::Nobody }
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests;
