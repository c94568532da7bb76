//! Floor 5, one wing: QUIC and TLS. Moves frames and parts; knows nothing of what they mean.

pub(crate) mod complaints;
pub mod connection;
pub mod endpoint;
pub mod kx;
pub mod limits;
pub mod loss;
pub(crate) mod origins;
pub(crate) mod registry;
pub(crate) mod reset;
pub mod stream;
pub mod tls;
pub mod trust;
pub(crate) mod verifier;
pub mod web;
pub mod web_address;
pub mod web_roots;
pub mod web_tls;
