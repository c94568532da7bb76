//! Arbitrary notices of every kind, and conditions, for property tests; every one is within its bounds.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rogatory::model::notice::{Notice, Point};
use rogatory::model::notice_table::{Field, SHAPES};
use rogatory::model::package::{Condition, ConditionOrigin};

use crate::samples::notice;
use crate::strategies::{id, instant, line};

/// A notice of any kind, with any texts in the fields that its kind may have.
pub fn any_notice() -> impl Strategy<Value = Notice> {
    let words = (line(), line(), line(), vec(line(), 1..4), vec(1..9_u32, 1..4), instant(), instant());
    (select(SHAPES), words, id(), any::<prop::sample::Index>()).prop_map(|(shape, words, id, pick)| {
        let (text, whom, method, points, numbers, due, at) = words;
        let mut said = notice(shape.kind);
        said.text = if said.has(Field::Text) { text } else { String::new() };
        said.whom = if said.has(Field::Whom) { whom } else { String::new() };
        said.method = if said.has(Field::Method) { method } else { String::new() };
        if said.has(Field::Points) {
            said.points = (1..).zip(points).map(|(number, text)| Point { number, text }).collect();
        }
        if said.has(Field::Measures) {
            said.measures = numbers;
        }
        said.package_id = said.package_id.map(|_| id);
        said.due = said.due.map(|_| due);
        said.at = said.at.map(|_| at);
        said.verdict = said.verdict.map(|_| *pick.get(shape.verdicts));
        said
    })
}

pub fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    use ConditionOrigin::{DefaultByLaw, RequestedState, RequesterUndertaking};
    let one = (line(), line(), select(vec![DefaultByLaw, RequesterUndertaking, RequestedState]), vec(1..9_u32, 0..3));
    vec(one, 0..3).prop_map(|rows| {
        let number = |(place, (code, text, origin, objects))| Condition {
            id: format!("c{place}"),
            code,
            text,
            legal_source: String::new(),
            origin,
            objects,
            ..Condition::default()
        };
        rows.into_iter().enumerate().map(number).collect()
    })
}
