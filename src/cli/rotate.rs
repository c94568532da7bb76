//! `rogatory rotate`: replaces a key of a node, running or stopped, logged with both public halves.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::daemon::rotate::{self, Kind, Rotated};

/// Replace a key of the node, beside its work or while it is stopped.
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
pub(super) enum Key {
    Log,
    Sealing,
    Signing,
    Witness,
    Tls,
}

impl From<Key> for Kind {
    fn from(key: Key) -> Self {
        match key {
            Key::Log => Self::Log,
            Key::Sealing => Self::Sealing,
            Key::Signing => Self::Signing,
            Key::Witness => Self::Witness,
            Key::Tls => Self::Tls,
        }
    }
}

/// Runs the verb.
///
/// # Errors
/// Why no key was replaced.
pub fn run(args: &RotateArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let kind = Kind::from(args.key);
    let place = &args.place;
    let client = Client::new(place)?;
    let running = client.node_runs();
    let done: Rotated = if running {
        client.post(&format!("/v1/keys/{}/rotation", kind.name()), &serde_json::Value::Null)?
    } else {
        rotate::rotate(&place.data, kind, place.officer.as_deref())?
    };
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
    if running {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}rogatory serve --data {data}", if done.row_changed { "      " } else { "\nNext: " })?;
    Ok(ExitCode::SUCCESS)
}
