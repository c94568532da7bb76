//! The smaller rows inside an authority's row: where it comes from, and what its law asks of requests. Refuses an unknown
//! field or word.

use serde::{Deserialize, Serialize};

use crate::model::authority::Provenance;
use crate::model::requirement::{Requirement, Topic};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequirementRow {
    pub(super) topic: Topic,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) value: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) measures: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) with: Vec<String>,
    pub(super) says: String,
    pub(super) source: SourceRow,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceRow {
    pub(super) kind: SourceKind,
    pub(super) note: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceKind {
    Depositary,
    PeerNotice,
    InterimSupport,
    LocalBelief,
}

impl From<&Requirement> for RequirementRow {
    fn from(one: &Requirement) -> Self {
        Self {
            topic: one.topic,
            value: one.value.clone(),
            measures: one.measures.clone(),
            with: one.with.clone(),
            says: one.says.clone(),
            source: SourceRow { kind: SourceKind::of(one.source), note: one.note.clone() },
        }
    }
}

impl From<RequirementRow> for Requirement {
    fn from(row: RequirementRow) -> Self {
        Self {
            topic: row.topic,
            value: row.value,
            measures: row.measures,
            with: row.with,
            says: row.says,
            source: row.source.kind.provenance(),
            note: row.source.note,
        }
    }
}

impl SourceKind {
    pub(super) fn of(provenance: Provenance) -> Self {
        match provenance {
            Provenance::Depositary => Self::Depositary,
            Provenance::PeerNotice => Self::PeerNotice,
            Provenance::InterimSupport => Self::InterimSupport,
            Provenance::LocalBelief => Self::LocalBelief,
        }
    }

    pub(super) fn provenance(self) -> Provenance {
        match self {
            Self::Depositary => Provenance::Depositary,
            Self::PeerNotice => Provenance::PeerNotice,
            Self::InterimSupport => Provenance::InterimSupport,
            Self::LocalBelief => Provenance::LocalBelief,
        }
    }
}
