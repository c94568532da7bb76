//! The generated protobuf types of `proto/rogatory.proto`. Used inside `wire` only; other floors see model values.
#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated code; proto/rogatory.proto documents it")]

include!(concat!(env!("OUT_DIR"), "/rogatory.v1.rs"));
