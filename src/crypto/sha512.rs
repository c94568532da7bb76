//! SHA-512 (FIPS 180-4), streamed, for the second manifest of a bag. Nothing in the protocol is named by it.

use std::fmt;

use ring::digest::{Context, SHA512};

/// A digest that is being made from bytes as they come.
#[derive(Clone)]
pub struct Sha512(Context);

impl Sha512 {
    /// Starts with no bytes.
    pub fn new() -> Self {
        Self(Context::new(&SHA512))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Digest512 {
        let mut out = [0_u8; 64];
        for (to, from) in out.iter_mut().zip(self.0.finish().as_ref()) {
            *to = *from;
        }
        Digest512(out)
    }
}

/// Shows nothing of what was taken.
impl fmt::Debug for Sha512 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sha512(..)")
    }
}

impl Default for Sha512 {
    fn default() -> Self {
        Self::new()
    }
}

/// A SHA-512 digest, shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest512([u8; 64]);

impl fmt::Display for Digest512 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest512 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_the_one_of_fips_180_4() {
        let mut hasher = Sha512::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        let expected = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                        2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        assert_eq!(hasher.finish().to_string(), expected);
    }
}
