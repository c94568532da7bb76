//! Feeds `targets::time_stamp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::time_stamp(bytes));
