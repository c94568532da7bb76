//! Rogatory: evidence exchange between central authorities, as a library of floors. Defines nothing itself.
//!
//! Imports fall, never rise; neighbours on a floor do not know each other (`tests/tidy.rs` checks it):
//!
//! ```text
//!  7  cli
//!  6  daemon
//!  5  net ──────── store ──────── bag
//!  4  exchange
//!  3  custody
//!  2  wire ─────── crypto ─────── law
//!  1  model
//! ```

pub mod bag;
pub mod cli;
pub mod crypto;
pub mod custody;
pub mod daemon;
pub mod exchange;
pub mod law;
pub mod model;
pub mod net;
pub mod store;
pub mod wire;
