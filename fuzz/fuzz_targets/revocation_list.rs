//! Feeds `targets::revocation_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::revocation_list(bytes));
