//! Floor 5, one wing: the bag that leaves the node and the offline verifier that reads it.

pub mod acts;
pub mod assembly;
pub mod container;
pub mod custody;
pub mod dossier;
pub mod folder;
pub mod layout;
pub mod listing;
pub mod log;
pub mod notes;
pub mod single;
pub mod story;
pub mod trust;
pub mod verdict;
pub mod verify;
pub mod writer;
