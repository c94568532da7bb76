//! Feeds `listed::file_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::listed::file_list(bytes));
