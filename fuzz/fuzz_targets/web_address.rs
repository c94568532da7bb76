//! Feeds `targets::web_address`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::web_address(bytes));
