//! CPU time of children that lived and died unseen, from the parents that waited for them.
//!
//! When a child is reaped the kernel adds its own and its children's time to its parent's `cutime` and `cstime`
//! (`kernel/exit.c`, `wait_task_zombie`); a parent that ignores SIGCHLD gets nothing. What a parent got, less what
//! was counted for its children while they were seen, is what nobody saw.
//!
//! The two sides are read at different moments. A parent's reading is settled only after a listing of `/proc` that
//! began later: whatever it had reaped is known to be gone by then, so nothing counts twice. The other way round,
//! a child known to be gone may have been reaped after the parent was read: its time is owed until the parent has
//! been read once more, and then forgotten.

/// What one parent owes and is owed, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reaped {
    /// cutime + cstime as last read.
    children: u64,
    /// What it grew by since the last settlement.
    grown: u64,
    /// Counted time of children that are gone, carried over from the last settlement.
    carried: u64,
    /// Counted time of children that are gone since.
    gone: u64,
    /// Settlements that are to be skipped.
    untrusted: u8,
    /// Whether it was read since the last settlement: without, there is nothing to settle.
    read: bool,
}

impl Reaped {
    /// A parent that is seen first with `children` in its books, which count only if it is `new`.
    pub(super) fn first_seen(children: u64, new: bool) -> Reaped {
        Reaped { children, grown: if new { children } else { 0 }, read: true, ..Reaped::default() }
    }

    /// Reads it again; says whether there is something to settle.
    pub(super) fn read(&mut self, children: u64) -> bool {
        self.grown += children.saturating_sub(self.children);
        self.children = self.children.max(children);
        self.read = true;
        self.is_due()
    }

    /// Whether there is something to settle.
    pub(super) fn is_due(&self) -> bool {
        self.read && (self.grown > 0 || self.carried > 0 || self.gone > 0 || self.untrusted > 0)
    }

    /// Whether it has reaped something since the last settlement.
    pub(super) fn has_grown(&self) -> bool {
        self.grown > 0
    }

    /// What of its children's time is counted, or about to be: whoever reaps it gets that too.
    pub(super) fn counted(&self) -> u64 {
        self.children - self.grown + self.carried + self.gone
    }

    /// Whether its reaped time is not to be trusted for now.
    pub(super) fn is_untrusted(&self) -> bool {
        self.untrusted > 0
    }

    /// A child is gone for which `counted` ticks were counted, its own children's included.
    pub(super) fn child_gone(&mut self, counted: u64) {
        self.gone += counted;
    }

    /// A child is gone whose reaped time is not to be trusted: a container's supervisor, whose children's time is
    /// counted by their pods.
    pub(super) fn untrusted_child_gone(&mut self) {
        self.untrusted = 2;
    }

    /// Ticks that nobody saw, after a listing that began after the last `read`.
    pub(super) fn settle(&mut self) -> u64 {
        if !std::mem::take(&mut self.read) {
            return 0;
        }
        let (grown, owed) = (self.grown, self.carried + self.gone);
        let gone = self.gone;
        (self.grown, self.carried, self.gone) = (0, 0, 0);
        if self.untrusted > 0 {
            self.untrusted -= 1;
            // What is owed may be in what comes next.
            self.carried = gone;
            return 0;
        }
        if grown < owed {
            self.carried = (owed - grown).min(gone);
        }
        grown.saturating_sub(owed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_parent_brings_along_was_seen_by_nobody() {
        assert_eq!(Reaped::first_seen(30, true).settle(), 30);
        assert_eq!(Reaped::first_seen(30, false).settle(), 0);
    }

    #[test]
    fn children_that_were_never_seen_count_whole() {
        let mut parent = Reaped::default();
        assert!(parent.read(40));
        assert_eq!(parent.settle(), 40);
        assert!(!parent.read(40));
        assert_eq!(parent.settle(), 0);
    }

    #[test]
    fn a_child_that_was_seen_counts_with_its_rest() {
        let mut parent = Reaped::default();
        parent.read(50);
        parent.child_gone(35);
        assert_eq!(parent.settle(), 15);
    }

    #[test]
    fn a_child_reaped_after_its_parent_was_read_is_not_counted_again() {
        let mut parent = Reaped::default();
        parent.read(0);
        parent.child_gone(35);
        assert_eq!(parent.settle(), 0);
        parent.read(50);
        assert_eq!(parent.settle(), 15);
    }

    #[test]
    fn a_parent_that_is_seldom_read_owes_until_then() {
        let mut parent = Reaped::default();
        parent.child_gone(35);
        for _ in 0..5 {
            assert_eq!(parent.settle(), 0);
        }
        assert!(parent.read(50));
        assert_eq!(parent.settle(), 15);
    }

    #[test]
    fn a_child_nobody_waited_for_is_owed_only_until_the_second_reading() {
        let mut parent = Reaped::default();
        parent.child_gone(35);
        parent.read(0);
        assert_eq!(parent.settle(), 0);
        parent.read(0);
        assert_eq!(parent.settle(), 0);
        parent.read(20);
        assert_eq!(parent.settle(), 20, "another child's time");
    }

    #[test]
    fn what_a_supervisor_leaves_behind_is_not_taken() {
        let mut parent = Reaped::default();
        parent.untrusted_child_gone();
        assert_eq!(parent.settle(), 0, "it was not read since");
        parent.read(10);
        assert_eq!(parent.settle(), 0);
        parent.read(9_000);
        assert_eq!(parent.settle(), 0);
        parent.read(9_005);
        assert_eq!(parent.settle(), 5);
    }

    #[test]
    fn a_settlement_that_is_skipped_forgets_no_debt() {
        let mut parent = Reaped::default();
        parent.untrusted_child_gone();
        parent.read(0);
        assert_eq!(parent.settle(), 0);
        parent.read(0);
        parent.child_gone(35);
        assert_eq!(parent.settle(), 0);
        parent.read(50);
        assert_eq!(parent.settle(), 15);
    }

    #[test]
    fn who_reaps_a_parent_is_told_what_was_counted_of_its_children_and_no_more() {
        let mut parent = Reaped::first_seen(100, false);
        parent.read(130);
        assert_eq!(parent.counted(), 100, "thirty were read and never settled");
        parent.child_gone(20);
        assert_eq!(parent.counted(), 120, "twenty of them were a child's that was seen");
        assert_eq!(parent.settle(), 10);
        assert_eq!(parent.counted(), 130);
    }
}
