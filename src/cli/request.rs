//! `rogatory request`: write a request for assistance, check it, approve it, send it, follow it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::request_basis;
use crate::cli::request_check::{CheckPlace, check};
use crate::cli::request_new::{self, NewArgs};
use crate::cli::request_print::{self, Elsewhere, PrintArgs};
use crate::cli::show::Form;
use crate::cli::{offline, show};
use crate::daemon::views;
use crate::model::ident::Id;

/// Requests for assistance.
#[derive(Debug, clap::Args)]
pub struct RequestArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write a request from a TOML or JSON file, or from flags; it becomes a draft
    New(Box<NewArgs>),
    /// What is missing in a draft, or in a file before it is one
    Check {
        /// The request, or a file
        what: String,
        #[command(flatten)]
        place: CheckPlace,
    },
    /// Approve a draft as the second person: exactly its bytes, nothing else, can then be sent
    Approve(OneArgs),
    /// Sign, seal and queue; where the addressee takes requests another way, write a signed bundle for that way instead
    Send {
        #[command(flatten)]
        one: OneArgs,
        /// The folder for such a bundle; `filing-ID` here unless given
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Write the signed bundle of a request that travels another way
    Bundle {
        #[command(flatten)]
        one: OneArgs,
        /// The folder to make; `filing-ID` here unless given
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Print a request as PDF or HTML, in English, French, Spanish or Slovene
    Print(PrintArgs),
    /// Throw a draft away
    Discard(OneArgs),
    /// All requests, both ways
    List {
        #[command(flatten)]
        place: Where,
    },
    /// One request with its whole thread
    Show(OneArgs),
    /// Tell the requested authority that help is no longer needed
    Withdraw {
        /// The request
        id: Id,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: Where,
    },
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The request (or one message of it)
    id: Id,
    #[command(flatten)]
    place: Where,
}

/// Runs the verb.
///
/// # Errors
/// What the node says, or what is wrong with a file.
pub fn run(args: &RequestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::New(args) => request_new::run(args, out),
        Verb::Check { what, place } => check(what, place, out),
        Verb::Approve(one) => act(one, "approve", out),
        Verb::Send { one, to } => send(one, to.as_deref(), out),
        Verb::Bundle { one, to } => {
            request_print::bundle(one.id, to.as_deref(), &one.place, out)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Print(args) => request_print::print(args, out),
        Verb::Discard(one) => act(one, "discard", out),
        Verb::List { place } => requests(place, out),
        Verb::Show(one) => show_one(one, out),
        Verb::Withdraw { id, reason, place } => {
            let body = json!({ "kind": "withdraw", "reason": reason });
            let row: Value = Client::new(place)?.post(&format!("/v1/requests/{id}/replies"), &body)?;
            print_row(&row, place.form(), out)
        }
    }
}

fn act(one: &OneArgs, act: &str, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let row: Value = Client::new(&one.place)?.post(&format!("/v1/messages/{}/{act}", one.id), &Value::Null)?;
    print_row(&row, one.place.form(), out)
}

/// Sends, and says plainly where nothing was sent because the addressee takes requests another way.
fn send(one: &OneArgs, to: Option<&Path>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let row: Value = Client::new(&one.place)?.post(&format!("/v1/messages/{}/send", one.id), &Value::Null)?;
    let code = print_row(&row, one.place.form(), out)?;
    if request_print::goes_another_way(&row) == Elsewhere::Yes {
        request_print::bundle(one.id, to, &one.place, out)?;
    }
    Ok(code)
}

/// Prints the row of a message after an act.
///
/// # Errors
/// When the output is gone.
pub fn print_row(row: &Value, form: Form, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match form {
        Form::Json => show::document(row, out)?,
        Form::Text => show::message_row(row, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn requests(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
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
    }
    show::more(&found, out)?;
    Ok(ExitCode::SUCCESS)
}

fn show_one(one: &OneArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let id = one.id;
    let thread = offline::read(&one.place, &format!("/v1/requests/{id}"), |node| views::request(node, id))?;
    if one.place.json {
        show::document(&thread, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let request = thread.get("request").unwrap_or(&Value::Null);
    let way = if show::text(request, "direction") == "outgoing" { "to" } else { "from" };
    writeln!(out, "{}", show::text(request, "subject"))?;
    writeln!(out, "request  {id}  {way} {}", show::text(request, "counterpart"))?;
    writeln!(out, "state    {}", show::text(request, "state"))?;
    request_basis::print_beside(&thread, out)?;
    for message in show::list(&thread, "messages") {
        writeln!(out, "\n{}  {}", show::text(message, "kind"), show::text(message, "state"))?;
        writeln!(out, "  message  {}", show::text(message, "message_id"))?;
        writeln!(out, "  written  {} by {}", show::text(message, "written_at"), show::text(message, "written_by"))?;
        if let Some(Value::String(package)) = message.get("package_id") {
            writeln!(out, "  package  {package}, {} files", show::list(message, "items").len())?;
        }
        for condition in show::list(message, "conditions") {
            let (code, text) = (show::text(condition, "code"), show::text(condition, "text"));
            writeln!(out, "  {}  {code}: {text}", show::text(condition, "id"))?;
        }
        if let Some(Value::Object(body)) = message.get("body") {
            for (field, value) in body {
                print_field(field, value, out)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_field(field: &str, value: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    match value {
        Value::String(text) if !text.is_empty() => writeln!(out, "  {field}: {text}")?,
        Value::Array(entries) => {
            for entry in entries {
                match entry {
                    Value::Object(_) => {
                        writeln!(
                            out,
                            "  {field}: {}: {}",
                            show::text(entry, "kind"),
                            show::text(entry, "description")
                        )?;
                    }
                    other => writeln!(out, "  {field}: {}", other.as_str().unwrap_or_default())?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}
