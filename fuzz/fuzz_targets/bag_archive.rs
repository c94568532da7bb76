//! Feeds `targets::bag_archive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::bag_archive(bytes));
