//! The closed table of refusal codes: all that a peer is ever told. Says nothing about content, names or state.

use std::fmt;

/// Whether the same input may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Try the same bytes again later.
    Retry,
    /// The same bytes will never be taken.
    Final,
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal, $remedy:ident;)+) => {
        /// Why an input from a peer was not taken. Numbers are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RefusalCode { $($(#[doc = $doc])+ $variant = $code,)+ }

        impl RefusalCode {
            /// Every code, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that logs and records use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Whether trying again can help.
            pub const fn remedy(self) -> Remedy {
                match self { $(Self::$variant => Remedy::$remedy,)+ }
            }
        }
    };
}

refusals! {
    /// The bytes are no message of this protocol.
    Malformed = 1, "malformed", Final;
    /// Larger than the limits allow.
    TooLarge = 2, "too-large", Final;
    /// A protocol version, schema, suite or frame kind that this node does not know.
    UnsupportedVersion = 3, "unsupported-version", Final;
    /// Addressed to another authority.
    WrongRecipient = 4, "wrong-recipient", Final;
    /// No signature, or one that does not hold.
    BadSignature = 5, "bad-signature", Final;
    /// The signing certificate was not valid at the time of signing.
    CertificateExpired = 6, "certificate-expired", Final;
    /// The signing certificate was revoked.
    CertificateRevoked = 7, "certificate-revoked", Final;
    /// The sender is not in the directory that this node holds. A newer directory may know it.
    UnknownAuthority = 8, "unknown-authority", Retry;
    /// The envelope's sender is not the authority of this connection.
    SenderMismatch = 9, "sender-mismatch", Final;
    /// Made in the future, or by a clock too far from ours.
    ClockSkew = 10, "clock-skew", Retry;
    /// The envelope's time is over.
    Expired = 11, "expired", Final;
    /// The same identifier was used before for other bytes.
    IdentifierReused = 12, "identifier-reused", Final;
    /// No key of this node opens it.
    CannotOpen = 13, "cannot-open", Final;
    /// This node can store nothing now.
    CannotStore = 14, "cannot-store", Retry;
    /// Too many connections, streams or deliveries at once.
    Busy = 15, "busy", Retry;
    /// Nothing is held here under that identifier for this peer.
    NotFound = 16, "not-found", Final;
    /// A range outside the object, or too long.
    BadRange = 17, "bad-range", Final;
    /// The directory of this node has expired; it trusts nobody until a new one comes.
    DirectoryExpired = 18, "directory-expired", Retry;
    /// The receipt does not prove what it should.
    BadReceipt = 19, "bad-receipt", Final;
    /// The peer was too slow.
    TooSlow = 20, "too-slow", Retry;
    /// Larger than the room this node keeps for that peer.
    OverQuota = 21, "over-quota", Retry;
    /// The message answers or belongs to nothing that this node knows, or comes out of turn.
    OutOfTurn = 22, "out-of-turn", Retry;
    /// The checkpoint contradicts another one of the same log that this node holds, or is not proven to continue it.
    Inconsistent = 23, "inconsistent", Final;
    /// This node serves the peer nothing for now; what waits, waits.
    Suspended = 30, "suspended", Retry;
    /// This node takes and hands over nothing for now.
    Frozen = 31, "frozen", Retry;
}

impl RefusalCode {
    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code of that number; `None` for a number this version does not know.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_number_and_name_and_is_found_by_its_number() {
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::from_number(code.number()), Some(*code));
            assert_eq!(RefusalCode::ALL.iter().filter(|other| other.name() == code.name()).count(), 1);
        }
        assert_eq!(RefusalCode::from_number(0), None);
        assert_eq!(RefusalCode::from_number(9_999), None);
    }
}
