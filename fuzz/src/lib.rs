//! What each fuzz target does with its bytes, and the allocator that counts. A target fails by a panic.
//!
//! The product forbids `unsafe`, so a sanitizer has little to find in it; what a peer can try is a panic, a loop, or
//! memory. [`bounded`] judges the last: a decoder may take memory in proportion to what it was given, never more.

pub mod listed;
pub mod memory;
pub mod rotation;
pub mod targets;
