//! A series costs no allocation: only the buffer's growth does, and the buffer is kept between scrapes.
//!
//! `allocation-counter` is this program's global allocator, so the test stands alone.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use allocation_counter::measure;
use edgebench_exporter::exposition::{Format, write};
use edgebench_exporter::view::example;

#[test]
fn writing_into_a_buffer_that_has_grown_allocates_nothing() {
    let view = example::node(20);
    for format in Format::ALL {
        let mut buffer = Vec::new();
        let first = measure(|| write(&view, &[], format, &mut buffer));
        assert!(first.count_total > 0, "the allocator counts");
        buffer.clear();
        let second = measure(|| write(&view, &[], format, &mut buffer));
        assert_eq!(second.count_total, 0, "{format:?}");
    }
}

#[test]
fn a_larger_view_allocates_nothing_either_once_the_buffer_fits() {
    let (small, large) = (example::node(1), example::node(50));
    let mut buffer = Vec::new();
    write(&large, &[], Format::Text, &mut buffer);
    buffer.clear();
    let small = measure(|| write(&small, &[], Format::Text, &mut buffer));
    buffer.clear();
    let large = measure(|| write(&large, &[], Format::Text, &mut buffer));
    assert_eq!((small.count_total, large.count_total), (0, 0));
}
