//! Floor 7: the command line, one verb a file.

pub mod main;
pub mod verify;
