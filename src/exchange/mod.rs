//! Floor 4: the journey of an act between two authorities, as types and state machines without I/O.

pub mod act;
pub mod canonical;
pub mod directory;
pub mod docket;
pub mod entry;
pub mod entry_keys;
mod entry_rows;
pub mod erasing;
pub mod keeper;
pub mod keeping;
pub mod keyring;
pub mod listing;
pub mod metadata;
pub mod pace;
pub mod reading;
pub mod receipt;
pub mod receiver;
pub mod registry;
pub mod repository;
pub mod roster;
pub mod rotation;
pub mod rows;
pub mod sealed;
pub mod sender;
pub mod statement;
pub mod verified;
pub mod watch;
