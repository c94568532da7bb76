//! `rogatory verify PATH`: verifies a bag, a log, a proof or a receipt offline. Needs no daemon, no network, no keys.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::bag::folder::Progress;
use crate::bag::verdict::{Outcome, Verdict, Word};
use crate::bag::verify::{Given, verify};
use crate::custody::note::VerifierKey;
use crate::exchange::keeper::Fingerprint;
use crate::model::time::Timestamp;

/// Verify a bag, a custody log, a .tlog-proof or a .receipt, offline.
///
/// Ends with 0 when everything holds, 3 when nothing failed and something could not be checked, 1 when something failed.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The folder of a bag or of a custody log, or a .tlog-proof or .receipt file.
    pub path: PathBuf,
    /// The root of the directory that you trust, as its keepers published it (64 hexadecimal digits).
    #[arg(long, value_name = "HEX")]
    pub trust_root: Option<Fingerprint>,
    /// The verifier key of a log that you trust: its text, or a file that holds it. May be repeated.
    #[arg(long, value_name = "VKEY|FILE")]
    pub log_key: Vec<String>,
    /// The custody record that a .tlog-proof is about; without it, the one of the same name beside it.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The salt of that record.
    #[arg(long, value_name = "FILE")]
    pub salt: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Runs the verb and writes the verdict to `out`.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: &VerifyArgs, now: Timestamp, out: &mut dyn Write) -> std::io::Result<ExitCode> {
    let verdict = keys(&args.log_key).and_then(|log_keys| {
        let (record, salt) = (args.record.clone(), args.salt.clone());
        let given = Given { trusted_root: args.trust_root, log_keys, record, salt };
        let mut bar = Bar::new();
        let verdict = verify(&args.path, &given, now, &mut |progress| bar.show(progress));
        bar.clear();
        verdict.map_err(|error| error.to_string())
    });
    match verdict {
        Ok(verdict) => {
            if args.json {
                serde_json::to_writer_pretty(&mut *out, &verdict)?;
                writeln!(out)?;
            } else {
                write_text(&verdict, out)?;
            }
            Ok(ExitCode::from(verdict.verdict.exit_code()))
        }
        Err(why) => {
            eprintln!("rogatory verify: {why}");
            Ok(ExitCode::from(2))
        }
    }
}

fn keys(texts: &[String]) -> Result<Vec<VerifierKey>, String> {
    let mut keys = Vec::new();
    for text in texts {
        if let Ok(key) = text.parse() {
            keys.push(key);
            continue;
        }
        let file =
            std::fs::read_to_string(text).map_err(|error| format!("{text} is no verifier key and no file: {error}"))?;
        for line in file.lines() {
            keys.push(line.parse().map_err(|error| format!("{text}: {error}"))?);
        }
    }
    Ok(keys)
}

fn write_text(verdict: &Verdict, out: &mut dyn Write) -> std::io::Result<()> {
    if verdict.verdict == Word::Failed {
        writeln!(out, "Rely on nothing below before the lines marked FAILED are explained.\n")?;
    }
    for line in &verdict.story {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    for check in &verdict.checks {
        let (mark, why) = match &check.outcome {
            Outcome::Passed => ("  ok        ", None),
            Outcome::Failed { why } => ("  FAILED    ", Some(why)),
            Outcome::NotChecked { why } => ("  not shown ", Some(why)),
        };
        let file = check.file.as_ref().map(|file| format!(" [{file}]")).unwrap_or_default();
        writeln!(out, "{mark}{}{file}", check.what)?;
        if let Some(why) = why {
            writeln!(out, "            {why}")?;
        }
    }
    if !verdict.limits.is_empty() {
        writeln!(out, "\nWhat this verdict does not say:")?;
        for line in &verdict.limits {
            writeln!(out, "  {line}")?;
        }
    }
    writeln!(out, "\n{}", verdict.verdict.told())
}

/// A line on the terminal that says how far the reading is; nothing where no person looks.
struct Bar {
    shown_percent: Option<u64>,
    live: bool,
}

impl Bar {
    fn new() -> Self {
        Self { shown_percent: None, live: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, progress: Progress) {
        let percent = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(100);
        if self.live && self.shown_percent != Some(percent) {
            self.shown_percent = Some(percent);
            eprint!("\rreading {percent:3} %");
        }
    }

    fn clear(&self) {
        if self.live && self.shown_percent.is_some() {
            eprint!("\r                \r");
        }
    }
}
