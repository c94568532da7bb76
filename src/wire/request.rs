//! The content of a request to its wire form and back. Refuses a particular of a measure that is not there, or one that
//! is told twice.

use std::collections::BTreeMap;

use crate::model::date::Date;
use crate::model::request::{Measure, RequestBody};
use crate::model::request_parts::{Charge, Enclosure, LawText, Person, TimeLimit, Undertaking};
use crate::wire::decode::DecodeError;
use crate::wire::proto;

pub(super) fn request_out(request: &RequestBody) -> proto::RequestBody {
    proto::RequestBody {
        reference: request.reference.clone(),
        subject: request.subject.clone(),
        proceeding_authority: request.proceeding_authority.clone(),
        proceeding_authority_functions: request.proceeding_authority_functions.clone(),
        nature_of_proceedings: request.nature_of_proceedings.clone(),
        facts: request.facts.clone(),
        applicable_law: request.applicable_law.clone(),
        penalty: request.penalty.clone(),
        measures: request
            .measures
            .iter()
            .map(|measure| proto::Measure { kind: measure.kind.clone(), description: measure.description.clone() })
            .collect(),
        persons: request.persons.clone(),
        purpose: request.purpose.clone(),
        special_procedure: request.special_procedure.clone(),
        confidentiality: request.confidentiality.clone(),
        privilege_to_refuse_testimony: request.privilege_to_refuse_testimony.clone(),
        people: request.people.iter().map(person_out).collect(),
        charges: request.charges.iter().map(charge_out).collect(),
        conduct_from: day_out(request.conduct_from),
        conduct_to: day_out(request.conduct_to),
        law_texts: request
            .law_texts
            .iter()
            .map(|law| proto::LawText { citation: law.citation.clone(), text: law.text.clone() })
            .collect(),
        particulars: (1..).zip(&request.measures).flat_map(|(number, one)| particulars_out(number, one)).collect(),
        time_limits: request
            .time_limits
            .iter()
            .map(|limit| proto::TimeLimit {
                subject: limit.subject.clone(),
                until: limit.until.to_string(),
                reason: limit.reason.clone(),
            })
            .collect(),
        costs: request.costs.clone(),
        reply_language: request.reply_language.clone(),
        enclosures: request.enclosures.iter().map(enclosure_out).collect(),
        undertakings: request
            .undertakings
            .iter()
            .map(|one| proto::Undertaking { code: one.code.clone(), text: one.text.clone() })
            .collect(),
        dual_criminality: request.dual_criminality.clone(),
    }
}

pub(super) fn request_in(found: proto::RequestBody) -> Result<RequestBody, DecodeError> {
    Ok(RequestBody {
        reference: found.reference,
        subject: found.subject,
        proceeding_authority: found.proceeding_authority,
        proceeding_authority_functions: found.proceeding_authority_functions,
        nature_of_proceedings: found.nature_of_proceedings,
        facts: found.facts,
        applicable_law: found.applicable_law,
        penalty: found.penalty,
        measures: measures_in(found.measures, found.particulars)?,
        persons: found.persons,
        purpose: found.purpose,
        special_procedure: found.special_procedure,
        confidentiality: found.confidentiality,
        privilege_to_refuse_testimony: found.privilege_to_refuse_testimony,
        people: found.people.into_iter().map(person_in).collect(),
        charges: found.charges.into_iter().map(charge_in).collect(),
        conduct_from: day_in("conduct_from", &found.conduct_from)?,
        conduct_to: day_in("conduct_to", &found.conduct_to)?,
        law_texts: found.law_texts.into_iter().map(|law| LawText { citation: law.citation, text: law.text }).collect(),
        time_limits: found.time_limits.into_iter().map(time_limit_in).collect::<Result<_, _>>()?,
        costs: found.costs,
        reply_language: found.reply_language,
        enclosures: found.enclosures.into_iter().map(enclosure_in).collect(),
        undertakings: found
            .undertakings
            .into_iter()
            .map(|one| Undertaking { code: one.code, text: one.text })
            .collect(),
        dual_criminality: found.dual_criminality,
    })
}

fn particulars_out(number: u32, measure: &Measure) -> Vec<proto::Particular> {
    let out = |(code, text): (&String, &String)| proto::Particular {
        measure: number,
        code: code.clone(),
        text: text.clone(),
    };
    measure.particulars.iter().map(out).collect()
}

fn measures_in(
    measures: Vec<proto::Measure>,
    particulars: Vec<proto::Particular>,
) -> Result<Vec<Measure>, DecodeError> {
    let bare =
        |one: proto::Measure| Measure { kind: one.kind, description: one.description, particulars: BTreeMap::new() };
    let mut measures: Vec<Measure> = measures.into_iter().map(bare).collect();
    for one in particulars {
        let place = usize::try_from(one.measure).ok().and_then(|number| number.checked_sub(1));
        let measure = place.and_then(|place| measures.get_mut(place));
        let measure = measure.ok_or(DecodeError::Unknown { field: "particulars" })?;
        if measure.particulars.insert(one.code, one.text).is_some() {
            return Err(DecodeError::Unknown { field: "particulars" });
        }
    }
    Ok(measures)
}

fn person_out(person: &Person) -> proto::Person {
    proto::Person {
        name: person.name.clone(),
        pseudonym: person.pseudonym.clone(),
        role: person.role.clone(),
        born: person.born.clone(),
        nationality: person.nationality.clone(),
        whereabouts: person.whereabouts.clone(),
        note: person.note.clone(),
    }
}

fn person_in(found: proto::Person) -> Person {
    Person {
        name: found.name,
        pseudonym: found.pseudonym,
        role: found.role,
        born: found.born,
        nationality: found.nationality,
        whereabouts: found.whereabouts,
        note: found.note,
    }
}

fn charge_out(charge: &Charge) -> proto::Charge {
    proto::Charge {
        crime: charge.crime.clone(),
        requesting_law: charge.requesting_law.clone(),
        requested_law: charge.requested_law.clone(),
    }
}

fn charge_in(found: proto::Charge) -> Charge {
    Charge { crime: found.crime, requesting_law: found.requesting_law, requested_law: found.requested_law }
}

fn enclosure_out(enclosure: &Enclosure) -> proto::Enclosure {
    proto::Enclosure {
        file: enclosure.file.clone(),
        kind: enclosure.kind.clone(),
        language: enclosure.language.clone(),
        certified_by: enclosure.certified_by.clone(),
        note: enclosure.note.clone(),
    }
}

fn enclosure_in(found: proto::Enclosure) -> Enclosure {
    Enclosure {
        file: found.file,
        kind: found.kind,
        language: found.language,
        certified_by: found.certified_by,
        note: found.note,
    }
}

fn time_limit_in(found: proto::TimeLimit) -> Result<TimeLimit, DecodeError> {
    let until = found.until.parse().map_err(|_| DecodeError::Unknown { field: "until" })?;
    Ok(TimeLimit { subject: found.subject, until, reason: found.reason })
}

fn day_out(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

fn day_in(field: &'static str, text: &str) -> Result<Option<Date>, DecodeError> {
    match text {
        "" => Ok(None),
        day => day.parse().map(Some).map_err(|_| DecodeError::Unknown { field }),
    }
}
