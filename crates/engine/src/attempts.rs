//! Attempts to log in, before and after the brain looks at them: few in work for one address, and refusals that tell
//! nothing by their time.
//!
//! A refusal takes longer where a count was written than where no user was found. So none is answered before a set time
//! after the attempt came, which also bounds how many one address can make.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use strongroom_wire::Operation;

use crate::allowance::Origin;
use crate::refusal::Refusal;
use crate::request::Request;

/// Whether an operation is an attempt to log in, with one factor or two.
pub(crate) const fn is_to_log_in(operation: Operation) -> bool {
    matches!(operation, Operation::Login | Operation::LoginWithToken)
}

/// One that is in work.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) origin: Origin,
    nanoseconds: AtomicU64,
}

impl Attempt {
    pub(crate) fn new(origin: Origin) -> Self {
        Self { origin, nanoseconds: AtomicU64::new(0) }
    }

    /// So much CPU time was taken for it.
    pub(crate) fn took(&self, cpu_time: Duration) {
        let nanoseconds = u64::try_from(cpu_time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The CPU time that was taken for it and not given back, which it is from now on.
    pub(crate) fn give_back(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.swap(0, Ordering::Relaxed))
    }
}

/// Refusals for want of room that one address may have waiting for their time.
const MOST_HELD: usize = 256;

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It goes to the brain.
    Work,
    /// Its address has enough in work: it is refused, in its time.
    Refusal,
    /// Not even that: whoever goes on without waiting for refusals is cut off.
    Nothing,
}

/// What is in work.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    in_work: Mutex<HashMap<IpAddr, usize>>,
    held: Mutex<Vec<Held>>,
}

/// A refusal that waits for its time.
#[derive(Debug)]
struct Held {
    until: Instant,
    request: Request,
    refusal: Refusal,
}

impl Attempts {
    /// Counts an attempt, which [`Attempts::ended`] takes back unless there is room for nothing; `most` of an address are
    /// in work.
    pub(crate) fn begun(&self, address: IpAddr, most: usize) -> Room {
        let mut in_work = self.in_work.lock();
        let count = in_work.entry(address).or_default();
        if *count >= most + MOST_HELD {
            return Room::Nothing;
        }
        *count += 1;
        if *count <= most { Room::Work } else { Room::Refusal }
    }

    pub(crate) fn ended(&self, address: IpAddr) {
        let mut in_work = self.in_work.lock();
        if let Some(count) = in_work.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                in_work.remove(&address);
            }
        }
    }

    /// Keeps a refusal until its time; [`Attempts::due`] gives it out.
    pub(crate) fn hold(&self, until: Instant, request: Request, refusal: Refusal) {
        self.held.lock().push(Held { until, request, refusal });
    }

    /// Whether there is a refusal to give out later.
    pub(crate) fn holds(&self) -> bool {
        !self.held.lock().is_empty()
    }

    /// The refusals whose time has come; without a time all that are left.
    pub(crate) fn due(&self, now: Option<Instant>) -> Vec<(Request, Refusal)> {
        let mut held = self.held.lock();
        let due = held.extract_if(.., |held| now.is_none_or(|now| held.until <= now));
        due.map(|held| (held.request, held.refusal)).collect()
    }
}
