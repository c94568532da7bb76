//! Floor 5, one wing: what is on disk. Synchronous; the daemon calls it from blocking threads.

pub mod appender;
pub mod arrival;
pub mod derive;
pub mod directory;
pub mod files;
pub mod frame;
pub mod fsck;
pub mod index;
pub mod intake;
pub mod intake_record;
pub mod intake_slots;
pub mod journal;
pub mod ledger;
pub mod lock;
pub mod object_reader;
pub mod object_writer;
pub mod outboard;
pub mod package_dir;
pub mod part_bits;
pub mod part_grid;
mod publisher;
pub mod reader;
pub mod recovery;
pub mod restore;
pub mod room;
pub mod segment;
pub mod tiles;
pub mod vault;
mod writer;

#[cfg(test)]
mod vault_fixture;
