//! The rotations of a log's keys that lie beside its tiles: led from a trusted key to the one that signs today. Refuses a
//! checkpoint of a retired key behind its end, and a rotation that is not of this log.

use std::path::Path;

use crate::bag::log::read;
use crate::bag::verdict::Findings;
use crate::custody::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::custody::edge::Edge;
use crate::custody::note::{NoteError, VerifierKey};
use crate::exchange::rotation::{Checked, Rotation, history, successor};
use crate::model::limits::{LOG_ROTATIONS_MAX, RECEIPT_BYTES_MAX};

const DIR: &str = "rotations";

/// Every rotation in that folder whose own evidence holds, the oldest first; one that does not is a failure.
pub fn beside(folder: &Path, findings: &mut Findings) -> Vec<Checked> {
    let dir = folder.join(DIR);
    let mut found: Vec<Checked> = Vec::new();
    let Ok(names) = std::fs::read_dir(&dir) else { return found };
    let what = "Each rotation of the log's key was signed by the key that ended";
    for (number, name) in names.enumerate() {
        let judged = match name.ok().and_then(|name| name.file_name().into_string().ok()) {
            _ if number >= LOG_ROTATIONS_MAX => Err("there are too many".to_owned()),
            Some(name) => one(&dir, &name),
            None => Err("a file of it cannot be read".to_owned()),
        };
        match judged {
            Ok(checked) => found.push(checked),
            Err(why) => {
                findings.failed(what, Some(DIR), why);
                return Vec::new();
            }
        }
    }
    found.sort_by_key(|one| one.end);
    if !found.is_empty() {
        findings.judge(what, Some(DIR), Ok::<_, String>(()));
    }
    found
}

fn one(dir: &Path, name: &str) -> Result<Checked, String> {
    let text = String::from_utf8(read(dir, name, 2 * RECEIPT_BYTES_MAX)?).map_err(|_| "it is no text")?;
    let checked = Rotation::read(&text).map_err(|error| format!("{name}: {error}"))?;
    if checked.end.to_string() == name { Ok(checked) } else { Err(format!("{name} ends at {}", checked.end)) }
}

/// Checks a note under trusted keys and those that the rotations lead to from them. A key that a rotation ended counts
/// only up to its end.
///
/// # Errors
/// Says which key signed it and may not.
pub fn open(note: &[u8], trusted: &[VerifierKey], rotations: &[Checked]) -> Result<SignedCheckpoint, String> {
    let ended = |key: &VerifierKey| rotations.iter().any(|one| one.rotation.old.contains(key));
    let lasting: Vec<VerifierKey> = trusted.iter().filter(|key| !ended(key)).cloned().collect();
    let refused = match SignedCheckpoint::open(note, &lasting) {
        Ok(signed) => return Ok(signed),
        // A line in the name of a known key that does not hold refuses the note, whoever else signed it.
        Err(error @ CheckpointError::Note(NoteError::BadSignature)) => return Err(error.to_string()),
        Err(error) => error.to_string(),
    };
    let mut behind = None;
    for key in trusted {
        let keys = history(&successor(key, rotations), rotations);
        match keys.open(note) {
            // Only keys that a trusted one leads to: not those that it came from.
            Ok(signed) if leads(key, &signed, rotations) => return Ok(signed),
            _ => {}
        }
        if ended(key) && SignedCheckpoint::open(note, std::slice::from_ref(key)).is_ok() {
            behind = Some("it is signed by a retired key behind the end of that key");
        }
    }
    Err(behind.map_or(refused, str::to_owned))
}

/// Whether the signer is the trusted key itself, or one that came after it.
fn leads(trusted: &VerifierKey, signed: &SignedCheckpoint, rotations: &[Checked]) -> bool {
    let (mut key, mut after) = (trusted.clone(), 0);
    loop {
        if SignedCheckpoint::open(&signed.to_bytes(), std::slice::from_ref(&key)).is_ok() {
            return true;
        }
        // Each step ends later than the one before: made-up rotations in a circle lead nowhere.
        match rotations.iter().find(|one| one.old == key && one.end > after) {
            Some(next) => (key, after) = (next.new.clone(), next.end),
            None => return false,
        }
    }
}

/// The roots that the old keys signed last, to be met while the tree is computed.
pub struct Ends<'a> {
    rotations: &'a [Checked],
    size: u64,
    met: usize,
    wrong: Option<u64>,
}

impl<'a> Ends<'a> {
    /// Those of a log of `size` entries.
    pub fn of(rotations: &'a [Checked], size: u64) -> Self {
        Self { rotations, size, met: 0, wrong: None }
    }

    /// Whether any is to be met.
    pub fn are_awaited(&self) -> bool {
        !self.rotations.is_empty()
    }

    /// The tree has grown by one entry.
    pub fn pass(&mut self, edge: &Edge) {
        for one in self.rotations.iter().filter(|one| one.end == edge.size()) {
            if one.root == edge.root() {
                self.met += 1;
            } else {
                self.wrong = self.wrong.or(Some(one.end));
            }
        }
    }

    /// What became of them.
    pub fn judge(&self, findings: &mut Findings) {
        if self.rotations.is_empty() {
            return;
        }
        let what = "Every former key of the log signed the beginning of this history";
        let judged = match self.wrong {
            Some(end) => Err(format!("the key that ended with {end} entries signed another history")),
            None if self.met < self.rotations.len() => {
                Err(format!("a rotation stands behind the end of the log of {} entries", self.size))
            }
            None => Ok(()),
        };
        if findings.judge(what, Some(DIR), judged).is_some() {
            findings.tell(format!("The log went on over {} rotations of its key.", self.rotations.len()));
        }
    }
}
