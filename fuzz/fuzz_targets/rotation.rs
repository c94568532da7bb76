//! Feeds `rotation::rotation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::rotation::rotation(bytes));
