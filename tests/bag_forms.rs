//! A bag in its other forms: as an archive that is read as a stream, as an extract for one recipient, and beside the bag of the
//! other side.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "a test may panic")]

#[path = "bag/archives.rs"]
mod archives;
#[allow(dead_code, reason = "each test target uses a part of the case")]
#[path = "bag/case.rs"]
mod case;
#[path = "bag/extracts.rs"]
mod extracts;
#[path = "bag/retired.rs"]
mod retired;
#[path = "bag/shell.rs"]
mod shell;
#[path = "bag/sides.rs"]
mod sides;
#[path = "bag/stamps.rs"]
mod stamps;
#[allow(dead_code, reason = "each test target uses a part of it")]
#[path = "bag/target.rs"]
mod target;
#[allow(dead_code, reason = "each test target uses a part of it")]
#[path = "tsa/mod.rs"]
mod tsa;
#[path = "bag/vouched.rs"]
mod vouched;
