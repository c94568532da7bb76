//! HMAC-SHA-256 under keys that are derived for one purpose. A key says nothing about the secret it came from.

use ring::hmac;

/// Length of a tag.
pub const TAG_BYTES: usize = 32;

/// A key for one purpose.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Derives the key for `purpose`: the tag of the purpose under the secret (RFC 5869, one block).
    pub fn derive(secret: &[u8], purpose: &str) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), purpose.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
    }

    /// The tag of `data`.
    pub fn tag(&self, data: &[u8]) -> [u8; TAG_BYTES] {
        let mut out = [0; TAG_BYTES];
        for (to, from) in out.iter_mut().zip(hmac::sign(&self.0, data).as_ref()) {
            *to = *from;
        }
        out
    }

    /// Whether it is the tag of `data`; takes the same time whatever differs.
    pub fn is_tag(&self, data: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, data, tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_holds_for_its_data_its_purpose_and_its_secret_only() {
        let key = MacKey::derive(b"secret", "purpose");
        let tag = key.tag(b"data");
        assert_eq!(MacKey::derive(b"secret", "purpose").tag(b"data"), tag);
        assert!(key.is_tag(b"data", &tag));
        assert!(!key.is_tag(b"date", &tag));
        assert!(!key.is_tag(b"data", &tag[..31]));
        assert!(!MacKey::derive(b"secret", "another").is_tag(b"data", &tag));
        assert!(!MacKey::derive(b"secrex", "purpose").is_tag(b"data", &tag));
    }
}
