//! The question of a request over the example registry of fictional States.

use super::*;
use crate::exchange::comparison::{Names, compare};
use crate::law::words::crimes;
use crate::model::basis::Agreement;

const NAMES: Names<'static> = Names { theirs: "XA-MOJ", ours: "XB-MOJ" };

fn law() -> LawBook {
    LawBook::new(Library::standard().unwrap(), Registry::example().unwrap()).unwrap()
}

fn ask(law: &LawBook, crime: &str, measures: &[&str], legal_bases: &[&str]) -> Result<Answered, CannotAsk> {
    let legal_bases: Vec<String> = legal_bases.iter().map(|text| (*text).to_owned()).collect();
    let question = BasisQuestion { crimes: vec![crime.to_owned()], ..BasisQuestion::default() };
    let asked = Asked {
        from: &"XA-MOJ".parse().unwrap(),
        to: &"XB-MOJ".parse().unwrap(),
        measures,
        urgency: Urgency::Routine,
        reference: "A-1",
        legal_bases: &legal_bases,
        question: &question,
        reason: "",
        day: "2026-06-15".parse().unwrap(),
    };
    look_up(law, &asked, On { now: Timestamp::from_millis(1_795_000_000_000) })
}

fn told(law: &LawBook, answered: &Answered, legal_bases: &[&str]) -> Vec<(Verdict, String)> {
    let legal_bases: Vec<String> = legal_bases.iter().map(|text| (*text).to_owned()).collect();
    gaps(law, &answered.lookup, &legal_bases).into_iter().map(|gap| (gap.answer, gap.text)).collect()
}

#[test]
fn an_instrument_is_found_by_the_names_that_people_write_and_a_guess_finds_none() {
    let law = law();
    let named = |text: &str| law.named(text).map(|one| one.id.to_string());
    for text in ["L-TH", "l-th, art. 24", "L-TH 24(c)", "Ljubljana - The Hague Convention"] {
        assert_eq!(named(text).as_deref(), Some("l-th"), "{text}");
    }
    assert_eq!(named("Treaty between Arcadia and Borealia").as_deref(), Some("xa-xb-2011"));
    assert_eq!(named("UNTOC art. 18").as_deref(), Some("untoc"));
    for text in ["", "UNTOCX", "Convention", "Treaty of nowhere", "L-THE"] {
        assert_eq!(named(text), None, "{text}");
    }
}

#[test]
fn a_supported_basis_leaves_no_gap_and_another_one_leaves_what_is_missing() {
    let law = law();
    let bases = ["L-TH"];
    let yes = ask(&law, "genocide", &["evidence", "hearing", "evidence"], &bases).unwrap();
    assert_eq!((yes.lookup.answer, yes.lookup.measures.len()), (Verdict::Yes, 2));
    assert_eq!(told(&law, &yes, &bases), []);
    let no = ask(&law, "ordinary-crime", &["evidence"], &bases).unwrap();
    let gaps = told(&law, &no, &bases);
    assert!(gaps.iter().all(|(answer, _)| *answer == Verdict::No) && gaps.len() == 2, "{gaps:?}");
    let unnamed = ask(&law, "genocide", &["evidence"], &[]).unwrap();
    assert!(told(&law, &unnamed, &[]).iter().all(|(answer, _)| *answer == Verdict::AskAHuman));
}

#[test]
fn what_cannot_be_asked_is_told_by_what_is_missing() {
    let law = law();
    assert!(matches!(ask(&law, "jaywalking", &["evidence"], &[]), Err(CannotAsk::Word(_))));
    assert!(matches!(ask(&law, "genocide", &["recording"], &[]), Err(CannotAsk::Word(_))));
    assert!(matches!(ask(&law, "genocide", &[], &[]), Err(CannotAsk::Query(_))));
}

#[test]
fn a_look_up_agrees_with_itself_for_every_crime_and_differs_from_one_on_fewer_rows() {
    let (law, measures) = (law(), ["evidence", "search", "extradition", "covert-investigation"]);
    let bare = Registry::of("nothing", Registry::example().unwrap().instruments().to_vec(), Vec::new()).unwrap();
    let bare = LawBook::new(Library::standard().unwrap(), bare).unwrap();
    for crime in crimes() {
        let one = ask(&law, &crime.word, &measures, &["L-TH"]).unwrap();
        let same = compare(&law, &one.lookup, &one, NAMES);
        assert_eq!((same.agreement, same.differences.len()), (Agreement::Agreed, 0), "{}", crime.word);
        let other = ask(&bare, &crime.word, &measures, &["L-TH"]).unwrap();
        assert_eq!(other.lookup.answer, Verdict::AskAHuman, "no row at all: a human is asked");
        let differs = compare(&bare, &one.lookup, &other, NAMES);
        let same = one.lookup.measures == other.lookup.measures && one.lookup.findings == other.lookup.findings;
        assert_eq!(differs.agreement == Agreement::Agreed, same, "{}", crime.word);
        assert!(!same, "{}", crime.word);
        assert!(differs.check_bounds().is_ok());
    }
}
