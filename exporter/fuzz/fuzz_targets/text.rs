#![no_main]

use edgebench_exporter::scrape_text::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| edgebench_exporter_fuzz::read(input, Format::Text));
