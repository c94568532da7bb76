//! `rogatory custody`: read the chain-of-custody log, prove an entry, check everything.

use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::erase::{self, EraseArgs};
use crate::cli::{custody_time, offline, show, witness};
use crate::daemon::fsck;
use crate::daemon::home::Home;
use crate::daemon::views;
use crate::model::ident::Id;
use crate::wire::receipt;

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
    /// The C2SP tlog-proof that an entry is in the log; with the record and its salt if a folder is named
    Prove {
        /// Its index
        index: u64,
        /// Write what `rogatory verify` asks for into this folder: <index>.tlog-proof, .record, .salt, and log.vkey. Whoever
        /// gets the folder can read the record
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        #[command(flatten)]
        place: Where,
    },
    /// Print the newest cosigned checkpoint, a C2SP signed note
    Checkpoint {
        #[command(flatten)]
        place: Where,
    },
    /// Who cosigned this log, what is held of other logs, evidence against them, gaps
    Witness {
        #[command(flatten)]
        place: Where,
    },
    /// Ask every time-stamp authority of the settings for a token over the newest checkpoint, now
    Renew {
        #[command(flatten)]
        place: Where,
    },
    /// The time-stamps over the log, each checked, as the chain of renewals that they make; and the gaps
    Stamps {
        #[command(flatten)]
        place: Where,
    },
    /// Erase records from the journal for ever; their places and all proofs stay. One officer asks, another confirms
    Erase(EraseArgs),
    /// Check the whole log, its derived files and the sealed files it speaks of; also while the node runs
    ///
    /// Ends with 0 when everything is sound, 3 when nothing is wrong and something could not be checked, 1 when something is
    /// wrong or the check could not be made.
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
        Verb::Prove { index, to: None, place } => prove(*index, place, out),
        Verb::Prove { index, to: Some(folder), place } => disclose(*index, folder, place, out),
        Verb::Checkpoint { place } => witness::checkpoint(place, out),
        Verb::Witness { place } => witness::status(place, out),
        Verb::Renew { place } => custody_time::renew(place, out),
        Verb::Stamps { place } => custody_time::stamps(place, out),
        Verb::Erase(args) => erase::run(args, out),
        Verb::Fsck { repair, place } => {
            let mode = if *repair { fsck::Mode::Repair } else { fsck::Mode::Check };
            let mut rate = Rate::new();
            let findings = fsck::run(&place.data, mode, &mut |progress| rate.show(progress));
            rate.clear();
            let findings = findings?;
            if place.json {
                show::document(&findings.to_json(), out)?;
            } else {
                findings.tell(out)?;
            }
            Ok(ExitCode::from(findings.exit_code()))
        }
    }
}

/// A line on the terminal that says how far the check is and how fast; nothing where no person looks.
struct Rate {
    begun: Option<(fsck::Part, Instant)>,
    shown: Option<Instant>,
    live: bool,
}

impl Rate {
    fn new() -> Self {
        Self { begun: None, shown: None, live: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, progress: fsck::Progress) {
        let now = Instant::now();
        let begun = match self.begun {
            Some((part, begun)) if part == progress.part => begun,
            _ => self.begun.insert((progress.part, now)).1,
        };
        let often = self.shown.is_some_and(|shown| now.duration_since(shown).as_millis() < 200);
        if !self.live || often {
            return;
        }
        self.shown = Some(now);
        let what = match progress.part {
            fsck::Part::Journal => "journal",
            fsck::Part::Sealed => "sealed files",
        };
        let percent = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(100);
        let millis = u64::try_from(now.duration_since(begun).as_millis()).unwrap_or(u64::MAX).max(1);
        eprint!("\r{what} {percent:3} %  {} MB/s   ", progress.done / 1_000 / millis);
    }

    fn clear(&self) {
        if self.shown.is_some() {
            eprint!("\r{:40}\r", "");
        }
    }
}

fn prove(index: u64, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(place)?;
    let proof = if client.node_runs() {
        client.text(&format!("/v1/custody/{index}/proof"))?
    } else {
        offline::open(place)?.prove(index)?
    };
    if place.json {
        show::document(&json!({ "index": index, "proof": proof }), out)?;
    } else {
        write!(out, "{proof}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A proof is about a commitment: only with the record and its salt can a stranger check what was logged.
fn disclose(index: u64, folder: &Path, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(place)?;
    let mut receipt = Vec::new();
    if client.node_runs() {
        client.download(&format!("/v1/custody/{index}/receipt"), &mut receipt)?;
    } else {
        receipt = offline::open(place)?.receipt(index)?;
    }
    let parts = receipt::decode(&receipt)?;
    let key = fs::read(Home::at(&place.data).custody().join("log.vkey")).context("cannot read custody/log.vkey")?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let files: [(String, &[u8]); 3] = [
        (format!("{index}.record"), &parts.record),
        (format!("{index}.salt"), &parts.salt),
        (format!("{index}.tlog-proof"), parts.proof.as_bytes()),
    ];
    for (name, bytes) in &files {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.with_context(|| format!("cannot make {}; nothing is overwritten", path.display()))?.write_all(bytes)?;
    }
    fs::write(folder.join("log.vkey"), key)?;
    if place.json {
        show::document(&json!({ "index": index, "proof": parts.proof, "to": folder }), out)?;
    } else {
        let folder = folder.display();
        writeln!(out, "wrote    {folder}/{index}.tlog-proof, .record, .salt and log.vkey")?;
        writeln!(out, "\nNext: anybody checks it:  rogatory verify {folder}/{index}.tlog-proof --log-key KEY")?;
        writeln!(out, "      KEY is the log's key from the directory: rogatory directory show PATH")?;
    }
    Ok(ExitCode::SUCCESS)
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
    if let Some(next) = found.get("next").and_then(Value::as_u64) {
        writeln!(out, "More follows: --from {next}")?;
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
