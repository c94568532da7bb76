//! What the check of a request's completeness costs over every list, with the addressee's requirements: median, p99 and
//! worst, in microseconds.
//!
//! `cargo bench --bench content`; `ROGATORY_BENCH_CHECKS` says how many checks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rogatory::law::complete::{Deadline, Filing, Known, check};
use rogatory::law::content::Contents;
use rogatory::law::demand::Addressee;
use rogatory::law::library::Library;
use rogatory::law::particular;
use rogatory::law::words::measures;
use rogatory::model::authority::Provenance;
use rogatory::model::ident::AuthorityId;
use rogatory::model::request::{Measure, RequestBody};
use rogatory::model::requirement::{Requirement, Topic};

fn main() {
    let checks: usize =
        std::env::var("ROGATORY_BENCH_CHECKS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let (library, contents) = (Library::standard().unwrap(), Contents::standard().unwrap());
    let (from, to): (AuthorityId, AuthorityId) = ("XA-MOJ".parse().unwrap(), "XB-MOJ".parse().unwrap());
    let languages = ["en".to_owned(), "fr".to_owned()];
    let requirements = vec![
        Requirement {
            topic: Topic::DualCriminality,
            value: String::new(),
            measures: vec![],
            with: vec![],
            says: "fictional".to_owned(),
            source: Provenance::PeerNotice,
            note: String::new(),
        };
        16
    ];
    let addressee = Addressee { authority: &to, languages: &languages, requirements: &requirements };
    let known = Known { library: &library, contents: &contents, view: None, addressee: Some(addressee) };
    let requests: Vec<RequestBody> = measures().iter().map(|word| request(&word.word)).collect();
    // Every treaty at once is the largest union that a request can have.
    let bases: Vec<String> = contents.all().iter().map(|list| list.instrument.to_string()).collect();
    for (name, legal_bases) in [("one treaty", &bases[..1]), ("every treaty with a list", &bases[..])] {
        let mut times: Vec<Duration> = Vec::with_capacity(checks);
        let mut found = 0;
        for number in 0..checks {
            let request = &requests[number % requests.len()];
            let filing = Filing { from: &from, request, language: "en", deadline: Deadline::Reasoned, legal_bases };
            let start = Instant::now();
            let findings = black_box(check(black_box(&known), black_box(&filing)));
            times.push(start.elapsed());
            found += findings.0.len();
        }
        times.sort_unstable();
        let at = |share: usize| times[(times.len() * share / 1_000).min(times.len() - 1)].as_nanos();
        println!(
            "{checks} checks, {name}, {} findings each, in nanoseconds: median {}, p99 {}, p99.9 {}, worst {}",
            found / checks.max(1),
            at(500),
            at(990),
            at(999),
            at(1_000)
        );
    }
}

/// Sixteen measures of one kind with all their particulars.
fn request(kind: &str) -> RequestBody {
    let text = "a text of some length that a person wrote".to_owned();
    let codes = particular::of(kind.parse().unwrap());
    let measure = Measure {
        kind: kind.to_owned(),
        description: text.clone(),
        particulars: codes.map(|one| (one.code.clone(), text.clone())).collect(),
    };
    RequestBody { reference: text.clone(), facts: text, measures: vec![measure; 16], ..RequestBody::default() }
}
