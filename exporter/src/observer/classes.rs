//! The components that this node has or had, with their totals and what their processes hold now.

use edgebench_sampler::classify::Class;
use edgebench_sampler::component::{self, KERNEL_THREADS, Stack};
use edgebench_sampler::{Bytes, StartTicks};

use super::counters::Totals;

/// Label value of what processes used that no reading saw.
pub(super) const EXITED: &str = "exited";

/// Position of a component in [`Classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClassIndex(u16);

impl ClassIndex {
    /// Position in [`Classes::rows`].
    pub(super) fn position(self) -> usize {
        usize::from(self.0)
    }
}

/// What one process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) threads: u64,
    pub(super) resident: Bytes,
    pub(super) anonymous: Bytes,
    pub(super) swap: Bytes,
    pub(super) page_tables: Bytes,
}

/// A component of one stack.
#[derive(Debug)]
pub(super) struct ClassRow {
    pub(super) component: &'static str,
    pub(super) stack: Stack,
    pub(super) totals: Totals,
    pub(super) processes: u64,
    pub(super) held: Held,
    /// The oldest of its processes; unknown after that one ended.
    pub(super) oldest: Option<StartTicks>,
}

impl ClassRow {
    /// A process joins.
    pub(super) fn join(&mut self, start: StartTicks, held: &Held) {
        if self.processes == 0 {
            self.oldest = Some(start);
        }
        self.oldest = self.oldest.map(|oldest| oldest.min(start));
        self.processes += 1;
        self.change(&Held::default(), held);
    }

    /// A process leaves.
    pub(super) fn leave(&mut self, start: StartTicks, held: &Held) {
        if self.oldest == Some(start) {
            self.oldest = None;
        }
        self.processes = self.processes.saturating_sub(1);
        self.change(held, &Held::default());
    }

    /// A process holds `now` and no longer `then`.
    pub(super) fn change(&mut self, then: &Held, now: &Held) {
        let step = |sum: &mut Bytes, then: Bytes, now: Bytes| *sum = (*sum + now).saturating_sub(then);
        let held = &mut self.held;
        held.threads = (held.threads + now.threads).saturating_sub(then.threads);
        step(&mut held.resident, then.resident, now.resident);
        step(&mut held.anonymous, then.anonymous, now.anonymous);
        step(&mut held.swap, then.swap, now.swap);
        step(&mut held.page_tables, then.page_tables, now.page_tables);
    }
}

/// All components so far.
#[derive(Debug, Default)]
pub(super) struct Classes {
    rows: Vec<ClassRow>,
    order: Vec<ClassIndex>,
}

impl Classes {
    /// The row of a class.
    pub(super) fn of(&mut self, class: &Class) -> ClassIndex {
        let name = class.component.name;
        self.named(if name == KERNEL_THREADS.name { "kernel-threads" } else { name }, class.stack)
    }

    /// The row of what nobody saw in a stack.
    pub(super) fn exited(&mut self, stack: Stack) -> ClassIndex {
        self.named(EXITED, stack)
    }

    fn named(&mut self, component: &'static str, stack: Stack) -> ClassIndex {
        if let Some(at) = self.rows.iter().position(|row| row.component == component && row.stack == stack) {
            return ClassIndex(at as u16);
        }
        // The table of components is far smaller than the index can tell apart.
        let index = ClassIndex(self.rows.len() as u16);
        self.rows.push(ClassRow {
            component,
            stack,
            totals: Totals::default(),
            processes: 0,
            held: Held::default(),
            oldest: None,
        });
        self.insert_in_order(index);
        index
    }

    /// All rows.
    pub(super) fn rows(&self) -> &[ClassRow] {
        &self.rows
    }

    /// The indices of all rows in the order of every table: by stack, then as the table of components has them.
    pub(super) fn in_order(&self) -> &[ClassIndex] {
        &self.order
    }

    /// Where a new row belongs in the order.
    fn insert_in_order(&mut self, index: ClassIndex) {
        let position = |index: &ClassIndex| {
            let row = &self[*index];
            let position = component::by_name(row.component).map_or(usize::MAX, component::order);
            (row.stack, position, row.component)
        };
        let at = self.order.partition_point(|other| position(other) < position(&index));
        self.order.insert(at, index);
    }
}

impl std::ops::Index<ClassIndex> for Classes {
    type Output = ClassRow;
    fn index(&self, index: ClassIndex) -> &ClassRow {
        &self.rows[usize::from(index.0)]
    }
}

impl std::ops::IndexMut<ClassIndex> for Classes {
    fn index_mut(&mut self, index: ClassIndex) -> &mut ClassRow {
        &mut self.rows[usize::from(index.0)]
    }
}
