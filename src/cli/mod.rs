//! Floor 7: the command line, one verb a file.

pub mod client;
pub mod conditions;
pub mod custody;
pub mod demo;
pub mod demo_cast;
pub mod demo_stage;
pub mod directory;
pub mod directory_args;
pub mod directory_view;
pub mod export;
pub mod index;
pub mod init;
pub mod main;
pub mod offline;
pub mod package;
pub mod reply;
pub mod request;
pub mod serve;
pub mod show;
pub mod sink;
pub mod verify;
