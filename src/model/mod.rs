//! Floor 1: the words of the trade. Values that are valid once they exist; no I/O, no clock, no randomness.

pub mod asking;
pub mod authority;
pub mod base64;
pub mod basis;
pub mod condition;
pub mod date;
pub mod envelope;
pub mod event;
pub mod ident;
pub mod limits;
pub mod listed;
pub mod message;
pub mod notice;
pub mod notice_table;
pub mod package;
pub mod path;
pub mod refusal;
pub mod rendition;
pub mod request;
pub mod request_parts;
pub mod requirement;
pub mod side;
pub mod text;
pub mod time;
