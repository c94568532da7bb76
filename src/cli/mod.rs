//! Floor 7: the command line, one verb a file.

pub mod directory;
pub mod directory_args;
pub mod directory_view;
pub mod main;
