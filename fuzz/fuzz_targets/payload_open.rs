//! Feeds `targets::payload_open`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::payload_open(bytes));
