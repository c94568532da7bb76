//! Feeds `targets::entry_bundle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::entry_bundle(bytes));
