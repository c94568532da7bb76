//! The evidence of every rotation of a log's keys, beside its tiles: written once, never replaced. Passes over what does
//! not prove what it says.

use std::io;
use std::path::Path;

use crate::custody::history::{LogKeys, Retired};
use crate::custody::note::VerifierKey;
use crate::exchange::rotation::{Checked, Rotation};
use crate::model::limits::LOG_ROTATIONS_MAX;
use crate::store::files::{create_dir_durably, replace_durably};
use crate::store::restarts;

const DIR: &str = "rotations";

/// Writes one, durably: `custody/rotations/<size of the old key's last checkpoint>`.
pub fn keep(custody_dir: &Path, rotation: &Checked) -> io::Result<()> {
    let dir = custody_dir.join(DIR);
    create_dir_durably(&dir)?;
    replace_durably(&dir.join(rotation.end.to_string()), rotation.rotation.to_text().as_bytes())
}

/// Those that hold, the newest first.
pub fn all(custody_dir: &Path) -> io::Result<Vec<Checked>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(custody_dir.join(DIR)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries.take(LOG_ROTATIONS_MAX) {
        let path = entry?.path();
        if path.extension().is_some() {
            continue;
        }
        match Rotation::read(&std::fs::read_to_string(&path)?) {
            Ok(checked) => found.push(checked),
            Err(error) => tracing::warn!(%error, "a file of custody/rotations proves nothing; passed over"),
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.end));
    Ok(found)
}

/// The keys of the log whose current key is `current`: back from it over rotations and new beginnings.
pub fn keys(custody_dir: &Path, current: &VerifierKey) -> io::Result<LogKeys> {
    let rotated = all(custody_dir)?.into_iter().map(|one| (one.old, one.new, one.end));
    let begun = restarts::all(custody_dir)?;
    let begun = begun.into_iter().filter_map(|one| Some((one.old.first()?.clone(), one.new.first()?.clone(), one.size)));
    let steps: Vec<_> = rotated.chain(begun).collect();
    let mut keys = LogKeys::new(current.clone());
    let mut newest = current.clone();
    let mut used = vec![];
    while let Some((at, (old, _, end))) =
        steps.iter().enumerate().find(|(at, (_, new, _))| *new == newest && !used.contains(at))
    {
        keys = keys.after(Retired { key: old.clone(), end: *end });
        newest = old.clone();
        used.push(at);
    }
    Ok(keys)
}

/// Every key that signed before, of either algorithm, the newest first.
pub fn former_keys(custody_dir: &Path) -> io::Result<Vec<VerifierKey>> {
    let begun = restarts::all(custody_dir)?.into_iter().map(|one| (one.size, one.old));
    let mut ended: Vec<_> = all(custody_dir)?.into_iter().map(|one| (one.end, one.rotation.old)).chain(begun).collect();
    ended.sort_by_key(|(end, _)| std::cmp::Reverse(*end));
    Ok(ended.into_iter().flat_map(|(_, keys)| keys).collect())
}
