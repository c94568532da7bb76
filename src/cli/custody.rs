//! `rogatory custody`: read the chain-of-custody log, prove an entry, check everything.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::{offline, show};
use crate::daemon::fsck;
use crate::daemon::views;
use crate::model::ident::Id;

/// The chain-of-custody log.
#[derive(Debug, clap::Args)]
pub struct CustodyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The time-line, of everything or of one request
    Log {
        /// Only this request
        #[arg(long)]
        request: Option<Id>,
        /// From this entry on
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// At most so many entries
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
        #[command(flatten)]
        place: Where,
    },
    /// One entry in full
    Show {
        /// Its index
        index: u64,
        #[command(flatten)]
        place: Where,
    },
    /// The C2SP tlog-proof that an entry is in the log
    Prove {
        /// Its index
        index: u64,
        #[command(flatten)]
        place: Where,
    },
    /// Check the whole log, its derived files and the sealed files it speaks of
    Fsck {
        /// Make derived files again where they are wrong; what is primary is never touched. The node must be stopped
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        place: Where,
    },
}

/// Runs the verb.
///
/// # Errors
/// What the node says, or what is wrong with the log.
pub fn run(args: &CustodyArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Log { request, from, limit, place } => log(*request, *from, *limit, place, out),
        Verb::Show { index, place } => {
            let index = *index;
            let path = format!("/v1/custody/{index}");
            let entry = offline::read(place, &path, |node| views::custody_entry(node, index))?;
            if place.json {
                show::document(&entry, out)?;
            } else {
                show::entry(&entry, out)?;
                show_fields(&entry, out)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Prove { index, place } => {
            let client = Client::new(place)?;
            let proof = if client.node_runs() {
                client.text(&format!("/v1/custody/{index}/proof"))?
            } else {
                offline::open(place)?.prove(*index)?
            };
            if place.json {
                show::document(&json!({ "index": index, "proof": proof }), out)?;
            } else {
                write!(out, "{proof}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Fsck { repair, place } => {
            let mode = if *repair { fsck::Mode::Repair } else { fsck::Mode::Check };
            let report = fsck::run(&place.data, mode)?;
            if place.json {
                show::document(&report.to_json(), out)?;
            } else {
                report.tell(out)?;
            }
            Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}

fn log(request: Option<Id>, from: u64, limit: usize, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let of = request.map(|id| format!("&request={id}")).unwrap_or_default();
    let path = format!("/v1/custody?from={from}&limit={limit}{of}");
    let found = offline::read(place, &path, |node| views::custody(node, request, from, limit))?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in show::list(&found, "entries") {
        show::entry(entry, out)?;
    }
    writeln!(out, "{} holds {} entries.", show::text(&found, "authority"), show::number(&found, "size"))?;
    Ok(ExitCode::SUCCESS)
}

fn show_fields(entry: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    for field in ["commitment", "request_id", "message_id", "envelope_id", "package_id", "stage"] {
        if let Some(Value::String(text)) = entry.get(field) {
            writeln!(out, "        {field:<12} {text}")?;
        }
    }
    for digest in show::list(entry, "digests") {
        writeln!(out, "        {:<18} SHA-256 {}", show::text(digest, "name"), show::text(digest, "sha256"))?;
    }
    Ok(())
}
