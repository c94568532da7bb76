//! The frames that move parts of sealed objects. Refuses ranges that no object can have.

use crate::model::limits::{FETCH_PARTS_MAX, OBJECT_BYTES_MAX, OBJECTS_MAX, PART_BYTES};
use crate::wire::frame::{Frame, FrameError, hashes, id};
use crate::wire::proto;

/// Asks for parts of an object.
pub(super) fn fetch(fetch: proto::Fetch) -> Result<Frame, FrameError> {
    let parts_max = OBJECT_BYTES_MAX / PART_BYTES as u64;
    let end = fetch.first_part.checked_add(fetch.part_count);
    let object = usize::try_from(fetch.object_id).unwrap_or(usize::MAX);
    if !(1..=OBJECTS_MAX).contains(&object)
        || !(1..=FETCH_PARTS_MAX).contains(&fetch.part_count)
        || end.is_none_or(|end| end > parts_max)
    {
        return Err(FrameError::Range);
    }
    Ok(Frame::Fetch {
        envelope_id: id(&fetch.envelope_id)?,
        object_id: fetch.object_id,
        first_part: fetch.first_part,
        part_count: fetch.part_count,
    })
}

/// Announces one part; its bytes follow the frame.
pub(super) fn part(part: proto::Part) -> Result<Frame, FrameError> {
    let length = usize::try_from(part.length).unwrap_or(usize::MAX);
    if !(1..=PART_BYTES).contains(&length) {
        return Err(FrameError::Range);
    }
    Ok(Frame::Part { index: part.index, length: part.length, proof: hashes(&part.proof)? })
}
