//! What a condition says besides its text: how it is to be kept, where it came from. Refuses an unknown word.

use serde::{Deserialize, Serialize};

use crate::model::ident::{AuthorityId, Id};

/// How a condition is kept inside the system, strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// The node does not do the act.
    Hard,
    /// The act needs a second person, or what the other State signed.
    Gate,
    /// A duty with a date.
    Clock,
    /// A statement; the act happens outside the node.
    Record,
}

impl Enforcement {
    /// Every way, strictest first.
    pub const ALL: [Self; 4] = [Self::Hard, Self::Gate, Self::Clock, Self::Record];

    /// The word on the wire and in the data files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Gate => "gate",
            Self::Clock => "clock",
            Self::Record => "record",
        }
    }
}

/// Where a condition came from that travels on with files received under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inherited {
    /// The authority that set it.
    pub setter: AuthorityId,
    /// The package that it was set on.
    pub package_id: Id,
    /// Its name there.
    pub condition_id: String,
}
