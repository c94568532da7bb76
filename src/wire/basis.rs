//! Look-ups of the legal basis to bytes and back: inside a message, and beside the custody record of a review.

use prost::Message as _;

use crate::model::basis::{
    Agreement, BasisComparison, BasisFinding, BasisLookup, BasisMeasure, BasisQuestion, BasisReview, Found, Verdict,
};
use crate::model::date::Date;
use crate::model::ident::Digest;
use crate::model::limits::{BASIS_FINDINGS_MAX, BASIS_REVIEW_BYTES_MAX, LIST_LEN_MAX};
use crate::model::message::MessageError;
use crate::model::time::Timestamp;
use crate::wire::decode::{self, DecodeError};
use crate::wire::proto;
use crate::wire::shape::Shape;

/// The schema name of a review.
pub const REVIEW_SCHEMA: &str = "rogatory.v1.BasisReview";

/// The differences, and the lists of the node's own look-up (7).
const SHAPE: Shape = Shape {
    what: "a review of a legal basis",
    bytes_max: BASIS_REVIEW_BYTES_MAX,
    fields_max: BASIS_FINDINGS_MAX + 2 * LIST_LEN_MAX,
    nested: &[7],
};

/// Encodes a review; the result stands beside its custody record.
pub fn encode_review(review: &BasisReview) -> Vec<u8> {
    let told = &review.comparison;
    proto::BasisReview {
        schema: REVIEW_SCHEMA.to_owned(),
        agreement: told.agreement.word().to_owned(),
        registry_sha256: digest_out(told.registry),
        instruments_sha256: digest_out(told.instruments),
        answer: answer_out(told.answer),
        differences: told.differences.clone(),
        own: review.own.as_ref().map(lookup_out),
    }
    .encode_to_vec()
}

/// Decodes a review and checks every bound.
///
/// # Errors
/// [`DecodeError`] names the first field that is wrong.
pub fn decode_review(bytes: &[u8]) -> Result<BasisReview, DecodeError> {
    let found: proto::BasisReview = SHAPE.decode(bytes)?;
    decode::schema(REVIEW_SCHEMA, &found.schema)?;
    let comparison = comparison_in(
        &found.agreement,
        &found.registry_sha256,
        &found.instruments_sha256,
        &found.answer,
        found.differences,
    )?;
    let own = found.own.map(lookup_in).transpose()?;
    let bounds = comparison.check_bounds().and_then(|()| own.as_ref().map_or(Ok(()), BasisLookup::check_bounds));
    bounds.map_err(|error| DecodeError::Message(MessageError::Text(error)))?;
    Ok(BasisReview { comparison, own })
}

pub(super) fn lookup_out(lookup: &BasisLookup) -> proto::BasisLookup {
    let question = &lookup.question;
    let measure =
        |one: &BasisMeasure| proto::BasisMeasure { measure: one.measure.clone(), answer: one.answer.word().to_owned() };
    let finding = |one: &BasisFinding| proto::BasisFinding {
        measure: one.measure.clone(),
        instrument: one.instrument.clone(),
        answer: one.answer.word().to_owned(),
        strength: one.strength.clone(),
    };
    proto::BasisLookup {
        registry_sha256: lookup.registry.0.to_vec(),
        instruments_sha256: lookup.instruments.0.to_vec(),
        day: lookup.day.to_string(),
        as_of_ms: lookup.as_of.as_millis(),
        crimes: question.crimes.clone(),
        conduct: question.conduct.map(|day| day.to_string()).unwrap_or_default(),
        tests_met: question.tests_met.clone(),
        international: question.international.word().to_owned(),
        requesting_law: question.requesting_law.word().to_owned(),
        requested_law: question.requested_law.word().to_owned(),
        answer: lookup.answer.word().to_owned(),
        measures: lookup.measures.iter().map(measure).collect(),
        findings: lookup.findings.iter().map(finding).collect(),
        chosen: lookup.chosen.clone(),
        reason: lookup.reason.clone(),
    }
}

/// The bounds are the caller's to check: a message checks all of its fields in one place.
pub(super) fn lookup_in(found: proto::BasisLookup) -> Result<BasisLookup, DecodeError> {
    decode::count("findings", found.findings.len(), BASIS_FINDINGS_MAX)?;
    let measure =
        |one: proto::BasisMeasure| Ok(BasisMeasure { answer: verdict("answer", &one.answer)?, measure: one.measure });
    let finding = |one: proto::BasisFinding| {
        let answer = verdict("answer", &one.answer)?;
        Ok(BasisFinding { measure: one.measure, instrument: one.instrument, answer, strength: one.strength })
    };
    Ok(BasisLookup {
        registry: decode::digest("registry_sha256", &found.registry_sha256)?,
        instruments: decode::digest("instruments_sha256", &found.instruments_sha256)?,
        day: day("day", &found.day)?,
        as_of: Timestamp::from_millis(found.as_of_ms),
        question: BasisQuestion {
            crimes: found.crimes,
            conduct: if found.conduct.is_empty() { None } else { Some(day("conduct", &found.conduct)?) },
            tests_met: found.tests_met,
            international: finding_of("international", &found.international)?,
            requesting_law: finding_of("requesting_law", &found.requesting_law)?,
            requested_law: finding_of("requested_law", &found.requested_law)?,
        },
        answer: verdict("answer", &found.answer)?,
        measures: found.measures.into_iter().map(measure).collect::<Result<_, DecodeError>>()?,
        findings: found.findings.into_iter().map(finding).collect::<Result<_, DecodeError>>()?,
        chosen: found.chosen,
        reason: found.reason,
    })
}

pub(super) fn digest_out(digest: Option<Digest>) -> Vec<u8> {
    digest.map(|digest| digest.0.to_vec()).unwrap_or_default()
}

pub(super) fn answer_out(answer: Option<Verdict>) -> String {
    answer.map(|answer| answer.word().to_owned()).unwrap_or_default()
}

pub(super) fn comparison_in(
    agreement: &str,
    registry: &[u8],
    instruments: &[u8],
    answer: &str,
    differences: Vec<String>,
) -> Result<BasisComparison, DecodeError> {
    let digest = |field: &'static str, bytes: &[u8]| {
        if bytes.is_empty() { Ok(None) } else { decode::digest(field, bytes).map(Some) }
    };
    Ok(BasisComparison {
        agreement: Agreement::from_word(agreement).ok_or(DecodeError::Unknown { field: "basis_agreement" })?,
        registry: digest("basis_registry_sha256", registry)?,
        instruments: digest("basis_instruments_sha256", instruments)?,
        answer: if answer.is_empty() { None } else { Some(verdict("basis_answer", answer)?) },
        differences,
    })
}

fn verdict(field: &'static str, text: &str) -> Result<Verdict, DecodeError> {
    Verdict::from_word(text).ok_or(DecodeError::Unknown { field })
}

fn finding_of(field: &'static str, text: &str) -> Result<Found, DecodeError> {
    Found::from_word(text).ok_or(DecodeError::Unknown { field })
}

fn day(field: &'static str, text: &str) -> Result<Date, DecodeError> {
    let day: Date = text.parse().map_err(|_| DecodeError::Unknown { field })?;
    // One day has one spelling: what is decoded must encode to the same bytes.
    if day.to_string() == text { Ok(day) } else { Err(DecodeError::Unknown { field }) }
}
