//! `rogatory custody renew` and `rogatory custody stamps`: time-stamps over the custody log, asked for and listed.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::{offline, show};
use crate::daemon::stamps;

/// Asks every time-stamp authority of the settings now.
///
/// # Errors
/// What the node says.
pub fn renew(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let answer: Value = Client::new(place)?.post("/v1/time-stamps", &Value::Null)?;
    let told = show::list(&answer, "time_stamps");
    let failed = told.iter().any(|one| one.get("error").is_some());
    if place.json {
        show::document(&answer, out)?;
    } else {
        for one in told {
            match one.get("error") {
                Some(_) => {
                    writeln!(out, "{}: no time-stamp: {}", show::text(one, "authority"), show::text(one, "error"))?
                }
                None => {
                    writeln!(
                        out,
                        "{}: {}  the first {} entries of the log were there at that time (record {})",
                        show::text(one, "authority"),
                        time(one),
                        show::number(one, "size"),
                        show::number(one, "index"),
                    )?;
                    writeln!(out, "        signed by {}; {}", show::text(one, "signer"), show::text(one, "clock"))?;
                }
            }
        }
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Lists the chain of renewals.
///
/// # Errors
/// What the node says, or why its data cannot be read.
pub fn stamps(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found = offline::read(place, "/v1/time-stamps", stamps::view)?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    show::more(&found, out)?;
    for one in show::list(&found, "time_stamps") {
        let (index, name) = (show::number(one, "index"), show::text(one, "authority"));
        if one.get("gap").is_some() {
            writeln!(out, "{index:>6}  {}  {name}: no time-stamp; a gap begins", show::text(one, "at"))?;
            continue;
        }
        let renews = match show::number(one, "renews") {
            0 => String::new(),
            1 => ", the time-stamp before it among them".to_owned(),
            many => format!(", {many} earlier time-stamps among them"),
        };
        let size = show::counted(show::number(one, "size"), "entry", "entries");
        writeln!(out, "{index:>6}  {}  {name}: covers {size}{renews}", time(one))?;
        match show::text(one, "checked") {
            "holds" => writeln!(out, "        holds; signed by {}", show::text(one, "signer"))?,
            why => writeln!(out, "        {why}")?,
        }
    }
    for one in show::list(&found, "authorities") {
        if let Some(Value::String(since)) = one.get("gap_since") {
            let why = match show::text(one, "error") {
                "-" => String::new(),
                why => format!(": {why}"),
            };
            writeln!(out, "{} has not answered since {since}{why}", show::text(one, "name"))?;
        }
        if let Some(Value::String(clock)) =
            one.get("clock").filter(|told| !told.as_str().unwrap_or("").contains("agrees"))
        {
            writeln!(out, "{}: {clock}; check both clocks", show::text(one, "name"))?;
        }
    }
    let (size, covered) = (show::number(&found, "size"), show::number(&found, "covered"));
    let entries = show::counted(size, "entry", "entries");
    writeln!(out, "{} holds {entries}; {}.", show::text(&found, "authority"), attested(size, covered))?;
    if show::list(&found, "authorities").is_empty() {
        writeln!(
            out,
            "No time-stamp authority is set up; add a [[time_stamp]] section to config.toml and start again."
        )?;
    } else if covered < size {
        writeln!(out, "The rest follows at the next time-stamp; `rogatory custody renew` asks for one now.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn attested(size: u64, covered: u64) -> String {
    match covered {
        0 => "the time of none is attested".to_owned(),
        _ if covered >= size => "the time of each is attested".to_owned(),
        1 => "the time of the first is attested".to_owned(),
        _ => format!("the times of the first {covered} are attested"),
    }
}

fn time(one: &Value) -> String {
    let accuracy = one.get("accuracy_ms").and_then(Value::as_u64);
    let accuracy = accuracy.map(|ms| format!(" (within {ms} ms)")).unwrap_or_default();
    format!("{}{accuracy}", show::text(one, "time"))
}
