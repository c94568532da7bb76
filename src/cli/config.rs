//! `rogatory config show`: every setting, what is in force, where it came from, and what it would be by default.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::show;
use crate::daemon::config::variables;
use crate::daemon::home::Home;
use crate::daemon::settings::{Line, Settings, Source};

/// The settings.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Every setting with its value, its source and its default, as the next start would take it
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The node's data directory
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// What is wrong with the settings.
pub fn run(args: &ConfigArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let Verb::Show(args) = &args.verb;
    let file = Home::at(&args.data).config();
    let lines = Settings::read(&file, variables())?.lines();
    if args.json {
        let settings: Vec<Value> = lines.iter().map(document).collect();
        show::document(&json!({ "file": file, "settings": settings }), out)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}", file.display())?;
    for line in &lines {
        let value = line.value.as_deref().unwrap_or("-");
        let default = line.default.as_deref().unwrap_or("none");
        match source(line) {
            "default" => writeln!(out, "{:<32}{value}   (default)", line.name)?,
            from => writeln!(out, "{:<32}{value}   ({from}; default: {default})", line.name)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn source(line: &Line) -> &str {
    match &line.source {
        Source::File => "config.toml",
        Source::Variable(variable) => variable,
        Source::Default => "default",
    }
}

fn document(line: &Line) -> Value {
    json!({ "name": line.name, "value": line.value, "source": source(line), "default": line.default })
}
