//! The bounds that one endpoint keeps. Taken from `model/limits.rs`; a test may take smaller ones.

use std::time::Duration;

use crate::model::limits::{
    CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, FRAME_BUFFER_BYTES_MAX, FRAME_MS_MAX, HANDSHAKE_MS_MAX, HANDSHAKES_MAX,
    IDLE_MS_MAX, STREAMS_PER_PEER_MAX,
};

/// The bounds of an endpoint and its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A handshake, Hello included, must end within this many milliseconds.
    pub handshake_ms_max: u64,
    /// A frame must arrive whole, and a part must move on, within this many milliseconds.
    pub frame_ms_max: u64,
    /// A connection without traffic ends after this many milliseconds.
    pub idle_ms_max: u64,
    /// Connections at once, over all peers.
    pub connections_max: usize,
    /// Connections at once that one authority has opened.
    pub connections_per_peer_max: usize,
    /// Incoming handshakes at once.
    pub handshakes_max: usize,
    /// Streams that a peer may have open at once on a connection.
    pub streams_per_peer_max: u32,
    /// Bytes of all large frames that a connection may be receiving at once.
    pub frame_buffer_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_ms_max: HANDSHAKE_MS_MAX,
            frame_ms_max: FRAME_MS_MAX,
            idle_ms_max: IDLE_MS_MAX,
            connections_max: CONNECTIONS_MAX,
            connections_per_peer_max: CONNECTIONS_PER_PEER_MAX,
            handshakes_max: HANDSHAKES_MAX,
            streams_per_peer_max: STREAMS_PER_PEER_MAX,
            frame_buffer_bytes_max: FRAME_BUFFER_BYTES_MAX,
        }
    }
}

impl Limits {
    pub(crate) fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms_max)
    }

    pub(crate) fn frame(&self) -> Duration {
        Duration::from_millis(self.frame_ms_max)
    }
}
