//! What officers were told: every act whose command ended with 0. The judge holds the nodes to it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use crate::town::{Side, text};

/// How far an act got in its officer's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Drafted,
    Approved,
    Sent,
}

/// One act that was acknowledged to an officer.
#[derive(Debug, Clone)]
pub struct Entry {
    pub from: &'static str,
    pub told: Told,
    pub message_id: String,
    /// The package and the file that went into it.
    pub package: Option<(String, PathBuf)>,
}

/// All of them.
#[derive(Default)]
pub struct Book(Mutex<Vec<Entry>>);

impl Book {
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    pub fn note(&self, side: &Side, told: Told, row: &Value, file: Option<&Path>) {
        let package = file.map(|file| (word(row, "package_id"), file.to_owned()));
        let message_id = word(row, "message_id");
        self.0.lock().unwrap().push(Entry { from: side.id, told, message_id, package });
    }

    /// Drafts, approves and sends a request, through every kill.
    pub fn request(&self, from: &Side, to: &Side, file: Option<&Path>) -> Value {
        let row = self.draft(from, to, file);
        self.approve_and_send(from, &row, file);
        row
    }

    pub fn draft(&self, from: &Side, to: &Side, file: Option<&Path>) -> Value {
        let attachment = file.map(text);
        let mut arguments = vec!["request", "new", "--to", to.id];
        arguments.extend(REQUEST);
        arguments.extend(attachment.iter().flat_map(|path| ["--attach", path]));
        let row = from.insist(from.clerk, &arguments).expect("a draft is new each time");
        self.note(from, Told::Drafted, &row, file);
        row
    }

    pub fn approve_and_send(&self, from: &Side, row: &Value, file: Option<&Path>) {
        let id = word(row, "message_id");
        for (verb, told) in [("approve", Told::Approved), ("send", Told::Sent)] {
            from.insist(from.head, &["request", verb, &id]);
            self.note(from, told, row, file);
        }
    }

    /// Acknowledges a request of the other side.
    pub fn acknowledge(&self, from: &Side, request_id: &str) {
        let row = from.insist(from.clerk, &["reply", "ack", request_id, "--reference", "B-1"]);
        self.note(from, Told::Sent, &row.expect("an answer is new each time"), None);
    }

    /// Seals a file as evidence for a request of the other side, and sends it.
    pub fn evidence(&self, from: &Side, request_id: &str, file: &Path) -> Value {
        let seal = ["package", "seal", "--request", request_id, &text(file)];
        let row = from.insist(from.clerk, &seal).expect("a package is new each time");
        self.note(from, Told::Drafted, &row, Some(file));
        from.insist(from.head, &["package", "send", &word(&row, "package_id")]);
        self.note(from, Told::Sent, &row, Some(file));
        row
    }
}

/// A field of a row.
pub fn word(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_else(|| panic!("no {field} in {row}")).to_owned()
}

const REQUEST: [&str; 20] = [
    "--reference",
    "A-1",
    "--subject",
    "Crash test",
    "--proceeding-authority",
    "Prosecutor of Arcadia",
    "--functions",
    "Investigates",
    "--nature",
    "Criminal investigation",
    "--facts",
    "On 3 March 2025 ...",
    "--law",
    "Penal Code, art. 142",
    "--penalty",
    "Imprisonment",
    "--purpose",
    "To establish the facts",
    "--measure",
    "evidence=The recording of the bridge",
];
