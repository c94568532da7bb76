//! The rotations of a log's keys that lie beside its tiles or in a bag: led from a trusted key to the one that signs today. Refuses a
//! checkpoint of a retired key behind its end; a rotation that no trusted key leads to counts for nothing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bag::folder::Folder;
use crate::bag::layout;
use crate::bag::log::read;
use crate::bag::verdict::Findings;
use crate::custody::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::custody::edge::Edge;
use crate::custody::note::{NoteError, VerifierKey};
use crate::exchange::receipt::log_keys;
use crate::exchange::roster::Roster;
use crate::exchange::rotation::{Checked, Rotation, led};
use crate::model::authority::Authority;
use crate::model::ident::AuthorityId;
use crate::model::limits::{LOG_ROTATIONS_MAX, RECEIPT_BYTES_MAX};

const DIR: &str = "rotations";
const ROTATED: &str = "Each rotation of the log's key was signed by the key that ended";

/// Every rotation in that folder whose own evidence holds, the oldest first. Of one that proves nothing it is said that it
/// was passed over: a file that anybody may add cannot make a log fail.
pub fn beside(folder: &Path, findings: &mut Findings) -> Vec<Checked> {
    let dir = folder.join(DIR);
    let mut found: Vec<Checked> = Vec::new();
    let Ok(names) = std::fs::read_dir(&dir) else { return found };
    for (number, name) in names.enumerate() {
        if number >= LOG_ROTATIONS_MAX {
            findings.not_checked(ROTATED, Some(DIR), format!("there are more than {LOG_ROTATIONS_MAX}"));
            break;
        }
        let judged = match name.ok().and_then(|name| name.file_name().into_string().ok()) {
            Some(name) => one(&dir, &name),
            None => Err("a file of it cannot be read".to_owned()),
        };
        match judged {
            Ok(checked) => found.push(checked),
            Err(why) => findings.not_checked(ROTATED, Some(DIR), format!("{why}; it counts for nothing")),
        }
    }
    found.sort_by_key(|one| one.end);
    if !found.is_empty() {
        findings.passed(ROTATED, Some(DIR));
    }
    found
}

fn one(dir: &Path, name: &str) -> Result<Checked, String> {
    checked(read(dir, name, 2 * RECEIPT_BYTES_MAX)?, name)
}

fn checked(bytes: Vec<u8>, name: &str) -> Result<Checked, String> {
    let text = String::from_utf8(bytes).map_err(|_| format!("{name} is no text"))?;
    let checked = Rotation::read(&text).map_err(|error| format!("{name}: {error}"))?;
    if checked.end.to_string() == name { Ok(checked) } else { Err(format!("{name} ends at {}", checked.end)) }
}

/// The keys that speak for a log: trusted ones and those that the rotations lead to from them. A key that such a rotation
/// ended counts only up to its end.
#[derive(Debug, Clone)]
pub struct Speaking {
    keys: Vec<VerifierKey>,
    retired: Vec<(Vec<VerifierKey>, u64)>,
}

impl Speaking {
    /// Those that follow from what is trusted.
    pub fn of(trusted: &[VerifierKey], rotations: &[Checked]) -> Self {
        let led = led(trusted, rotations);
        let ended = |key: &VerifierKey| led.iter().any(|one| one.rotation.old.contains(key));
        let mut keys: Vec<VerifierKey> = Vec::new();
        for key in trusted.iter().chain(led.iter().flat_map(|one| &one.rotation.new)) {
            if !ended(key) && !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        Self { keys, retired: led.iter().map(|one| (one.rotation.old.clone(), one.end)).collect() }
    }

    /// Checks a note. Gives the keys that spoke for the log when it was signed, too.
    ///
    /// # Errors
    /// Says which key signed it and may not.
    pub fn open(&self, note: &[u8]) -> Result<(SignedCheckpoint, &[VerifierKey]), String> {
        let refused = match SignedCheckpoint::open(note, &self.keys) {
            Ok(signed) => return Ok((signed, &self.keys)),
            // A line in the name of a known key that does not hold refuses the note, whoever else signed it.
            Err(error @ CheckpointError::Note(NoteError::BadSignature)) => return Err(error.to_string()),
            Err(error) => error.to_string(),
        };
        let mut behind = None;
        for (old, end) in &self.retired {
            match SignedCheckpoint::open(note, old) {
                Ok(signed) if signed.checkpoint().size() <= *end => return Ok((signed, old)),
                Ok(_) => behind = Some("it is signed by a retired key behind the end of that key"),
                Err(_) => {}
            }
        }
        Err(behind.map_or(refused, str::to_owned))
    }
}

/// The keys of every log of a bag, as its directory and the rotations in it give them.
#[derive(Debug, Default)]
pub struct Logs {
    by_authority: BTreeMap<AuthorityId, Result<Speaking, String>>,
}

impl Logs {
    /// Of the authorities of that directory. A rotation that proves nothing, or that no key of the directory leads to, counts
    /// for nothing, and that is said.
    pub fn of(folder: &Folder, roster: Option<&Roster>, findings: &mut Findings) -> Self {
        let mut logs = Self::default();
        for authority in roster.into_iter().flat_map(Roster::authorities) {
            let keys = log_keys(authority).map_err(|error| error.to_string());
            let speaking = keys.map(|keys| Speaking::of(&keys, &in_bag(folder, authority, &keys, findings)));
            logs.by_authority.insert(authority.id.clone(), speaking);
        }
        logs
    }

    /// Checks a note of that authority's log.
    ///
    /// # Errors
    /// Says what is wrong with the note, or that there is no key.
    pub fn open(&self, authority: &AuthorityId, note: &[u8]) -> Result<SignedCheckpoint, String> {
        let speaking = self.by_authority.get(authority).ok_or("the directory does not list the log's authority")?;
        let (signed, _) = speaking.as_ref().map_err(Clone::clone)?.open(note)?;
        let own = authority.owns_log(signed.checkpoint().origin());
        if own { Ok(signed) } else { Err("it is of another log".to_owned()) }
    }
}

fn in_bag(folder: &Folder, authority: &Authority, keys: &[VerifierKey], findings: &mut Findings) -> Vec<Checked> {
    let below = layout::rotations(&authority.log_origin());
    let mut found: Vec<(String, Checked)> = Vec::new();
    for path in folder.below(&below).take(LOG_ROTATIONS_MAX) {
        let Some(name) = path.strip_prefix(&below).filter(|name| !name.contains('/')) else { continue };
        findings.saw(path);
        let read = folder.read(path, 2 * RECEIPT_BYTES_MAX).map_err(|error| error.to_string());
        match read.and_then(|bytes| checked(bytes, name)) {
            Ok(one) => found.push((path.to_owned(), one)),
            Err(why) => findings.not_checked(ROTATED, Some(path), format!("{why}; it counts for nothing")),
        }
    }
    let all: Vec<Checked> = found.iter().map(|(_, one)| one.clone()).collect();
    let led: Vec<u64> = led(keys, &all).into_iter().map(|one| one.end).collect();
    for (path, one) in &found {
        if led.contains(&one.end) {
            findings.passed(ROTATED, Some(path));
        } else {
            findings.not_checked(ROTATED, Some(path), "no key of the directory leads to it; it counts for nothing");
        }
    }
    all
}

/// The roots that the old keys signed last, to be met while the tree is computed.
pub struct Ends<'a> {
    awaited: Vec<Awaited<'a>>,
    size: u64,
}

struct Awaited<'a> {
    rotation: &'a Checked,
    /// Whether a trusted key leads to it: then its root must be met. Any other is one of this log only if it is met.
    led: bool,
    met: bool,
}

impl<'a> Ends<'a> {
    /// Those of the log `origin` of `size` entries, of which `trusted` are keys.
    pub fn of(rotations: &'a [Checked], trusted: &[VerifierKey], origin: &str, size: u64) -> Self {
        let led = led(trusted, rotations);
        let is_led = |one: &Checked| one.old.name() == origin && led.contains(&one);
        let awaited = |rotation| Awaited { rotation, led: is_led(rotation), met: false };
        Self { awaited: rotations.iter().map(awaited).collect(), size }
    }

    /// Whether any is to be met.
    pub fn are_awaited(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// The tree has grown by one entry.
    pub fn pass(&mut self, edge: &Edge) {
        for one in self.awaited.iter_mut().filter(|one| one.rotation.end == edge.size()) {
            one.met = one.rotation.root == edge.root() && one.rotation.old.name() == one.rotation.new.name();
        }
    }

    /// What became of them.
    pub fn judge(&self, findings: &mut Findings) {
        let strangers = self.awaited.iter().filter(|one| !one.led && !one.met).count();
        if strangers > 0 {
            findings.limit(format!(
                "In the folder of rotations no trusted key leads to {strangers} of {}, and the log does not hold what they \
                 say; they count for nothing.",
                self.awaited.len()
            ));
        }
        let count = self.awaited.len() - strangers;
        if count == 0 {
            return;
        }
        let what = "Every former key of the log signed the beginning of this history";
        let judged = match self.awaited.iter().find(|one| one.led && !one.met) {
            Some(one) if one.rotation.end > self.size => {
                Err(format!("a rotation stands behind the end of the log of {} entries", self.size))
            }
            Some(one) => Err(format!("the key that ended with {} entries signed another history", one.rotation.end)),
            None => Ok(()),
        };
        if findings.judge(what, Some(DIR), judged).is_some() {
            let word = if count == 1 { "rotation" } else { "rotations" };
            findings.tell(format!("The log went on over {count} {word} of its key."));
        }
    }
}
