//! How a connection ended, in words of this protocol instead of QUIC's. Keeps no text that the peer wrote.

use std::fmt;

use quinn::{ConnectionError, VarInt};

use crate::model::refusal::RefusalCode;
use crate::wire::frame::Told;

/// Why a connection is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The peer was done.
    #[error("the peer closed the connection, having nothing more to say")]
    Done,
    /// The peer closed it with a code.
    #[error("the peer closed the connection: {0}")]
    Closed(Told),
    /// The peer takes no connection now.
    #[error("the peer takes no connection now; it has too many")]
    Full,
    /// The peer's TLS refused us.
    #[error("the peer's TLS refused this node: {0}")]
    RefusedByTls(TlsAlert),
    /// Our TLS refused the peer.
    #[error("TLS with the peer failed: {0}")]
    Tls(TlsAlert),
    /// Nothing came for too long.
    #[error("the peer does not answer; check the address and that UDP passes both ways")]
    TimedOut,
    /// The connection is there, but the peer allowed no stream on it.
    #[error("the peer allows no stream on the connection; it has too much to do, or means no good")]
    NoStream,
    /// The peer knows nothing of this connection; it was probably restarted.
    #[error("the peer forgot the connection; it was probably restarted")]
    Forgotten,
    /// This side closed it.
    #[error("this node closed the connection")]
    Here,
    /// One side broke the rules of QUIC.
    #[error("the connection broke the rules of QUIC; compare the software versions")]
    Protocol,
}

/// A TLS alert, RFC 8446 section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsAlert(pub u8);

impl fmt::Display for TlsAlert {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            40 => "no common algorithm",
            42 => "bad certificate",
            43 => "certificate not for this use",
            44 => "certificate revoked",
            45 => "certificate expired",
            46 => "certificate not acceptable",
            47 => "illegal parameter",
            48 => "issuer of the certificate unknown",
            49 => "access denied",
            51 => "signature does not hold",
            70 => "no common TLS version",
            116 => "certificate required",
            120 => "no common application protocol",
            other => return write!(out, "TLS alert {other}"),
        };
        out.write_str(name)
    }
}

impl From<ConnectionError> for Loss {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => match told(close.error_code) {
                Told::Unknown(0) => Self::Done,
                code => Self::Closed(code),
            },
            ConnectionError::ConnectionClosed(close) => match transport(close.error_code.into()) {
                Transport::Refused => Self::Full,
                Transport::Alert(alert) => Self::RefusedByTls(alert),
                Transport::Other => Self::Protocol,
            },
            ConnectionError::TransportError(error) => match transport(error.code.into()) {
                Transport::Refused => Self::Full,
                Transport::Alert(alert) => Self::Tls(alert),
                Transport::Other => Self::Protocol,
            },
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::Reset => Self::Forgotten,
            ConnectionError::LocallyClosed => Self::Here,
            ConnectionError::VersionMismatch | ConnectionError::CidsExhausted => Self::Protocol,
        }
    }
}

/// The refusal code in a QUIC application error code.
pub(crate) fn told(code: VarInt) -> Told {
    Told::from_number(u32::try_from(code.into_inner()).unwrap_or(u32::MAX))
}

/// The QUIC application error code of a refusal code; 0 is "done".
pub(crate) fn error_code(code: Option<RefusalCode>) -> VarInt {
    VarInt::from_u32(code.map_or(0, RefusalCode::number))
}

enum Transport {
    Refused,
    Alert(TlsAlert),
    Other,
}

/// RFC 9000, 20.1: 0x02 is CONNECTION_REFUSED, 0x0100 to 0x01ff carry a TLS alert.
fn transport(code: u64) -> Transport {
    match code {
        0x02 => Transport::Refused,
        0x0100..=0x01ff => {
            u8::try_from(code & 0xff).map_or(Transport::Other, |alert| Transport::Alert(TlsAlert(alert)))
        }
        _ => Transport::Other,
    }
}
