//! What checking costs, as ratios in one interleaved run: a published log of a million entries verified offline on one core,
//! proofs a second, and the full check of a journal beside `sha256sum` over the same bytes.
//!
//! `cargo bench --bench verify`; `ROGATORY_BENCH_DIR` names the disk, `ROGATORY_BENCH_RECORDS` the log's length,
//! `ROGATORY_BENCH_ROUNDS` how long it takes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rogatory::bag::verdict::Word;
use rogatory::bag::verify::{Given, verify};
use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::frontier::Frontier;
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tile::{TILE_WIDTH, Tile, tiles_between};
use rogatory::custody::tree::{leaf_hash, root};
use rogatory::model::time::Timestamp;
use rogatory::store::fsck::{Mode, fsck};
use rogatory::store::ledger::{Entry, Ledger};

/// Like a record of the custody log with its names, digests and references; and a letter beside every tenth.
const RECORD_BYTES: usize = 300;
const LETTER_BYTES: usize = 60_000;
const LETTER_EACH: u64 = 10;

fn main() {
    let base = std::env::var_os("ROGATORY_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(base).unwrap();
    let records = setting("ROGATORY_BENCH_RECORDS", 1_000_000);
    let rounds = setting("ROGATORY_BENCH_ROUNDS", 5);
    published(&dir.path().join("published"), records, rounds);
    journal(&dir.path().join("custody"), records / 50, rounds);
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn origin() -> KeyName {
    "xa-moj.rogatory/custody".parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn verifier() -> VerifierKey {
    VerifierKey::new(origin(), key().public_key())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn put(dir: &Path, frontier: &Frontier, from: u64, keep: impl Fn(&Tile) -> bool) {
    for tile in tiles_between(from, frontier.size()).filter(keep) {
        let path = dir.join(tile.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, frontier.tile(&tile).unwrap()).unwrap();
    }
}

/// Writes the files of a published log, as a stranger would have fetched them.
fn publish(dir: &Path, records: u64) {
    let mut frontier = Frontier::new();
    for number in 0..records {
        frontier.push(sha256(&number.to_be_bytes()));
        if frontier.size().is_multiple_of(u64::from(TILE_WIDTH)) {
            put(dir, &frontier, frontier.size() - u64::from(TILE_WIDTH), Tile::is_full);
            frontier.release(frontier.size());
        }
    }
    put(dir, &frontier, 0, |tile| !tile.is_full());
    let root = root(records, |level, index| frontier.node(level, index)).unwrap();
    let checkpoint = SignedCheckpoint::sign(&origin(), records, root, &key());
    fs::write(dir.join("checkpoint"), checkpoint.to_bytes()).unwrap();
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let (mut files, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files
}

/// `sha256sum` over the same files, one process; it is handed their names on its standard input by `xargs`.
fn sha256sum(files: &[PathBuf]) -> f64 {
    let mut command = Command::new("xargs");
    command.args(["-0", "-n", "100000", "sha256sum"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let names: Vec<u8> = files.iter().flat_map(|path| [path.to_str().unwrap().as_bytes(), &[0]].concat()).collect();
    seconds(|| {
        child.stdin.take().unwrap().write_all(&names).unwrap();
        assert!(child.wait().unwrap().success());
    })
}

fn bytes_of(files: &[PathBuf]) -> u64 {
    files.iter().map(|path| path.metadata().unwrap().len()).sum()
}

fn published(dir: &Path, records: u64, rounds: u64) {
    publish(dir, records);
    let files = files_below(dir);
    let given = Given { log_keys: vec![verifier()], ..Given::default() };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(sha256sum(&files));
        ours.push(seconds(|| {
            let verdict = verify(dir, &given, Timestamp::from_millis(0), &mut |_| {}).unwrap();
            assert_eq!(verdict.verdict, Word::Verified);
        }));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let megabytes = bytes_of(&files) as f64 / 1e6;
    println!(
        "a published log of {records} entries, {} files, {megabytes:.0} MB; medians of {rounds} rounds",
        files.len()
    );
    println!("  verified offline, one core    {ours:>8.2} s   {:>9.0} entries/s", records as f64 / ours);
    println!("  sha256sum, the same files     {theirs:>8.2} s   ours takes {:.2} times as long", ours / theirs);
}

fn entry(number: u64) -> Entry {
    let mut record = number.to_be_bytes().to_vec();
    record.resize(RECORD_BYTES, 0x5a);
    let letter = |fill| vec![fill; LETTER_BYTES];
    let enclosures = if number.is_multiple_of(LETTER_EACH) { vec![letter(number as u8)] } else { Vec::new() };
    Entry { record, enclosures }
}

fn journal(dir: &Path, records: u64, rounds: u64) {
    fs::create_dir_all(dir).unwrap();
    let ledger = Ledger::open(dir, origin(), key(), Box::new(|_| {})).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    for number in 0..records {
        let tell = tell.clone();
        ledger.submit(entry(number), Box::new(move |done| tell.send(done.is_ok()).unwrap()));
    }
    drop(tell);
    assert!(told.iter().all(|done| done));
    let proofs = records.min(20_000);
    let mut proven = Vec::new();
    let mut checked = Vec::new();
    for _ in 0..rounds {
        let mut texts = Vec::new();
        proven.push(
            proofs as f64
                / seconds(|| {
                    // In an order that no cache of tiles likes.
                    texts = (0..proofs)
                        .map(|number| number * 7_919 % records)
                        .map(|at| (at, ledger.reader().prove(at).unwrap()))
                        .collect();
                }),
        );
        let leaves: Vec<_> = texts
            .iter()
            .take(2_000)
            .map(|(at, text)| (leaf_hash(&ledger.reader().read(*at).unwrap().commitment.0), text))
            .collect();
        checked.push(
            leaves.len() as f64
                / seconds(|| {
                    for (leaf, text) in &leaves {
                        black_box(TlogProof::parse(text.as_bytes()).unwrap().verify(leaf, &[verifier()]).unwrap());
                    }
                }),
        );
    }
    ledger.close();
    println!("a log of {records} entries in its journal; medians of {rounds} rounds");
    println!("  proofs made and checked by the node        {:>9.0} a second", median(proven));
    println!("  proofs verified with their signature       {:>9.0} a second", median(checked));
    let files: Vec<_> = files_below(dir);
    let bytes = bytes_of(&files) as f64 / 1e6;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(sha256sum(&files));
        ours.push(seconds(|| assert!(fsck(dir, &verifier(), Mode::Report).unwrap().is_sound())));
    }
    let (ours, theirs) = (bytes / median(ours), bytes / median(theirs));
    println!("  full check of {bytes:.0} MB (journal, tiles)    {ours:>9.0} MB/s");
    println!("  sha256sum over the same files              {theirs:>9.0} MB/s   ours is {:.2} of it", ours / theirs);
}
