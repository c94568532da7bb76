//! The legal basis of a request between two nodes: the question that a request puts, the answer as it travels, what the
//! officer named and the look-up does not support, and how two look-ups differ. Decides nothing; a person signs.

use crate::exchange::canonical::JsonError;
use crate::exchange::registry::{digest, instruments_digest};
use crate::law::basis::basis;
use crate::law::instrument::{Instrument, InstrumentId};
use crate::law::library::Library;
use crate::law::opinion::{Answer, Opinion, Strength};
use crate::law::query::{Query, QueryError};
use crate::law::registry::Registry;
use crate::law::row::{Finding, Tests};
use crate::law::subject::Subject;
use crate::law::view::{Book, BookError};
use crate::law::words::{Crime, Measure, WordError};
use crate::model::basis::{BasisFinding, BasisLookup, BasisMeasure, BasisQuestion, Found, Verdict};
use crate::model::date::Date;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::BASIS_FINDINGS_MAX;
use crate::model::message::{Body, Message, Urgency};
use crate::model::time::Timestamp;

/// Instruments and registry, indexed, with the digests under which answers name them.
#[derive(Debug, Clone)]
pub struct LawBook {
    book: Book,
    registry: Digest,
    instruments: Digest,
}

impl LawBook {
    /// Indexes a registry beside the program's instruments.
    ///
    /// # Errors
    /// [`LawBookError`] when a row is about something that nobody described.
    pub fn new(library: Library, registry: Registry) -> Result<Self, LawBookError> {
        let registry_digest = digest(&registry)?;
        let book = Book::new(library, registry)?;
        Ok(Self { registry: registry_digest, instruments: instruments_digest(book.library())?, book })
    }

    /// The indexed rows and instruments.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The digest of the registry.
    pub fn registry_digest(&self) -> Digest {
        self.registry
    }

    /// The digest of the data of all instruments.
    pub fn instruments_digest(&self) -> Digest {
        self.instruments
    }

    /// The instrument that people call so: by its name in rows, its short or its full name, whatever follows (an
    /// article, a date) set off from it; or by the beginning of a full name that no other has.
    pub fn named(&self, text: &str) -> Option<&Instrument> {
        let text = text.trim().to_lowercase();
        let fits = |name: &str| {
            let name = name.to_lowercase();
            let rest = text.strip_prefix(&name)?;
            (!rest.starts_with(|c: char| c.is_alphanumeric() || c == '-')).then_some(name.len())
        };
        let best = |one: &Instrument| [one.id.as_str(), &one.short, &one.name].into_iter().filter_map(fits).max();
        let all = self.book.library().instruments().iter();
        let whole = all.filter_map(|one| Some((best(one)?, one))).max_by_key(|(length, _)| *length);
        whole.map(|(_, one)| one).or_else(|| self.begun(&text))
    }

    fn begun(&self, text: &str) -> Option<&Instrument> {
        let begins = |one: &&Instrument| {
            let name = one.name.to_lowercase();
            let rest = name.strip_prefix(text);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let mut found = self.book.library().instruments().iter().filter(begins);
        let one = found.next().filter(|_| text.chars().count() >= NAME_CHARS_MIN)?;
        found.next().is_none().then_some(one)
    }
}

/// The shortest beginning of a full name that counts as the name.
const NAME_CHARS_MIN: usize = 12;

/// A question about the legal basis, as a request puts it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The requesting authority.
    pub from: &'a AuthorityId,
    /// The requested authority.
    pub to: &'a AuthorityId,
    /// The kinds of help; each once or more.
    pub measures: &'a [&'a str],
    /// How soon.
    pub urgency: Urgency,
    /// The request's reference, under which the two may have agreed on it.
    pub reference: &'a str,
    /// What the officer names as the legal basis.
    pub legal_bases: &'a [String],
    /// What only the officer knows.
    pub question: &'a BasisQuestion,
    /// Why the officer goes on although the answer is not YES.
    pub reason: &'a str,
    /// The day of the request.
    pub day: Date,
}

/// When a question is put, and what the registry may know by then.
#[derive(Debug, Clone, Copy)]
pub struct On {
    /// The instant.
    pub now: Timestamp,
}

/// An answer, as it travels and in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// As it travels.
    pub lookup: BasisLookup,
    /// With every reason.
    pub opinion: Opinion,
}

/// Looks the question up.
///
/// # Errors
/// [`CannotAsk`] says what the question lacks.
pub fn look_up(law: &LawBook, asked: &Asked<'_>, on: On) -> Result<Answered, CannotAsk> {
    let query = query(asked, on)?;
    let opinion = basis(&law.book.view(query.as_of), &query)?;
    let findings: Vec<BasisFinding> = opinion
        .bases
        .iter()
        .filter(|one| one.answer != Answer::No)
        .map(|one| BasisFinding {
            measure: one.measure.to_string(),
            instrument: one.instrument.to_string(),
            answer: verdict(one.answer),
            strength: strength(one.strength).to_owned(),
        })
        .collect();
    if findings.len() > BASIS_FINDINGS_MAX {
        return Err(CannotAsk::TooMany);
    }
    let mut chosen: Vec<String> = Vec::new();
    for instrument in asked.legal_bases.iter().filter_map(|text| law.named(text)) {
        if !chosen.iter().any(|id| *id == instrument.id.as_str()) {
            chosen.push(instrument.id.to_string());
        }
    }
    let lookup = BasisLookup {
        registry: law.registry,
        instruments: law.instruments,
        day: asked.day,
        as_of: query.as_of,
        question: asked.question.clone(),
        answer: verdict(opinion.answer),
        measures: opinion
            .measures
            .iter()
            .map(|one| BasisMeasure { measure: one.measure.to_string(), answer: verdict(one.answer) })
            .collect(),
        findings,
        chosen,
        reason: asked.reason.to_owned(),
    };
    Ok(Answered { lookup, opinion })
}

/// Looks the question of a request up again, for the same day of the request, on what is known now. Nothing if the
/// message carries no look-up, or is no request.
pub fn look_up_again(law: &LawBook, message: &Message, on: On) -> Option<Result<Answered, CannotAsk>> {
    let (Some(sent), Body::Request(request)) = (&message.basis, &message.body) else { return None };
    let measures: Vec<&str> = sent.measures.iter().map(|one| one.measure.as_str()).collect();
    let asked = Asked {
        from: &message.sender.authority,
        to: &message.recipient,
        measures: &measures,
        urgency: message.urgency,
        reference: &request.reference,
        legal_bases: &message.legal_bases,
        question: &sent.question,
        reason: &sent.reason,
        day: sent.day,
    };
    Some(look_up(law, &asked, on))
}

fn query(asked: &Asked<'_>, on: On) -> Result<Query, CannotAsk> {
    if asked.question.crimes.is_empty() {
        return Err(CannotAsk::NoCrime);
    }
    let mut measures: Vec<Measure> = Vec::new();
    for text in asked.measures {
        let measure: Measure = text.parse()?;
        if !measures.contains(&measure) {
            measures.push(measure);
        }
    }
    let found = |found: Found| match found {
        Found::Yes => Finding::Yes,
        Found::No => Finding::No,
        Found::Open => Finding::Open,
    };
    let question = asked.question;
    let ids = question.tests_met.iter().map(|text| text.parse().map_err(|_| CannotAsk::Instrument(clip(text))));
    let query = Query {
        from: Subject::of(asked.from),
        to: Subject::of(asked.to),
        crimes: question.crimes.iter().map(|text| text.parse()).collect::<Result<Vec<Crime>, WordError>>()?,
        measures,
        conduct: question.conduct,
        date: asked.day,
        today: Date::of(on.now).max(asked.day),
        as_of: on.now,
        urgency: asked.urgency,
        request: (!asked.reference.is_empty()).then(|| asked.reference.to_owned()),
        tests: Tests {
            international: found(question.international),
            requesting: found(question.requesting_law),
            requested: found(question.requested_law),
        },
        tests_met: ids.collect::<Result<Vec<InstrumentId>, CannotAsk>>()?,
    };
    query.check()?;
    Ok(query)
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// What the officer named and the look-up does not support, or what nobody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// NO: needs a stated reason. ASK A HUMAN: needs to be taken on knowingly.
    pub answer: Verdict,
    /// In words.
    pub text: String,
}

/// Compares what the officer named with the answer.
pub fn gaps(law: &LawBook, lookup: &BasisLookup, legal_bases: &[String]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let ask = |text: String| Gap { answer: Verdict::AskAHuman, text };
    for text in legal_bases.iter().filter(|text| law.named(text).is_none()) {
        gaps.push(ask(format!("`{text}` is no instrument that the look-up knows; it says nothing on it")));
    }
    if legal_bases.is_empty() {
        gaps.push(ask("no legal basis is named".to_owned()));
    }
    for measure in &lookup.measures {
        let of_measure = || lookup.findings.iter().filter(|one| one.measure == measure.measure);
        let chosen = of_measure().filter(|one| lookup.chosen.contains(&one.instrument));
        let answers: Vec<Verdict> = chosen.map(|one| one.answer).collect();
        if answers.contains(&Verdict::Yes) {
            continue;
        }
        let open: Vec<&str> =
            of_measure().filter(|one| one.answer == Verdict::Yes).map(|one| &*one.instrument).collect();
        let instead = if open.is_empty() { String::new() } else { format!("; YES by {}", open.join(", ")) };
        let what = &measure.measure;
        gaps.push(match (lookup.chosen.is_empty(), answers.is_empty()) {
            (true, _) => {
                let text = format!("{what}: the look-up says {}{instead}", measure.answer.word());
                Gap { answer: at_least_a_question(measure.answer), text }
            }
            (false, true) => {
                Gap { answer: Verdict::No, text: format!("{what}: what is named is no basis for it{instead}") }
            }
            (false, false) => ask(format!("{what}: what is named leaves a question open{instead}")),
        });
    }
    let supports = |id: &String| lookup.findings.iter().any(|one| one.instrument == *id);
    for id in lookup.chosen.iter().filter(|id| !supports(id)) {
        gaps.push(Gap { answer: Verdict::No, text: format!("{id} is no basis for anything that is asked for") });
    }
    gaps
}

/// A word for a strength, on the wire and for people.
pub const fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::None => "none",
        Strength::AdHocPossible => "ad-hoc-possible",
        Strength::DutyOnly => "duty-only",
        Strength::AdHoc => "ad-hoc",
        Strength::MayRefuse => "may-refuse",
        Strength::BindingProvisional => "binding-provisional",
        Strength::Binding => "binding",
    }
}

/// The answer as the model has it.
pub const fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer::No => Verdict::No,
        Answer::AskAHuman => Verdict::AskAHuman,
        Answer::Yes => Verdict::Yes,
    }
}

/// A kind of help that nobody named a basis for is at least a question, even where there would be one.
const fn at_least_a_question(answer: Verdict) -> Verdict {
    match answer {
        Verdict::Yes | Verdict::AskAHuman => Verdict::AskAHuman,
        Verdict::No => Verdict::No,
    }
}

/// Why a question could not be put.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotAsk {
    /// No crime was named.
    #[error("name what the conduct is called (`crimes`, e.g. genocide); without it no legal basis can be looked up")]
    NoCrime,
    /// A word that the look-up does not know.
    #[error(transparent)]
    Word(#[from] WordError),
    /// No name of an instrument.
    #[error("`{0}` is no name of an instrument; see `rogatory law instruments`")]
    Instrument(String),
    /// The question lacks something else.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The answer would not fit into a message.
    #[error("the answer has more than {BASIS_FINDINGS_MAX} findings; ask for fewer kinds of help in one request")]
    TooMany,
}

/// Why there is nothing to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LawBookError {
    /// Rows and instruments do not fit.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The registry has no digest.
    #[error(transparent)]
    Json(#[from] JsonError),
}

#[cfg(test)]
mod tests;
