//! `rogatory custody checkpoint` and `custody witness`: the newest cosigned checkpoint, and who watches whom.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::client::Where;
use crate::cli::{offline, show};
use crate::daemon::witness_view;

/// Prints the newest cosigned checkpoint: the exact signed note, to be handed to anybody.
///
/// # Errors
/// What the node says, or that nothing was published yet.
pub(super) fn checkpoint(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, "/v1/custody/checkpoint", witness_view::checkpoint)?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    match found.get("checkpoint") {
        Some(Value::String(note)) => write!(out, "{note}")?,
        _ => anyhow::bail!("no checkpoint was published yet; start the node once"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells who cosigned what, what is held of whom, evidence and gaps. Evidence makes it end with 1.
///
/// # Errors
/// What the node says, or what cannot be read.
pub(super) fn status(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, "/v1/custody/witness", witness_view::witness)?;
    let held = show::list(&found, "held");
    let against_us = show::list(&found, "own_evidence");
    let accused = held.iter().any(|log| !show::list(log, "evidence").is_empty()) || !against_us.is_empty();
    let code = if accused { ExitCode::from(1) } else { ExitCode::SUCCESS };
    if place.json {
        show::document(&found, out)?;
        return Ok(code);
    }
    writeln!(
        out,
        "{} holds {}.",
        show::text(&found, "log"),
        show::counted(show::number(&found, "size"), "entry", "entries")
    )?;
    let witnesses = show::list(&found, "witnesses");
    if witnesses.is_empty() {
        writeln!(
            out,
            "Nobody has cosigned it yet: no peer was linked since, and no witness of custody/policy answered."
        )?;
    }
    for witness in witnesses {
        let (name, algorithm, at) =
            (show::text(witness, "witness"), show::text(witness, "algorithm"), show::text(witness, "at"));
        writeln!(out, "  cosigned by {name} ({algorithm}): {} entries at {at}", show::number(witness, "size"))?;
    }
    for gap in show::list(&found, "gaps") {
        let (name, since, why) = (show::text(gap, "witness"), show::text(gap, "since"), show::text(gap, "why"));
        writeln!(out, "  GAP: {name} gives no cosignature since {since}: {why}")?;
    }
    tell_evidence(against_us, out)?;
    for log in held {
        let (name, size, links) = (show::text(log, "log"), show::number(log, "size"), show::number(log, "links"));
        let (size, links) =
            (show::counted(size, "entry", "entries"), show::counted(links, "older checkpoint", "older checkpoints"));
        writeln!(out, "Held of {name}: {size}, {links} linked.")?;
        let open = show::number(log, "unlinked_receipts") + show::number(log, "unlinked_talk");
        if open > 0 {
            let open = show::counted(open, "checkpoint is", "checkpoints are");
            writeln!(out, "  {open} not linked yet; its owner is asked at the next link")?;
        }
        let web = show::number(log, "unlinked_web");
        if web > 0 {
            let web =
                show::counted(web, "checkpoint that strangers brought is", "checkpoints that strangers brought are");
            writeln!(out, "  {web} not linked yet")?;
        }
        tell_evidence(show::list(log, "evidence"), out)?;
    }
    Ok(code)
}

fn tell_evidence(found: &[Value], out: &mut dyn Write) -> anyhow::Result<()> {
    for evidence in found {
        let (fault, weight) = (show::text(evidence, "fault"), show::text(evidence, "weight"));
        let (old, new) = (show::number(evidence, "earlier"), show::number(evidence, "later"));
        writeln!(
            out,
            "  EVIDENCE ({fault}, {weight}): checkpoints of {old} and {new} entries, found {}",
            show::text(evidence, "found_at")
        )?;
        writeln!(out, "    both signed notes: {}", show::text(evidence, "at"))?;
    }
    Ok(())
}
