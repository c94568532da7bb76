//! One authority of a test: its data directory, its officers, and its daemon while it runs.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Daemon, Ran, program, run, run_with_input, until};

/// Drafts, seals and opens.
pub const FIRST: usize = 0;
/// Approves and sends.
pub const SECOND: usize = 1;

/// An authority with a node.
pub struct Office {
    pub id: &'static str,
    pub data: PathBuf,
    pub log: PathBuf,
    pub level: String,
    officers: [String; 2],
    daemon: Option<Daemon>,
}

impl Office {
    /// Makes the node; nothing runs yet.
    pub fn make(stage: &Path, id: &'static str, officers: [&str; 2], listen: SocketAddr) -> Self {
        let (data, log) = (stage.join(id), stage.join(format!("{id}.log")));
        let [first, second] = officers;
        let address = listen.to_string();
        let made = run(&[
            "init",
            "--authority",
            id,
            "--name",
            &format!("Ministry of Justice of {id}"),
            "--listen",
            &address,
            "--advertise",
            &address,
            "--officer",
            &format!("{first}=drafter,custodian"),
            "--officer",
            &format!("{second}=approver"),
            "--data",
            path(&data),
            "--json",
        ]);
        assert_eq!(made.json()["entry"], path(&data.join("directory-entry.json")));
        let officers = officers.map(str::to_owned);
        Self { id, data, log, level: "info".to_owned(), officers, daemon: None }
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&mut self) {
        self.daemon = Some(Daemon::start(&self.data, &self.log, &self.level));
    }

    /// Starts the daemon, which kills itself at that named place.
    pub fn start_crashing(&mut self, point: &str) {
        self.daemon = None;
        self.daemon = Some(Daemon::start_crashing(&self.data, &self.log, &self.level, point));
    }

    /// Ends the daemon in order.
    pub fn stop(&mut self) {
        assert_eq!(self.daemon.take().unwrap().stop(), Some(0), "{}", fs::read_to_string(&self.log).unwrap());
    }

    /// The daemon that runs.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// What the daemon logged so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The name of an officer.
    pub fn name(&self, officer: usize) -> &str {
        &self.officers[officer]
    }

    /// An officer runs a command.
    pub fn run(&self, officer: usize, args: &[&str]) -> Ran {
        run(&self.command(officer, args))
    }

    /// An officer runs a command whose standard output is no text.
    pub fn pipe(&self, officer: usize, args: &[&str]) -> Vec<u8> {
        let done = program().args(self.command(officer, args)).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }

    /// An officer runs a command that reads standard input.
    pub fn run_with_input(&self, officer: usize, args: &[&str], input: &[u8]) -> Ran {
        run_with_input(&self.command(officer, args), input)
    }

    /// An officer runs a command and reads its JSON.
    pub fn json(&self, officer: usize, args: &[&str]) -> Value {
        let mut all = self.command(officer, args);
        all.push("--json");
        run(&all).json()
    }

    fn command<'a>(&'a self, officer: usize, args: &[&'a str]) -> Vec<&'a str> {
        let mut all = args.to_vec();
        all.extend(["--data", path(&self.data), "--as", self.name(officer)]);
        all
    }

    /// The custody log from its beginning.
    pub fn records(&self) -> Vec<Value> {
        self.json(FIRST, &["custody", "log"])["entries"].as_array().unwrap().clone()
    }

    /// The records that match.
    pub fn records_where(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut records = self.records();
        records.retain(|record| wanted(record));
        records
    }

    /// Waits for a record of that event about that message, and gives it.
    pub fn record_of(&self, event: &str, message: &str) -> Value {
        until(&format!("{event} in the log of {}", self.id), || {
            self.records_where(|record| record["event"] == event && record["message_id"] == message).pop()
        })
    }

    /// Waits until the peer's receipt for the whole message was checked, and gives our record of it.
    pub fn handed_over(&self, message: &str) -> Value {
        until(&format!("the receipt for a message of {}", self.id), || {
            self.records_where(|record| {
                record["event"] == "message.delivered"
                    && record["message_id"] == message
                    && record["stage"] == "content-consignment"
            })
            .pop()
        })
    }

    /// Drafts, approves and sends a request from flags; gives its row as it was queued.
    pub fn ask(&self, to: &str, subject: &str, more: &[&str]) -> Value {
        let row = self.draft(to, subject, more);
        let id = text(&row, "request_id");
        self.json(SECOND, &["request", "approve", &id]);
        self.json(SECOND, &["request", "send", &id])
    }

    /// Drafts a request from flags.
    pub fn draft(&self, to: &str, subject: &str, more: &[&str]) -> Value {
        let mut args = vec!["request", "new", "--to", to, "--reference", "XA-2026-1", "--subject", subject];
        args.extend(["--proceeding-authority", "Prosecutor of Arcadia", "--functions", "Investigates crimes"]);
        args.extend(["--nature", "Criminal investigation", "--facts", "What happened on the bridge."]);
        args.extend(["--law", "Penal Code, art. 142", "--penalty", "Ten years", "--purpose", "To learn who did it"]);
        args.extend(["--measure", "evidence=The recording", "--basis", "Treaty of 2023"]);
        args.extend(more);
        self.json(FIRST, &args)
    }
}

/// A path as an argument.
pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A text field.
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}")).to_owned()
}

/// The digest of that name in a record.
pub fn digest(record: &Value, name: &str) -> String {
    let digests = record["digests"].as_array().unwrap();
    let found = digests.iter().find(|digest| digest["name"] == name);
    text(found.unwrap_or_else(|| panic!("no digest `{name}` in {record}")), "sha256")
}
