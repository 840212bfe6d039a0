//! A series costs no allocation: only the buffer's growth does, and the buffer is kept between scrapes. Nor do events of
//! the API server leave any behind.
//!
//! `allocation-counter` is this program's global allocator, so the test stands alone.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use allocation_counter::measure;
use edgebench_exporter::cluster::index::{Index, Teller};
use edgebench_exporter::cluster::{Kind, decode};
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

/// What a watch tells of `vms` VMs as they come, change and go.
fn events(index: &mut Index, vms: usize, rounds: usize) {
    let teller = Teller::Kind(Kind::Vmis);
    for round in 0..rounds {
        for vm in 0..vms {
            let text = format!(
                r#"{{"metadata":{{"namespace":"n","name":"vm-{vm}","uid":"u","resourceVersion":"{round}"}},
                    "spec":{{"domain":{{"memory":{{"guest":"1Gi"}}}}}},
                    "status":{{"phase":"Running","nodeName":"node","activePods":{{"pod":"node"}}}}}}"#
            );
            let (identity, object) = decode::object(Kind::Vmis, &text).unwrap();
            let key = (identity.namespace.clone(), identity.name.clone());
            index.put(teller, identity, object);
            if round % 10 == 9 {
                index.remove(teller, &key);
            }
        }
    }
}

#[test]
fn ten_thousand_events_leave_the_index_as_large_as_it_was() {
    let mut index = Index::default();
    events(&mut index, 50, 10);
    let soak = measure(|| events(&mut index, 50, 200));
    assert!(soak.count_total > 10_000, "the allocator counts");
    assert_eq!(soak.bytes_current, 0);
    assert_eq!(index.cluster().vmis.len(), 0);
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
