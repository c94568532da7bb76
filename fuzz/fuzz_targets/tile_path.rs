//! Feeds `targets::tile_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::tile_path(bytes));
