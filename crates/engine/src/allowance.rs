//! CPU time for attempts to log in: what failed ones may take of the processors, whatever their number.
//!
//! A password is hashed at low priority, but a scheduler that shares its cores among groups (autogroup, control groups)
//! compares priorities within a group only: beside clients in other groups a hashing thread gets a whole core. So failed
//! attempts have an allowance of CPU time, and while it is overdrawn attempts wait in their queue, before anybody looks at
//! them: the wait says nothing about names or passwords. A right attempt is given its time back. Addresses from which
//! somebody has logged in have an allowance of their own, so that strangers who guess do not keep them waiting.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Familiar addresses that are remembered; the one that logged in least recently is forgotten first.
const FAMILIAR: usize = 8_192;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An address from which nobody has logged in.
    Strange,
    /// An address from which somebody has logged in since this HSM started.
    Familiar,
}

/// The allowances, and the familiar addresses.
#[derive(Debug)]
pub(crate) struct Allowance {
    strange: Mutex<Bucket>,
    familiar: Mutex<Bucket>,
    addresses: Mutex<HashMap<IpAddr, Instant>>,
}

impl Allowance {
    /// For strange addresses so many cores; for familiar ones half of that. Each may spend `burst` of CPU time at once.
    pub(crate) fn new(cores: f64, burst: Duration, now: Instant) -> Self {
        Self {
            strange: Mutex::new(Bucket::full(cores, burst, now)),
            familiar: Mutex::new(Bucket::full(cores / 2.0, burst, now)),
            addresses: Mutex::new(HashMap::new()),
        }
    }

    pub(crate) fn origin(&self, address: IpAddr) -> Origin {
        if self.addresses.lock().contains_key(&address) { Origin::Familiar } else { Origin::Strange }
    }

    /// Somebody has logged in from there.
    pub(crate) fn logged_in(&self, address: IpAddr, now: Instant) {
        let mut addresses = self.addresses.lock();
        if addresses.len() >= FAMILIAR && !addresses.contains_key(&address) {
            let oldest = addresses.iter().min_by_key(|(_, at)| **at).map(|(address, _)| *address);
            oldest.map(|oldest| addresses.remove(&oldest));
        }
        addresses.insert(address, now);
    }

    /// How long the next attempt must wait; zero = it may go on.
    pub(crate) fn wait(&self, origin: Origin, now: Instant) -> Duration {
        self.bucket(origin).lock().wait(now)
    }

    /// An attempt has taken so much CPU time.
    pub(crate) fn take(&self, origin: Origin, cpu_time: Duration, now: Instant) {
        self.bucket(origin).lock().take(cpu_time, now);
    }

    /// The attempt was right.
    pub(crate) fn give_back(&self, origin: Origin, cpu_time: Duration, now: Instant) {
        self.bucket(origin).lock().give_back(cpu_time, now);
    }

    fn bucket(&self, origin: Origin) -> &Mutex<Bucket> {
        match origin {
            Origin::Strange => &self.strange,
            Origin::Familiar => &self.familiar,
        }
    }
}

/// CPU time in seconds that fills up at so many cores. An attempt goes on while there is any, and may overdraw it.
#[derive(Debug)]
struct Bucket {
    cores: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(cores: f64, burst: Duration, now: Instant) -> Self {
        let burst = burst.as_secs_f64();
        Self { cores, burst, level: burst, at: now }
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = self.burst.min(since.mul_add(self.cores, self.level));
        self.at = self.at.max(now);
    }

    fn wait(&mut self, now: Instant) -> Duration {
        self.fill(now);
        if self.level >= 0.0 {
            return Duration::ZERO;
        }
        // A share of nothing never fills up: its owner looks again later.
        Duration::try_from_secs_f64(-self.level / self.cores).unwrap_or(Duration::MAX)
    }

    fn take(&mut self, cpu_time: Duration, now: Instant) {
        self.fill(now);
        self.level -= cpu_time.as_secs_f64();
    }

    fn give_back(&mut self, cpu_time: Duration, now: Instant) {
        self.fill(now);
        self.level = self.burst.min(self.level + cpu_time.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Duration = Duration::from_millis(32);
    const BURST: Duration = Duration::from_millis(150);
    const CORES: f64 = 0.125;

    /// Seconds of CPU time that checks take in so many seconds when somebody always tries, two at once.
    fn spent(seconds: u64, origins: &[Origin]) -> f64 {
        let begin = Instant::now();
        let allowance = Allowance::new(CORES, BURST, begin);
        let mut spent = Duration::ZERO;
        for millisecond in 0..seconds * 1000 {
            let now = begin + Duration::from_millis(millisecond);
            for origin in origins {
                if allowance.wait(*origin, now).is_zero() {
                    (0..2).for_each(|_| allowance.take(*origin, CHECK, now));
                    spent += 2 * CHECK;
                }
            }
        }
        spent.as_secs_f64()
    }

    #[test]
    fn failed_attempts_take_their_share_and_a_burst_however_many_there_are() {
        let bound = |seconds: f64| BURST.as_secs_f64() + seconds * CORES + 2.0 * CHECK.as_secs_f64();
        for seconds in [1_u32, 10, 100] {
            let spent = spent(seconds.into(), &[Origin::Strange]);
            let most = bound(seconds.into());
            assert!(spent <= most && spent > most - 4.0 * CHECK.as_secs_f64(), "{spent} of {most}");
        }
        let both = spent(100, &[Origin::Strange, Origin::Familiar]);
        assert!(both <= 2.0 * bound(0.0) + 100.0 * 1.5 * CORES, "{both}");
    }

    #[test]
    fn an_overdrawn_allowance_says_how_long_to_wait() {
        let begin = Instant::now();
        let allowance = Allowance::new(CORES, BURST, begin);
        allowance.take(Origin::Strange, BURST + CHECK, begin);
        let wait = allowance.wait(Origin::Strange, begin);
        assert_eq!(wait.as_millis(), CHECK.as_millis() * 8);
        assert!(!allowance.wait(Origin::Strange, begin + wait / 2).is_zero());
        let soon = begin + wait + Duration::from_micros(1);
        assert!(allowance.wait(Origin::Strange, soon).is_zero());
    }

    #[test]
    fn strangers_keep_no_familiar_address_waiting() {
        let begin = Instant::now();
        let allowance = Allowance::new(CORES, BURST, begin);
        let address = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(allowance.origin(address), Origin::Strange);
        allowance.logged_in(address, begin);
        allowance.take(Origin::Strange, 10 * BURST, begin);
        assert!(!allowance.wait(Origin::Strange, begin).is_zero());
        assert!(allowance.wait(allowance.origin(address), begin).is_zero());
    }

    #[test]
    fn right_attempts_cost_nothing() {
        let begin = Instant::now();
        let allowance = Allowance::new(CORES, BURST, begin);
        for _ in 0..1000 {
            assert!(allowance.wait(Origin::Strange, begin).is_zero());
            allowance.take(Origin::Strange, CHECK, begin);
            allowance.give_back(Origin::Strange, CHECK, begin);
        }
        allowance.give_back(Origin::Strange, 10 * BURST, begin);
        allowance.take(Origin::Strange, BURST + CHECK, begin);
        assert!(!allowance.wait(Origin::Strange, begin).is_zero(), "no more than the burst is saved up");
    }

    #[test]
    fn a_share_of_nothing_and_a_clock_that_stands_still_do_no_harm() {
        let begin = Instant::now();
        let allowance = Allowance::new(0.0, Duration::ZERO, begin);
        assert!(allowance.wait(Origin::Strange, begin).is_zero());
        allowance.take(Origin::Strange, CHECK, begin);
        assert_eq!(allowance.wait(Origin::Strange, begin + BURST), Duration::MAX);
    }

    #[test]
    fn the_address_that_logged_in_least_recently_is_forgotten() {
        let begin = Instant::now();
        let allowance = Allowance::new(CORES, BURST, begin);
        let address = |number: usize| IpAddr::from((number as u128).to_be_bytes());
        let later = |number: usize| begin + Duration::from_millis(number as u64);
        (0..FAMILIAR).for_each(|number| allowance.logged_in(address(number), later(number)));
        allowance.logged_in(address(0), later(FAMILIAR));
        allowance.logged_in(address(FAMILIAR), later(FAMILIAR));
        assert_eq!(allowance.origin(address(0)), Origin::Familiar);
        assert_eq!(allowance.origin(address(1)), Origin::Strange);
        assert_eq!(allowance.origin(address(FAMILIAR)), Origin::Familiar);
        assert_eq!(allowance.addresses.lock().len(), FAMILIAR);
    }
}
