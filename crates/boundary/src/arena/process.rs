//! What is asked of the kernel for the whole process.

use crate::{Error, Result};

/// Locks the pages of the process, present and future, as they come into use, so that the crypto library's own objects
/// are never swapped.
///
/// # Errors
/// The kernel refuses, or would refuse later allocations: the text says what to do.
pub fn lock_process() -> Result<()> {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    let mut limit = unlimited;
    // SAFETY: the structures are valid. Raising the limit is tried and may fail.
    unsafe {
        libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited);
        libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit);
    }
    // Under a finite limit the call could succeed and every later allocation beyond the limit fail.
    if limit.rlim_cur != libc::RLIM_INFINITY && !may_lock_memory() {
        return Err(refused(format!("the limit of locked memory is {} bytes", limit.rlim_cur)));
    }
    // SAFETY: no memory is touched by us.
    if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) } == 0 {
        return Ok(());
    }
    Err(refused(std::io::Error::last_os_error().to_string()))
}

/// No core dumps, and no debugger of the same user.
///
/// # Errors
/// The kernel refuses.
pub fn harden_process() -> Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid; prctl takes numbers only.
    let done = unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none) == 0
            && libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    };
    if done {
        return Ok(());
    }
    Err(Error::failed(format!("core dumps cannot be switched off: {}", std::io::Error::last_os_error())))
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
