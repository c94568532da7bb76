//! `rogatory request check`: what is missing in a request, and what the look-up says of its legal basis. Changes nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::request_new::read_file;
use crate::cli::{offline, request_basis, show};
use crate::daemon::{basis_view, content, views};
use crate::model::ident::Id;
use crate::model::request::{Measure, RequestBody};

/// Where the node is, if one is asked.
#[derive(Debug, clap::Args)]
pub struct CheckPlace {
    /// The node's data directory; not needed for a file
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The officer who acts
    #[arg(long = "as", env = "ROGATORY_OFFICER", value_name = "NAME")]
    officer: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What a check found.
struct Found {
    body: RequestBody,
    content: Value,
    /// Nothing where no node was asked.
    basis: Option<Value>,
}

/// Says what is missing, and what the legal basis is. Ends with 1 if anything is missing or open.
///
/// # Errors
/// When the request cannot be read, or the node does not answer.
pub fn check(what: &str, place: &CheckPlace, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = match what.parse::<Id>() {
        Ok(id) => in_log(id, &place.at().context("name the node's data directory with --data")?)?,
        Err(_) => in_file(Path::new(what), place)?,
    };
    found.body.check_bounds()?;
    let missing = found.body.missing();
    let complete = found.content.get("complete").and_then(Value::as_bool).unwrap_or(false);
    let settled = found.basis.as_ref().is_none_or(|view| view.get("settled").and_then(Value::as_bool).unwrap_or(false));
    if place.json {
        let findings = show::list(&found.content, "findings");
        let told = json!({ "complete": complete, "missing": missing, "findings": findings, "basis": found.basis });
        show::document(&told, out)?;
    } else {
        print_findings(&found.content, out)?;
        match &found.basis {
            Some(view) => request_basis::print_look_up(view, out)?,
            None => {
                writeln!(out, "Not looked up: the legal basis and the addressee's law; name the node with --data")?;
            }
        }
    }
    Ok(if complete && settled { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn in_log(id: Id, place: &Where) -> anyhow::Result<Found> {
    let thread = offline::read(place, &format!("/v1/requests/{id}"), |node| views::request(node, id))?;
    let first = show::list(&thread, "messages").first().and_then(|message| message.get("body")).cloned();
    let path = format!("/v1/requests/{id}/basis");
    let basis = offline::read(place, &path, |node| basis_view::of_request(node, id))?;
    let path = format!("/v1/requests/{id}/content");
    let content = offline::read(place, &path, |node| content::of_request(node, id))?;
    let body = serde_json::from_value(first.context("the request holds no message")?)?;
    Ok(Found { body, content, basis: Some(basis) })
}

fn in_file(path: &Path, place: &CheckPlace) -> anyhow::Result<Found> {
    let mut new = read_file(path)?;
    if new.request.measures.iter().all(|measure: &Measure| measure.description.trim().is_empty()) {
        // The template begins a measure for its reader: left blank, it is a gap like the others, and all are told at once.
        new.request.measures.clear();
    }
    let Some(place) = place.at() else {
        let content = content::told(&content::of_file(None, &new));
        return Ok(Found { body: new.request, content, basis: None });
    };
    let client = Client::new(&place)?;
    let (content, basis) = if client.node_runs() {
        (client.post("/v1/content", &new)?, client.post("/v1/basis", &new)?)
    } else {
        let node = offline::open(&place)?;
        (content::told(&content::of_file(Some(&node), &new)), basis_view::of_file(&node, &new)?)
    };
    Ok(Found { body: new.request, content, basis: Some(basis) })
}

/// What is missing, doubtful, optional; each with what to write and with what asks for it.
///
/// # Errors
/// When the output is gone.
pub fn print_findings(content: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let findings = show::list(content, "findings");
    let of = |state: &'static str| findings.iter().filter(move |one| show::text(one, "state") == state);
    if of("missing").next().is_none() {
        writeln!(out, "Complete: every field that a request must have is there.")?;
    }
    for (state, word) in [("missing", "MISSING "), ("doubtful", "doubtful"), ("optional", "optional")] {
        for one in of(state) {
            let measure = match one.get("measure").and_then(Value::as_str) {
                Some(measure) => format!(" of help {measure}"),
                None => String::new(),
            };
            writeln!(out, "{word}  {}{measure}: {}", show::text(one, "what"), show::text(one, "write"))?;
            writeln!(out, "          {}", ground(one.get("ground").unwrap_or(&Value::Null)))?;
        }
    }
    let fine = of("fine").count();
    if fine > 0 {
        writeln!(out, "{fine} more that the instruments and the addressee ask for are there.")?;
    }
    Ok(())
}

/// What asks for something, for people.
pub fn ground(ground: &Value) -> String {
    let field = |name: &str| show::text(ground, name);
    match field("by") {
        "article" => format!("{} art. {} [{}]", field("short"), field("article"), field("mark")),
        "requirement" => format!("law of {} [{}: {}]", field("authority"), field("source"), field("note")),
        "house" => "every request has it".to_owned(),
        _ => "no list is known: a person must look".to_owned(),
    }
}

impl CheckPlace {
    fn at(&self) -> Option<Where> {
        let data = self.data.clone()?;
        Some(Where { data, officer: self.officer.clone(), json: self.json })
    }
}
