//! The frames by which a node that was put back from a backup learns what its peers hold. Refuses lists that are no whole number
//! of envelopes.

use prost::Message;

use crate::model::event::Stage;
use crate::model::ident::{Digest, Id};
use crate::model::limits::HELD_PER_ANSWER_MAX;
use crate::wire::frame::{ASK_HELD, Frame, FrameError, HELD, id};
use crate::wire::proto;
use crate::wire::proto::frame::Kind;

/// Bytes of one envelope in the list.
pub const ENVELOPE_BYTES: usize = 16 + 32 + 1 + 1 + 8;

/// One envelope between the two, as the answering side knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldEnvelope {
    /// The envelope.
    pub envelope_id: Id,
    /// SHA-256 of the signed envelope.
    pub digest: Digest,
    /// Who sent it, and what is known of it.
    pub way: Way,
}

/// Who sent an envelope, seen from the side that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The one who asks sent it, and it stands here.
    FromYou,
    /// The one who answers sent it, and holds no receipt.
    ToYou,
    /// The one who answers sent it, and holds a receipt of the one who asks.
    Receipted {
        /// The last stage that was acknowledged.
        stage: Stage,
        /// The place of the record in the log of the one who asks, as the receipt says.
        index: u64,
    },
}

/// The protobuf of such a frame.
pub(super) fn kind(frame: Frame) -> Kind {
    match frame {
        Frame::AskHeld { after } => Kind::AskHeld(proto::AskHeld { after: after.as_bytes().to_vec() }),
        Frame::Held { envelopes, after } => Kind::Held(proto::Held {
            envelopes: envelopes.iter().flat_map(bytes_of).collect(),
            after: after.map(|after| after.as_bytes().to_vec()).unwrap_or_default(),
        }),
        Frame::SendAgain { envelope_id } => {
            Kind::SendAgain(proto::SendAgain { envelope_id: envelope_id.as_bytes().to_vec() })
        }
        _ => unreachable!("invariant: `encode` hands over only the kinds above"),
    }
}

/// The frame of that kind. The caller has held the length against the bound of the kind.
pub(super) fn decode(key: u8, body: &[u8]) -> Result<Frame, FrameError> {
    match key {
        ASK_HELD => Ok(Frame::AskHeld { after: id(&proto::AskHeld::decode(body)?.after)? }),
        HELD => {
            let held = proto::Held::decode(body)?;
            let (all, rest) = held.envelopes.as_chunks::<ENVELOPE_BYTES>();
            if !rest.is_empty() || all.len() > HELD_PER_ANSWER_MAX {
                return Err(FrameError::Malformed);
            }
            let envelopes = all.iter().map(envelope).collect::<Option<_>>().ok_or(FrameError::Malformed)?;
            let after = if held.after.is_empty() { None } else { Some(id(&held.after)?) };
            Ok(Frame::Held { envelopes, after })
        }
        _ => Ok(Frame::SendAgain { envelope_id: id(&proto::SendAgain::decode(body)?.envelope_id)? }),
    }
}

fn bytes_of(one: &HeldEnvelope) -> Vec<u8> {
    let (way, stage, index) = match one.way {
        Way::FromYou => (1, 0, 0),
        Way::ToYou => (2, 0, 0),
        Way::Receipted { stage, index } => {
            let place = Stage::ALL.iter().position(|other| *other == stage).and_then(|place| u8::try_from(place).ok());
            (3, place.unwrap_or_default(), index)
        }
    };
    [&one.envelope_id.as_bytes()[..], &one.digest.0, &[way, stage], &index.to_be_bytes()].concat()
}

fn envelope(bytes: &[u8; ENVELOPE_BYTES]) -> Option<HeldEnvelope> {
    let (envelope_id, rest) = bytes.split_first_chunk::<16>()?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let ([way, stage], rest) = rest.split_first_chunk::<2>()?;
    let index = u64::from_be_bytes(*rest.first_chunk()?);
    let way = match (way, stage, index) {
        (1, 0, 0) => Way::FromYou,
        (2, 0, 0) => Way::ToYou,
        (3, stage, index) => Way::Receipted { stage: *Stage::ALL.get(usize::from(*stage))?, index },
        _ => return None,
    };
    Some(HeldEnvelope { envelope_id: Id::try_from(&envelope_id[..]).ok()?, digest: Digest(*digest), way })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame;

    #[test]
    fn a_list_of_envelopes_reads_back_and_nothing_else_is_one() {
        let one = |byte, way| HeldEnvelope { envelope_id: Id::from_bytes([byte; 16]), digest: Digest([byte; 32]), way };
        let receipted = Way::Receipted { stage: Stage::ContentHandover, index: 7 };
        let envelopes = vec![one(1, Way::FromYou), one(2, Way::ToYou), one(3, receipted)];
        let full = vec![one(9, Way::ToYou); HELD_PER_ANSWER_MAX];
        for (envelopes, after) in [(envelopes, Some(Id::from_bytes([3; 16]))), (full, None), (Vec::new(), None)] {
            let held = Frame::Held { envelopes, after };
            assert_eq!(frame::decode(&frame::encode(&held)), Ok(held));
        }
        for frame in [
            Frame::AskHeld { after: Id::from_bytes([0; 16]) },
            Frame::SendAgain { envelope_id: Id::from_bytes([5; 16]) },
        ] {
            assert_eq!(frame::decode(&frame::encode(&frame)), Ok(frame));
        }
        let over = Frame::Held { envelopes: vec![one(9, Way::ToYou); HELD_PER_ANSWER_MAX + 1], after: None };
        assert_eq!(frame::decode(&frame::encode(&over)), Err(FrameError::Malformed));
        let mut long = frame::encode(&Frame::AskHeld { after: Id::from_bytes([0; 16]) });
        long[1] = 2;
        assert_eq!(frame::decode(&long), Err(FrameError::Malformed));
    }
}
