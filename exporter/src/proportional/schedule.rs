//! What to do next: the queue and the budget together. There is no clock in here.
//!
//! Targets of normal size and large ones are paid from different purses, so that neither waits for the other
//! for ever: a large one is read only when all of its price was saved for it, which takes price / share at
//! least, and the others are read from the rest meanwhile.

use std::sync::Arc;

use edgebench_sampler::Nanos;

use super::budget::{Budget, Purse};
use super::queue::{Next, Queue, Size};
use super::readings::Skips;
use super::{Settings, Target};

/// Decides what is read when.
#[derive(Debug)]
pub(crate) struct Schedule {
    cadence: Nanos,
    budget: Budget,
    queue: Queue,
    skips: Skips,
    /// When those that wait are counted next.
    count_at: Nanos,
}

/// What to do next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Read this target, then say what it cost.
    Read(Arc<Target>),
    /// Wait so long, or until the targets change.
    Wait(Nanos),
    /// Wait until the targets change: there are none.
    Idle,
}

impl Schedule {
    pub(crate) fn new(settings: &Settings, now: Nanos) -> Schedule {
        let cadence = Nanos(settings.cadence.as_nanos() as u64);
        Schedule {
            cadence,
            budget: Budget::new(settings.budget, now),
            queue: Queue::new(cadence, settings.largest),
            skips: Skips::default(),
            count_at: now,
        }
    }

    /// From now on these are the targets.
    pub(crate) fn retarget(&mut self, targets: Vec<Target>, now: Nanos) {
        self.queue.retarget(targets, now);
    }

    /// Targets that had to wait, so far.
    pub(crate) fn skips(&self) -> Skips {
        self.skips
    }

    /// What to do at `now`.
    pub(crate) fn step(&mut self, now: Nanos) -> Step {
        self.budget.earn(now);
        let large = self.queue.next(Size::Large);
        self.budget.save_for(large.as_ref().map_or(Nanos(0), |next| next.price));
        let candidates = [(self.queue.next(Size::Normal), Purse::Pool), (large, Purse::Savings)];
        let mut wait = None;
        for (next, purse) in candidates {
            let Some(Next { target, due, price }) = next else { continue };
            let until = self.budget.time_until(price, purse).0.max(due.0.saturating_sub(now.0));
            if until == 0 {
                return Step::Read(target);
            }
            wait = Some(wait.map_or(until, |wait: u64| wait.min(until)));
        }
        let Some(wait) = wait else { return Step::Idle };
        Step::Wait(Nanos(wait.min(self.count(now))))
    }

    /// A target was read from `began` to `ended` and cost so much.
    pub(crate) fn done(&mut self, target: &Target, began: Nanos, ended: Nanos, cost: Nanos) {
        match self.queue.size(target) {
            Size::Normal => self.budget.spend(cost, Purse::Pool),
            Size::Large => {
                self.budget.spend(cost, Purse::Savings);
                // Saving for the next one begins at nothing.
                self.budget.save_for(Nanos(0));
            }
        }
        self.queue.done(target, began, ended, cost);
    }

    /// The thread used CPU time for something else than reading a target.
    pub(crate) fn spent(&mut self, cost: Nanos) {
        self.budget.spend(cost, Purse::Pool);
    }

    /// Counts those that wait, once every cadence, and says how long until the next time.
    fn count(&mut self, now: Nanos) -> u64 {
        let waiting = [Size::Normal, Size::Large].map(|size| self.queue.waiting(size, now));
        if waiting == [0, 0] {
            return u64::MAX;
        }
        if now >= self.count_at {
            self.skips.budget += waiting[0];
            self.skips.size += waiting[1];
            self.count_at = Nanos(now.0 + self.cadence.0);
        }
        self.count_at.0 - now.0
    }
}
