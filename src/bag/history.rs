//! Whether each log in the bag shows one history: every checkpoint is opened with the log's key, and those of different sizes are
//! led to each other by consistency proofs. A link that does not hold is a failure; one that is not there is said to be missing.

use std::collections::{BTreeMap, BTreeSet};

use crate::bag::custody::Proven;
use crate::bag::folder::Folder;
use crate::bag::layout;
use crate::bag::link::Link;
use crate::bag::rotations::Logs;
use crate::bag::verdict::Findings;
use crate::custody::checkpoint::{Checkpoint, SignedCheckpoint};
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

/// The checkpoints of a bag, and which of them are shown to be of one history. Each question is one look-up, however many
/// checkpoints there are: a bag of thousands is a hostile bag or an old case, and both must be judged.
#[derive(Debug, Default)]
pub struct History {
    /// Those that stand for themselves.
    pub seen: Vec<Seen>,
    /// By log and size the one root that checkpoints standing for themselves have; `None` where they have two.
    roots: BTreeMap<String, BTreeMap<u64, Option<Digest>>>,
    /// By log and size, a size not larger of the same history: itself for the smallest.
    groups: BTreeMap<String, BTreeMap<u64, u64>>,
}

impl History {
    /// Of those sizes that are shown to be of one history with this one, the smallest; itself if there is none.
    pub fn group(&self, origin: &str, size: u64) -> u64 {
        self.groups.get(origin).and_then(|groups| groups.get(&size)).copied().unwrap_or(size)
    }

    /// Whether the checkpoints of those sizes are shown to be of one history.
    pub fn linked(&self, origin: &str, one: u64, other: u64) -> bool {
        self.group(origin, one) == self.group(origin, other)
    }

    /// Whether checkpoints that stand for themselves are here at the size of that one, and all have its root.
    pub fn holds(&self, said: &Checkpoint) -> bool {
        let root = self.roots.get(said.origin()).and_then(|roots| roots.get(&said.size()));
        root.is_some_and(|root| *root == Some(said.root()))
    }

    fn add(&mut self, seen: Seen) {
        let said = seen.signed.checkpoint();
        let roots = self.roots.entry(said.origin().to_owned()).or_default();
        let root = roots.entry(said.size()).or_insert(Some(said.root()));
        if *root != Some(said.root()) {
            *root = None;
        }
        self.seen.push(seen);
    }

    fn join(&mut self, origin: &str, one: u64, other: u64) {
        if !self.groups.contains_key(origin) {
            self.groups.insert(origin.to_owned(), BTreeMap::new());
        }
        let Some(groups) = self.groups.get_mut(origin) else { return };
        let (a, b) = (smallest(groups, one), smallest(groups, other));
        groups.insert(a.max(b), a.min(b));
    }

    /// Checkpoints of which each is shown to be the beginning of the next.
    #[cfg(test)]
    pub(super) fn linking(notes: Vec<SignedCheckpoint>) -> Self {
        let mut history = Self::default();
        let mut before: Option<u64> = None;
        for signed in notes {
            let (origin, size) = (signed.checkpoint().origin().to_owned(), signed.checkpoint().size());
            history.add(Seen { file: size.to_string(), signed });
            if let Some(before) = before.replace(size) {
                history.join(&origin, before, size);
            }
        }
        history.settle();
        history
    }

    /// Every size leads to the smallest of its group at once. Whatever a size leads to is not larger, and so is done first.
    fn settle(&mut self) {
        for groups in self.groups.values_mut() {
            let sizes: Vec<u64> = groups.keys().copied().collect();
            for size in sizes {
                let before = groups.get(&size).copied().unwrap_or(size);
                let first = groups.get(&before).copied().unwrap_or(before);
                groups.insert(size, first);
            }
        }
    }
}

/// Where the sizes lead; each that is passed is led half the way there, so that long ways are walked once.
fn smallest(groups: &mut BTreeMap<u64, u64>, size: u64) -> u64 {
    let mut at = size;
    loop {
        let next = *groups.entry(at).or_insert(at);
        let behind = groups.get(&next).copied().unwrap_or(next);
        if behind == next {
            return next;
        }
        groups.insert(at, behind);
        at = behind;
    }
}

/// Opens every checkpoint of the bag, checks every link, and compares all with those that the records are proven under.
pub fn check(
    folder: &Folder,
    (roster, logs): (Option<&Roster>, &Logs),
    under: &[(String, Checkpoint)],
    proven: &[Proven],
    findings: &mut Findings,
) -> History {
    let mut history = History::default();
    for authority in roster.into_iter().flat_map(Roster::authorities) {
        for origin in authority.log_origins() {
            open(folder, (authority, &origin), logs, &mut history, findings);
        }
    }
    let mut all = under.to_vec();
    all.extend(history.seen.iter().map(|seen| (seen.file.clone(), seen.signed.checkpoint().clone())));
    let later = by_size(&all);
    for authority in roster.into_iter().flat_map(Roster::authorities) {
        for origin in authority.log_origins() {
            links(folder, &origin, &later, &mut history, findings);
        }
    }
    history.settle();
    one_history(&all, proven, findings);
    unlinked(&all, &history, findings);
    history
}

fn open(
    folder: &Folder,
    (authority, origin): (&Authority, &str),
    logs: &Logs,
    history: &mut History,
    findings: &mut Findings,
) {
    let newest = layout::checkpoint(origin);
    let below = layout::checkpoints(origin);
    let named = |path: &&str| path.strip_prefix(&below).is_some_and(|name| layout::checkpoint_size(name).is_some());
    let paths = folder.below(&newest).filter(|path| *path == newest || named(path));
    for path in paths {
        findings.saw(path);
        let read = folder.read(path, NOTE_BYTES_MAX).map_err(|error| error.to_string());
        let opened = read.and_then(|note| {
            let signed = logs.open(&authority.id, &note)?;
            let size = path.strip_prefix(&below).and_then(layout::checkpoint_size);
            let good = size.is_none_or(|size| size == signed.checkpoint().size());
            if good { Ok(signed) } else { Err("it stands under the name of another size".to_owned()) }
        });
        let what = if path == newest {
            format!("The newest checkpoint is signed by the log of {}", authority.id)
        } else {
            format!("The checkpoint is signed by the log of {}", authority.id)
        };
        if let Some(signed) = findings.judge(what, Some(path), opened) {
            history.add(Seen { file: path.to_owned(), signed });
        }
    }
}

/// The checkpoints that a link may lead to: of each size every root once.
type BySize<'a> = BTreeMap<(&'a str, u64), BTreeMap<Digest, &'a Checkpoint>>;

fn by_size(all: &[(String, Checkpoint)]) -> BySize<'_> {
    let mut found = BySize::new();
    for (_, said) in all {
        found.entry((said.origin(), said.size())).or_default().insert(said.root(), said);
    }
    found
}

fn links(folder: &Folder, origin: &str, all: &BySize<'_>, history: &mut History, findings: &mut Findings) {
    let below = layout::checkpoints(origin);
    let own = history.seen.iter().filter(|seen| seen.signed.checkpoint().origin() == origin);
    let earlier: BTreeMap<String, Checkpoint> =
        own.map(|seen| (seen.file.clone(), seen.signed.checkpoint().clone())).collect();
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
        match (earlier.get(stem), all.get(&(origin, link.new))) {
            (Some(old), Some(later)) => {
                let result = later.values().try_for_each(|new| link.check(old, new));
                if findings.judge(what, Some(path), result).is_some() {
                    history.join(origin, link.old, link.new);
                }
            }
            (None, _) => findings.failed(what, Some(path), "the checkpoint that it begins with is not in the bag"),
            (_, None) => findings.failed(what, Some(path), "the later checkpoint is not in the bag"),
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

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "xa-moj.rogatory/custody";

    fn joined(pairs: impl Iterator<Item = (u64, u64)>) -> History {
        let mut history = History::default();
        pairs.for_each(|(old, new)| history.join(LOG, old, new));
        history.settle();
        history
    }

    #[test]
    fn what_is_joined_in_any_order_is_one_history_and_nothing_else_is() {
        for pairs in [vec![(3, 7), (7, 9), (20, 30)], vec![(7, 9), (20, 30), (3, 7)], vec![(20, 30), (3, 9), (7, 9)]] {
            let history = joined(pairs.iter().copied());
            for (one, other, expected) in
                [(3, 9, true), (9, 7, true), (20, 30, true), (9, 20, false), (5, 5, true), (5, 6, false)]
            {
                assert_eq!(history.linked(LOG, one, other), expected, "{pairs:?}: {one} {other}");
            }
            assert!(!history.linked("another", 3, 9));
        }
    }

    /// Each size leads straight to the first: that is all a look-up costs. Made in every order without a look at all others;
    /// at this size that would take longer than anybody waits.
    #[test]
    fn twenty_thousand_checkpoints_are_joined_and_each_leads_to_the_first_at_once() {
        let sizes = 1..20_000_u64;
        let orders: [Box<dyn Iterator<Item = (u64, u64)>>; 3] = [
            Box::new(sizes.clone().map(|size| (size, size + 1))),
            Box::new(sizes.clone().rev().map(|size| (size, size + 1))),
            Box::new(sizes.clone().map(|size| (size, 20_000))),
        ];
        for pairs in orders {
            let history = joined(pairs);
            assert!(history.groups[LOG].values().all(|first| *first == 1));
            assert_eq!(history.groups[LOG].len(), 20_000);
        }
    }
}
