//! What lets a node that was killed and started again tell its peers that their old connections are gone: keys that
//! are the same after each start (RFC 9000, 10.3). Refuses nothing itself; a reset that another made does not fit.
//!
//! Without it a peer believes in a dead connection until it falls idle, and hands over nothing for a minute.

use std::sync::Arc;

use quinn::EndpointConfig;
use quinn::crypto::{CryptoError, HmacKey};
use quinn_proto::HashedConnectionIdGenerator;

use crate::crypto::mac::{MacKey, TAG_BYTES};
use crate::net::tls::NodeKey;

/// The keys of one node, from its private key.
#[derive(Clone)]
pub(crate) struct Resets {
    tokens: MacKey,
    connection_ids: u64,
}

impl Resets {
    pub(crate) fn of(node: &NodeKey) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = MacKey::derive(&node.pkcs8, "rogatory/1 connection ids").tag(b"");
        Self {
            tokens: MacKey::derive(&node.pkcs8, "rogatory/1 stateless reset"),
            connection_ids: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        }
    }

    /// The settings of an endpoint that keeps to these keys.
    pub(crate) fn endpoint(&self) -> EndpointConfig {
        let mut config = EndpointConfig::new(Arc::new(Tokens(self.tokens.clone())));
        let key = self.connection_ids;
        // An earlier process of this node must be recognised by the connection identifiers it gave out.
        config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(key)));
        config
    }
}

struct Tokens(MacKey);

impl HmacKey for Tokens {
    fn sign(&self, data: &[u8], out: &mut [u8]) {
        out.copy_from_slice(&self.0.tag(data));
    }

    fn signature_len(&self) -> usize {
        TAG_BYTES
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        if self.0.is_tag(data, signature) { Ok(()) } else { Err(CryptoError) }
    }
}
