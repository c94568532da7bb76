//! `rogatory conditions`: read the conditions on what came, offer, accept, decline, counter, waive them, and look up what each
//! code means. Silence never accepts.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::consent::step;
use crate::cli::request::print_row;
use crate::cli::{offline, show, using};
use crate::daemon::terms_view;
use crate::law::conditions::book::CodeBook;
use crate::law::conditions::code::{Code, LiftedBy};
use crate::model::ident::Id;
use crate::model::message::MessageKind;
use crate::model::notice::Notice;
use crate::model::package::{Condition, ConditionOrigin};
use crate::model::time::Timestamp;

/// Conditions on the use of a package.
#[derive(Debug, clap::Args)]
pub struct ConditionsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The conditions of a package, an offer or a request, with their texts and what became of them
    List {
        /// The package, the message of an offer, or the request
        package: Id,
        #[command(flatten)]
        place: Where,
    },
    /// Accept every condition that waits; a second officer runs the same command to approve and send
    Accept {
        /// The package, or the message of an offer
        package: Id,
        #[command(flatten)]
        place: Where,
    },
    /// Offer conditions before anything is sent
    Offer {
        /// The request
        request: Id,
        /// CODE=TEXT, or CODE(KEY=VALUE;...)=TEXT; may be repeated
        #[arg(long = "condition", value_name = "CODE=TEXT", required = true)]
        conditions: Vec<String>,
        /// Until when they can be accepted
        #[arg(long, value_name = "DATE")]
        accept_by: Timestamp,
        /// They are about this act asked for, by its place in the request; may be repeated
        #[arg(long, value_name = "N")]
        measure: Vec<u32>,
        /// The message of an earlier offer in whose place they stand
        #[arg(long, value_name = "MESSAGE")]
        replaces: Option<Id>,
        /// What goes with them
        #[arg(long, default_value = "")]
        text: String,
        #[command(flatten)]
        place: Where,
    },
    /// Decline conditions
    Decline(AnswerArgs),
    /// Propose other words for conditions; they bind only if the other side offers them
    Counter {
        #[command(flatten)]
        answer: AnswerArgs,
        /// What would be acceptable: CODE=TEXT; may be repeated
        #[arg(long = "propose", value_name = "CODE=TEXT")]
        propose: Vec<String>,
    },
    /// Waive conditions that this authority set
    Waive(AnswerArgs),
    /// Consult on how far files can be protected, after they were sent
    Consult {
        /// The package
        package: Id,
        /// The new circumstances, and what is wished
        #[arg(long)]
        text: String,
        /// Until when an answer is wished
        #[arg(long)]
        due: Option<Timestamp>,
        #[command(flatten)]
        place: Where,
    },
    /// What the codes mean, what they stop, who lifts them, under which articles
    Vocabulary {
        /// One code, or the beginning of some
        code: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct AnswerArgs {
    /// The package, or the message of an offer
    on: Id,
    /// A condition by its name, e.g. c1; may be repeated; all without
    #[arg(long = "condition", value_name = "ID")]
    conditions: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reasons: String,
    #[command(flatten)]
    place: Where,
}

/// Runs the verb.
///
/// # Errors
/// What the node says.
pub fn run(args: &ConditionsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List { package, place } => list(*package, place, out),
        Verb::Accept { package, place } => {
            let path = format!("/v1/packages/{package}/acceptance");
            let row: Value = Client::new(place)?.post(&path, &Value::Null)?;
            print_row(&row, place.form(), out)?;
            if !place.json && show::state(&row) == "drafted" {
                let data = place.data.display();
                writeln!(out, "\nNext: a second officer runs the same command with --as NAME (--data {data})")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Offer { request, conditions, accept_by, measure, replaces, text, place } => {
            let mut notice = Notice::new(MessageKind::ConditionsOffer);
            notice.due = Some(*accept_by);
            notice.measures.clone_from(measure);
            notice.about = *replaces;
            notice.text.clone_from(text);
            let mut offered = parsed(conditions)?;
            offered.iter_mut().for_each(|one| one.measures.clone_from(measure));
            step(*request, &notice, &offered, place, out)
        }
        Verb::Decline(answer) => answered(MessageKind::ConditionsDecline, answer, &[], out),
        Verb::Counter { answer, propose } => {
            let mut proposed = parsed(propose)?;
            // A proposal binds nobody: only what its setter offers can be accepted.
            proposed.iter_mut().for_each(|one| one.origin = ConditionOrigin::RequesterUndertaking);
            answered(MessageKind::ConditionsCounter, answer, &proposed, out)
        }
        Verb::Waive(answer) => {
            if answer.conditions.is_empty() {
                bail!("name each condition that is waived with --condition ID");
            }
            answered(MessageKind::ConditionsWaive, answer, &[], out)
        }
        Verb::Consult { package, text, due, place } => {
            let mut notice = Notice::new(MessageKind::ProtectionConsult);
            notice.package_id = Some(*package);
            notice.text.clone_from(text);
            notice.due = *due;
            step(request_of(*package, place)?, &notice, &[], place, out)
        }
        Verb::Vocabulary { code, json } => vocabulary(code.as_deref(), *json, out),
    }
}

fn parsed(texts: &[String]) -> anyhow::Result<Vec<Condition>> {
    (1..).zip(texts).map(|(number, text)| using::condition(number, text)).collect()
}

fn answered(
    kind: MessageKind,
    answer: &AnswerArgs,
    conditions: &[Condition],
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let found: Value = Client::new(&answer.place)?.get(&format!("/v1/terms/{}", answer.on))?;
    let is_offer = show::list(&found, "conditions").iter().any(|row| row.get("by_offer") == Some(&Value::Bool(true)));
    let mut notice = Notice::new(kind);
    if is_offer {
        notice.about = Some(answer.on);
    } else {
        notice.package_id = Some(answer.on);
    }
    notice.names.clone_from(&answer.conditions);
    notice.text.clone_from(&answer.reasons);
    step(request_of(answer.on, &answer.place)?, &notice, conditions, &answer.place, out)
}

/// The request of a package or of the message of an offer.
///
/// # Errors
/// What the node says.
pub(super) fn request_of(id: Id, place: &Where) -> anyhow::Result<Id> {
    let found: Value = Client::new(place)?.get(&format!("/v1/terms/{id}"))?;
    Ok(show::text(&found, "request_id").parse()?)
}

fn list(id: Id, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, &format!("/v1/terms/{id}"), |node| terms_view::conditions(node, id))?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let conditions = show::list(&found, "conditions");
    if conditions.is_empty() {
        writeln!(out, "No conditions stand there.")?;
    }
    for condition in conditions {
        let (id, code) = (show::text(condition, "id"), show::text(condition, "code"));
        writeln!(out, "{id}  {code}  {}  ({})", show::text(condition, "told"), show::text(condition, "origin"))?;
        writeln!(out, "      {}", show::text(condition, "text"))?;
        let (on, by) = (show::text(condition, "on"), show::text(condition, "set_by"));
        let what = if condition.get("by_offer") == Some(&Value::Bool(true)) { "offer" } else { "package" };
        writeln!(out, "      set by {by} on {what} {on}; {}", articles(condition))?;
        if show::text(condition, "until") != "-" {
            writeln!(out, "      can be accepted until {}", show::text(condition, "until"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn articles(condition: &Value) -> String {
    if condition.get("known_code") == Some(&Value::Bool(false)) {
        return "this version does not know the code: the text decides, and two persons read it".to_owned();
    }
    match (show::text(condition, "legal_source"), show::text(condition, "articles")) {
        ("-", articles) => articles.to_owned(),
        (named, articles) => format!("{named}; {articles}"),
    }
}

fn vocabulary(code: Option<&str>, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let book = CodeBook::standard()?;
    let wanted = |one: &&Code| code.is_none_or(|code| one.code.starts_with(code));
    let codes: Vec<&Code> = book.codes().iter().filter(wanted).collect();
    if json {
        show::document(&json!({ "codes": codes, "general": book.generals().collect::<Vec<_>>() }), out)?;
        return Ok(ExitCode::SUCCESS);
    }
    if codes.is_empty() {
        bail!("no code begins so; without one, the command lists all");
    }
    for one in codes {
        let kept: Vec<&str> = one.enforcement.iter().map(|how| how.name()).collect();
        writeln!(out, "{}  {}  [{}]", one.code, one.title, kept.join(", "))?;
        if code.is_none() {
            continue;
        }
        writeln!(out, "    receiver:  {}", one.receiver)?;
        writeln!(out, "    stays outside the program: {}", one.outside)?;
        for param in &one.params {
            writeln!(out, "    parameter: {}: {}", param.key, param.says)?;
        }
        let who = match one.lifted_by {
            LiftedBy::Setter => "who set it, by a signed waiver",
            LiftedBy::Originator => "the third party whose consent it asks for",
            LiftedBy::Law => "nobody: it is the law",
        };
        writeln!(out, "    lifted by: {who}")?;
        writeln!(out, "    articles:  {}", one.articles())?;
    }
    Ok(ExitCode::SUCCESS)
}
