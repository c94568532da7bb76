//! What somebody wants to do with files, and what is known about it. Words of officers; decides nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::law::conditions::code::Permission;
use crate::model::ident::{AuthorityId, Id};
use crate::model::time::Timestamp;

/// An act on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Open them.
    Open,
    /// Put them to proceedings.
    Link,
    /// Make a working copy, a transcript, a translation.
    Copy,
    /// Make them an exhibit.
    Exhibit,
    /// Take the package out as a bag.
    Export,
    /// Take a part of it out for a recipient.
    Extract,
    /// Send them on to another authority.
    Forward,
    /// Show them to somebody.
    Disclose,
    /// Send evidence: on the side that sets conditions.
    Transmit,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Link,
        Self::Copy,
        Self::Exhibit,
        Self::Export,
        Self::Extract,
        Self::Forward,
        Self::Disclose,
        Self::Transmit,
    ];

    /// The word in records, data files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Link => "link",
            Self::Copy => "copy",
            Self::Exhibit => "exhibit",
            Self::Export => "export",
            Self::Extract => "extract",
            Self::Forward => "forward",
            Self::Disclose => "disclose",
            Self::Transmit => "transmit",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The act.
    pub act: Act,
    /// The numbers of the files; empty: all.
    #[serde(default)]
    pub objects: Vec<u32>,
    /// The proceedings; none: those of the request.
    #[serde(default)]
    pub proceeding: Option<String>,
    /// What kind of purpose; none: not said.
    #[serde(default)]
    pub purpose: Option<PurposeKind>,
    /// To whom; none: it stays with this authority.
    #[serde(default)]
    pub recipient: Option<Recipient>,
    /// By which way round conditions, if by any.
    #[serde(default)]
    pub route: Route,
}

impl Asked {
    /// An act within the authority, in the proceedings of the request.
    pub const fn plain(act: Act) -> Self {
        Self { act, objects: Vec::new(), proceeding: None, purpose: None, recipient: None, route: Route::Ordinary }
    }
}

/// The kind of a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PurposeKind {
    /// Criminal proceedings.
    Criminal,
    /// Political.
    Political,
    /// Military.
    Military,
    /// Fiscal.
    Fiscal,
    /// Administrative.
    Administrative,
    /// Immigration.
    Immigration,
    /// Intelligence.
    Intelligence,
    /// Against an immediate and serious threat.
    PublicSafety,
}

impl PurposeKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Criminal,
        Self::Political,
        Self::Military,
        Self::Fiscal,
        Self::Administrative,
        Self::Immigration,
        Self::Intelligence,
        Self::PublicSafety,
    ];

    /// The word on the command line and in parameters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Criminal => "criminal",
            Self::Political => "political",
            Self::Military => "military",
            Self::Fiscal => "fiscal",
            Self::Administrative => "administrative",
            Self::Immigration => "immigration",
            Self::Intelligence => "intelligence",
            Self::PublicSafety => "public-safety",
        }
    }
}

/// To whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: RecipientKind,
}

/// What a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientKind {
    /// A court of our own State.
    Court,
    /// A prosecutor or investigator of our own State.
    Prosecutor,
    /// Another agency of our own State.
    Agency,
    /// The defence.
    Defence,
    /// The public.
    Public,
    /// Another State, or one of its authorities.
    ThirdState,
    /// An international court, agency or mechanism.
    InternationalOrganisation,
    /// The authority that set the conditions: it gets back what is its own.
    Setter,
    /// Nobody said.
    Unknown,
}

impl RecipientKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Court,
        Self::Prosecutor,
        Self::Agency,
        Self::Defence,
        Self::Public,
        Self::ThirdState,
        Self::InternationalOrganisation,
        Self::Setter,
        Self::Unknown,
    ];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Court => "court",
            Self::Prosecutor => "prosecutor",
            Self::Agency => "agency",
            Self::Defence => "defence",
            Self::Public => "public",
            Self::ThirdState => "third-state",
            Self::InternationalOrganisation => "international-organisation",
            Self::Setter => "setter",
            Self::Unknown => "unknown",
        }
    }

    /// What an authority is, seen from another one: of the same State, of another, or of none.
    pub fn of(authority: &AuthorityId, us: &AuthorityId, setter: &AuthorityId) -> Self {
        if authority == setter {
            Self::Setter
        } else if authority.state() == "INT" {
            Self::InternationalOrganisation
        } else if authority.state() == us.state() {
            Self::Agency
        } else {
            Self::ThirdState
        }
    }
}

/// A way round conditions that the law or a permission opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// None.
    #[default]
    Ordinary,
    /// The same facts under another name.
    SameFacts,
    /// Against an immediate and serious threat: done now, told without delay.
    PublicSafety,
    /// It clears an accused.
    Exculpatory,
}

/// A signed consent to a use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// The message that gives it: the token.
    pub message_id: Id,
    /// Who gave it.
    pub by: AuthorityId,
    /// For whom else it speaks, by name.
    pub on_behalf_of: Vec<String>,
    /// The files; empty: all.
    pub objects: Vec<u32>,
    /// The proceedings; none: those of the request.
    pub proceeding: Option<String>,
    /// The recipients, by name.
    pub recipients: Vec<String>,
    /// The purposes it covers beside criminal proceedings.
    pub purposes: Vec<PurposeKind>,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// A signed notice of a disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The message.
    pub message_id: Id,
    /// The files; empty: all.
    pub objects: Vec<u32>,
    /// The proceedings in which it is disclosed.
    pub proceeding: String,
}

/// What is known when an act is asked for.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Now.
    pub now: Timestamp,
    /// Names of the proceedings of the request.
    pub own_proceedings: Vec<String>,
    /// Consents that came.
    pub consents: Vec<Consent>,
    /// Notices that were sent.
    pub notices: Vec<Notice>,
    /// Conditions, by name, whose assurance was given and accepted.
    pub assured: BTreeSet<String>,
    /// Ways round that accepted conditions allow.
    pub permissions: BTreeSet<Permission>,
    /// Whether a second officer cleared this act.
    pub cleared: Cleared,
    /// Whether the conditions go along.
    pub terms: Carried,
}

/// Whether a second officer cleared an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cleared {
    /// Nobody did.
    #[default]
    No,
    /// One did, who is not the one that asked.
    BySecondPerson,
}

/// Whether the conditions of files go along with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carried {
    /// They do.
    #[default]
    Along,
    /// They do not.
    LeftBehind,
}
