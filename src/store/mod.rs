//! Floor 5, one wing: what is on disk. Synchronous; the daemon calls it from blocking threads.

pub mod arrival;
pub mod intake;
pub mod intake_record;
pub mod intake_slots;
pub mod object_reader;
pub mod object_writer;
pub mod outboard;
pub mod package_dir;
pub mod part_bits;
pub mod part_grid;
pub mod room;
pub mod vault;

#[cfg(test)]
mod vault_fixture;
pub mod appender;
pub mod derive;
pub mod files;
pub mod frame;
pub mod journal;
pub mod ledger;
pub mod lock;
mod publisher;
pub mod reader;
pub mod recovery;
pub mod restore;
pub mod segment;
pub mod tiles;
mod writer;
