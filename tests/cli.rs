//! The real program, as its users run it: two data directories, two `rogatory serve` processes, real sockets on loopback.
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a test target has no public face; the stage is shared")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "cli/backup.rs"]
mod backup;
#[path = "cli/basis.rs"]
mod basis;
#[path = "cli/checking.rs"]
mod checking;
#[path = "cli/contents.rs"]
mod contents;
#[path = "cli/cosigned_bags.rs"]
mod cosigned_bags;
#[path = "cli/erasure.rs"]
mod erasure;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/exports.rs"]
mod exports;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/folders.rs"]
mod folders;
#[path = "cli/health.rs"]
mod health;
#[path = "cli/index.rs"]
mod index;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/life.rs"]
mod life;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/office.rs"]
mod office;
#[path = "cli/operate.rs"]
mod operate;
#[path = "cli/outage.rs"]
mod outage;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/release.rs"]
mod release;
#[path = "cli/reload.rs"]
mod reload;
#[path = "cli/requests.rs"]
mod requests;
#[path = "cli/roles.rs"]
mod roles;
#[path = "cli/rotation.rs"]
mod rotation;
#[path = "cli/runbook.rs"]
mod runbook;
#[path = "cli/small_disk.rs"]
mod small_disk;
#[path = "cli/stage.rs"]
mod stage;
#[path = "cli/stamps.rs"]
mod stamps;
#[path = "cli/terms.rs"]
mod terms;
#[path = "tsa/mod.rs"]
mod tsa;
#[path = "cli/watching.rs"]
mod watching;
