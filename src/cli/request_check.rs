//! `rogatory request check`: what is missing in a request, and what the look-up says of its legal basis. Changes nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::request::read_file;
use crate::cli::{offline, request_basis, show};
use crate::daemon::api_routes::NewRequest;
use crate::daemon::{basis_view, views};
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

/// Says what is missing, and what the legal basis is. Ends with 1 if anything is missing or open.
///
/// # Errors
/// When the request cannot be read, or the node does not answer.
pub fn check(what: &str, place: &CheckPlace, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (mut body, looked_up): (RequestBody, Option<Value>) = match what.parse::<Id>() {
        Ok(id) => {
            let place = place.at().context("name the node's data directory with --data")?;
            let thread = offline::read(&place, &format!("/v1/requests/{id}"), |node| views::request(node, id))?;
            let first = show::list(&thread, "messages").first().and_then(|message| message.get("body")).cloned();
            let path = format!("/v1/requests/{id}/basis");
            let looked_up = offline::read(&place, &path, |node| basis_view::of_request(node, id))?;
            (serde_json::from_value(first.context("the request holds no message")?)?, Some(looked_up))
        }
        Err(_) => {
            let new = read_file(Path::new(what))?;
            let looked_up = place.at().map(|place| look_up(&place, &new)).transpose()?;
            (new.request, looked_up)
        }
    };
    if body.measures.iter().all(|measure: &Measure| measure.description.trim().is_empty()) {
        // The template begins a measure for its reader: left blank, it is a gap like the others, and all are told at once.
        body.measures.clear();
    }
    body.check_bounds()?;
    let missing = body.missing();
    let settled = looked_up.as_ref().is_none_or(|view| view.get("settled").and_then(Value::as_bool).unwrap_or(false));
    if place.json {
        show::document(&json!({ "complete": missing.is_empty(), "missing": missing, "basis": looked_up }), out)?;
    } else {
        if missing.is_empty() {
            writeln!(out, "Complete: every field that a request must have is there.")?;
            writeln!(out, "Not checked: what the instrument and the addressee's law ask for beyond that.")?;
        } else {
            writeln!(out, "Missing: {}", missing.join(", "))?;
        }
        match &looked_up {
            Some(view) => request_basis::print_look_up(view, out)?,
            None => writeln!(out, "Not looked up: the legal basis; name the node with --data")?,
        }
    }
    Ok(if missing.is_empty() && settled { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What the node says to a request that is no draft yet, whether it runs or not.
fn look_up(place: &Where, new: &NewRequest) -> anyhow::Result<Value> {
    let client = Client::new(place)?;
    if client.node_runs() {
        return client.post("/v1/basis", new);
    }
    Ok(basis_view::of_file(&offline::open(place)?, new)?)
}

impl CheckPlace {
    fn at(&self) -> Option<Where> {
        let data = self.data.clone()?;
        Some(Where { data, officer: self.officer.clone(), json: self.json })
    }
}
