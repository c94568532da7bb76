//! Base64 (RFC 4648, section 4) in text formats of ours. Refuses every spelling but the one that `encode` gives.

use data_encoding::BASE64;

/// Characters of one group: three bytes, or fewer and padding.
const GROUP: usize = 4;

/// The one spelling of these bytes.
pub fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Reads what [`encode`] wrote. Signatures and logs speak of texts: if two texts gave the same bytes, whoever compares
/// texts and whoever compares bytes would not agree on what was signed.
pub fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    let text = text.as_bytes();
    // The library reads padding as the end of a piece and goes on with the next one: `aTI=dHeA` is two texts, glued.
    let (before_last, _) = text.split_at_checked(text.len().saturating_sub(GROUP)).ok_or(Base64Error)?;
    if before_last.contains(&b'=') {
        return Err(Base64Error);
    }
    BASE64.decode(text).map_err(|_| Base64Error)
}

/// Not base64, or not its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not standard base64 with its padding at the end; take the text as it was written")]
pub struct Base64Error;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_pieces_that_were_glued_are_no_base64() {
        assert_eq!(decode("aTI="), Ok(b"i2".to_vec()));
        assert_eq!(decode("dHeA"), Ok(vec![b't', b'w', 0x80]));
        assert_eq!(decode("aTI=dHeA"), Err(Base64Error));
        assert_eq!(decode("aTI=aTI="), Err(Base64Error));
        assert_eq!(decode("aQ==aTI="), Err(Base64Error));
    }

    #[test]
    fn missing_padding_stray_bits_other_alphabets_and_line_ends_are_no_base64() {
        for text in ["aTI", "aTJ=", "aT==", "-_-_", "aTI=\n", "aT I=", "=", "====", "aTI=="] {
            assert_eq!(decode(text), Err(Base64Error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_decodes_is_what_encoding_gives(text in "[A-Da-d0-3+/=]{0,24}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }

        #[test]
        fn what_was_encoded_decodes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }
    }
}
