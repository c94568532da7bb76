//! The answers of an interview, taken into the request. Refuses what a field cannot hold, and says what it can.

use crate::cli::interview_steps::Step;
use crate::daemon::api_routes::NewRequest;
use crate::law::words::{Crime, Measure as Kind};
use crate::model::date::Date;
use crate::model::message::Urgency;
use crate::model::request::Measure;
use crate::model::request_parts::{Charge, LawText, Person, ROLES, Undertaking};
use crate::model::time::Timestamp;

/// What an officer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// As it is.
    Keep,
    /// Nothing.
    Clear,
    /// This.
    Text(String),
    /// The question before.
    Back,
}

/// Takes an answer into the request.
///
/// # Errors
/// What is wrong with the answer, for the officer.
pub fn apply(new: &mut NewRequest, step: &Step, answer: &Answer) -> Result<(), String> {
    let text = match answer {
        Answer::Keep | Answer::Back => return Ok(()),
        Answer::Clear => String::new(),
        Answer::Text(text) => text.trim().to_owned(),
    };
    let mut changed = new.clone();
    let parts: Vec<&str> = step.id.split('.').collect();
    match parts.as_slice() {
        ["people", place, field] => person(&mut changed.request.people, number(place)?, field, text)?,
        ["law_texts", place, field] => law(&mut changed.request.law_texts, number(place)?, field, text)?,
        ["charges", place] => {
            let charge = changed.request.charges.get_mut(number(place)?);
            charge.ok_or_else(gone)?.requesting_law = text;
        }
        ["measures", place, field] => {
            let measure = number(place)?.checked_sub(1).and_then(|place| changed.request.measures.get_mut(place));
            let measure = measure.ok_or_else(gone)?;
            match *field {
                "description" if text.is_empty() => measure.description.clone_from(&measure.kind),
                "description" => measure.description = text,
                code if text.is_empty() => drop(measure.particulars.remove(code)),
                code => drop(measure.particulars.insert(code.to_owned(), text)),
            }
        }
        [field] => plain(&mut changed, field, text)?,
        _ => return Err(gone()),
    }
    changed.request.check_bounds().map_err(|error| error.to_string())?;
    *new = changed;
    Ok(())
}

fn plain(new: &mut NewRequest, field: &str, text: String) -> Result<(), String> {
    let request = &mut new.request;
    match field {
        "language" if text.is_empty() => return Err("a request has a language".to_owned()),
        "language" => new.language = text,
        "crimes" => {
            let words = words::<Crime>(&text)?;
            let old = std::mem::take(&mut request.charges);
            let charge = |word: &String| {
                let kept = old.iter().find(|charge| charge.crime == *word).cloned();
                kept.unwrap_or_else(|| Charge { crime: word.clone(), ..Charge::default() })
            };
            request.charges = words.iter().map(charge).collect();
            new.basis.crimes = words;
        }
        "measures" => {
            let words = words::<Kind>(&text)?;
            let old = std::mem::take(&mut request.measures);
            let measure = |word: &String| {
                let fresh = Measure { kind: word.clone(), description: word.clone(), ..Measure::default() };
                old.iter().find(|one| one.kind == *word).cloned().unwrap_or(fresh)
            };
            request.measures = words.iter().map(measure).collect();
        }
        "conduct_from" => {
            request.conduct_from = date(&text)?;
            new.basis.conduct = request.conduct_from;
        }
        "conduct_to" => request.conduct_to = date(&text)?,
        "legal_bases" => new.legal_bases = split(&text, ';'),
        "basis_reason" => new.basis.reason = text,
        "urgency_reason" => {
            new.urgency = if text.is_empty() { Urgency::Routine } else { Urgency::Urgent };
            new.urgency_reason = text;
        }
        "reply_by" => {
            let parsed = |text: &str| text.parse::<Timestamp>().map_err(|error| error.to_string());
            new.reply_by = if text.is_empty() { None } else { Some(parsed(&text)?) };
        }
        "reply_by_reason" => new.reply_by_reason = text,
        "undertakings" => {
            let promise = |code: String| Undertaking { text: promised(&code), code };
            request.undertakings = split(&text, ',').into_iter().map(promise).collect();
        }
        _ => *text_field(request, field).ok_or_else(gone)? = text,
    }
    Ok(())
}

fn text_field<'a>(request: &'a mut crate::model::request::RequestBody, field: &str) -> Option<&'a mut String> {
    Some(match field {
        "reference" => &mut request.reference,
        "subject" => &mut request.subject,
        "proceeding_authority" => &mut request.proceeding_authority,
        "proceeding_authority_functions" => &mut request.proceeding_authority_functions,
        "nature_of_proceedings" => &mut request.nature_of_proceedings,
        "facts" => &mut request.facts,
        "applicable_law" => &mut request.applicable_law,
        "penalty" => &mut request.penalty,
        "dual_criminality" => &mut request.dual_criminality,
        "privilege_to_refuse_testimony" => &mut request.privilege_to_refuse_testimony,
        "purpose" => &mut request.purpose,
        "special_procedure" => &mut request.special_procedure,
        "confidentiality" => &mut request.confidentiality,
        "costs" => &mut request.costs,
        "reply_language" => &mut request.reply_language,
        _ => return None,
    })
}

fn person(people: &mut Vec<Person>, place: usize, field: &str, text: String) -> Result<(), String> {
    if field == "name" && text.is_empty() {
        if place < people.len() {
            people.remove(place);
        }
        return Ok(());
    }
    if place == people.len() {
        people.push(Person { role: "other".to_owned(), ..Person::default() });
    }
    let person = people.get_mut(place).ok_or_else(gone)?;
    match field {
        "name" => match text.strip_prefix('~') {
            Some(pseudonym) => (person.name, person.pseudonym) = (String::new(), pseudonym.trim().to_owned()),
            None => (person.name, person.pseudonym) = (text, String::new()),
        },
        "role" if ROLES.contains(&text.as_str()) => person.role = text,
        "role" => return Err(format!("one of {}", ROLES.join(", "))),
        "born" => person.born = text,
        "nationality" => person.nationality = text,
        _ => person.whereabouts = text,
    }
    Ok(())
}

fn law(texts: &mut Vec<LawText>, place: usize, field: &str, text: String) -> Result<(), String> {
    if field == "citation" && text.is_empty() {
        if place < texts.len() {
            texts.remove(place);
        }
        return Ok(());
    }
    if place == texts.len() {
        texts.push(LawText::default());
    }
    let law = texts.get_mut(place).ok_or_else(gone)?;
    if field == "citation" {
        law.citation = text
    } else {
        law.text = text
    }
    Ok(())
}

fn words<W: std::str::FromStr>(text: &str) -> Result<Vec<String>, String>
where
    W::Err: std::fmt::Display,
{
    let words = split(text, ',');
    words.iter().try_for_each(|word| word.parse::<W>().map(drop).map_err(|error| error.to_string()))?;
    Ok(words)
}

fn split(text: &str, at: char) -> Vec<String> {
    text.split(at).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn date(text: &str) -> Result<Option<Date>, String> {
    if text.is_empty() {
        Ok(None)
    } else {
        text.parse().map(Some).map_err(|error: crate::model::date::DateError| error.to_string())
    }
}

fn promised(code: &str) -> String {
    match code {
        "reciprocity" => "We would give the same help in such a case.".to_owned(),
        "use-only-here" => "What is received will be used in the matter of this request only.".to_owned(),
        "return" => "What is handed over will be returned when the matter has ended.".to_owned(),
        other => format!("We undertake: {other}."),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| gone())
}

fn gone() -> String {
    "the file of this interview names a question that is not there; write the answer by `:back` from the next one"
        .to_owned()
}
