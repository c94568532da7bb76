//! `rogatory request`: write a request for assistance, check it, approve it, send it, follow it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::package;
use crate::cli::request_basis::{self, BasisArgs};
use crate::cli::request_check::{CheckPlace, check};
use crate::cli::show::Form;
use crate::cli::{offline, show};
use crate::daemon::api_routes::NewRequest;
use crate::daemon::packing::Purpose;
use crate::daemon::views;
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::Urgency;
use crate::model::request::{Measure, RequestBody};

const TEMPLATE: &str = include_str!("request_template.toml");

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
    /// Sign, seal and queue
    Send(OneArgs),
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

#[derive(Debug, clap::Args)]
struct NewArgs {
    /// The request as a TOML or JSON file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "reference", "subject",
        "proceeding_authority", "functions", "nature", "facts", "law", "penalty", "purpose", "measures", "legal_bases",
        "urgent", "BasisArgs"])]
    from: Option<PathBuf>,
    /// Print a commented template and end
    #[arg(long)]
    template: bool,
    /// A file to attach; may be repeated
    #[arg(long = "attach", value_name = "FILE")]
    attachments: Vec<PathBuf>,
    /// The requested authority
    #[arg(long)]
    to: Option<AuthorityId>,
    /// Our reference
    #[arg(long, default_value = "")]
    reference: String,
    /// One line: what it is about
    #[arg(long, default_value = "")]
    subject: String,
    /// Who conducts the investigation or proceedings
    #[arg(long, default_value = "")]
    proceeding_authority: String,
    /// Its functions
    #[arg(long, default_value = "")]
    functions: String,
    /// The nature of the proceedings
    #[arg(long, default_value = "")]
    nature: String,
    /// A summary of the facts
    #[arg(long, default_value = "")]
    facts: String,
    /// The applicable law
    #[arg(long, default_value = "")]
    law: String,
    /// The penalty that is or may be imposed
    #[arg(long, default_value = "")]
    penalty: String,
    /// What the evidence is for
    #[arg(long, default_value = "")]
    purpose: String,
    /// An act that is asked for: KIND=DESCRIPTION; may be repeated
    #[arg(long = "measure", value_name = "KIND=TEXT")]
    measures: Vec<String>,
    /// A treaty that the request rests on; may be repeated
    #[arg(long = "basis")]
    legal_bases: Vec<String>,
    /// Why it is urgent; makes it urgent
    #[arg(long)]
    urgent: Option<String>,
    #[command(flatten)]
    basis: BasisArgs,
    /// The node's data directory
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR", required_unless_present = "template")]
    data: Option<PathBuf>,
    /// The officer who acts
    #[arg(long = "as", env = "ROGATORY_OFFICER", value_name = "NAME")]
    officer: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// What the node says, or what is wrong with a file.
pub fn run(args: &RequestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::New(args) => new(args, out),
        Verb::Check { what, place } => check(what, place, out),
        Verb::Approve(one) => act(one, "approve", out),
        Verb::Send(one) => act(one, "send", out),
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

fn new(args: &NewArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if args.template {
        write!(out, "{TEMPLATE}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut request = match &args.from {
        Some(path) => read_file(path)?,
        None => from_flags(args)?,
    };
    let data = args.data.clone().context("name the node's data directory with --data")?;
    let place = Where { data, officer: args.officer.clone(), json: args.json };
    let client = Client::new(&place)?;
    if !args.attachments.is_empty() {
        let purpose = Purpose::To(request.to.clone());
        request.package_id = Some(package::fill(&client, &args.attachments, &purpose, place.form(), out)?);
    }
    let row: Value = client.post("/v1/requests", &request)?;
    if place.json {
        show::document(&row, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    show::message_row(&row, out)?;
    let missing = request.request.missing();
    if !missing.is_empty() {
        writeln!(out, "missing  {}", missing.join(", "))?;
        writeln!(out, "\nThe draft stands in the log, but it cannot be approved: write a new one with these fields.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let (id, data) = (show::text(&row, "request_id"), place.data.display());
    let view: Value = client.get(&format!("/v1/requests/{id}/basis"))?;
    request_basis::print_look_up(&view, out)?;
    writeln!(out, "\nNext: another officer approves it:  rogatory request approve {id} --data {data} --as NAME")?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a request as an officer writes it.
///
/// # Errors
/// When it cannot be read, or is no request.
pub fn read_file(path: &Path) -> anyhow::Result<NewRequest> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = if path.extension().is_some_and(|ending| ending == "json") {
        serde_json::from_str(&text).map_err(anyhow::Error::from)
    } else {
        toml::from_str(&text).map_err(anyhow::Error::from)
    };
    parsed.with_context(|| format!("{} is no request; see `rogatory request new --template`", path.display()))
}

fn from_flags(args: &NewArgs) -> anyhow::Result<NewRequest> {
    let Some(to) = args.to.clone() else {
        bail!("name a file with --from, or the requested authority with --to; `--template` prints a file to fill in");
    };
    let mut measures = Vec::new();
    for text in &args.measures {
        let (kind, description) =
            text.split_once('=').with_context(|| format!("`{text}` is no measure; write KIND=DESCRIPTION"))?;
        measures.push(Measure { kind: kind.to_owned(), description: description.to_owned(), ..Measure::default() });
    }
    Ok(NewRequest {
        to,
        language: "en".to_owned(),
        urgency: if args.urgent.is_some() { Urgency::Urgent } else { Urgency::Routine },
        urgency_reason: args.urgent.clone().unwrap_or_default(),
        reply_by: None,
        reply_by_reason: String::new(),
        legal_bases: args.legal_bases.clone(),
        basis: args.basis.basis(),
        conditions: Vec::new(),
        package_id: None,
        kind: None,
        parent: None,
        confirm_by: None,
        confirms: None,
        request: RequestBody {
            reference: args.reference.clone(),
            subject: args.subject.clone(),
            proceeding_authority: args.proceeding_authority.clone(),
            proceeding_authority_functions: args.functions.clone(),
            nature_of_proceedings: args.nature.clone(),
            facts: args.facts.clone(),
            applicable_law: args.law.clone(),
            penalty: args.penalty.clone(),
            measures,
            purpose: args.purpose.clone(),
            ..RequestBody::default()
        },
    })
}

fn act(one: &OneArgs, act: &str, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let row: Value = Client::new(&one.place)?.post(&format!("/v1/messages/{}/{act}", one.id), &Value::Null)?;
    print_row(&row, one.place.form(), out)
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
