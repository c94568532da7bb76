//! `rogatory rotate`: replaces a key of a stopped node, logged with both public halves.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::client::Where;
use crate::cli::show;
use crate::daemon::rotate::{self, Kind};

/// Replace a key of the node, which must be stopped.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// log: signs the custody log · sealing: peers seal to it · signing: signs legal acts · witness: cosigns other logs ·
    /// tls: the node's links
    #[arg(value_enum)]
    key: Key,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Key {
    Log,
    Sealing,
    Signing,
    Witness,
    Tls,
}

/// Runs the verb.
///
/// # Errors
/// Why no key was replaced.
pub fn run(args: &RotateArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let kind = match args.key {
        Key::Log => Kind::Log,
        Key::Sealing => Kind::Sealing,
        Key::Signing => Kind::Signing,
        Key::Witness => Kind::Witness,
        Key::Tls => Kind::Tls,
    };
    let place = &args.place;
    let done = rotate::rotate(&place.data, kind, place.officer.as_deref())?;
    if place.json {
        show::document(&serde_json::to_value(&done)?, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "replaced the {} key; record {} of the custody log says so", kind.name(), done.record)?;
    for (name, digest) in &done.keys {
        writeln!(out, "  {name:<10} SHA-256 {digest}")?;
    }
    let data = place.data.display();
    match kind {
        Kind::Log => writeln!(out, "The old key signs no more and is gone; custody/rotations holds the evidence.")?,
        Kind::Sealing => {
            writeln!(out, "The old key stays in keys/ as receiving-retired-…: what was sealed to it still opens.")?;
        }
        Kind::Signing | Kind::Tls => {
            writeln!(out, "The old certificate was not revoked; if its key was lost, revoke it.")?;
        }
        Kind::Witness => writeln!(out, "The old key stays in the row, so that old cosignatures verify.")?,
    }
    if done.row_changed {
        writeln!(out, "\nNext: hand {data}/directory-entry.json to the directory's keepers")?;
    }
    writeln!(out, "{}rogatory serve --data {data}", if done.row_changed { "      " } else { "\nNext: " })?;
    Ok(ExitCode::SUCCESS)
}
