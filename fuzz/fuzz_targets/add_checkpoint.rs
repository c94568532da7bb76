//! Feeds `targets::add_checkpoint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::add_checkpoint(bytes));
