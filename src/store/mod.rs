//! Floor 5, one wing: what is on disk. Synchronous; the daemon calls it from blocking threads.

pub mod appender;
pub mod derive;
pub mod directory;
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
