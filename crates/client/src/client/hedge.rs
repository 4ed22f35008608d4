//! A call whose answer is late is given to a second HSM as well (`docs/adr/0034`): the first answer counts. For requests
//! that any HSM answers from its memory: a managed one leaves an audit entry, and a login counts as an attempt.
//!
//! The delay follows what calls take: their smoothed latency and four times its mean deviation, as TCP chooses its
//! retransmission timeout (RFC 6298, section 2), but not below [`SHORTEST`], which is far above what an HSM that works
//! takes for a call, and not above [`LONGEST`].

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use strongroom_wire::Frame;

use crate::connection::{Connection, Lost, Pending, lock};
use crate::log::Level;

use super::{Attempt, Call, Client};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// While two HSMs have a call, its caller listens to one for so long before it looks at the other.
const TURN: Duration = Duration::from_millis(2);

impl Client {
    /// As [`Client::exchange`]; the second HSM is asked within the retry budget. Gives it where the outcome is its own.
    pub(super) fn exchange_hedged(
        &self,
        first: &Arc<Connection>,
        call: &Call<'_>,
    ) -> (Option<Arc<Connection>>, Result<Frame, Attempt>) {
        let started = Instant::now();
        let (second, answer) = self.answer_of_two(first, call, started);
        self.latency.note(started.elapsed());
        let answering = second.as_ref().unwrap_or(first);
        let outcome = self.judge(answering, call, answer);
        (second, outcome)
    }

    fn answer_of_two(
        &self,
        first: &Arc<Connection>,
        call: &Call<'_>,
        started: Instant,
    ) -> (Option<Arc<Connection>>, Result<Frame, Lost>) {
        let pending = match self.begin(first, call) {
            Ok(pending) => pending,
            Err(lost) => return (None, Err(lost)),
        };
        let is_late = !pending.wait((started + self.latency.hedge_delay()).min(call.deadline));
        if is_late
            && Instant::now() < call.deadline
            && let Some(second) = self.second(first, call)
        {
            let line = format!("{} goes to {} too", call.operation.name(), second.peer.hsm_id);
            self.pool.log.write(Level::Debug, &line);
            if let Ok(other) = self.begin(&second, call) {
                let (is_second, answer) = self.first_answer(first, pending, &second, other, call.deadline);
                return (is_second.then(|| Arc::clone(&second)), answer);
            }
        }
        pending.wait(call.deadline);
        (None, pending.finish())
    }

    /// The HSM to ask too, unless the budget is spent or there is none; the late one is asked for a sign of life.
    fn second(&self, first: &Arc<Connection>, call: &Call<'_>) -> Option<Arc<Connection>> {
        self.pool.suspect(first);
        let second = self.pool.choose_second(first, call.login_id)?;
        self.budget.withdraw().then_some(second)
    }

    /// Waits for two answers and gives the one that comes first, and whether it is the second HSM's. One that is lost
    /// leaves the other to wait for.
    fn first_answer(
        &self,
        first: &Arc<Connection>,
        pending: Pending<'_>,
        second: &Arc<Connection>,
        other: Pending<'_>,
        deadline: Instant,
    ) -> (bool, Result<Frame, Lost>) {
        loop {
            let now = Instant::now();
            let (mine, left, is_second, lost) = if other.wait((now + TURN).min(deadline)) {
                (other, pending, true, second)
            } else if pending.wait(now) {
                (pending, other, false, first)
            } else if now >= deadline {
                return (false, Err(Lost::TimedOut));
            } else {
                continue;
            };
            return match mine.finish() {
                Err(Lost::Failed(reason)) => {
                    self.pool.lost(lost, &reason);
                    left.wait(deadline);
                    (!is_second, left.finish())
                }
                answer => (is_second, answer),
            };
        }
    }
}

/// What calls take.
#[derive(Debug, Default)]
pub(crate) struct Latency(Mutex<Smoothed>);

#[derive(Clone, Copy, Debug, Default)]
struct Smoothed {
    mean: Duration,
    deviation: Duration,
    is_known: bool,
}

impl Latency {
    /// A call took so long. Left out while another thread notes one: a sample is enough.
    pub(crate) fn note(&self, took: Duration) {
        if let Ok(mut smoothed) = self.0.try_lock() {
            smoothed.note(took);
        }
    }

    /// How long to wait for an answer before a second HSM is asked.
    pub(crate) fn hedge_delay(&self) -> Duration {
        lock(&self.0).delay()
    }
}

impl Smoothed {
    fn note(&mut self, took: Duration) {
        if self.is_known {
            self.deviation = (self.deviation * 3 + self.mean.abs_diff(took)) / 4;
            self.mean = (self.mean * 7 + took) / 8;
        } else {
            (self.mean, self.deviation, self.is_known) = (took, took / 2, true);
        }
    }

    fn delay(self) -> Duration {
        (self.mean + self.deviation * 4).clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(samples: impl IntoIterator<Item = u64>) -> Duration {
        let latency = Latency::default();
        samples.into_iter().for_each(|milliseconds| latency.note(Duration::from_millis(milliseconds)));
        latency.hedge_delay()
    }

    #[test]
    fn the_delay_follows_the_latency_between_its_bounds() {
        assert_eq!(after([]), SHORTEST);
        assert_eq!(after([1; 100]), SHORTEST);
        assert_eq!(after([5_000; 100]), LONGEST);
        let steady = after([200; 100]);
        assert!((200..=220).contains(&steady.as_millis()), "{steady:?}");
        assert!(after((0..100).map(|n| 100 + 200 * (n % 2))) > Duration::from_millis(400), "it varies");
    }

    #[test]
    fn a_few_late_answers_are_forgotten() {
        assert_eq!(after(std::iter::repeat_n(1_500, 3).chain([1; 60])), SHORTEST);
    }
}
