//! Floor 2: the law as data, and the look-up over it. Answers YES, NO or ASK A HUMAN with reasons; decides no case.

pub mod basis;
pub mod conditions;
pub mod crime;
pub mod extent;
pub mod handshake;
pub mod help;
pub mod instrument;
pub mod library;
pub mod link;
pub mod mark;
pub mod opinion;
pub mod provision;
pub mod query;
pub mod registry;
pub mod relation;
pub mod row;
pub mod row_text;
pub mod rule;
pub mod standing;
pub mod step;
pub mod subject;
pub mod terms;
pub mod view;
pub mod words;
