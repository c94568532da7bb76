//! `rogatory index rebuild`: makes the index again from the custody log.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::client::Where;
use crate::cli::show;
use crate::daemon::node::{Node, Opening};

/// The index.
#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Set the index aside and make it again from the custody log; the node must be stopped
    Rebuild {
        #[command(flatten)]
        place: Where,
    },
    /// A digest over everything in the index: equal digests give equal answers
    Digest {
        #[command(flatten)]
        place: Where,
    },
}

/// Runs the verb.
///
/// # Errors
/// When the node runs, or the log is damaged.
pub fn run(args: &IndexArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (place, opening) = match &args.verb {
        Verb::Rebuild { place } => (place, Opening::ToRebuild),
        Verb::Digest { place } => (place, Opening::ToRead),
    };
    // Nobody hands anything over, so nobody listens to the wakes.
    let (wake, _) = tokio::sync::mpsc::unbounded_channel();
    let node = Node::open(&place.data, wake, opening)?;
    let (records, digest) = node.index_digest()?;
    if place.json {
        show::document(&json!({ "records": records, "digest": digest }), out)?;
    } else {
        writeln!(out, "The index follows {records} records of the custody log.")?;
        writeln!(out, "digest  {digest}")?;
    }
    Ok(ExitCode::SUCCESS)
}
