#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| sirgate::fuzzing::imap(octets));
