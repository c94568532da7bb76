//! The signed directory: what a node accepts, what keepers can do, what is on disk, and what a foreign TUF client says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod acceptance;
mod chain;
mod judge;
mod keepers;
mod node;
mod registry;
mod support;
mod vectors;
mod verbs;
