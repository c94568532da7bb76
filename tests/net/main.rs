//! The network wing over real loopback sockets: who is let in, what a bad stream costs, what the limits do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod identity;
mod limits;
mod peers;
mod pki;
mod raw;
mod reload;
mod streams;
mod trust;
mod web;
