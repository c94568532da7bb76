//! The frames by which peers watch each other's logs. Refuses sizes that no proof can be about.

use prost::Message;

use crate::model::ident::Digest;
use crate::model::limits::{NOTE_BYTES_MAX, ORIGIN_BYTES_MAX};
use crate::wire::frame::{
    ADD_CHECKPOINT, CONSISTENCY_PROOF, COSIGNED, Frame, FrameError, HAVE_CHECKPOINT, PROVE_CONSISTENCY, hashes,
};
use crate::wire::proto;
use crate::wire::proto::frame::Kind;

/// The protobuf of a frame about checkpoints.
pub(super) fn kind(frame: Frame) -> Kind {
    match frame {
        Frame::AddCheckpoint { old_size, proof, checkpoint } => {
            Kind::AddCheckpoint(proto::AddCheckpoint { old_size, proof: raw(&proof), checkpoint })
        }
        Frame::Cosigned { lines } => Kind::Cosigned(proto::Cosigned { lines }),
        Frame::HaveCheckpoint { checkpoint } => Kind::HaveCheckpoint(proto::HaveCheckpoint { checkpoint }),
        Frame::ProveConsistency { old_size, new_size } => {
            Kind::ProveConsistency(proto::ProveConsistency { old_size, new_size })
        }
        Frame::ConsistencyProof { hashes } => Kind::ConsistencyProof(proto::ConsistencyProof { hashes: raw(&hashes) }),
        Frame::LatestOf { origin } => Kind::LatestOf(proto::LatestOf { origin }),
        _ => unreachable!("invariant: `encode` hands over only the kinds above"),
    }
}

/// The frame of that kind. The caller has held the length against the bound of the kind.
pub(super) fn decode(key: u8, body: &[u8]) -> Result<Frame, FrameError> {
    match key {
        ADD_CHECKPOINT => {
            let add = proto::AddCheckpoint::decode(body)?;
            let checkpoint = text(add.checkpoint, NOTE_BYTES_MAX)?;
            Ok(Frame::AddCheckpoint { old_size: add.old_size, proof: hashes(&add.proof)?, checkpoint })
        }
        COSIGNED => Ok(Frame::Cosigned { lines: text(proto::Cosigned::decode(body)?.lines, NOTE_BYTES_MAX)? }),
        HAVE_CHECKPOINT => {
            let checkpoint = text(proto::HaveCheckpoint::decode(body)?.checkpoint, NOTE_BYTES_MAX)?;
            Ok(Frame::HaveCheckpoint { checkpoint })
        }
        PROVE_CONSISTENCY => {
            let proto::ProveConsistency { old_size, new_size } = proto::ProveConsistency::decode(body)?;
            // Anything is consistent with the empty log, and a log with itself: nothing to prove.
            if old_size == 0 || old_size >= new_size {
                return Err(FrameError::Range);
            }
            Ok(Frame::ProveConsistency { old_size, new_size })
        }
        CONSISTENCY_PROOF => {
            Ok(Frame::ConsistencyProof { hashes: hashes(&proto::ConsistencyProof::decode(body)?.hashes)? })
        }
        _ => Ok(Frame::LatestOf { origin: text(proto::LatestOf::decode(body)?.origin, ORIGIN_BYTES_MAX)? }),
    }
}

fn raw(hashes: &[Digest]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.0.to_vec()).collect()
}

fn text(text: String, bytes_max: usize) -> Result<String, FrameError> {
    match text.len() {
        0 => Err(FrameError::Malformed),
        length if length > bytes_max => Err(FrameError::TooLarge),
        _ => Ok(text),
    }
}
