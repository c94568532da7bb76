//! Export and verification of one large bag against `bagit.py`, with one process and with two, in one run on one disk.
//!
//! A node seals a file of 2 GiB (`ROGATORY_BENCH_MIB` gives another size) and sends it; then it is exported into a folder and
//! into an archive, and both are verified by us and by the foreign tool. `tests/judges/install.sh` installs that one. All reads
//! come from the page cache if it holds them; the order changes from round to round. Prints seconds, MiB/s and ratios.
#![allow(clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rogatory::bag::output::Output;
use rogatory::bag::verdict::Word;
use rogatory::bag::verify::{Given, verify};
use rogatory::bag::writer::BagWriter;
use rogatory::cli::demo_cast::{self, Cast};
use rogatory::daemon::drafting::{self, Draft};
use rogatory::daemon::packing::{self, FileFacts};
use rogatory::daemon::{clock, desk, dossier, evidence};
use rogatory::model::ident::Id;
use rogatory::model::message::Body;
use rogatory::model::package::ItemRole;
use rogatory::wire::message;

const ROUNDS: usize = 3;

fn main() {
    let mib: u64 = std::env::var("ROGATORY_BENCH_MIB").map_or(2_048, |text| text.parse().expect("a number of MiB"));
    let dir = tempfile::tempdir().expect("a folder for the benchmark");
    let cast = demo_cast::raise(dir.path()).expect("two nodes");
    let package_id = send(&cast, mib);
    let rest = resident_peak_mib();
    let (folder, archive) = (dir.path().join("bag"), dir.path().join("bag.tar"));
    let names = [
        "export into a folder",
        "export into an archive",
        "verify the folder",
        "verify the archive",
        "bagit.py",
        "bagit.py --processes 2",
    ];
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for round in 0..ROUNDS {
        let _ = std::fs::remove_dir_all(&folder);
        let _ = std::fs::remove_file(&archive);
        rows[0].push(timed(|| export(&cast, package_id, Output::folder(&folder).expect("a folder"))));
        rows[1].push(timed(|| export(&cast, package_id, Output::archive(&archive, "bag".to_owned()).expect("a file"))));
        let mut order = [2, 3, 4, 5];
        order.rotate_left(round % 4);
        for column in order {
            rows[column].push(match column {
                2 => timed(|| judged(&folder, &cast)),
                3 => timed(|| judged(&archive, &cast)),
                4 => timed(|| bagit(&folder, &[])),
                _ => timed(|| bagit(&folder, &["--processes", "2"])),
            });
        }
    }
    let median = |column: usize| {
        let mut values = rows[column].clone();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!("one file of {mib} MiB, {ROUNDS} rounds, medians");
    for (column, name) in names.iter().enumerate() {
        println!("{name:<26} {:>7.2} s {:>7.0} MiB/s", median(column), mib as f64 / median(column));
    }
    println!("bagit.py / verify the folder                {:.2}", median(4) / median(2));
    println!("bagit.py --processes 2 / verify the folder  {:.2}", median(5) / median(2));
    println!("peak of resident memory: {rest} MiB before the exports, {} MiB after all", resident_peak_mib());
    cast.lower();
}

/// Content that no disk and no tool can make smaller: a counter, multiplied.
struct Noise(u64, u64);

impl Read for Noise {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = into.len().min(usize::try_from(self.1).unwrap_or(usize::MAX));
        for piece in into[..count].chunks_mut(8) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            piece.copy_from_slice(&self.0.to_be_bytes()[..piece.len()]);
        }
        self.1 -= count as u64;
        Ok(count)
    }
}

fn send(cast: &Cast, mib: u64) -> Id {
    let side = &cast.arcadia;
    let node = side.node();
    let package_id = packing::begin(node, side.first()).expect("a package");
    let facts = FileFacts {
        name: "disk.img".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        description: String::new(),
        role: ItemRole::Attachment,
        also: Vec::new(),
        expected: Vec::new(),
    };
    packing::add(node, side.first(), package_id, facts, &mut Noise(1, mib << 20)).expect("sealed");
    let draft = Draft {
        legal_bases: demo_cast::legal_bases(),
        basis: demo_cast::basis().expect("a question"),
        files: Some(packing::finish(node, side.first(), package_id).expect("whole")),
        ..Draft::opening("XB-MOJ".parse().expect("an authority"), Body::Request(Box::new(demo_cast::request_body())))
    };
    let row = drafting::draft(node, side.first(), draft).expect("drafted");
    packing::close(node, package_id);
    desk::approve(node, side.second(), row.message_id).expect("approved");
    desk::send(node, side.second(), row.message_id).expect("queued");
    // The other side must hold everything before anything is measured: it uses the same disk and processors.
    let there = cast.borealia.node();
    while !there.package(package_id).is_ok_and(|package| package.complete_index.is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    package_id
}

fn export(cast: &Cast, package_id: Id, output: Output) {
    let side = &cast.arcadia;
    let (item, mut plaintext) = evidence::open(side.node(), side.first(), package_id, 1, "benchmark").expect("opened");
    let mut writer = BagWriter::begin(output, vec![item]);
    writer.put(1, &mut plaintext).expect("written");
    let parts = dossier::export(side.node(), side.first(), package_id, "benchmark", None).expect("a dossier");
    assert!(message::decode(&parts.message.content.0).is_ok());
    writer.describe(&parts, clock::now()).expect("described");
    writer.finish().expect("a bag");
}

fn judged(bag: &Path, cast: &Cast) {
    let given = Given { trusted_root: Some(cast.root), ..Given::default() };
    let verdict = verify(bag, &given, clock::now(), &mut |_| {}).expect("a bag");
    assert_ne!(verdict.verdict, Word::Failed, "{:#?}", verdict.checks);
}

fn bagit(bag: &Path, more: &[&str]) {
    let venv = std::env::var_os("ROGATORY_JUDGES_VENV")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges-venv"), PathBuf::from);
    let mut command = Command::new(venv.join("bin/bagit.py"));
    command.arg("--validate").args(more).arg(bag).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().expect("bagit.py; run tests/judges/install.sh").success());
}

fn timed(act: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    act();
    begun.elapsed().as_secs_f64()
}

fn resident_peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
