//! Waiting for sockets.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Bytes to read.
    Read,
    /// Room to write.
    Write,
    /// Either.
    Both,
}

/// Waits until one of the sockets is ready or the time is over. A signal ends it early.
pub(crate) fn poll(sockets: &[(BorrowedFd<'_>, Interest)], longest: Duration) -> io::Result<()> {
    let mut entries: Vec<libc::pollfd> = sockets
        .iter()
        .map(|(socket, interest)| libc::pollfd {
            fd: socket.as_raw_fd(),
            events: match interest {
                Interest::Read => libc::POLLIN,
                Interest::Write => libc::POLLOUT,
                Interest::Both => libc::POLLIN | libc::POLLOUT,
            },
            revents: 0,
        })
        .collect();
    // Rounded up, so that a wait never turns into a busy loop.
    let milliseconds = i32::try_from(longest.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    // SAFETY: the pointer and count are those of the vector.
    let ready = unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, milliseconds) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}
