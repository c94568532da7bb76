//! `rogatory package`: seal files, send them, list them, open them, export them as a bag.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::destroy::{self, DestroyArgs};
use crate::cli::export::{self, ExportArgs};
use crate::cli::opening::{self, FilesArgs, OpenArgs};
use crate::cli::request::print_row;
use crate::cli::seal::{self, Plan};
use crate::cli::show::Form;
use crate::cli::uses::{self, UseVerb};
use crate::cli::using;
use crate::cli::{offline, show, transfers};
use crate::daemon::api_routes::NewTransmittal;
use crate::daemon::packing::Purpose;
use crate::daemon::views;
use crate::model::ident::Id;
use crate::model::request::Completeness;

/// Packages of files.
#[derive(Debug, clap::Args)]
pub struct PackageArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Hash and seal files in one pass, as the evidence that answers a request
    Seal(SealArgs),
    /// Sign and queue a sealed package; the sender is the second person
    Send(OneArgs),
    /// All packages, both ways
    List {
        /// Stay, and tell how far the files of each package are, how fast, and how long still; ends when none is on its way
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        place: Where,
    },
    /// One package: its files, its conditions
    Show(OneArgs),
    /// The files of a package that is a folder: length, SHA-256, path
    Files(FilesArgs),
    /// Open the files of a package into a folder; blocked until its conditions are accepted
    Open(OpenArgs),
    /// Destroy a package here for ever: its key, then its files. One officer asks, another confirms
    Destroy(DestroyArgs),
    /// Write a package with all its proofs as a BagIt bag that anybody can verify offline
    Export(ExportArgs),
    #[command(flatten)]
    Use(UseVerb),
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The package
    id: Id,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, clap::Args)]
struct SealArgs {
    /// The request that the package answers
    #[arg(long, required_unless_present_any = ["resume", "give_up"])]
    request: Option<Id>,
    /// Files and folders; `-` is standard input. A folder is sealed with all that is below it; links are named, not followed
    #[arg(required_unless_present_any = ["resume", "give_up"])]
    files: Vec<PathBuf>,
    /// The name of what comes from standard input
    #[arg(long)]
    name: Option<String>,
    /// A further digest, made in the same pass: md5, sha1, sha512 or blake3; with =HEX it must be that one (of PATH: if
    /// there are several files); may be repeated
    #[arg(long, value_name = "[PATH:]ALGORITHM[=HEX]")]
    also: Vec<String>,
    /// Go on with this package, whose sealing was broken off; everything else that was said then holds
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["request", "files", "name", "also", "give_up"])]
    resume: Option<Id>,
    /// Give up this package, whose sealing was broken off
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["request", "files"])]
    give_up: Option<Id>,
    /// Our reference
    #[arg(long, default_value = "")]
    reference: String,
    /// What the package holds
    #[arg(long, default_value = "")]
    description: String,
    /// More will follow
    #[arg(long)]
    partial: bool,
    /// A condition that binds on acceptance: CODE=TEXT, or CODE(KEY=VALUE;...)=TEXT; may be repeated
    #[arg(long = "condition", value_name = "CODE=TEXT")]
    conditions: Vec<String>,
    #[command(flatten)]
    place: Where,
}

/// Runs the verb.
///
/// # Errors
/// What the node says, or what is wrong with a file.
pub fn run(args: &PackageArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Seal(args) => seal(args, out),
        Verb::Send(one) => {
            let row: Value = Client::new(&one.place)?.post(&format!("/v1/packages/{}/send", one.id), &Value::Null)?;
            print_row(&row, one.place.form(), out)
        }
        Verb::List { watch: true, place } => transfers::watch(place, out),
        Verb::List { place, .. } => packages(place, out),
        Verb::Show(one) => show_one(one, out),
        Verb::Open(args) => opening::open(args, out),
        Verb::Files(args) => opening::files(args, out),
        Verb::Export(args) => export::run(args, out),
        Verb::Use(verb) => uses::run(verb, out),
        Verb::Destroy(args) => destroy::run(args, out),
    }
}

fn seal(args: &SealArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let Some(id) = args.give_up {
        let _: Value = Client::new(&args.place)?.post(&format!("/v1/packings/{id}/discard"), &Value::Null)?;
        if args.place.json {
            show::document(&json!({ "given_up": id }), out)?;
        } else {
            writeln!(out, "gave up  package {id}: its key, and what was sealed of it, are gone")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut conditions = Vec::new();
    for (number, text) in (1..).zip(&args.conditions) {
        conditions.push(using::condition(number, text)?);
    }
    let client = Client::new(&args.place)?;
    let form = args.place.form();
    let (id, words) = match (args.resume, args.request) {
        (Some(id), _) => (id, seal::resume(&client, id, form, out)?.1),
        (None, Some(request_id)) => {
            let words = NewTransmittal {
                request_id,
                reference: args.reference.clone(),
                description: args.description.clone(),
                completeness: if args.partial { Completeness::Partial } else { Completeness::Final },
                conditions,
            };
            let words = serde_json::to_value(words)?;
            let plan = Plan::of(&args.files, args.name.as_deref(), &args.also, words.clone())?;
            (seal::fill(&client, plan, &Purpose::Request(request_id), form, out)?, words)
        }
        (None, None) => bail!("say which request it answers: --request ID"),
    };
    let row: Value = client.post(&format!("/v1/packages/{id}/transmittal"), &words)?;
    print_row(&row, args.place.form(), out)?;
    if !args.place.json {
        let data = args.place.data.display();
        writeln!(out, "\nNext: another officer sends it:  rogatory package send {id} --data {data} --as NAME")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Seals files into a new package of the node; returns its identifier.
///
/// # Errors
/// What the node says, or why a file cannot be read.
pub fn fill(
    client: &Client,
    files: &[PathBuf],
    purpose: &Purpose,
    form: Form,
    out: &mut dyn Write,
) -> anyhow::Result<Id> {
    seal::fill(client, Plan::of(files, None, &[], Value::Null)?, purpose, form, out)
}

fn packages(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, "/v1/packages", views::packages)?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = show::list(&found, "packages");
    if rows.is_empty() {
        writeln!(out, "No packages.")?;
    }
    for row in rows {
        let package = row.get("package").unwrap_or(&Value::Null);
        let way = if show::text(package, "direction") == "outgoing" { "to  " } else { "from" };
        let conditions = show::list(package, "conditions");
        let waiting = conditions.iter().filter(|condition| {
            condition.get("needs_acceptance") == Some(&Value::Bool(true))
                && condition.get("accepted_index").is_none_or(Value::is_null)
        });
        writeln!(
            out,
            "{}  {way} {:<12} {}, {}  {}  {} to accept",
            show::text(package, "package_id"),
            show::text(package, "counterpart"),
            show::counted(show::number(package, "items"), "file", "files"),
            show::bytes(show::number(package, "plaintext_bytes")),
            show::text(row, "state"),
            show::counted(waiting.count() as u64, "condition", "conditions"),
        )?;
    }
    for packing in show::list(&found, "packings") {
        writeln!(
            out,
            "{}  being sealed by {}: {} in {} objects so far",
            show::text(packing, "package_id"),
            show::text(packing, "officer"),
            show::bytes(show::number(packing, "sealed_bytes")),
            show::number(packing, "objects"),
        )?;
    }
    show::more(&found, out)?;
    Ok(ExitCode::SUCCESS)
}

fn show_one(one: &OneArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let id = one.id;
    let found = offline::read(&one.place, &format!("/v1/packages/{id}"), |node| views::package(node, id))?;
    if one.place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let package = found.get("package").unwrap_or(&Value::Null);
    writeln!(out, "package  {id}  {}", show::text(&found, "state"))?;
    writeln!(out, "request  {}", show::text(package, "request_id"))?;
    for item in show::list(&found, "items") {
        writeln!(
            out,
            "{:>4}  {}  {}  SHA-256 {}",
            show::number(item, "object_id"),
            show::text(item, "name"),
            show::bytes(show::number(item, "plaintext_bytes")),
            show::text(item, "sha256"),
        )?;
    }
    for (condition, row) in show::list(&found, "conditions").iter().zip(show::list(package, "conditions")) {
        let accepted = match row.get("accepted_index").and_then(Value::as_u64) {
            Some(index) => format!("accepted (record {index})"),
            None if row.get("needs_acceptance") == Some(&Value::Bool(true)) => "waits for acceptance".to_owned(),
            None if show::text(condition, "origin") == "requester-undertaking" => {
                "undertaken in the request".to_owned()
            }
            None => "binds by law".to_owned(),
        };
        let (id, code) = (show::text(condition, "id"), show::text(condition, "code"));
        writeln!(out, "{id}  {code}  {accepted}\n      {}", show::text(condition, "text"))?;
    }
    Ok(ExitCode::SUCCESS)
}
