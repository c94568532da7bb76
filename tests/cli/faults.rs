//! What goes wrong in an office: a second daemon, no directory, an expired one, a stranger at the socket, wrong settings.
//! Each is refused by a message that says what to do, and nothing is lost by it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::random;
use rogatory::daemon::clock;
use rogatory::exchange::keeper::{Fingerprint, KeeperKey};
use rogatory::exchange::keeping::{self, Change, Expiries, Keepers};
use rogatory::exchange::reading::Reading;
use rogatory::exchange::repository::Files;
use rogatory::model::time::Timestamp;
use rogatory::store::directory as directory_files;
use rustix::process::Signal;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{Daemon, run, until};
use crate::requests::both_logs_agree;
use crate::stage::Stage;

const STRANGERS: [[&str; 2]; 2] = [["Ana Novak", "Bor Kos"], ["Carla Lind", "Dan Holm"]];

/// The node cannot start; gives what it said.
fn refuses_to_start(office: &Office) -> String {
    run(&["serve", "--data", path(&office.data)]).ends(1).err
}

/// Changes the settings.
fn edit(office: &Office, change: impl Fn(&str) -> String) {
    let file = office.data.join("config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, change(&text)).unwrap();
}

#[test]
fn a_second_daemon_on_the_same_data_is_refused_and_the_first_goes_on() {
    let stage = Stage::play();
    let refused = refuses_to_start(&stage.xa);
    assert!(refused.contains("another rogatory process uses this data directory; stop it"), "{refused}");
    let sent = stage.xa.ask("XB-MOJ", "Still here", &[]);
    stage.xa.handed_over(&text(&sent, "message_id"));
}

#[test]
fn a_node_begins_without_a_directory_and_works_once_one_is_imported_and_reloaded() {
    let [arcadians, borealians] = STRANGERS;
    let mut stage = Stage::without_directory(arcadians, borealians);
    stage.xa.start();
    stage.xb.start();
    let new = ["request", "new", "--to", "XB-MOJ", "--subject", "Too early"];
    stage.xa.run(FIRST, &new).refused(&["no directory was imported", "rogatory directory import"]);
    assert!(stage.xa.said().contains("no directory is in force"));
    stage.trust_root = stage.found_directory(&[]);
    let show = run(&["directory", "verify", path(&stage.at("directory")), "--trust-root", &stage.trust_root, "--json"]);
    assert_eq!(show.json()["accepted"], true);
    assert!(run(&["directory", "show", path(&stage.at("directory"))]).done().contains("XB-MOJ"));
    stage.import(&stage.xa);
    stage.import(&stage.xb);
    assert!(stage.xa.run(FIRST, &["reload"]).done().starts_with("Reloaded. Directory version"));
    stage.xb.daemon().signal(Signal::HUP);
    until("XB to read the directory", || stage.xb.said().contains("directory were read again").then_some(()));
    stage.xa.run(FIRST, &["request", "new", "--to", "XC-MOJ", "--subject", "To nobody"]).refused(&["XC-MOJ is not in"]);
    let sent = stage.xa.ask("XB-MOJ", "Now", &[]);
    stage.xa.handed_over(&text(&sent, "message_id"));
    for office in [&stage.xa, &stage.xb] {
        assert_eq!(office.records_where(|record| record["event"] == "directory.accepted").len(), 1);
    }
}

/// A keeper that makes directories which hold for moments: no command gives less than a day.
struct Keeper {
    key: SigningKey,
    files: Files,
}

impl Keeper {
    fn found(stage: &Stage) -> Self {
        let key = SigningKey::from_seed(&random::bytes().unwrap());
        let year = clock::now().plus_millis(366 * 86_400_000);
        let keepers = Keepers::new([KeeperKey::of(&key)], 1).unwrap();
        let files = keeping::found(&keepers, Expiries { root: year, list: year }).unwrap();
        let rows = [&stage.xa, &stage.xb].map(|office| {
            let row = fs::read(office.data.join("directory-entry.json")).unwrap();
            rogatory::exchange::entry::Entry::parse(&row).unwrap()
        });
        let mut keeper = Self { key, files };
        keeper.change(Change::Put(rows.into()), year);
        keeper
    }

    fn change(&mut self, change: Change, expires: Timestamp) {
        let changed = keeping::change(&self.files, change, expires).unwrap().files;
        self.files = keeping::sign(&changed, &self.key).unwrap().0;
    }

    fn hand_out(&self, stage: &mut Stage) {
        stage.trust_root = Fingerprint::from(Reading::of(&self.files).unwrap().root().digest()).to_string();
        let folder = stage.at("directory");
        let _ = fs::remove_dir_all(&folder);
        directory_files::write(&folder, &self.files).unwrap();
        stage.import(&stage.xa);
        stage.import(&stage.xb);
    }
}

#[test]
fn under_an_expired_directory_nothing_moves_and_a_renewed_one_releases_what_waited() {
    let [arcadians, borealians] = STRANGERS;
    let mut stage = Stage::without_directory(arcadians, borealians);
    let mut keeper = Keeper::found(&stage);
    keeper.hand_out(&mut stage);
    stage.xa.start();
    let waits = stage.xa.ask("XB-MOJ", "It waits for the peer", &[]);
    let approved = text(&stage.xa.draft("XB-MOJ", "It waits for the directory", &[]), "request_id");
    stage.xa.json(SECOND, &["request", "approve", &approved]);
    let expires = clock::now().plus_millis(4_000);
    keeper.change(Change::Renew, expires);
    keeper.hand_out(&mut stage);
    stage.xa.json(FIRST, &["reload"]);
    until("the directory to expire", || (clock::now() > expires).then_some(()));

    stage.xa.run(SECOND, &["request", "send", &approved]).refused(&["directory-expired", "import a newer one"]);
    stage.xb.start();
    stage.xa.stop();
    stage.xa.start();
    assert!(stage.xa.said().contains("code=directory-expired"), "{}", stage.xa.said());
    assert!(stage.xb.records_where(|record| record["event"] == "message.received").is_empty());
    let year = clock::now().plus_millis(366 * 86_400_000);
    keeper.change(Change::Renew, year);
    keeper.hand_out(&mut stage);
    stage.xb.json(FIRST, &["reload"]);
    stage.xa.daemon().signal(Signal::HUP);
    stage.xa.handed_over(&text(&waits, "message_id"));
    let late = stage.xa.json(SECOND, &["request", "send", &approved]);
    stage.xa.handed_over(&text(&late, "message_id"));
    both_logs_agree(&stage.xa, &stage.xb, 2);
}

#[test]
fn whoever_says_no_name_or_a_wrong_one_or_lacks_the_role_does_nothing() {
    let stage = Stage::play();
    let data = path(&stage.xa.data);
    let before = stage.xa.records().len();
    run(&["request", "list", "--data", data]).refused(&["several officers", "--as NAME"]);
    run(&["request", "list", "--data", data, "--as", "Nobody"])
        .refused(&["does not stand for an officer", "config.toml"]);
    let new = ["request", "new", "--to", "XB-MOJ", "--subject", "x", "--data", data];
    run(&new).refused(&["--as NAME"]);
    let begin = ["package", "export", "019aa7b2-0000-7000-8000-000000000000", "--to", "x", "--purpose", "a test"];
    stage.xa.run(FIRST, &begin).refused(&["no package", "see the lists"]);
    edit(&stage.xa, |text| text.replace("\"drafter\", \"custodian\"", "\"auditor\""));
    stage.xa.json(FIRST, &["reload"]);
    stage.xa.run(FIRST, &["request", "new", "--to", "XB-MOJ", "--subject", "x"]).refused(&["role drafter or approver"]);
    edit(&stage.xa, |text| text.replace("unix_uids = [", "unix_uids = [4242, "));
    edit(&stage.xb, |text| {
        let uid = rustix::process::getuid().as_raw();
        text.replace(&format!("unix_uids = [{uid}]"), "unix_uids = [4242]")
    });
    stage.xb.json(FIRST, &["reload"]);
    stage.xb.run(FIRST, &["request", "list"]).refused(&["no officer of this node works under Unix user"]);
    assert_eq!(stage.xa.records().len(), before, "nothing was done, and nothing was said about any message");
    let usage = run(&["request", "list"]).ends(2);
    assert!(usage.err.contains("--data"), "{}", usage.err);
}

#[test]
fn settings_that_are_wrong_are_refused_by_name_and_those_in_force_stay() {
    let mut stage = Stage::play();
    let sound = fs::read_to_string(stage.xa.data.join("config.toml")).unwrap();
    edit(&stage.xa, |text| format!("colour = \"blue\"\n{text}"));
    stage.xa.run(FIRST, &["reload"]).refused(&["config.toml", "colour"]);
    stage.xa.daemon().signal(Signal::HUP);
    until("the refusal in the log", || stage.xa.said().contains("nothing was reloaded").then_some(()));
    let sent = stage.xa.ask("XB-MOJ", "The old settings hold", &[]);
    stage.xa.handed_over(&text(&sent, "message_id"));
    edit(&stage.xa, |_| sound.replace("XA-MOJ\"", "XC-MOJ\""));
    stage.xa.run(FIRST, &["reload"]).refused(&["names another authority"]);
    edit(&stage.xa, |_| format!("colour = \"blue\"\n{sound}"));
    stage.xa.stop();
    let refused = refuses_to_start(&stage.xa);
    assert!(refused.contains("config.toml") && refused.contains("unknown field `colour`"), "{refused}");
    edit(&stage.xa, |_| sound.clone());
    let mut filter = Daemon::spawn(&stage.xa.data, &stage.xa.log, "loud=very");
    assert_eq!(filter.ended(), Some(1));
    assert!(filter.said().contains("ROGATORY_LOG is no log filter"));
    stage.xa.start();
}

#[test]
fn a_node_that_is_there_is_never_made_anew_and_one_that_is_not_is_named() {
    let stage = Stage::set();
    let again = ["init", "--authority", "XA-MOJ", "--name", "x", "--listen", "127.0.0.1:1", "--officer", "A=drafter"];
    let keys = fs::read(stage.xa.data.join("keys/log.key.pem")).unwrap();
    stage.xa.run(FIRST, &["request", "list"]).done();
    run(&[&again[..], &["--data", path(&stage.xa.data)]].concat()).refused(&["holds a node already"]);
    assert_eq!(fs::read(stage.xa.data.join("keys/log.key.pem")).unwrap(), keys);
    let nothing = stage.at("nothing");
    run(&["serve", "--data", path(&nothing)]).refused(&["cannot read", "rogatory init"]);
    run(&["custody", "fsck", "--data", path(&nothing)]).refused(&["cannot read"]);
    stage.xa.run(FIRST, &["request", "approve", "019aa7b2-0000-7000-8000-000000000000"]).refused(&["rogatory serve"]);
}

#[test]
fn a_key_that_others_may_read_keeps_the_node_from_starting() {
    let mut stage = Stage::set();
    for name in ["seal.key.pem", "receiving.seed.pem", "log.key.pem", "node.key.pem"] {
        let file = stage.xa.data.join("keys").join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = refuses_to_start(&stage.xa);
        assert!(refused.contains(name) && refused.contains("chmod 600"), "{refused}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    stage.xa.start();
    for (name, mode) in [("keys", 0o700), ("officer.sock", 0o660), (".", 0o700)] {
        let found = fs::metadata(stage.xa.data.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}: {found:o}");
    }
}

#[test]
fn a_socket_path_that_the_system_cannot_hold_is_named_with_its_bound() {
    let stage = Stage::set();
    let deep = stage.at(&"d".repeat(100));
    fs::rename(&stage.xa.data, &deep).unwrap();
    let refused = run(&["serve", "--data", path(&deep)]).ends(1).err;
    assert!(refused.contains("officer.sock") && refused.contains("107 bytes"), "{refused}");
}

#[test]
fn a_node_that_is_told_to_end_ends_in_order_and_leaves_nothing_to_repair() {
    let mut stage = Stage::play();
    let sent = stage.xa.ask("XB-MOJ", "The last act", &[]);
    stage.xa.stop();
    assert!(stage.xa.said().contains("node stopped"));
    stage.xb.daemon().signal(Signal::INT);
    until("XB to end", || stage.xb.said().contains("node stopped").then_some(()));
    assert!(stage.xa.run(FIRST, &["custody", "fsck"]).done().contains("Everything is sound."));
    stage.xa.run(SECOND, &["request", "send", &text(&sent, "request_id")]).refused(&["no node answers"]);
}
