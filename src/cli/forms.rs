//! `rogatory request urgent|confirm|supplement|…`: a request in another form than the ordinary one, from a file or from
//! the few flags that a short form needs. Refuses a form without what it must say.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::request::print_row;
use crate::cli::request_new::read_file;
use crate::cli::show;
use crate::daemon::api_routes::NewRequest;
use crate::model::asking::Asking;
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::Urgency;
use crate::model::request::{Measure, RequestBody};
use crate::model::time::Timestamp;

/// A request in another form.
#[derive(Debug, clap::Subcommand)]
pub enum Form {
    /// request.urgent: the short form; the formal request follows (`request confirm`)
    Urgent(Box<FormArgs>),
    /// request.confirm: the formal request that follows an urgent one, a preservation or an arrest
    Confirm(Box<FormArgs>),
    /// request.supplement: more in the same matter, in a thread of its own
    Supplement(Box<FormArgs>),
    /// preservation.request: keep evidence or property as it is until a request comes
    Preserve(Box<FormArgs>),
    /// arrest.request: arrest a person until a request for extradition comes
    Arrest(Box<FormArgs>),
    /// extradition.request: extradite or surrender a person
    Extradite(Box<FormArgs>),
    /// transfer.request: take over a sentenced person
    Transfer(Box<FormArgs>),
    /// proceedings.request: take over proceedings
    Proceedings(Box<FormArgs>),
    /// jit.propose: set up a joint investigation team
    Team(Box<FormArgs>),
}

/// What a form needs.
#[derive(Debug, clap::Args)]
pub struct FormArgs {
    /// The request as a TOML or JSON file (see `request new --template`)
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The requested authority
    #[arg(long, conflicts_with = "from")]
    to: Option<AuthorityId>,
    /// Our reference
    #[arg(long, default_value = "", conflicts_with = "from")]
    reference: String,
    /// One line: what it is about
    #[arg(long, default_value = "", conflicts_with = "from")]
    subject: String,
    /// Who conducts the investigation or proceedings
    #[arg(long, default_value = "", conflicts_with = "from")]
    proceeding_authority: String,
    /// A summary of the facts
    #[arg(long, default_value = "", conflicts_with = "from")]
    facts: String,
    /// An act that is asked for: KIND=DESCRIPTION; may be repeated
    #[arg(long = "measure", value_name = "KIND=TEXT", conflicts_with = "from")]
    measures: Vec<String>,
    /// A treaty that the request rests on; may be repeated
    #[arg(long = "basis", conflicts_with = "from")]
    legal_bases: Vec<String>,
    /// Why it is urgent
    #[arg(long)]
    urgent: Option<String>,
    /// An earlier request in the same matter
    #[arg(long)]
    parent: Option<Id>,
    /// urgent: until when the formal request follows
    #[arg(long)]
    confirm_by: Option<Timestamp>,
    /// confirm: the thread that it confirms
    #[arg(long)]
    confirms: Option<Id>,
    #[command(flatten)]
    place: Where,
}

impl Form {
    /// Drafts it.
    ///
    /// # Errors
    /// What the node says, or what is missing.
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let (asking, args) = match self {
            Self::Urgent(args) => (Asking::Urgent, args),
            Self::Confirm(args) => (Asking::Confirm, args),
            Self::Supplement(args) => (Asking::Supplement, args),
            Self::Preserve(args) => (Asking::Preservation, args),
            Self::Arrest(args) => (Asking::Arrest, args),
            Self::Extradite(args) => (Asking::Extradition, args),
            Self::Transfer(args) => (Asking::Transfer, args),
            Self::Proceedings(args) => (Asking::Proceedings, args),
            Self::Team(args) => (Asking::Team, args),
        };
        draft(asking, args, out)
    }
}

fn draft(asking: Asking, args: &FormArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut request = match &args.from {
        Some(path) => read_file(path)?,
        None => from_flags(args)?,
    };
    request.kind = Some(asking.kind());
    request.parent = args.parent.or(request.parent);
    request.confirm_by = args.confirm_by.or(request.confirm_by);
    request.confirms = args.confirms.or(request.confirms);
    if let Some(reason) = &args.urgent {
        request.urgency = Urgency::Urgent;
        request.urgency_reason.clone_from(reason);
    }
    match asking {
        Asking::Urgent if request.confirm_by.is_none() => {
            bail!("say with --confirm-by until when the formal request follows")
        }
        Asking::Urgent if request.urgency != Urgency::Urgent => bail!("say with --urgent why it is urgent"),
        Asking::Confirm if request.confirms.is_none() => bail!("name the thread that it confirms with --confirms"),
        Asking::Supplement if request.parent.is_none() => bail!("name the earlier request with --parent"),
        _ => {}
    }
    let row: Value = Client::new(&args.place)?.post("/v1/requests", &request)?;
    let done = print_row(&row, args.place.form(), out)?;
    if !args.place.json {
        let (id, data) = (show::text(&row, "message_id"), args.place.data.display());
        writeln!(out, "\nNext: another officer:  rogatory request approve {id} --data {data} --as NAME")?;
        writeln!(out, "      then:             rogatory request send {id} --data {data} --as NAME")?;
    }
    Ok(done)
}

fn from_flags(args: &FormArgs) -> anyhow::Result<NewRequest> {
    let to = args.to.clone().context("name a file with --from, or the requested authority with --to")?;
    let mut measures = Vec::new();
    for text in &args.measures {
        let (kind, description) =
            text.split_once('=').with_context(|| format!("`{text}` is no measure; write KIND=DESCRIPTION"))?;
        measures.push(Measure { kind: kind.to_owned(), description: description.to_owned(), ..Measure::default() });
    }
    Ok(NewRequest {
        to,
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: String::new(),
        reply_by: None,
        reply_by_reason: String::new(),
        legal_bases: args.legal_bases.clone(),
        basis: crate::daemon::basis_view::NewBasis::default(),
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
            facts: args.facts.clone(),
            measures,
            ..RequestBody::default()
        },
    })
}
