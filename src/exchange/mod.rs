//! Floor 4: the journey of an act between two authorities, as types and state machines without I/O.

pub mod canonical;
pub mod directory;
pub mod docket;
pub mod entry;
pub mod keeper;
pub mod keeping;
pub mod listing;
pub mod metadata;
pub mod reading;
pub mod repository;
pub mod roster;
pub mod rows;
pub mod sender;
pub mod statement;
