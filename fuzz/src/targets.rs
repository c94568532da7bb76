//! One function for each decoder of outside bytes: what decodes must encode and decode to the same value again.

use std::sync::LazyLock;

use rogatory::bag::layout::{self, Algorithm};
use rogatory::bag::link::Link;
use rogatory::bag::{listing, notes, unpack};
use rogatory::crypto::digest::sha256;
use rogatory::crypto::hybrid::HybridSecretKey;
use rogatory::crypto::package_key::{ObjectKey, ObjectScope, PackageKey};
use rogatory::crypto::stanza::{self, WrapScope};
use rogatory::crypto::timestamp::TimeStamp;
use rogatory::crypto::{certificate, ed25519, mldsa, payload, pem, revocation, san, signature};
use rogatory::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use rogatory::custody::cosignature::{Cosigned, Cosigner, add, cosignatures};
use rogatory::custody::note::{KeyName, Note, VerifierKey};
use rogatory::custody::policy::Policy;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tile::{self, Kind, TILE_WIDTH, Tile};
use rogatory::custody::witness::{self, AddCheckpoint};
use rogatory::exchange::canonical::Json;
use rogatory::exchange::entry::Entry;
use rogatory::exchange::listing::Listing;
use rogatory::exchange::metadata::{Root, Snapshot, Targets, TimestampRole};
use rogatory::exchange::registry::difference;
use rogatory::exchange::repository::Files;
use rogatory::exchange::statement::Statement;
use rogatory::law::basis::basis;
use rogatory::law::library::Library;
use rogatory::law::query::Query;
use rogatory::law::registry::Registry;
use rogatory::law::view::Book;
use rogatory::model::ident::{AuthorityId, Digest, Id};
use rogatory::model::limits::READ_BYTES;
use rogatory::model::time::Timestamp;
use rogatory::net::web_address::Address;
use rogatory::wire::{basis as wire_basis, envelope, frame, message, receipt, record};

use crate::memory::bounded;

/// What the signatures among the seeds are over.
pub const CONTENT: &[u8] = b"what a fuzz seed is signed over";
/// The fixed key material of the targets; it protects nothing.
pub const SEED: [u8; 32] = [7; 32];

/// Made once: drawing the key costs more than the whole rest of a run.
static RECEIVING: LazyLock<HybridSecretKey> = LazyLock::new(|| HybridSecretKey::from_seed(&SEED));

/// The keys of the witness that cosigned the seeds.
static WITNESS: LazyLock<[VerifierKey; 2]> = LazyLock::new(|| {
    let name: KeyName = "xb-moj.rogatory/witness".parse().expect("a name");
    let keys = (ed25519::SigningKey::from_seed(&SEED), mldsa::SigningKey::from_seed(&SEED));
    Cosigner::new(&name, keys.0, keys.1).verifier_keys()
});

/// Control frames.
pub fn frame(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 32, || frame::decode(bytes)) {
        assert_eq!(frame::decode(&frame::encode(&value)), Ok(value));
    }
}

/// Signed envelopes and signed messages, and what is inside.
pub fn signed_envelope(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 8, || envelope::decode_signed(bytes)) {
        assert_eq!(envelope::decode_signed(&envelope::encode_signed(&value)).as_ref(), Ok(&value));
        self::envelope(&value.content);
    }
    if let Ok(value) = envelope::decode_signed_message(bytes) {
        assert_eq!(envelope::decode_signed_message(&envelope::encode_signed_message(&value)), Ok(value));
    }
}

/// Envelopes.
pub fn envelope(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 256, || envelope::decode(bytes)) {
        assert_eq!(envelope::decode(&envelope::encode(&value)), Ok(value));
    }
}

/// Messages.
pub fn message(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 512, || message::decode(bytes)) {
        assert_eq!(message::decode(&message::encode(&value)), Ok(value));
    }
}

/// Custody records, and what stands beside those on a legal basis.
pub fn record(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 256, || record::decode(bytes)) {
        assert_eq!(record::decode(&record::encode(&value)), Ok(value));
    }
    if let Ok(value) = bounded(bytes.len(), 512, || wire_basis::decode_review(bytes)) {
        assert_eq!(wire_basis::decode_review(&wire_basis::encode_review(&value)), Ok(value));
    }
}

/// Receipts.
pub fn receipt(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 8, || receipt::decode(bytes)) {
        assert_eq!(receipt::decode(&receipt::encode(&value)), Ok(value));
    }
}

/// Signed notes: one note has one spelling.
pub fn note(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 16, || Note::parse(bytes)) {
        assert_eq!(value.to_string().as_bytes(), bytes);
        let _ = value.verify(&[log_key()]);
    }
}

/// Cosignatures of both algorithms on a checkpoint, and answers of a witness.
pub fn cosignature(bytes: &[u8]) {
    if let Ok(lines) = bounded(bytes.len(), 32, || Note::parse_lines(bytes)) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(Note::parse_lines(text.as_bytes()), Ok(lines), "what was written reads back");
    }
    let Ok(mut value) = Note::parse(bytes) else { return };
    let Ok(found) = cosignatures(&value, &*WITNESS) else { return };
    let lines = value.signatures().to_vec();
    let before = value.clone();
    assert_eq!(add(&mut value, &lines, &*WITNESS), Ok(found), "what holds is taken");
    assert_eq!(value.text(), before.text());
}

/// Policies.
pub fn policy(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 64, || Policy::parse(bytes)) {
        let everybody = value.witness_keys().into_iter().map(|key| Cosigned {
            name: key.name().to_owned(),
            key_id: key.id(),
            algorithm: key.algorithm(),
            at: None,
        });
        assert!(value.satisfied_by(&everybody.collect::<Vec<_>>()), "all together are always enough");
    }
}

/// Requests to a witness, and its judgement of them.
pub fn add_checkpoint(bytes: &[u8]) {
    let _ = witness::parse_conflict_body(bytes);
    let Ok(value) = bounded(bytes.len(), 32, || AddCheckpoint::parse(bytes)) else { return };
    assert_eq!(value.to_string().as_bytes(), bytes);
    if let Ok(signed) = witness::judge(&value, Some(&[log_key()]), None) {
        assert_eq!((value.old_size, value.origin()), (0, signed.checkpoint().origin()));
    }
}

/// Checkpoints, bare and signed, and verifier keys.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(value) = bounded(bytes.len(), 32, || Checkpoint::parse(text)) {
        assert_eq!(value.to_string(), text);
    }
    if let Ok(value) = bounded(bytes.len(), 32, || SignedCheckpoint::open(bytes, &[log_key()])) {
        assert_eq!(value.to_bytes(), bytes);
    }
    if let Ok(value) = text.parse::<VerifierKey>() {
        assert_eq!(value.to_string(), text);
    }
}

/// Inclusion proofs as files.
pub fn tlog_proof(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 32, || TlogProof::parse(bytes)) {
        assert_eq!(value.to_string().as_bytes(), bytes);
        let _ = value.verify(&Digest([0; 32]), &[log_key()]);
    }
}

/// Paths of tiles: one tile has one path.
pub fn tile_path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(value) = bounded(bytes.len(), 8, || text.parse::<Tile>()) {
        assert_eq!(value.path(), text);
    }
}

/// Bundles of entries and tiles of hashes; the first byte gives the width.
pub fn entry_bundle(bytes: &[u8]) {
    let Some((width, rest)) = bytes.split_first() else { return };
    let width = u16::from(*width) + 1;
    assert!(width <= TILE_WIDTH);
    for kind in [Kind::Entries, Kind::Hashes { level: 0 }] {
        let tile = Tile::new(kind, 0, width).expect("a width of 1 to 256");
        if let Ok(entries) = bounded(rest.len(), 16, || tile::decode_entries(&tile, rest)) {
            assert_eq!(entries.len(), usize::from(width));
            let commitments: Vec<_> = entries.iter().filter_map(|entry| Digest::try_from(*entry).ok()).collect();
            if commitments.len() == entries.len() {
                assert_eq!(tile::encode_entries(&commitments), rest);
            }
        }
        if let Ok(hashes) = tile::decode_hashes(&tile, rest) {
            assert_eq!(tile::encode_hashes(&hashes), rest);
        }
    }
}

/// Detached signatures: never trusted without an issuer, whatever the bytes.
pub fn cms(bytes: &[u8]) {
    let now = Timestamp::from_millis(1_795_000_000_000);
    let verdict = bounded(bytes.len(), 64, || signature::verify(bytes, CONTENT, &[], &[], now));
    assert!(verdict.is_err(), "a signature was trusted without any issuer");
}

/// Time-stamps: read, told, and never trusted without an anchor; with one, only over what it was given for.
pub fn time_stamp(bytes: &[u8]) {
    static NOTE: &[u8] = include_bytes!("../../tests/vectors/timestamp/checkpoint.note");
    static ROOT: &[u8] = include_bytes!("../../tests/vectors/timestamp/root.der");
    let Ok(stamp) = bounded(bytes.len(), 64, || TimeStamp::read(bytes)) else { return };
    assert!(stamp.check(NOTE, None, &[]).is_err(), "a time-stamp was trusted without an anchor");
    let checked = bounded(bytes.len(), 64, || stamp.check(NOTE, None, &[ROOT.to_vec()]));
    if let Ok(stamped) = checked {
        assert!(stamp.is_over(sha256(NOTE)) && stamp.claimed_time() == stamped.time);
    }
    assert!(stamp.check(b"other", None, &[ROOT.to_vec()]).is_err(), "a time-stamp was trusted over other bytes");
}

/// Addresses of web services: what is one is still one when it is written and read again.
pub fn web_address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(address) = bounded(bytes.len(), 16, || text.parse::<Address>()) {
        assert_eq!(address.to_string().parse(), Ok(address.clone()));
        assert!(!address.host().is_empty() && address.path().starts_with('/') && address.port() != 0);
    }
}

/// Certificates: read, named, and judged against themselves.
pub fn certificate(bytes: &[u8]) {
    let now = certificate::Instants::now(Timestamp::from_millis(1_795_000_000_000));
    let _ = bounded(bytes.len(), 64, || certificate::CertificateFacts::read(bytes));
    let itself = [bytes.to_vec()];
    for usage in [certificate::Usage::Seal, certificate::Usage::NodeServer] {
        let verdict = certificate::verify_chain(bytes, &itself, &[], now, usage);
        assert!(verdict.is_err(), "a certificate was trusted without a revocation list");
    }
}

/// The authority that a certificate names: it reads back from its own spelling.
pub fn san(bytes: &[u8]) {
    if let Ok(authority) = bounded(bytes.len(), 64, || san::authority_of(bytes)) {
        assert!(san::uri_of(&authority).len() > authority.as_str().len());
        assert_eq!(authority.as_str().parse::<AuthorityId>(), Ok(authority));
    }
}

/// Revocation lists.
pub fn revocation_list(bytes: &[u8]) {
    if let Ok(list) = bounded(bytes.len(), 128, || revocation::RevocationList::read(bytes)) {
        assert!(list.this_update() <= list.next_update() || list.revoked_count() < usize::MAX);
        let _ = list.revoked_since(&[1]);
    }
}

/// PEM armour.
pub fn pem_armour(bytes: &[u8]) {
    for label in [pem::Label::Certificate, pem::Label::RevocationList] {
        if let Ok(der) = bounded(bytes.len(), 16, || pem::decode(label, bytes)) {
            let again = pem::encode(label, &der);
            assert_eq!(pem::decode(label, again.as_bytes()).map(|der| der.to_vec()).ok(), Some(der.to_vec()));
        }
    }
}

/// Sealed objects: at once, and in pieces; both ways agree.
pub fn payload_open(bytes: &[u8]) {
    let key = object_key();
    let whole = bounded(bytes.len(), 8, || payload::open(&key, bytes));
    let Some((header, sealed)) = bytes.split_first_chunk() else {
        assert!(whole.is_err());
        return;
    };
    let pieces = payload::Opener::begin(&key, header).and_then(|mut opener| {
        let mut out = Vec::new();
        for piece in sealed.chunks(1_000) {
            opener.push(piece, &mut out)?;
        }
        opener.finish(&mut out).map(|()| out)
    });
    assert_eq!(whole.is_ok(), pieces.is_ok());
    assert_eq!(whole.ok(), pieces.ok());
}

/// Wrapped package keys.
pub fn stanza(bytes: &[u8]) {
    let (sender, recipient) = parties();
    let scope = WrapScope { seal_id: seal_id(), sender: &sender, recipient: &recipient };
    let _ = bounded(bytes.len(), 8, || stanza::unwrap(bytes, &RECEIVING, scope));
}

/// The directory of authorities: its list, one row, and the whole in one file.
pub fn directory(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 256, || Listing::parse(bytes)) {
        assert_eq!(Listing::parse(&value.to_json()).map(|again| again.to_json()).ok(), Some(value.to_json()));
    }
    if let Ok(value) = bounded(bytes.len(), 256, || Entry::parse(bytes)) {
        assert_eq!(Entry::parse(&value.to_json()).ok(), Some(value));
    }
    if let Ok(value) = bounded(bytes.len(), 64, || Files::from_single_file(bytes)) {
        let again = Files::from_single_file(&value.to_single_file()).map(|files| files.to_single_file());
        assert_eq!(again.ok(), Some(value.to_single_file()));
    }
}

/// The instruments, read once: they are part of the program and not what is fuzzed.
static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::standard().unwrap());

/// The example registry, to which rows are added.
static EXAMPLE: LazyLock<Registry> = LazyLock::new(|| Registry::example().unwrap());
const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// The registry of treaty actions, rows that keepers add to one, and questions to it.
pub fn registry(bytes: &[u8]) {
    if let Ok(grown) = bounded(bytes.len(), 128, || EXAMPLE.with_rows(bytes, NOW)) {
        assert!(difference(&EXAMPLE, &grown).is_ok());
        assert_eq!(Registry::parse(&grown.to_json()).as_ref(), Ok(&grown));
    }
    let Ok(registry) = bounded(bytes.len(), 64, || Registry::parse(bytes)) else { return };
    assert_eq!(Registry::parse(&registry.to_json()).as_ref(), Ok(&registry));
    let Ok(book) = Book::new(LIBRARY.clone(), registry) else { return };
    let (mut from, mut to) = ("XA".parse().unwrap(), "XB".parse().unwrap());
    let day = "2026-06-15".parse().unwrap();
    for (crime, measure) in
        [("torture", "evidence"), ("genocide", "covert-investigation"), ("corruption", "extradition")]
    {
        let (crime, measure) = (crime.parse().unwrap(), measure.parse().unwrap());
        let mut query = Query::new(from, to, crime, measure, day, Timestamp::from_millis(u64::MAX));
        query.conduct = Some(day);
        assert!(basis(&book.view(query.as_of), &query).is_ok());
        (from, to) = (query.from, query.to);
    }
}

/// The signed statements about the directory.
pub fn directory_statement(bytes: &[u8]) {
    if let Ok(value) = bounded(bytes.len(), 256, || Json::parse(bytes)) {
        assert_eq!(Json::parse(&value.canonical()).ok(), Some(value));
    }
    if let Ok(value) = bounded(bytes.len(), 256, || Statement::<Root>::parse(bytes)) {
        assert_eq!(Statement::parse(&value.to_json()).ok(), Some(value));
    }
    if let Ok(value) = Statement::<Targets>::parse(bytes) {
        assert_eq!(Statement::parse(&value.to_json()).ok(), Some(value));
    }
    if let Ok(value) = Statement::<Snapshot>::parse(bytes) {
        assert_eq!(Statement::parse(&value.to_json()).ok(), Some(value));
    }
    if let Ok(value) = Statement::<TimestampRole>::parse(bytes) {
        assert_eq!(Statement::parse(&value.to_json()).ok(), Some(value));
    }
}

/// The manifests of a bag and its `bag-info.txt`.
pub fn bag_manifest(bytes: &[u8]) {
    if let Ok(rows) = bounded(bytes.len(), 16, || listing::parse(bytes, Algorithm::Sha256)) {
        let text = listing::write(rows.iter().map(|(path, hex)| (path.as_str(), hex.clone())));
        assert_eq!(listing::parse(text.as_bytes(), Algorithm::Sha256), Ok(rows));
    }
    let _ = bounded(bytes.len(), 64, || notes::bag_info_fields(bytes));
}

/// A bag in a tar archive, as a stream.
pub fn bag_archive(bytes: &[u8]) {
    // A buffer for the reading and the tables of the files come on top of what the archive holds.
    let read = bounded(bytes.len() + 2 * READ_BYTES, 16, || unpack::read(&mut &*bytes, None, &mut |_| {}));
    if let Ok(folder) = read {
        assert!(folder.paths().all(layout::is_plain_path));
    }
}

/// A consistency proof of a bag.
pub fn bag_link(bytes: &[u8]) {
    if let Ok(link) = bounded(bytes.len(), 16, || Link::parse(bytes)) {
        assert_eq!(link.to_string().as_bytes(), bytes);
    }
}

fn log_key() -> VerifierKey {
    let name: KeyName = "xa-moj.rogatory/custody".parse().expect("a good name");
    VerifierKey::new(name, ed25519::SigningKey::from_seed(&SEED).public_key())
}

fn object_key() -> ObjectKey {
    PackageKey::from_random(SEED).object_key(ObjectScope { seal_id: seal_id(), object_id: 1 })
}

fn seal_id() -> Id {
    Id::new(Timestamp::from_millis(1_795_000_000_000), [7; 10])
}

fn parties() -> (AuthorityId, AuthorityId) {
    ("XA-MOJ".parse().expect("a good identifier"), "XB-MOJ".parse().expect("a good identifier"))
}
