//! Floor 2: bytes on the wire and in records. prost lives here and never leaves; what decodes is bounded first.

pub mod basis;
mod condition;
pub mod decode;
pub mod envelope;
pub mod file_list;
pub mod frame;
pub mod message;
pub mod proto;
pub mod receipt;
pub mod record;
pub mod request;
mod shape;
