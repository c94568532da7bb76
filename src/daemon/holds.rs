//! What an operator stopped for now: single peers, or the whole node. Kept in a file, so that no restart forgets it; nothing is
//! lost by it, everything waits.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::daemon::home::Home;
use crate::exchange::hold;
use crate::model::event::Event;
use crate::model::ident::AuthorityId;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::store::files::{read_if_there, replace_durably};

/// Why something stands still, since when, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// The officer.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `<data>/holds.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    #[serde(default)]
    frozen: Option<Hold>,
    #[serde(default)]
    suspended: BTreeMap<AuthorityId, Hold>,
}

/// The holds of one node.
#[derive(Debug)]
pub struct Holds {
    path: PathBuf,
    held: Mutex<Held>,
}

impl Holds {
    /// Reads the file; none means that nothing is held.
    ///
    /// # Errors
    /// [`HoldsError`]: a node that cannot know what was stopped does not start.
    pub fn read(home: &Home) -> Result<Self, HoldsError> {
        let path = home.holds();
        let fault = |source: io::Error| HoldsError { path: path.clone(), source };
        let held = match read_if_there(&path).map_err(fault)? {
            None => Held::default(),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| fault(error.into()))?,
        };
        Ok(Self { path, held: Mutex::new(held) })
    }

    /// Why the node is frozen, if it is.
    pub fn frozen(&self) -> Option<Hold> {
        self.held().frozen.clone()
    }

    /// The peers that are suspended.
    pub fn suspended(&self) -> BTreeMap<AuthorityId, Hold> {
        self.held().suspended.clone()
    }

    /// What that peer is to be told instead of an answer.
    pub fn refuses(&self, peer: &AuthorityId) -> Option<RefusalCode> {
        let held = self.held();
        if held.suspended.contains_key(peer) {
            return Some(RefusalCode::Suspended);
        }
        held.frozen.as_ref().map(|_| RefusalCode::Frozen)
    }

    /// Whether a record of that event may not be made now.
    pub fn stops(&self, event: Event) -> bool {
        use Event::{
            ActRefused, DestructionRequested, ErasureRequested, InputRefused, MessageRead, PackageDestroyed,
            RecordErased,
        };
        let of_the_node_itself = match event {
            MessageRead | ActRefused | InputRefused => true,
            ErasureRequested | RecordErased | DestructionRequested | PackageDestroyed => false,
            other => hold::hold(other) == hold::Hold::Kept,
        };
        !of_the_node_itself && self.held().frozen.is_some()
    }

    /// Freezes the node, or thaws it (`None`). Durable when it returns.
    ///
    /// # Errors
    /// [`HoldsError`]; all stays as it was.
    pub fn freeze(&self, hold: Option<Hold>) -> Result<(), HoldsError> {
        self.change(|held| held.frozen = hold)
    }

    /// Suspends a peer, or resumes it (`None`). Durable when it returns.
    ///
    /// # Errors
    /// [`HoldsError`]; all stays as it was.
    pub fn suspend(&self, peer: &AuthorityId, hold: Option<Hold>) -> Result<(), HoldsError> {
        self.change(|held| match hold {
            Some(hold) => drop(held.suspended.insert(peer.clone(), hold)),
            None => drop(held.suspended.remove(peer)),
        })
    }

    fn change(&self, change: impl FnOnce(&mut Held)) -> Result<(), HoldsError> {
        let mut held = self.held();
        let mut new = held.clone();
        change(&mut new);
        let bytes = serde_json::to_vec_pretty(&new).map_err(io::Error::from);
        bytes
            .and_then(|bytes| replace_durably(&self.path, &bytes))
            .map_err(|source| HoldsError { path: self.path.clone(), source })?;
        *held = new;
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of holds cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}; it says which peers are suspended and whether the node is frozen: mend it or remove it", path.display())]
pub struct HoldsError {
    path: PathBuf,
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_outlive_a_restart_and_a_damaged_file_lets_nobody_start() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let holds = Holds::read(&home).unwrap();
        let [xb, xc]: [AuthorityId; 2] = ["XB-MOJ", "XC-MOJ"].map(|id| id.parse().unwrap());
        let hold =
            Hold { since: Timestamp::from_millis(1), by: "Ana".to_owned(), reason: "a key was stolen".to_owned() };
        holds.suspend(&xb, Some(hold.clone())).unwrap();
        let again = Holds::read(&home).unwrap();
        assert_eq!((again.refuses(&xb), again.refuses(&xc)), (Some(RefusalCode::Suspended), None));
        assert!(!again.stops(Event::MessageQueued));
        again.freeze(Some(hold)).unwrap();
        let again = Holds::read(&home).unwrap();
        assert_eq!(again.refuses(&xc), Some(RefusalCode::Frozen));
        assert!(
            again.stops(Event::MessageQueued) && again.stops(Event::PackageOpened) && !again.stops(Event::MessageRead)
        );
        again.freeze(None).unwrap();
        again.suspend(&xb, None).unwrap();
        let again = Holds::read(&home).unwrap();
        assert_eq!((again.refuses(&xb), again.frozen()), (None, None));
        std::fs::write(home.holds(), b"{").unwrap();
        assert!(Holds::read(&home).is_err());
    }
}
