//! How often and how fast a call is repeated.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A call puts this much into the budget.
const DEPOSIT: i64 = 1;
/// A repetition takes this much out: at most one call in ten is repeated for long.
const PRICE: i64 = 10;
const LARGEST: i64 = 1_000;

/// Keeps an overloaded cluster from being driven down by repetitions. Moving away from a lost connection is free: it
/// happens once per call and connection.
#[derive(Debug)]
pub(crate) struct Budget(AtomicI64);

impl Budget {
    pub(crate) const fn new() -> Self {
        Self(AtomicI64::new(LARGEST))
    }

    /// A call was made.
    pub(crate) fn deposit(&self) {
        if self.0.load(Ordering::Relaxed) < LARGEST {
            self.0.fetch_add(DEPOSIT, Ordering::Relaxed);
        }
    }

    /// Whether a call may be repeated, or given to a second HSM.
    pub(crate) fn withdraw(&self) -> bool {
        if self.0.fetch_sub(PRICE, Ordering::Relaxed) >= PRICE {
            return true;
        }
        self.0.fetch_add(PRICE, Ordering::Relaxed);
        false
    }
}

/// The pause before repetition number `attempt` (from 1): 10 ms doubling to 640 ms, of which a random half is taken.
pub(crate) fn pause(attempt: u32, random: u64) -> Duration {
    let longest = 10_000_u64 << attempt.saturating_sub(1).min(6);
    Duration::from_micros(longest / 2 + random % (longest / 2))
}

/// A cheap random number: for balancing and jitter, not for secrets.
pub(crate) fn quick_random() -> u64 {
    use std::cell::Cell;
    use std::hash::{BuildHasher, RandomState};
    thread_local!(static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u64) | 1));
    STATE.with(|state| {
        // xorshift64 (Marsaglia 2003).
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_lets_one_call_in_ten_be_repeated_for_long() {
        let budget = Budget::new();
        let mut repeated = 0;
        for _ in 0..10_000 {
            budget.deposit();
            repeated += u32::from(budget.withdraw());
        }
        assert!((1_000..=1_200).contains(&repeated), "{repeated}");
    }

    #[test]
    fn pauses_double_with_jitter_and_stay_below_a_second() {
        for attempt in 1..40 {
            let (least, most) = (pause(attempt, 0), pause(attempt, u64::MAX));
            assert!(least >= Duration::from_millis(5) && most < Duration::from_millis(640) && least <= most);
        }
    }
}
