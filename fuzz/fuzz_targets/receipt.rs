//! Feeds `targets::receipt`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::receipt(bytes));
