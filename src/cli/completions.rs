//! `rogatory completions SHELL`: what a shell needs to complete verbs and flags. Knows no data.

use std::io::Write;
use std::process::ExitCode;

use clap_complete::{Shell, generate};

/// Print the completions for a shell.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the verb for the program that `command` describes.
///
/// # Errors
/// When the output is gone.
pub fn run(args: &CompletionsArgs, mut command: clap::Command, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    // Into memory first: the generator ends the process when its output breaks.
    let mut text = Vec::new();
    generate(args.shell, &mut command, "rogatory", &mut text);
    out.write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}
