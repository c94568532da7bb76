//! The decoder of a rotation's evidence: one rotation has one spelling.

use rogatory::exchange::rotation::Rotation;

use crate::memory::bounded;

/// The evidence that a log went over from one key to the next.
pub fn rotation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Keys of ML-DSA-44 are expanded, and the receipt is decoded from base64 and again as a message.
    if let Ok(checked) = bounded(bytes.len(), 64, || Rotation::read(text)) {
        assert_eq!(checked.rotation.to_text(), text);
    }
}
