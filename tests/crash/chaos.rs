//! Both nodes are killed at random moments, while starting too, under a stream of requests, answers and evidence.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::book::{Book, Told};
use crate::judge::judge;
use crate::rng::Rng;
use crate::town::{Side, Town};

/// Kills between two rests at which everything must arrive.
const KILLS_A_ROUND: u64 = 30;

#[test]
fn a_hundred_kills_at_random_moments_lose_nothing_and_do_nothing_twice() {
    let soak = std::env::var_os("ROGATORY_SOAK").is_some();
    let rounds = if soak { 14 } else { 4 };
    let (mut rng, seed) = Rng::from_environment();
    println!("ROGATORY_SEED={seed}");
    let town = Town::raise();
    let book = Book::default();
    let files: Vec<_> =
        [700_000, 2_500_000, 5 << 20].map(|bytes| town.file(&format!("{bytes}.bin"), bytes, &mut rng)).into();
    for round in 0..rounds {
        let over = AtomicBool::new(false);
        let seeds = [rng.next(), rng.next()];
        std::thread::scope(|scope| {
            for (at, seed) in seeds.into_iter().enumerate() {
                let (town, book, files, over) = (&town, &book, &files, &over);
                scope.spawn(move || officers(town, at, book, files, over, Rng::new(seed)));
            }
            // Also when a kill panics: the officers must end.
            let _ended = Ends(&over);
            kill_at_random(&town, &mut rng);
        });
        town.converge();
        println!("round {round}: {} acts acknowledged so far", book.entries().len());
    }
    assert!(book.entries().iter().filter(|entry| entry.told == Told::Sent).count() > 20, "too little was sent");
    judge(&town, &book);
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn kill_at_random(town: &Town, rng: &mut Rng) {
    let mut kills = 0;
    while kills < KILLS_A_ROUND {
        // From the first instructions of a start to the middle of a busy hour.
        let longest = [15, 120, 400, 1_200][rng.below(4) as usize];
        std::thread::sleep(Duration::from_millis(rng.below(longest)));
        let chosen = rng.below(5);
        let victims: Vec<&Side> = match chosen {
            0 => town.sides.iter().collect(),
            _ => vec![&town.sides[chosen as usize % 2]],
        };
        kills += victims.len() as u64;
        victims.iter().for_each(|side| side.node.kill());
        victims.iter().for_each(|side| side.node.start());
    }
}

/// What the officers of one side do all day.
fn officers(town: &Town, at: usize, book: &Book, files: &[PathBuf], over: &AtomicBool, mut rng: Rng) {
    let (us, them) = (&town.sides[at], &town.sides[1 - at]);
    while !over.load(Ordering::SeqCst) {
        let file = &files[rng.below(files.len() as u64) as usize];
        match rng.below(10) {
            0..5 => drop(book.request(us, them, None)),
            5..7 => drop(book.request(us, them, Some(file))),
            choice => {
                let Some(request) = arrived(us, &mut rng) else { continue };
                if choice == 7 {
                    book.acknowledge(us, &request);
                } else {
                    book.evidence(us, &request, file);
                }
            }
        }
    }
}

/// A request of the other side that has come; `None` while there is none, or the node is down.
fn arrived(us: &Side, rng: &mut Rng) -> Option<String> {
    let found = us.act(us.clerk, &["request", "list"]).ok()?;
    let requests = found["requests"].as_array()?;
    let incoming: Vec<_> = requests.iter().filter(|row| row["direction"] == "incoming").collect();
    let chosen = rng.below(incoming.len().max(1) as u64) as usize;
    incoming.get(chosen).and_then(|row| row["request_id"].as_str()).map(str::to_owned)
}
