//! What `rogatory law` prints, for people and as JSON. Shows every reason with its articles and rows; judges nothing.

use std::io::{self, Write};

use serde_json::json;

use crate::cli::show::Form;
use crate::law::instrument::{Instrument, InstrumentId, Kind};
use crate::law::library::Library;
use crate::law::mark::{Mark, Trust};
use crate::law::opinion::{Answer, Basis, Effect, Opinion, Reason, RunsBy, Strength, TermAnswer};
use crate::law::registry::Registry;
use crate::model::ident::Digest;

/// Prints the answer, and what it was computed from.
pub fn print_opinion(
    opinion: &Opinion,
    (registry, digest): (&Registry, Digest),
    form: Form,
    out: &mut dyn Write,
) -> io::Result<()> {
    if form == Form::Json {
        let from = json!({ "about": registry.about(), "rows": registry.rows().len(), "sha256": digest.to_string() });
        let document = json!({ "schema": "rogatory.opinion.v1", "opinion": opinion, "registry": from });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        return writeln!(out);
    }
    let crimes: Vec<&str> = opinion.crimes.iter().map(|crime| crime.as_str()).collect();
    writeln!(out, "{} asks {}: {}; request of {}", opinion.from, opinion.to, crimes.join(", "), opinion.date)?;
    for answered in &opinion.measures {
        writeln!(out, "\n{}: {}", answered.measure, answered.answer.word())?;
        let mut bases: Vec<&Basis> = opinion.bases.iter().filter(|one| one.measure == answered.measure).collect();
        bases.sort_by_key(|basis| std::cmp::Reverse((basis.answer, basis.strength)));
        for basis in bases {
            print_basis(basis, out)?;
        }
    }
    writeln!(out)?;
    for line in &opinion.next {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nRegistry: {}\n{} rows, SHA-256 {digest}", registry.about(), registry.rows().len())
}

fn print_basis(basis: &Basis, out: &mut dyn Write) -> io::Result<()> {
    if basis.answer == Answer::No {
        let why = basis.reasons.iter().filter(|reason| reason.effect == Effect::Excludes);
        // Where no row speaks, the article would say nothing more; `--json` has it.
        let told = |reason: &Reason| if reason.rows.is_empty() { String::new() } else { grounds(reason) };
        let why: Vec<String> = why.map(|reason| format!("{}{}", reason.text, told(reason))).collect();
        return writeln!(out, "  NO           {}: {}", basis.short, why.join("; "));
    }
    writeln!(
        out,
        "  {:<12} {} (text of {}): {}; {}",
        basis.answer.word(),
        basis.short,
        basis.version,
        strength(basis.strength),
        procedure(&basis.procedure)
    )?;
    for reason in &basis.reasons {
        writeln!(out, "    {} {}{}", sign(reason.effect), reason.text, grounds(reason))?;
    }
    for term in &basis.terms {
        print_term(term, out)?;
    }
    if let Some(route) = &basis.route {
        writeln!(out, "    how it travels: {}", route.ways.join("; "))?;
        for reason in &route.reasons {
            writeln!(out, "      {} {}{}", sign(reason.effect), reason.text, grounds(reason))?;
        }
    }
    Ok(())
}

fn print_term(term: &TermAnswer, out: &mut dyn Write) -> io::Result<()> {
    let article = format!("{} {}", term.article.short, term.article.article);
    let name = serde_json::to_value(term.term).unwrap_or_default();
    let name = name.as_str().unwrap_or_default();
    match &term.value {
        Some(value) => writeln!(out, "    {name}: {value}; {} [{article}; {}]", term.says, term.article.mark),
        None => writeln!(out, "    {name}: ASK A HUMAN; recalled and not read: {} [{article}]", term.says),
    }
}

const fn sign(effect: Effect) -> char {
    match effect {
        Effect::Supports => '+',
        Effect::Limits => '~',
        Effect::Excludes => '-',
        Effect::Asks => '?',
        Effect::Notes => ' ',
    }
}

/// The articles with their marks and the rows with their sources, in brackets.
fn grounds(reason: &Reason) -> String {
    let articles = reason.articles.iter().map(|one| format!("{} {}, {}", one.short, one.article, one.mark));
    let rows = reason.rows.iter().map(|row| format!("row {}, {}: {}", row.row, row.source, row.note));
    let all: Vec<String> = articles.chain(rows).collect();
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join("; ")) }
}

const fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::None => "no tie",
        Strength::AdHocPossible => "possible by an agreement for this request",
        Strength::DutyOnly => "a duty to cooperate",
        Strength::AdHoc => "by agreement",
        Strength::MayRefuse => "the requested side may refuse",
        Strength::BindingProvisional => "binding by provisional application",
        Strength::Binding => "binding",
    }
}

fn procedure(runs_by: &RunsBy) -> String {
    match runs_by {
        RunsBy::Own => "by its own procedure".to_owned(),
        RunsBy::Other(others) => {
            let names: Vec<&str> = others.iter().map(InstrumentId::as_str).collect();
            format!("by the procedure of {}", names.join(", "))
        }
        RunsBy::Agreement => "by its own procedure, as agreed".to_owned(),
        RunsBy::Unsettled => "whose procedure, a person must say".to_owned(),
        RunsBy::Nothing => "no procedure".to_owned(),
    }
}

/// Prints the instruments, or every article of one.
pub fn print_instruments(
    library: &Library,
    only: Option<&InstrumentId>,
    form: Form,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let wanted: Vec<&Instrument> =
        library.instruments().iter().filter(|one| only.is_none_or(|only| one.id == *only)).collect();
    if let (Some(id), true) = (only, wanted.is_empty()) {
        anyhow::bail!("`{id}` is no instrument; `rogatory law instruments` lists them");
    }
    if form == Form::Json {
        serde_json::to_writer_pretty(
            &mut *out,
            &json!({ "schema": "rogatory.instruments.v1", "instruments": wanted }),
        )?;
        writeln!(out)?;
        return Ok(());
    }
    for instrument in wanted {
        let marks = marks(instrument);
        let recalled = marks.iter().filter(|(_, mark)| mark.standing() == Trust::NeedsConfirmation).count();
        let kind = match instrument.kind {
            Kind::Treaty => "treaty",
            Kind::Bilateral => "bilateral treaty",
            Kind::Draft => "draft: never a basis",
            Kind::General => "general law",
        };
        writeln!(out, "{:<16} {} (text of {}; {kind})", instrument.id.as_str(), instrument.name, instrument.version)?;
        let told = match recalled {
            0 => "all read".to_owned(),
            recalled => format!("{recalled} of them only recalled: they decide nothing"),
        };
        writeln!(out, "{:<16} {} provisions, {told}", "", marks.len())?;
        writeln!(out, "{:<16} source: {}", "", instrument.source)?;
        if only.is_some() {
            for (text, mark) in marks {
                writeln!(out, "  {text} [{mark}]")?;
            }
        }
    }
    Ok(())
}

/// Every provision with what it says and its mark.
fn marks(instrument: &Instrument) -> Vec<(String, &Mark)> {
    let rules = instrument.rules.iter().map(|one| (format!("{}: {}", one.article, one.says), &one.mark));
    let crimes = instrument.crimes.iter().map(|one| (format!("{}: {}", one.article, one.says), &one.mark));
    let annexes = instrument.annexes.iter().map(|one| {
        (
            format!("{}: annex `{}` (letter {}, {}): {}", one.article, one.key, one.letter, one.letter_mark, one.says),
            &one.mark,
        )
    });
    let help =
        instrument.measures.iter().map(|one| (format!("{}: {} ({})", one.article, one.says, one.measure), &one.mark));
    let excluded = instrument.excluded.iter().map(|one| (format!("{}: {}", one.article, one.says), &one.mark));
    let terms = instrument.terms.iter().map(|one| (format!("{}: {}", one.article, one.says), &one.mark));
    rules.chain(crimes).chain(annexes).chain(help).chain(excluded).chain(terms).collect()
}
