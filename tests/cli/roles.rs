//! What an officer may not see or do: the operator reads no case; nothing is sealed that cannot be sent.

use std::fs;

use crate::office::{FIRST, path, text};
use crate::program::run;
use crate::stage::Stage;

#[test]
fn an_operator_reloads_the_node_and_sees_no_case() {
    let mut stage = Stage::set();
    let settings = stage.xa.data.join("config.toml");
    let uid = fs::read_to_string(&settings).unwrap();
    let uid = uid.lines().find(|line| line.starts_with("unix_uids")).unwrap().to_owned();
    let more = format!("\n[[officer]]\nname = \"Olga Op\"\nroles = [\"operator\"]\n{uid}\n");
    fs::write(&settings, fs::read_to_string(&settings).unwrap() + &more).unwrap();
    stage.xa.start();
    let row = stage.xa.draft("XB-MOJ", "A secret subject", &[]);
    let (request, message) = (text(&row, "request_id"), text(&row, "message_id"));
    let olga = |args: &[&str]| run(&[args, &["--data", path(&stage.xa.data), "--as", "Olga Op"]].concat());

    olga(&["reload"]).done();
    for args in [
        &["request", "list"] as &[&str],
        &["package", "list"],
        &["custody", "log"],
        &["custody", "show", "1"],
        &["custody", "prove", "1"],
        &["request", "show", &request],
        &["request", "discard", &message],
        &["request", "send", &message],
    ] {
        let said = olga(args).refused(&["needs the role"]);
        assert!(!said.contains("secret"), "{said}");
    }
    let refused = stage.xa.records_where(|record| record["event"] == "act.refused");
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().all(|record| record["actor"]["name"] == "Olga Op" && record["reason"] == "role"));
    assert_eq!(stage.xa.json(FIRST, &["request", "list"])["requests"].as_array().unwrap().len(), 1);
}

#[test]
fn nothing_is_sealed_for_a_request_or_an_authority_that_nobody_knows() {
    let mut stage = Stage::set();
    stage.xa.start();
    let file = stage.at("file.bin");
    fs::write(&file, vec![7; 100_000]).unwrap();
    let unknown = "01999999-9999-7999-8999-999999999999";
    stage.xa.run(FIRST, &["package", "seal", "--request", unknown, path(&file)]).refused(&["no request", unknown]);
    let ask = ["request", "new", "--to", "XZ-MOJ", "--attach", path(&file)];
    stage.xa.run(FIRST, &ask).refused(&["XZ-MOJ is not in the directory"]);
    assert_eq!(fs::read_dir(stage.xa.data.join("vault")).unwrap().count(), 0);
}
