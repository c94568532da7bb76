//! Small requests end to end between two real nodes: draft, approve, sign, seal, queue, send, verify, log, receipt, check.
//!
//! Each message costs five durable commits (three at the sender before it travels, one at the receiver, one for the
//! receipt), so the disk's own fdatasync rate, measured in the same run, is the yardstick. Prints medians and ratios.
#![allow(clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rogatory::cli::demo_cast::{self, Cast, Side};
use rogatory::daemon::desk;
use rogatory::daemon::drafting::{self, Draft};
use rogatory::exchange::rows::MessageState;
use rogatory::model::message::Body;

const ROUNDS: usize = 5;
const SYNCS: u32 = 300;

fn main() {
    let dir = tempfile::tempdir().expect("a folder for the benchmark");
    let cast = demo_cast::raise(dir.path()).expect("two nodes");
    let mut rows = Vec::new();
    one_by_one(&cast, 20);
    for _ in 0..ROUNDS {
        let sync = syncs_per_second(&dir.path().join("sync"));
        let single = one_by_one(&cast, 100);
        let many = in_flight(&cast, 64, 1_500);
        rows.push([sync, single, many]);
    }
    let median = |column: usize| {
        let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        values.sort_by(f64::total_cmp);
        (values[values.len() / 2], values[0], values[values.len() - 1])
    };
    let [(sync, ..), (single, ..), _] = [median(0), median(1), median(2)];
    println!("rounds interleaved, {ROUNDS}; median (least to most)");
    for (name, column) in [
        ("fdatasync of 4 KiB, one thread, per second", 0),
        ("requests end to end, 1 in flight, per second", 1),
        ("requests end to end, 64 in flight, per second", 2),
    ] {
        let (middle, least, most) = median(column);
        println!("{name:<48} {middle:>8.0}  ({least:.0} to {most:.0})");
    }
    let (many, ..) = median(2);
    println!("1 in flight: durable commits per second over the disk's fdatasync rate   {:.2}", single * 5.0 / sync);
    println!("64 in flight: durable commits per second over the disk's fdatasync rate  {:.2}", many * 5.0 / sync);
    println!("resident memory of both nodes and this benchmark {} MiB", resident_mib());
    cast.lower();
}

fn syncs_per_second(path: &std::path::Path) -> f64 {
    let mut file = File::create(path).expect("a file");
    file.write_all(&vec![0; 4 << 20]).expect("preallocated");
    file.sync_all().expect("synced");
    let begun = Instant::now();
    for index in 0..SYNCS {
        use std::os::unix::fs::FileExt;
        file.write_all_at(&[1; 4_096], u64::from(index) * 4_096).expect("written");
        file.sync_data().expect("synced");
    }
    f64::from(SYNCS) / begun.elapsed().as_secs_f64()
}

fn send_one(side: &Side) {
    let node = side.node();
    let draft = Draft {
        legal_bases: demo_cast::legal_bases(),
        basis: demo_cast::basis().expect("a question"),
        ..Draft::opening("XB-MOJ".parse().expect("an authority"), Body::Request(Box::new(demo_cast::request_body())))
    };
    let row = drafting::draft(node, side.first(), draft).expect("drafted");
    desk::approve(node, side.second(), row.message_id).expect("approved");
    desk::send(node, side.second(), row.message_id).expect("queued");
    while node.message(row.message_id).expect("known").state != MessageState::Delivered {
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn one_by_one(cast: &Cast, count: u32) -> f64 {
    let begun = Instant::now();
    (0..count).for_each(|_| send_one(&cast.arcadia));
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn in_flight(cast: &Cast, callers: usize, count: usize) -> f64 {
    let left = AtomicUsize::new(count);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    send_one(&cast.arcadia);
                }
            });
        }
    });
    count as f64 / begun.elapsed().as_secs_f64()
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
