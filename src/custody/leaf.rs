//! The entry of the custody log: a salted commitment to a record. Reveals nothing of the record, not even to a guess.

use crate::crypto::digest::sha256_of_parts;
use crate::model::ident::Digest;

/// Bytes of the random salt of one record. Without it, anyone could confirm a guessed record from the public tiles;
/// with it erased, nobody can.
pub const SALT_BYTES: usize = 32;

const CONTEXT: &[u8] = b"rogatory/v1/custody-leaf\0";

/// `SHA-256("rogatory/v1/custody-leaf\0" || salt || record)`: the 32 bytes that stand in the entry bundles. Their
/// RFC 6962 leaf hash is [`crate::custody::tree::leaf_hash`] of them.
pub fn commitment(salt: &[u8; SALT_BYTES], record: &[u8]) -> Digest {
    sha256_of_parts(&[CONTEXT, salt, record])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commitment_is_the_digest_of_context_salt_and_record() {
        // printf 'rogatory/v1/custody-leaf\0' + 32 bytes of 0x11 + 'record', through sha256sum.
        let expected = "353e28b8ee3238acd9192332222e3b4e3407c9de195b98b1f1b58d9baa524461";
        assert_eq!(commitment(&[0x11; 32], b"record").to_string(), expected);
    }

    #[test]
    fn another_salt_gives_another_commitment() {
        assert_ne!(commitment(&[1; 32], b"r"), commitment(&[2; 32], b"r"));
    }
}
