//! Conditions to bytes and back. Refuses a word of a later version where this one would have to obey it.

use std::collections::BTreeMap;

use crate::model::condition::{Enforcement, Inherited};
use crate::model::limits::CONDITION_LIST_MAX;
use crate::model::package::{Condition, ConditionOrigin};
use crate::model::time::Timestamp;
use crate::wire::decode::{self, DecodeError};
use crate::wire::proto;

pub(super) fn condition_out(condition: &Condition) -> proto::Condition {
    let param = |(key, value): (&String, &String)| proto::Param { key: key.clone(), value: value.clone() };
    proto::Condition {
        id: condition.id.clone(),
        code: condition.code.clone(),
        text: condition.text.clone(),
        legal_source: condition.legal_source.clone(),
        origin: condition.origin.name().to_owned(),
        objects: condition.objects.clone(),
        params: condition.params.iter().map(param).collect(),
        measures: condition.measures.clone(),
        persons: condition.persons.clone(),
        accept_by_ms: condition.accept_by.map_or(0, Timestamp::as_millis),
        ends_at_ms: condition.ends_at.map_or(0, Timestamp::as_millis),
        ends_on: condition.ends_on.clone(),
        supersedes: condition.supersedes.clone(),
        enforcement: condition.enforcement.map(Enforcement::name).unwrap_or_default().to_owned(),
        inherited: condition.inherited.as_ref().map(|inherited| proto::Inherited {
            setter: inherited.setter.to_string(),
            package_id: inherited.package_id.as_bytes().to_vec(),
            condition_id: inherited.condition_id.clone(),
        }),
    }
}

pub(super) fn condition_in(found: proto::Condition) -> Result<Condition, DecodeError> {
    use ConditionOrigin::{DefaultByLaw, RequestedState, RequesterUndertaking};
    decode::count("params", found.params.len(), CONDITION_LIST_MAX)?;
    let entries = found.params.len();
    let params: BTreeMap<String, String> = found.params.into_iter().map(|param| (param.key, param.value)).collect();
    if params.len() != entries {
        // Two values of one key: each side might obey another one.
        return Err(DecodeError::Unknown { field: "params" });
    }
    let instant = |millis: u64| (millis != 0).then(|| Timestamp::from_millis(millis));
    Ok(Condition {
        id: found.id,
        code: found.code,
        text: found.text,
        legal_source: found.legal_source,
        origin: [DefaultByLaw, RequesterUndertaking, RequestedState]
            .into_iter()
            .find(|origin| origin.name() == found.origin)
            .ok_or(DecodeError::Unknown { field: "origin" })?,
        objects: found.objects,
        params,
        measures: found.measures,
        persons: found.persons,
        accept_by: instant(found.accept_by_ms),
        ends_at: instant(found.ends_at_ms),
        ends_on: found.ends_on,
        supersedes: found.supersedes,
        // A hint for people; a later version's word is dropped and the condition stays.
        enforcement: Enforcement::ALL.into_iter().find(|how| how.name() == found.enforcement),
        inherited: found.inherited.map(inherited_in).transpose()?,
    })
}

fn inherited_in(found: proto::Inherited) -> Result<Inherited, DecodeError> {
    Ok(Inherited {
        setter: decode::authority("setter", &found.setter)?,
        package_id: decode::id("package_id", &found.package_id)?,
        condition_id: found.condition_id,
    })
}
