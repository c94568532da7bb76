//! Notices to protobuf and back. Refuses kinds and verdicts that this version does not know.

use crate::model::message::MessageKind;
use crate::model::notice::{Notice, Point};
use crate::model::notice_table::Verdict;
use crate::model::time::Timestamp;
use crate::wire::decode::{self, DecodeError};
use crate::wire::message::instant;
use crate::wire::proto;

pub(super) fn encode(notice: &Notice) -> proto::Notice {
    proto::Notice {
        kind: notice.kind.name().to_owned(),
        subject: notice.subject.clone(),
        reference: notice.reference.clone(),
        text: notice.text.clone(),
        codes: notice.codes.clone(),
        measures: notice.measures.clone(),
        points: notice
            .points
            .iter()
            .map(|point| proto::Point { number: point.number, text: point.text.clone() })
            .collect(),
        package_id: notice.package_id.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        objects: notice.objects.clone(),
        about: notice.about.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        verdict: notice.verdict.map(|verdict| verdict.name().to_owned()).unwrap_or_default(),
        due_ms: notice.due.map_or(0, Timestamp::as_millis),
        at_ms: notice.at.map_or(0, Timestamp::as_millis),
        whom: notice.whom.clone(),
        method: notice.method.clone(),
        names: notice.names.clone(),
    }
}

pub(super) fn decode(found: proto::Notice) -> Result<Notice, DecodeError> {
    Ok(Notice {
        kind: MessageKind::from_name(&found.kind).ok_or(DecodeError::Unknown { field: "kind" })?,
        subject: found.subject,
        reference: found.reference,
        text: found.text,
        codes: found.codes,
        measures: found.measures,
        points: found.points.into_iter().map(|point| Point { number: point.number, text: point.text }).collect(),
        package_id: decode::id_or_none("package_id", &found.package_id)?,
        objects: found.objects,
        about: decode::id_or_none("about", &found.about)?,
        verdict: match found.verdict.as_str() {
            "" => None,
            word => Some(Verdict::from_name(word).ok_or(DecodeError::Unknown { field: "verdict" })?),
        },
        due: instant(found.due_ms),
        at: instant(found.at_ms),
        whom: found.whom,
        method: found.method,
        names: found.names,
    })
}
