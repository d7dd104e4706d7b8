//! See `../checks.rs`.

#![no_main]

#[allow(dead_code, reason = "each target makes one of them")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::yaml(text));
