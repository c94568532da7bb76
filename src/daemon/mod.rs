//! Floor 6: composes the wings into the running node.

pub mod clock;
pub mod config;
pub mod home;
pub mod keys;
pub mod officer;
pub mod telemetry;
