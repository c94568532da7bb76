//! Compiles `proto/*.proto` to Rust without a `protoc` binary.
use std::io::Result;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["proto/rogatory.proto"], ["proto"]).map_err(std::io::Error::other)?;
    prost_build::Config::new().btree_map(["."]).compile_fds(descriptors)
}
