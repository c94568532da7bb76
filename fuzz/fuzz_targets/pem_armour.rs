//! Feeds `targets::pem_armour`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rogatory_fuzz::targets::pem_armour(bytes));
