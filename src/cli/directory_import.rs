//! What an import tells of the registry: the rows that came, and the open requests of the node whose legal basis they
//! change. Records nothing; the node does when it takes the directory over.

use std::io::Write;
use std::path::Path;

use crate::cli::client::node_runs;
use crate::cli::directory::DirectoryCommandError;
use crate::cli::directory_rows::{print_affected, print_row};
use crate::daemon::basis;
use crate::daemon::home::Home;
use crate::daemon::node::{Node, Opening};
use crate::exchange::registry::{Difference, difference, digest};
use crate::law::registry::Registry;

/// Rows that are listed one by one; of more the number is told.
const LISTED_MAX: usize = 40;

/// Tells what the registry of an accepted directory brought.
///
/// # Errors
/// When the registry cannot be read, or the output is gone.
pub fn print_registry(
    data: &Path,
    before: Option<&[u8]>,
    bytes: &[u8],
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    let registry = Registry::parse(bytes)?;
    writeln!(out, "registry      {} rows, SHA-256 of the rows {}", registry.rows().len(), digest(&registry)?)?;
    if before == Some(bytes) {
        return Ok(());
    }
    let old = before.map_or_else(|| Registry::of("nothing", Vec::new(), Vec::new()), Registry::parse)?;
    let found = difference(&old, &registry)?;
    print_rows(&found, out)?;
    affected(data, out)
}

fn print_rows(found: &Difference<'_>, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    found.rows.iter().take(LISTED_MAX).try_for_each(|row| print_row(row, out))?;
    if let Some(more) = found.rows.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
        writeln!(out, "and {more} rows more: rogatory directory registry show PATH")?;
    }
    found.added.iter().try_for_each(|id| writeln!(out, "instrument {id} is new"))?;
    found.changed.iter().try_for_each(|id| writeln!(out, "the data of instrument {id} changed"))?;
    Ok(())
}

/// Which open requests are answered otherwise. A running node tells it when it takes the directory over; a data
/// directory without a node has no requests.
fn affected(data: &Path, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let home = Home::at(data);
    if !home.config().is_file() {
        return Ok(());
    }
    if node_runs(&home.socket()) {
        writeln!(out, "`rogatory reload` lists the open requests of this node that have another answer by it.")?;
        return Ok(());
    }
    // Nobody hands anything over, so nobody listens to the wakes.
    let (wake, _) = tokio::sync::mpsc::unbounded_channel();
    let opened = Node::open(data, wake, Opening::ToRead).map_err(|error| error.to_string());
    match opened.and_then(|node| basis::affected(&node).map_err(|error| error.to_string())) {
        Ok(affected) => print_affected(&affected, out)?,
        Err(why) => writeln!(out, "The open requests were not looked at ({why}); the node does it at its start.")?,
    }
    Ok(())
}
