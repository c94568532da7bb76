//! `rogatory verify PATH…`: verifies a bag, two bags, a log, a proof or a receipt offline. Needs no daemon, no network, no keys.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::bag::folder::Progress;
use crate::bag::verdict::{Check, Outcome, Verdict, Word};
use crate::bag::verify::{Given, verify, verify_both, verify_stream};
use crate::custody::note::VerifierKey;
use crate::custody::policy::Policy;
use crate::daemon::time_settings::read_anchors;
use crate::exchange::keeper::Fingerprint;
use crate::model::time::Timestamp;

/// Verify a bag, the two sides' bags of one exchange, a custody log, a .tlog-proof, a .consistency or a .receipt, offline.
///
/// Ends with 0 when everything holds, 3 when nothing failed and something could not be checked, 1 when something failed.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The folder of a bag or of a custody log, a .tar of a bag (- for the standard input), a .tlog-proof or a .receipt.
    pub path: PathBuf,
    /// The other side's bag of the same exchange, to be compared with the first.
    #[arg(value_name = "OTHER")]
    pub other: Option<PathBuf>,
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
    /// The CA certificates, PEM, that you trust for time-stamps, beside those that the directory lists. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Vec<PathBuf>,
    /// A policy (C2SP tlog-policy): the logs and witnesses that you trust, and how many of these must have cosigned.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The later checkpoint of a .consistency; without it, the one beside it.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
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
        let (record, salt, checkpoint) = (args.record.clone(), args.salt.clone(), args.checkpoint.clone());
        let (time_stamp_anchors, policy) = (anchors(&args.tsa_ca)?, args.policy.as_deref().map(policy).transpose()?);
        let trusted_root = args.trust_root;
        let given = Given { trusted_root, log_keys, record, salt, time_stamp_anchors, policy, checkpoint };
        let mut bar = Bar::new();
        let mut show = |progress| bar.show(progress);
        let verdict = match &args.other {
            Some(other) => verify_both([&args.path, other], &given, now, &mut show),
            None if args.path.as_os_str() == "-" => verify_stream(&mut std::io::stdin().lock(), &given, now, &mut show),
            None => verify(&args.path, &given, now, &mut show),
        };
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

fn anchors(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, String> {
    Ok(files.iter().map(|file| read_anchors(file)).collect::<Result<Vec<_>, _>>()?.concat())
}

fn policy(path: &Path) -> Result<Policy, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| fault(&error))?;
    Policy::parse(&bytes).map_err(|error| fault(&error))
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
    let wrong: Vec<&Check> = of(verdict, |outcome| matches!(outcome, Outcome::Failed { .. }));
    let open: Vec<&Check> = of(verdict, |outcome| matches!(outcome, Outcome::NotChecked { .. }));
    let said = match verdict.verdict {
        Word::Verified => "everything that can be checked here was checked, and holds.".to_owned(),
        Word::VerifiedInPart => {
            format!("nothing is wrong; {} could not be checked, and why stands first below.", things(open.len()))
        }
        Word::Failed if wrong.is_empty() => "nothing at all could be checked.".to_owned(),
        Word::Failed => format!(
            "{} not hold. Rely on nothing below before that is explained.",
            if wrong.len() == 1 { "one thing does".to_owned() } else { format!("{} things do", wrong.len()) }
        ),
    };
    writeln!(out, "{}: {said}", verdict.verdict.told())?;
    write_checks("What does not hold", &wrong, out)?;
    write_checks("What could not be checked", &open, out)?;
    for (number, line) in verdict.story.iter().enumerate() {
        if let Some((_, heading)) = verdict.headings.iter().find(|(before, _)| *before == number) {
            writeln!(out, "\n{heading}")?;
        } else if number == 0 {
            writeln!(out)?;
        }
        writeln!(out, "  {line}")?;
    }
    if !verdict.limits.is_empty() {
        writeln!(out, "\nWhat this verdict does not say")?;
        for line in &verdict.limits {
            writeln!(out, "  {line}")?;
        }
    }
    write_checks("Every check", &verdict.checks.iter().collect::<Vec<_>>(), out)?;
    if let Some(digest) = &verdict.container {
        writeln!(out, "\nContainer digest (SHA-256 of tagmanifest-sha256.txt): {digest}")?;
    }
    writeln!(out, "\n{}", verdict.verdict.told())
}

fn of(verdict: &Verdict, wanted: fn(&Outcome) -> bool) -> Vec<&Check> {
    verdict.checks.iter().filter(|check| wanted(&check.outcome)).collect()
}

fn things(count: usize) -> String {
    if count == 1 { "one thing".to_owned() } else { format!("{count} things") }
}

fn write_checks(heading: &str, checks: &[&Check], out: &mut dyn Write) -> std::io::Result<()> {
    if !checks.is_empty() {
        writeln!(out, "\n{heading}")?;
    }
    for check in checks {
        let (mark, why) = match &check.outcome {
            Outcome::Passed => ("ok        ", None),
            Outcome::Failed { why } => ("FAILED    ", Some(why)),
            Outcome::NotChecked { why } => ("not shown ", Some(why)),
        };
        let file = check.file.as_ref().map(|file| format!(" [{file}]")).unwrap_or_default();
        writeln!(out, "  {mark}{}{file}", check.what)?;
        if let Some(why) = why {
            writeln!(out, "            {why}")?;
        }
    }
    Ok(())
}

/// A line on the terminal that says how far the reading is; nothing where no person looks.
struct Bar {
    shown: Option<u64>,
    live: bool,
}

impl Bar {
    fn new() -> Self {
        Self { shown: None, live: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, progress: Progress) {
        // Of a pipe the length is not known: then it is told in steps of 16 MiB.
        let step = match progress.total {
            0 => progress.done >> 24,
            total => progress.done.saturating_mul(100) / total,
        };
        if self.live && self.shown != Some(step) {
            self.shown = Some(step);
            match progress.total {
                0 => eprint!("\rread {} MiB", step << 4),
                _ => eprint!("\rreading {step:3} %"),
            }
        }
    }

    fn clear(&self) {
        if self.live && self.shown.is_some() {
            eprint!("\r                \r");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bag::verdict::Findings;

    fn printed(findings: Findings) -> String {
        let mut out = Vec::new();
        write_text(&findings.verdict("bag"), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_word_comes_first_then_what_is_wrong_then_what_is_open_then_the_story() {
        let mut findings = Findings::default();
        findings.heading("Sent by whom");
        findings.heading("Which files");
        findings.tell("File 1");
        findings.passed("it is whole", None);
        findings.not_checked("it is signed", None, "no directory");
        let part = printed(findings);
        assert!(part.starts_with("VERIFIED IN PART: nothing is wrong; one thing could not be checked"), "{part}");
        let mut findings = Findings::default();
        findings.heading("Which files");
        findings.tell("File 1");
        findings.not_checked("it is signed", None, "no directory");
        findings.failed("it is whole", Some("data/0001/a"), "it was altered");
        let failed = printed(findings);
        assert!(failed.starts_with("FAILED: one thing does not hold. Rely on nothing below"), "{failed}");
        let places: Vec<_> =
            ["What does not hold", "it was altered", "What could not be checked", "Which files", "Every check"]
                .map(|words| failed.find(words).unwrap())
                .to_vec();
        assert!(places.is_sorted(), "{failed}");
        assert!(!part.contains("Sent by whom"), "a heading without a line under it is not printed");
        assert!(failed.ends_with("\nFAILED\n") && part.ends_with("\nVERIFIED IN PART\n"));
    }
}
