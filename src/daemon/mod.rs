//! Floor 6: composes the wings into the running node.

pub mod api;
pub mod api_routes;
pub mod api_stream;
pub mod clock;
pub mod config;
pub mod courier;
pub mod crash;
pub mod deliver;
pub mod desk;
pub mod dossier;
pub mod evidence;
pub mod fetch;
pub mod home;
pub mod init;
pub mod keys;
pub mod node;
pub mod officer;
pub mod receive;
pub mod registrar;
pub mod run;
pub mod serve;
pub mod telemetry;
pub mod trust;
pub mod turnstile;
pub mod views;
