//! Feeds `targets::rotation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::rotation(bytes));
