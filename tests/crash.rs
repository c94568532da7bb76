//! Real nodes are killed with SIGKILL, at every named step and at random moments, and started again by the same command:
//! nothing that was acknowledged is lost, nothing happens twice, and nobody repairs anything.
//!
//! `ROGATORY_SEED=<number>` runs the same random choices again; `ROGATORY_SOAK=1` kills more often.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "crash/book.rs"]
mod book;
#[path = "crash/chaos.rs"]
mod chaos;
#[path = "crash/command.rs"]
mod command;
#[path = "crash/erasing.rs"]
mod erasing;
#[path = "crash/judge.rs"]
mod judge;
#[path = "crash/links.rs"]
mod links;
#[path = "crash/node.rs"]
mod node;
#[path = "crash/points.rs"]
mod points;
#[path = "crash/rng.rs"]
mod rng;
#[path = "crash/rotating.rs"]
mod rotating;
#[path = "crash/town.rs"]
mod town;
