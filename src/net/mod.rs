//! Floor 5, one wing: QUIC and TLS. Moves frames and parts; knows nothing of what they mean.
