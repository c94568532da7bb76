//! Floor 2: bytes on the wire and in records. prost lives here and never leaves; what decodes is bounded first.

pub mod frame;
pub mod proto;
