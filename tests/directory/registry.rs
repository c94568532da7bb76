//! The registry of treaty actions as part of the signed directory: it grows and takes nothing back, it is stored once,
//! and who holds it need not be sent it again.

use std::fs;
use std::path::Path;

use rogatory::cli::directory::{DirectoryCommandError, run};
use rogatory::exchange::directory::verify;
use rogatory::exchange::keeping::{self, Change, KeepError};
use rogatory::exchange::metadata::TargetFile;
use rogatory::exchange::reading::ReadError;
use rogatory::exchange::registry::NotGrown;
use rogatory::exchange::repository::{FileName, Files};
use rogatory::law::registry::Registry;
use rogatory::store::directory::{DirectoryFileError, NodeDirectory, Outcome, Trust};
use serde_json::{Value, json};

use crate::support::{complete, expiries, forged, now, pin, put, signed, with};

const PARTY: &str = r#"[{"fact":"party","instrument":"l-th","state":"XD","from":"2026-01-01",
    "source":{"kind":"depositary","note":"fictional notice"}}]"#;

fn with_registry(files: &Files, registry: Registry) -> Files {
    let changed = keeping::change(files, Change::Registry(Box::new(registry)), expiries().list).unwrap();
    signed(&changed.files, &[1, 2])
}

fn example() -> Files {
    with_registry(&complete(), Registry::example().unwrap())
}

fn grown() -> Registry {
    Registry::example().unwrap().with_rows(PARTY.as_bytes(), now()).unwrap()
}

/// The files of keepers who signed another registry, whatever the rules say.
fn rogue(files: &Files, bytes: &[u8]) -> Files {
    let named = serde_json::to_value(TargetFile::of(bytes)).unwrap();
    let files = keeping::change(files, Change::Renew, expiries().list).unwrap().files;
    let files = signed(&files, &[1, 2]);
    with(
        &forged(&files, FileName::Targets, |targets| targets["targets"]["registry.json"] = named),
        FileName::Registry,
        bytes,
    )
}

fn import(data: &Path, files: &Files) -> Result<Outcome, DirectoryFileError> {
    NodeDirectory::of(data).import(files, Trust::Root(pin(files)), now()).map(|(_, outcome)| outcome)
}

#[test]
fn keepers_sign_a_registry_by_its_length_and_digest_and_every_later_change_keeps_it() {
    let files = example();
    let accepted = verify(pin(&files), &files).unwrap();
    let bytes = files.file(FileName::Registry).unwrap();
    assert_eq!(accepted.registry(), Some(&TargetFile::of(bytes)));
    assert_eq!(Registry::parse(bytes).unwrap(), Registry::example().unwrap());
    let other = put(&files, &["XC-MOJ"]);
    assert_eq!(other.file(FileName::Registry), files.file(FileName::Registry));
    let accepted = verify(pin(&files), &signed(&other, &[1, 2])).unwrap();
    assert_eq!(accepted.registry(), Some(&TargetFile::of(bytes)));

    let bent = with(&files, FileName::Registry, [bytes, b" "].concat());
    assert_eq!(verify(pin(&files), &bent).unwrap_err().to_string(), ReadError::Registry.to_string());
    let stray = with(&complete(), FileName::Registry, bytes);
    assert_eq!(verify(pin(&complete()), &stray).unwrap_err().to_string(), ReadError::Registry.to_string());
}

#[test]
fn no_row_is_changed_or_taken_back_by_keepers_or_towards_a_node() {
    let (files, data) = (example(), tempfile::tempdir().unwrap());
    assert_eq!(import(data.path(), &files).unwrap(), Outcome::First);
    let newer = with_registry(&files, grown());
    let change = |registry: Registry| keeping::change(&newer, Change::Registry(Box::new(registry)), expiries().list);
    let shorter = change(Registry::example().unwrap()).unwrap_err();
    assert!(matches!(shorter, KeepError::NotGrown(NotGrown::Row(29))), "{shorter}");

    let mut other: Value = serde_json::from_slice(&Registry::example().unwrap().to_json()).unwrap();
    other["rows"][3]["from"] = json!("2024-02-01");
    let refused = import(data.path(), &rogue(&files, &serde_json::to_vec(&other).unwrap())).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::NotGrown(NotGrown::Row(4))), "{refused}");
    let gone = signed(&keeping::change(&files, Change::Renew, expiries().list).unwrap().files, &[1, 2]);
    let gone = forged(&gone, FileName::Targets, |targets| {
        targets["targets"].as_object_mut().unwrap().remove("registry.json");
    });
    let refused = import(data.path(), &gone.without_registry()).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::RegistryGone), "{refused}");
    let refused = import(data.path(), &rogue(&files, b"{}")).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::Registry(_)), "{refused}");

    // Whatever was refused changed nothing; what grew is taken.
    let held = NodeDirectory::of(data.path()).current().unwrap().unwrap();
    assert!(held.says_the_same(&verify(pin(&files), &files).unwrap()));
    assert_eq!(import(data.path(), &newer).unwrap(), Outcome::Newer);
}

#[test]
fn a_registry_is_stored_once_and_need_not_come_again() {
    let (files, data) = (example(), tempfile::tempdir().unwrap());
    let bare = files.without_registry();
    let refused = import(data.path(), &bare).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::RegistryAway), "{refused}");
    import(data.path(), &files).unwrap();
    let renewed = signed(&keeping::change(&files, Change::Renew, expiries().list).unwrap().files, &[1, 2]);
    assert_eq!(import(data.path(), &renewed.without_registry()).unwrap(), Outcome::Newer);

    let node = NodeDirectory::of(data.path());
    let current = node.current().unwrap().unwrap();
    assert_eq!(node.registry(&current).unwrap().as_deref(), files.file(FileName::Registry));
    assert_eq!(node.current_files().unwrap().unwrap().file(FileName::Registry), None);
    let kept: Vec<_> = fs::read_dir(data.path().join("directory/registries")).unwrap().collect();
    assert_eq!(kept.len(), 1);

    // A registry that was changed behind the node's back is noticed, and the keepers' files mend it.
    let path = kept[0].as_ref().unwrap().path();
    fs::write(&path, b"{}").unwrap();
    assert!(matches!(node.registry(&current), Err(DirectoryFileError::RegistryDamaged(_))));
    assert!(matches!(import(data.path(), &renewed.without_registry()), Err(DirectoryFileError::RegistryAway)));
    import(data.path(), &renewed).unwrap();
    assert_eq!(node.registry(&current).unwrap().as_deref(), files.file(FileName::Registry));
}

/// A folder with a directory of one keeper, in which verbs run; words that begin with `./` are names in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.done("keygen --out ./one.key");
        desk.done("new ./list --key ./one.key --threshold 1");
        desk
    }

    fn run(&self, line: &str) -> Result<String, DirectoryCommandError> {
        #[derive(clap::Parser)]
        struct Program {
            #[command(flatten)]
            directory: rogatory::cli::directory_args::DirectoryArgs,
        }
        let word = |word: &str| match word.strip_prefix("./") {
            Some(name) => self.0.path().join(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        };
        let words = ["directory".to_owned()].into_iter().chain(line.split_whitespace().map(word));
        let program =
            <Program as clap::Parser>::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut out = Vec::new();
        run(program.directory, now(), &mut out).map(|_| String::from_utf8(out).unwrap())
    }

    fn done(&self, line: &str) -> String {
        self.run(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn refused(&self, line: &str) -> String {
        self.run(line).expect_err(line).to_string()
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }
}

#[test]
fn keepers_add_review_compare_and_show_rows_by_command() {
    let desk = Desk::new();
    assert!(desk.refused("registry show ./list").contains("has no registry"));
    let template = desk.done("registry template");
    desk.file("rows.json", &template.replace("leave out, or 64 hexadecimal digits", &"ab".repeat(32)));
    assert!(desk.done("registry add ./list --rows ./rows.json").contains("1 rows added; the registry has 1 rows."));
    desk.done("sign ./list --key ./one.key");
    desk.done("pack ./list ./before.rogatory-directory");

    let belief = r#"[{"fact":"party","instrument":"l-th","state":"XA","from":"2026-01-01","source":{"kind":"local-belief","note":"a press report"}},
        {"fact":"party","instrument":"l-th","state":"XA","from":"2026-02-01","replaces":1,"source":{"kind":"peer-notice","note":"note verbale"}}]"#;
    desk.file("more.json", belief);
    assert!(desk.done("registry add ./list --rows ./more.json").contains("2 rows added"));
    let review = desk.done("registry review ./list --against ./before.rogatory-directory");
    for said in [
        "row 2     l-th           party XA from 2026-01-01 [local-belief: a press report]",
        "look at: a local belief: it decides nothing",
        "look at: no digest of the document",
        "look at: takes the place of row 1 (which document says so)",
        "2 of 3 rows to look at",
    ] {
        assert!(review.contains(said), "{said}: {review}");
    }
    assert!(!review.contains("row 1     "), "row 1 was signed before: {review}");
    desk.done("sign ./list --key ./one.key");
    let diff: Value =
        serde_json::from_str(&desk.done("registry diff ./before.rogatory-directory ./list --json")).unwrap();
    assert_eq!(diff["rows"].as_array().unwrap().len(), 2);
    assert_eq!(diff["rows"][0]["recorded"], now().to_string());
    assert!(
        desk.refused("registry diff ./list ./before.rogatory-directory")
            .contains("row 2 of the registry is changed or gone")
    );
    assert!(desk.done("registry show ./list --state XA").contains("note verbale"));
    assert!(!desk.done("registry show ./list --state XB").contains("row 1"));
    let whole = desk.done("registry show ./list --json");
    assert_eq!(Registry::parse(whole.as_bytes()).unwrap().rows().len(), 3);
    desk.file("registry.json", &whole);
    assert!(desk.done("registry diff ./registry.json ./list").contains("say the same"));
    assert!(desk.done("import ./list --data ./node --trust-first-root").contains("3 rows"));
    desk.done("pack ./list ./small.rogatory-directory --without-registry");
    assert!(desk.done("import ./small.rogatory-directory --data ./node").contains("accepted before"));
    assert!(
        desk.refused("import ./small.rogatory-directory --data ./other --trust-first-root")
            .contains("with its registry")
    );
}

#[test]
fn rows_that_no_node_could_use_are_refused_before_anybody_signs_them() {
    let desk = Desk::new();
    for (from, to, said) in [
        (r#""fact""#, r#""row":7,"fact""#, "leave `row` out"),
        (r#""fact""#, r#""recorded":"2020-01-01T00:00:00Z","fact""#, "leave `recorded` out"),
        ("l-th", "treaty-of-nowhere", "`treaty-of-nowhere`, which is no instrument"),
        (r#""source""#, r#""annex":"torture","source""#, "`annex` does not belong"),
        ("[{", "{", "invalid type: map"),
    ] {
        desk.file("rows.json", &PARTY.replacen(from, to, 1));
        let refused = desk.refused("registry add ./list --rows ./rows.json");
        assert!(refused.contains(said), "{said}: {refused}");
    }
    desk.file("rows.json", PARTY);
    desk.file("instrument.toml", "schema = \"rogatory.instrument.v1\"\n");
    assert!(desk.refused("registry add ./list --instrument ./instrument.toml").contains("missing field"));
    desk.done("registry add ./list --rows ./rows.json");
}
