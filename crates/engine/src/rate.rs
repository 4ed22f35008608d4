//! A rate that an operator sets: so many in a second, as many at once.

use std::time::Instant;

use parking_lot::Mutex;

/// How many there may be.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u32,
    left: Mutex<(f64, Instant)>,
}

impl Rate {
    /// Zero is no limit.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, left: Mutex::new((f64::from(per_second), now)) }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.per_second > 0
    }

    /// Whether one more may be had now. Who is let in may take more than there is; then others wait for longer.
    pub(crate) fn take(&self, count: usize, now: Instant) -> bool {
        if !self.is_limited() || count == 0 {
            return true;
        }
        let mut left = self.left.lock();
        let per_second = f64::from(self.per_second);
        let filled = (left.0 + now.duration_since(left.1).as_secs_f64() * per_second).min(per_second);
        let is_let_in = filled >= 1.0;
        *left = (if is_let_in { filled - count as f64 } else { filled }, now);
        is_let_in
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_are_had_in_a_second() {
        let start = Instant::now();
        let rate = Rate::new(2, start);
        let had =
            |milliseconds: u64, count: usize| rate.take(count, start + Duration::from_millis(milliseconds));
        assert_eq!(
            [had(0, 1), had(0, 0), had(0, 1), had(0, 1), had(400, 1)],
            [true, true, true, false, false]
        );
        assert_eq!([had(510, 1), had(600, 1), had(5_000, 5), had(6_900, 1)], [true, false, true, false]);
        assert!(had(7_100, 1));
    }

    #[test]
    fn zero_is_no_limit() {
        let rate = Rate::new(0, Instant::now());
        assert!(!rate.is_limited());
        assert!((0..1000).all(|_| rate.take(5, Instant::now())));
    }
}
