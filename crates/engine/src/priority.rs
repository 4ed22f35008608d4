//! Work that anybody may ask for runs at a lower priority than that of clients who have logged in.

use std::panic::resume_unwind;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A tenth of a core where others want it (sched(7)), a whole one where nobody does.
const NICENESS: i32 = 10;

/// Lowers the calling thread's priority for good. Where the system refuses, it competes with the rest.
pub(crate) fn lower() {
    // On Linux the priority of process 0 is the calling thread's (setpriority(2)).
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// Does `work` in a thread of its own and at low priority, and waits for it: for the stretching of passwords, beside which a
/// thread costs nothing. Gives the thread's CPU time too. How many run at once is the caller's to bound.
///
/// # Errors
/// The system gives no thread.
pub fn at_low_priority<T: Send>(
    name: &str,
    work: impl FnOnce() -> T + Send,
) -> std::io::Result<(T, Duration)> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.into()).spawn_scoped(scope, || {
            lower();
            let done = work();
            (done, own_cpu_time())
        })?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// What the calling thread has used since it began.
fn own_cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn the_work_is_done_at_low_priority_and_the_caller_keeps_its_own() {
        let before = getpriority_process(None).unwrap();
        let (during, _) = at_low_priority("test", || getpriority_process(None).unwrap()).unwrap();
        assert!(during >= NICENESS && during > before, "{during} from {before}");
        assert_eq!(getpriority_process(None).unwrap(), before);
    }

    #[test]
    fn the_cpu_time_is_that_of_the_work_and_not_of_a_sleep() {
        let long = Duration::from_millis(30);
        let (_, asleep) = at_low_priority("test", || std::thread::sleep(long)).unwrap();
        let (_, busy) = at_low_priority("test", || while own_cpu_time() < long {}).unwrap();
        assert!(asleep < long && busy >= long, "{asleep:?} {busy:?}");
    }
}
