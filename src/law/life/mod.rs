//! The life of a request as law sees it: a fold over the messages that both sides exchanged, and nothing else.

pub mod fold;
pub mod guard;
pub mod note;
pub mod order;
pub mod state;
pub mod table;
