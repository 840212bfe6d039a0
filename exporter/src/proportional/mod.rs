//! Proportional memory and guest RAM, read beside the scrapes and within a budget.
//!
//! For `smaps_rollup` and `smaps` the kernel walks the page tables of the target (`show_smaps_rollup` and
//! `show_smap` in `fs/proc/task_mmu.c`): 0.1 ms for a small process, 7 to 15 ms for each GiB in 4 KiB pages
//! (measured), seconds for 200 GB on old kernels (process-exporter#246). Such a walk can be preempted, but
//! it can't be interrupted: who has begun to read one mapping waits until the kernel is through with it,
//! at the end of the program too. So it is never done for a scrape: a thread of its own reads, and a scrape
//! gets the last figures with their age.
//!
//! What bounds the thread is its CPU time (`CLOCK_THREAD_CPUTIME_ID`), its own work included: at any time at
//! most the budget's share of one core since the start, an allowance of 50 ms with which a normal node has
//! all its figures at once, and the cost of one target. What a single target may cost is bounded by its
//! size: above the limit ([`Settings::largest`]) it is read only when all of its expected cost has been
//! earned. What a target then takes longer than expected is a debt that is paid before anything else is
//! read: `budget.rs`, `queue.rs` and `schedule.rs` decide this without a clock of their own.
//!
//! A figure belongs to a `ProcessId`, so that it is never told of a successor; a process that execs has
//! another memory, and [`Target::changed`] ends what was read before.

mod budget;
mod queue;
mod reader;
mod readings;
mod schedule;
#[cfg(test)]
mod simulation;
mod target;
mod trouble;

pub use budget::ALLOWANCE;
pub use reader::{Reader, Settings, StartError, now, read_once};
pub use readings::{Cost, GuestReading, ProcessReading, Readings, Skips};
pub use target::{GuestTarget, Target};
