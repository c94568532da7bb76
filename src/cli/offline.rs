//! Reads a node's data while it is stopped, with the same views that the running node gives.

use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::daemon::desk::DeskError;
use crate::daemon::node::{Node, Opening};

/// Asks the running node; if none runs, reads the data directory itself.
///
/// # Errors
/// What the node says, or why the data cannot be read.
pub fn read(place: &Where, path: &str, view: impl FnOnce(&Node) -> Result<Value, DeskError>) -> anyhow::Result<Value> {
    let client = Client::new(place)?;
    if client.node_runs() { client.get(path) } else { Ok(view(&open(place)?)?) }
}

/// Opens the data of a node that does not run.
///
/// # Errors
/// When another process uses it, or it is damaged.
pub fn open(place: &Where) -> anyhow::Result<Node> {
    // Nobody hands anything over, so nobody listens to the wakes.
    let (wake, _) = tokio::sync::mpsc::unbounded_channel();
    Ok(Node::open(&place.data, wake, Opening::ToRead)?)
}
