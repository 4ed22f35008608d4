//! Requests that wait until this HSM has caught up with the cluster.
//!
//! A request waits for a *revision* (its frame's is above the applied one), for a *check* (it searches), or for a *lookup*
//! (it asks for an object or login that is unknown here): check and lookup are a catch-up that began after the request
//! came. The brain learns through [`Parking::wait_behind`] that something waits, catches up, and says through
//! [`Parking::advanced`] how far it came. One catch-up serves all that wait when it begins; there is one at a time, and
//! for all but a search it begins no sooner than [`GATHER`] after the last: references and revisions can be made up, so a
//! client may not choose how often the store is read.
//!
//! A catch-up counts as a check when the thread that [`Parking::wait_behind`] woke reports it, or when its revision is
//! the one already applied. A newer revision from another thread may stem from a commit of this HSM that is older than
//! the request, so it serves only those that wait for a revision.

use std::thread::ThreadId;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The shortest time between two catch-ups that are asked for by the same requests.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// The shortest time between two catch-ups that are asked for by other requests than searches.
const GATHER: Duration = Duration::from_millis(5);

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// This revision.
    Revision(u64),
    /// A catch-up that begins from now on: of a search.
    Check,
    /// The same, of a request that names something unknown.
    Lookup,
}

/// Waiting requests of type `R`.
#[derive(Debug)]
pub(crate) struct Parking<R> {
    state: Mutex<State<R>>,
    wake: Condvar,
}

#[derive(Debug)]
struct State<R> {
    applied: u64,
    parked: Vec<Parked<R>>,
    /// Catch-ups that the brain was woken for.
    begun: u64,
    /// Whether the last one is not reported yet.
    under_way: bool,
    catcher: Option<ThreadId>,
    asked_at: Option<Instant>,
    closed: bool,
}

#[derive(Debug)]
struct Parked<R> {
    request: R,
    revision: u64,
    /// The number of the catch-up that serves it; 0 = none is needed.
    check: u64,
    is_search: bool,
    /// Whether a catch-up began since it came.
    asked: bool,
    deadline: Instant,
}

impl<R> Default for Parking<R> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                applied: 0,
                parked: Vec::new(),
                begun: 0,
                under_way: false,
                catcher: None,
                asked_at: None,
                closed: false,
            }),
            wake: Condvar::new(),
        }
    }
}

impl<R> Parking<R> {
    /// Parks a request until its deadline. Gives it back when the revision has been applied meanwhile.
    pub(crate) fn park(&self, request: R, need: Need, deadline: Instant) -> Option<R> {
        let mut state = self.state.lock();
        let (revision, check) = match need {
            Need::Revision(revision) if revision <= state.applied => return Some(request),
            Need::Revision(revision) => (revision, 0),
            Need::Check | Need::Lookup => (0, state.begun + 1),
        };
        let is_search = need == Need::Check;
        state.parked.push(Parked { request, revision, check, is_search, asked: false, deadline });
        drop(state);
        self.wake.notify_all();
        None
    }

    /// Waits until some request needs a catch-up; the caller then catches up and reports it. For one thread: its next
    /// call means that the last catch-up is over, reported or not.
    pub(crate) fn wait_behind(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            if let Some(at) = state.next_ask(now) {
                if at <= now {
                    state.begun += 1;
                    state.under_way = true;
                    state.parked.iter_mut().for_each(|parked| parked.asked = true);
                    state.catcher = Some(std::thread::current().id());
                    state.asked_at = Some(now);
                    return true;
                }
                if at < until {
                    self.wake.wait_until(&mut state, at);
                    continue;
                }
            }
            if state.closed || now >= until || self.wake.wait_until(&mut state, until).timed_out() {
                return false;
            }
        }
    }

    /// The brain has applied `revision`, or found that there is none above it. Gives the requests that go on.
    pub(crate) fn advanced(&self, revision: u64) -> Vec<R> {
        let mut state = self.state.lock();
        let is_check = state.under_way
            && (revision <= state.applied || state.catcher == Some(std::thread::current().id()));
        state.applied = state.applied.max(revision);
        state.under_way &= !is_check;
        let (applied, checked) = (state.applied, if is_check { state.begun } else { 0 });
        let ready = state.parked.extract_if(.., |parked| {
            parked.revision <= applied && (parked.check == 0 || parked.check <= checked)
        });
        let ready = ready.map(|parked| parked.request).collect();
        drop(state);
        self.wake.notify_all();
        ready
    }

    /// The requests whose deadline is over.
    pub(crate) fn expired(&self, now: Instant) -> Vec<R> {
        let mut state = self.state.lock();
        state.parked.extract_if(.., |parked| parked.deadline <= now).map(|parked| parked.request).collect()
    }

    /// How many catch-ups the brain was asked for.
    pub(crate) fn catch_ups(&self) -> u64 {
        self.state.lock().begun
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().parked.len()
    }

    /// Wakes the brain for the last time; gives what still waits.
    pub(crate) fn close(&self) -> Vec<R> {
        let mut state = self.state.lock();
        state.closed = true;
        let rest = state.parked.drain(..).map(|parked| parked.request).collect();
        drop(state);
        self.wake.notify_all();
        rest
    }
}

impl<R> State<R> {
    /// When the brain is to be asked for a catch-up: at once for requests that came since the last one began, a little
    /// later for those that can be made up and for those that were asked for in vain.
    fn next_ask(&self, now: Instant) -> Option<Instant> {
        let after = |pause| self.asked_at.map_or(now, |at| at + pause);
        let waiting = self.parked.iter().filter(|parked| parked.deadline > now);
        let ask_at = waiting.map(|parked| match parked {
            Parked { asked: true, .. } => after(ASK_AGAIN),
            Parked { is_search: true, .. } => now,
            Parked { .. } => after(GATHER),
        });
        ask_at.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const NOT_AT_ALL: Duration = Duration::ZERO;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn a_request_goes_on_when_its_revision_is_applied_and_not_before() {
        let parking = Parking::default();
        assert_eq!(parking.park('a', Need::Revision(0), soon()), Some('a'), "nothing to wait for");
        assert_eq!(parking.park('a', Need::Revision(2), soon()), None);
        assert!(parking.wait_behind(NOT_AT_ALL));
        assert!(parking.advanced(1).is_empty());
        assert_eq!(parking.advanced(2), ['a']);
        assert!(!parking.wait_behind(NOT_AT_ALL), "nobody waits");
    }

    #[test]
    fn one_catch_up_serves_all_that_wait_when_it_begins_and_none_that_come_later() {
        let parking = Parking::default();
        parking.park('a', Need::Check, soon());
        parking.park('b', Need::Check, soon());
        assert!(parking.wait_behind(NOT_AT_ALL));
        parking.park('c', Need::Check, soon());
        assert_eq!(parking.advanced(0), ['a', 'b']);
        assert!(parking.wait_behind(NOT_AT_ALL));
        assert_eq!(parking.advanced(7), ['c'], "the thread that was woken reports news");
    }

    #[test]
    fn a_commit_of_another_thread_is_no_check() {
        let parking = Arc::new(Parking::default());
        parking.park('a', Need::Check, soon());
        assert!(parking.wait_behind(NOT_AT_ALL));
        let committer = Arc::clone(&parking);
        let released = std::thread::spawn(move || committer.advanced(3)).join().ok();
        assert_eq!(released, Some(vec![]));
        assert_eq!(parking.advanced(3), ['a']);
    }

    #[test]
    fn a_catch_up_in_vain_is_asked_for_again_after_a_pause() {
        let parking = Parking::default();
        parking.park('a', Need::Revision(9), soon());
        assert!(parking.wait_behind(NOT_AT_ALL));
        assert!(!parking.wait_behind(NOT_AT_ALL));
        assert!(parking.wait_behind(2 * ASK_AGAIN));
    }

    #[test]
    fn lookups_are_gathered_for_a_moment_and_a_search_among_them_is_not_kept_waiting() {
        let parking = Parking::default();
        parking.park('a', Need::Lookup, soon());
        assert!(parking.wait_behind(NOT_AT_ALL), "the first one waits for nothing");
        assert_eq!(parking.advanced(0), ['a']);
        let began = Instant::now();
        parking.park('b', Need::Lookup, soon());
        parking.park('c', Need::Lookup, soon());
        assert!(parking.wait_behind(Duration::from_secs(5)));
        assert!(began.elapsed() >= GATHER / 2, "they wait for others");
        assert_eq!(parking.advanced(0), ['b', 'c']);
        parking.park('d', Need::Lookup, soon());
        parking.park('e', Need::Check, soon());
        assert!(parking.wait_behind(NOT_AT_ALL));
        assert_eq!(parking.advanced(0), ['d', 'e']);
        assert_eq!(parking.catch_ups(), 3);
    }

    #[test]
    fn a_request_past_its_deadline_is_given_back_and_wakes_nobody() {
        let parking = Parking::default();
        let now = Instant::now();
        parking.park('a', Need::Check, now);
        assert!(!parking.wait_behind(NOT_AT_ALL));
        assert_eq!(parking.expired(now), ['a']);
        assert_eq!(parking.len(), 0);
    }

    #[test]
    fn closing_gives_back_what_waits_and_wakes_the_brain() {
        let parking = Arc::new(Parking::<char>::default());
        let brain = Arc::clone(&parking);
        let brain = std::thread::spawn(move || brain.wait_behind(Duration::from_secs(60)));
        while !parking.close().is_empty() {}
        assert_eq!(brain.join().ok(), Some(false));
    }
}
