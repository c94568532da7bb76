//! Feeds `targets::signed_envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::signed_envelope(bytes));
