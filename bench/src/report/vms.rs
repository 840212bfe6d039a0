//! The VM table: what the owner asked for, what the node holds of it, and what it costs beyond.

use edgebench_sampler::Bytes;

use crate::comparison::Comparison;
use crate::footprint::VmRow;
use crate::layout::figures::{fixed, percent};
use crate::layout::{Block, Cell, Line, Table, Tone, left, right};

/// The table; nothing where there is no VM.
pub(super) fn block(comparison: &Comparison) -> Option<Block> {
    let vms = &comparison.capture.shown().vms;
    if vms.is_empty() {
        return None;
    }
    let swapped = vms.iter().any(|vm| vm.swap.is_some_and(|swap| swap != Bytes::ZERO));
    let mut columns = vec![
        left("VM").flexible(),
        right("GUEST"),
        right("RESIDENT"),
        right("OVERHEAD"),
        right("POD WS"),
        right("LIMIT"),
    ];
    if swapped {
        columns.push(right("SWAP"));
    }
    columns.extend([right("GUEST CPU %").from(90), right("OVERHEAD CPU %").from(90)]);
    let mut table = Table::new(columns);
    for vm in vms {
        table.row(cells(vm, swapped));
        if vm.guest_size.is_none() {
            table.span(Line::new("no qemu: this VM starts, or has stopped").tone(Tone::Faint));
        }
    }
    let mut block = Block::new("Virtual machines (MiB)");
    block.table(table);
    block.line(
        "OVERHEAD = PSS of the pod's processes - guest + their page tables: what the node pays beyond the guest. \
         POD WS is the working set of the container compute, what the kubelet counts.",
    );
    Some(block)
}

fn cells(vm: &VmRow, swapped: bool) -> Vec<Cell> {
    let mib = |bytes: Option<Bytes>| -> Cell { bytes.map(|bytes| fixed(bytes.mib(), 1)).into() };
    let limit = match &vm.compute {
        Some(figures) => figures.limit.map_or("(none)".into(), |limit| fixed(limit.mib(), 1).into()),
        None => Cell::from("-"),
    };
    let mut cells = vec![
        Cell::from(vm.full_name()),
        mib(vm.guest_size),
        mib(vm.guest_resident),
        vm.overhead.map(|bytes| fixed(bytes.mib(), 1)).into(),
        mib(vm.compute.map(|figures| figures.working_set)),
        limit,
    ];
    if swapped {
        cells.push(mib(vm.swap));
    }
    cells.push(vm.cpu_guest_percent.map(|share| percent(share, 2)).into());
    cells.push(vm.cpu_overhead_percent.map(|share| percent(share, 2)).into());
    cells
}
