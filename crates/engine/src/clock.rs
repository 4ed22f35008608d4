//! The clocks of the data plane.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use strongroom_boundary::keys::TICKET_LIFETIME_SECONDS;

/// What the wall clock may move against the machine's own in between two looks without having been set.
const STEP_SECONDS: u64 = 5;
/// A ticket that says it lives longer than this was not made by that clock: a life, and as much for another HSM's clock
/// that is ahead.
const LONGEST_SECONDS: u64 = 2 * TICKET_LIFETIME_SECONDS;
/// So many steps are remembered: a clock that is set more often has other troubles.
const STEPS: usize = 4;

/// Milliseconds since the machine started, sleep included: a lease must not outlive a suspended machine's sleep.
pub(crate) fn boottime_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// Judges whether a ticket has expired. Tickets carry the wall clock's time, since HSMs on several machines share no
/// other, and a wall clock can be set. So a ticket is good for its life by the clock as it is, or as it was before it was
/// set, for as long as a ticket from before can live.
#[derive(Debug)]
pub(crate) struct TicketClock(Mutex<Steps>);

impl TicketClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Steps::new(Reading::now())))
    }

    /// To be called now and then, so that a step is noticed before the next one.
    pub(crate) fn look(&self) {
        self.0.lock().look(Reading::now());
    }

    pub(crate) fn has_expired(&self, expires_at: u64) -> bool {
        self.0.lock().has_expired(expires_at, Reading::now())
    }
}

/// Both clocks at one time, seconds.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: u64,
    boot: u64,
}

impl Reading {
    fn now() -> Self {
        Self { wall: unix_seconds(), boot: boottime_ms() / 1000 }
    }

    /// What the wall clock would show had it not been set since `before`.
    const fn undisturbed(self, before: Self) -> u64 {
        before.wall.saturating_add(self.boot.saturating_sub(before.boot))
    }
}

#[derive(Debug)]
struct Steps {
    last: Reading,
    /// The last reading before each step, the newest last.
    before: Vec<Reading>,
}

impl Steps {
    const fn new(now: Reading) -> Self {
        Self { last: now, before: Vec::new() }
    }

    fn look(&mut self, now: Reading) {
        self.before.retain(|before| now.boot.saturating_sub(before.boot) <= TICKET_LIFETIME_SECONDS);
        if now.wall.abs_diff(now.undisturbed(self.last)) > STEP_SECONDS {
            if self.before.len() == STEPS {
                self.before.remove(0);
            }
            self.before.push(self.last);
        }
        self.last = now;
    }

    fn has_expired(&mut self, expires_at: u64, now: Reading) -> bool {
        self.look(now);
        let mut clocks = self.before.iter().map(|before| now.undisturbed(*before)).chain([now.wall]);
        !clocks.any(|clock| (1..=LONGEST_SECONDS).contains(&expires_at.saturating_sub(clock)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn an_undisturbed_clock_ends_tickets_at_their_time() {
        let mut steps = Steps::new(Reading { wall: 1000, boot: 10 });
        assert!(!steps.has_expired(1600, Reading { wall: 1599, boot: 609 }));
        assert!(steps.has_expired(1600, Reading { wall: 1600, boot: 610 }));
    }

    #[test]
    fn a_clock_that_is_set_forward_ends_no_ticket_before_its_time() {
        let mut steps = Steps::new(Reading { wall: 1000, boot: 10 });
        assert!(!steps.has_expired(1600, Reading { wall: 1100 + DAY, boot: 110 }));
        assert!(!steps.has_expired(1600, Reading { wall: 1599 + DAY, boot: 609 }));
        assert!(steps.has_expired(1600, Reading { wall: 1600 + DAY, boot: 610 }));
    }

    #[test]
    fn a_ticket_from_after_a_step_lives_by_the_clock_as_it_is() {
        let mut steps = Steps::new(Reading { wall: 1000 + DAY, boot: 10 });
        assert!(!steps.has_expired(1700, Reading { wall: 1100, boot: 110 })); // set back by a day
        assert!(steps.has_expired(1700, Reading { wall: 1700, boot: 710 }));
    }

    #[test]
    fn a_clock_that_is_set_back_lengthens_no_tickets_life() {
        let mut steps = Steps::new(Reading { wall: 1000 + DAY, boot: 10 });
        assert!(!steps.has_expired(1600 + DAY, Reading { wall: 1599, boot: 609 }));
        assert!(steps.has_expired(1600 + DAY, Reading { wall: 1600, boot: 610 }));
        assert!(steps.has_expired(1600 + DAY, Reading { wall: 5000, boot: 4010 }));
    }

    #[test]
    fn several_steps_are_remembered_and_old_ones_forgotten() {
        let mut steps = Steps::new(Reading { wall: 1000, boot: 10 });
        steps.look(Reading { wall: 1010 + DAY, boot: 20 });
        steps.look(Reading { wall: 1020 + 3 * DAY, boot: 30 });
        assert!(!steps.has_expired(1600, Reading { wall: 1021 + 3 * DAY, boot: 31 }));
        assert!(!steps.has_expired(1600 + DAY, Reading { wall: 1022 + 3 * DAY, boot: 32 }));
        for step in 0..10 {
            steps.look(Reading { wall: step * DAY, boot: 40 + step });
        }
        assert_eq!(steps.before.len(), STEPS);
        steps.look(Reading { wall: 9 * DAY + 2000, boot: 2049 });
        assert!(steps.before.is_empty());
    }
}
