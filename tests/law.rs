//! The law: vectors with their expected answers, properties that hold for every registry, and the document that shows
//! which article causes what.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "law/conditions.rs"]
mod conditions;
#[path = "law/document.rs"]
mod document;
#[path = "law/handshake.rs"]
mod handshake;
#[path = "law/life.rs"]
mod life;
#[path = "law/life_play.rs"]
mod life_play;
#[path = "law/must_not.rs"]
mod must_not;
#[path = "law/program.rs"]
mod program;
#[path = "law/properties.rs"]
mod properties;
#[path = "law/registries.rs"]
mod registries;
#[path = "law/vectors.rs"]
mod vectors;
