//! Whether each log in the bag shows one history: every checkpoint is opened with the log's key, and those of different sizes are
//! led to each other by consistency proofs. A link that does not hold is a failure; one that is not there is said to be missing.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::custody::Proven;
use crate::bag::folder::Folder;
use crate::bag::layout;
use crate::bag::link::Link;
use crate::bag::verdict::Findings;
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::exchange::receipt::log_keys;
use crate::exchange::roster::Roster;
use crate::model::authority::Authority;
use crate::model::ident::Digest;
use crate::model::limits::{LINK_BYTES_MAX, NOTE_BYTES_MAX};

/// A checkpoint that the right log signed, and where it stands.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The file.
    pub file: String,
    /// The note with every line.
    pub signed: SignedCheckpoint,
}

/// The checkpoints of a bag, and which of them are shown to be of one history.
#[derive(Debug, Default)]
pub struct History {
    /// Those that stand for themselves.
    pub seen: Vec<Seen>,
    /// By log and size, the smallest size of its group.
    groups: BTreeMap<(String, u64), u64>,
}

impl History {
    /// Whether the checkpoints of those sizes are shown to be of one history.
    pub fn linked(&self, origin: &str, one: u64, other: u64) -> bool {
        let group = |size| self.groups.get(&(origin.to_owned(), size));
        one == other || group(one).is_some_and(|found| group(other) == Some(found))
    }

    fn join(&mut self, origin: &str, one: u64, other: u64) {
        let group = |groups: &BTreeMap<(String, u64), u64>, size| {
            groups.get(&(origin.to_owned(), size)).copied().unwrap_or(size)
        };
        let (a, b) = (group(&self.groups, one), group(&self.groups, other));
        let (from, to) = (a.max(b), a.min(b));
        self.groups.entry((origin.to_owned(), one)).or_insert(a);
        self.groups.entry((origin.to_owned(), other)).or_insert(b);
        for ((log, _), found) in &mut self.groups {
            if log == origin && *found == from {
                *found = to;
            }
        }
    }
}

/// Opens every checkpoint of the bag, checks every link, and compares all with those that the records are proven under.
pub fn check(
    folder: &Folder,
    roster: Option<&Roster>,
    under: &[(String, Checkpoint)],
    proven: &[Proven],
    findings: &mut Findings,
) -> History {
    let mut history = History::default();
    for authority in roster.into_iter().flat_map(Roster::authorities) {
        for origin in authority.log_origins() {
            open(folder, authority, &origin, &mut history, findings);
        }
    }
    let mut all = under.to_vec();
    all.extend(history.seen.iter().map(|seen| (seen.file.clone(), seen.signed.checkpoint().clone())));
    for authority in roster.into_iter().flat_map(Roster::authorities) {
        for origin in authority.log_origins() {
            links(folder, &origin, &all, &mut history, findings);
        }
    }
    one_history(&all, proven, findings);
    unlinked(&all, &history, findings);
    history
}

fn open(folder: &Folder, authority: &Authority, origin: &str, history: &mut History, findings: &mut Findings) {
    let newest = layout::checkpoint(origin);
    let below = layout::checkpoints(origin);
    let named = |path: &&str| path.strip_prefix(&below).is_some_and(|name| layout::checkpoint_size(name).is_some());
    let paths = folder.below(&newest).filter(|path| *path == newest || named(path));
    let keys = log_keys(authority).map_err(|error| error.to_string());
    for path in paths {
        findings.saw(path);
        let read = folder.read(path, NOTE_BYTES_MAX).map_err(|error| error.to_string());
        let opened = keys.as_ref().map_err(Clone::clone).and_then(|keys| {
            let signed = SignedCheckpoint::open(&read?, keys).map_err(|error| error.to_string())?;
            let size = path.strip_prefix(&below).and_then(layout::checkpoint_size);
            let good =
                signed.checkpoint().origin() == origin && size.is_none_or(|size| size == signed.checkpoint().size());
            if good { Ok(signed) } else { Err("it stands under the name of another log or size".to_owned()) }
        });
        let what = if path == newest {
            format!("The newest checkpoint is signed by the log of {}", authority.id)
        } else {
            format!("The checkpoint is signed by the log of {}", authority.id)
        };
        if let Some(signed) = findings.judge(what, Some(path), opened) {
            history.seen.push(Seen { file: path.to_owned(), signed });
        }
    }
}

fn links(folder: &Folder, origin: &str, all: &[(String, Checkpoint)], history: &mut History, findings: &mut Findings) {
    let below = layout::checkpoints(origin);
    for path in folder.below(&below) {
        let Some(stem) = path.strip_suffix(".consistency") else { continue };
        let Some(size) = stem.strip_prefix(&below).and_then(layout::checkpoint_size) else { continue };
        findings.saw(path);
        let what = format!("The log {origin} of {size} entries is the beginning of its later checkpoint");
        let read = folder.read(path, LINK_BYTES_MAX).map_err(|error| error.to_string());
        let link = match read.and_then(|bytes| Link::parse(&bytes).map_err(|error| error.to_string())) {
            Ok(link) => link,
            Err(why) => {
                findings.failed(what, Some(path), why);
                continue;
            }
        };
        let old = history.seen.iter().find(|seen| seen.file == stem).map(|seen| seen.signed.checkpoint().clone());
        let mut later = all.iter().filter(|(_, said)| said.origin() == origin && said.size() == link.new).peekable();
        match (old, later.peek().is_some()) {
            (Some(old), true) => {
                let result = later.try_for_each(|(_, new)| link.check(&old, new));
                if findings.judge(what, Some(path), result).is_some() {
                    history.join(origin, link.old, link.new);
                }
            }
            (None, _) => findings.failed(what, Some(path), "the checkpoint that it begins with is not in the bag"),
            (_, false) => findings.failed(what, Some(path), "the later checkpoint is not in the bag"),
        }
    }
}

/// A log that signs two roots for one size, or two records for one place, shows two histories.
pub fn one_history(checkpoints: &[(String, Checkpoint)], proven: &[Proven], findings: &mut Findings) {
    let mut roots: BTreeMap<(&str, u64), Digest> = BTreeMap::new();
    let mut good = true;
    for (file, checkpoint) in checkpoints {
        let root = *roots.entry((checkpoint.origin(), checkpoint.size())).or_insert(checkpoint.root());
        if root != checkpoint.root() {
            good = false;
            findings.failed(
                "The log shows one history",
                Some(file),
                "it signed two different roots for one size; keep the bag and ask both authorities",
            );
        }
    }
    let mut leaves: BTreeMap<(&str, u64), Digest> = BTreeMap::new();
    for one in proven {
        if *leaves.entry((one.checkpoint.origin(), one.index)).or_insert(one.leaf) != one.leaf {
            good = false;
            findings.failed("The log shows one history", None, "two different records are proven for one place in it");
        }
    }
    if good && !checkpoints.is_empty() {
        findings.passed("No log in the bag shows two histories", None);
    }
}

fn unlinked(all: &[(String, Checkpoint)], history: &History, findings: &mut Findings) {
    let mut sizes: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for (_, checkpoint) in all {
        sizes.entry(checkpoint.origin()).or_default().insert(checkpoint.size());
    }
    for (origin, sizes) in sizes.iter().filter(|(_, sizes)| sizes.len() > 1) {
        let Some(largest) = sizes.last() else { continue };
        let open: Vec<String> =
            sizes.iter().filter(|size| !history.linked(origin, **size, *largest)).map(u64::to_string).collect();
        if open.is_empty() {
            findings.tell(format!(
                "The custody log {origin} is one history in this bag: its {} checkpoints, of up to {largest} entries, are \
                 each shown to be the beginning of the next.",
                sizes.len()
            ));
        } else {
            findings.limit(format!(
                "The bag holds checkpoints of {origin} at {} sizes, each correctly signed; that the log of {} entries is the \
                 beginning of the one of {largest} can be checked at the log itself, not here.",
                sizes.len(),
                open.join(", ")
            ));
        }
    }
}
