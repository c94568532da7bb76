//! Feeds `targets::bag_link`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::bag_link(bytes));
