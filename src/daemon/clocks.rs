//! The clocks of the requests: looks now and then for what was not done in time, and records it once. Acts on nothing:
//! what follows is for people to decide.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::daemon::lives;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::model::limits::CLOCKS_LOOK_MS;

/// Looks until the node stops.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    loop {
        if let Err(error) = blocking(&node, lives::record_overdue).await {
            tracing::warn!(%error, "what is overdue could not be looked up or recorded; trying again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(CLOCKS_LOOK_MS)) => {}
        }
    }
}
