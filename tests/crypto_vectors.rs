//! Fixed bytes of sealing (`tests/vectors/crypto`): ours must come out the same for ever, those of PyCA must open.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use data_encoding::HEXLOWER;
use rogatory::crypto::hybrid::HybridSecretKey;
use rogatory::crypto::package_key::{ObjectKey, ObjectScope, PackageKey};
use rogatory::crypto::payload::{open, seal};
use rogatory::crypto::stanza::{STANZA_BYTES, WrapScope, unwrap, wrap};
use rogatory::model::ident::{AuthorityId, Digest};
use serde_json::Value;

struct Vector(Value);

impl Vector {
    fn read(name: &str) -> Self {
        let path = format!("{}/tests/vectors/crypto/{name}", env!("CARGO_MANIFEST_DIR"));
        Self(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    }

    fn bytes(&self, field: &str) -> Vec<u8> {
        HEXLOWER.decode(self.0[field].as_str().unwrap().as_bytes()).unwrap()
    }

    fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        self.bytes(field).try_into().unwrap()
    }

    fn authority(&self, field: &str) -> AuthorityId {
        self.0[field].as_str().unwrap().parse().unwrap()
    }

    fn object_scope(&self) -> ObjectScope {
        ObjectScope {
            seal_id: self.bytes("seal_id").as_slice().try_into().unwrap(),
            object_id: u32::try_from(self.0["object_id"].as_u64().unwrap()).unwrap(),
        }
    }

    /// Unwraps the stanza of the vector and derives the key of its object.
    fn open_stanza(&self) -> ObjectKey {
        let secret = HybridSecretKey::from_seed(&self.array("seed"));
        let (sender, recipient) = (self.authority("sender"), self.authority("recipient"));
        let scope = WrapScope { seal_id: self.object_scope().seal_id, sender: &sender, recipient: &recipient };
        unwrap(&self.bytes("stanza"), &secret, scope).unwrap().object_key(self.object_scope())
    }
}

#[test]
fn our_stanza_object_and_tag_are_the_same_bytes_for_ever() {
    let vector = Vector::read("sealed-by-rogatory.json");
    let secret = HybridSecretKey::from_seed(&vector.array("seed"));
    let (sender, recipient) = (vector.authority("sender"), vector.authority("recipient"));
    let scope = WrapScope { seal_id: vector.object_scope().seal_id, sender: &sender, recipient: &recipient };
    let package_key = PackageKey::from_random(vector.array("package_key"));
    assert_eq!(secret.public().id().to_string(), vector.0["key_id"]);
    let stanza = wrap(&package_key, secret.public(), scope, vector.array("wrap_random")).unwrap();
    assert_eq!(stanza.len(), STANZA_BYTES);
    assert_eq!(HEXLOWER.encode(&stanza), vector.0["stanza"]);

    let key = package_key.object_key(vector.object_scope());
    let object = seal(&key, vector.array("salt"), &vector.bytes("plain")).unwrap();
    assert_eq!(HEXLOWER.encode(&object), vector.0["object"]);
    let message = Digest(vector.array("message_sha256"));
    assert_eq!(HEXLOWER.encode(&key.opened_tag(&message)), vector.0["opened_tag"]);
}

#[test]
fn what_pyca_and_we_sealed_then_opens_now() {
    for name in ["sealed-by-rogatory.json", "sealed-by-pyca.json"] {
        let vector = Vector::read(name);
        let opened = open(&vector.open_stanza(), &vector.bytes("object")).unwrap();
        assert_eq!(opened, vector.bytes("plain"), "{name}");
    }
}
