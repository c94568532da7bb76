//! `rogatory package link|use|uses|clear|forward`: what is done with files that came from another authority, recorded, cleared by
//! a second officer where a condition asks for one, and sent on only under its conditions.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::request::print_row;
use crate::cli::using::{self, UseArgs};
use crate::cli::{offline, show};
use crate::daemon::uses;
use crate::law::conditions::asked::Act;
use crate::model::ident::Id;

/// What is done with a package.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UseVerb {
    /// Put a package, or files of it, to proceedings
    Link(ActArgs),
    /// Record a use: copy, exhibit or disclose; the gate of its conditions comes first
    Use {
        /// copy, exhibit or disclose
        #[arg(value_name = "ACT", value_parser = using::act)]
        act: Act,
        #[command(flatten)]
        args: ActArgs,
    },
    /// What was done with a package: the use register
    Uses {
        /// The package
        id: Id,
        /// Print the lines of a report on use, to be sent with `rogatory reply use`
        #[arg(long)]
        report: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Ask a second officer to clear a use that a condition gates; the second one runs it with --confirm
    Clear {
        /// The act: open, link, copy, exhibit, export, extract, forward or disclose
        #[arg(value_name = "ACT", value_parser = using::act)]
        act: Act,
        #[command(flatten)]
        args: ActArgs,
        /// Clear what stands in this record
        #[arg(long, value_name = "RECORD")]
        confirm: Option<u64>,
    },
    /// Send files that came from one authority on to another, under their conditions and with the consent of who gave them
    Forward {
        /// The package
        id: Id,
        /// The request of the other authority that they answer
        #[arg(long)]
        request: Id,
        /// Only this file; may be repeated
        #[arg(long, value_name = "N")]
        item: Vec<u32>,
        /// What for; stands in the custody log
        #[arg(long, value_name = "TEXT")]
        purpose: String,
        /// Our reference
        #[arg(long, default_value = "")]
        reference: String,
        /// What the package holds
        #[arg(long, default_value = "")]
        description: String,
        #[command(flatten)]
        place: Where,
    },
}

/// A package, what for, for whom.
#[derive(Debug, clap::Args)]
pub(super) struct ActArgs {
    /// The package
    id: Id,
    /// Only this file; may be repeated
    #[arg(long, value_name = "N")]
    item: Vec<u32>,
    /// What for; stands in the custody log
    #[arg(long, value_name = "TEXT", default_value = "")]
    purpose: String,
    /// To whom
    #[arg(long = "for", value_name = "WHO")]
    recipient: Option<String>,
    #[command(flatten)]
    using: UseArgs,
    #[command(flatten)]
    place: Where,
}

impl ActArgs {
    fn json(&self, act: Act) -> Value {
        json!({ "asked": self.using.asked(act, &self.item, self.recipient.as_deref()), "purpose": self.purpose })
    }
}

/// Runs the verb.
///
/// # Errors
/// What the node says.
pub(super) fn run(verb: &UseVerb, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match verb {
        UseVerb::Link(args) => record(Act::Link, args, out),
        UseVerb::Use { act, args } => record(*act, args, out),
        UseVerb::Uses { id, report, place } => register(*id, *report, place, out),
        UseVerb::Clear { act, args, confirm } => clear(*act, args, *confirm, out),
        UseVerb::Forward { id, request, item, purpose, reference, description, place } => {
            let new = json!({
                "request_id": request,
                "objects": item,
                "purpose": purpose,
                "reference": reference,
                "description": description,
            });
            let row: Value = Client::new(place)?.post(&format!("/v1/packages/{id}/forward"), &new)?;
            print_row(&row, place.form(), out)?;
            if !place.json {
                let (package, data) = (show::text(&row, "package_id"), place.data.display());
                writeln!(
                    out,
                    "\nNext: another officer sends it:  rogatory package send {package} --data {data} --as NAME"
                )?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn record(act: Act, args: &ActArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let done: Value = Client::new(&args.place)?.post(&format!("/v1/packages/{}/uses", args.id), &args.json(act))?;
    if args.place.json {
        show::document(&done, out)?;
    } else {
        writeln!(out, "recorded {}  (record {})", show::text(&done, "event"), show::number(&done, "record"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn clear(act: Act, args: &ActArgs, confirm: Option<u64>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.place)?;
    let path = format!("/v1/packages/{}/clearances", args.id);
    let done: Value = match confirm {
        Some(record) => client.post(&format!("{path}/{record}"), &Value::Null)?,
        None => client.post(&path, &args.json(act))?,
    };
    if args.place.json {
        show::document(&done, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (record, data) = (show::number(&done, "record"), args.place.data.display());
    match confirm {
        Some(asked) => writeln!(out, "cleared  what record {asked} asks for (record {record}); it holds for a day")?,
        None => writeln!(
            out,
            "asked    (record {record})\n\nNext: an approver clears it:  rogatory package clear {} {} --confirm {record} \
             --data {data} --as NAME",
            act.name(),
            args.id,
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

fn register(id: Id, report: bool, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, &format!("/v1/packages/{id}/uses"), |node| uses::register(node, id))?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let uses = show::list(&found, "uses");
    if uses.is_empty() {
        writeln!(out, "Nothing was done with the package here.")?;
        return Ok(ExitCode::SUCCESS);
    }
    if report {
        let done = uses.iter().filter(|one| show::text(one, "outcome") == "success");
        let done = done.filter(|one| !matches!(show::text(one, "event"), "use.asked" | "use.cleared"));
        let mut count = 0_usize;
        for (number, one) in (1..).zip(done) {
            writeln!(out, "{number}. {} {}: {}", show::text(one, "at"), show::text(one, "event"), said(one))?;
            count = number;
        }
        if count == 0 {
            bail!("no use was made of the package; say so in the report");
        }
        return Ok(ExitCode::SUCCESS);
    }
    for one in uses {
        writeln!(
            out,
            "{:>6}  {}  {:<18} {}  {}",
            show::number(one, "index"),
            show::text(one, "at"),
            show::text(one, "event"),
            show::text(one, "outcome"),
            said(one),
        )?;
    }
    show::more(&found, out)?;
    Ok(ExitCode::SUCCESS)
}

/// For which proceedings, to whom, what for.
fn said(one: &Value) -> String {
    let asked = one.get("use").unwrap_or(&Value::Null);
    let proceeding = match show::text(asked, "proceeding") {
        "-" => "in the proceedings of the request".to_owned(),
        other => format!("in {other}"),
    };
    let recipient = asked.get("recipient").map(|recipient| show::text(recipient, "name"));
    let recipient = recipient.filter(|name| *name != "-").map(|name| format!(", for {name}")).unwrap_or_default();
    format!("{proceeding}{recipient}: {}", show::text(one, "reason"))
}
