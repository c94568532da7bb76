//! Floor 4: the journey of an act between two authorities, as types and state machines without I/O.

pub mod act;
pub mod docket;
pub mod keyring;
pub mod receipt;
pub mod receiver;
pub mod roster;
pub mod rows;
pub mod sealed;
pub mod sender;
pub mod verified;
pub mod canonical;
pub mod directory;
pub mod entry;
pub mod keeper;
pub mod keeping;
pub mod listing;
pub mod metadata;
pub mod reading;
pub mod repository;
pub mod roster;
pub mod statement;
