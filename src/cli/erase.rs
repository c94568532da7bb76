//! `rogatory custody erase`: one officer asks for the erasure of records, another confirms it. Says what it does not reach.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::daemon::api_erasing::NewErasure;
use crate::daemon::erasing::Scope;
use crate::model::ident::Id;

/// Erase records from the journal for ever.
#[derive(Debug, clap::Args)]
pub struct EraseArgs {
    /// Every record of this request
    #[arg(long, conflicts_with_all = ["package", "record", "confirm"])]
    request: Option<Id>,
    /// Every record of this package
    #[arg(long, conflicts_with_all = ["record", "confirm"])]
    package: Option<Id>,
    /// This record; may be repeated
    #[arg(long, value_name = "INDEX", conflicts_with = "confirm")]
    record: Vec<u64>,
    /// Why; stands in the log for ever, so name nobody
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "confirm")]
    reason: String,
    /// The law that demands it; stands in the log for ever
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "confirm")]
    legal_basis: String,
    /// As the second officer: confirm what was asked for in this record, and erase
    #[arg(long, value_name = "INDEX")]
    confirm: Option<u64>,
    #[command(flatten)]
    place: Where,
}

/// Runs the verb.
///
/// # Errors
/// What the node says: the rule that stands against it.
pub fn run(args: &EraseArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let place = &args.place;
    let client = Client::new(place)?;
    if let Some(asked) = args.confirm {
        let done: Value = client.post(&format!("/v1/erasures/{asked}/confirm"), &Value::Null)?;
        if place.json {
            show::document(&done, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(
            out,
            "erased   {}; the places in the log and all proofs stay",
            show::counted(show::list(&done, "erased").len() as u64, "record", "records")
        )?;
        writeln!(out, "logged   record {} says so: who, when, why, and which places", show::number(&done, "record"))?;
        writeln!(out, "index    made again without them")?;
        writeln!(out, "\nNot reached from here, and to be looked after by people:")?;
        writeln!(out, "  the other authority keeps its own records of the same messages")?;
        writeln!(
            out,
            "  backups of this node hold the records until they are overwritten; a restored one brings them back"
        )?;
        writeln!(
            out,
            "  exported bags, printed papers, and what the disk itself keeps of overwritten and removed files"
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.request.is_none() && args.package.is_none() && args.record.is_empty() {
        bail!("name what is to be erased (--request, --package or --record), or confirm with --confirm INDEX");
    }
    let new = NewErasure {
        scope: Scope { request: args.request, package: args.package, records: args.record.clone() },
        reason: args.reason.clone(),
        legal_basis: args.legal_basis.clone(),
    };
    let asked: Value = client.post("/v1/erasures", &new)?;
    if place.json {
        show::document(&asked, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (record, data) = (show::number(&asked, "record"), place.data.display());
    let erased = show::counted(show::list(&asked, "erased").len() as u64, "record", "records");
    writeln!(out, "asked    record {record}: to erase {erased}")?;
    writeln!(out, "\nNothing is erased yet. Next, another officer (approver), and then it cannot be undone:")?;
    writeln!(out, "  rogatory custody erase --confirm {record} --data {data} --as NAME")?;
    Ok(ExitCode::SUCCESS)
}
