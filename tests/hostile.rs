//! A peer that is in the directory, with valid keys and certificates, attacks a running node over QUIC; so does a
//! stranger. Each test names the attack; all of them demand a code of the closed table, a bounded cost, and a node that
//! goes on serving everybody else.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "hostile/answers.rs"]
mod answers;
#[path = "hostile/bounds.rs"]
mod bounds;
#[path = "hostile/confusion.rs"]
mod confusion;
#[path = "hostile/disk.rs"]
mod disk;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/letter.rs"]
mod letter;
#[path = "hostile/lines.rs"]
mod lines;
#[path = "hostile/links.rs"]
mod links;
#[path = "hostile/officers.rs"]
mod officers;
#[path = "hostile/peer.rs"]
mod peer;
#[path = "net/raw.rs"]
#[allow(dead_code, reason = "shared with the tests of the transport")]
mod raw;
#[path = "hostile/serving.rs"]
mod serving;
#[path = "hostile/stage.rs"]
mod stage;
#[path = "hostile/watching.rs"]
mod watching;
