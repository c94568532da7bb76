//! The evidence of every rotation of a log's keys, beside its tiles: written once, never replaced. Passes over what does
//! not prove what it says.

use std::io::{self, Read as _};
use std::path::Path;

use crate::custody::history::{LogKeys, Retired};
use crate::custody::note::VerifierKey;
use crate::exchange::rotation::{Checked, Rotation};
use crate::model::limits::{LOG_ROTATIONS_MAX, RECEIPT_BYTES_MAX};
use crate::store::files::{create_dir_durably, replace_durably};
use crate::store::restarts;

const DIR: &str = "rotations";

/// Writes one, durably: `custody/rotations/<size of the old key's last checkpoint>`.
pub fn keep(custody_dir: &Path, rotation: &Checked) -> io::Result<()> {
    let dir = custody_dir.join(DIR);
    create_dir_durably(&dir)?;
    replace_durably(&dir.join(rotation.end.to_string()), rotation.rotation.to_text().as_bytes())
}

/// The files as they lie there, by name.
pub fn files(custody_dir: &Path) -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(custody_dir.join(DIR)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        // A temporary file of a crash.
        if path.extension().is_some() {
            continue;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // What is no text, or too long, proves nothing.
        let mut bytes = Vec::new();
        std::fs::File::open(&path)?.take(2 * RECEIPT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        found.push((name, String::from_utf8(bytes).unwrap_or_default()));
        if found.len() == LOG_ROTATIONS_MAX {
            break;
        }
    }
    Ok(found)
}

/// Those that hold, the newest first.
pub fn all(custody_dir: &Path) -> io::Result<Vec<Checked>> {
    let mut found = Vec::new();
    for (_, text) in files(custody_dir)? {
        match Rotation::read(&text) {
            Ok(checked) => found.push(checked),
            Err(error) => tracing::warn!(%error, "a file of custody/rotations proves nothing; passed over"),
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.end));
    Ok(found)
}

/// The keys of the log whose current key is `current`: back from it over rotations and new beginnings.
pub fn keys(custody_dir: &Path, current: &VerifierKey) -> io::Result<LogKeys> {
    let retired = steps(custody_dir, current)?;
    let retired =
        retired.into_iter().filter_map(|step| Some(Retired { key: step.old.into_iter().next()?, end: step.end }));
    Ok(retired.fold(LogKeys::new(current.clone()), LogKeys::after))
}

/// Every key that signed before `current`, of either algorithm, the newest first. Not those of a file that somebody put there
/// and that does not lead to it.
pub fn former_keys(custody_dir: &Path, current: &VerifierKey) -> io::Result<Vec<VerifierKey>> {
    Ok(steps(custody_dir, current)?.into_iter().flat_map(|step| step.old).collect())
}

/// How the log went over from one key to the next.
struct Step {
    old: Vec<VerifierKey>,
    new: Option<VerifierKey>,
    end: u64,
}

/// Back from the current key over rotations and new beginnings, as far as they lead; each ends no later than the one behind it.
fn steps(custody_dir: &Path, current: &VerifierKey) -> io::Result<Vec<Step>> {
    let rotated = all(custody_dir)?;
    let rotated = rotated.into_iter().map(|one| Step { old: one.rotation.old, new: Some(one.new), end: one.end });
    let begun = restarts::all(custody_dir)?;
    let begun = begun.into_iter().map(|one| Step { new: one.new.first().cloned(), old: one.old, end: one.size });
    let mut left: Vec<Step> = rotated.chain(begun).collect();
    let (mut found, mut newest, mut before) = (Vec::new(), Some(current.clone()), u64::MAX);
    while let Some(at) = left.iter().position(|step| newest.is_some() && step.new == newest && step.end <= before) {
        let step = left.swap_remove(at);
        (newest, before) = (step.old.first().cloned(), step.end);
        found.push(step);
    }
    Ok(found)
}
