//! Floor 4: the journey of an act between two authorities, as types and state machines without I/O.

pub mod docket;
pub mod rows;
pub mod sender;
