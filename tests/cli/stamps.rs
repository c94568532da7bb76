//! Time-stamps over the custody log of a real node, by an authority that is there, gone, slow, and wrong in every way.

use std::fs;
use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use crate::evidence::{accept, exchange};
use crate::office::{FIRST, Office, digest, path};
use crate::program::{Ran, run, until};
use crate::stage::Stage;
use crate::tsa::server::{Mode, TsaServer};
use crate::tsa::{Plan, Tsa, openssl};

/// Adds an operator and a time-stamp authority to the settings.
fn settle(office: &Office, name: &str, tsa: Tsa, mode: Mode) -> TsaServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    name_in_settings(office, name, listener.local_addr().unwrap(), &tsa);
    TsaServer::listen(listener, tsa, mode)
}

fn name_in_settings(office: &Office, name: &str, address: SocketAddr, anchor: &Tsa) {
    let settings = office.data.join("config.toml");
    let mut text = fs::read_to_string(&settings).unwrap();
    if !text.contains("Olga Op") {
        let uid = text.lines().find(|line| line.starts_with("unix_uids")).unwrap().to_owned();
        text += &format!("\n[[officer]]\nname = \"Olga Op\"\nroles = [\"operator\"]\n{uid}\n");
    }
    fs::copy(anchor.path("ca.pem"), office.data.join(format!("{name}.pem"))).unwrap();
    fs::write(&settings, text).unwrap();
    add_settings(office, name, address);
}

fn add_settings(office: &Office, name: &str, address: SocketAddr) {
    let settings = office.data.join("config.toml");
    let mut text = fs::read_to_string(&settings).unwrap();
    text += &format!("\n[[time_stamp]]\nname = \"{name}\"\nurl = \"http://{address}/tsr\"\nca_file = \"{name}.pem\"\n");
    fs::write(&settings, text).unwrap();
}

fn olga(office: &Office, args: &[&str]) -> Ran {
    run(&[args, &["--data", path(&office.data), "--as", "Olga Op"]].concat())
}

fn renew(office: &Office) -> Value {
    serde_json::from_str(&olga(office, &["custody", "renew", "--json"]).out).unwrap()
}

fn stamps(office: &Office) -> Value {
    office.json(FIRST, &["custody", "stamps"])
}

fn of_event(office: &Office, event: &str) -> Vec<Value> {
    office.records_where(|record| record["event"] == event)
}

/// The stamped note and the token out of the journal of a stopped node, for OpenSSL.
fn enclosed(office: &Office, index: u64) -> (Vec<u8>, Vec<u8>) {
    let (wake, _) = tokio::sync::mpsc::unbounded_channel();
    let node = rogatory::daemon::node::Node::open(&office.data, wake, rogatory::daemon::node::Opening::ToRead).unwrap();
    (node.enclosure(index, "checkpoint").unwrap(), node.enclosure(index, "time-stamp").unwrap())
}

#[test]
fn the_log_is_stamped_by_the_timer_and_on_request_and_openssl_accepts_what_is_kept() {
    let mut stage = Stage::set();
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let ca = stage.at("ca.pem");
    fs::copy(tsa.path("ca.pem"), &ca).unwrap();
    let _server = settle(&stage.xa, "arcadia-time", tsa, Mode::Good);
    stage.xa.start();

    // The timer asks at once: there is no time-stamp yet.
    let first = until("the first time-stamp", || of_event(&stage.xa, "time.stamped").pop());
    assert_eq!((&first["actor"], &first["reason"]), (&Value::from("node"), &Value::from("arcadia-time")));
    stage.xa.draft("XB-MOJ", "Bridge", &[]);
    let before = stage.xa.json(FIRST, &["custody", "log"])["size"].as_u64().unwrap();
    let told = renew(&stage.xa);
    let second = &told["time_stamps"][0];
    assert!(second["size"].as_u64().unwrap() >= before, "{told}");
    assert_eq!(
        (&second["signer"], &second["clock"]),
        (&Value::from("CN=Arcadia Time"), &Value::from("agrees with this node's clock"))
    );
    let record = &of_event(&stage.xa, "time.stamped")[1];
    assert_eq!(record["actor"]["name"], "Olga Op");

    let running = stamps(&stage.xa);
    let chain = running["time_stamps"].as_array().unwrap();
    assert_eq!(chain.len(), 2, "{running}");
    assert!(chain.iter().all(|one| one["checked"] == "holds"), "{running}");
    assert_eq!((&chain[0]["renews"], &chain[1]["renews"]), (&Value::from(0), &Value::from(1)));
    assert_eq!(running["covered"], second["size"]);
    let said = olga(&stage.xa, &["custody", "stamps"]).done();
    assert!(said.contains("the time-stamp before it among them") && said.contains("are attested"), "{said}");

    // Asking belongs to those who keep or audit the node.
    stage.xa.run(FIRST, &["custody", "renew"]).refused(&["role"]);
    stage.xa.stop();
    let stopped = stamps(&stage.xa);
    assert_eq!(stopped["time_stamps"], running["time_stamps"]);

    for one in chain {
        let (note, token) = enclosed(&stage.xa, one["index"].as_u64().unwrap());
        fs::write(stage.at("note"), &note).unwrap();
        fs::write(stage.at("token.tsr"), &token).unwrap();
        let command = "ts -verify -data note -in token.tsr -CAfile ca.pem";
        let said = openssl(stage.folder(), command).unwrap();
        assert!(said.contains("Verification: OK"), "{said}");
        fs::write(stage.at("note"), [&note[..], b"x"].concat()).unwrap();
        assert!(openssl(stage.folder(), command).is_err());
    }
    let (_, token) = enclosed(&stage.xa, record["index"].as_u64().unwrap());
    assert_eq!(digest(record, "time-stamp"), rogatory::crypto::digest::sha256(&token).to_string());
}

#[test]
fn an_exported_bag_says_until_when_its_records_were_there_and_openssl_agrees() {
    let mut stage = Stage::without_directory(["Ana Novak", "Bor Kos"], ["Carla Lind", "Dan Holm"]);
    let tsa = Tsa::new("Arcadia", &Plan::default());
    // The authority vouches for the CA in its row.
    let entry = stage.xa.data.join("directory-entry.json");
    let mut row: Value = serde_json::from_slice(&fs::read(&entry).unwrap()).unwrap();
    row["time_stamp_issuers"] = serde_json::json!([data_encoding::BASE64.encode(&tsa.anchor)]);
    fs::write(&entry, serde_json::to_vec(&row).unwrap()).unwrap();
    stage.trust_root = stage.found_directory(&[]);
    stage.import(&stage.xa);
    stage.import(&stage.xb);
    let _server = settle(&stage.xa, "arcadia-time", tsa, Mode::Good);
    stage.xa.start();
    stage.xb.start();
    let (_, package) = exchange(&stage);
    accept(&stage.xa, &package);
    let sizes: Vec<u64> = (0..2).map(|_| renew(&stage.xa)["time_stamps"][0]["size"].as_u64().unwrap()).collect();

    let bag = stage.at("bag");
    let export = ["package", "export", &package, "--to", path(&bag), "--purpose", "for the court"];
    stage.xa.json(FIRST, &export);
    let said = run(&["verify", path(&bag), "--trust-root", &stage.trust_root]).done();
    assert!(said.ends_with("\nVERIFIED\n"), "{said}");
    for words in [
        format!("The custody log of XA-MOJ had its first {} entries on ", sizes[1]),
        "a CA that the directory lists for XA-MOJ vouches for it".to_owned(),
        "of the custody log xa-moj.rogatory/custody existed on ".to_owned(),
        "should the key of the first become weak after that, it still counts".to_owned(),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }

    // By hand, with the commands that VERIFY.md names, and not after a change.
    let page = fs::read_to_string(bag.join("rogatory/VERIFY.md")).unwrap();
    let commands: Vec<&str> = page.lines().filter(|line| line.starts_with("openssl ts -verify")).collect();
    assert!(commands.len() >= 2, "{page}");
    for command in commands {
        let arguments = command.strip_prefix("openssl ").unwrap();
        assert!(openssl(&bag, arguments).unwrap().contains("Verification: OK"), "{command}");
        let note = bag.join(arguments.split(' ').nth(3).unwrap());
        let sound = fs::read(&note).unwrap();
        fs::write(&note, [&sound[..], b"x"].concat()).unwrap();
        assert!(openssl(&bag, arguments).is_err());
        fs::write(&note, sound).unwrap();
    }
}

#[test]
fn a_node_is_made_with_its_time_stamp_authority_in_settings_and_row() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let data = folder.path().join("node");
    let authority = format!("arcadia-time,http://tsa.example.org/tsr,{}", path(&tsa.path("ca.pem")));
    let made = |data: &str, authority: &str| {
        run(&[
            "init",
            "--authority",
            "XA-MOJ",
            "--name",
            "Arcadia",
            "--listen",
            "127.0.0.1:0",
            "--officer",
            "Ana=drafter",
            "--data",
            data,
            "--time-stamp",
            authority,
        ])
    };
    made(path(&data), &authority).done();
    let settings = fs::read_to_string(data.join("config.toml")).unwrap();
    assert!(settings.contains("[[time_stamp]]") && settings.contains("http://tsa.example.org/tsr"), "{settings}");
    let row: Value = serde_json::from_slice(&fs::read(data.join("directory-entry.json")).unwrap()).unwrap();
    assert_eq!(row["time_stamp_issuers"], serde_json::json!([data_encoding::BASE64.encode(&tsa.anchor)]));
    // The certificate of the authority itself is no CA; a file that is not there leaves no half-made node.
    let other = folder.path().join("other");
    for file in [tsa.path("tsa.pem"), folder.path().join("nowhere.pem")] {
        made(path(&other), &format!("a,http://a,{}", path(&file))).refused(&["time-stamp authorities"]);
        assert!(!other.exists());
    }
}

#[test]
fn an_authority_that_is_gone_leaves_one_gap_in_the_log_and_is_asked_again_until_it_answers() {
    let mut stage = Stage::set();
    let tsa = Tsa::new("Arcadia", &Plan::default());
    // The port is ours and nobody listens yet.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    drop(held);
    name_in_settings(&stage.xa, "arcadia-time", address, &tsa);
    stage.xa.start();
    let missed = until("the gap", || of_event(&stage.xa, "time.missed").pop());
    assert_eq!(
        (&missed["reason"], &missed["outcome"]),
        (&Value::from("arcadia-time"), &Value::from("failed: unreachable"))
    );
    // The node works on, and further failures are no further gaps.
    stage.xa.draft("XB-MOJ", "Bridge", &[]);
    let told = olga(&stage.xa, &["custody", "renew"]).ends(1);
    assert!(told.out.contains("arcadia-time: no time-stamp") && told.out.contains("cannot be reached"), "{}", told.out);
    assert_eq!(of_event(&stage.xa, "time.missed").len(), 1);
    assert_eq!(stamps(&stage.xa)["authorities"][0]["gap_since"], missed["at"]);
    assert!(olga(&stage.xa, &["custody", "stamps"]).done().contains("has not answered since"));

    // It comes back: the timer finds it by itself, and the new record names the gap that it ends.
    let _server = TsaServer::listen(TcpListener::bind(address).unwrap(), tsa, Mode::Good);
    let stamped = until("the time-stamp", || of_event(&stage.xa, "time.stamped").pop());
    let entry = stage.xa.json(FIRST, &["custody", "show", &stamped["index"].to_string()]);
    assert_eq!(entry["links"], serde_json::json!([missed["index"]]));
    let healed = stamps(&stage.xa);
    assert_eq!(
        (&healed["authorities"][0]["gap_since"], &healed["authorities"][0]["error"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(of_event(&stage.xa, "time.missed").len(), 1);
}

#[test]
fn a_wrong_answer_of_any_kind_is_never_logged_as_a_time_stamp() {
    let mut stage = Stage::set();
    let tsa = Tsa::new("Arcadia", &Plan::default());
    // The second one signs with a key that the CA in the settings, of the same name, knows nothing of.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let _stranger = TsaServer::listen(listener, Tsa::new("Arcadia", &Plan::default()), Mode::Good);
    fs::copy(tsa.path("ca.pem"), stage.at("ca.pem")).unwrap();
    let good = settle(&stage.xa, "good-time", tsa, Mode::Good);
    fs::copy(stage.at("ca.pem"), stage.xa.data.join("stranger-time.pem")).unwrap();
    add_settings(&stage.xa, "stranger-time", address);
    stage.xa.start();
    until("the first answers", || {
        let missed = of_event(&stage.xa, "time.missed").len();
        (missed == 1 && of_event(&stage.xa, "time.stamped").len() == 1).then_some(())
    });
    assert_eq!(of_event(&stage.xa, "time.missed")[0]["outcome"], "failed: bad-token");
    assert_eq!(of_event(&stage.xa, "time.missed")[0]["reason"], "stranger-time");

    for (mode, words) in [
        (Mode::Mute, "HTTP/1.1"),
        (Mode::Page, "no application/timestamp-reply"),
        (Mode::Busy, "status 503"),
        (Mode::Garbage, "no time-stamp (RFC 3161)"),
        (Mode::Replay, "over other bytes"),
        (Mode::Tampered, "does not hold"),
    ] {
        good.become_(mode);
        let told = renew(&stage.xa);
        let error = told["time_stamps"][0]["error"].as_str().unwrap_or_else(|| panic!("{mode:?}: {told}")).to_owned();
        assert!(error.contains(words), "{mode:?}: {error}");
        assert!(told["time_stamps"][1]["error"].as_str().unwrap().contains("no CA that is trusted"), "{told}");
    }
    assert_eq!(of_event(&stage.xa, "time.stamped").len(), 1);
    assert_eq!(of_event(&stage.xa, "time.missed").len(), 2);

    good.become_(Mode::Good);
    assert!(renew(&stage.xa)["time_stamps"][0]["size"].is_u64());
    assert_eq!(of_event(&stage.xa, "time.stamped").len(), 2);
}

#[test]
fn a_silent_authority_delays_nobody_and_the_node_still_stops_at_once() {
    let mut stage = Stage::set();
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let _server = settle(&stage.xa, "arcadia-time", tsa, Mode::Silent);
    stage.xa.start();
    let begun = std::time::Instant::now();
    stage.xa.draft("XB-MOJ", "Bridge", &[]);
    stage.xa.stop();
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(of_event(&stage.xa, "time.stamped").len(), 0);
}

#[test]
fn a_node_without_an_authority_says_what_to_add() {
    let mut stage = Stage::set();
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let _server = settle(&stage.xa, "arcadia-time", tsa, Mode::Good);
    let settings = stage.xa.data.join("config.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.split("\n[[time_stamp]]").next().unwrap()).unwrap();
    stage.xa.start();
    olga(&stage.xa, &["custody", "renew"]).refused(&["[[time_stamp]]"]);
    assert_eq!(stamps(&stage.xa)["covered"], 0);
}
