//! What the fold finds: how far a request is, its measures and items, and what is owed by whom until when. Decides nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::law::life::table::DutyText;
use crate::model::ident::Id;
use crate::model::message::MessageKind;
use crate::model::side::Side;
use crate::model::time::Timestamp;

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Sent; the requested authority has not spoken.
    Sent,
    /// The requested authority has spoken.
    Acknowledged,
    /// Measures were accepted.
    Accepted,
    /// Being executed.
    InExecution,
    /// Executed, as far as it will be.
    Executed,
    /// With the wrong authority.
    Misdirected,
    /// Refused as a whole.
    Refused,
    /// Withdrawn as a whole.
    Withdrawn,
    /// Closed by both.
    Closed,
}

impl Stage {
    /// The word that people read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Accepted => "accepted",
            Self::InExecution => "in-execution",
            Self::Executed => "executed",
            Self::Misdirected => "misdirected",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }

    /// Whether nothing more is done on it.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn | Self::Closed)
    }
}

/// How far one measure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureState {
    /// Asked for.
    Asked,
    /// Accepted.
    Accepted,
    /// Postponed.
    Postponed,
    /// Taken up again.
    Resumed,
    /// Done.
    Done,
    /// Done in part.
    Partial,
    /// Done; nothing was found.
    NothingFound,
    /// Cannot be done.
    Impossible,
    /// Refused.
    Refused,
    /// Withdrawn.
    Withdrawn,
    /// Lapsed, because questions were not answered.
    Lapsed,
}

impl MeasureState {
    /// Whether nothing more is done on it.
    pub const fn ended(self) -> bool {
        matches!(
            self,
            Self::Done | Self::NothingFound | Self::Impossible | Self::Refused | Self::Withdrawn | Self::Lapsed
        )
    }
}

/// Where one item of evidence is, as far as both sides told each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// On its way or at the node.
    Transmitted,
    /// Taken into custody by the other side.
    InCustody,
    /// Not taken.
    Rejected,
    /// To be returned.
    ReturnDue,
    /// To be destroyed.
    DestroyDue,
    /// On its way back.
    Dispatched,
    /// Back.
    Returned,
    /// Its return was waived.
    Waived,
    /// Destroyed.
    Destroyed,
}

impl ItemState {
    /// Whether somebody still owes something about it.
    pub const fn due(self) -> bool {
        matches!(self, Self::ReturnDue | Self::DestroyDue | Self::Dispatched)
    }

    /// Whether it is gone for good.
    pub const fn gone(self) -> bool {
        matches!(self, Self::Returned | Self::Destroyed)
    }
}

/// One package that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parcel {
    /// Which side brought it.
    pub provider: Side,
    /// Its items, by number.
    pub items: BTreeMap<u32, ItemState>,
}

/// Something that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duty {
    /// Its name in the table.
    pub key: &'static str,
    /// Who owes it.
    pub owner: Side,
    /// Until when.
    pub due: Timestamp,
    /// The message that caused it.
    pub cause: Id,
    /// The package it is about.
    pub package_id: Option<Id>,
    /// What is to be done.
    pub says: &'static str,
    /// The article.
    pub article: &'static str,
    /// The state that the request shows while it is owed.
    #[serde(skip)]
    pub(super) text: &'static DutyText,
}

impl Duty {
    /// Whether it outlives the end of the request.
    pub const fn survives(&self) -> bool {
        self.text.survives
    }
}

/// A message that changed nothing, because it crossed another one that made it come too late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crossed {
    /// The message.
    pub message_id: Id,
    /// Why.
    pub why: String,
}

/// The life of one request so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Life {
    /// How far it is.
    pub stage: Stage,
    /// Its measures, in order.
    pub measures: Vec<MeasureState>,
    /// Its packages.
    pub parcels: BTreeMap<Id, Parcel>,
    /// What is owed, the earliest first.
    pub duties: Vec<Duty>,
    /// Until when its records are kept, if the two agreed on that.
    pub retain_until: Option<Timestamp>,
    /// Messages that changed nothing.
    pub crossed: Vec<Crossed>,
    /// Whether a consultation was opened.
    pub consulted: bool,
    /// Whether a message was folded: an empty life has begun nowhere.
    pub begun: bool,
    /// The newest message, by the order of the fold.
    #[serde(skip)]
    pub(super) last: Option<(Id, Timestamp, MessageKind)>,
}

impl Life {
    /// A life before its first message.
    pub const fn new() -> Self {
        Self {
            stage: Stage::Sent,
            measures: Vec::new(),
            parcels: BTreeMap::new(),
            duties: Vec::new(),
            retain_until: None,
            crossed: Vec::new(),
            consulted: false,
            begun: false,
            last: None,
        }
    }

    /// Whether it is over: ended, and nothing is owed any more.
    pub fn over(&self) -> bool {
        self.stage.ended() && self.duties.is_empty()
    }

    /// The state in one word, as lists show it.
    pub fn state(&self) -> &'static str {
        let held = self.duties.iter().filter_map(|duty| duty.text.hold.as_deref());
        if self.stage.ended() {
            return match (self.duties.is_empty(), self.stage) {
                (true, stage) => stage.name(),
                (false, _) if held.clone().any(|hold| hold == "return-due") => "return-due",
                (false, Stage::Closed) => "reopened",
                (false, _) => "winding-up",
            };
        }
        // What stops the execution is shown before what only runs beside it.
        let order =
            ["confidentiality-at-risk", "refusal-consult", "clarification", "postponed", "sent-urgent", "return-due"];
        let shown = order.into_iter().find(|word| held.clone().any(|hold| hold == *word));
        shown.unwrap_or(self.stage.name())
    }

    /// Whose turn it is, and until when: the owner of what is due first.
    pub fn next(&self) -> Option<&Duty> {
        self.duties.first()
    }

    /// The duty of that name that the side owes.
    pub fn owes(&self, key: &str, side: Side) -> Option<&Duty> {
        self.duties.iter().find(|duty| duty.key == key && duty.owner == side)
    }

    /// Whether an item is still to be returned, destroyed or confirmed.
    pub fn items_due(&self) -> bool {
        self.parcels.values().flat_map(|parcel| parcel.items.values()).any(|item| item.due())
    }
}

impl Default for Life {
    fn default() -> Self {
        Self::new()
    }
}
