//! How two look-ups of one legal basis differ, in words that both sides can read: "agreed", or "differs because". A
//! difference is a matter to clarify; it is never an error and refuses nothing.

use crate::exchange::basis::{Answered, LawBook, verdict};
use crate::law::opinion::{Answer, Effect};
use crate::model::basis::{Agreement, BasisComparison, BasisFinding, BasisLookup, Verdict};
use crate::model::limits::{BASIS_DIFFERENCES_MAX, LINE_BYTES_MAX};

/// How the two are called in the words of a difference.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Who looked up first.
    pub theirs: &'a str,
    /// Who looked up now.
    pub ours: &'a str,
}

/// Compares an earlier look-up with one of now.
pub fn compare(law: &LawBook, theirs: &BasisLookup, ours: &Answered, names: Names<'_>) -> BasisComparison {
    let mut differences = Vec::new();
    for measure in &ours.lookup.measures {
        let before = theirs.measures.iter().find(|one| one.measure == measure.measure);
        let before = before.map_or(Verdict::No, |one| one.answer);
        if before != measure.answer {
            let (what, now) = (&measure.measure, measure.answer.word());
            differences.push(format!("{what}: {} {}, {} {now}", names.theirs, before.word(), names.ours));
        }
    }
    for basis in &ours.opinion.bases {
        let (measure, instrument) = (basis.measure.as_str(), basis.instrument.as_str());
        let before = finding(theirs, measure, instrument);
        let now = finding(&ours.lookup, measure, instrument);
        if told(before) == told(now) {
            continue;
        }
        let why = because(ours, measure, instrument);
        let (there, here) = (told(before), told(now));
        let short = &basis.short;
        differences.push(format!("{short} for {measure}: {} {there}, {} {here}{why}", names.theirs, names.ours));
    }
    // What the other one counts as a basis and nobody here has described.
    for before in &theirs.findings {
        if !ours.opinion.bases.iter().any(|one| one.instrument.as_str() == before.instrument) {
            let (instrument, measure, there) = (&before.instrument, &before.measure, told(Some(before)));
            let (who, us) = (names.theirs, names.ours);
            differences.push(format!("{instrument} for {measure}: {who} {there}, {us} has no data of that instrument"));
        }
    }
    if !differences.is_empty() && theirs.instruments != law.instruments_digest() {
        differences.push("the two looked it up on different data of the instruments".to_owned());
    }
    if !differences.is_empty() && theirs.registry != law.registry_digest() {
        differences.push("the two looked it up on different registries".to_owned());
    }
    BasisComparison {
        agreement: if differences.is_empty() { Agreement::Agreed } else { Agreement::Differs },
        registry: Some(law.registry_digest()),
        instruments: Some(law.instruments_digest()),
        answer: Some(verdict(ours.opinion.answer)),
        differences: bounded(differences),
    }
}

/// What is told where nothing could be compared.
pub fn not_compared(why: &str) -> BasisComparison {
    BasisComparison {
        agreement: Agreement::NotCompared,
        registry: None,
        instruments: None,
        answer: None,
        differences: bounded(vec![why.to_owned()]),
    }
}

fn finding<'a>(lookup: &'a BasisLookup, measure: &str, instrument: &str) -> Option<&'a BasisFinding> {
    lookup.findings.iter().find(|one| one.measure == measure && one.instrument == instrument)
}

fn told(finding: Option<&BasisFinding>) -> String {
    finding.map_or_else(|| "NO".to_owned(), |one| format!("{} ({})", one.answer.word(), one.strength))
}

/// The reasons that made our answer, the sources of the rows left out: they are for our officers.
fn because(ours: &Answered, measure: &str, instrument: &str) -> String {
    let basis =
        ours.opinion.bases.iter().find(|one| one.measure.as_str() == measure && one.instrument.as_str() == instrument);
    let Some(basis) = basis else { return String::new() };
    let decides = match basis.answer {
        Answer::No => Effect::Excludes,
        Answer::AskAHuman => Effect::Asks,
        Answer::Yes => Effect::Limits,
    };
    let reasons: Vec<&str> = basis
        .reasons
        .iter()
        .filter(|reason| reason.effect == decides)
        .map(|reason| reason.text.as_str())
        .take(2)
        .collect();
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

/// Within what a message holds; what is left out is counted.
fn bounded(mut lines: Vec<String>) -> Vec<String> {
    let total = lines.len();
    if total > BASIS_DIFFERENCES_MAX {
        lines.truncate(BASIS_DIFFERENCES_MAX - 1);
        lines.push(format!("and {} more", total - lines.len()));
    }
    lines.into_iter().map(one_line).collect()
}

fn one_line(text: String) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if line.len() + c.len_utf8() > LINE_BYTES_MAX {
            break;
        }
        line.push(c);
    }
    line
}
