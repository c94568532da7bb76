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
    /// Another block, sealed under a passphrase (`locked.rs`).
    Locked,
    /// The 32-byte seed of a backup key: to be kept away from the machine.
    BackupSeed,
    /// The 1216-byte public backup key.
    BackupKey,
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
            Self::Locked => "ROGATORY LOCKED KEY",
            Self::BackupSeed => "ROGATORY BACKUP SEED",
            Self::BackupKey => "ROGATORY BACKUP KEY",
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

/// Reads every block of a file that may hold several, with whatever stands between them; at least one, at most `most`.
pub fn decode_all(label: Label, text: &[u8], most: usize) -> Result<Vec<Vec<u8>>, PemError> {
    let malformed = PemError::Malformed(label.text());
    let text = std::str::from_utf8(text).map_err(|_| malformed)?;
    let (begin, end) = (format!("-----BEGIN {}-----", label.text()), format!("-----END {}-----", label.text()));
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(&begin) {
        let from = rest.get(start..).ok_or(malformed)?;
        let length = from.find(&end).ok_or(malformed)? + end.len();
        let (block, after) = from.split_at_checked(length).ok_or(malformed)?;
        if blocks.len() == most {
            return Err(PemError::TooMany(most));
        }
        blocks.push(decode(label, block.as_bytes())?.to_vec());
        rest = after;
    }
    if blocks.is_empty() { Err(malformed) } else { Ok(blocks) }
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
    /// More blocks than anybody needs.
    #[error("the file holds more than {0} PEM blocks")]
    TooMany(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_blocks_are_read_with_what_stands_between_them_and_no_more_than_the_bound() {
        let (one, two) = (encode(Label::Certificate, &[1; 40]), encode(Label::Certificate, &[2; 40]));
        let file = format!("subject=CN = A\n{}\r\n# B\n{}tail\n", *one, *two);
        let read = |most| decode_all(Label::Certificate, file.as_bytes(), most);
        assert_eq!(read(2).unwrap(), [vec![1; 40], vec![2; 40]]);
        assert_eq!(read(1), Err(PemError::TooMany(1)));
        assert!(decode_all(Label::PrivateKey, file.as_bytes(), 2).is_err());
        assert!(decode_all(Label::Certificate, &one.as_bytes()[..40], 2).is_err());
    }

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
