//! Fork: a page that the kernel wipes in a child, and the list of sockets that a child must close.
//!
//! After fork a child has copies of every lock in whatever state another thread left it, and shares every socket with
//! its parent. So a child must not touch what it inherited: it recognises itself by the wiped page (no atfork
//! handlers, which crash hosts that unload libraries), forgets the inherited objects without dropping them, and closes
//! the sockets by number, without a TLS goodbye, since the parent still uses the sessions.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// How many words of the page can be used.
const WORDS: usize = 8;

/// One page of memory that reads as zeros in a child.
#[derive(Debug)]
pub struct WipedPage {
    words: &'static [AtomicU64; WORDS],
    process: u32,
    wiped_by_kernel: bool,
}

impl WipedPage {
    /// Maps a page that is never unmapped.
    pub fn new() -> Self {
        static FALLBACK: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
        let process = std::process::id();
        // SAFETY: an anonymous private mapping with no wished address has no precondition; the result is checked.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                4096,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Self { words: &FALLBACK, process, wiped_by_kernel: false };
        }
        // SAFETY: the range is the page that was just mapped.
        let wiped_by_kernel = unsafe { libc::madvise(page, 4096, libc::MADV_WIPEONFORK) } == 0;
        // SAFETY: the page is zeroed, aligned, larger than the array, never unmapped and only read as atomics.
        let words = unsafe { &*page.cast::<[AtomicU64; WORDS]>() };
        Self { words, process, wiped_by_kernel }
    }

    /// The word with this index; zero in a new child.
    pub fn word(&self, index: usize) -> &AtomicU64 {
        if !self.wiped_by_kernel && std::process::id() != self.process {
            // A kernel before 4.14: a child sees words that are zero for ever, so that it refuses instead of erring.
            static ZERO: AtomicU64 = AtomicU64::new(0);
            return &ZERO;
        }
        &self.words[index % WORDS]
    }
}

impl Default for WipedPage {
    fn default() -> Self {
        Self::new()
    }
}

/// A number that differs between a process and its children.
pub fn epoch() -> u64 {
    static PAGE: OnceLock<WipedPage> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let word = PAGE.get_or_init(WipedPage::new).word(0);
    let epoch = word.load(Ordering::Acquire);
    if epoch != 0 {
        return epoch;
    }
    let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
    match word.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => fresh,
        Err(other) => other,
    }
}

const REGISTERED: usize = 1024;

struct Registered {
    descriptor: AtomicI32,
    inode: AtomicU64,
    epoch: AtomicU64,
}

static SOCKETS: [Registered; REGISTERED] = [const {
    Registered { descriptor: AtomicI32::new(-1), inode: AtomicU64::new(0), epoch: AtomicU64::new(0) }
}; REGISTERED];

/// Notes a socket as long as this lives, so that a child can close its copy.
#[derive(Debug)]
pub(crate) struct Registration(Option<usize>);

impl Registration {
    pub(crate) fn new(socket: BorrowedFd<'_>) -> Self {
        let descriptor = socket.as_raw_fd();
        let epoch = epoch();
        for (index, entry) in SOCKETS.iter().enumerate() {
            if entry.descriptor.compare_exchange(-1, -2, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                entry.inode.store(inode(descriptor).unwrap_or(0), Ordering::Relaxed);
                entry.epoch.store(epoch, Ordering::Relaxed);
                entry.descriptor.store(descriptor, Ordering::Release);
                return Self(Some(index));
            }
        }
        Self(None) // more connections than any cluster has: the child keeps a few descriptors open
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(index) = self.0 {
            SOCKETS[index].descriptor.store(-1, Ordering::Release);
        }
    }
}

/// Closes this process's copies of the sockets that its parent opened. A descriptor that the process has closed and
/// used again for something else is told by its inode and left alone.
pub fn close_inherited() {
    let own = epoch();
    for entry in &SOCKETS {
        let descriptor = entry.descriptor.load(Ordering::Acquire);
        if descriptor == -1 || entry.epoch.load(Ordering::Relaxed) == own {
            continue;
        }
        if descriptor >= 0 && inode(descriptor) == Some(entry.inode.load(Ordering::Relaxed)) {
            // SAFETY: the descriptor is the inherited socket, and whatever owned it in the parent is never dropped here.
            unsafe { libc::close(descriptor) };
        }
        entry.descriptor.store(-1, Ordering::Release);
    }
}

fn inode(descriptor: RawFd) -> Option<u64> {
    // SAFETY: `stat` is plain data, for which zeros are a valid value.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `status` is a valid place for the answer; a closed descriptor gives an error.
    (unsafe { libc::fstat(descriptor, &raw mut status) } == 0).then_some(status.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_child_sees_zeros_and_another_epoch_and_can_close_what_it_inherited() {
        let page = WipedPage::new();
        page.word(3).store(7, Ordering::Release);
        let before = epoch();
        let Ok(socket) = std::net::UdpSocket::bind("127.0.0.1:0") else { panic!("no socket") };
        let registration = Registration::new(socket.as_fd());
        let descriptor = socket.as_raw_fd();
        // SAFETY: the child calls nothing that takes a lock, and leaves by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let mut code = 0;
            code |= i32::from(page.word(3).load(Ordering::Acquire) != 0);
            code |= i32::from(epoch() == before) << 1;
            close_inherited();
            code |= i32::from(inode(descriptor).is_some()) << 2;
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(code) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(libc::WEXITSTATUS(status), 0);
        assert_eq!(page.word(3).load(Ordering::Acquire), 7);
        close_inherited();
        assert!(inode(descriptor).is_some(), "a process does not close its own sockets");
        drop(registration);
    }
}
