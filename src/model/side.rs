//! The two sides of a thread, and who of them may speak. Refuses a third one.

use serde::{Deserialize, Serialize};

/// Which side of a thread speaks. The requesting side is the one that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The authority that asks.
    Requesting,
    /// The authority that is asked.
    Requested,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Requesting => Self::Requested,
            Self::Requested => Self::Requesting,
        }
    }
}

/// Who may send a kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// One side only.
    Only(Side),
    /// Either side.
    Either,
}

impl Speaker {
    /// Whether that side may.
    pub fn includes(self, side: Side) -> bool {
        match self {
            Self::Only(only) => only == side,
            Self::Either => true,
        }
    }
}
