//! Feeds `targets::bag_manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::bag_manifest(bytes));
