//! `rogatory reply`: answer a request: acknowledge it, report on its execution, refuse it.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::request::print_row;
use crate::cli::{show, steps};
use crate::daemon::api_replies::NewReply;
use crate::model::ident::Id;
use crate::model::request::ExecutionStatus;
use crate::model::time::Timestamp;

/// Answers to a request.
#[derive(Debug, clap::Args)]
pub struct ReplyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Acknowledge a request: the legal act, not the transport receipt
    Ack {
        /// The request
        request: Id,
        /// Our file reference
        #[arg(long, default_value = "")]
        reference: String,
        /// Whom to ask
        #[arg(long, default_value = "")]
        contact: String,
        /// Anything else
        #[arg(long, default_value = "")]
        note: String,
        /// When we will write next, e.g. 2026-12-31
        #[arg(long)]
        next_contact: Option<Timestamp>,
        #[command(flatten)]
        place: Where,
    },
    /// Say how the execution goes
    Report {
        /// The request
        request: Id,
        /// in-execution, partial, executed or impossible
        #[arg(long, value_parser = status)]
        status: ExecutionStatus,
        /// What was done, what not
        #[arg(long)]
        text: String,
        #[command(flatten)]
        place: Where,
    },
    /// Refuse a request, with reasons; a second person approves and sends it
    Refuse {
        /// The request
        request: Id,
        /// A ground; may be repeated
        #[arg(long = "ground")]
        grounds: Vec<String>,
        /// The reasons
        #[arg(long)]
        reasons: String,
        /// A measure that is refused, by its place in the request; may be repeated; without it: all
        #[arg(long = "measure")]
        measures: Vec<u32>,
        /// Why no consultation was appropriate; needed where none was opened
        #[arg(long, default_value = "")]
        without_consultation: String,
        #[command(flatten)]
        place: Where,
    },
    /// A step in the life of a request
    #[command(flatten)]
    Step(steps::Step<{ steps::REPLY }>),
    /// Approve a drafted reply as the second person
    Approve {
        /// The message
        message: Id,
        #[command(flatten)]
        place: Where,
    },
    /// Sign, seal and queue an approved reply
    Send {
        /// The message
        message: Id,
        #[command(flatten)]
        place: Where,
    },
}

/// Runs the verb.
///
/// # Errors
/// What the node says.
pub fn run(args: &ReplyArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (request, new, place) = match &args.verb {
        Verb::Ack { request, reference, contact, note, next_contact, place } => (
            request,
            NewReply::Ack {
                reference: reference.clone(),
                contact: contact.clone(),
                note: note.clone(),
                next_contact: *next_contact,
            },
            place,
        ),
        Verb::Report { request, status, text, place } => {
            (request, NewReply::Report { status: *status, text: text.clone() }, place)
        }
        Verb::Refuse { request, grounds, reasons, measures, without_consultation, place } => (
            request,
            NewReply::Refuse {
                grounds: grounds.clone(),
                reasons: reasons.clone(),
                measures: measures.clone(),
                without_consultation: without_consultation.clone(),
            },
            place,
        ),
        Verb::Step(step) => return step.run(out),
        Verb::Approve { message, place } => return act(*message, "approve", place, out),
        Verb::Send { message, place } => return act(*message, "send", place, out),
    };
    let row: Value = Client::new(place)?.post(&format!("/v1/requests/{request}/replies"), &new)?;
    print_row(&row, place.form(), out)?;
    if !place.json && show::state(&row) == "drafted" {
        let (id, data) = (show::text(&row, "message_id"), place.data.display());
        writeln!(out, "\nNext: another officer:  rogatory reply approve {id} --data {data} --as NAME")?;
        writeln!(out, "      then:             rogatory reply send {id} --data {data} --as NAME")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn act(message: Id, act: &str, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let row: Value = Client::new(place)?.post(&format!("/v1/messages/{message}/{act}"), &Value::Null)?;
    print_row(&row, place.form(), out)
}

fn status(text: &str) -> Result<ExecutionStatus, String> {
    let found = ExecutionStatus::ALL.into_iter().find(|status| status.name() == text);
    found.ok_or_else(|| "write in-execution, partial, executed or impossible".to_owned())
}
