//! A folder of many small files, sealed as evidence, beside `tar` of the same folder with its digests and beside
//! `sha256sum` of each file; then one file of 10 GB with holes, and the memory that it takes.
//!
//! `ROGATORY_BENCH_FILES` sets the number of files (500,000), `ROGATORY_BENCH_FILE_BYTES` their length (4,096). Rounds are
//! interleaved; medians with their range, and ratios of one run, are printed.
#![allow(clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rogatory::cli::demo_cast;
use rogatory::cli::meter::Meter;
use rogatory::cli::show::Form;
use rogatory::cli::tree_source::{Also, TreeSource};
use rogatory::cli::walk::Walk;
use rogatory::daemon::{packing, packing_tree};
use rogatory::model::package::ItemRole;

const ROUNDS: usize = 3;
const SPARSE_BYTES: u64 = 10_000_000_000;

fn main() {
    let files = setting("ROGATORY_BENCH_FILES", 500_000);
    let bytes = setting("ROGATORY_BENCH_FILE_BYTES", 4_096);
    let dir = tempfile::tempdir().expect("a folder for the benchmark");
    let folder = dir.path().join("many");
    make(&folder, files, bytes);
    let cast = demo_cast::raise(&dir.path().join("cast")).expect("two nodes");
    let mut rows = Vec::new();
    for _ in 0..ROUNDS {
        let seal = seconds(|| seal(&cast, &folder));
        let tar = seconds(|| shell(&folder, "tar cf - . | sha256sum"));
        let sums = seconds(|| shell(&folder, "find . -type f -print0 | xargs -0 sha256sum"));
        rows.push([seal, tar, sums]);
    }
    println!("{files} files of {bytes} bytes; {ROUNDS} rounds interleaved; median (least to most) in seconds");
    let middle = |column: usize| {
        let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        values.sort_by(f64::total_cmp);
        (values[values.len() / 2], values[0], values[values.len() - 1])
    };
    for (name, column) in
        [("sealed, each with its SHA-256, durable", 0), ("tar | sha256sum", 1), ("sha256sum of each", 2)]
    {
        let (median, least, most) = middle(column);
        let rate = files as f64 / median;
        println!("{name:<40} {median:>8.1}  ({least:.1} to {most:.1})  {rate:.0} files a second");
    }
    let (tar, sums, sealed) = (middle(1).0, middle(2).0, middle(0).0);
    println!("tar and sha256sum of each together, over sealed: {:.2}", (tar + sums) / sealed);

    let image = dir.path().join("image");
    let file = File::create(&image).expect("a file");
    for place in 0..100 {
        file.write_all_at(&[7; 1 << 20], place * (SPARSE_BYTES / 100)).expect("written");
    }
    file.set_len(SPARSE_BYTES).expect("a length");
    let before = memory_mib("VmRSS:");
    let took = seconds(|| seal(&cast, &image));
    println!(
        "{SPARSE_BYTES} bytes with holes, sealed in {took:.1} s ({:.0} MB/s of its length); memory {before} MiB before, at most {} MiB since the start",
        SPARSE_BYTES as f64 / took / 1e6,
        memory_mib("VmHWM:")
    );
    cast.lower();
}

fn make(folder: &Path, files: u64, bytes: u64) {
    let bytes = usize::try_from(bytes).expect("a length");
    for number in 0..files {
        let below = folder.join(format!("{:03}", number / 1_000));
        if number % 1_000 == 0 {
            fs::create_dir_all(&below).expect("a folder");
        }
        let content = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes().repeat(bytes.div_ceil(8));
        fs::write(below.join(format!("{number}.bin")), &content[..bytes]).expect("a file");
    }
}

/// Seals a folder through the same stream that the command line sends, up to its last fsync; then gives it up.
fn seal(cast: &demo_cast::Cast, what: &Path) {
    let side = &cast.arcadia;
    let id = packing::begin(side.node(), side.first()).expect("begun");
    let meter = Meter::begin("sealing", None, 0, Form::Json);
    let walk = Walk::of(&[PathBuf::from(what)]).expect("a folder");
    let mut source = TreeSource::new(walk, None, Also::default(), meter);
    packing_tree::add_tree(side.node(), side.first(), id, ItemRole::Evidence, &mut source).expect("sealed");
    packing::discard(side.node(), side.first(), id).expect("given up");
}

fn shell(folder: &Path, line: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).stdout(Stdio::null());
    assert!(command.status().expect("a shell").success());
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn memory_mib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
