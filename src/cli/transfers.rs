//! `rogatory package list --watch`: how far the files of each package are, on both sides. A table drawn anew on a terminal,
//! plain lines elsewhere, a JSON document a line where that is asked for.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::{meter, show};
use crate::daemon::clock;
use crate::model::time::Timestamp;

/// The node is asked so often.
const EVERY: Duration = Duration::from_millis(500);
/// Without a terminal, lines are written every so many rounds.
const PLAIN_ROUNDS: u32 = 10;
/// A peer that took no byte for that long has all it wanted, or is gone.
const SERVED_QUIET_MS: u64 = 10_000;

/// Shows what is on its way until nothing is.
///
/// # Errors
/// What the node says.
pub fn watch(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(place)?;
    let live = !place.json && std::io::stdout().is_terminal();
    let (mut drawn, mut round) = (0, 0_u32);
    loop {
        let found: Value = client.get("/v1/packages")?;
        let rows: Vec<Row> = show::list(&found, "packages").iter().filter_map(Row::of).collect();
        let moving = rows.iter().any(|row| row.moving);
        if live && drawn > 0 {
            write!(out, "\x1b[{drawn}A\x1b[J")?;
        }
        if live || place.json || !moving || round.is_multiple_of(PLAIN_ROUNDS) {
            for row in &rows {
                if place.json {
                    writeln!(out, "{}", row.json)?;
                } else {
                    writeln!(out, "{}", row.line)?;
                }
            }
            out.flush()?;
        }
        drawn = rows.len();
        if !moving {
            if !place.json {
                writeln!(out, "Nothing is on its way.")?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        round = round.wrapping_add(1);
        std::thread::sleep(EVERY);
    }
}

struct Row {
    line: String,
    json: Value,
    moving: bool,
}

impl Row {
    /// What is told of a package; nothing of one that is not on its way.
    fn of(found: &Value) -> Option<Self> {
        let package = found.get("package")?;
        let (id, peer) = (show::text(package, "package_id"), show::text(package, "counterpart"));
        let outgoing = show::text(package, "direction") == "outgoing";
        let state = show::text(found, "state");
        let transfer = found.get("transfer").filter(|transfer| transfer.is_object());
        let waits =
            !outgoing && package.get("complete_index").is_none_or(Value::is_null) && !state.starts_with("destroyed");
        let Some(transfer) = transfer else {
            let line = format!("{id}  from {peer}  waits for its files");
            let json = json!({ "package_id": id, "counterpart": peer, "state": state, "transfer": null });
            return (waits && state != "abandoned").then_some(Self { line, json, moving: true });
        };
        let number = |name: &str| show::number(transfer, name);
        let (moved, total) = (number("moved_bytes"), number("total_bytes"));
        let done = number("begun_at_bytes").saturating_add(moved).min(total);
        let at = |name: &str| show::text(transfer, name).parse::<Timestamp>().unwrap_or_default();
        let took_ms = at("moved").millis_since(at("begun"));
        let quiet_ms = clock::now().millis_since(at("moved"));
        let what = if outgoing { "to  " } else { "from" };
        let mut line = format!("{id}  {what} {peer}  ");
        line.push_str(&meter::told("", done, Some(total), moved, Duration::from_millis(took_ms)));
        if !outgoing {
            line.push_str(&format!("  {} of {} objects", number("objects_whole"), number("objects")));
            if number("resumes") > 0 {
                line.push_str(&format!("  resumed {} times", number("resumes")));
            }
            if transfer.get("running") == Some(&Value::Bool(false)) {
                line.push_str("  broken off; it goes on by itself");
            }
        }
        let moving = if outgoing { quiet_ms < SERVED_QUIET_MS && done < total } else { true };
        let json = json!({
            "package_id": id,
            "counterpart": peer,
            "state": state,
            "done_bytes": done,
            "total_bytes": total,
            "transfer": transfer,
        });
        Some(Self { line, json, moving })
    }
}
