//! `rogatory request new`: a draft from a file, from flags, or from an interview at the terminal.

use std::fs;
use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::interview::{self, DRAFT, Ended, Room};
use crate::cli::request_basis::{self, BasisArgs};
use crate::cli::request_check::print_findings;
use crate::cli::{package, show};
use crate::daemon::api_routes::NewRequest;
use crate::daemon::packing::Purpose;
use crate::model::ident::AuthorityId;
use crate::model::message::Urgency;
use crate::model::request::{Measure, RequestBody};

const TEMPLATE: &str = include_str!("request_template.toml");

/// What a request is made of.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The request as a TOML or JSON file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "reference", "subject",
        "proceeding_authority", "functions", "nature", "facts", "law", "penalty", "purpose", "measures", "legal_bases",
        "urgent", "BasisArgs"])]
    from: Option<PathBuf>,
    /// Go on with an interview that was left; at a terminal, `request new` without a file begins one
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = DRAFT, conflicts_with_all = ["from", "to"])]
    resume: Option<PathBuf>,
    /// The file in which a new interview is saved
    #[arg(long, value_name = "FILE", default_value = DRAFT)]
    draft: PathBuf,
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

/// Makes the draft.
///
/// # Errors
/// What the node says, or what is wrong with a file.
pub fn run(args: &NewArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if args.template {
        write!(out, "{TEMPLATE}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let data = args.data.clone().context("name the node's data directory with --data")?;
    let place = Where { data, officer: args.officer.clone(), json: args.json };
    let client = Client::new(&place)?;
    let bare = args.from.is_none() && args.to.is_none() && !args.json;
    let request = match &args.from {
        Some(path) => read_file(path)?,
        None if args.resume.is_some() || (bare && io::stdin().is_terminal()) => match held(args, &client, out)? {
            Some(request) => request,
            None => return Ok(ExitCode::SUCCESS),
        },
        None => from_flags(args)?,
    };
    submit(args, request, &place, &client, out)
}

/// Holds the interview; nothing when the officer left, or does not want it in the log yet.
fn held(args: &NewArgs, client: &Client, out: &mut dyn Write) -> anyhow::Result<Option<NewRequest>> {
    let stdin = io::stdin();
    let mut input = stdin.lock();
    let check = |new: &NewRequest| client.post("/v1/content", new);
    let basis = |new: &NewRequest, out: &mut dyn Write| -> anyhow::Result<()> {
        let view: Value = client.post("/v1/basis", new)?;
        request_basis::print_look_up(&view, out)
    };
    let mut room = Room { input: &mut input, out, check: &check, basis: &basis };
    let (path, ended) = match &args.resume {
        Some(path) => (path, interview::resume(path, &mut room)?),
        None => (&args.draft, interview::begin(&args.draft, &mut room)?),
    };
    let Ended::Through(request) = ended else { return Ok(None) };
    writeln!(out, "\nThat was the last question. What the check finds:")?;
    let content: Value = client.post("/v1/content", &*request)?;
    print_findings(&content, out)?;
    write!(out, "\nWrite it into the log as a draft now? yes or no\n> ")?;
    out.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer).context("what was typed cannot be read")?;
    if answer.trim() == "yes" {
        return Ok(Some(*request));
    }
    writeln!(out, "Saved, and not drafted. Go on with:  rogatory request new --resume {}", path.display())?;
    Ok(None)
}

fn submit(
    args: &NewArgs,
    mut request: NewRequest,
    place: &Where,
    client: &Client,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    if !args.attachments.is_empty() {
        let purpose = Purpose::To(request.to.clone());
        request.package_id = Some(package::fill(client, &args.attachments, &purpose, place.form(), out)?);
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
