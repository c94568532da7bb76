//! How rows of the registry, and what they change, are shown: by the keepers' verbs, by an import and by a reload.

use std::io::{self, Write};

use serde_json::Value;

use crate::daemon::basis::Affected;
use crate::law::row::Row;
use crate::law::row_text::RowText;

/// A row as its file writes it.
pub fn row_json(row: &Row) -> Value {
    serde_json::to_value(RowText::from(row.clone())).unwrap_or_default()
}

/// One row, one line: what, whose, since when, by whom it is said; then what belongs to that fact alone.
///
/// # Errors
/// When the output is gone.
pub fn print_row(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    const SHOWN: [&str; 9] = ["row", "fact", "instrument", "state", "counterpart", "from", "to", "recorded", "source"];
    let all = row_json(row);
    let fact = all.get("fact").and_then(Value::as_str).unwrap_or_default().to_owned();
    let who = row.state.as_ref().map_or("-", |state| state.as_str());
    let with = row.counterpart.as_ref().map_or_else(String::new, |other| format!(" with {other}"));
    let until = row.to.map_or_else(String::new, |to| format!(" to {to}"));
    let rest: Vec<String> = all
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(field, _)| !SHOWN.contains(&field.as_str()))
        .map(|(field, value)| format!("{field} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join("; ")) };
    writeln!(
        out,
        "row {:<5} {:<14} {fact} {who}{with} from {}{until}{rest} [{}: {}]",
        row.number,
        row.instrument.as_str(),
        row.from,
        row.source.kind_name(),
        row.source.note
    )
}

/// The open requests of a node whose legal basis is answered otherwise now.
///
/// # Errors
/// When the output is gone.
pub fn print_affected(affected: &[Affected], out: &mut dyn Write) -> io::Result<()> {
    if affected.is_empty() {
        return writeln!(out, "No open request of this node has another answer by it.");
    }
    writeln!(out, "Open requests of this node that have another answer by it:")?;
    for one in affected {
        let word = |answer: Option<crate::model::basis::Verdict>| answer.map_or("nothing", |answer| answer.word());
        writeln!(
            out,
            "  {} with {}: {} before, {} now",
            one.request_id,
            one.counterpart,
            word(one.before),
            word(one.now)
        )?;
        one.differences.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    Ok(())
}
