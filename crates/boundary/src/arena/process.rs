//! What is asked of the kernel for the whole process.

use super::pages;
use crate::{Error, Result};

/// What is locked in advance where later there is no right to: 100,000 keys take 60 MiB, and the keys in use some more.
const RESERVE_LENGTH: usize = 256 * 1024 * 1024;

/// Prepares for [`lock_process`] before the process gives up its capabilities: where the limit of locked memory cannot
/// be lifted but `CAP_IPC_LOCK` is there, locks a reserve for keys.
pub fn lock_in_advance() {
    if !lift_limit() && may_lock_memory() {
        // Where this fails, `lock_process` says so.
        pages::reserve(RESERVE_LENGTH);
    }
}

/// Locks the pages of the process, present and future, as they come into use, so that copies of keys on their way are
/// never swapped. A process with a reserve for its keys ([`lock_in_advance`]) has locked what it can.
///
/// # Errors
/// The kernel refuses, or would refuse later allocations: the text says what to do.
pub fn lock_process() -> Result<()> {
    if pages::has_reserve() {
        return Ok(());
    }
    // Under a finite limit the call could succeed and every later allocation beyond the limit fail.
    if !lift_limit() && !may_lock_memory() {
        return Err(refused("the limit of locked memory is too low".to_owned()));
    }
    // SAFETY: no memory is touched by us.
    if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) } == 0 {
        return Ok(());
    }
    Err(refused(std::io::Error::last_os_error().to_string()))
}

/// Lifts the limit of locked memory; `false` where one remains.
fn lift_limit() -> bool {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    let mut limit = unlimited;
    // SAFETY: the structures are valid. Raising the limit is tried and may fail.
    unsafe {
        libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited);
        libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit);
    }
    limit.rlim_cur == libc::RLIM_INFINITY
}

/// Whether the process has `CAP_IPC_LOCK`, for which the limit does not count.
fn may_lock_memory() -> bool {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_IPC_LOCK: u32 = 14;
    let mut header = [VERSION_3, 0];
    let mut data = [[0_u32; 3]; 2];
    // SAFETY: header and data have the layout of version 3: (version, pid) and two of (effective, permitted,
    // inheritable).
    let result = unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), data.as_mut_ptr()) };
    result == 0 && data[0][0] & (1 << CAP_IPC_LOCK) != 0
}

fn refused(reason: String) -> Error {
    Error::failed(format!(
        "memory cannot be locked ({reason}): raise the limit (systemd: LimitMEMLOCK=infinity; docker: --ulimit \
         memlock=-1 or --cap-add IPC_LOCK), or start with --allow-unlocked-memory if keys may reach the swap space"
    ))
}
