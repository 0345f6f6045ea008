#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| sirgate::fuzzing::site_message(octets));
