//! PEM (RFC 7468), the form of keys and certificates in files. Refuses another label than the one asked for.

use der::pem::{LineEnding, decode_vec, encode_string};
use zeroize::Zeroizing;

/// What stands in a PEM block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// An X.509 certificate.
    Certificate,
    /// A PKCS#8 private key.
    PrivateKey,
    /// An X.509 certificate revocation list.
    RevocationList,
    /// The 32-byte seed of a receiving key (`hybrid.rs`).
    ReceivingSeed,
    /// The 1216-byte public receiving key.
    ReceivingKey,
}

impl Label {
    /// The text between the dashes.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Certificate => "CERTIFICATE",
            Self::PrivateKey => "PRIVATE KEY",
            Self::RevocationList => "X509 CRL",
            Self::ReceivingSeed => "ROGATORY RECEIVING SEED",
            Self::ReceivingKey => "ROGATORY RECEIVING KEY",
        }
    }
}

/// Writes one block.
pub fn encode(label: Label, bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(
        encode_string(label.text(), LineEnding::LF, bytes)
            .expect("invariant: a file's bytes fit in memory and the label is plain ASCII"),
    )
}

/// Reads the one block of a file.
pub fn decode(label: Label, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, PemError> {
    let (found, bytes) = decode_vec(text).map_err(|_| PemError::Malformed(label.text()))?;
    let bytes = Zeroizing::new(bytes);
    if found == label.text() { Ok(bytes) } else { Err(PemError::Label(label.text())) }
}

/// Why a text is not the PEM block that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No single, whole block.
    #[error("the file is no PEM block; it must hold one block `-----BEGIN {0}-----`")]
    Malformed(&'static str),
    /// Another block.
    #[error("the file holds something else; it must hold one block `-----BEGIN {0}-----`")]
    Label(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_back_under_its_own_label_only() {
        let text = encode(Label::ReceivingSeed, &[7; 32]);
        assert!(text.starts_with("-----BEGIN ROGATORY RECEIVING SEED-----\n"));
        assert_eq!(decode(Label::ReceivingSeed, text.as_bytes()).unwrap().as_slice(), [7; 32]);
        assert_eq!(decode(Label::PrivateKey, text.as_bytes()).unwrap_err(), PemError::Label("PRIVATE KEY"));
        let cut = &text.as_bytes()[..text.len() - 5];
        assert_eq!(decode(Label::ReceivingSeed, cut).unwrap_err(), PemError::Malformed("ROGATORY RECEIVING SEED"));
    }
}
