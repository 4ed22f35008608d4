//! Work that anybody may ask for runs at a lower priority than that of clients who have logged in.

use std::panic::resume_unwind;

/// A tenth of a core where others want it (sched(7)), a whole one where nobody does.
const NICENESS: i32 = 10;

/// Lowers the calling thread's priority for good. Where the system refuses, it competes with the rest.
pub(crate) fn lower() {
    // On Linux the priority of process 0 is the calling thread's (setpriority(2)).
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// Does `work` in a thread of its own and at low priority, and waits for it: for the stretching of passwords, beside which a
/// thread costs nothing. How many run at once is the caller's to bound.
///
/// # Errors
/// The system gives no thread.
pub fn at_low_priority<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.into()).spawn_scoped(scope, || {
            lower();
            work()
        })?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn the_work_is_done_at_low_priority_and_the_caller_keeps_its_own() {
        let before = getpriority_process(None).unwrap();
        let during = at_low_priority("test", || getpriority_process(None).unwrap()).unwrap();
        assert!(during >= NICENESS && during > before, "{during} from {before}");
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
