//! Floor 1: the words of the trade. Values that are valid once they exist; no I/O, no clock, no randomness.

pub mod authority;
pub mod base64;
pub mod date;
pub mod envelope;
pub mod event;
pub mod ident;
pub mod limits;
pub mod listed;
pub mod message;
pub mod package;
pub mod path;
pub mod refusal;
pub mod request;
pub mod text;
pub mod time;
