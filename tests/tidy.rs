//! Reads the source tree and fails with the rule that was broken, the file and the line. The rules: `tidy/table.rs`.
#![allow(missing_docs, unreachable_pub, reason = "a test target has no public face")]

#[path = "tidy/scan.rs"]
mod scan;
#[path = "tidy/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scan::{Facts, Visible};

/// One Rust file: where it is, its text, and what `scan` found in it.
struct Source {
    path: String,
    text: String,
    facts: Facts,
}

impl Source {
    /// The path below `src/`, for files of the product.
    fn product(&self) -> Option<&str> {
        self.path.strip_prefix("src/")
    }

    /// The floor of a file of the product; `lib.rs` and `main.rs` stand above all floors.
    fn floor(&self) -> Option<u8> {
        let place = self.product()?;
        Some(place.split_once('/').map_or(u8::MAX, |(wing, _)| floor(wing).unwrap_or(0)))
    }
}

#[test]
fn imports_fall_and_neighbours_do_not_know_each_other() {
    let mut broken = Vec::new();
    for source in product() {
        let place = source.product().unwrap_or_default();
        let own = place.split_once('/').map(|(wing, _)| wing);
        for path in &source.facts.paths {
            let Some(wing) = path.wing(place) else { continue };
            let line = path.line;
            let Some(there) = floor(&wing) else {
                broken
                    .push(format!("{}:{line}: `{wing}` has no floor; give it one in tests/tidy/table.rs", source.path));
                continue;
            };
            let here = source.floor().unwrap_or(0);
            if there > here {
                broken.push(format!(
                    "{}:{line}: imports fall: floor {here} imports `{wing}` of floor {there}",
                    source.path
                ));
            } else if there == here && own != Some(wing.as_str()) {
                broken.push(format!(
                    "{}:{line}: neighbours on floor {here} do not know each other: `{wing}`",
                    source.path
                ));
            } else if own.is_none() && wing != "cli" {
                broken.push(format!("{}:{line}: the program only calls `cli`, not `{wing}`", source.path));
            }
        }
    }
    none(&broken);
}

#[test]
fn every_directory_of_the_product_stands_on_a_floor() {
    let mut broken = Vec::new();
    for source in product() {
        if let Some((wing, _)) = source.product().and_then(|place| place.split_once('/'))
            && floor(wing).is_none()
        {
            broken.push(format!("{}:1: `src/{wing}` has no floor; give it one in tests/tidy/table.rs", source.path));
        }
    }
    none(&broken);
}

#[test]
fn every_third_party_crate_is_named_in_its_home_only() {
    let mut broken = Vec::new();
    let known = dependencies();
    for name in known.iter().filter(|name| !table::HOMES.iter().any(|(home, _)| home == name)) {
        broken.push(format!("Cargo.toml: `{name}` has no home; give it one in tests/tidy/table.rs"));
    }
    for (name, _) in table::HOMES.iter().filter(|(name, _)| !known.contains(*name)) {
        broken.push(format!("tests/tidy/table.rs: `{name}` has a home and is no dependency any more"));
    }
    for source in product() {
        let place = source.product().unwrap_or_default();
        for path in &source.facts.paths {
            let Some(first) = path.segments.first() else { continue };
            let Some((name, homes)) = table::HOMES.iter().find(|(name, _)| name == first) else { continue };
            let guest = table::GUESTS.iter().any(|(guest, file, _)| guest == name && *file == place);
            if path.is_foreign() && !guest && !homes.iter().any(|home| place.starts_with(home)) {
                broken.push(format!("{}:{}: `{name}` lives in {}", source.path, path.line, homes.join(", ")));
            }
        }
    }
    none(&broken);
}

#[test]
fn the_lower_floors_reach_for_no_clock_disk_socket_or_terminal() {
    let mut broken = Vec::new();
    for source in product() {
        let floor = source.floor().unwrap_or(0);
        for path in source.facts.paths.iter().filter(|path| path.segments.first().is_none_or(|first| first != "tokio"))
        {
            for (reach, lowest, why) in table::REACHES {
                let named = path.segments.windows(reach.len()).any(|part| part.iter().eq(reach.iter()));
                if named && floor < *lowest && !path.in_test {
                    broken.push(format!("{}:{}: `{}`: {why}", source.path, path.line, reach.join("::")));
                }
            }
        }
        for (name, line) in &source.facts.macros {
            if floor < 7 && table::TERMINAL.contains(&name.as_str()) {
                broken.push(format!("{}:{line}: `{name}!` below cli; use tracing, or return the value", source.path));
            }
        }
    }
    none(&broken);
}

#[test]
fn a_mod_file_declares_and_nothing_is_exported_twice() {
    let mut broken = Vec::new();
    for source in product() {
        let face = source.path.ends_with("/mod.rs") || source.path == "src/lib.rs";
        for line in source.facts.definitions.iter().filter(|_| face) {
            broken.push(format!("{}:{line}: mod.rs and lib.rs declare modules and define nothing", source.path));
        }
        for line in &source.facts.reexports {
            broken.push(format!("{}:{line}: no re-exports: import from the file that defines a thing", source.path));
        }
    }
    none(&broken);
}

#[test]
fn every_file_begins_with_what_it_is_and_fits_its_bound() {
    let mut broken = Vec::new();
    for source in rust() {
        if !source.text.starts_with("//! ") {
            broken.push(format!("{}:1: the first line is a `//!` sentence: what it is, what it refuses", source.path));
        }
        let lines = source.text.lines().count();
        let excused = table::LONG_FILES.iter().any(|(file, _)| *file == source.path);
        if lines > table::FILE_LINES_MAX && !excused {
            broken.push(format!("{}:{lines}: {lines} lines, at most {}", source.path, table::FILE_LINES_MAX));
        }
        for function in &source.facts.functions {
            let name = format!("{}::{}", source.path, function.name);
            let excused = table::LONG_FUNCTIONS.iter().any(|(function, _)| *function == name);
            if function.lines > table::FUNCTION_LINES_MAX && !excused {
                broken.push(format!(
                    "{}:{}: `{}` has {} lines, at most {}",
                    source.path,
                    function.line,
                    function.name,
                    function.lines,
                    table::FUNCTION_LINES_MAX
                ));
            }
        }
    }
    none(&broken);
}

#[test]
fn no_public_function_takes_a_bool() {
    let mut broken = Vec::new();
    for source in product() {
        for function in source.facts.functions.iter().filter(|function| function.visible == Visible::Public) {
            let name = format!("{}::{}", source.path, function.name);
            if function.takes_bool && !table::BOOLS.iter().any(|(excused, _)| *excused == name) {
                broken.push(format!(
                    "{}:{}: `{}` takes a bool; name both cases in an enum",
                    source.path, function.line, function.name
                ));
            }
        }
    }
    none(&broken);
}

#[test]
fn the_name_of_a_test_is_a_sentence_of_three_words_or_more() {
    let mut broken = Vec::new();
    for source in rust() {
        for function in source.facts.functions.iter().filter(|function| function.is_test) {
            if function.name.split('_').filter(|word| !word.is_empty()).count() < 3 {
                broken.push(format!("{}:{}: `{}` says no behaviour", source.path, function.line, function.name));
            }
        }
    }
    none(&broken);
}

#[test]
fn nothing_is_unfinished_and_nothing_names_one_machine() {
    let mut broken = Vec::new();
    for path in files(&root()) {
        let name = relative(&path);
        // Cargo writes the registry into its lock file; it is no text of ours. Binary files hold no words.
        let Some(text) = fs::read_to_string(&path).ok().filter(|_| name != "Cargo.lock" && name != "fuzz/Cargo.lock")
        else {
            continue;
        };
        for (number, line) in (1..).zip(text.lines()) {
            for (word, places, why) in table::WORDS {
                if line.contains(word) && places.iter().any(|place| name.starts_with(place)) {
                    broken.push(format!("{name}:{number}: `{word}`: {why}"));
                }
            }
        }
    }
    none(&broken);
}

#[test]
fn every_exception_is_still_needed() {
    let sources = rust();
    let mut broken = Vec::new();
    for (krate, file, _) in table::GUESTS {
        let used = sources.iter().filter(|source| source.product() == Some(file)).any(|source| {
            source.facts.paths.iter().any(|path| path.segments.first().is_some_and(|first| first == krate))
        });
        if !used {
            broken.push(format!("tests/tidy/table.rs: `{krate}` is no longer a guest in {file}; strike the row"));
        }
    }
    for (file, _) in table::LONG_FILES {
        let long = |source: &&Source| source.path == *file && source.text.lines().count() > table::FILE_LINES_MAX;
        if sources.iter().find(long).is_none() {
            broken.push(format!("tests/tidy/table.rs: {file} is short again; strike the row"));
        }
    }
    for (excused, _) in table::LONG_FUNCTIONS.iter().chain(table::BOOLS) {
        let (file, function) = excused.rsplit_once("::").expect("written as file::function");
        let found = sources
            .iter()
            .filter(|source| source.path == file)
            .flat_map(|source| &source.facts.functions)
            .any(|found| found.name == function && (found.takes_bool || found.lines > table::FUNCTION_LINES_MAX));
        if !found {
            broken.push(format!("tests/tidy/table.rs: {excused} needs no exception any more; strike the row"));
        }
    }
    none(&broken);
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

fn floor(wing: &str) -> Option<u8> {
    table::FLOORS.iter().find(|(name, _)| *name == wing).map(|(_, floor)| *floor)
}

/// The crates of `[dependencies]`, as `use` names them.
fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    let renamed = |name: &String| table::RENAMED.iter().find(|(from, _)| from == name).map(|(_, to)| (*to).to_owned());
    names.map(|name| renamed(name).unwrap_or_else(|| name.replace('-', "_"))).collect()
}

fn product() -> Vec<Source> {
    let mut sources = rust();
    sources.retain(|source| source.product().is_some());
    assert!(!sources.is_empty(), "no source was found; is this run by cargo?");
    sources
}

fn rust() -> Vec<Source> {
    let rust = files(&root()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let facts = scan::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Source { path: relative(&path), text, facts }
    })
    .collect()
}

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the root").into()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// Every file of the tree, in order, without what is built or downloaded.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let built = ["target", ".git", "corpus", "artifacts", "coverage", ".venv", ".judges", "proptest-regressions"];
    entries.retain(|path| !built.iter().any(|name| path.file_name().is_some_and(|found| found == *name)));
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
