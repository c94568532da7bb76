//! What a message carries besides its words: items (files) and the conditions on their use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::condition::{Enforcement, Inherited};
use crate::model::ident::{Digest, Id};
use crate::model::limits::{CONDITION_LIST_MAX, FURTHER_DIGESTS_MAX, LIST_LEN_MAX, OBJECT_BYTES_MAX, OBJECTS_MAX};
use crate::model::listed::FurtherDigest;
use crate::model::text::{Need, TextError, line, list, prose, word};
use crate::model::time::Timestamp;

/// One attached or transmitted file: binds the plaintext to its sealed form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Number of the sealed object, from 1.
    pub object_id: u32,
    /// The original file name; never a path that is followed.
    pub name: String,
    /// Media type (RFC 6838).
    pub media_type: String,
    /// Length of the file.
    pub plaintext_bytes: u64,
    /// SHA-256 of the file: the forensic digest.
    pub sha256: Digest,
    /// RFC 6962 root over the 1 MiB parts of the sealed object.
    pub ciphertext_root: Digest,
    /// Why it travels.
    pub role: ItemRole,
    /// A description for people; may be empty.
    pub description: String,
    /// What the object is: a file, or a part of a folder.
    #[serde(default)]
    pub form: ItemForm,
    /// Further digests of the file, as an older record of its acquisition names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<FurtherDigest>,
}

/// What a sealed object is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemForm {
    /// One file.
    #[default]
    File,
    /// The bytes of many files one after the other, or a piece of a large one.
    Pack,
    /// The list that says which files the packs hold. It is the last object.
    List,
}

impl ItemForm {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "",
            Self::Pack => "pack",
            Self::List => "list",
        }
    }
}

/// Why a file travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemRole {
    /// Belongs to a request or reply: a statute, an order, a translation.
    Attachment,
    /// Is what was asked for.
    Evidence,
}

impl ItemRole {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Evidence => "evidence",
        }
    }
}

/// The items of a message and the key scope they were sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consignment {
    /// Names the key scope: the package.
    pub seal_id: Id,
    /// The files, in order of their object numbers, which run from 1 without a gap.
    pub items: Vec<Item>,
}

impl Consignment {
    /// Checks numbering, names and sizes.
    ///
    /// # Errors
    /// [`ConsignmentError`] names the first item that is wrong.
    pub fn new(seal_id: Id, items: Vec<Item>) -> Result<Self, ConsignmentError> {
        if items.is_empty() || items.len() > OBJECTS_MAX {
            return Err(ConsignmentError::Count(items.len()));
        }
        for (expected, item) in (1_u32..).zip(&items) {
            if item.object_id != expected {
                return Err(ConsignmentError::Numbering { expected, found: item.object_id });
            }
            if item.plaintext_bytes > OBJECT_BYTES_MAX {
                return Err(ConsignmentError::Large(item.object_id));
            }
            line("item name", &item.name, Need::Required)?;
            line("media type", &item.media_type, Need::Required)?;
            prose("item description", &item.description, Need::Optional)?;
            if item.further.len() > FURTHER_DIGESTS_MAX {
                return Err(ConsignmentError::Further(item.object_id));
            }
        }
        // A list without packs is a folder of empty files; packs without a list could not be told apart.
        let lists = items.iter().filter(|item| item.form == ItemForm::List).count();
        let ends_in_list = items.last().is_some_and(|item| item.form == ItemForm::List);
        let packs = items.iter().any(|item| item.form == ItemForm::Pack);
        if lists > 1 || (lists == 1 || packs) != ends_in_list {
            return Err(ConsignmentError::List);
        }
        Ok(Self { seal_id, items })
    }

    /// The list of the files that are packed, if some are.
    pub fn list(&self) -> Option<&Item> {
        self.items.last().filter(|item| item.form == ItemForm::List)
    }

    /// The length of the plaintext of a packed object.
    pub fn pack_bytes(&self, object_id: u32) -> Option<u64> {
        let place = usize::try_from(object_id).ok()?.checked_sub(1)?;
        self.items.get(place).filter(|item| item.form == ItemForm::Pack).map(|item| item.plaintext_bytes)
    }
}

/// A condition on use or confidentiality. The human text prevails over the code. Who offered and accepted it, and when, stand
/// in the messages that did so, not here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Names it inside its message, e.g. `c1`.
    pub id: String,
    /// The code of the conditions vocabulary, e.g. `USE.NAMED-PROCEEDINGS`; drives gates only.
    pub code: String,
    /// The authoritative text.
    pub text: String,
    /// The article it rests on, as the authority names it; may be empty.
    #[serde(default)]
    pub legal_source: String,
    /// Who set it.
    #[serde(default)]
    pub origin: ConditionOrigin,
    /// The objects it covers; empty: the whole message.
    #[serde(default)]
    pub objects: Vec<u32>,
    /// What its code asks to be filled in, e.g. `purpose` of `USE.NOT-FOR`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// The acts asked for that it covers, by their place in the request, from 1; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<u32>,
    /// The persons it is about, by the names that the message uses for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<String>,
    /// Until when it can be accepted; silence never accepts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_by: Option<Timestamp>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The event with which it ends, for people; the program waits for the setter's waiver. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ends_on: String,
    /// The conditions of the offer or package it replaces that it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<String>,
    /// How its setter means it to be kept: for codes that the reader's program does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// Where it came from, if it travels on with files that were received under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Inherited>,
}

impl Condition {
    /// Whether it covers that object.
    pub fn covers(&self, object_id: u32) -> bool {
        self.objects.is_empty() || self.objects.contains(&object_id)
    }
}

/// Who set a condition, which decides whether it binds without acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionOrigin {
    /// The instrument itself: binds without acceptance.
    DefaultByLaw,
    /// Undertaken by the requesting authority in its request.
    RequesterUndertaking,
    /// Set by the requested State: binds on acceptance.
    #[default]
    RequestedState,
}

impl ConditionOrigin {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DefaultByLaw => "default-by-law",
            Self::RequesterUndertaking => "requester-undertaking",
            Self::RequestedState => "requested-state",
        }
    }

    /// Whether the recipient must accept it before the objects it covers may be opened.
    pub const fn needs_acceptance(self) -> bool {
        matches!(self, Self::RequestedState)
    }
}

/// Checks the conditions of one message: at most 256, each with its own id.
///
/// # Errors
/// [`ConsignmentError`] names what is wrong.
pub fn check_conditions(conditions: &[Condition]) -> Result<(), ConsignmentError> {
    list("conditions", conditions.len())?;
    for (place, condition) in conditions.iter().enumerate() {
        // Attack: 256 conditions with names of 1 KiB make a row that the index refuses, and the node stops for good.
        word("condition id", &condition.id)?;
        word("condition code", &condition.code)?;
        prose("condition text", &condition.text, Need::Required)?;
        line("condition source", &condition.legal_source, Need::Optional)?;
        if condition.objects.len() > OBJECTS_MAX {
            return Err(ConsignmentError::Count(condition.objects.len()));
        }
        check_grammar(condition)?;
        if conditions.iter().take(place).any(|earlier| earlier.id == condition.id) {
            return Err(ConsignmentError::ConditionTwice);
        }
    }
    Ok(())
}

fn check_grammar(condition: &Condition) -> Result<(), ConsignmentError> {
    let lists = [condition.params.len(), condition.measures.len(), condition.persons.len(), condition.supersedes.len()];
    if let Some(entries) = lists.into_iter().find(|entries| *entries > CONDITION_LIST_MAX) {
        return Err(ConsignmentError::ConditionList(entries));
    }
    for (key, value) in &condition.params {
        word("condition param", key)?;
        line("condition param", value, Need::Required)?;
    }
    condition.persons.iter().try_for_each(|person| line("condition persons", person, Need::Required))?;
    condition.supersedes.iter().try_for_each(|id| word("condition supersedes", id))?;
    line("condition ends_on", &condition.ends_on, Need::Optional)?;
    if let Some(inherited) = &condition.inherited {
        word("inherited condition", &inherited.condition_id)?;
    }
    Ok(())
}

/// Why items or conditions were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsignmentError {
    /// None, or too many.
    #[error("{0} items; a package has 1 to {OBJECTS_MAX}")]
    Count(usize),
    /// Object numbers do not run from 1 without a gap.
    #[error("item {expected} carries the number {found}; items are numbered from 1 without a gap")]
    Numbering {
        /// The number that was due.
        expected: u32,
        /// The number that was found.
        found: u32,
    },
    /// An item is larger than the limits allow.
    #[error("item {0} is larger than {OBJECT_BYTES_MAX} bytes")]
    Large(u32),
    /// Too many further digests.
    #[error("item {0} has more than {FURTHER_DIGESTS_MAX} further digests")]
    Further(u32),
    /// Packs without their list, or a list that is not the last item.
    #[error("a package with packed files has one list of them, as its last item")]
    List,
    /// Two conditions with one id.
    #[error("two conditions carry the same id; give each its own (at most {LIST_LEN_MAX})")]
    ConditionTwice,
    /// A list inside one condition is too long.
    #[error("a condition lists {0} entries; at most {CONDITION_LIST_MAX} are taken: write several conditions")]
    ConditionList(usize),
    /// A text field.
    #[error(transparent)]
    Text(#[from] TextError),
}
