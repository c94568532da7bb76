//! Feeds `targets::directory_statement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::directory_statement(bytes));
