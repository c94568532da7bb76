//! Each named point in turn: the process on its side kills itself there, and the other side and the officers go on.

use std::collections::BTreeSet;

use rogatory::daemon::crash::POINTS;

use crate::book::{Book, word};
use crate::judge::judge;
use crate::rng::Rng;
use crate::town::{Side, Town, text};

/// Which process dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Sender,
    Receiver,
}

/// What the sender sends meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Letter,
    Package,
}

use Load::{Letter, Package};
use Victim::{Receiver, Sender};

/// Point, with the passage at which it kills; who dies there; what travels.
const CASES: &[(&str, Victim, Load)] = &[
    ("commit: durable, index not told#1", Sender, Letter),
    ("commit: durable, index not told#2", Sender, Package),
    ("commit: durable, index not told#3", Sender, Letter),
    ("commit: durable, index not told#4", Sender, Package),
    ("commit: durable, index not told#2", Receiver, Letter),
    ("commit: index told, nobody answered#1", Receiver, Letter),
    ("commit: index told, nobody answered#2", Sender, Letter),
    ("commit: index told, nobody answered#3", Sender, Letter),
    ("commit: index told, nobody answered#2", Receiver, Package),
    ("seal: in the vault, not drafted", Sender, Package),
    ("send: sealed, not logged", Sender, Letter),
    ("send: sealed, not logged", Sender, Package),
    ("send: logged, not answered", Sender, Letter),
    ("deliver: sent, no receipt yet", Sender, Letter),
    ("deliver: receipt came, not logged", Sender, Letter),
    ("deliver: receipt came, not logged", Sender, Package),
    ("deliver: receipt logged", Sender, Letter),
    ("received: logged, receipt not sent", Receiver, Letter),
    ("received: logged, receipt not sent", Receiver, Package),
    ("fetch: part verified, not stored", Receiver, Package),
    ("fetch: part stored", Receiver, Package),
    ("fetch: part stored#3", Receiver, Package),
    ("fetch: all parts stored, not completed", Receiver, Package),
    ("fetch: completed, not logged", Receiver, Package),
    ("fetch: content logged", Receiver, Package),
    ("receipt: pushed, not logged", Receiver, Package),
    ("receipt: taken, not answered", Sender, Package),
    ("open: logged, not released", Receiver, Package),
    ("export: logged, not given", Receiver, Package),
    ("witness: checkpoint kept, not answered", Receiver, Letter),
    ("witness: checkpoint kept, not answered", Sender, Letter),
];

#[test]
fn a_process_killed_at_any_named_step_loses_nothing_and_does_nothing_twice() {
    let others = crate::erasing::CASES.iter().map(|(point, ..)| *point);
    let all = CASES
        .iter()
        .map(|(point, ..)| *point)
        .chain(others)
        .chain(crate::rotating::CASES.iter().map(|(point, _)| *point));
    let tried: BTreeSet<_> = all.map(|point| point.split('#').next().unwrap()).collect();
    assert_eq!(tried, POINTS.iter().copied().collect(), "every named point is tried");
    let town = Town::raise();
    let book = Book::default();
    let mut rng = Rng::new(7);
    let file = town.file("evidence.bin", 3 << 20, &mut rng);
    let begun = std::time::Instant::now();
    for (number, (point, victim, load)) in CASES.iter().enumerate() {
        // The ways alternate, so that each node is each side's victim.
        let (from, to) = if number % 2 == 0 { (0, 1) } else { (1, 0) };
        let (from, to) = (&town.sides[from], &town.sides[to]);
        let dying = if *victim == Sender { from } else { to };
        dying.node.kill();
        dying.node.start_to_die_at(point);
        let file = (*load == Package).then_some(file.as_path());
        std::thread::scope(|scope| {
            let officers = scope.spawn(|| {
                let row = book.request(from, to, file);
                if point.starts_with("open:") || point.starts_with("export:") {
                    let package = word(&row, "package_id");
                    whole(&town);
                    take_out(&town, to, &package, number);
                }
            });
            dying.node.died_of_its_point(point);
            dying.node.start();
            officers.join().unwrap();
        });
        town.converge();
        println!("{:>6} ms  {point}", begun.elapsed().as_millis());
    }
    judge(&town, &book);
}

/// Waits until the package of the case has come.
fn whole(town: &Town) {
    town.sides.iter().for_each(|side| side.node.ready());
    town.converge();
}

/// Opens or exports a package until it is out, whatever is killed meanwhile. Each attempt has a folder of its own.
fn take_out(town: &Town, side: &Side, package: &str, number: usize) {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let target = town.path(&format!("out-{number}-{attempt}"));
        let target = text(&target);
        let verb = if CASES[number].0.starts_with("open:") { "open" } else { "export" };
        let before = side.node.disturbances();
        match side.act(side.clerk, &["package", verb, package, "--to", &target, "--purpose", "a test"]) {
            Ok(_) if verb == "export" => {
                let verdict = crate::town::run(&["verify", &target, "--json"]);
                assert!(verdict.is_ok() || verdict.is_err_and(|why| why.is_empty()), "the bag is whole");
                return;
            }
            Ok(_) => return,
            Err(why) => {
                let dead = why.contains("no node answers") || side.node.disturbed_since(before);
                assert!(dead, "{why}\n{}", side.node.last_words());
                side.node.ready_again();
            }
        }
    }
}
