//! `rogatory request`: write a request for assistance, check it, approve it, send it, follow it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::request_check::{CheckPlace, check};
use crate::cli::request_new::{self, NewArgs};
use crate::cli::request_print::{self, Elsewhere, PrintArgs};
use crate::cli::show::Form;
use crate::cli::{forms, show, steps, thread};
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
    /// A request in another form
    #[command(flatten)]
    Form(forms::Form),
    /// A step in the life of a request
    #[command(flatten)]
    Step(steps::Step<{ steps::REQUEST }>),
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
        Verb::Form(form) => form.run(out),
        Verb::Step(step) => step.run(out),
        Verb::Check { what, place } => check(what, place, out),
        Verb::Approve(one) => act(one, "approve", out),
        Verb::Send { one, to } => send(one, to.as_deref(), out),
        Verb::Bundle { one, to } => {
            request_print::bundle(one.id, to.as_deref(), &one.place, out)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Print(args) => request_print::print(args, out),
        Verb::Discard(one) => act(one, "discard", out),
        Verb::List { place } => thread::list(place, out),
        Verb::Show(one) => thread::show_one(one.id, &one.place, out),
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
