//! What a look-up of the legal basis costs over a registry of 195 States, 40 instruments and 100,000 rows: reading it,
//! indexing it, and one question (median, p99, worst).
//!
//! `cargo bench --bench law`; `ROGATORY_BENCH_QUESTIONS` says how many questions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rogatory::exchange::registry::digest;
use rogatory::law::basis::basis;
use rogatory::law::instrument::{Instrument, Kind};
use rogatory::law::library::Library;
use rogatory::law::opinion::Answer;
use rogatory::law::query::Query;
use rogatory::law::registry::Registry;
use rogatory::law::row::{Agreed, Channel, Ends, Extent, Fact, Row, Source};
use rogatory::law::subject::Subject;
use rogatory::law::view::Book;
use rogatory::model::authority::Provenance;
use rogatory::model::time::Timestamp;

const STATES: usize = 195;
const INSTRUMENTS: usize = 40;
const ROWS: usize = 100_000;
const FIRST_MS: u64 = 1_700_000_000_000;

fn main() {
    let questions: usize =
        std::env::var("ROGATORY_BENCH_QUESTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let registry = registry();
    let bytes = registry.to_json();
    println!("{} rows, {} MB of JSON", registry.rows().len(), bytes.len() / 1_000_000);
    let (read, registry) = timed(|| Registry::parse(&bytes).unwrap());
    let (digested, _) = timed(|| digest(&registry).unwrap());
    let (indexed, book) = timed(|| Book::new(Library::standard().unwrap(), registry).unwrap());
    let instruments = book.library().instruments().iter().filter(|one| one.kind != Kind::General).count();
    println!("read {read:.0?}, digest {digested:.0?}, index {indexed:.0?}; {instruments} instruments");
    ask(&book, questions);
}

fn ask(book: &Book, questions: usize) {
    let mut random = Random(7);
    let crimes = ["genocide", "torture", "war-crimes", "organised-crime", "corruption", "ordinary-crime"];
    let measures = ["evidence", "hearing", "search", "covert-investigation", "extradition", "asset-recovery"];
    let mut times: Vec<Duration> = Vec::with_capacity(questions);
    let mut counts = [0_usize; 3];
    for _ in 0..questions {
        let from = random.below(STATES);
        let to = (from + 1 + random.below(STATES - 1)) % STATES;
        let crime = crimes[random.below(crimes.len())].parse().unwrap();
        let measure = measures[random.below(measures.len())].parse().unwrap();
        let day = "2026-06-15".parse().unwrap();
        let mut query = Query::new(state(from), state(to), crime, measure, day, Timestamp::from_millis(u64::MAX));
        query.conduct = Some("2014-01-01".parse().unwrap());
        let (time, opinion) = timed(|| black_box(basis(&book.view(query.as_of), black_box(&query)).unwrap()));
        times.push(time);
        counts[match opinion.answer {
            Answer::Yes => 0,
            Answer::AskAHuman => 1,
            Answer::No => 2,
        }] += 1;
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 1_000).min(times.len() - 1)];
    println!("{questions} questions: YES {}, ASK A HUMAN {}, NO {}", counts[0], counts[1], counts[2]);
    println!(
        "one question over all instruments, in microseconds: median {}, p99 {}, p99.9 {}, worst {}",
        at(500).as_micros(),
        at(990).as_micros(),
        at(999).as_micros(),
        times[times.len() - 1].as_micros()
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

/// Two letters for each of 195 fictional States.
fn state(number: usize) -> Subject {
    let letter = |number: usize| char::from(b'A' + u8::try_from(number).unwrap());
    format!("{}{}", letter(number / 26), letter(number % 26)).parse().unwrap()
}

/// The program's instruments, and bilateral-like copies of the European convention until there are forty.
fn registry() -> Registry {
    let library = Library::standard().unwrap();
    let own: Vec<Instrument> = library.instruments().iter().filter(|one| one.kind != Kind::General).cloned().collect();
    let pattern = own.iter().find(|one| one.id.as_str() == "coe-1959").unwrap();
    let more: Vec<Instrument> = (own.len()..INSTRUMENTS)
        .map(|number| {
            let mut copy = pattern.clone();
            copy.id = format!("regional-{number}").parse().unwrap();
            copy.short = format!("Regional {number}");
            copy
        })
        .collect();
    let all: Vec<&Instrument> = own.iter().chain(&more).collect();
    let mut random = Random(1);
    let mut rows: Vec<Row> = Vec::with_capacity(ROWS);
    // Six States in ten are parties to each instrument; the other rows are what States do besides.
    for (place, instrument) in all.iter().enumerate() {
        for number in (0..STATES).filter(|number| (number * 7 + place * 3) % 10 < 6) {
            rows.push(row(&mut random, instrument, number, Fact::Party));
        }
    }
    while rows.len() < ROWS {
        let instrument = all[random.below(all.len())];
        let fact = match random.below(8) {
            0 if !instrument.annexes.is_empty() => {
                let annex = &instrument.annexes[random.below(instrument.annexes.len())];
                Fact::Annex { annex: annex.key.clone(), effective: None }
            }
            1 => Fact::Signature,
            2 => Fact::CutOff { before: "2015-01-01".parse().unwrap(), annex: None },
            3 => {
                let articles = instrument.measures.first().map_or_else(Vec::new, |text| vec![text.article.clone()]);
                Fact::Reservation { articles, measures: vec!["other".parse().unwrap()], extent: Extent::Excludes }
            }
            4 => Fact::Channel(Channel::CentralAuthority),
            5 => Fact::Agreement(Agreed::Electronic),
            6 => Fact::Withdrawal { of: Ends::Provisional, effective: Some("2030-01-01".parse().unwrap()) },
            _ => Fact::Version(instrument.version.clone()),
        };
        let number = random.below(STATES);
        rows.push(row(&mut random, instrument, number, fact));
    }
    for (place, row) in rows.iter_mut().enumerate() {
        row.number = u32::try_from(place + 1).unwrap();
        row.recorded = Timestamp::from_millis(FIRST_MS + u64::try_from(place).unwrap() * 1_000);
    }
    Registry::of("fictional States, for a measurement", more, rows).unwrap()
}

fn row(random: &mut Random, instrument: &Instrument, number: usize, fact: Fact) -> Row {
    let pairwise = matches!(fact, Fact::Agreement(_));
    Row {
        number: 0,
        instrument: instrument.id.clone(),
        state: Some(state(number)),
        counterpart: pairwise.then(|| state((number + 1 + random.below(STATES - 1)) % STATES)),
        from: format!("20{:02}-{:02}-01", 10 + random.below(10), 1 + random.below(12)).parse().unwrap(),
        to: None,
        recorded: Timestamp::from_millis(FIRST_MS),
        replaces: None,
        territory: None,
        source: Source { kind: Provenance::Depositary, note: "fictional notice".to_owned(), document: None },
        fact,
    }
}

/// A small generator (xorshift), so that every run asks the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}
