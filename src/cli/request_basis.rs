//! The legal basis of a request on the command line: what an officer adds so that it can be looked up, and what the
//! look-up said, on one screen. Judges nothing.

use std::io::Write;

use clap::ValueEnum;
use serde_json::Value;

use crate::cli::show;
use crate::daemon::basis_view::NewBasis;
use crate::law::words::Crime;
use crate::model::basis::Found;
use crate::model::date::Date;

/// What only the officer knows.
#[derive(Debug, clap::Args)]
pub struct BasisArgs {
    /// What the conduct is called, e.g. genocide; once for each name that fits the one conduct
    #[arg(long = "crime", value_name = "CRIME")]
    crimes: Vec<Crime>,
    /// The earliest day of the conduct
    #[arg(long, value_name = "DAY")]
    conduct_date: Option<Date>,
    /// An instrument whose test of the offence, or of the help, a person found to be met; may be repeated
    #[arg(long, value_name = "INSTRUMENT")]
    test_met: Vec<String>,
    /// Whether a person found it to be the same crime under the requesting State's law
    #[arg(long, value_enum, default_value_t = Finding::Open)]
    in_requesting_law: Finding,
    /// Whether a person found it to be extraditable under the requested State's law
    #[arg(long, value_enum, default_value_t = Finding::Open)]
    in_requested_law: Finding,
    /// Why the request goes on although the look-up does not say YES
    #[arg(long, value_name = "TEXT", default_value = "")]
    basis_reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Finding {
    Yes,
    No,
    Open,
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Yes => Self::Yes,
            Finding::No => Self::No,
            Finding::Open => Self::Open,
        }
    }
}

impl BasisArgs {
    /// As a request file has it.
    pub fn basis(&self) -> NewBasis {
        NewBasis {
            crimes: self.crimes.iter().map(|crime| crime.as_str().to_owned()).collect(),
            conduct: self.conduct_date,
            tests_met: self.test_met.clone(),
            international: Found::Open,
            requesting_law: self.in_requesting_law.into(),
            requested_law: self.in_requested_law.into(),
            reason: self.basis_reason.clone(),
        }
    }
}

/// What the look-up says: each kind of help, each instrument that may carry it, and what is open.
///
/// # Errors
/// When the output is gone.
pub fn print_look_up(view: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "\nLegal basis")?;
    if let Some(why) = view.get("why_not").and_then(Value::as_str) {
        writeln!(out, "  not looked up: {why}")?;
        return Ok(());
    }
    let opinion = view.get("opinion").unwrap_or(&Value::Null);
    for measure in show::list(opinion, "measures") {
        writeln!(out, "  {}: {}", show::text(measure, "measure"), show::text(measure, "answer"))?;
        let of_measure = show::list(opinion, "bases").iter().filter(|one| one.get("measure") == measure.get("measure"));
        for basis in of_measure.filter(|one| show::text(one, "answer") != "NO") {
            print_basis(basis, out)?;
        }
    }
    for line in opinion.get("next").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "  {}", line.as_str().unwrap_or_default())?;
    }
    print_gaps(view, out)?;
    if let Some(registry) = view.get("registry").filter(|registry| registry.is_object()) {
        let rows = registry.get("rows").and_then(Value::as_u64).unwrap_or_default();
        writeln!(out, "  registry of {rows} rows, SHA-256 {}", show::text(registry, "sha256"))?;
    }
    Ok(())
}

fn print_basis(basis: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let (answer, short, strength) =
        (show::text(basis, "answer"), show::text(basis, "short"), show::text(basis, "strength"));
    writeln!(out, "    {answer:<12} {short} ({strength})")?;
    for reason in show::list(basis, "reasons") {
        let sign = match show::text(reason, "effect") {
            "supports" => '+',
            "limits" => '~',
            "excludes" => '-',
            "asks" => '?',
            _ => ' ',
        };
        writeln!(out, "      {sign} {}{}", show::text(reason, "text"), grounds(reason))?;
    }
    if let Some(route) = basis.get("route").filter(|route| route.is_object()) {
        let ways: Vec<&str> =
            route.get("ways").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        writeln!(out, "      how it travels: {}", ways.join("; "))?;
    }
    Ok(())
}

/// The articles with their trust marks, and the rows with their sources.
fn grounds(reason: &Value) -> String {
    let articles = show::list(reason, "articles")
        .iter()
        .map(|one| format!("{} {}, {}", show::text(one, "short"), show::text(one, "article"), show::text(one, "mark")));
    let rows = show::list(reason, "rows").iter().map(|row| {
        let number = row.get("row").and_then(Value::as_u64).unwrap_or_default();
        format!("row {number}, {}", show::text(row, "source"))
    });
    let all: Vec<String> = articles.chain(rows).collect();
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join("; ")) }
}

fn print_gaps(view: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    for gap in show::list(view, "gaps") {
        writeln!(out, "  gap: {}: {}", show::text(gap, "answer"), show::text(gap, "text"))?;
    }
    Ok(())
}

/// What stands beside a thread: sent with the request, found here, told by the other side.
///
/// # Errors
/// As [`print_look_up`].
pub fn print_beside(thread: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some(basis) = thread.get("basis").filter(|basis| basis.is_object()) else { return Ok(()) };
    match basis.get("sent").filter(|sent| sent.is_object()) {
        None => writeln!(out, "basis    no look-up was sent")?,
        Some(sent) => {
            let chosen: Vec<&str> =
                sent.get("chosen").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            let chosen = if chosen.is_empty() { "none".to_owned() } else { chosen.join(", ") };
            writeln!(
                out,
                "basis    {}; chosen: {chosen}; for {}",
                show::text(sent, "answer"),
                show::text(sent, "day")
            )?;
            if let Some(reason) = sent.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty()) {
                writeln!(out, "         goes on because: {reason}")?;
            }
            writeln!(out, "         registry {}", show::text(sent, "registry"))?;
        }
    }
    let here = basis.get("here").and_then(|here| here.get("comparison")).unwrap_or(&Value::Null);
    print_comparison("here", here, out)?;
    print_comparison("there", basis.get("acknowledged").unwrap_or(&Value::Null), out)?;
    print_gaps(basis, out)
}

fn print_comparison(whose: &str, told: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    if !told.is_object() {
        return Ok(());
    }
    let answer = told.get("answer").and_then(Value::as_str).unwrap_or("no answer");
    writeln!(out, "         looked up {whose}: {}, {answer}", show::text(told, "agreement"))?;
    for line in told.get("differences").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "           {}", line.as_str().unwrap_or_default())?;
    }
    Ok(())
}
