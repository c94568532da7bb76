//! Every input that a peer may send and this node must refuse: the code that the peer is told, and a text for the operator
//! that says what failed and shows nothing of what was in the message.
#![allow(missing_docs, unreachable_pub, reason = "a test target has no public face")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "bad/arrivals.rs"]
mod arrivals;
#[allow(dead_code, reason = "shared with the virtual pair")]
#[path = "virtual/cast.rs"]
mod cast;
#[path = "bad/envelopes.rs"]
mod envelopes;
#[path = "bad/forge.rs"]
mod forge;
#[path = "bad/messages.rs"]
mod messages;
#[path = "bad/receipts.rs"]
mod receipts;
#[path = "bad/trust.rs"]
mod trust;
