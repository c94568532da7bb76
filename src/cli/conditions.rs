//! `rogatory conditions`: read the conditions on what came, and accept them.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::request::print_row;
use crate::cli::{offline, show};
use crate::daemon::views;
use crate::model::ident::Id;

/// Conditions on the use of a package.
#[derive(Debug, clap::Args)]
pub struct ConditionsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The conditions of a package, with their texts
    List {
        /// The package
        package: Id,
        #[command(flatten)]
        place: Where,
    },
    /// Accept every condition that waits; a second officer runs the same command to approve and send
    Accept {
        /// The package
        package: Id,
        #[command(flatten)]
        place: Where,
    },
}

/// Runs the verb.
///
/// # Errors
/// What the node says.
pub fn run(args: &ConditionsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List { package, place } => {
            let id = *package;
            let found = offline::read(place, &format!("/v1/packages/{id}"), |node| views::package(node, id))?;
            let conditions = show::list(&found, "conditions");
            if place.json {
                show::document(&json!({ "package_id": id, "conditions": conditions }), out)?;
                return Ok(ExitCode::SUCCESS);
            }
            if conditions.is_empty() {
                writeln!(out, "The package has no conditions.")?;
            }
            for condition in conditions {
                let (id, code) = (show::text(condition, "id"), show::text(condition, "code"));
                writeln!(out, "{id}  {code} ({})", show::text(condition, "origin"))?;
                writeln!(out, "      {}", show::text(condition, "text"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
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
    }
}
