//! Prints what the node answers, for people: lists, threads, time-lines. One line a fact.

use std::io::{self, Write};

use serde_json::Value;

/// For whom an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A text field of a JSON object; a dash if it is not there.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    match value.get(field) {
        Some(Value::String(text)) if !text.is_empty() => text,
        _ => "-",
    }
}

/// The entries of a list field.
pub fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A number field; 0 if it is not there.
pub fn number(value: &Value, field: &str) -> u64 {
    value.get(field).and_then(Value::as_u64).unwrap_or(0)
}

/// A number with its noun: `1 entry`, `2 entries`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Says that a list is not whole.
///
/// # Errors
/// When the output is gone.
pub fn more(list: &Value, out: &mut dyn Write) -> io::Result<()> {
    if list.get("more") == Some(&Value::Bool(true)) {
        writeln!(out, "There are older ones, which this list leaves out: it shows the newest.")?;
    }
    Ok(())
}

/// Prints a JSON document.
///
/// # Errors
/// When the output is gone.
pub fn document(value: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints one line of a custody time-line.
///
/// # Errors
/// When the output is gone.
pub fn entry(entry: &Value, out: &mut dyn Write) -> io::Result<()> {
    if entry.get("erased").is_some() {
        return writeln!(out, "{:>6}  (erased; its place in the log and its proof remain)", number(entry, "index"));
    }
    let actor = match entry.get("actor") {
        Some(Value::Object(officer)) => {
            let field = |name: &str| officer.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("{} ({})", field("name"), field("role"))
        }
        _ => "node".to_owned(),
    };
    let about = match entry.get("message_kind") {
        Some(Value::String(kind)) => format!("{kind}: "),
        _ => String::new(),
    };
    let peer = match entry.get("counterpart") {
        Some(Value::String(peer)) => format!(" [{peer}]"),
        _ => String::new(),
    };
    let outcome = match text(entry, "outcome") {
        "success" | "-" => String::new(),
        other => format!(" — {other}"),
    };
    let reason = match text(entry, "reason") {
        "-" => String::new(),
        reason => format!(" ({reason})"),
    };
    writeln!(
        out,
        "{:>6}  {}  {about}{}{peer}, by {actor}{outcome}{reason}",
        number(entry, "index"),
        text(entry, "at"),
        text(entry, "told"),
    )
}

/// Prints what became of a message after an act.
///
/// # Errors
/// When the output is gone.
pub fn message_row(row: &Value, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "request  {}", text(row, "request_id"))?;
    writeln!(out, "message  {}", text(row, "message_id"))?;
    if let Some(Value::String(package)) = row.get("package_id") {
        writeln!(out, "package  {package}")?;
    }
    writeln!(out, "kind     {} to {}", text(row, "kind"), text(row, "counterpart"))?;
    writeln!(out, "state    {}", state(row))?;
    writeln!(out, "SHA-256  {}", text(row, "digest"))
}

/// The state of a message row, in words.
pub fn state(row: &Value) -> String {
    match row.get("state") {
        Some(Value::String(word)) => word.clone(),
        Some(Value::Object(refused)) => refused
            .iter()
            .next()
            .map(|(word, why)| format!("{word}: {}", why.as_str().unwrap_or_default()))
            .unwrap_or_default(),
        _ => "-".to_owned(),
    }
}

/// A size for people.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut whole = count;
    let mut rest = 0;
    let mut unit = 0;
    while whole >= 1_024 && unit + 1 < UNITS.len() {
        rest = whole % 1_024;
        whole /= 1_024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 { format!("{whole} {name}") } else { format!("{whole}.{} {name}", rest * 10 / 1_024) }
}

/// A field; null where there is none.
pub fn part<'v>(value: &'v Value, field: &str) -> &'v Value {
    value.get(field).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_largest_unit_that_fits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(5 << 40), "5.0 TiB");
    }
}
