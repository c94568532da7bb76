//! Floor 5, one wing: what is on disk. Synchronous; the daemon calls it from blocking threads.

pub mod appender;
pub mod directory;
pub mod files;
pub mod frame;
pub mod journal;
pub mod lock;
pub mod recovery;
pub mod segment;
