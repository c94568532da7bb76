//! The questions of an interview, in the order of the request writer's screens: State and legal basis, authority and
//! case, persons, facts, law and penalty, each help with its own questions, procedure and secrecy. Asks nothing
//! that another answer made idle.

use crate::daemon::api_routes::NewRequest;
use crate::law::particular;
use crate::law::words::{Measure as Kind, crimes, measures};
use crate::model::date::Date;
use crate::model::request::Measure;
use crate::model::request_parts::{LawText, Person, ROLES};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Names it in the file of the interview.
    pub id: String,
    /// The screen that it stands on.
    pub screen: &'static str,
    /// What is asked.
    pub ask: String,
    /// More, for who asks `?`.
    pub help: String,
    /// What stands there now, shortened.
    pub now: String,
    /// Whether the answer may have many lines.
    pub long: bool,
    /// The field that findings call it by.
    pub about: String,
    /// The number of the help that it is about.
    pub measure: Option<usize>,
}

const START: &str = "State and legal basis";
const BASIS: &str = "Legal basis";
const CASE: &str = "Authority and case";
const PERSONS: &str = "Persons";
const FACTS: &str = "Facts";
const LAW: &str = "Law and penalty";
const HELP: &str = "Help";
const REST: &str = "Procedure, secrecy, urgency";

/// Every question for a request as it stands: an answer may bring further ones.
pub fn steps(new: &NewRequest) -> Vec<Step> {
    let request = &new.request;
    let mut all = opening(new);
    all.extend(person_steps(&request.people));
    all.push(long(FACTS, "facts", "A summary of the facts?", &request.facts));
    for (place, charge) in request.charges.iter().enumerate() {
        let ask = format!("What is {} under your law, and by which provision?", charge.crime);
        all.push(Step {
            about: "charges".to_owned(),
            ..long(LAW, &format!("charges.{place}"), &ask, &charge.requesting_law)
        });
    }
    all.push(long(LAW, "applicable_law", "The law that applies, explained?", &request.applicable_law));
    all.extend(law_steps(&request.law_texts));
    all.push(long(LAW, "penalty", "The penalty that is or may be imposed?", &request.penalty));
    all.push(long(
        LAW,
        "dual_criminality",
        "Why is it a crime in both States? Enter if nobody asks for that.",
        &request.dual_criminality,
    ));
    for (number, measure) in (1..).zip(&request.measures) {
        all.extend(measure_steps(number, measure));
    }
    if request.measures.iter().any(|one| matches!(one.kind.as_str(), "hearing" | "video-hearing")) {
        let ask = "The law under which a witness may refuse to testify?";
        all.push(long(HELP, "privilege_to_refuse_testimony", ask, &request.privilege_to_refuse_testimony));
    }
    all.push(long(
        HELP,
        "purpose",
        "What is the evidence for, and why does it matter? This limits its use.",
        &request.purpose,
    ));
    all.extend(closing(new));
    all
}

/// State, legal basis, authority and case.
fn opening(new: &NewRequest) -> Vec<Step> {
    let request = &new.request;
    vec![
        short(START, "language", "In which language do you write it (BCP 47, e.g. en)?", &new.language),
        listing(
            short(
                START,
                "crimes",
                "What is the conduct called? Words, with commas between; `?` lists them.",
                &new.basis.crimes.join(", "),
            ),
            crimes(),
        ),
        short(START, "conduct_from", "First day of the conduct, e.g. 2025-03-03?", &day(request.conduct_from)),
        short(START, "conduct_to", "Last day of the conduct?", &day(request.conduct_to)),
        listing(
            short(
                START,
                "measures",
                "Which help? Words, with commas between, in the order in which it is wanted; `?` lists them.",
                &kinds(new),
            ),
            measures(),
        ),
        short(
            BASIS,
            "legal_bases",
            "On which treaties does it rest? Names, with semicolons between.",
            &new.legal_bases.join("; "),
        ),
        long(BASIS, "basis_reason", "Why does it go on, if the look-up does not say YES?", &new.basis.reason),
        short(CASE, "reference", "Your own reference?", &request.reference),
        short(CASE, "subject", "In one line: what is it about?", &request.subject),
        short(
            CASE,
            "proceeding_authority",
            "Which authority conducts the investigation, prosecution or proceedings?",
            &request.proceeding_authority,
        ),
        long(CASE, "proceeding_authority_functions", "Its functions?", &request.proceeding_authority_functions),
        long(CASE, "nature_of_proceedings", "The nature of the proceedings?", &request.nature_of_proceedings),
    ]
}

/// Procedure, secrecy, urgency and what else there is.
fn closing(new: &NewRequest) -> Vec<Step> {
    let request = &new.request;
    vec![
        long(REST, "special_procedure", "A procedure that should be followed?", &request.special_procedure),
        long(REST, "confidentiality", "Wishes about secrecy beyond what the treaty gives?", &request.confidentiality),
        long(REST, "urgency_reason", "If it is urgent: why? Enter if it is not.", &new.urgency_reason),
        short(
            REST,
            "reply_by",
            "A wished time limit, e.g. 2027-01-31?",
            &new.reply_by.map(|at| at.to_string()).unwrap_or_default(),
        ),
        long(REST, "reply_by_reason", "The reasons of the time limit?", &new.reply_by_reason),
        long(REST, "costs", "Anything on costs?", &request.costs),
        short(REST, "reply_language", "In which language do you wish the answer?", &request.reply_language),
        Step {
            about: "undertakings:".to_owned(),
            ..short(
                REST,
                "undertakings",
                "Promises that you give: reciprocity, use-only-here, return; with commas between.",
                &given(new),
            )
        },
    ]
}

fn person_steps(people: &[Person]) -> Vec<Step> {
    let mut all = Vec::new();
    for place in 0..=people.len() {
        let person = people.get(place);
        let ask = match place {
            0 => "A person concerned: the name, or `~` and a pseudonym, e.g. ~W-01? Enter if there is none.",
            _ => "One more person? Enter if there is none.",
        };
        let id = |field: &str| format!("people.{place}.{field}");
        let about = |step: Step| Step { about: "people".to_owned(), ..step };
        all.push(about(short(PERSONS, &id("name"), ask, person.map_or("", Person::shown))));
        let Some(person) = person else { continue };
        all.push(about(short(
            PERSONS,
            &id("role"),
            &format!("{}: {}?", person.shown(), ROLES.join(", ")),
            &person.role,
        )));
        all.push(about(short(PERSONS, &id("born"), "Date and place of birth?", &person.born)));
        all.push(about(short(PERSONS, &id("nationality"), "Nationality?", &person.nationality)));
        all.push(about(long(PERSONS, &id("whereabouts"), "Where is the person thought to be?", &person.whereabouts)));
    }
    all
}

fn law_steps(texts: &[LawText]) -> Vec<Step> {
    let mut all = Vec::new();
    for place in 0..=texts.len() {
        let law = texts.get(place);
        let ask =
            "A provision whose text goes along, e.g. Criminal Code, section 12? Enter if there is no further one.";
        let about = |step: Step| Step { about: "law_texts".to_owned(), ..step };
        all.push(about(short(LAW, &format!("law_texts.{place}.citation"), ask, law.map_or("", |law| &law.citation))));
        let Some(law) = law else { continue };
        let ask = format!("The text of {}? Enter if a file holds it.", law.citation);
        all.push(about(long(LAW, &format!("law_texts.{place}.text"), &ask, &law.text)));
    }
    all
}

fn measure_steps(number: usize, measure: &Measure) -> Vec<Step> {
    let ask = format!("{number}. {}: what exactly is asked for?", measure.kind);
    let described = if measure.description == measure.kind { "" } else { &measure.description };
    let first = long(HELP, &format!("measures.{number}.description"), &ask, described);
    let mut all = vec![Step { measure: Some(number), ..first }];
    let Ok(kind) = measure.kind.parse::<Kind>() else { return all };
    for one in particular::of(kind) {
        let ask = format!("{number}. {}, {}: {}?", measure.kind, one.code, one.says);
        let now = measure.particulars.get(&one.code).map_or("", String::as_str);
        let step = long(HELP, &format!("measures.{number}.{}", one.code), &ask, now);
        all.push(Step { about: one.code.clone(), measure: Some(number), ..step });
    }
    all
}

fn short(screen: &'static str, id: &str, ask: &str, now: &str) -> Step {
    let now: String = now.lines().next().unwrap_or_default().chars().take(100).collect();
    let (id, ask, about) = (id.to_owned(), ask.to_owned(), id.to_owned());
    Step { id, screen, ask, help: String::new(), now, long: false, about, measure: None }
}

fn long(screen: &'static str, id: &str, ask: &str, now: &str) -> Step {
    Step { long: true, ..short(screen, id, ask, now) }
}

fn listing(step: Step, words: &[crate::law::words::Word]) -> Step {
    let lines: Vec<String> = words.iter().map(|word| format!("  {:<26} {}", word.word, word.says)).collect();
    Step { help: lines.join("\n"), ..step }
}

fn kinds(new: &NewRequest) -> String {
    new.request.measures.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn given(new: &NewRequest) -> String {
    new.request.undertakings.iter().map(|one| one.code.as_str()).collect::<Vec<_>>().join(", ")
}

fn day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}
