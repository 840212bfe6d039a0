//! The CPU time that may be spent: a pool, savings, and a debt.
//!
//! Income is the share of one core times the time that went by. It pays the debt first. What is left goes to
//! the pool, from which targets of normal size are read, and to the savings, from which a large one is: half
//! each while both are short of what they are to hold, all to the one that is. The pool holds at most
//! [`ALLOWANCE`], the savings at most the price of the next large target. What a reading costs beyond what
//! was there for it is the debt, and nothing is read while there is one.
//!
//! So at any time the spending is at most share × time + [`ALLOWANCE`] + what one target cost, whatever the
//! targets cost: a reading starts only without a debt, and what it costs beyond pool or savings is the debt.

use edgebench_sampler::Nanos;

/// What there is to spend at the start, and the most that the pool holds: enough for all of a normal node
/// (a VM of 1 GiB in 4 KiB pages and a dozen daemons take about 35 ms), so that its first figures come at
/// once.
pub const ALLOWANCE: Nanos = Nanos(50_000_000);

/// Nanoseconds are kept as real numbers: a share of a short time is less than one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    share: f64,
    /// Income up to here is in.
    at: Nanos,
    pool: f64,
    savings: f64,
    /// What the savings are to reach.
    goal: f64,
    debt: f64,
}

/// From what a reading is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purse {
    /// The pool.
    Pool,
    /// The savings.
    Savings,
}

impl Budget {
    /// At `now`, with the allowance.
    pub(crate) fn new(share: f64, now: Nanos) -> Budget {
        Budget { share, at: now, pool: ALLOWANCE.0 as f64, savings: 0.0, goal: 0.0, debt: 0.0 }
    }

    /// Takes in what was earned up to `now`.
    pub(crate) fn earn(&mut self, now: Nanos) {
        let mut income = self.share * now.0.saturating_sub(self.at.0) as f64;
        self.at = self.at.max(now);
        let paid = income.min(self.debt);
        self.debt -= paid;
        income -= paid;
        let (room, wanted) = (self.room(), self.wanted());
        // Half each, and what one can't take goes to the other.
        let saved = (income / 2.0).max(income - room).min(wanted);
        self.savings += saved;
        self.pool += (income - saved).min(room);
    }

    /// What the savings are for from now on: the price of the next large target, nothing where there is none.
    pub(crate) fn save_for(&mut self, price: Nanos) {
        self.goal = price.0 as f64;
        if self.savings > self.goal {
            self.pool += (self.savings - self.goal).min(self.room());
            self.savings = self.goal;
        }
    }

    /// How long until a target of this price may be read. One from the pool that is dearer than all it can
    /// hold is read on credit once the pool is full; one from the savings only when all of its price is there.
    pub(crate) fn time_until(&self, price: Nanos, purse: Purse) -> Nanos {
        let price = price.0 as f64;
        let (missing, others) = match purse {
            Purse::Pool => (price.min(ALLOWANCE.0 as f64) - self.pool, self.wanted()),
            Purse::Savings => (price - self.savings, self.room()),
        };
        let missing = missing.max(0.0);
        // The other takes as much meanwhile, until it has all it wants.
        let income = self.debt + missing + missing.min(others);
        Nanos((income / self.share).ceil() as u64)
    }

    /// Pays for a reading, or for what else the thread did.
    pub(crate) fn spend(&mut self, cost: Nanos, purse: Purse) {
        let cost = cost.0 as f64;
        let from = match purse {
            Purse::Pool => &mut self.pool,
            Purse::Savings => &mut self.savings,
        };
        let paid = cost.min(*from);
        *from -= paid;
        self.debt += cost - paid;
    }

    fn room(&self) -> f64 {
        (ALLOWANCE.0 as f64 - self.pool).max(0.0)
    }

    fn wanted(&self) -> f64 {
        (self.goal - self.savings).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    /// A second earns 1 ms.
    const SHARE: f64 = 0.001;
    const MS: u64 = 1_000_000;

    impl Budget {
        fn affords(&self, price: Nanos, purse: Purse) -> bool {
            self.time_until(price, purse) == Nanos(0)
        }
    }

    fn empty() -> Budget {
        let mut budget = Budget::new(SHARE, Nanos(0));
        budget.spend(ALLOWANCE, Purse::Pool);
        budget
    }

    #[test]
    fn the_allowance_is_there_at_the_start_and_never_exceeded() {
        let mut budget = Budget::new(SHARE, Nanos(0));
        assert!(budget.affords(ALLOWANCE, Purse::Pool));
        budget.earn(Nanos(1_000_000 * SECOND));
        budget.spend(ALLOWANCE, Purse::Pool);
        assert_eq!(budget.time_until(Nanos(MS), Purse::Pool), Nanos(SECOND));
    }

    #[test]
    fn what_is_dearer_than_the_pool_can_hold_is_read_on_credit_and_paid_back() {
        let mut budget = Budget::new(SHARE, Nanos(0));
        assert!(budget.affords(Nanos(80 * MS), Purse::Pool));
        budget.spend(Nanos(80 * MS), Purse::Pool);
        assert!(!budget.affords(Nanos(0), Purse::Pool));
        assert_eq!(budget.time_until(Nanos(0), Purse::Pool), Nanos(30 * SECOND));
        budget.earn(Nanos(30 * SECOND));
        assert!(budget.affords(Nanos(0), Purse::Pool));
        assert_eq!(budget.time_until(Nanos(80 * MS), Purse::Pool), Nanos(50 * SECOND));
    }

    #[test]
    fn nothing_at_all_is_read_before_a_debt_is_paid() {
        let mut budget = Budget::new(SHARE, Nanos(0));
        budget.save_for(Nanos(4 * MS));
        budget.earn(Nanos(4 * SECOND));
        assert!(budget.affords(Nanos(4 * MS), Purse::Savings));
        budget.spend(Nanos(60 * MS), Purse::Pool);
        assert!(!budget.affords(Nanos(4 * MS), Purse::Savings));
        budget.earn(Nanos(14 * SECOND));
        assert!(budget.affords(Nanos(4 * MS), Purse::Savings), "its savings were left alone");
    }

    #[test]
    fn savings_and_pool_take_half_each_until_one_has_enough() {
        let mut budget = empty();
        budget.save_for(Nanos(10 * MS));
        assert_eq!(budget.time_until(Nanos(10 * MS), Purse::Savings), Nanos(20 * SECOND));
        assert_eq!(budget.time_until(Nanos(4 * MS), Purse::Pool), Nanos(8 * SECOND));
        assert_eq!(budget.time_until(Nanos(30 * MS), Purse::Pool), Nanos(40 * SECOND));
        budget.earn(Nanos(20 * SECOND));
        assert!(budget.affords(Nanos(10 * MS), Purse::Savings));
        assert!(budget.affords(Nanos(10 * MS), Purse::Pool));
        budget.earn(Nanos(40 * SECOND));
        assert!(budget.affords(Nanos(30 * MS), Purse::Pool), "the savings were full");
    }

    #[test]
    fn a_full_pool_leaves_all_to_the_savings() {
        let mut budget = Budget::new(SHARE, Nanos(0));
        budget.save_for(Nanos(1000 * MS));
        assert_eq!(budget.time_until(Nanos(1000 * MS), Purse::Savings), Nanos(1000 * SECOND));
        budget.earn(Nanos(1000 * SECOND));
        assert!(budget.affords(Nanos(1000 * MS), Purse::Savings));
    }

    #[test]
    fn what_was_saved_for_nobody_is_not_spent_at_once() {
        let mut budget = empty();
        budget.save_for(Nanos(1000 * MS));
        budget.earn(Nanos(10_000 * SECOND));
        budget.save_for(Nanos(0));
        assert!(!budget.affords(Nanos(1), Purse::Savings));
        budget.spend(ALLOWANCE, Purse::Pool);
        assert!(!budget.affords(Nanos(1), Purse::Pool));
    }

    #[test]
    fn a_clock_that_steps_back_earns_nothing() {
        let mut budget = empty();
        budget.earn(Nanos(10 * SECOND));
        budget.earn(Nanos(5 * SECOND));
        budget.earn(Nanos(10 * SECOND));
        assert_eq!(budget.time_until(Nanos(11 * MS), Purse::Pool), Nanos(SECOND));
    }
}
