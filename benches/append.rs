//! What the custody ledger costs, as ratios in one interleaved run: against the disk alone and against a bare file with
//! group commit; then the start, the scan and the index of a log of a million records.
//!
//! `cargo bench --bench append`; `ROGATORY_BENCH_DIR` names the disk, `ROGATORY_BENCH_RECORDS` the long log's length,
//! `ROGATORY_BENCH_ROUNDS` and `ROGATORY_BENCH_MS` how long it takes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::fs::{File, OpenOptions};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rogatory::crypto::ed25519::SigningKey;
use rogatory::store::index::{Change, Index};
use rogatory::store::ledger::{Entry, Ledger};

/// Like a record of the custody log with its names, digests and references.
const RECORD_BYTES: usize = 300;
/// What the ledger writes for one such entry alone: its frame and that of its checkpoint.
const FRAME_BYTES: usize = 20 + 32 + 4 + RECORD_BYTES + 1 + 20 + 190;
const CALLERS: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, dir] = arguments.as_slice()
        && flag == "--ready"
    {
        return ready(Path::new(dir));
    }
    let root = std::env::var_os("ROGATORY_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(root).unwrap();
    appends(dir.path());
    long_log(dir.path());
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn open(dir: &Path) -> Ledger {
    let origin = "xa-moj.rogatory/custody".parse().unwrap();
    Ledger::open(dir, origin, SigningKey::from_seed(&[1; 32]), Box::new(|_| {})).unwrap()
}

fn entry(number: u64) -> Entry {
    let mut record = number.to_be_bytes().to_vec();
    record.resize(RECORD_BYTES, 0x5a);
    Entry { record, enclosures: Vec::new() }
}

fn appends(dir: &Path) {
    let rounds = setting("ROGATORY_BENCH_ROUNDS", 7);
    let time = Duration::from_millis(setting("ROGATORY_BENCH_MS", 1_500));
    let raw = Bare::new(&dir.join("raw"));
    let bare = GroupCommit::start(Bare::new(&dir.join("bare")));
    let ledger = open(&dir.join("custody"));
    let mut results: [Vec<f64>; 6] = Default::default();
    let number = AtomicU64::new(0);
    let next = || number.fetch_add(1, Ordering::Relaxed);
    for _ in 0..rounds {
        let one = |work: &(dyn Fn() + Sync)| rate(1, time, work);
        let many = |work: &(dyn Fn() + Sync)| rate(CALLERS, time, work);
        results[0].push(one(&|| raw.write(&[0x5a; FRAME_BYTES])));
        results[1].push(one(&|| bare.append(vec![0x5a; FRAME_BYTES])));
        results[2].push(one(&|| drop(ledger.append(entry(next())).unwrap())));
        results[3].push(many(&|| bare.append(vec![0x5a; FRAME_BYTES - 210])));
        results[4].push(many(&|| drop(ledger.append(entry(next())).unwrap())));
        results[5].push(many(&|| {
            let index = ledger.append(entry(next())).unwrap().index;
            drop(ledger.reader().prove(index).unwrap());
        }));
    }
    let [disk, bare_one, one, bare_many, many, proven] = results.map(median);
    println!("durable appends of {RECORD_BYTES} bytes a second, medians of {rounds} rounds of {time:?}");
    println!("  1 caller    disk alone (write + fdatasync)   {disk:>9.0}");
    println!("  1 caller    bare file, group commit          {bare_one:>9.0}");
    println!(
        "  1 caller    ledger                           {one:>9.0}   {:.2} of the disk, {:.2} of the bare file",
        one / disk,
        one / bare_one
    );
    println!("  {CALLERS} callers  bare file, group commit          {bare_many:>9.0}");
    println!(
        "  {CALLERS} callers  ledger                           {many:>9.0}   {:.2} of the bare file",
        many / bare_many
    );
    println!(
        "  {CALLERS} callers  ledger, each with a checked proof {proven:>8.0}   {:.2} of the bare file",
        proven / bare_many
    );
}

/// How often a second `work` is done by so many callers at once.
fn rate(callers: usize, time: Duration, work: &(dyn Fn() + Sync)) -> f64 {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    work();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A preallocated file that is written from its begin to its end, again and again.
struct Bare {
    file: File,
    end: AtomicU64,
}

impl Bare {
    const BYTES: u64 = 64 * 1024 * 1024;

    fn new(path: &Path) -> Self {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, Self::BYTES).unwrap();
        file.sync_all().unwrap();
        Self { file, end: AtomicU64::new(0) }
    }

    fn write(&self, bytes: &[u8]) {
        let end = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let at = end % (Self::BYTES - bytes.len() as u64);
        self.file.write_all_at(bytes, at).unwrap();
        self.file.sync_data().unwrap();
    }
}

/// The least that makes many callers share one sync: no framing, no tree, no signature.
struct GroupCommit {
    queue: mpsc::SyncSender<(Vec<u8>, mpsc::SyncSender<()>)>,
}

impl GroupCommit {
    fn start(file: Bare) -> Self {
        let (queue, jobs) = mpsc::sync_channel::<(Vec<u8>, mpsc::SyncSender<()>)>(1_024);
        std::thread::spawn(move || {
            while let Ok((mut bytes, waiter)) = jobs.recv() {
                let mut waiters = vec![waiter];
                while let Ok((more, waiter)) = jobs.try_recv() {
                    bytes.extend_from_slice(&more);
                    waiters.push(waiter);
                }
                file.write(&bytes);
                waiters.into_iter().for_each(|waiter| waiter.send(()).unwrap());
            }
        });
        Self { queue }
    }

    fn append(&self, bytes: Vec<u8>) {
        let (tell, told) = mpsc::sync_channel(1);
        self.queue.send((bytes, tell)).unwrap();
        told.recv().unwrap();
    }
}

fn long_log(dir: &Path) {
    let records = setting("ROGATORY_BENCH_RECORDS", 1_000_000);
    let custody = dir.join("long");
    let ledger = open(&custody);
    let begin = Instant::now();
    let failed = Arc::new(AtomicU64::new(0));
    for number in 0..records {
        let failed = Arc::clone(&failed);
        let count = move |done: Result<_, _>| {
            failed.fetch_add(u64::from(done.is_err()), Ordering::Relaxed);
        };
        ledger.submit(entry(number), Box::new(count));
    }
    ledger.close();
    assert_eq!(failed.load(Ordering::Relaxed), 0);
    println!("{records} records written in {:.1} s", begin.elapsed().as_secs_f64());
    for _ in 0..3 {
        let program = std::env::current_exe().unwrap();
        let said = std::process::Command::new(program).arg("--ready").arg(&custody).output().unwrap();
        print!("{}", String::from_utf8_lossy(&said.stdout));
    }
    let ledger = open(&custody);
    let begin = Instant::now();
    let mut seen = 0_u64;
    ledger
        .reader()
        .scan(0, |_| {
            seen += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    let scanned = begin.elapsed().as_secs_f64();
    println!("scan with CRC and commitment: {:.0} records/s", seen as f64 / scanned);
    let (index, _) = Index::open(&dir.join("index")).unwrap();
    let begin = Instant::now();
    let mut changes = Vec::new();
    ledger
        .reader()
        .scan(0, |stored| {
            let key = stored.index.to_be_bytes().to_vec();
            changes.push(Change { tree: "bench", key, value: Some(vec![7; 100]) });
            if changes.len() == 1_000 {
                index.apply(&changes, stored.index + 1).unwrap();
                changes.clear();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    index.apply(&changes, seen).unwrap();
    index.flush().unwrap();
    let rebuilt = begin.elapsed().as_secs_f64();
    println!("index rebuilt, one key of 100 bytes each: {:.0} records/s", seen as f64 / rebuilt);
}

/// In a process of its own: opens the log and tells how long it took and what it holds in memory.
fn ready(dir: &Path) {
    let begin = Instant::now();
    let ledger = open(dir);
    let taken = begin.elapsed().as_secs_f64() * 1_000.0;
    let size = ledger.reader().size();
    ledger.append(entry(size)).unwrap();
    let first = begin.elapsed().as_secs_f64() * 1_000.0;
    std::thread::sleep(Duration::from_millis(600));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    println!("start with {size} records: open {taken:.0} ms, first append {first:.0} ms, {resident}");
}
