//! What this node holds of other logs: `<data>/witness/`, primary. Every file appears whole and durable, or not at all.
//! Evidence is only ever added. Checks no signature: what is put here was checked.
//!
//! ```text
//! witness/scanned                      entries of our own log that were searched for receipts
//!         <hex SHA-256 of origin>/
//!           origin                     the name of the log
//!           latest                     the newest checkpoint that continues all before it, with our cosignatures
//!           seen/<source>-<size>-<root>    signed by the log, not linked yet (talk, receipt, web)
//!           links/<old size>           a checkpoint, the proof, and the later one it leads to (JSON)
//!           evidence/<fault>-<old>-<new>-<digest>/   earlier, later (signed notes), proof, found-at, recorded
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::crypto::digest::sha256;
use crate::custody::checkpoint::SignedCheckpoint;
use crate::exchange::watch::{Evidence, Fault, Link};
use crate::model::base64;
use crate::model::limits::{
    EVIDENCE_PER_LOG_MAX, LINKS_PER_LOG_MAX, ORIGIN_BYTES_MAX, SEEN_IN_RECEIPTS_PER_LOG_MAX, SEEN_IN_TALK_PER_LOG_MAX,
    SEEN_OVER_THE_WEB_PER_LOG_MAX, WATCHED_NOTE_BYTES_MAX,
};
use crate::model::time::Timestamp;
use crate::store::files::{create_dir_durably, read_if_there, replace_durably, sync_dir};
use crate::store::witness_names::{both_names, names, says};

/// All foreign logs of one node.
#[derive(Debug)]
pub struct WitnessFiles {
    dir: PathBuf,
    logs: Mutex<BTreeMap<String, Arc<WatchedLog>>>,
}

impl WitnessFiles {
    /// Those below the data directory. Makes nothing.
    pub fn of(data: &Path) -> Self {
        Self { dir: data.join("witness"), logs: Mutex::default() }
    }

    /// What is held of one log. The caller names only logs of the directory, so their number is bounded.
    pub fn log(&self, origin: &str) -> Arc<WatchedLog> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(WatchedLog::of(&self.dir, origin));
        Arc::clone(logs.entry(origin.to_owned()).or_insert_with(fresh))
    }

    /// The names of all logs of which something is held.
    ///
    /// # Errors
    /// What the system said.
    pub fn origins(&self) -> io::Result<Vec<String>> {
        let mut origins = Vec::new();
        for name in names(&self.dir)? {
            if let Some(origin) = read_if_there(&self.dir.join(name).join("origin")).ok().flatten() {
                origins.push(String::from_utf8_lossy(&origin).trim_end().to_owned());
            }
        }
        origins.sort_unstable();
        Ok(origins)
    }

    /// How many entries of our own log were searched for receipts.
    ///
    /// # Errors
    /// What the system said.
    pub fn scanned(&self) -> io::Result<u64> {
        let text = read_if_there(&self.dir.join("scanned"))?;
        Ok(text.and_then(|text| String::from_utf8(text).ok()?.trim_end().parse().ok()).unwrap_or(0))
    }

    /// Says so, durably.
    ///
    /// # Errors
    /// What the system said.
    pub fn set_scanned(&self, entries: u64) -> io::Result<()> {
        create_dir_durably(&self.dir)?;
        replace_durably(&self.dir.join("scanned"), format!("{entries}\n").as_bytes())
    }
}

/// Where a checkpoint was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In a Hello, or at a third node.
    Talk,
    /// A receipt stands under it.
    Receipt,
    /// A stranger brought it. Attack: with old ones, which are public, strangers would crowd out those of peers.
    Web,
}

impl Source {
    /// Its word in names of files, and how many it may have of one log.
    const fn row(self) -> (&'static str, usize) {
        match self {
            Self::Talk => ("talk", SEEN_IN_TALK_PER_LOG_MAX),
            Self::Receipt => ("receipt", SEEN_IN_RECEIPTS_PER_LOG_MAX),
            Self::Web => ("web", SEEN_OVER_THE_WEB_PER_LOG_MAX),
        }
    }
}

/// What became of something that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is durable now.
    New,
    /// It was there.
    Known,
    /// There is no room for more of its kind; the first ones stay.
    Full,
}

/// What is held of one foreign log.
#[derive(Debug)]
pub struct WatchedLog {
    origin: String,
    dir: PathBuf,
    turn: Mutex<()>,
}

impl WatchedLog {
    fn of(dir: &Path, origin: &str) -> Self {
        let dir = dir.join(HEXLOWER.encode(&sha256(origin.as_bytes()).0));
        Self { origin: origin.to_owned(), dir, turn: Mutex::default() }
    }

    /// One at a time: whoever judges a checkpoint and then takes it holds this in between. Attack: two pushes that both
    /// were judged against the older checkpoint would both be cosigned.
    pub fn enter(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The newest checkpoint that was taken: a signed note.
    ///
    /// # Errors
    /// What the system said.
    pub fn latest(&self) -> io::Result<Option<Vec<u8>>> {
        read_if_there(&self.dir.join("latest"))
    }

    /// Takes another one in its place; durable when it returns.
    ///
    /// # Errors
    /// What the system said.
    pub fn take(&self, note: &[u8]) -> io::Result<()> {
        self.make(&self.dir)?;
        replace_durably(&self.dir.join("latest"), note)
    }

    /// Keeps a checkpoint until it is linked.
    ///
    /// # Errors
    /// What the system said.
    pub fn see(&self, source: Source, seen: &SignedCheckpoint) -> io::Result<Kept> {
        let dir = self.dir.join("seen");
        let (name, short) = seen_names(source, seen);
        let held = names(&dir)?;
        if held.contains(&name) || held.contains(&short) && says(&dir.join(&short), seen)? {
            return Ok(Kept::Known);
        }
        let (prefix, most) = source.row();
        let note = seen.to_bytes();
        let count = held.iter().filter(|name| name.starts_with(prefix)).count();
        if count >= most || note.len() > WATCHED_NOTE_BYTES_MAX {
            return Ok(Kept::Full);
        }
        self.make(&dir)?;
        replace_durably(&dir.join(name), &note)?;
        Ok(Kept::New)
    }

    /// What was seen and is not linked: where, and the signed note.
    ///
    /// # Errors
    /// What the system said.
    pub fn seen(&self) -> io::Result<Vec<(Source, Vec<u8>)>> {
        let dir = self.dir.join("seen");
        let mut found = Vec::new();
        for name in names(&dir)? {
            let source = [Source::Talk, Source::Receipt, Source::Web].into_iter().find(|source| {
                let rest = name.strip_prefix(source.row().0);
                rest.is_some_and(|rest| rest.starts_with('-') && !rest.ends_with(".tmp"))
            });
            if let (Some(source), Some(bytes)) = (source, read_if_there(&dir.join(name))?) {
                found.push((source, bytes));
            }
        }
        Ok(found)
    }

    /// Lets go of a checkpoint that needs no link any more.
    ///
    /// # Errors
    /// What the system said.
    pub fn forget(&self, source: Source, seen: &SignedCheckpoint) -> io::Result<()> {
        let dir = self.dir.join("seen");
        let (name, short) = seen_names(source, seen);
        let short = if says(&dir.join(&short), seen)? { Some(short) } else { None };
        for name in [Some(name), short].into_iter().flatten() {
            match fs::remove_file(dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps a link; a later one from the same checkpoint takes its place.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep_link(&self, link: &Link) -> io::Result<()> {
        let dir = self.dir.join("links");
        self.make(&dir)?;
        let stored = StoredLink {
            earlier: link.earlier().note().to_string(),
            hashes: link.hashes().iter().map(|hash| base64::encode(&hash.0)).collect(),
            later: link.later().note().to_string(),
        };
        let text = serde_json::to_vec(&stored).map_err(io::Error::other)?;
        replace_durably(&dir.join(link.earlier().checkpoint().size().to_string()), &text)?;
        match self.link_sizes()?.as_slice() {
            [oldest, rest @ ..] if rest.len() >= LINKS_PER_LOG_MAX => fs::remove_file(dir.join(oldest.to_string())),
            _ => Ok(()),
        }
    }

    /// The link from the checkpoint of that size.
    ///
    /// # Errors
    /// What the system said.
    pub fn link_from(&self, size: u64) -> io::Result<Option<StoredLink>> {
        let bytes = read_if_there(&self.dir.join("links").join(size.to_string()))?;
        // A damaged link is asked for again, or missed: it proves nothing that is not in a receipt.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// All links, by the size of the earlier checkpoint.
    ///
    /// # Errors
    /// What the system said.
    pub fn links(&self) -> io::Result<Vec<StoredLink>> {
        let mut found = Vec::new();
        for size in self.link_sizes()? {
            found.extend(self.link_from(size)?);
        }
        Ok(found)
    }

    /// How many links are kept.
    ///
    /// # Errors
    /// What the system said.
    pub fn link_count(&self) -> io::Result<usize> {
        Ok(self.link_sizes()?.len())
    }

    fn link_sizes(&self) -> io::Result<Vec<u64>> {
        let mut sizes: Vec<u64> = names(&self.dir.join("links"))?.iter().filter_map(|name| name.parse().ok()).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// Keeps evidence, and what is there for ever. Each kind has its room: suspicions leave that for the proof of a fork.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep_evidence(&self, evidence: &Evidence, now: Timestamp) -> io::Result<Kept> {
        let dir = self.dir.join("evidence");
        let (old, new) = (evidence.earlier().checkpoint(), evidence.later().checkpoint());
        let digest = sha256(format!("{old}{new}").as_bytes());
        let stem = format!("{}-{}-{}", evidence.fault().name(), old.size(), new.size());
        let (name, short) = both_names(&stem, &digest);
        let held = names(&dir)?;
        let is_short = held.contains(&short)
            && says(&dir.join(&short).join("earlier"), evidence.earlier())?
            && says(&dir.join(&short).join("later"), evidence.later())?;
        if held.contains(&name) || is_short {
            return Ok(Kept::Known);
        }
        let same = |name: &&String| name.starts_with(evidence.fault().name()) && !name.ends_with(".tmp");
        if held.iter().filter(same).count() >= EVIDENCE_PER_LOG_MAX {
            return Ok(Kept::Full);
        }
        self.make(&dir)?;
        let making = dir.join(format!("{name}.tmp"));
        if making.is_dir() {
            fs::remove_dir_all(&making)?;
        }
        create_dir_durably(&making)?;
        let proof: String = evidence.proof().iter().map(|hash| base64::encode(&hash.0) + "\n").collect();
        let [earlier, later] = [evidence.earlier(), evidence.later()].map(|signed| signed.note().to_string());
        for (name, text) in [("earlier", earlier), ("later", later), ("proof", proof), ("found-at", format!("{now}\n"))]
        {
            replace_durably(&making.join(name), text.as_bytes())?;
        }
        fs::rename(&making, dir.join(name))?;
        sync_dir(&dir)?;
        Ok(Kept::New)
    }

    /// All evidence against the log.
    ///
    /// # Errors
    /// What the system said.
    pub fn evidence(&self) -> io::Result<Vec<StoredEvidence>> {
        let dir = self.dir.join("evidence");
        let mut found = Vec::new();
        for name in names(&dir)? {
            let Some(fault) = name.split('-').next().and_then(Fault::from_name) else { continue };
            if name.ends_with(".tmp") {
                continue;
            }
            let path = dir.join(&name);
            let read = |file: &str| Ok::<_, io::Error>(read_if_there(&path.join(file))?.unwrap_or_default());
            found.push(StoredEvidence {
                fault,
                earlier: read("earlier")?,
                later: read("later")?,
                found_at: String::from_utf8_lossy(&read("found-at")?).trim_end().to_owned(),
                recorded: path.join("recorded").try_exists()?,
                path,
            });
        }
        Ok(found)
    }

    /// Says that a record of our own log names it.
    ///
    /// # Errors
    /// What the system said.
    pub fn mark_recorded(&self, evidence: &StoredEvidence) -> io::Result<()> {
        replace_durably(&evidence.path.join("recorded"), b"")
    }

    /// Makes a directory of the log, with its name beside it.
    fn make(&self, dir: &Path) -> io::Result<()> {
        create_dir_durably(dir)?;
        let name = self.dir.join("origin");
        if self.origin.len() <= ORIGIN_BYTES_MAX && !name.try_exists()? {
            replace_durably(&name, format!("{}\n", self.origin).as_bytes())?;
        }
        Ok(())
    }
}

/// A link as it is kept: whole signed notes, and hashes in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLink {
    /// The smaller checkpoint.
    pub earlier: String,
    /// RFC 6962 consistency hashes, base64.
    pub hashes: Vec<String>,
    /// The larger checkpoint.
    pub later: String,
}

/// Evidence as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvidence {
    /// What is wrong.
    pub fault: Fault,
    /// The smaller checkpoint, a signed note.
    pub earlier: Vec<u8>,
    /// The larger one.
    pub later: Vec<u8>,
    /// When it was found.
    pub found_at: String,
    /// Whether a record of our own log names it.
    pub recorded: bool,
    /// The folder in which it lies.
    pub path: PathBuf,
}

/// Where it is kept: by the name with the whole digest, or by the shorter one.
fn seen_names(source: Source, seen: &SignedCheckpoint) -> (String, String) {
    let said = seen.checkpoint();
    both_names(&format!("{}-{}", source.row().0, said.size()), &said.root())
}

#[cfg(test)]
mod tests;
