//! Foreign judges of sealing: PyCA cryptography opens what we sealed and seals what we open. `tests/judges/install.sh`
//! installs it; a judge that is missing fails the test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rogatory::crypto::hybrid::HybridSecretKey;
use rogatory::crypto::package_key::{ObjectKey, ObjectScope, PackageKey};
use rogatory::crypto::payload::{open, seal};
use rogatory::crypto::stanza::{WrapScope, unwrap, wrap};
use rogatory::model::ident::{AuthorityId, Digest, Id};

const SEAL_ID: &str = "01930000-0000-7000-8000-0102030405ff";
const SEED: [u8; 32] = [0x51; 32];
const PACKAGE_KEY: [u8; 32] = [0x52; 32];
const OBJECT_ID: u32 = 0x0102_0304;

/// The Python of the judges' environment.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = std::env::var_os("ROGATORY_JUDGES_VENV").map_or_else(|| root.join("target/judges-venv"), PathBuf::from);
    let python = root.join(venv).join("bin/python");
    assert!(python.exists(), "{} is missing: run tests/judges/install.sh (pip: cryptography>=50)", python.display());
    python
}

fn judge(verb: &str, folder: &Path) -> Result<(), String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/seal.py");
    let done = Command::new(python()).arg(script).arg(verb).arg(folder).output().unwrap();
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

struct Names {
    seal_id: Id,
    sender: AuthorityId,
    recipient: AuthorityId,
}

impl Names {
    fn new() -> Self {
        Self {
            seal_id: SEAL_ID.parse().unwrap(),
            sender: "XA-MOJ".parse().unwrap(),
            recipient: "INT-ICC".parse().unwrap(),
        }
    }

    fn wrap_scope(&self) -> WrapScope<'_> {
        WrapScope { seal_id: self.seal_id, sender: &self.sender, recipient: &self.recipient }
    }

    fn object_key(&self, package_key: &PackageKey) -> ObjectKey {
        package_key.object_key(ObjectScope { seal_id: self.seal_id, object_id: OBJECT_ID })
    }

    fn write_scope(&self, folder: &Path) {
        let scope = format!(
            r#"{{"seal_id": "{}", "sender": "{}", "recipient": "{}", "object_id": {OBJECT_ID}}}"#,
            SEAL_ID.replace('-', ""),
            self.sender,
            self.recipient
        );
        std::fs::write(folder.join("scope.json"), scope).unwrap();
    }
}

fn plaintext(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 13 % 241) as u8).collect()
}

fn sha256(bytes: &[u8]) -> Digest {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    Digest::try_from(digest.as_ref()).unwrap()
}

#[test]
fn pyca_opens_what_we_sealed_and_computes_the_same_opened_tag() {
    let names = Names::new();
    let secret = HybridSecretKey::from_seed(&SEED);
    let package_key = PackageKey::from_random(PACKAGE_KEY);
    let key = names.object_key(&package_key);
    for bytes in [0, 1, 16_383, 16_384, 50_000] {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        names.write_scope(folder.path());
        let text = plaintext(bytes);
        let stanza = wrap(&package_key, secret.public(), names.wrap_scope(), [3; 64]).unwrap();
        std::fs::write(file("seed.bin"), SEED).unwrap();
        std::fs::write(file("stanza.bin"), stanza).unwrap();
        std::fs::write(file("object.bin"), seal(&key, [4; 24], &text).unwrap()).unwrap();
        judge("open", folder.path()).unwrap();
        assert_eq!(std::fs::read(file("plain.bin")).unwrap(), text, "{bytes}");
        assert_eq!(std::fs::read(file("opened_tag.bin")).unwrap(), key.opened_tag(&sha256(&text)), "{bytes}");
        assert_eq!(std::fs::read(file("public.bin")).unwrap(), secret.public().as_bytes());
    }
}

#[test]
fn pyca_refuses_our_object_when_a_byte_of_it_is_changed() {
    let names = Names::new();
    let secret = HybridSecretKey::from_seed(&SEED);
    let package_key = PackageKey::from_random(PACKAGE_KEY);
    let folder = tempfile::tempdir().unwrap();
    names.write_scope(folder.path());
    let stanza = wrap(&package_key, secret.public(), names.wrap_scope(), [3; 64]).unwrap();
    let mut object = seal(&names.object_key(&package_key), [4; 24], &plaintext(100)).unwrap();
    object[80] ^= 1;
    std::fs::write(folder.path().join("seed.bin"), SEED).unwrap();
    std::fs::write(folder.path().join("stanza.bin"), stanza).unwrap();
    std::fs::write(folder.path().join("object.bin"), object).unwrap();
    let refused = judge("open", folder.path()).unwrap_err();
    assert!(refused.contains("InvalidTag"), "{refused}");
}

#[test]
fn we_open_what_pyca_sealed() {
    let names = Names::new();
    let secret = HybridSecretKey::from_seed(&SEED);
    for bytes in [0, 16_384, 70_001] {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        names.write_scope(folder.path());
        std::fs::write(file("public.bin"), secret.public().as_bytes()).unwrap();
        std::fs::write(file("plain.bin"), plaintext(bytes)).unwrap();
        std::fs::write(file("package_key.bin"), PACKAGE_KEY).unwrap();
        judge("seal", folder.path()).unwrap();
        let stanza = std::fs::read(file("stanza.bin")).unwrap();
        let package_key = unwrap(&stanza, &secret, names.wrap_scope()).unwrap();
        let object = std::fs::read(file("object.bin")).unwrap();
        let opened = open(&names.object_key(&package_key), &object).unwrap();
        assert_eq!(opened, plaintext(bytes), "{bytes}");
    }
}
