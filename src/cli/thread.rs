//! Prints requests: the list of all, one with its whole thread, and what is owed. Each line that comes from a rule names
//! its article.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::client::Where;
use crate::cli::{offline, request_basis, show};
use crate::daemon::views;
use crate::model::ident::Id;

/// What must be answered, returned, destroyed, reported; by whom and until when
#[derive(Debug, clap::Args)]
pub struct DutiesArgs {
    /// Only what this authority owes
    #[arg(long)]
    ours: bool,
    #[command(flatten)]
    place: Where,
}

/// All requests, both ways: the overdue first, then by their next date.
///
/// # Errors
/// When the node or its data cannot be read.
pub fn list(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, "/v1/requests", views::requests)?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = show::list(&found, "requests");
    if rows.is_empty() {
        writeln!(out, "No requests.")?;
    }
    for row in rows {
        let way = if show::text(row, "direction") == "outgoing" { "to  " } else { "from" };
        let urgent = if show::text(row, "urgency") == "urgent" { " URGENT" } else { "" };
        let (id, peer, state) =
            (show::text(row, "request_id"), show::text(row, "counterpart"), show::text(row, "state"));
        writeln!(out, "{id}  {way} {peer:<12} {state:<13} {}{urgent}", show::text(row, "subject"))?;
        if let Some(next) = row.get("next").filter(|next| next.is_object()) {
            writeln!(out, "    {}", duty(next))?;
        }
    }
    show::more(&found, out)?;
    Ok(ExitCode::SUCCESS)
}

/// What is owed, the overdue first. Ends with 1 if this authority is late with anything.
///
/// # Errors
/// As [`list`].
pub fn duties(args: &DutiesArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut found = offline::read(&args.place, "/v1/duties", views::duties)?;
    if let (true, Some(Value::Array(duties))) = (args.ours, found.get_mut("duties")) {
        duties.retain(|duty| show::text(duty, "owner") == "us");
    }
    let rows = show::list(&found, "duties");
    let late = rows.iter().any(|row| is_late(row) && show::text(row, "owner") == "us");
    let code = if late { ExitCode::from(1) } else { ExitCode::SUCCESS };
    if args.place.json {
        show::document(&found, out)?;
        return Ok(code);
    }
    if rows.is_empty() {
        writeln!(out, "Nothing is owed.")?;
    }
    for row in rows {
        writeln!(out, "{}", duty(row))?;
        let (id, peer) = (show::text(row, "request_id"), show::text(row, "counterpart"));
        let way = if show::text(row, "direction") == "outgoing" { "to" } else { "from" };
        writeln!(out, "    {id}  {way} {peer}  {}", show::text(row, "subject"))?;
        if let Some(Value::String(package)) = row.get("package_id") {
            writeln!(out, "    package  {package}")?;
        }
    }
    show::more(&found, out)?;
    Ok(code)
}

/// One request with its whole thread.
///
/// # Errors
/// As [`list`].
pub fn show_one(id: Id, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let thread = offline::read(place, &format!("/v1/requests/{id}"), |node| views::request(node, id))?;
    if place.json {
        show::document(&thread, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let request = thread.get("request").unwrap_or(&Value::Null);
    let way = if show::text(request, "direction") == "outgoing" { "to" } else { "from" };
    writeln!(out, "{}", show::text(request, "subject"))?;
    writeln!(out, "request  {id}  {way} {}", show::text(request, "counterpart"))?;
    writeln!(out, "state    {}", show::text(request, "state"))?;
    request_basis::print_beside(&thread, out)?;
    life(thread.get("life").unwrap_or(&Value::Null), out)?;
    for message in show::list(&thread, "messages") {
        print_message(message, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn life(life: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    for (number, measure) in show::list(life, "measures").iter().enumerate() {
        writeln!(out, "measure  {}: {}", number + 1, measure.as_str().unwrap_or_default())?;
    }
    for parcel in show::list(life, "packages") {
        writeln!(out, "package  {}", show::text(parcel, "package_id"))?;
        if let Some(Value::Object(items)) = parcel.get("items") {
            for (number, state) in items {
                writeln!(out, "  item {number}: {}", state.as_str().unwrap_or_default())?;
            }
        }
    }
    for owed in show::list(life, "duties") {
        writeln!(out, "owed     {}", duty(owed))?;
    }
    if let Some(Value::String(until)) = life.get("retain_until") {
        writeln!(out, "kept     until {until}")?;
    }
    for crossed in show::list(life, "crossed") {
        let (id, why) = (show::text(crossed, "message_id"), show::text(crossed, "why"));
        writeln!(out, "crossed  {id} changed nothing: {why}")?;
    }
    Ok(())
}

fn is_late(duty: &Value) -> bool {
    duty.get("overdue") == Some(&Value::Bool(true))
}

/// One duty in one line.
fn duty(duty: &Value) -> String {
    let late = if is_late(duty) { "OVERDUE " } else { "" };
    let owner = if show::text(duty, "owner") == "us" { "we" } else { "they" };
    let (due, says, article) = (show::text(duty, "due"), show::text(duty, "says"), show::text(duty, "article"));
    format!("{late}{due}  {owner}: {says} ({article})")
}

fn print_message(message: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "\n{}  {}", show::text(message, "kind"), show::text(message, "state"))?;
    if let Some(step) = message.get("step").filter(|step| step.is_object()) {
        let (says, article, mark) = (show::text(step, "says"), show::text(step, "article"), show::text(step, "mark"));
        writeln!(out, "  {says} ({article}; {mark})")?;
    }
    writeln!(out, "  message  {}", show::text(message, "message_id"))?;
    writeln!(out, "  written  {} by {}", show::text(message, "written_at"), show::text(message, "written_by"))?;
    for (label, field) in [("parent", "parent"), ("formal request by", "confirm_by")] {
        if let Some(Value::String(value)) = message.get(field) {
            writeln!(out, "  {label}  {value}")?;
        }
    }
    if let Some(Value::String(package)) = message.get("package_id") {
        writeln!(out, "  package  {package}, {} files", show::list(message, "items").len())?;
    }
    for condition in show::list(message, "conditions") {
        let (code, text) = (show::text(condition, "code"), show::text(condition, "text"));
        writeln!(out, "  {}  {code}: {text}", show::text(condition, "id"))?;
    }
    if let Some(Value::Object(body)) = message.get("body") {
        for (field, value) in body.iter().filter(|(field, _)| *field != "kind") {
            print_field(field, value, out)?;
        }
    }
    Ok(())
}

fn print_field(field: &str, value: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    match value {
        Value::String(text) if !text.is_empty() => writeln!(out, "  {field}: {text}")?,
        Value::Number(number) => writeln!(out, "  {field}: {number}")?,
        Value::Array(entries) => {
            for entry in entries {
                match entry {
                    Value::Object(point) if point.contains_key("number") => {
                        writeln!(out, "  {field}: {}. {}", show::number(entry, "number"), show::text(entry, "text"))?;
                    }
                    Value::Object(_) => {
                        let (kind, description) = (show::text(entry, "kind"), show::text(entry, "description"));
                        writeln!(out, "  {field}: {kind}: {description}")?;
                    }
                    Value::Number(number) => writeln!(out, "  {field}: {number}")?,
                    other => writeln!(out, "  {field}: {}", other.as_str().unwrap_or_default())?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}
