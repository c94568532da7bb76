//! The real program, as its users run it: two data directories, two `rogatory serve` processes, real sockets on loopback.
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a test target has no public face; the stage is shared")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/index.rs"]
mod index;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/office.rs"]
mod office;
#[path = "cli/outage.rs"]
mod outage;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/requests.rs"]
mod requests;
#[path = "cli/roles.rs"]
mod roles;
#[path = "cli/small_disk.rs"]
mod small_disk;
#[path = "cli/stage.rs"]
mod stage;
