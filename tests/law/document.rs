//! `docs/law.md` is written from the data files and from what the vectors cite, so it cannot drift. `UPDATE_DOCS=1`
//! writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use rogatory::law::basis::basis;
use rogatory::law::conditions::book::CodeBook;
use rogatory::law::conditions::code::{Bite, Source};
use rogatory::law::content::Contents;
use rogatory::law::instrument::{Instrument, InstrumentId, Kind};
use rogatory::law::life::table::table;
use rogatory::law::mark::Mark;
use rogatory::law::rule::Rule;
use rogatory::law::words::Measure;

use crate::registries::library;
use crate::vectors;

const HEAD: &str = "\
# Which article causes what

This file is written by `tests/law/document.rs` from `src/law/instruments/` and from what the test vectors cite;
`UPDATE_DOCS=1 cargo test --test law` writes it anew. The words on what an article says are ours; the text of the treaty
prevails. The program looks up who is bound to what. A person chooses the legal basis and signs it.

How to read the marks: **found: X** was read in X; **paper: X** stands in a background paper; **inferred** is a conclusion
of ours from read facts; **recalled** was not read by anybody, and decides nothing until a keeper's `confirmation` row
names the article: until then the answer is ASK A HUMAN and says so.

The steps: link, crime, time, help, relation, terms (`src/law/basis.rs`). One NO outweighs any doubt, one doubt outweighs
any YES. A row that is a local belief, or for one territory only, makes a human be asked. A YES always names the article
and the rows with their sources (`every_yes_names_an_article_and_a_row_with_its_source`).

";

const TAIL: &str = "
Each kind of help of each instrument: `every_help_of_every_instrument_is_answered_under_its_article`. Properties of all
registries: `tests/law/properties.rs`. What must never happen: `tests/law/must_not.rs`.
";

/// What the program does around the look-up, and the test that shows it.
const AROUND: &[(&str, &str, &str)] = &[
    (
        "a request carries the question, the answer and the digests of what was asked; the other side looks up again",
        "tests/cli/basis.rs",
        "a_request_carries_its_look_up_and_the_other_side_agrees",
    ),
    (
        "what is named and not supported, and what is open, needs a stated reason before a second person can approve it",
        "tests/cli/basis.rs",
        "what_the_look_up_does_not_support_needs_a_stated_reason_and_nobody_is_refused_by_a_machine",
    ),
    (
        "two registries that answer differently: both sides see why, and nothing is refused",
        "tests/cli/basis.rs",
        "a_registry_of_another_version_makes_a_difference_that_both_sides_see",
    ),
    (
        "a new registry: the rows that came and the open requests that they answer otherwise",
        "tests/cli/basis.rs",
        "an_import_for_a_stopped_node_tells_the_rows_and_the_open_requests_that_they_change",
    ),
    (
        "without a registry nothing is looked up, and it is said",
        "tests/cli/basis.rs",
        "without_a_registry_nothing_is_looked_up_and_it_is_said",
    ),
    (
        "rows are signed by the keepers' threshold, added at the end and never taken back",
        "tests/directory/registry.rs",
        "no_row_is_changed_or_taken_back_by_keepers_or_towards_a_node",
    ),
    (
        "keepers add, review, compare and show rows",
        "tests/directory/registry.rs",
        "keepers_add_review_compare_and_show_rows_by_command",
    ),
    ("refusal under L-TH is a right", "tests/law/must_not.rs", "refusal_under_l_th_is_a_right_and_never_a_duty"),
    (
        "confidentiality under L-TH needs no demand",
        "tests/law/must_not.rs",
        "confidentiality_under_l_th_is_the_default_and_on_demand_under_untoc",
    ),
    (
        "INTERPOL is no urgent path under L-TH, not even by agreement: a human is asked",
        "tests/law/must_not.rs",
        "an_agreement_on_interpol_opens_it_under_untoc_and_asks_a_human_under_l_th",
    ),
    (
        "where the texts are silent a human is asked: no YES without an article and a row",
        "tests/law/must_not.rs",
        "every_yes_names_an_article_and_a_row_with_its_source",
    ),
];

/// For each `instrument article`, the vectors whose answers cite it.
fn cited() -> BTreeMap<String, BTreeSet<String>> {
    let mut cited: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, vector) in vectors::all() {
        let number = name.split('-').next().unwrap().to_owned();
        let book = vector.book();
        for ask in &vector.ask {
            let query = vector.query(ask);
            let opinion = basis(&book.view(query.as_of), &query).unwrap();
            for basis in &opinion.bases {
                // Only what the vector looks at: an expected instrument.
                if ask.expects(basis.instrument.as_str()) {
                    for citation in vectors::citations(basis) {
                        cited.entry(citation).or_default().insert(number.clone());
                    }
                }
            }
        }
    }
    cited
}

fn document() -> String {
    let cited = cited();
    let lists = Contents::standard().unwrap();
    let mut out = HEAD.to_owned();
    for instrument in library().instruments() {
        let id = &instrument.id;
        writeln!(out, "## {} (`{id}`, text of {})\n", instrument.short, instrument.version).unwrap();
        writeln!(out, "{}.\n\nSource: {}.", instrument.name, instrument.source.trim_end_matches('.')).unwrap();
        if !instrument.note.is_empty() {
            writeln!(out, "{}", instrument.note).unwrap();
        }
        writeln!(out).unwrap();
        writeln!(out, "| Article | What it says | Mark | What the program does | Vectors |").unwrap();
        writeln!(out, "| --- | --- | --- | --- | --- |").unwrap();
        for (article, says, mark, does) in provisions(instrument) {
            let vectors = match cited.get(&format!("{id} {article}")) {
                Some(names) => names.iter().cloned().collect::<Vec<_>>().join(" "),
                None => "-".to_owned(),
            };
            let cells = [article, &says, &mark.to_string(), &does, &vectors].map(|cell| cell.replace('|', "\\|"));
            writeln!(out, "| {} |", cells.join(" | ")).unwrap();
        }
        writeln!(out).unwrap();
        contents(&mut out, &lists, id);
    }
    out.push_str(&life());
    conditions(&mut out);
    writeln!(out, "## Tests\n").unwrap();
    writeln!(out, "Vectors (`tests/law/vectors/`), each a registry of fictional States and what must be answered:\n")
        .unwrap();
    for (name, vector) in vectors::all() {
        writeln!(out, "* `{name}`: {}", vector.says).unwrap();
    }
    writeln!(out, "\n## What the program does with an answer\n\n| Behaviour | Test |\n| --- | --- |").unwrap();
    for (behaviour, file, test) in AROUND {
        writeln!(out, "| {behaviour} | `{file}`: `{test}` |").unwrap();
    }
    out.push_str(TAIL);
    out
}

/// What a request under the instrument contains: `tests.rs` of `src/law/complete/` says what each row causes.
fn contents(out: &mut String, lists: &Contents, id: &InstrumentId) {
    let Some(list) = lists.of(id) else { return };
    writeln!(out, "A request contains (`request check`; a recalled item advises and holds nothing up):\n").unwrap();
    writeln!(out, "| Article | What to write | Mark | Need | Help |").unwrap();
    writeln!(out, "| --- | --- | --- | --- | --- |").unwrap();
    for item in &list.items {
        let words = |all: &[Measure]| all.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        let help = match (item.only.is_empty(), item.but.is_empty()) {
            (true, true) => "all".to_owned(),
            (true, false) => format!("all but {}", words(&item.but)),
            (false, _) => words(&item.only),
        };
        let need = format!("{:?}", item.need).to_lowercase();
        let cells =
            [&item.article, &item.write, &item.mark.to_string(), &need, &help].map(|cell| cell.replace('|', "\\|"));
        writeln!(out, "| {} |", cells.join(" | ")).unwrap();
    }
    writeln!(out).unwrap();
}

/// The life of a request: what each message does, and what is owed.
fn life() -> String {
    let mut out = "## The life of a request\n\n".to_owned();
    out.push_str(
        "From `src/law/life/table.toml`. `practice` and `no treaty` rows are targets of the program, not law; they give \
         everything that is open an owner and a next date. Tests: `tests/law/life.rs`, `tests/cli/life.rs`.\n\n",
    );
    out.push_str(
        "| Message | What it does | Article | Mark | It ends | Then is owed |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for step in &table().step {
        let word = step.word.as_ref().map(|word| format!(", {word}")).unwrap_or_default();
        let list = |keys: &[String]| if keys.is_empty() { "-".to_owned() } else { keys.join(" ") };
        let (settles, raises) = (list(&step.settles), list(&step.raises));
        let (kind, says) = (step.message.name(), &step.says);
        writeln!(out, "| `{kind}`{word} | {says} | {} | {} | {settles} | {raises} |", step.article, step.mark).unwrap();
    }
    out.push_str(
        "\n| Owed | By | What | Article | Mark | Days, where no date is set |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for duty in &table().duty {
        let owner = format!("{:?}", duty.owner).to_lowercase();
        let (key, says, days) = (&duty.key, &duty.says, duty.days);
        writeln!(out, "| `{key}` | {owner} | {says} | {} | {} | {days} |", duty.article, duty.mark).unwrap();
    }
    out.push('\n');
    out
}

/// The conditions vocabulary: what each code stops, what opens it, who lifts it, under which articles.
fn conditions(out: &mut String) {
    let book = CodeBook::standard().unwrap();
    writeln!(out, "## Conditions (`src/law/conditions/`)\n").unwrap();
    writeln!(
        out,
        "What stops an act, what opens it again, who lifts it. The text of a condition prevails over its code. A code that a\n\
         version does not know gates every act until two persons read its text. What clears an accused opens by a signed\n\
         notice, whatever was agreed. Where nothing is stopped, the code is shown, travels with the files and is kept by\n\
         people.\n"
    )
    .unwrap();
    writeln!(out, "| Code | Articles (marks) | What the program stops | Opened by | Lifted by |").unwrap();
    writeln!(out, "| --- | --- | --- | --- | --- |").unwrap();
    for code in book.codes() {
        let of = |source: &Source| format!("{} {} ({})", source.of, source.article, source.mark);
        let articles: Vec<String> = code.source.iter().map(of).collect();
        let stops = |rule: &Bite| {
            let acts: Vec<&str> = rule.acts.iter().map(|act| act.name()).collect();
            format!("{} ({}, {})", acts.join(", "), word(&rule.bites), word(&rule.how))
        };
        let stops: Vec<String> = code.rules.iter().map(stops).collect();
        let opens: BTreeSet<String> = code.rules.iter().flat_map(|rule| rule.opens.iter().map(word)).collect();
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let cells = [
            format!("`{}`", code.code),
            articles.join("; "),
            or_dash(stops.join("; ")),
            or_dash(opens.into_iter().collect::<Vec<_>>().join(", ")),
            word(&code.lifted_by),
        ];
        writeln!(out, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")).unwrap();
    }
    for general in book.generals() {
        let of = |source: &Source| format!("{} {} ({})", source.of, source.article, source.mark);
        let articles: Vec<String> = general.source.iter().map(of).collect();
        writeln!(out, "\n* {}: {}", general.says, articles.join("; ")).unwrap();
    }
    writeln!(
        out,
        "\nTests: `tests/law/conditions.rs` (what holds for every set of conditions), `tests/law/handshake.rs` (offers, answers,\n\
         waivers in any order), `tests/cli/terms.rs` (two real authorities).\n"
    )
    .unwrap();
}

/// The word of a value in the data files.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// Every provision: article, what it says, its mark, what the program does because of it.
fn provisions(one: &Instrument) -> Vec<(&str, String, &Mark, String)> {
    let mut all: Vec<(&str, String, &Mark, String)> = Vec::new();
    for text in &one.rules {
        all.push((&text.article, text.says.clone(), &text.mark, text.key.behaviour().to_owned()));
    }
    for text in &one.crimes {
        let does = if text.test.is_some() { "covered, once a person found the test met" } else { "covered" };
        all.push((&text.article, text.says.clone(), &text.mark, does.to_owned()));
    }
    for text in &one.annexes {
        let says = format!("annex {} (letter {}): {}", text.letter, text.letter_mark, text.says);
        let does = format!("covered between States that both declared annex `{}`", text.key);
        all.push((&text.article, says, &text.mark, does));
    }
    for text in &one.measures {
        all.push((&text.article, text.says.clone(), &text.mark, format!("provides for `{}`", text.measure)));
    }
    for text in &one.excluded {
        all.push((&text.article, text.says.clone(), &text.mark, format!("no basis for `{}`", text.measure)));
    }
    for text in &one.channels {
        all.push((
            &text.article,
            text.says.clone(),
            &text.mark,
            format!("opens `{}`: {}", text.channel, text.when.told()),
        ));
    }
    for text in &one.terms {
        all.push((&text.article, text.says.clone(), &text.mark, format!("shows {:?}: {}", text.key, text.value)));
    }
    all
}

#[test]
fn the_document_says_what_the_data_and_the_vectors_say() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/law.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/law.md differs from the data; UPDATE_DOCS=1 cargo test --test law writes it anew");
}

#[test]
fn every_test_that_the_document_names_is_there() {
    for (_, file, test) in AROUND {
        let text = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
    }
}

#[test]
fn every_rule_of_every_instrument_is_cited_by_a_vector() {
    let cited = cited();
    let mut missing = Vec::new();
    for instrument in library().instruments() {
        for rule in &instrument.rules {
            if !cited.contains_key(&format!("{} {}", instrument.id, rule.article)) {
                missing.push(format!("{} {} ({})", instrument.id, rule.article, rule.key.name()));
            }
        }
    }
    assert!(missing.is_empty(), "no vector cites {missing:?}");
}

#[test]
fn every_rule_that_the_program_follows_stands_in_some_instrument() {
    let library = library();
    for rule in Rule::ALL {
        assert!(library.instruments().iter().any(|one| one.rule(rule).is_some()), "{rule:?} is in no instrument");
    }
    assert!(library.instruments().iter().any(|one| one.kind == Kind::Draft));
}

/// The program knows rules, the data know articles: a number in the code would be an article that no keeper can correct.
#[test]
fn no_article_number_stands_in_the_code() {
    let articles: BTreeSet<String> = library()
        .instruments()
        .iter()
        .flat_map(|one| {
            one.rules.iter().map(|rule| rule.article.clone()).chain(one.terms.iter().map(|t| t.article.clone()))
        })
        .filter(|article| article.contains('('))
        .collect();
    assert!(articles.len() > 20);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/law");
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let found = articles.iter().find(|article| text.contains(&format!("\"{article}\"")));
            assert_eq!(found, None, "{}", entry.display());
        }
    }
}
