//! `rogatory consent|assurance|exculpatory`: what opens the gate of a condition: a signed consent, an assurance, a notice. Refuses
//! what answers nothing.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::conditions::request_of;
use crate::cli::request::print_row;
use crate::cli::show;
use crate::model::ident::Id;
use crate::model::message::MessageKind;
use crate::model::notice::Notice;
use crate::model::notice_table::Verdict;
use crate::model::package::Condition;
use crate::model::time::Timestamp;

/// Consent to another use.
#[derive(Debug, clap::Args)]
pub struct ConsentArgs {
    #[command(subcommand)]
    verb: ConsentVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ConsentVerb {
    /// Ask for consent to other proceedings, recipients or purposes
    Request {
        /// The package
        package: Id,
        /// What for
        #[arg(long)]
        text: String,
        /// The other proceedings
        #[arg(long, default_value = "")]
        proceeding: String,
        /// A recipient by name, e.g. XC-MOJ; may be repeated
        #[arg(long = "to", value_name = "WHO")]
        recipients: Vec<String>,
        /// A purpose beside criminal proceedings, e.g. fiscal; may be repeated
        #[arg(long = "use", value_name = "KIND")]
        purposes: Vec<String>,
        /// Only this file; may be repeated
        #[arg(long, value_name = "N")]
        item: Vec<u32>,
        #[command(flatten)]
        place: Where,
    },
    /// Consent to what a message asked for
    Grant {
        /// The request in whose thread it was asked
        request: Id,
        /// The message that asked
        #[arg(long, value_name = "MESSAGE")]
        asked: Id,
        /// Until when; without end if not said
        #[arg(long)]
        until: Option<Timestamp>,
        /// For whom else it speaks: a third party or State whose consent was obtained; may be repeated
        #[arg(long = "on-behalf-of", value_name = "WHO")]
        on_behalf_of: Vec<String>,
        /// What goes with it
        #[arg(long, default_value = "")]
        text: String,
        #[command(flatten)]
        place: Where,
    },
    /// Refuse what a message asked for
    Deny {
        /// The request in whose thread it was asked
        request: Id,
        /// The message that asked
        #[arg(long, value_name = "MESSAGE")]
        asked: Id,
        /// Why
        #[arg(long)]
        reasons: String,
        #[command(flatten)]
        place: Where,
    },
}

/// Assurances.
#[derive(Debug, clap::Args)]
pub struct AssuranceArgs {
    #[command(subcommand)]
    verb: AssuranceVerb,
}

#[derive(Debug, clap::Subcommand)]
enum AssuranceVerb {
    /// Give an assurance that the other side asked for by a condition
    Give {
        /// The request
        request: Id,
        /// The message of the offer that asks for it
        #[arg(long, value_name = "MESSAGE")]
        offer: Option<Id>,
        /// The condition that asks for it, by its name, e.g. c1; may be repeated
        #[arg(long = "condition", value_name = "ID")]
        conditions: Vec<String>,
        /// Which authority gives it
        #[arg(long)]
        authority: String,
        /// Its words
        #[arg(long)]
        text: String,
        #[command(flatten)]
        place: Where,
    },
    /// Accept an assurance
    Accept(AssuredArgs),
    /// Say that an assurance is not enough
    Reject(AssuredArgs),
}

#[derive(Debug, clap::Args)]
struct AssuredArgs {
    /// The request
    request: Id,
    /// The message that gave it
    #[arg(long, value_name = "MESSAGE")]
    given: Id,
    /// Why
    #[arg(long, default_value = "")]
    text: String,
    #[command(flatten)]
    place: Where,
}

/// A notice of a disclosure.
#[derive(Debug, clap::Args)]
pub struct ExculpatoryArgs {
    /// The package
    package: Id,
    /// The proceedings in which it is disclosed
    #[arg(long)]
    proceeding: String,
    /// Why it clears an accused; in an exceptional case also why the notice comes afterwards
    #[arg(long)]
    text: String,
    /// Only this file; may be repeated
    #[arg(long, value_name = "N")]
    item: Vec<u32>,
    /// When it is or was disclosed
    #[arg(long)]
    at: Option<Timestamp>,
    /// An exceptional case: it is disclosed now, and told without delay
    #[arg(long)]
    afterwards: bool,
    #[command(flatten)]
    place: Where,
}

/// Asks for consent, gives it, refuses it.
///
/// # Errors
/// What the node says.
pub fn consent(args: &ConsentArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        ConsentVerb::Request { package, text, proceeding, recipients, purposes, item, place } => {
            let mut notice = Notice::new(MessageKind::UseConsentRequest);
            notice.package_id = Some(*package);
            notice.objects.clone_from(item);
            notice.reference.clone_from(proceeding);
            notice.names.clone_from(recipients);
            notice.codes.clone_from(purposes);
            notice.text.clone_from(text);
            step(request_of(*package, place)?, &notice, &[], place, out)
        }
        ConsentVerb::Grant { request, asked, until, on_behalf_of, text, place } => {
            let mut notice = Notice::new(MessageKind::UseConsentGrant);
            notice.about = Some(*asked);
            notice.due = *until;
            notice.names.clone_from(on_behalf_of);
            notice.text.clone_from(text);
            step(*request, &notice, &[], place, out)
        }
        ConsentVerb::Deny { request, asked, reasons, place } => {
            let mut notice = Notice::new(MessageKind::UseConsentDeny);
            notice.about = Some(*asked);
            notice.text.clone_from(reasons);
            step(*request, &notice, &[], place, out)
        }
    }
}

/// Gives an assurance, or answers one.
///
/// # Errors
/// What the node says.
pub fn assurance(args: &AssuranceArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        AssuranceVerb::Give { request, offer, conditions, authority, text, place } => {
            let mut notice = Notice::new(MessageKind::AssuranceGive);
            notice.about = *offer;
            notice.names.clone_from(conditions);
            notice.whom.clone_from(authority);
            notice.text.clone_from(text);
            step(*request, &notice, &[], place, out)
        }
        AssuranceVerb::Accept(args) => assured(Verdict::Accepted, args, out),
        AssuranceVerb::Reject(args) => assured(Verdict::Rejected, args, out),
    }
}

fn assured(verdict: Verdict, args: &AssuredArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut notice = Notice::new(MessageKind::AssuranceAnswer);
    notice.about = Some(args.given);
    notice.verdict = Some(verdict);
    notice.text.clone_from(&args.text);
    step(args.request, &notice, &[], &args.place, out)
}

/// Gives notice that evidence which clears an accused is disclosed.
///
/// # Errors
/// What the node says.
pub fn exculpatory(args: &ExculpatoryArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut notice = Notice::new(MessageKind::ExculpatoryNotice);
    notice.package_id = Some(args.package);
    notice.objects.clone_from(&args.item);
    notice.reference.clone_from(&args.proceeding);
    notice.text.clone_from(&args.text);
    notice.at = args.at;
    notice.verdict = Some(if args.afterwards { Verdict::Afterwards } else { Verdict::Before });
    step(request_of(args.package, &args.place)?, &notice, &[], &args.place, out)
}

/// One step in the thread of a request, with what the second officer does next.
///
/// # Errors
/// What the node says.
pub(super) fn step(
    request: Id,
    notice: &Notice,
    conditions: &[Condition],
    place: &Where,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let new = json!({ "notice": notice, "conditions": conditions });
    let row: Value = Client::new(place)?.post(&format!("/v1/requests/{request}/notices"), &new)?;
    print_row(&row, place.form(), out)?;
    if !place.json && show::state(&row) == "drafted" {
        let (id, data) = (show::text(&row, "message_id"), place.data.display());
        writeln!(out, "\nNext: another officer:  rogatory reply approve {id} --data {data} --as NAME")?;
        writeln!(out, "      then:             rogatory reply send {id} --data {data} --as NAME")?;
    }
    Ok(ExitCode::SUCCESS)
}
