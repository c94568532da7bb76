//! The seeds of the fuzz targets are good values: each is what its decoder takes. `UPDATE_SEEDS=1` writes those that are
//! missing, from the real encoders; certificates are drawn anew, so one that is there is kept.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "wire/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rogatory::bag::layout::Algorithm;
use rogatory::bag::link::Link;
use rogatory::bag::{listing, unpack};
use rogatory::crypto::cms::Signer;
use rogatory::crypto::hybrid::HybridSecretKey;
use rogatory::crypto::issue::{self, Identity, Validity};
use rogatory::crypto::package_key::{ObjectScope, PackageKey};
use rogatory::crypto::signature::SignatureError;
use rogatory::crypto::stanza::WrapScope;
use rogatory::crypto::timestamp::TimeStamp;
use rogatory::crypto::{certificate, ed25519, mldsa, payload, pem, revocation, san, signature, stanza};
use rogatory::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use rogatory::custody::cosignature::{Cosigner, cosignatures};
use rogatory::custody::leaf::commitment;
use rogatory::custody::note::{KeyName, Note, VerifierKey};
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::policy::Policy;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tile::{self, Kind, Tile};
use rogatory::custody::tree::leaf_hash;
use rogatory::custody::witness::{self, AddCheckpoint};
use rogatory::exchange::act::Scene;
use rogatory::exchange::entry::Entry;
use rogatory::exchange::keeper::KeeperKey;
use rogatory::exchange::listing::Listing;
use rogatory::exchange::metadata::{Root, Snapshot, Targets, TimestampRole};
use rogatory::exchange::rotation::{self, Rotation};
use rogatory::exchange::statement::Statement;
use rogatory::law::registry::Registry;
use rogatory::model::authority::{Authority, Provenance, ReceivingKey};
use rogatory::model::event::Event;
use rogatory::model::ident::{AuthorityId, Digest, Id};
use rogatory::model::time::Timestamp;
use rogatory::net::web_address::Address;
use rogatory::wire::receipt::ReceiptParts;
use rogatory::wire::{envelope, file_list, frame, message, receipt, record};

// These four are what fuzz/src/targets.rs is built with.
const CONTENT: &[u8] = b"what a fuzz seed is signed over";
const SEED: [u8; 32] = [7; 32];
const NOW_MS: u64 = 1_795_000_000_000;
const YEAR_MS: u64 = 365 * 86_400_000;

#[test]
fn the_seeds_of_the_wire_are_values_of_the_wire() {
    for (name, value) in samples::frames() {
        assert!(frame::decode(&seed("frame", name, &frame::encode(&value))).is_ok(), "{name}");
    }
    for (name, value) in samples::messages() {
        assert_eq!(message::decode(&seed("message", &name, &message::encode(&value))), Ok(value));
    }
    let bytes = envelope::encode(&samples::envelope());
    assert!(envelope::decode(&seed("envelope", "one", &bytes)).is_ok());
    let signed = envelope::SignedBytes { content: bytes, cms: vec![0x30; 10] };
    assert!(envelope::decode_signed(&seed("signed_envelope", "one", &envelope::encode_signed(&signed))).is_ok());
    assert!(
        envelope::decode_signed(&seed("signed_envelope", "short", &envelope::encode_signed(&samples::signed())))
            .is_ok()
    );
    assert!(record::decode(&seed("record", "one", &record::encode(&samples::record()))).is_ok());
    assert!(receipt::decode(&seed("receipt", "one", &receipt::encode(&samples::receipt()))).is_ok());
}

#[test]
fn the_seeds_of_the_log_are_values_of_the_log() {
    let leaves: Vec<Digest> = (0..5).map(|byte| Digest([byte; 32])).collect();
    let tree = MerkleTree::of(leaves.iter().copied());
    let name: KeyName = "xa-moj.rogatory/custody".parse().unwrap();
    let key = ed25519::SigningKey::from_seed(&SEED);
    let trusted = trusted();
    let signed = SignedCheckpoint::sign(&name, tree.len(), tree.root(), &key);

    let note = seed("note", "checkpoint", &signed.to_bytes());
    assert!(Note::parse(&note).unwrap().verify(std::slice::from_ref(&trusted)).is_ok());
    assert!(
        SignedCheckpoint::open(&seed("checkpoint", "signed", &signed.to_bytes()), std::slice::from_ref(&trusted))
            .is_ok()
    );
    let bare = seed("checkpoint", "bare", signed.checkpoint().to_string().as_bytes());
    assert!(Checkpoint::parse(std::str::from_utf8(&bare).unwrap()).is_ok());
    let vkey = seed("checkpoint", "vkey", trusted.to_string().as_bytes());
    assert!(std::str::from_utf8(&vkey).unwrap().parse::<VerifierKey>().is_ok());
    let proof = TlogProof::new(3, tree.prove(3).unwrap(), &signed);
    let proof = TlogProof::parse(&seed("tlog_proof", "one", proof.to_string().as_bytes())).unwrap();
    assert!(proof.verify(&leaves[3], std::slice::from_ref(&trusted)).is_ok());

    let witness = Cosigner::new(
        &"xb-moj.rogatory/witness".parse().unwrap(),
        ed25519::SigningKey::from_seed(&SEED),
        mldsa::SigningKey::from_seed(&SEED),
    );
    let lines = witness.cosign(&signed, at(0), &[1; 32]).unwrap();
    let answer: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(Note::parse_lines(&seed("cosignature", "answer", answer.as_bytes())).unwrap(), lines);
    let cosigned = seed("cosignature", "cosigned", &signed.clone().with_lines(lines).to_bytes());
    let cosigned = cosignatures(&Note::parse(&cosigned).unwrap(), &witness.verifier_keys()).unwrap();
    let [classic, lasting] = witness.verifier_keys();
    assert!(seed("checkpoint", "vkey-mldsa", lasting.to_string().as_bytes()).starts_with(b"xb-moj.rogatory/witness+"));
    let text =
        format!("# two keys\nlog {}\nwitness a {classic}\nwitness b {lasting}\ngroup g all a b\nquorum g\n", trusted);
    assert!(Policy::parse(&seed("policy", "two-keys", text.as_bytes())).unwrap().satisfied_by(&cosigned));
    let request = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: signed.note().clone() };
    let request = AddCheckpoint::parse(&seed("add_checkpoint", "first", request.to_string().as_bytes())).unwrap();
    assert_eq!(witness::judge(&request, Some(std::slice::from_ref(&trusted)), None).unwrap(), signed);

    for (name, path) in [("full", "tile/0/x001/234"), ("partial", "tile/entries/007.p/12"), ("deep", "tile/63/000")] {
        let path = seed("tile_path", name, path.as_bytes());
        assert!(std::str::from_utf8(&path).unwrap().parse::<Tile>().is_ok(), "{name}");
    }
    let bundle = seed("entry_bundle", "five", &[&[4][..], &tile::encode_entries(&leaves)].concat());
    assert!(tile::decode_entries(&Tile::new(Kind::Entries, 0, 5).unwrap(), &bundle[1..]).is_ok());
    let hashes = seed("entry_bundle", "hashes", &[&[4][..], &tile::encode_hashes(&leaves)].concat());
    assert!(tile::decode_hashes(&Tile::new(Kind::Hashes { level: 0 }, 0, 5).unwrap(), &hashes[1..]).is_ok());
}

#[test]
fn the_seed_of_a_rotation_is_one_that_holds() {
    let name: KeyName = "xa-moj.rogatory/custody".parse().unwrap();
    let [old, new] = [7, 8].map(|seed| {
        let lasting = mldsa::SigningKey::from_seed(&[seed; 32]).public_key().clone();
        let classic = VerifierKey::new(name.clone(), ed25519::SigningKey::from_seed(&[seed; 32]).public_key());
        vec![classic, VerifierKey::ml_dsa_44(name.clone(), lasting)]
    });
    let mut said = Scene::node(&authority_id(), Timestamp::from_millis(NOW_MS)).record(Event::KeyRotated);
    said.digests = rotation::digests(&old, &new);
    let (record, salt) = (record::encode(&said), [3; 32]);
    let tree = MerkleTree::of([leaf_hash(&commitment(&salt, &record).0)]);
    let signed = SignedCheckpoint::sign(&name, 1, tree.root(), &ed25519::SigningKey::from_seed(&SEED));
    let proof = TlogProof::new(0, tree.prove(0).unwrap(), &signed).to_string();
    let receipt = receipt::encode(&ReceiptParts { record, salt, proof });
    let text = Rotation { old, new, receipt }.to_text();
    let bytes = seed("rotation", "one", text.as_bytes());
    assert!(Rotation::read(std::str::from_utf8(&bytes).unwrap()).is_ok());
}

#[test]
fn the_seeds_of_certificates_and_signatures_are_good_but_for_a_trusted_issuer() {
    let (ca, node, sealing) = certificates();
    let list = issue::revocation_list(&ca, &[], at(0), at(YEAR_MS), 1).unwrap();
    let signer = Signer::new(&sealing.key, sealing.certificate.clone(), Vec::new()).unwrap();
    let signed = signer.sign(CONTENT, "application/octet-stream", at(1_000)).unwrap();

    let signed = seed("cms", "seal", &signed);
    let verdict = signature::verify(&signed, CONTENT, &[], &[], at(2_000));
    assert!(matches!(verdict, Err(SignatureError::Certificate(_))), "{verdict:?}");
    for (name, der) in [("ca", &ca.certificate), ("node", &node.certificate), ("seal", &sealing.certificate)] {
        assert!(certificate::CertificateFacts::read(&seed("certificate", name, der)).is_ok() || name == "ca", "{name}");
    }
    assert_eq!(san::authority_of(&seed("san", "node", &node.certificate)), Ok(authority_id()));
    assert!(revocation::RevocationList::read(&seed("revocation_list", "empty", &list)).is_ok());
    let armour = pem::encode(pem::Label::Certificate, &ca.certificate);
    assert!(pem::decode(pem::Label::Certificate, &seed("pem_armour", "ca", armour.as_bytes())).is_ok());
}

#[test]
fn the_seeds_of_the_web_and_of_time_are_an_address_and_an_answer() {
    let address = seed("web_address", "full", b"https://[::1]:8443/a/b?c=d");
    assert!(std::str::from_utf8(&address).unwrap().parse::<Address>().is_ok());
    let vector = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/timestamp/expired.tsr");
    assert!(TimeStamp::read(&seed("time_stamp", "openssl", &fs::read(vector).unwrap())).is_ok());
}

#[test]
fn the_seeds_of_sealing_open_with_the_fixed_key() {
    let package_key = PackageKey::from_random(SEED);
    let seal_id = Id::new(at(0), [7; 10]);
    let key = package_key.object_key(ObjectScope { seal_id, object_id: 1 });
    for (name, plaintext) in [("short", vec![1; 100]), ("two-chunks", vec![2; 16 * 1024 + 1]), ("empty", Vec::new())] {
        let sealed = payload::seal(&key, [3; 24], &plaintext).unwrap();
        assert_eq!(payload::open(&key, &seed("payload_open", name, &sealed)).unwrap(), plaintext, "{name}");
    }
    let (sender, recipient) = (authority_id(), "XB-MOJ".parse().unwrap());
    let scope = WrapScope { seal_id, sender: &sender, recipient: &recipient };
    let secret = HybridSecretKey::from_seed(&SEED);
    let wrapped = stanza::wrap(&package_key, secret.public(), scope, [5; 64]).unwrap();
    assert!(stanza::unwrap(&seed("stanza", "one", &wrapped), &secret, scope).is_ok());
}

#[test]
fn the_seeds_of_the_directory_are_parts_of_a_directory() {
    let entry = Entry::new(&authority(), "from the depositary").unwrap();
    assert!(Entry::parse(&seed("directory", "entry", &entry.to_json())).is_ok());
    let (listing, _) = Listing::empty(1).with(vec![entry]).unwrap();
    let listing = seed("directory", "listing", &listing.to_json());
    assert!(Listing::parse(&listing).is_ok());

    let keeper = ed25519::SigningKey::from_seed(&SEED);
    let keepers = BTreeSet::from([KeeperKey::of(&keeper)]);
    let root = Statement::unsigned(Root::of(1, &keepers, 1, at(YEAR_MS))).unwrap().signed_by(&keeper);
    assert!(Statement::<Root>::parse(&seed("directory_statement", "root", &root.to_json())).is_ok());
    let targets = Statement::unsigned(Targets::of(1, &listing, None, at(YEAR_MS))).unwrap().signed_by(&keeper);
    assert!(Statement::<Targets>::parse(&seed("directory_statement", "targets", &targets.to_json())).is_ok());
    let snapshot = Statement::unsigned(Snapshot::of(1, 1, at(YEAR_MS))).unwrap().signed_by(&keeper);
    assert!(Statement::<Snapshot>::parse(&seed("directory_statement", "snapshot", &snapshot.to_json())).is_ok());
    let newest = Statement::unsigned(TimestampRole::of(1, 1, at(YEAR_MS))).unwrap().signed_by(&keeper);
    assert!(Statement::<TimestampRole>::parse(&seed("directory_statement", "timestamp", &newest.to_json())).is_ok());
}

#[test]
fn the_seeds_of_the_law_are_registries() {
    let example = Registry::example().unwrap().to_json();
    assert!(Registry::parse(&seed("registry", "example", &example)).is_ok());
    let row = br#"{"schema":"rogatory.registry.v1","about":"fictional","rows":[{"row":1,"fact":"ad-hoc","instrument":"l-th","state":"XA","counterpart":"XB","from":"2026-01-01","to":"2027-01-01","recorded":"2026-01-02T00:00:00Z","territory":"mainland","source":{"kind":"peer-notice","note":"n"},"request":"R-1","signed_by":["XA","XB"],"tests":{"international":"yes","requesting":"open","requested":"no"}}]}"#;
    assert!(Registry::parse(&seed("registry", "ad-hoc", row)).is_ok());
    let rows = br#"[{"fact":"party","instrument":"l-th","state":"XD","from":"2026-01-01","source":{"kind":"depositary","note":"n"}}]"#;
    let grown = Registry::example().unwrap().with_rows(&seed("registry", "rows", rows), at(0)).unwrap();
    assert_eq!(grown.rows().len(), Registry::example().unwrap().rows().len() + 1);
}

#[test]
fn the_seed_of_the_list_of_files_is_one_of_each_kind() {
    let list = seed("file_list", "one", &[]);
    let lines = list.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').skip(1);
    assert_eq!(lines.filter(|line| file_list::decode(line).is_ok()).count(), 4);
}

#[test]
fn the_seeds_of_the_bag_are_manifests() {
    let row = format!("{}  data/0001/ledger.csv\n", "5a".repeat(32));
    assert!(listing::parse(&seed("bag_manifest", "one", row.as_bytes()), Algorithm::Sha256).is_ok());
    let hash = rogatory::model::base64::encode(&[7; 32]);
    let link = seed("bag_link", "one", format!("old 3\nnew 7\n{hash}\n{hash}\n{hash}\n").as_bytes());
    assert!(Link::parse(&link).is_ok());
    for form in ["ustar", "pax"] {
        let folder = unpack::read(&mut seed("bag_archive", form, &[]).as_slice(), None, &mut |_| {}).unwrap();
        assert_eq!(folder.paths().collect::<Vec<_>>(), ["bagit.txt", "data/0001/a.txt"]);
    }
}

/// The seed as it is committed; written from `bytes` when it is missing and that was asked for.
fn seed(target: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let path = folder.join(name);
    if std::env::var_os("UPDATE_SEEDS").is_some() && !path.exists() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; UPDATE_SEEDS=1 writes it", path.display()))
}

fn certificates() -> (Identity, Identity, Identity) {
    let validity = Validity { not_before: at(0), not_after: at(YEAR_MS) };
    let name = "Ministry of Justice of Arcadia";
    let ca = issue::authority_ca(&authority_id(), name, validity).unwrap();
    let node = issue::node_certificate(&ca, &authority_id(), name, "node.example", validity).unwrap();
    let sealing = issue::seal_certificate(&ca, &authority_id(), name, "Seal", validity).unwrap();
    (ca, node, sealing)
}

fn authority() -> Authority {
    let (ca, _, _) = certificates();
    let key = HybridSecretKey::from_seed(&SEED);
    Authority {
        id: authority_id(),
        name: "Ministry of Justice of Arcadia".to_owned(),
        endpoints: vec!["192.0.2.1:4433".to_owned()],
        revocation_lists: vec![issue::revocation_list(&ca, &[], at(0), at(YEAR_MS), 1).unwrap()],
        issuers: vec![ca.certificate],
        log_keys: vec![trusted().to_string()],
        witness_keys: Vec::new(),
        time_stamp_issuers: Vec::new(),
        receiving_keys: vec![ReceivingKey {
            id: key.public().id(),
            public_key: key.public().as_bytes().to_vec(),
            not_before: at(0),
            not_after: at(YEAR_MS),
        }],
        languages: vec!["en".to_owned()],
        requirements: Vec::new(),
        provenance: Provenance::Depositary,
    }
}

/// The key of the log of the seeds.
fn trusted() -> VerifierKey {
    VerifierKey::new(authority_id().log_origin().parse().unwrap(), ed25519::SigningKey::from_seed(&SEED).public_key())
}

fn authority_id() -> AuthorityId {
    "XA-MOJ".parse().unwrap()
}

fn at(after_ms: u64) -> Timestamp {
    Timestamp::from_millis(NOW_MS + after_ms)
}
