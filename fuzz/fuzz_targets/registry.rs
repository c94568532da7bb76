//! Feeds `targets::registry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::registry(bytes));
