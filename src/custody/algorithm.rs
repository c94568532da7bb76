//! The algorithms of signature lines that this program checks. Every other type byte is an unknown one.

use std::fmt;

/// What a key signs and how: the type byte of a verifier key (C2SP signed-note, signature types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 0x01: Ed25519 over the text itself.
    Ed25519,
    /// 0x04: Ed25519 over a time and the text (`cosignature/v1`).
    Ed25519Cosignature,
    /// 0x06: ML-DSA-44 over the cosigner's name, a time, and what the checkpoint says (`subtree/v1`).
    MlDsa44Cosignature,
}

impl Algorithm {
    /// The type byte.
    pub const fn type_byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ed25519Cosignature => 0x04,
            Self::MlDsa44Cosignature => 0x06,
        }
    }

    /// Whether a log may sign its own checkpoints so (C2SP tlog-checkpoint).
    pub const fn signs_logs(self) -> bool {
        !matches!(self, Self::Ed25519Cosignature)
    }

    /// Whether a witness may cosign so (C2SP tlog-cosignature).
    pub const fn cosigns(self) -> bool {
        !matches!(self, Self::Ed25519)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ed25519 | Self::Ed25519Cosignature => "Ed25519",
            Self::MlDsa44Cosignature => "ML-DSA-44",
        })
    }
}
