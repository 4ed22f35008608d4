//! The system calls that an HSM process needs, by who needs them.
//!
//! Not listed, and so refused: starting programs and processes (`execve`, `fork`), looking into others (`ptrace`,
//! `process_vm_readv`, `kill`, `pidfd_getfd`), `capset`, `setuid`, `mount`, `unshare`, `bpf`, `perf_event_open`,
//! `io_uring_setup`, `userfaultfd`, `keyctl`, `memfd_create`, modules, clocks, reboot, and whatever the kernel learns later.

use libc::c_long;

/// What arguments a call may have.
pub enum Arguments {
    /// The argument is one of these.
    OneOf { index: u8, values: &'static [u64] },
    /// The argument has all these bits.
    AllBits { index: u8, bits: u64 },
    /// The argument does not have both bits.
    NotAllBits { index: u8, bits: (u64, u64) },
    /// The argument is this process's number.
    OwnProcess { index: u8 },
}

/// Answered with `ENOSYS`: the arguments are in memory, where the filter cannot look, and the C library has another way.
pub static MISSING: &[c_long] = &[libc::SYS_clone3];

/// Allowed whatever their arguments are.
pub static FREE: &[c_long] = &[
    // Memory: the C library's heap, Python's, the locked arena.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mlock,
    libc::SYS_mlock2,
    libc::SYS_mlockall,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_munlock,
    libc::SYS_munmap,
    // Threads, locks, signals, the end.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_membarrier,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    // Time and randomness.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    // Who and where the process is: Python's `os`, SQLite, the allocator.
    libc::SYS_getcwd,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getrusage,
    libc::SYS_getuid,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
    // Files: Python's imports, the store, the HSM's own directory, its log.
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pipe2,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_umask,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
    // Sockets: the port, the wake-ups of a store, a database server.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_listen,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    // The names that these have on this architecture alone.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getrlimit,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pipe,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
];

const WRITABLE_CODE: (u64, u64) = (libc::PROT_WRITE as u64, libc::PROT_EXEC as u64);
const FAMILIES: &[u64] = &[libc::AF_UNIX as u64, libc::AF_INET as u64, libc::AF_INET6 as u64];

/// Allowed with some arguments.
pub static RESTRICTED: &[(c_long, Arguments)] = &[
    // Threads, never processes.
    (libc::SYS_clone, Arguments::AllBits { index: 0, bits: libc::CLONE_THREAD as u64 }),
    // No page is writable and executable.
    (libc::SYS_mmap, Arguments::NotAllBits { index: 2, bits: WRITABLE_CODE }),
    (libc::SYS_mprotect, Arguments::NotAllBits { index: 2, bits: WRITABLE_CODE }),
    (libc::SYS_socket, Arguments::OneOf { index: 0, values: FAMILIES }),
    (libc::SYS_socketpair, Arguments::OneOf { index: 0, values: &[libc::AF_UNIX as u64] }),
    // Signals to its own threads: `abort`, `pthread_kill`.
    (libc::SYS_tgkill, Arguments::OwnProcess { index: 0 }),
    // Names of threads; nothing else of prctl(2).
    (
        libc::SYS_prctl,
        Arguments::OneOf { index: 0, values: &[libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64] },
    ),
    // A thread's own priority: password checks step back (PRIO_PROCESS).
    (libc::SYS_setpriority, Arguments::OneOf { index: 0, values: &[0] }),
    // Its own limits.
    (libc::SYS_prlimit64, Arguments::OneOf { index: 0, values: &[0] }),
    // What Python's files and sockets ask; no terminal can be typed into (TIOCSTI).
    (
        libc::SYS_ioctl,
        Arguments::OneOf {
            index: 1,
            values: &[
                libc::TCGETS,
                libc::TIOCGWINSZ,
                libc::FIONREAD,
                libc::FIONBIO,
                libc::FIOCLEX,
                libc::FIONCLEX,
            ],
        },
    ),
];
