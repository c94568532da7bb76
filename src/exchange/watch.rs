//! Watching a log: which of its checkpoints to have linked, what an answer means, and what is evidence against it. Accuses
//! nobody of what an honest log with restarts, late messages and lost answers can show.
//!
//! ```text
//!  held ──────────── the newest checkpoint that is proven to continue all before it; what this node cosigned
//!  seen ── s1 s2 ─── signed by the log, in a Hello, a receipt, or at a third node; not proven yet
//!
//!  for each seen one     same size: the roots must be the same               else: a fork, by its own two signatures
//!                        another size: the log is asked to prove smaller -> larger
//!                                      proof holds                           linked
//!                                      proof fails                           evidence: unproven
//!                                      "I have no such size"                 evidence: shrunk (it signed that size)
//!                                      anything else, or nothing             open: asked again later
//! ```
//!
//! A checkpoint that is smaller than what is held accuses nobody by itself: an older Hello may overtake a newer one. Only
//! the log's own answer does, and an honest log can always answer: it signs no size that is not durable.

use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::tree::verify_consistency;
use crate::model::ident::Digest;
use crate::model::refusal::RefusalCode;

/// What two checkpoints of one log are to each other, before anything is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It says nothing that is not known.
    Known,
    /// It must be linked with what is held.
    Unlinked,
    /// The two contradict each other, whatever the log may say.
    Fork(Box<Evidence>),
}

/// Compares a checkpoint that was seen with one that is held of the same log; both signatures were checked. Checkpoints
/// of two logs have nothing to say to each other.
pub fn compare(held: &SignedCheckpoint, seen: &SignedCheckpoint) -> Seen {
    let (old, new) = (held.checkpoint(), seen.checkpoint());
    if old.origin() != new.origin() || new.size() == 0 {
        return Seen::Known;
    }
    match (old.size() == new.size(), old.root() == new.root()) {
        (true, true) => Seen::Known,
        (true, false) => Seen::Fork(Box::new(Evidence::of(Fault::Fork, held, seen))),
        (false, _) => Seen::Unlinked,
    }
}

/// Whether watching of a log begins with the next checkpoint that is seen. Attack: everything is consistent with an empty
/// log; one that first had its empty tree cosigned would never be asked about anything again.
pub fn is_new(held: Option<&SignedCheckpoint>) -> bool {
    held.is_none_or(|held| held.checkpoint().size() == 0)
}

/// A question to the owner of a log: is the one the beginning of the other?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    earlier: SignedCheckpoint,
    later: SignedCheckpoint,
}

impl Question {
    /// The question about two checkpoints of different sizes; `None` where there is nothing to ask.
    pub fn about(one: &SignedCheckpoint, other: &SignedCheckpoint) -> Option<Self> {
        if compare(one, other) != Seen::Unlinked {
            return None;
        }
        let (earlier, later) = in_order(one, other);
        (earlier.checkpoint().size() > 0).then(|| Self { earlier: earlier.clone(), later: later.clone() })
    }

    /// The smaller size.
    pub fn old_size(&self) -> u64 {
        self.earlier.checkpoint().size()
    }

    /// The larger size.
    pub fn new_size(&self) -> u64 {
        self.later.checkpoint().size()
    }

    /// What the answer of the log's owner means.
    pub fn answered(self, answer: Answer) -> Finding {
        let Self { earlier, later } = self;
        match answer {
            Answer::Proof(hashes) => {
                let (old, new) = (earlier.checkpoint(), later.checkpoint());
                match verify_consistency(old.size(), &old.root(), new.size(), &new.root(), &hashes) {
                    Ok(()) => Finding::Linked(Link { earlier, later, hashes }),
                    Err(_) => Finding::Evidence(Evidence { fault: Fault::Unproven, earlier, later, proof: hashes }),
                }
            }
            Answer::Refused(RefusalCode::BadRange) => {
                Finding::Evidence(Evidence { fault: Fault::Shrunk, earlier, later, proof: Vec::new() })
            }
            Answer::Refused(_) | Answer::None => Finding::Open,
        }
    }
}

/// What the owner of a log answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Hashes, to be checked.
    Proof(Vec<Digest>),
    /// A code. `bad-range` says: my log has no such size.
    Refused(RefusalCode),
    /// Nothing that can be understood; or the link broke.
    None,
}

/// What an answer has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The one is the beginning of the other.
    Linked(Link),
    /// Something speaks against the log.
    Evidence(Evidence),
    /// Nothing yet; ask again later.
    Open,
}

/// Two checkpoints and the proof that the one is the beginning of the other. Only a check makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    earlier: SignedCheckpoint,
    later: SignedCheckpoint,
    hashes: Vec<Digest>,
}

impl Link {
    /// Checks a proof.
    ///
    /// # Errors
    /// [`Fault::Unproven`] as evidence with both checkpoints and the proof.
    pub fn check(
        earlier: &SignedCheckpoint,
        later: &SignedCheckpoint,
        hashes: Vec<Digest>,
    ) -> Result<Self, Box<Evidence>> {
        let (old, new) = (earlier.checkpoint(), later.checkpoint());
        let (earlier, later) = (earlier.clone(), later.clone());
        let same_log = old.origin() == new.origin();
        match verify_consistency(old.size(), &old.root(), new.size(), &new.root(), &hashes) {
            Ok(()) if same_log => Ok(Self { earlier, later, hashes }),
            _ => Err(Box::new(Evidence { fault: Fault::Unproven, earlier, later, proof: hashes })),
        }
    }

    /// The smaller checkpoint.
    pub fn earlier(&self) -> &SignedCheckpoint {
        &self.earlier
    }

    /// The larger checkpoint.
    pub fn later(&self) -> &SignedCheckpoint {
        &self.later
    }

    /// The proof.
    pub fn hashes(&self) -> &[Digest] {
        &self.hashes
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Two roots for one size, both signed: that alone proves it to anybody.
    Fork,
    /// The log gave a proof between two checkpoints that it signed, and the proof does not hold.
    Unproven,
    /// The log says that it has no such size, and signed that size.
    Shrunk,
}

impl Fault {
    /// The word in records and in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Unproven => "unproven",
            Self::Shrunk => "shrunk",
        }
    }

    /// The fault of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Fork, Self::Unproven, Self::Shrunk].into_iter().find(|fault| fault.name() == name)
    }
}

/// What speaks against a log: two checkpoints that it signed, and what it said about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    fault: Fault,
    earlier: SignedCheckpoint,
    later: SignedCheckpoint,
    proof: Vec<Digest>,
}

impl Evidence {
    /// Evidence of that kind, from two checkpoints in any order.
    pub fn of(fault: Fault, one: &SignedCheckpoint, other: &SignedCheckpoint) -> Self {
        let (earlier, later) = in_order(one, other);
        Self { fault, earlier: earlier.clone(), later: later.clone(), proof: Vec::new() }
    }

    /// Which kind.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The smaller checkpoint.
    pub fn earlier(&self) -> &SignedCheckpoint {
        &self.earlier
    }

    /// The larger one; for a fork the other one.
    pub fn later(&self) -> &SignedCheckpoint {
        &self.later
    }

    /// The proof that does not hold, if the log gave one.
    pub fn proof(&self) -> &[Digest] {
        &self.proof
    }

    /// What it shows to somebody who trusts nobody and knows the log's keys, with which both checkpoints were opened.
    pub fn weight(&self) -> Weight {
        let (old, new) = (self.earlier.checkpoint(), self.later.checkpoint());
        if old.origin() != new.origin() {
            return Weight::Nothing;
        }
        let forked = old.size() == new.size() && old.root() != new.root();
        let holds = verify_consistency(old.size(), &old.root(), new.size(), &new.root(), &self.proof).is_ok();
        match self.fault {
            _ if forked => Weight::Proof,
            Fault::Fork => Weight::Nothing,
            Fault::Unproven if holds => Weight::Nothing,
            Fault::Unproven | Fault::Shrunk => Weight::Suspicion,
        }
    }
}

/// How much a piece of evidence shows by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The log contradicts itself; no proof can ever join the two.
    Proof,
    /// This node was not given a proof; the log's owner can still refute it by showing one.
    Suspicion,
    /// Nothing: the two checkpoints go together.
    Nothing,
}

/// What a checkpoint of our own log, as somebody else holds it, says about our log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirror {
    /// It is a beginning of our log.
    Prefix,
    /// We signed more than we have: this node was put back to an older state.
    Shrunk,
    /// We signed another beginning than we have: it was put back, and has gone on since.
    Forked,
}

/// Holds a checkpoint of our own log (its signature was checked) against our log of `size` entries; `root_at` gives the
/// root of its first entries.
pub fn mirror(theirs: &SignedCheckpoint, size: u64, root_at: impl FnOnce(u64) -> Option<Digest>) -> Option<Mirror> {
    let said = theirs.checkpoint();
    if said.size() > size {
        return Some(Mirror::Shrunk);
    }
    let root = root_at(said.size())?;
    Some(if root == said.root() { Mirror::Prefix } else { Mirror::Forked })
}

fn in_order<'a>(
    one: &'a SignedCheckpoint,
    other: &'a SignedCheckpoint,
) -> (&'a SignedCheckpoint, &'a SignedCheckpoint) {
    if one.checkpoint().size() <= other.checkpoint().size() { (one, other) } else { (other, one) }
}

#[cfg(test)]
mod tests;
