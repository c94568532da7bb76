//! Settings, certificates and log level change under a node that is moving evidence: the transfer goes on over the same link. A
//! container makes its node itself; `init` asks a person; `config show` says where each setting came from.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rogatory::crypto::issue::{Identity, Validity, node_certificate};
use rogatory::crypto::pem::{self, Label};
use rogatory::daemon::clock;
use rustix::process::Signal;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{program, run, until};
use crate::stage::Stage;

fn edit(office: &Office, change: impl Fn(String) -> String) {
    let file = office.data.join("config.toml");
    fs::write(&file, change(fs::read_to_string(&file).unwrap())).unwrap();
}

/// Another certificate and key for the node's links, by the same CA, for so many days.
fn renew_certificate(office: &Office, days: u64) {
    let keys = office.data.join("keys");
    let read = |name: &str, label| pem::decode(label, &fs::read(keys.join(name)).unwrap()).unwrap();
    let ca = Identity {
        certificate: read("ca.cert.pem", Label::Certificate).to_vec(),
        key: read("ca.key.pem", Label::PrivateKey),
    };
    let (id, now) = (office.id.parse().unwrap(), clock::now());
    let validity = Validity { not_before: now, not_after: now.plus_millis(days * 86_400_000) };
    let made = node_certificate(&ca, &id, "renewed", "renewed.rogatory.internal", validity).unwrap();
    for (name, label, bytes) in [
        ("node.cert.pem", Label::Certificate, made.certificate.as_slice()),
        ("node.key.pem", Label::PrivateKey, made.key.as_slice()),
    ] {
        let new = keys.join("new");
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new).unwrap();
        std::io::Write::write_all(&mut file, pem::encode(label, bytes).as_bytes()).unwrap();
        fs::rename(new, keys.join(name)).unwrap();
    }
}

/// When the certificate ends that XA sees when it dials XB.
fn certificate_seen(stage: &Stage) -> String {
    let way = stage.xa.json(FIRST, &["doctor", "XB-MOJ"]);
    let found = way.as_array().unwrap().iter().find(|finding| finding["check"] == "certificate").cloned();
    text(&found.unwrap_or_else(|| panic!("{way}")), "seen")
}

#[test]
fn a_reload_in_the_middle_of_a_transfer_changes_certificate_level_and_limits_and_drops_nothing() {
    let mut stage = Stage::set();
    stage.xa.level = String::new();
    stage.xb.level = String::new();
    stage.xa.start();
    stage.xb.start();
    let request = text(&stage.xa.ask("XB-MOJ", "The bridge", &[]), "request_id");
    until("the request", || stage.xb.run(FIRST, &["request", "show", &request]).code.filter(|code| *code == 0));
    let before = certificate_seen(&stage);
    let closed = |office: &Office| office.said().matches("link closed").count();
    until("the doctor to leave", || (closed(&stage.xb) == 1).then_some(()));
    let file = stage.at("recording.raw");
    fs::write(&file, vec![7_u8; 128 << 20]).unwrap();
    let drafted = stage.xb.json(FIRST, &["package", "seal", "--request", &request, path(&file)]);
    stage.xb.json(SECOND, &["package", "send", &text(&drafted, "package_id")]);
    stage.xa.record_of("message.received", &text(&drafted, "message_id"));

    // By command, by signal and by the file alone, on both sides of the transfer.
    renew_certificate(&stage.xb, 200);
    edit(&stage.xb, |text| text.replace("reserve_mib = 256", "reserve_mib = 128"));
    stage.xb.json(FIRST, &["reload"]);
    edit(&stage.xa, |text| {
        text.replace("level = \"info\"", "level = \"debug\"").replace("percent = 50", "percent = 90")
    });
    stage.xa.daemon().signal(Signal::HUP);
    until("the signal to be followed", || stage.xa.said().contains("directory were read again").then_some(()));
    let whole = stage.xa.records_where(|record| record["event"] == "content.received");
    assert_eq!(whole, Vec::<serde_json::Value>::new(), "the transfer goes on while both sides reload");
    edit(&stage.xa, |text| text.replace("peer_share_percent = 90", "peer_share_percent = 80"));
    until("the file to be seen", || stage.xa.said().contains("files changed; settings").then_some(()));

    stage.xb.handed_over(&text(&drafted, "message_id"));
    assert_eq!((closed(&stage.xa), closed(&stage.xb)), (0, 1), "over the link that was there before");
    // The last part is told at that level; at the start it was `info`.
    until("a line of the new level", || stage.xa.said().contains("DEBUG").then_some(()));
    assert_ne!(before, certificate_seen(&stage), "a new dial is answered with the new certificate");
    let shown = stage.xb.run(FIRST, &["doctor"]).done();
    assert!(shown.contains("of which 128 MiB are kept for the log"), "{shown}");
}

#[test]
fn the_certificate_of_a_listener_follows_a_reload_and_its_address_waits_for_the_next_start() {
    let mut stage = Stage::set();
    stage.xa.start();
    let before = stage.xa.json(FIRST, &["reload"]);
    assert_eq!(before.get("waits_for_restart"), None);
    edit(&stage.xa, |text| format!("{text}\n[admin]\nlisten = \"127.0.0.1:1\"\n").replace("\"human\"", "\"json\""));
    let waits = stage.xa.json(FIRST, &["reload"]);
    assert_eq!(waits["waits_for_restart"], serde_json::json!(["log.format", "admin"]));
    edit(&stage.xa, |text| format!("{text}certificate = \"none.crt\"\nkey = \"none.key\"\n"));
    stage.xa.run(FIRST, &["reload"]).refused(&["none.crt"]);
}

fn by_variables(data: &Path, verb: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = program();
    command.args(verb).env("ROGATORY_DATA", data).envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

#[test]
fn settings_come_from_the_file_the_environment_or_the_default_and_say_which() {
    let stage = Stage::set();
    edit(&stage.xa, |text| text.replace("reserve_mib = 256", "reserve_mib = 512"));
    let set = [("ROGATORY_DELIVERY_PEER_SHARE_PERCENT", "70"), ("ROGATORY_SERVICE_HOST", "10.0.0.1")];
    let shown = by_variables(&stage.xa.data, &["config", "show"], &set).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in [
        "delivery.peer_share_percent     70   (ROGATORY_DELIVERY_PEER_SHARE_PERCENT; default: 50)",
        "delivery.reserve_mib            512   (config.toml; default: 256)",
        "web.listen                      -   (default)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "`{line}` is not in:\n{shown}");
    }
    let misspelt =
        by_variables(&stage.xa.data, &["config", "show"], &[("ROGATORY_LOG_LEVLE", "debug")]).output().unwrap();
    let said = String::from_utf8(misspelt.stderr).unwrap();
    assert!(said.contains("did you mean ROGATORY_LOG_LEVEL?"), "{said}");
    edit(&stage.xa, |text| text.replace("reserve_mib", "reserve_mb"));
    run(&["config", "show", "--data", path(&stage.xa.data)]).refused(&["reserve_mb", "did you mean `reserve_mib`?"]);
}

#[test]
fn an_empty_volume_becomes_a_node_by_three_variables_and_not_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let refused = by_variables(folder.path(), &["serve", "--init"], &[]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("ROGATORY_AUTHORITY is not set"), "{said}");
    let variables = [
        ("ROGATORY_AUTHORITY", "XA-MOJ"),
        ("ROGATORY_NAME", "Arcadia"),
        ("ROGATORY_ADVERTISE", "mla.arcadia.example:4711"),
        ("ROGATORY_LISTEN", "127.0.0.1:0"),
        ("ROGATORY_ADMIN_LISTEN", "127.0.0.1:0"),
        ("ROGATORY_OFFICERS", "Ana=drafter"),
    ];
    let mut child = by_variables(folder.path(), &["serve", "--init"], &variables);
    let log = folder.path().with_extension("log");
    let mut child = child.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    until("the node", || fs::read_to_string(&log).unwrap().contains("node ready").then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    let said = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    assert!(said.contains("a node was made"), "{said}");
    let other = [("ROGATORY_AUTHORITY", "XB-MOJ"), ("ROGATORY_NAME", "Borealia")];
    let refused = by_variables(folder.path(), &["serve", "--init"], &other).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("XA-MOJ"), "another authority's variables: {said}");
}

#[test]
fn init_asks_a_person_and_refuses_a_script_that_says_too_little() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("arcadia");
    let usage = run(&["init", "--authority", "XA-MOJ", "--data", path(&data)]).ends(2);
    assert!(usage.err.contains("--name, --listen, --officer must be given"), "{}", usage.err);
    // `script` gives the program a terminal.
    let command = format!("{} init --data {}", env!("CARGO_BIN_EXE_rogatory"), path(&data));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.env_remove("ROGATORY_DATA").spawn().unwrap();
    let answers = b"XA-MOJ\nMinistry\n\nmla.arcadia.example:4711\n-\nAna=drafter\nBor=approver\n-\nyes\n";
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success() && said.contains("rogatory serve --data"), "{said}");
    let shown = run(&["config", "show", "--data", path(&data)]).done();
    assert!(shown.contains("mla.arcadia.example:4711"), "{shown}");
}

#[test]
fn the_shells_can_complete_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let text = run(&["completions", shell]).done();
        for verb in ["healthcheck", "doctor", "completions", "directory"] {
            assert!(text.contains(verb), "{shell}: {verb}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("completions");
    fs::write(&file, run(&["completions", "bash"]).done()).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&file).status().unwrap().success());
}
